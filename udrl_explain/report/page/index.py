"""The page that leads to several reports: what each one found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from udrl_explain.report.findings.finding import Finding
from udrl_explain.report.page.html import filled, href_to, path_inside
from udrl_explain.report.page.images import web_images


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
    findings : sequence of Finding
        Of the report; their links lead into it.
    """

    name: str
    file: str
    summary: str = ""
    picture: str = ""
    findings: Sequence[Finding] = ()


def render_index(
    entries: Sequence[IndexEntry],
    directory: str | Path,
    *,
    title: str = "Reports",
    problems: Sequence[tuple[str, str]] = (),
    provenance: Mapping[str, str] | None = None,
    n_jobs: int | None = None,
) -> str:
    """Give the page that leads to several reports, as one HTML file; files and errors as in ``render``."""
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
