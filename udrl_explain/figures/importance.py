"""Bars of importance per input, command inputs and the command pair marked."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from udrl_explain.figures.style import COMMAND_COLOUR, STATE_COLOUR, axes_or_new
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


def plot_importance(frame: pd.DataFrame, *, ax: Axes | None = None, method: str | None = None) -> Axes:
    """Horizontal bars of one measure, the largest on top, with 95 % intervals where there are any.

    Parameters
    ----------
    frame : DataFrame
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
    chosen = _one_method(frame, method)
    order = np.argsort(chosen["importance"].to_numpy(), kind="stable")  # barh fills from below
    axes = axes_or_new(ax)
    _draw_bars(axes, chosen.iloc[order], chosen["method"].iloc[0])
    _draw_legend(axes, chosen)
    return axes


def plot_importances(frame: pd.DataFrame, *, fig: Figure | None = None) -> Figure:
    """All measures side by side, inputs in one common order (that of the frame, first on top).

    Parameters
    ----------
    frame : DataFrame
        As ``Importance.to_frame()`` gives it.
    fig : Figure, optional
        A new one by default. It gets the panels of the measures, at most three in a row.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If the frame is empty.
    """
    methods = list(dict.fromkeys(frame["method"]))
    if not methods:
        raise ValueError("frame must hold at least one method, got an empty frame")
    figure = fig if fig is not None else plt.figure()
    n_columns = min(len(methods), 3)
    n_lines = -(-len(methods) // n_columns)
    grid = figure.subplots(n_lines, n_columns, sharey=True, squeeze=False)
    for axes, method in zip(grid.flat, methods, strict=False):
        chosen = _one_method(frame, method)
        _draw_bars(axes, chosen.iloc[::-1], method)
        axes.set_title(method)
    spare = list(grid.flat)[len(methods) :]
    for axes in spare:
        axes.set_axis_off()
    _draw_legend(spare[0] if spare else grid.flat[-1], frame)
    return figure


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


def _draw_bars(axes: Axes, chosen: pd.DataFrame, method: str) -> None:
    positions = np.arange(len(chosen))
    kinds = _kinds(chosen)
    bars = axes.barh(positions, chosen["importance"], color=[KINDS[kind][0] for kind in kinds], height=0.72)
    for bar, kind in zip(bars, kinds, strict=True):
        bar.set_hatch(KINDS[kind][1])
        bar.set_edgecolor("black")
        bar.set_linewidth(0.5)
    low, high = chosen["low"].to_numpy(dtype=float), chosen["high"].to_numpy(dtype=float)
    known = ~np.isnan(low)
    if known.any():
        axes.hlines(positions[known], low[known], high[known], color="white", linewidth=3.0)
        axes.hlines(positions[known], low[known], high[known], color="black", linewidth=1.1)
    axes.axvline(0.0, color="black", linewidth=0.6)
    axes.set_yticks(positions, [feature(name).symbol for name in chosen["feature"]])
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(_wrapped(AXIS_LABELS.get(method, method)))
    axes.locator_params(axis="x", nbins=5)


def _draw_legend(axes: Axes, frame: pd.DataFrame) -> None:
    present = set(_kinds(frame))
    handles = [
        Patch(facecolor=colour, hatch=hatch, edgecolor="black", linewidth=0.5, label=_LEGEND[kind])
        for kind, (colour, hatch) in KINDS.items()
        if kind in present
    ]
    axes.legend(handles=handles, loc="lower right" if axes.axison else "center")


_LEGEND = {"state": "state", "command": "command", "command pair": "both commands as one"}


def _wrapped(label: str, width: int = 28) -> str:
    """Break a label over lines, so that it fits a column and neighbouring panels do not meet."""
    lines = [""]
    for word in label.split(" "):
        if len(lines[-1]) + len(word) >= width and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)
