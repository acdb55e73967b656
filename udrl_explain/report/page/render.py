"""The report's page: one self-contained HTML file.

Findings and an overview stand on top, then pictures by question; tables, further pictures and the method are behind a
click.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from udrl_explain.report.findings.finding import Finding
from udrl_explain.report.page.cells import shown_table
from udrl_explain.report.page.folding import findings_height, fold, notes_height, overview_height
from udrl_explain.report.page.html import filled, href_to, links_to, path_inside
from udrl_explain.report.page.images import WebImage, web_images
from udrl_explain.tables import read_csv

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
    estimator : str
        Label of the one experiment that it is about; empty where it is about all. Pictures of one title and different
        experiments stand side by side, and the page can be narrowed to one experiment.
    detail : str
        What else sets it apart from the others of its title, e.g. the seed.
    """

    file: str
    title: str
    how_to_read: str
    downloads: Sequence[str] = ()
    alt: str = ""
    estimator: str = ""
    detail: str = ""

    @property
    def caption(self) -> str:
        """What stands below it: experiment and detail; empty where its title says all."""
        return ", ".join(part for part in (self.estimator, self.detail) if part)

    @property
    def group(self) -> str:
        """Pictures of equal groups stand together."""
        return self.title if self.estimator else self.how_to_read


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
    estimator : str
        As for pictures.
    """

    source: pd.DataFrame | str
    title: str
    caption: str
    downloads: Sequence[str] = ()
    max_rows: int = 20
    columns: Sequence[str] | None = None
    estimator: str = ""


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
        In plain words: what the pictures show.
    items : sequence of Picture or TableBlock
        Pictures are shown first, whatever their order here; those of the first group openly, the rest behind a click,
        and so are all tables. Promised ones must be :meth:`ready` before
        the page is rendered.
    notes : sequence of str
        Cautions a reader must not miss. One that an earlier section gave is not repeated.
    method : str
        What the answer rests on, in small print: method, rows, whether it is exact.
    """

    question: str
    anchor: str
    intro: str
    items: Sequence[Item] = ()
    notes: Sequence[str] = ()
    method: str = ""

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
    overview : TableBlock, optional
        One row per experiment, below the findings.
    notes : sequence of str
        What a reader must know of the runs, for instance that they were imported.
    player : str
        A page beside this one in which the policies can be played, relative to it; none where empty.
    """

    title: str
    lead: str
    sections: Sequence[Section]
    settings: Mapping[str, str] = field(default_factory=dict)
    problems: Sequence[tuple[str, str]] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    overview: TableBlock | None = None
    notes: Sequence[str] = ()
    player: str = ""

    def __post_init__(self) -> None:
        anchors = [section.anchor for section in self.sections]
        if len(set(anchors)) != len(anchors):
            raise ValueError(f"anchors of sections must differ, got {anchors}")


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
    told = set[str]()
    sections = []
    for section in page.sections:
        tables = [_table(folder, item) for item in section.items if isinstance(item, TableBlock)]
        notes = [note for note in dict.fromkeys(section.notes) if note not in told]
        told.update(notes)
        groups = _groups(folder, section, image_of)
        sections.append({"section": section, "notes": notes, "groups": groups, "tables": tables})
    n_rows = page.overview.max_rows if page.overview is not None else 0
    answers = [(finding.answer, finding.evidence) for finding in page.findings]
    fold(sections, above=findings_height(answers) + notes_height(page.notes) + overview_height(n_rows))
    return filled(
        "page.html.jinja",
        page=page,
        sections=sections,
        overview=_table(folder, page.overview) if page.overview is not None else None,
        player=href_to(folder, page.player) if page.player else "",
        estimators=list(dict.fromkeys(picture.estimator for picture in pictures if picture.estimator)),
    )


def _groups(folder: Path, section: Section, image_of: Mapping[int, WebImage]) -> list[dict[str, Any]]:
    """Pictures that belong together; how to read them is said once in a section."""
    groups: dict[str, dict[str, Any]] = {}
    told = set[str]()
    for item in section.items:
        if not isinstance(item, Picture):
            continue
        if item.group not in groups:
            how = "" if item.how_to_read in told else item.how_to_read
            told.add(item.how_to_read)
            groups[item.group] = {"title": item.title, "how": how, "pictures": []}
        shown = {"item": item, "image": image_of[id(item)], "downloads": links_to(folder, [item.file, *item.downloads])}
        groups[item.group]["pictures"].append(shown)
    return list(groups.values())


def _table(folder: Path, item: TableBlock) -> dict[str, Any]:
    if isinstance(item.source, str):
        frame = read_csv(path_inside(folder, item.source))
        files = [item.source, *(name for name in item.downloads if name != item.source)]
    else:
        frame, files = item.source, list(item.downloads)
    if item.columns is not None:
        frame = frame[list(item.columns)]
    return {"item": item, "table": shown_table(frame, item.max_rows), "downloads": links_to(folder, files)}
