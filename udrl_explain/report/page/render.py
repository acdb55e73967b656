"""The report's page: one self-contained HTML file, a section per question, pictures first.

Everything that stands in a page is data and is escaped: names in run folders are whatever somebody wrote there. The
page asks nothing of the network, and its content security policy lets no other script run than its own.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from udrl_explain.report.findings.finding import Finding
from udrl_explain.report.page.cells import shown_table
from udrl_explain.report.page.images import web_images
from udrl_explain.tables import read_csv

_FOLDER = Path(__file__).parent
_ANCHOR = re.compile(r"[a-z][a-z0-9-]*")


@dataclass(frozen=True)
class Picture:
    """A figure on the page.

    Parameters
    ----------
    file : str
        The PNG, relative to the page. A smaller rendition is put into the page; the file itself is linked.
    title : str
        What it shows.
    how_to_read : str
        One sentence.
    downloads : sequence of str
        Other files of the same figure (PDF, CSV, ...), relative to the page.
    alt : str
        For readers who do not see it; the title where empty.
    """

    file: str
    title: str
    how_to_read: str
    downloads: Sequence[str] = ()
    alt: str = ""


@dataclass(frozen=True, eq=False)
class TableBlock:
    """A table on the page.

    Parameters
    ----------
    source : DataFrame or str
        The table, or the CSV that holds it, relative to the page (which is then linked).
    title : str
        What it holds.
    caption : str
        What a row is and what the columns mean.
    downloads : sequence of str
        Files of the table, relative to the page.
    max_rows : int
        Rows shown; the rest is in the CSV, and the page says so.
    columns : sequence of str, optional
        Which columns to show; all by default.
    """

    source: pd.DataFrame | str
    title: str
    caption: str
    downloads: Sequence[str] = ()
    max_rows: int = 20
    columns: Sequence[str] | None = None


@dataclass(frozen=True, eq=False)
class Promised:
    """Pictures that are still being drawn.

    Parameters
    ----------
    wait : callable
        Returns them when they are ready, or raises what drawing raised.
    """

    wait: Callable[[], Sequence[Picture]]


Item = Picture | TableBlock | Promised


@dataclass(frozen=True)
class Section:
    """The answer to one question.

    Parameters
    ----------
    question : str
        The heading.
    anchor : str
        For links: lower-case letters, digits and hyphens.
    intro : str
        What the answer rests on: method, rows, whether it is exact.
    items : sequence of Picture or TableBlock
        Pictures are shown first, whatever their order here. Promised ones must be :meth:`ready` before the page is
        rendered.
    notes : sequence of str
        Cautions a reader must not miss.
    """

    question: str
    anchor: str
    intro: str
    items: Sequence[Item] = ()
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not _ANCHOR.fullmatch(self.anchor):
            raise ValueError(f"anchor must be lower-case letters, digits and hyphens, got {self.anchor!r}")

    def ready(self) -> "Section":
        """Wait for promised pictures; raises what drawing them raised."""
        items = [part for item in self.items for part in (item.wait() if isinstance(item, Promised) else [item])]
        return replace(self, items=items)


@dataclass(frozen=True)
class Page:
    """A whole report.

    Parameters
    ----------
    title : str
        The heading.
    lead : str
        What the report is about, in a sentence or two.
    sections : sequence of Section
        In reading order; anchors differ.
    settings : mapping
        Names and values that the numbers depend on.
    problems : sequence of (str, str)
        Folder and reason of every run that could not be read.
    provenance : mapping
        Where the numbers come from: runs and hashes, versions, command line.
    findings : sequence of Finding
        The answers on top of the page.
    """

    title: str
    lead: str
    sections: Sequence[Section]
    settings: Mapping[str, str] = field(default_factory=dict)
    problems: Sequence[tuple[str, str]] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)
    findings: Sequence[Finding] = ()

    def __post_init__(self) -> None:
        anchors = [section.anchor for section in self.sections]
        if len(set(anchors)) != len(anchors):
            raise ValueError(f"anchors of sections must differ, got {anchors}")


@dataclass(frozen=True)
class IndexEntry:
    """One report in the list of reports.

    Parameters
    ----------
    name : str
        Usually the environment.
    file : str
        The report's page, relative to the index.
    summary : str
        A sentence.
    picture : str
        A PNG to show, relative to the index; none where empty.
    """

    name: str
    file: str
    summary: str = ""
    picture: str = ""


def render(page: Page, directory: str | Path, *, n_jobs: int | None = None) -> str:
    """Give the page as one HTML file.

    Parameters
    ----------
    page : Page
        Texts are plain; words between backticks become code.
    directory : str or Path
        The folder where the page will lie, with the files it names.
    n_jobs : int, optional
        Threads for the pictures; None takes all cores.

    Returns
    -------
    str
        The HTML, to be written as UTF-8 to ``directory / "report.html"``. Under 5 MB: pictures are made smaller until
        they fit.

    Raises
    ------
    ValueError
        For a file that is named by an absolute path or lies outside `directory`.
    FileNotFoundError
        For a file that is not there.
    """
    folder = Path(directory)
    pictures = [item for section in page.sections for item in section.items if isinstance(item, Picture)]
    images = web_images([path_inside(folder, picture.file) for picture in pictures], n_jobs)
    image_of = dict(zip(map(id, pictures), images, strict=True))
    sections = []
    for section in page.sections:
        shown = [
            {"item": item, "image": image_of[id(item)], "downloads": links_to(folder, [item.file, *item.downloads])}
            for item in section.items
            if isinstance(item, Picture)
        ]
        tables = [_table(folder, item) for item in section.items if isinstance(item, TableBlock)]
        sections.append({"section": section, "pictures": shown, "tables": tables})
    return filled("page.html.jinja", page=page, sections=sections)


def render_index(
    entries: Sequence[IndexEntry],
    directory: str | Path,
    *,
    title: str = "Reports",
    problems: Sequence[tuple[str, str]] = (),
    provenance: Mapping[str, str] | None = None,
    n_jobs: int | None = None,
) -> str:
    """Give the page that leads to several reports, as one HTML file; files and errors as in :func:`render`."""
    folder = Path(directory)
    with_picture = [entry for entry in entries if entry.picture]
    images = web_images([path_inside(folder, entry.picture) for entry in with_picture], n_jobs)
    image_of = dict(zip([entry.name for entry in with_picture], images, strict=True))
    cards = [
        {"entry": entry, "href": href_to(folder, entry.file), "image": image_of.get(entry.name)} for entry in entries
    ]
    return filled(
        "index.html.jinja", title=title, cards=cards, problems=list(problems), provenance=dict(provenance or {})
    )


def _table(folder: Path, item: TableBlock) -> dict[str, Any]:
    if isinstance(item.source, str):
        frame = read_csv(path_inside(folder, item.source))
        files = [item.source, *(name for name in item.downloads if name != item.source)]
    else:
        frame, files = item.source, list(item.downloads)
    if item.columns is not None:
        frame = frame[list(item.columns)]
    return {"item": item, "table": shown_table(frame, item.max_rows), "downloads": links_to(folder, files)}


def links_to(folder: Path, files: Sequence[str]) -> list[dict[str, str]]:
    """Links to files of a page's folder, each with its kind and size."""
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
    """Address of a file of a page's folder."""
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


def filled(template: str, **values: Any) -> str:
    """Fill in a template of this folder; everything is escaped, and the page may run no script but its own."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["inline"] = _inline
    css, script = ((_FOLDER / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    policy = f"default-src 'none'; img-src data:; style-src {_digest(css)}; script-src {_digest(script)}"
    return environment.get_template(template).render(
        css=Markup(css), script=Markup(script), policy=Markup(policy), **values
    )


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
