"""The figures of one written table as files: a piece of work that another process can take over."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt

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
    """

    table: Path
    folder: Path
    style: str
    suffixes: tuple[str, ...]
    titles: Mapping[str, str]
    runs: str


def draw_files(task: FigureTask) -> dict[str, str]:
    """Draw and save all figures of a table.

    Settings of matplotlib made elsewhere, by hand or in a file, count for nothing: every process draws the same.

    Returns
    -------
    dict of str
        Title of each figure by its name.

    Raises
    ------
    OSError, ValueError
        As from :func:`~udrl_explain.figures.catalogue.draw` and :func:`~udrl_explain.figures.export.save`.
    """
    titles = {}
    with plt.style.context("default"), paper_style(task.style):
        for name, figure in draw(task.table).items():
            titles[name] = task.titles.get(name, task.titles.get("", name))
            for suffix in task.suffixes:
                metadata = {"Title": titles[name], "runs": task.runs}
                save(figure, task.folder / f"{name}.{suffix}", metadata=metadata)
            plt.close(figure)
    return titles
