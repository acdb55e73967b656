"""How the parts of a page become HTML: templates filled, everything escaped, links checked.

Everything that stands in a page is data: names in run folders are whatever somebody wrote there. The page asks nothing
of the network, and its content security policy lets no other script run than its own.
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

_FOLDER = Path(__file__).parent


def links_to(folder: Path, files: Sequence[str]) -> list[dict[str, str]]:
    """Download links of files: address, short label, size."""
    kinds = [PurePosixPath(name).suffix.lstrip(".").upper() for name in files]
    links = []
    for name, kind in zip(files, kinds, strict=True):
        size = path_inside(folder, name).stat().st_size
        shown = f"{max(1, round(size / 1000))} kB" if size < 1_000_000 else f"{size / 1e6:.1f} MB"
        file = PurePosixPath(name).name
        label = kind if kinds.count(kind) == 1 else file  # two links of one name lead nowhere in particular
        links.append({"href": href_to(folder, name), "label": label, "size": shown, "name": file})
    return links


def href_to(folder: Path, name: str) -> str:
    """Address of a file that lies in the page's folder."""
    path_inside(folder, name)
    return quote(name)


def path_inside(folder: Path, name: str) -> Path:
    """The file, if it lies in the page's folder."""
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts or not pure.parts:
        raise ValueError(f"files of a page must be named relative to it and lie below it, got {name!r}")
    path = folder / pure
    if not path.is_file():
        raise FileNotFoundError(f"{path}: named by the page but not there")
    return path


def _inline(text: str) -> Markup:
    """Escape, then set words between backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


@dataclass(frozen=True)
class PageParts:
    """What a page of this package is made of besides its data.

    Parameters
    ----------
    folder : Path
        Holds the templates.
    css, script : str
        Put into the page by its template; no other style or script takes effect there.
    images : str
        Where pictures may come from, in the words of a content security policy.
    """

    folder: Path
    css: str
    script: str
    images: str = "data:"

    @property
    def policy(self) -> str:
        """The content security policy: nothing from the network, this style and this script."""
        return (
            f"default-src 'none'; img-src {self.images}; style-src {_digest(self.css)}; "
            f"script-src {_digest(self.script)}"
        )


@cache
def _report_parts() -> PageParts:
    css, script = ((_FOLDER / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    return PageParts(_FOLDER, css, script)


def filled(template: str, parts: PageParts | None = None, **values: Any) -> str:
    """Fill a template of a page's parts, those of the report by default; a missing value is an error."""
    parts = parts or _report_parts()
    environment = Environment(
        loader=FileSystemLoader(parts.folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["inline"] = _inline
    return environment.get_template(template).render(
        css=Markup(parts.css), script=Markup(parts.script), policy=Markup(parts.policy), **values
    )


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
