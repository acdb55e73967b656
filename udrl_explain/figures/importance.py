"""Bars of importance per input, command inputs and the command pair marked."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from udrl_explain.figures.alt_text import describe, listed, number
from udrl_explain.figures.lettering import legend_above, legend_look, size_of, text_points, wrapped
from udrl_explain.figures.series import Shown, as_frame
from udrl_explain.figures.style import COMMAND_COLOUR, STATE_COLOUR, axes_or_new, figure_of, pt
from udrl_explain.names import feature

AXIS_LABELS = {
    "impurity": "mean decrease in impurity (share of all)",
    "path impurity": "fall of impurity on a row's paths (sum over trees)",
    "permutation (accuracy)": "fall of accuracy when permuted",
    "permutation (probability)": "fall of the taken action's probability when permuted",
    "mean absolute SHAP": "mean absolute Shapley value (probability)",
}
# Colour and hatch of an input of the state, of the command, and of both commands as one group.
KINDS = {
    "state": (STATE_COLOUR, ""),
    "command": (COMMAND_COLOUR, "///"),
    "command pair": ("#F5CBA7", "xxx"),
}
MOST_PANELS = 3  # in a row
_BAR_LINES, _LINES_AROUND = 1.6, 9.0  # lines of text that a bar and the words around a panel take
_GAP = 14.0  # points between panels
_ROOM = 1.06  # of the words' width: panels of different labels are not equally wide


def plot_importance(frame: Shown, *, ax: Axes | None = None, method: str | None = None) -> Axes:
    """Horizontal bars of one measure, the largest on top, with 95 % intervals for other episodes where there are any.

    Parameters
    ----------
    frame : DataFrame or Importance
        As ``Importance.to_frame()`` gives it.
    ax : Axes, optional
        A new figure by default.
    method : str, optional
        Which of the frame's measures; may be left out where there is only one.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If the frame does not hold `method`, or `method` is needed to choose.
    """
    chosen = _one_method(as_frame(frame), method)
    order = np.argsort(chosen["importance"].to_numpy(), kind="stable")  # barh fills from below
    axes = axes_or_new(ax)
    figure = figure_of(axes)
    _draw_bars(axes, chosen.iloc[order], chosen["method"].iloc[0], figure.get_figwidth() * 72 * 0.6)
    legend_above(axes, _handles(chosen), grow=ax is None)
    return axes


def plot_importances(frame: Shown, *, fig: Figure | None = None) -> Figure:
    """All measures side by side, inputs in one common order (that of the frame, first on top).

    Parameters
    ----------
    frame : DataFrame or Importance
        As ``Importance.to_frame()`` gives it.
    fig : Figure, optional
        A new one by default, as high as its bars need. It gets the panels of the measures, at most three in a row.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If the frame is empty.
    """
    frame = as_frame(frame)
    methods = list(dict.fromkeys(frame["method"]))
    if not methods:
        raise ValueError("frame must hold at least one method, got an empty frame")
    figure = fig if fig is not None else plt.figure(figsize=(plt.rcParams["figure.figsize"][0], panels_height(frame)))
    n_columns = min(len(methods), MOST_PANELS)
    n_lines = -(-len(methods) // n_columns)
    grid = figure.subplots(n_lines, n_columns, sharey=True, squeeze=False)
    names = [feature(name).symbol for name in frame["feature"].unique()]
    left = max(text_points(name, "ytick.labelsize") for name in names)
    width = (figure.get_figwidth() * 72 - left) / n_columns - _GAP
    for axes, method in zip(grid.flat, methods, strict=False):
        chosen = _one_method(frame, method)
        _draw_bars(axes, chosen.iloc[::-1], method, width)
        axes.set_title(wrapped(method, width / _ROOM, "axes.titlesize"))
    for axes in list(grid.flat)[len(methods) :]:
        axes.set_axis_off()
    handles = _handles(frame)
    labels = [str(handle.get_label()) for handle in handles]
    figure.legend(handles=handles, loc="outside upper center", **legend_look(labels, figure.get_figwidth() * 72))
    return figure


def panels_height(frame: pd.DataFrame) -> float:
    """Inches that the panels of all measures need in the style in force."""
    n_lines = -(-frame["method"].nunique() // MOST_PANELS)
    lines = _BAR_LINES * frame["feature"].nunique() + _LINES_AROUND
    return float(n_lines * lines * plt.rcParams["font.size"] / 72)


def _one_method(frame: pd.DataFrame, method: str | None) -> pd.DataFrame:
    methods = list(dict.fromkeys(frame["method"]))
    if method is None and len(methods) == 1:
        method = methods[0]
    if method not in methods:
        raise ValueError(f"method must be one of those in the frame, {methods}, got {method!r}")
    return frame[frame["method"] == method]


def _kinds(frame: pd.DataFrame) -> list[str]:
    return [
        "command pair" if group else "command" if command else "state"
        for group, command in zip(frame["is_group"], frame["is_command"], strict=True)
    ]


def _draw_bars(axes: Axes, chosen: pd.DataFrame, method: str, points: float) -> None:
    """Bars from below in the order of the rows; the axis label at most `points` wide."""
    positions = np.arange(len(chosen))
    kinds = _kinds(chosen)
    bars = axes.barh(positions, chosen["importance"], color=[KINDS[kind][0] for kind in kinds], height=0.72)
    for bar, kind in zip(bars, kinds, strict=True):
        bar.set_hatch(KINDS[kind][1])
        bar.set_edgecolor("black")
        bar.set_linewidth(pt(0.5))
    low, high = chosen["low"].to_numpy(dtype=float), chosen["high"].to_numpy(dtype=float)
    known = ~np.isnan(low)
    if known.any():
        axes.hlines(positions[known], low[known], high[known], color="white", linewidth=pt(3.0))
        axes.hlines(positions[known], low[known], high[known], color="black", linewidth=pt(1.1))
    axes.axvline(0.0, color="black", linewidth=pt(0.6))
    axes.set_yticks(positions, [feature(name).symbol for name in chosen["feature"]])
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(wrapped(AXIS_LABELS.get(method, method), points, "axes.labelsize"))
    axes.locator_params(axis="x", nbins=max(2, min(5, int(points / (3.2 * size_of("xtick.labelsize"))))))
    ranked = chosen.sort_values("importance", ascending=False, kind="stable")
    told = [
        f"{feature(name).name.replace('_', ' ')} {number(value)}"
        for name, value in zip(ranked["feature"], ranked["importance"], strict=True)
    ]
    describe(axes, f"Importance of each input by {method}, largest first: {listed(told)}.")


def _handles(frame: pd.DataFrame) -> list[Patch]:
    present = set(_kinds(frame))
    return [
        Patch(facecolor=colour, hatch=hatch, edgecolor="black", linewidth=pt(0.5), label=_LEGEND[kind])
        for kind, (colour, hatch) in KINDS.items()
        if kind in present
    ]


_LEGEND = {"state": "state", "command": "command", "command pair": "both commands as one"}
