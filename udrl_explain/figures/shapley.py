"""Shapley values: a strip of points per input for one action, and bars of mean magnitudes for all actions."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from numpy.typing import NDArray

from udrl_explain.figures.alt_text import describe, listed, number
from udrl_explain.figures.lettering import legend_above, mark_commands
from udrl_explain.figures.series import Shown, as_frame
from udrl_explain.figures.style import (
    ACTION_COLOURS,
    ACTION_HATCHES,
    MAGNITUDE_MAP,
    axes_or_new,
    pt,
)
from udrl_explain.names import feature

STRIP_HALF_WIDTH = 0.38
N_BINS = 120


def plot_shapley_summary(frame: Shown, *, ax: Axes | None = None, action: int | str | None = None) -> Axes:
    """One strip of points per input, the input of the largest values on top.

    Each point is a row; its colour is the rank of the input's value among the rows. Names of commands are in colour,
    bold and followed by a diamond.

    Parameters
    ----------
    frame : DataFrame or ShapleyValues
        As ``ShapleyValues.to_frame()`` gives it.
    ax : Axes, optional
        A new figure by default.
    action : int or str, optional
        Number or name; may be left out where the frame has one action only.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If the frame does not hold `action`, or `action` is needed to choose.
    """
    chosen = _one_action(as_frame(frame), action)
    values = chosen.pivot(index="row", columns="feature", values="shapley_value")
    inputs = chosen.pivot(index="row", columns="feature", values="feature_value")
    order = values.abs().sum().sort_values(kind="stable").index  # the last one stands on top
    axes = axes_or_new(ax)
    axes.axvline(0.0, color="0.6", linewidth=pt(0.6), zorder=0)
    points = None
    for height, name in enumerate(order):
        x = values[name].to_numpy()
        points = axes.scatter(
            x, height + _spread(x), c=_rank(inputs[name].to_numpy()), cmap=MAGNITUDE_MAP, vmin=0.0, vmax=1.0,
            s=pt(2.45) ** 2, linewidths=0, rasterized=True,
        )  # fmt: skip
    commands = dict(zip(chosen["feature"], chosen["is_command"], strict=True))
    axes.set_yticks(np.arange(len(order)), [_label(name, commands[name]) for name in order])
    mark_commands(axes, [commands[name] for name in order])
    axes.set_ylim(-0.6, len(order) - 0.4)
    # Two lines: narrow columns of a paper have no room for one.
    axes.set_xlabel(f"Shapley value for “{chosen['action_name'].iloc[0]}”\n({chosen['quantity'].iloc[0]})")
    if points is not None:
        bar = axes.figure.colorbar(points, ax=axes, ticks=[0.0, 1.0], aspect=30, pad=0.02)
        bar.ax.set_yticklabels(["low", "high"])
        bar.set_label("value of the input (rank)", labelpad=-8)
        bar.outline.set_visible(False)
    sizes = values.abs().mean()
    told = [f"{feature(name).name.replace('_', ' ')} {number(sizes[name])}" for name in order[::-1]]
    describe(
        axes,
        f"Shapley values for {chosen['action_name'].iloc[0]} of {len(values)} rows, one strip of points per input; "
        f"mean sizes, largest first: {listed(told)}.",
    )
    return axes


def plot_mean_abs_shapley(frame: Shown, *, ax: Axes | None = None) -> Axes:
    """Bars of the mean magnitude of Shapley values per input, one bar per action.

    Parameters
    ----------
    frame : DataFrame or ShapleyValues
        As ``ShapleyValues.mean_abs_frame()`` gives it.
    ax : Axes, optional
        A new figure by default.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If the frame is another one.
    """
    frame = as_frame(frame, "mean_abs_frame")
    if "mean_abs_shapley" not in frame:
        raise ValueError("frame must be that of ShapleyValues.mean_abs_frame(); it has no column 'mean_abs_shapley'")
    order = frame.groupby("feature", sort=False)["mean_abs_shapley"].sum().sort_values(kind="stable").index
    commands = dict(zip(frame["feature"], frame["is_command"], strict=True))
    actions = frame.drop_duplicates("action")[["action", "action_name"]].to_numpy().tolist()
    axes = axes_or_new(ax)
    height = 0.8 / len(actions)
    handles = []
    for place, (action, name) in enumerate(actions):
        bars = frame[frame["action"] == action].set_index("feature")["mean_abs_shapley"]
        look: dict[str, Any] = {
            "facecolor": ACTION_COLOURS[action % len(ACTION_COLOURS)],
            "hatch": ACTION_HATCHES[action % len(ACTION_HATCHES)],
            "edgecolor": "black",
            "linewidth": pt(0.4),
        }
        centre = np.arange(len(order)) + 0.4 - (place + 0.5) * height
        axes.barh(centre, [bars[feature_name] for feature_name in order], height=height, **look)
        handles.append(Patch(label=name, **look))
    axes.set_yticks(np.arange(len(order)), [_label(name, commands[name]) for name in order])
    axes.tick_params(axis="y", length=0)
    mark_commands(axes, [commands[name] for name in order])
    axes.set_xlabel(f"mean absolute Shapley value\n({frame['quantity'].iloc[0]})")
    legend_above(axes, handles, grow=ax is None)
    told = []
    for action, name in actions:
        bars = frame[frame["action"] == action].set_index("feature")["mean_abs_shapley"]
        told.append(f"{name} mostly {feature(str(bars.idxmax())).name.replace('_', ' ')} ({number(bars.max())})")
    describe(axes, f"Mean size of the Shapley values per input and action; what moves each action: {listed(told)}.")
    return axes


def _one_action(frame: pd.DataFrame, action: int | str | None) -> pd.DataFrame:
    names = dict(zip(frame["action"].tolist(), frame["action_name"].tolist(), strict=True))
    if action is None and len(names) == 1:
        action = next(iter(names))
    for code, name in names.items():
        if action in (code, name):
            return pd.DataFrame(frame[frame["action"] == code])
    raise ValueError(f"action must be one of those in the frame, {names}, got {action!r}")


def _spread(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Offsets that show how many points share a place: points of a bin alternate around the strip's middle."""
    span = np.ptp(x)
    bins = np.zeros(len(x), dtype=np.intp) if span == 0 else ((x - x.min()) / span * N_BINS).astype(np.intp)
    order = np.argsort(bins, kind="stable")
    counts = np.bincount(bins)
    place = np.empty(len(x), dtype=np.intp)
    place[order] = np.arange(len(x)) - np.repeat(np.cumsum(counts) - counts, counts)
    step = (place + 1) // 2 * np.where(place % 2, 1, -1)
    return np.asarray(step * min(0.06, STRIP_HALF_WIDTH / max(counts.max() / 2, 1)))


def _rank(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rank in 0..1, ties in the middle; 0.5 where nothing differs (or a group has no value)."""
    ranks = pd.Series(values).rank().to_numpy()
    low, high = np.nanmin(ranks, initial=np.inf), np.nanmax(ranks, initial=-np.inf)
    if not high > low:
        return np.full(len(values), 0.5)
    return np.asarray((ranks - low) / (high - low))


def _label(name: str, is_command: bool) -> str:
    return f"{feature(name).label} ◆" if is_command else feature(name).label
