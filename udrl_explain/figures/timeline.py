"""One episode as aligned strips: what was done, what was asked, how sure the policy was, and why."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from udrl_explain.figures.alt_text import describe, listed, number
from udrl_explain.figures.lettering import legend_look, size_of, wrapped
from udrl_explain.figures.seen import UNSEEN_STYLE, hatch_spans, unseen, unseen_handle
from udrl_explain.figures.series import Shown, as_frame
from udrl_explain.figures.style import ACTION_COLOURS, COMMAND_COLOUR, SIGNED_MAP, is_wide, pt
from udrl_explain.names import feature

PAIR_GAP = 0.35  # in rows
MARKED_FROM = 0.25  # of the strongest value: a diverging map loses the sign in grey print
STRIPS = ("action", "return", "horizon", "probability", "Shapley", "influence", "flip")
TITLES = {
    "action": "action taken",
    "return": f"command in force: {feature('desired_return').label}",
    "horizon": f"command in force: {feature('desired_horizon').label}",
    "probability": "action probabilities, stacked",
    "Shapley": "Shapley values for the action taken",
    "influence": "command influence (expected total variation)",
    "flip": "action under the nearest seen command that flips it",
}
ROWS_BETWEEN = 1.9  # rows of text between two strips
DISTANCE_TITLE = "distance to the nearest command that flips the action (spreads)"
DISTANCE_COLOUR = "0.45"
COMMANDS = {"return": "desired_return", "horizon": "desired_horizon"}
_ROWS_AROUND = 3.6


def plot_timeline(frame: Shown, *, fig: Figure | None = None, strips: Sequence[str] | None = None) -> Figure:
    """Draw the strips of one episode over its steps.

    Parameters
    ----------
    frame : DataFrame or Timeline
        As ``Timeline.to_frame()`` gives it.
    fig : Figure, optional
        An empty one; by default a new one of the current style's width, as high as its rows need.
    strips : sequence of str, optional
        Which of :data:`STRIPS`; all that the frame has by default.

    Returns
    -------
    Figure
        From the top: actions taken; desired return and desired horizon as they run down, hatched where unseen in
        training; action probabilities, stacked; Shapley values of the action taken for each input and, apart, for
        the command pair, with a dash on strong negative ones (a quarter of the strongest or more); command
        influence; the nearest command that flips the action. With two actions this is its distance, in spreads of
        the training commands; with more, the action that it gives. Plain where a seen command flips, hatched where
        only unseen commands of the training range do, which is extrapolation, and empty where none does. The last two
        are left out where the timeline was made without training commands.

    Raises
    ------
    ValueError
        If the frame is empty, or a strip has another name or is not in the frame.
    """
    frame = as_frame(frame)
    if len(frame) == 0:
        raise ValueError("frame must hold at least one step, got an empty frame")
    steps = frame.drop_duplicates("step").sort_values("step")
    probabilities = frame[frame["part"] == "probability"]
    shapley = frame[frame["part"] == "Shapley value"]
    actions = list(dict.fromkeys(probabilities["name"]))
    inputs = list(dict.fromkeys(shapley["name"]))
    known = strips_of(frame)
    shown = known if strips is None else tuple(strips)
    for name in shown:
        if name not in known:
            raise ValueError(f"strips must be some of {', '.join(known)}, got {name!r}")
    heights = _heights(frame)
    if fig is None:
        fig = plt.figure(figsize=(plt.rcParams["figure.figsize"][0], timeline_height(frame, shown)))
    # In a narrow figure the names of actions take more of the width.
    points = fig.get_figwidth() * 72 * (0.75 if is_wide(fig) else 0.66)
    grid = fig.add_gridspec(len(shown), 2, height_ratios=[heights[name] for name in shown], width_ratios=[1, 0.02])
    drawn: dict[str, Axes] = {}
    for k, name in enumerate(shown):
        drawn[name] = fig.add_subplot(grid[k, 0], sharex=drawn.get(shown[0]))
        drawn[name].set_title(
            wrapped(_title(name, steps, actions), points, "xtick.labelsize"),
            loc="left",
            pad=pt(2.5),
            fontsize=size_of("xtick.labelsize"),
        )
    handles: list[Artist] = []
    for name, axes in drawn.items():
        if name == "action":
            _draw_rows(axes, steps, "action", actions)
        elif name in COMMANDS:
            _draw_command(axes, steps, COMMANDS[name])
            if unseen(steps["seen"]).any() and not handles:
                handles.append(unseen_handle("unseen in training"))
        elif name == "probability":
            _draw_probabilities(axes, probabilities, actions)
        elif name == "Shapley":
            handles += _draw_shapley(axes, shapley, inputs, fig.add_subplot(grid[shown.index(name), 1]))
        elif name == "influence":
            axes.plot(
                steps["step"], steps["command_influence"], color="black", linewidth=pt(0.9), drawstyle="steps-mid"
            )
            axes.set_ylim(bottom=0.0)
        else:
            handles += _draw_flips(axes, steps, actions)
    for name in shown[:-1]:
        drawn[name].tick_params(labelbottom=False)
    drawn[shown[-1]].set_xlabel("step")
    drawn[shown[0]].set_xlim(steps["step"].min() - 0.5, steps["step"].max() + 0.5)
    if handles:
        look = legend_look([str(handle.get_label()) for handle in handles], fig.get_figwidth() * 72)
        fig.legend(handles=handles, loc="outside lower center", **look)
    describe(fig, _told(steps, shapley, actions))
    return fig


def strips_of(frame: pd.DataFrame) -> tuple[str, ...]:
    """Strips that a frame has, from the top."""
    return STRIPS if frame["command_influence"].notna().any() else STRIPS[:-2]


def timeline_height(frame: pd.DataFrame, strips: Sequence[str]) -> float:
    """Inches that some strips need in the style in force."""
    heights = _heights(frame)
    n_rows = sum(heights[name] + ROWS_BETWEEN for name in strips) + _ROWS_AROUND
    return float(1.4 * size_of("font.size") / 72.0 * n_rows)


def _heights(frame: pd.DataFrame) -> dict[str, float]:
    """Rows of each strip."""
    names = frame.drop_duplicates(["part", "name"])["part"]
    n_actions, n_inputs = int((names == "probability").sum()), int((names == "Shapley value").sum())
    return {
        "action": n_actions,
        "return": 3.2,
        "horizon": 3.2,
        "probability": 4.5,
        "Shapley": n_inputs + PAIR_GAP,
        "influence": 4.5,
        "flip": 4.5 if n_actions == 2 else n_actions,
    }


def _title(name: str, steps: pd.DataFrame, actions: list[str]) -> str:
    if name == "flip" and len(actions) == 2:
        return DISTANCE_TITLE
    title = TITLES[name]
    return title if "seen_flip_action" in steps.columns else title.replace("nearest seen", "nearest")


def _told(steps: pd.DataFrame, shapley: pd.DataFrame, actions: list[str]) -> str:
    """What an episode's timeline shows, in a sentence or two."""
    counts = [f"{name} {int((steps['action'] == action).sum())}" for action, name in enumerate(actions)]
    sizes = shapley.assign(size=shapley["value"].abs()).groupby("name", sort=False)["size"].mean()
    first, last = steps.iloc[0], steps.iloc[-1]
    words = (
        f"{len(steps)} steps of an episode; actions taken: {listed(counts)}. The desired return runs from "
        f"{number(first['desired_return'])} to {number(last['desired_return'])}; the largest Shapley values are "
        f"those of {feature(str(sizes.idxmax())).name.replace('_', ' ')} ({number(sizes.max())} on average)."
    )
    if steps["flips"].notna().any():
        share = 100 * steps["flips"].astype("boolean").mean()
        words += f" Another command of the training range would change the action in {number(share)} % of the steps."
    return words


def _draw_rows(axes: Axes, steps: pd.DataFrame, column: str, names: list[str]) -> None:
    """One row per action with a block at each of its steps: colour and height both say which action it is."""
    for action in range(len(names)):
        chosen = steps.loc[(steps[column] == action).fillna(False).astype(bool), "step"].to_numpy(dtype=float)
        axes.broken_barh(
            [(step - 0.5, 1.0) for step in chosen], (action, 1.0),
            facecolor=ACTION_COLOURS[action % len(ACTION_COLOURS)], linewidth=0, label=names[action],
        )  # fmt: skip
        if action:
            axes.axhline(action, color="#b0b0b0", linewidth=pt(0.4))
    axes.set_ylim(len(names), 0)
    axes.set_yticks(np.arange(len(names)) + 0.5, names)
    axes.tick_params(axis="y", length=0)


def _draw_flips(axes: Axes, steps: pd.DataFrame, actions: list[str]) -> list[Artist]:
    """The nearest flip of each step: its distance where there are two actions, else the action it gives."""
    if "seen_flip_action" in steps.columns:
        is_seen = steps["seen_flips"].astype("boolean").fillna(False).to_numpy(dtype=bool)
        seen_action, seen_distance = "seen_flip_action", "seen_flip_distance"
    else:  # a table that does not tell seen flips apart
        is_seen = steps["flips"].astype("boolean").fillna(False).to_numpy(dtype=bool)
        seen_action, seen_distance = "flip_action", "flip_distance"
    others = steps[steps["flips"].astype("boolean").fillna(False).to_numpy(dtype=bool) & ~is_seen]
    if len(actions) > 2:
        _draw_rows(axes, steps[is_seen], seen_action, actions)
        places = [
            (float(step), float(action), 1.0)
            for step, action in zip(others["step"], others["flip_action"], strict=True)
        ]
    else:
        near = steps[is_seen]
        axes.bar(near["step"], near[seen_distance], width=1.0, color=DISTANCE_COLOUR, linewidth=0, label="seen")
        places = [(step, 0.0, far) for step, far in others[["step", "flip_distance"]].to_numpy(dtype=float)]
        axes.set_ylim(0.0, 1.05 * max([*near[seen_distance], *others["flip_distance"]], default=1.0))
    for step, low, height in places:
        axes.broken_barh([(step - 0.5, 1.0)], (low, height), label="_unseen", **UNSEEN_STYLE)
    return [unseen_handle("only an unseen command flips")] if places else []


def _draw_command(axes: Axes, steps: pd.DataFrame, column: str) -> None:
    position = steps["step"].to_numpy(dtype=float)
    hatch_spans(axes, np.append(position - 0.5, position[-1] + 0.5), unseen(steps["seen"]))
    axes.plot(position, steps[column], color=COMMAND_COLOUR, drawstyle="steps-mid")
    axes.margins(y=0.12)


def _draw_probabilities(axes: Axes, probabilities: pd.DataFrame, names: list[str]) -> None:
    table = probabilities.pivot(index="name", columns="step", values="value").loc[names]
    position = table.columns.to_numpy(dtype=float)
    # The first action on top, as in the rows of actions.
    top = np.ones(len(position))
    for action, name in enumerate(names):
        height = table.loc[name].to_numpy(dtype=float)
        axes.bar(
            position, height, width=1.0, bottom=top - height, color=ACTION_COLOURS[action % len(ACTION_COLOURS)],
            linewidth=0, label=name,
        )  # fmt: skip
        top = top - height
    axes.axhline(0.5, color="white", linewidth=pt(0.6))
    axes.set(ylim=(0, 1), yticks=[0, 0.5, 1])


def _draw_shapley(axes: Axes, shapley: pd.DataFrame, inputs: list[str], bar_axes: Axes) -> list[Artist]:
    table = shapley.pivot(index="name", columns="step", values="value").loc[inputs]
    values: NDArray[np.float64] = table.to_numpy(dtype=float)
    n_single = len(inputs) - 1
    tops = np.arange(len(inputs)) + PAIR_GAP * (np.arange(len(inputs)) >= n_single)
    position = table.columns.to_numpy(dtype=float)
    edges = np.append(position - 0.5, position[-1] + 0.5)
    most = float(np.abs(values).max()) or 1.0
    norm = Normalize(-most, most)
    for rows in (slice(0, n_single), slice(n_single, None)):
        y_edges = np.append(tops[rows], tops[rows][-1] + 1)
        mesh = axes.pcolormesh(edges, y_edges, values[rows], cmap=SIGNED_MAP, norm=norm, rasterized=True)
    axes.set_ylim(tops[-1] + 1, 0)
    axes.set_yticks(tops + 0.5, [feature(name).symbol for name in inputs])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    row, column = np.nonzero(values < -MARKED_FROM * most)
    mark: dict[str, Any] = {
        "linestyle": "none", "marker": "_", "markersize": pt(3), "markeredgewidth": pt(0.8), "color": "black",
    }  # fmt: skip
    axes.plot(position[column], tops[row] + 0.5, rasterized=True, label="negative", **mark)
    bar = plt.colorbar(mesh, cax=bar_axes)
    bar.set_label("probability")
    bar.outline.set_linewidth(pt(0.4))
    return [Line2D([], [], label="strongly against the action", **mark)] if len(row) else []
