"""The page of a study: its table first, what it found, the reports, the pictures, and what is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from udrl_explain.report.findings.finding import Finding
from udrl_explain.report.page.html import filled, href_to, links_to, path_inside
from udrl_explain.report.page.images import web_images
from udrl_explain.report.page.index import IndexEntry
from udrl_explain.report.page.render import Picture


@dataclass(frozen=True, eq=False)
class StudyPage:
    """What stands on the page of a study.

    Parameters
    ----------
    title, lead : str
    table : DataFrame
        Rows of text; columns `env_name`, `best`, and those of `headings`.
    headings : sequence of str
    caption : str
        What a row is, what the columns mean, and what bold means.
    downloads : sequence of str
        Files of the table, relative to the page.
    findings : sequence of Finding
    pictures : mapping of str to sequence of Picture
        By environment; files relative to the page.
    unfinished : sequence of (str, str)
        Trainings without a result, and why.
    provenance : mapping
    """

    title: str
    lead: str
    table: pd.DataFrame
    headings: Sequence[str]
    caption: str
    downloads: Sequence[str]
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
    table = [
        (
            env_name,
            [
                {"best": bool(best), "cells": cells}
                for best, cells in zip(rows["best"], rows[list(page.headings)].to_numpy().tolist(), strict=True)
            ],
        )
        for env_name, rows in page.table.groupby("env_name", sort=False)
    ]
    cards = [{"entry": entry, "href": href_to(folder, entry.file)} for entry in entries]
    return filled(
        "study.html.jinja", page=page, table=table, cards=cards, pictures=pictures, problems=list(problems),
        downloads=links_to(folder, list(page.downloads)),
    )  # fmt: skip
