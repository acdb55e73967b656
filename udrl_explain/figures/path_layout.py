"""How a path fits a page: all is measured in lines of text, and tests in the middle are left out where needed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.layout_engine import ConstrainedLayoutEngine

from udrl_explain.figures.lettering import legend_look, size_of, wrapped
from udrl_explain.figures.path_drawing import path_handles, points_of
from udrl_explain.figures.style import figure_of, is_wide, page_height

TALLEST, FLATTEST = 2.25, 1.75  # lines that a test takes: at best, and so that its words still fit its box
_LINE = 1.25  # text sizes from line to line
_PADDING = 1.5  # lines lost around the Axes


@dataclass(frozen=True)
class PathLayout:
    """An Axes whose y counts lines of text downwards, and what fits there.

    Parameters
    ----------
    axes : Axes
    step : float
        Lines that a test takes.
    wide : bool
        Whether there is room for units and bars.
    """

    axes: Axes
    step: float
    wide: bool

    @property
    def setting(self) -> str:
        """Text size of the tests: in narrow columns as small as text in a figure gets."""
        return "font.size" if self.wide else "xtick.labelsize"


def lines_for_tests(other_lines: float, *, parts: bool, histograms: bool, title: str) -> float:
    """Lines that a page leaves for tests beside `other_lines`, the title and the legend."""
    width = plt.rcParams["figure.figsize"][0] * 72 * 0.97
    around = other_lines + _title(title, width).count("\n") + 1 + _legend_lines(width, parts, histograms) + _PADDING
    return float(page_height() * 72 / (_LINE * size_of("font.size")) - around)


def lay_out(
    ax: Axes | None, n_tests: float, other_lines: float, *, parts: bool, histograms: bool, title: str
) -> PathLayout:
    """Axes without frame for `n_tests` tests and other lines, with its title and legend.

    Parameters
    ----------
    ax : Axes or None
        None: a new figure, as high as needed, at most as high as the page.
    n_tests : float
        Tests below one another; those with a histogram below them count more.
    other_lines : float
    parts, histograms : bool
        What the legend explains.
    title : str
    """
    step, own = TALLEST, ax is None
    if ax is None:
        step = min(TALLEST, lines_for_tests(other_lines, parts=parts, histograms=histograms, title=title) / n_tests)
        step = max(step, FLATTEST)
        width = plt.rcParams["figure.figsize"][0]
        words = _title(title, width * 72 * 0.97).count("\n") + 1 + _legend_lines(width * 72 * 0.97, parts, histograms)
        lines = n_tests * step + other_lines + words + _PADDING
        height = min(lines * _LINE * size_of("font.size") / 72, page_height())
        ax = plt.subplots(figsize=(width, height))[1]
    ax.set_axis_off()
    ax.set_xlim(0.0, 1.0)
    ax.set_ylim(n_tests * step + other_lines, 0.0)
    points = points_of(ax, 0.97)
    ax.set_title(_title(title, points))
    handles = path_handles(parts=parts, histograms=histograms)
    look = legend_look([str(handle.get_label()) for handle in handles], points)
    engine = figure_of(ax).get_layout_engine()
    if own and isinstance(engine, ConstrainedLayoutEngine):
        # Outside of the layout, which would make the Axes narrower for a legend that is wider than they are.
        share = (
            _legend_lines(points, parts, histograms) * _LINE * size_of("font.size") / figure_of(ax).get_figheight() / 72
        )
        engine.set(rect=(0.0, share, 1.0, 1.0 - share))
        below: Any = {"loc": "lower center", "bbox_to_anchor": (0.5, 0.0), "bbox_transform": figure_of(ax).transFigure}
    else:
        below = {"loc": "upper center", "bbox_to_anchor": (0.5, 0.0)}
    ax.legend(handles=handles, **below, **look).set_in_layout(not own)
    return PathLayout(ax, step, is_wide(figure_of(ax)))


def _title(title: str, points: float) -> str:
    return "\n".join(wrapped(line, points, "axes.titlesize") for line in title.split("\n"))


def _legend_lines(points: float, parts: bool, histograms: bool) -> int:
    labels = [str(handle.get_label()) for handle in path_handles(parts=parts, histograms=histograms)]
    return -(-len(labels) // int(legend_look(labels, points)["ncols"])) + 1


def shortened(tests: pd.DataFrame, capacity: int, keep: Sequence[int] = ()) -> tuple[list[pd.Series], int, int]:
    """Leave tests in the middle of a path out where it does not fit.

    Parameters
    ----------
    tests : DataFrame
        One path, from the root on.
    capacity : int
        Lines for tests; the line that says how many are missing counts as one.
    keep : sequence of int
        Steps that must stay.

    Returns
    -------
    rows : list of Series
        The tests shown.
    gap, missing : int
        Before which of them tests are missing, and how many; 0 and 0 where none is.
    """
    rows = [test for _, test in tests.iterrows()]
    n_missing = len(rows) - max(capacity, 3) + 1
    if len(rows) <= max(capacity, 3):
        return rows, 0, 0
    middle = (len(rows) - n_missing) // 2
    starts = sorted(range(1, len(rows) - n_missing), key=lambda start: abs(start - middle))
    kept = [s for s in starts if not any(s <= step < s + n_missing for step in keep)]
    start = (kept or starts or [1])[0]
    return [*rows[:start], *rows[start + n_missing :]], start, n_missing
