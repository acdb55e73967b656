"""The page of a study: its table first, what it found, the reports, obedience, the pictures, and what is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from udrl_explain.report.findings.finding import Finding
from udrl_explain.report.page.html import filled, href_to, links_to, path_inside
from udrl_explain.report.page.images import web_images
from udrl_explain.report.page.index import IndexEntry
from udrl_explain.report.page.render import Picture


def headings_of(rows: pd.DataFrame) -> list[str]:
    """Names of the columns of a study's rows of text that are shown: all but `env_name` and `best`."""
    return [str(name) for name in rows.columns if name not in ("env_name", "best")]


@dataclass(frozen=True, eq=False)
class StudyTable:
    """A table of experiments, one part per environment.

    Parameters
    ----------
    name : str
        What its numbers are: "Final returns".
    rows : DataFrame
        Of text; columns `env_name`, `best` and those that are shown, the first of which names the experiment.
    caption : str
        What a row is, what the columns mean, and what bold means.
    downloads : sequence of str
        Its files, relative to the page.
    """

    name: str
    rows: pd.DataFrame
    caption: str
    downloads: Sequence[str]

    @property
    def headings(self) -> list[str]:
        """Names of the columns that are shown."""
        return headings_of(self.rows)

    @property
    def parts(self) -> list[tuple[str, list[tuple[bool, list[str]]]]]:
        """Environment, and for each of its experiments whether it is the best, and its cells."""
        return [
            (str(env_name), list(zip(here["best"].tolist(), here[self.headings].to_numpy().tolist(), strict=True)))
            for env_name, here in self.rows.groupby("env_name", sort=False)
        ]


@dataclass(frozen=True, eq=False)
class StudyPage:
    """What stands on the page of a study.

    Parameters
    ----------
    title, lead : str
    returns, obedience : StudyTable
        On top of the page, and above its pictures; the second is left out where it has no rows.
    findings : sequence of Finding
    pictures : mapping of str to sequence of Picture
        By environment; files relative to the page.
    unfinished : sequence of (str, str)
        Trainings without a result, and why.
    provenance : mapping
    """

    title: str
    lead: str
    returns: StudyTable
    obedience: StudyTable
    findings: Sequence[Finding]
    pictures: Mapping[str, Sequence[Picture]]
    unfinished: Sequence[tuple[str, str]] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)


def render_study(
    page: StudyPage,
    entries: Sequence[IndexEntry],
    directory: str | Path,
    *,
    problems: Sequence[tuple[str, str]] = (),
    n_jobs: int | None = None,
) -> str:
    """Give the page of a study as one HTML file.

    Parameters
    ----------
    page : StudyPage
    entries : sequence of IndexEntry
        The reports that it leads to.
    directory : str or Path
        Where the page will lie, with the files it names.
    problems : sequence of (str, str)
        Runs that the reports left out, with reasons.
    n_jobs : int, optional
        Threads for the pictures; None takes all cores.

    Raises
    ------
    ValueError
        For a file that is named by an absolute path or lies outside `directory`.
    FileNotFoundError
        For a file that is not there.
    """
    folder = Path(directory)
    listed = [picture for pictures in page.pictures.values() for picture in pictures]
    images = iter(web_images([path_inside(folder, picture.file) for picture in listed], n_jobs))
    pictures = [
        (
            env_name,
            [
                {"item": one, "image": next(images), "downloads": links_to(folder, [one.file, *one.downloads])}
                for one in shown
            ],
        )
        for env_name, shown in page.pictures.items()
    ]
    cards = [{"entry": entry, "href": href_to(folder, entry.file)} for entry in entries]
    downloads = {table.name: links_to(folder, list(table.downloads)) for table in (page.returns, page.obedience)}
    return filled(
        "study.html.jinja", page=page, downloads=downloads, cards=cards, pictures=pictures, problems=list(problems)
    )
