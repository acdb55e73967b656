"""How a policy answers a series of commands: action probabilities, and the importance of its inputs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from udrl_explain.figures.style import (
    ACTION_COLOURS,
    ACTION_MARKERS,
    LINE_STYLES,
    MAGNITUDE_MAP,
    axes_or_new,
)
from udrl_explain.names import feature

UNSEEN_STYLE: dict[str, Any] = {"facecolor": "#f4f4f4", "edgecolor": "#b0b0b0", "hatch": "////", "linewidth": 0.0}
PAIR_GAP = 0.35  # in rows
MOST_LABELS = 8


def plot_command_response(frame: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the probability of each action over the command levels, with its band over the states.

    Parameters
    ----------
    frame : DataFrame
        As ``CommandResponse.to_frame()`` gives it. The axis is the desired return, or the desired horizon where
        all levels ask for the same return.
    ax : Axes, optional
        A new figure by default.

    Returns
    -------
    Axes
        Levels unseen in training are shaded.

    Raises
    ------
    ValueError
        If the frame is empty.
    """
    axes = _axes_for(frame, ax)
    column, label = _level_axis(frame)
    levels = frame.drop_duplicates("level").sort_values(column)
    x = levels[column].to_numpy(dtype=float)
    unseen = _unseen(levels)
    edges = _edges(x)
    for start, end in _stretches(unseen):
        axes.axvspan(edges[start], edges[end], zorder=0, **UNSEEN_STYLE)
    actions = frame.drop_duplicates("action").sort_values("action")
    handles: list[Artist] = []
    for action, name in zip(actions["action"], actions["action_name"], strict=True):
        part = frame[frame["action"] == action].sort_values(column)
        k = int(action) % len(ACTION_COLOURS)
        colour = ACTION_COLOURS[k]
        style = LINE_STYLES[k % len(LINE_STYLES)]
        axes.fill_between(part[column], part["low"], part["high"], color=colour, alpha=0.1, linewidth=0)
        # Edges in the line's own style keep overlapping bands apart, in grey too.
        for bound in ("low", "high"):
            axes.plot(part[column], part[bound], color=colour, linestyle=style, linewidth=0.6, label="_band")
        handles += axes.plot(
            part[column], part["probability"], color=colour, linestyle=style,
            marker=ACTION_MARKERS[k], markersize=3.5, label=name,
        )  # fmt: skip
    low, high = frame["low_quantile"].iloc[0], frame["high_quantile"].iloc[0]
    handles.append(
        Patch(
            facecolor="#d8d8d8",
            edgecolor="#606060",
            linewidth=0.6,
            label=f"{100 * low:.0f}–{100 * high:.0f} % of states",
        )
    )
    if unseen.any():
        handles.append(Patch(label="unseen in training", **UNSEEN_STYLE))
    axes.set(xlabel=label, ylabel="mean action probability", ylim=(0, 1))
    if len(x) > 1:
        axes.set_xlim(edges[0], edges[-1])
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    n_columns = max(1, min(3, (len(handles) + 1) // 2))
    axes.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=n_columns, handlelength=2.4)
    return axes


def plot_importance_by_command(frame: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the mean absolute Shapley value of each input at each command level as a heat map.

    Parameters
    ----------
    frame : DataFrame
        As ``CommandResponse.importance_frame()`` gives it.
    ax : Axes, optional
        A new figure by default.

    Returns
    -------
    Axes
        The command pair stands apart from the inputs; levels unseen in training are hatched.

    Raises
    ------
    ValueError
        If the frame is empty.
    """
    axes = _axes_for(frame, ax)
    column, label = _level_axis(frame)
    levels = frame.drop_duplicates("level").sort_values("level")
    n_levels = len(levels)
    names = frame.drop_duplicates("feature")
    # The pair last, whatever the order of the rows.
    names = pd.concat([names[~names["is_group"].astype(bool)], names[names["is_group"].astype(bool)]])
    values = frame.pivot(index="feature", columns="level", values="importance").loc[names["feature"]].to_numpy()
    n_single = int((~names["is_group"].astype(bool)).sum())
    tops = np.arange(len(names)) + PAIR_GAP * (np.arange(len(names)) >= n_single)
    # One input often outweighs the others; the square root keeps these apart.
    norm = PowerNorm(0.5, 0.0, float(values.max()) or 1.0)
    x_edges = np.arange(n_levels + 1) - 0.5
    mesh = None
    for rows in (slice(0, n_single), slice(n_single, None)):
        if len(values[rows]):
            y_edges = np.append(tops[rows], tops[rows][-1] + 1)
            mesh = axes.pcolormesh(x_edges, y_edges, values[rows], cmap=MAGNITUDE_MAP, norm=norm, rasterized=True)
    unseen = _unseen(levels)
    for start, end in _stretches(unseen):
        box = (x_edges[start], 0.0)
        axes.add_patch(
            Rectangle(box, end - start, tops[-1] + 1, fill=False, hatch="////", edgecolor="white", linewidth=0.8)
        )
    axes.set_ylim(tops[-1] + 1, 0)
    axes.set_yticks(tops + 0.5, [feature(name).symbol for name in names["feature"]])
    shown = np.arange(0, n_levels, -(-n_levels // MOST_LABELS))
    axes.set_xticks(shown, [_tick(value) for value in levels[column].to_numpy(dtype=float)[shown]])
    axes.set_xlabel(label)
    axes.tick_params(axis="y", length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if mesh is not None and axes.figure is not None:
        bar = axes.figure.colorbar(mesh, ax=axes, pad=0.02)
        bar.set_label("mean |SHAP|\n(probability, square-root scale)")
        bar.outline.set_linewidth(0.4)
    if unseen.any():
        patch = Patch(facecolor="#777777", hatch="////", edgecolor="white", linewidth=0, label="unseen in training")
        axes.legend(handles=[patch], loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)
    return axes


def _axes_for(frame: pd.DataFrame, ax: Axes | None) -> Axes:
    if len(frame) == 0:
        raise ValueError("frame must hold at least one command level, got an empty frame")
    return axes_or_new(ax)


def _level_axis(frame: pd.DataFrame) -> tuple[str, str]:
    """Column and label of the command that the levels vary; the other one is said in the label."""
    returns, horizons = frame["desired_return"], frame["desired_horizon"]
    if returns.nunique() == 1 and horizons.nunique() > 1:
        return "desired_horizon", f"{feature('desired_horizon').label}\nat return {returns.iloc[0]:.4g}"
    label = feature("desired_return").label
    if horizons.nunique() == 1:
        return "desired_return", f"{label}\nat horizon {horizons.iloc[0]:.4g} steps"
    return "desired_return", f"{label}\nhorizon from {horizons.min():.4g} to {horizons.max():.4g} steps with it"


def _unseen(levels: pd.DataFrame) -> NDArray[np.bool_]:
    """Levels marked False; where nothing is known (training commands not given) none is."""
    return np.array([not pd.isna(seen) and not bool(seen) for seen in levels["seen"]], dtype=bool)


def _edges(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Borders half-way between neighbouring levels."""
    if len(x) == 1:
        return np.array([x[0] - 0.5, x[0] + 0.5])
    middle = (x[:-1] + x[1:]) / 2
    return np.concatenate([[x[0] - (middle[0] - x[0])], middle, [x[-1] + (x[-1] - middle[-1])]])


def _stretches(marked: NDArray[np.bool_]) -> Sequence[tuple[int, int]]:
    """First and end of each unbroken run of True."""
    steps = np.diff(np.concatenate([[0], marked.astype(int), [0]]))
    return list(zip(np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist(), strict=True))


def _tick(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")
