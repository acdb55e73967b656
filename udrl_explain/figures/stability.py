"""Whether policies act alike and for the same reasons: a heat map over runs."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from udrl_explain.figures.alt_text import describe, number
from udrl_explain.figures.lettering import legend_above, legend_look, size_of, text_points, wrapped
from udrl_explain.figures.series import Shown, as_frame, check_frame
from udrl_explain.figures.style import MAGNITUDE_MAP, axes_or_new, figure_of, fit_to_lines, pt

_NEEDED = ("run_a", "run_b", "rank_correlation", "same_action", "different_reasons")
_MARK = "×"
_DARK_BELOW = 0.55  # of the colour scale: words on darker cells are white
_LINES_AROUND, _LINES_PER_ROW = 8.0, 1.5


def plot_stability(frame: Shown, *, ax: Axes | None = None) -> Axes:
    """Draw for every pair of runs how alike they act, and how alike their reasons are.

    Parameters
    ----------
    frame : DataFrame or Stability
        As ``Stability.to_frame()`` gives it.
    ax : Axes, optional
        A new figure by default, as high as its runs need.

    Returns
    -------
    Axes
        Runs against runs. Above the diagonal the share of rows with the same action, below it the mean rank
        correlation of the Shapley values; pairs of equal return and different reasons are crossed there.

    Raises
    ------
    ValueError
        If the frame lacks columns, has no rows, or does not hold every pair once.
    """
    frame = as_frame(frame)
    check_frame(frame, _NEEDED)
    runs = list(dict.fromkeys([*frame["run_a"], *frame["run_b"]]))
    n_runs = len(runs)
    if len(frame) != n_runs * (n_runs - 1) // 2 or frame.duplicated(["run_a", "run_b"]).any():
        raise ValueError(f"the frame must hold each of the {n_runs * (n_runs - 1) // 2} pairs of runs once")
    square, crossed = np.full((n_runs, n_runs), np.nan), []
    for line in frame.itertuples():
        a, b = sorted((runs.index(line.run_a), runs.index(line.run_b)))
        square[a, b], square[b, a] = line.same_action, line.rank_correlation
        if line.different_reasons:
            crossed.append((b, a))
    made, axes = ax is None, axes_or_new(ax)
    figure = figure_of(axes)
    points = figure.get_figwidth() * 72
    names = [wrapped(name, points * 0.34, "ytick.labelsize") for name in runs]
    if made:
        lines = _LINES_PER_ROW * max(1 + name.count("\n") for name in names) * n_runs + _LINES_AROUND
        fit_to_lines(figure, lines)
    lowest = min(0.0, float(np.nanmin(square)))
    mesh = axes.pcolormesh(
        np.arange(n_runs + 1) - 0.5, np.arange(n_runs + 1) - 0.5, np.ma.masked_invalid(square), cmap=MAGNITUDE_MAP,
        vmin=lowest, vmax=1.0, edgecolors="white", linewidth=pt(0.5),
    )  # fmt: skip
    room = points * 0.8 - max(text_points(name, "ytick.labelsize") for name in names)
    _write(axes, square, crossed, lowest, room / n_runs)
    # Numbers along the bottom: names there would have to be turned.
    axes.set_yticks(np.arange(n_runs), [f"{name}  {row + 1}" for row, name in enumerate(names)])
    axes.set_xticks(np.arange(n_runs), [str(row + 1) for row in range(n_runs)])
    axes.set(xlim=(-0.5, n_runs - 0.5), ylim=(n_runs - 0.5, -0.5))
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    bar = figure.colorbar(mesh, ax=axes, pad=0.02)
    bar.set_label("agreement")
    bar.outline.set_linewidth(pt(0.4))
    handles = [
        Line2D([], [], linestyle="none", marker="^", color="0.5", markersize=pt(4), label="above: same action"),
        Line2D([], [], linestyle="none", marker="v", color="0.5", markersize=pt(4), label="below: same reasons"),
    ]
    if crossed:
        words = "equal return, other reasons"
        handles.append(Line2D([], [], linestyle="none", marker="x", color="black", markersize=pt(4), label=words))
    if made:  # the colour bar's room too: one line in most styles
        labels = [str(handle.get_label()) for handle in handles]
        figure.legend(handles=handles, loc="outside upper center", **legend_look(labels, points))
    else:
        legend_above(axes, handles)
    describe(axes, _told(frame, n_runs, len(crossed)))
    return axes


def _write(axes: Axes, square: np.ndarray, crossed: list[tuple[int, int]], lowest: float, width: float) -> None:
    """Numbers into the cells where they fit, crosses beside them, or alone."""
    wide = text_points(f"−.00{_MARK}", "ytick.labelsize") * 1.1 <= width
    narrow = size_of("ytick.labelsize") <= width
    for row, column in zip(*np.nonzero(np.isfinite(square)), strict=True):
        value = float(square[row, column])
        mark = _MARK if (int(row), int(column)) in crossed else ""
        text = f"{_hundredths(value)}{mark}" if wide else mark if narrow else ""
        if text:
            dark = (value - lowest) / (1.0 - lowest) < _DARK_BELOW
            axes.text(
                column, row, text, ha="center", va="center", color="white" if dark else "black",
                fontsize=size_of("ytick.labelsize"),
            )  # fmt: skip


def _hundredths(value: float) -> str:
    """``.62``, ``−.05``, ``1.0``."""
    text = f"{value:.2f}".replace("-", "−").replace("0.", ".", 1)
    return text if abs(value) < 0.995 else text[:-1]


def _told(frame: pd.DataFrame, n_runs: int, n_crossed: int) -> str:
    same, reasons = frame["same_action"], frame["rank_correlation"]
    words = (
        f"Agreement of {n_runs} runs, pair by pair: the same action in {100 * same.min():.0f} to "
        f"{100 * same.max():.0f} % of the rows, rank correlation of the reasons {number(reasons.min(), 2)} to "
        f"{number(reasons.max(), 2)}"
    )
    return f"{words}; {n_crossed} of {len(frame)} pairs have equal returns and different reasons."
