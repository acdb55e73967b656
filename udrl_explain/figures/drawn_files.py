"""The figures of one written table as files: a piece of work that another process can take over."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt

from udrl_explain.figures.alt_text import alt_text
from udrl_explain.figures.catalogue import draw
from udrl_explain.figures.export import save
from udrl_explain.figures.style import paper_style


@dataclass(frozen=True)
class FigureTask:
    """What to draw, and where to.

    Parameters
    ----------
    table : Path
        A CSV file of a kind that :func:`~udrl_explain.figures.catalogue.draw` knows, its companions beside it.
    folder : Path
        Receives ``<name>.<suffix>`` for each figure of the table.
    style : str
    suffixes : tuple of str
    titles : mapping
        Title by name of the figure; "" is the title of every figure not named.
    runs : str
        Where the numbers come from, for the files' metadata.
    about : str
        What sets the figures apart from those of equal titles, e.g. the estimator; stands before the title in files.
    """

    table: Path
    folder: Path
    style: str
    suffixes: tuple[str, ...]
    titles: Mapping[str, str]
    runs: str
    about: str = ""


class DrawnFigure(NamedTuple):
    """A figure that was saved.

    Parameters
    ----------
    name : str
        Of its files, without suffix.
    title : str
    alt : str
        Its alternative text; empty where the plot function says nothing.
    """

    name: str
    title: str
    alt: str


def draw_files(task: FigureTask) -> list[DrawnFigure]:
    """Draw and save all figures of a table.

    Settings of matplotlib made elsewhere, by hand or in a file, count for nothing: every process draws the same.

    Returns
    -------
    list of DrawnFigure

    Raises
    ------
    OSError, ValueError
        As from :func:`~udrl_explain.figures.catalogue.draw` and :func:`~udrl_explain.figures.export.save`.
    """
    drawn = []
    with plt.style.context("default"), paper_style(task.style):
        for name, figure in draw(task.table).items():
            title = task.titles.get(name, task.titles.get("", name))
            drawn.append(DrawnFigure(name, title, alt_text(figure)))
            for suffix in task.suffixes:
                metadata = {"Title": ": ".join(filter(None, (task.about, title))), "runs": task.runs}
                save(figure, task.folder / f"{name}.{suffix}", metadata=metadata)
            plt.close(figure)
    return drawn
