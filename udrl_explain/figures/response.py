"""How a policy answers a series of commands: action probabilities, and the importance of its inputs."""

from typing import Any

import matplotlib.patheffects as patheffects
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import PowerNorm
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from udrl_explain.figures.alt_text import describe, listed, number
from udrl_explain.figures.lettering import legend_above, text_points, wrapped
from udrl_explain.figures.seen import hatch_box, hatch_spans, stretches, unseen, unseen_handle
from udrl_explain.figures.series import Shown, as_frame
from udrl_explain.figures.strips import make_room, strip_above, strip_top
from udrl_explain.figures.style import (
    ACTION_COLOURS,
    ACTION_MARKERS,
    LINE_STYLES,
    MAGNITUDE_MAP,
    axes_or_new,
    figure_of,
    pt,
)
from udrl_explain.names import feature

PAIR_GAP = 0.35  # in rows
MOST_LABELS = 8


def plot_command_response(frame: Shown, *, ax: Axes | None = None, states: pd.DataFrame | None = None) -> Axes:
    """Draw the probability of each action over the command levels: single states, their mean, and who flips.

    Parameters
    ----------
    frame : DataFrame or CommandResponse
        As ``CommandResponse.to_frame()`` gives it. The axis is the desired return, or the desired horizon where
        all levels ask for the same return.
    ax : Axes, optional
        A new figure by default.
    states : DataFrame, optional
        ``CommandResponse.states_frame()``: thin lines, one per state (individual conditional expectation, Goldstein
        et al. 2015). A result brings its own. Else bands show the middle of the states.

    Returns
    -------
    Axes
        Thick lines are means over the states; of two actions one is drawn, the other is its mirror. The strip above
        shows the share of states whose most probable action is not the same at two neighbouring levels: it may be
        large where the means are flat. Levels unseen in training are hatched.

    Raises
    ------
    ValueError
        If the frame is empty.
    """
    if states is None and not isinstance(frame, pd.DataFrame):
        states = as_frame(frame, "states_frame")
    frame = as_frame(frame)
    made, axes = ax is None, _axes_for(frame, ax)
    if made:
        make_room(axes)
    column, label = _level_axis(frame)
    levels = frame.drop_duplicates("level").sort_values(column)
    x = levels[column].to_numpy(dtype=float)
    hidden = unseen(levels["seen"])
    edges = _edges(x)
    hatch_spans(axes, edges, hidden)
    actions = frame.drop_duplicates("action").sort_values("action")
    if len(actions) == 2:
        actions = actions.iloc[1:]
    handles: list[Artist] = []
    halo = [patheffects.withStroke(linewidth=pt(3.4), foreground="white")]
    for action, name in zip(actions["action"], actions["action_name"], strict=True):
        part = frame[frame["action"] == action].sort_values(column)
        k = int(action) % len(ACTION_COLOURS)
        look: dict[str, Any] = {"color": ACTION_COLOURS[k], "linestyle": LINE_STYLES[k % len(LINE_STYLES)]}
        if states is None:
            axes.fill_between(part[column], part["low"], part["high"], color=look["color"], alpha=0.1, linewidth=0)
            # Edges in the line's own style keep overlapping bands apart, in grey too.
            for bound in ("low", "high"):
                axes.plot(part[column], part[bound], linewidth=pt(0.6), label="_band", **look)
        else:
            single = states[states["action"] == action].pivot(index="state", columns="level", values="probability")
            lines = [np.column_stack([x, row]) for row in single[levels["level"]].to_numpy(dtype=float)]
            axes.add_collection(
                LineCollection(
                    lines, colors=[look["color"]], linewidths=pt(0.5), alpha=0.45, zorder=1.5, label="_states"
                )
            )
        handles += axes.plot(
            part[column], part["probability"], linewidth=pt(1.8), marker=ACTION_MARKERS[k], markersize=pt(4),
            path_effects=halo, zorder=3, label=str(name), **look,
        )  # fmt: skip
    mean = f"mean of {frame['n_rows'].iloc[0]} states"
    handles.append(Line2D([], [], color="0.3", linewidth=pt(1.8), label=mean))
    if states is None:
        low, high = frame["low_quantile"].iloc[0], frame["high_quantile"].iloc[0]
        words = f"{100 * low:.0f}–{100 * high:.0f} % of states"
        handles.append(Patch(facecolor="#d8d8d8", edgecolor="#606060", linewidth=pt(0.6), label=words))
    else:
        handles.append(
            Line2D([], [], color="0.3", linewidth=pt(0.5), label=f"{states['state'].nunique()} single states")
        )
    if hidden.any():
        handles.append(unseen_handle())
    what = f"probability of {actions['action_name'].iloc[0]}" if len(actions) == 1 else "action probability"
    axes.set(xlabel=label, ylabel=what, ylim=(0, 1))
    if len(x) > 1:
        axes.set_xlim(edges[0], edges[-1])
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    flips = levels["flip_rate"].to_numpy(dtype=float)[1:]
    strip = strip_above(axes, "flips")
    # One bar between each level and the one before: the flip happens there.
    strip.bar(x[:-1], flips, np.diff(x), align="edge", color="0.6", edgecolor="0.2", linewidth=pt(0.5), label="_flips")
    strip.set_ylim(0.0, max(0.05, float(np.nanmax(flips, initial=0.0))) * 1.1)
    words = "states that flip between levels"
    if "any_flip_share" in frame.columns:
        words += f" (in all {100 * frame['any_flip_share'].iloc[0]:.0f} %)"
    handles.append(Patch(facecolor="0.6", edgecolor="0.2", linewidth=pt(0.5), label=words))
    legend_above(axes, handles, inches=strip_top(), grow=made)
    told = [
        f"{name} from {number(part['probability'].iloc[0])} to {number(part['probability'].iloc[-1])}"
        for name, part in frame.sort_values(column).groupby("action_name", sort=False)
    ]
    describe(
        axes,
        f"Mean probability of each action over {len(x)} levels of {column.replace('_', ' ')} from {number(x[0])} to "
        f"{number(x[-1])}: {listed(told)}. At most {number(100 * np.nanmax(flips, initial=0.0))} % of the states flip "
        "between neighbouring levels.",
    )
    return axes


def plot_importance_by_command(frame: Shown, *, ax: Axes | None = None) -> Axes:
    """Draw the mean absolute Shapley value of each input at each command level as a heat map.

    Parameters
    ----------
    frame : DataFrame or CommandResponse
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
    frame = as_frame(frame, "importance_frame")
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
    hidden = unseen(levels["seen"])
    for start, end in stretches(hidden):
        hatch_box(axes, (x_edges[start], 0.0), end - start, tops[-1] + 1, linewidth=pt(0.8))
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
        bar.set_label(_bar_label(figure_of(axes).get_figheight() * 72 * 0.75))
        bar.outline.set_linewidth(pt(0.4))
    if hidden.any():
        legend_above(axes, [unseen_handle(on_colour=True)])
    mean = frame.groupby("feature", sort=False)["importance"].mean().sort_values(ascending=False, kind="stable")
    told = [f"{feature(str(name)).name.replace('_', ' ')} {number(value)}" for name, value in mean.items()]
    describe(axes, f"Importance of each input at {n_levels} command levels; means, largest first: {listed(told)}.")
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


def _edges(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Borders half-way between neighbouring levels."""
    if len(x) == 1:
        return np.array([x[0] - 0.5, x[0] + 0.5])
    middle = (x[:-1] + x[1:]) / 2
    return np.concatenate([[x[0] - (middle[0] - x[0])], middle, [x[-1] + (x[-1] - middle[-1])]])


def _bar_label(points: float) -> str:
    """Two lines at most `points` long: what is shown and its scale, each in its own line where it fits."""
    shown, scale = "mean |SHAP|", "(probability, square-root scale)"
    if text_points(scale, "axes.labelsize") <= points:
        return f"{shown}\n{scale}"
    return wrapped(f"{shown} {scale}", points, "axes.labelsize")


def _tick(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")
