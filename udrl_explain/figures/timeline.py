"""One episode as aligned strips: what was done, what was asked, how sure the policy was, and why."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from udrl_explain.figures.style import ACTION_COLOURS, COMMAND_COLOUR, SIGNED_MAP
from udrl_explain.names import feature

UNSEEN_STYLE: dict[str, Any] = {"facecolor": "#f4f4f4", "edgecolor": "#b0b0b0", "hatch": "////", "linewidth": 0.0}
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
    "flip": "action under the nearest command that flips it",
}
ROWS_BETWEEN = 1.9  # rows of text between two strips


def plot_timeline(frame: pd.DataFrame, *, fig: Figure | None = None) -> Figure:
    """Draw the strips of one episode over its steps.

    Parameters
    ----------
    frame : DataFrame
        As ``Timeline.to_frame()`` gives it.
    fig : Figure, optional
        An empty one; by default a new one of the current style's width, as high as its rows need.

    Returns
    -------
    Figure
        From the top: actions taken; desired return and desired horizon as they run down, hatched where unseen in
        training; action probabilities, stacked; Shapley values of the action taken for each input and, apart, for
        the command pair, with a dash on strong negative ones (a quarter of the strongest or more); command
        influence; the action that the nearest flipping command of the training range gives, empty at steps where no
        such command changes the action. The last two are left out where the timeline was made without training
        commands.

    Raises
    ------
    ValueError
        If the frame is empty.
    """
    if len(frame) == 0:
        raise ValueError("frame must hold at least one step, got an empty frame")
    steps = frame.drop_duplicates("step").sort_values("step")
    probabilities = frame[frame["part"] == "probability"]
    shapley = frame[frame["part"] == "Shapley value"]
    actions = list(dict.fromkeys(probabilities["name"]))
    inputs = list(dict.fromkeys(shapley["name"]))
    shown = STRIPS if steps["command_influence"].notna().any() else STRIPS[:-2]
    heights = {
        "action": len(actions),
        "return": 3.2,
        "horizon": 3.2,
        "probability": 4.5,
        "Shapley": len(inputs) + PAIR_GAP,
        "influence": 4.5,
        "flip": len(actions),
    }
    if fig is None:
        row = 1.4 * plt.rcParams["font.size"] / 72.0
        n_rows = sum(heights[name] + ROWS_BETWEEN for name in shown) + ROWS_BETWEEN
        fig = plt.figure(figsize=(plt.rcParams["figure.figsize"][0], row * n_rows))
    grid = fig.add_gridspec(len(shown), 2, height_ratios=[heights[name] for name in shown], width_ratios=[1, 0.02])
    strips: dict[str, Axes] = {}
    for k, name in enumerate(shown):
        strips[name] = fig.add_subplot(grid[k, 0], sharex=strips.get("action"))
    _draw_rows(strips["action"], steps, "action", actions)
    for name, column in (("return", "desired_return"), ("horizon", "desired_horizon")):
        _draw_command(strips[name], steps, column)
    _draw_probabilities(strips["probability"], probabilities, actions)
    _draw_shapley(strips["Shapley"], shapley, inputs, fig.add_subplot(grid[shown.index("Shapley"), 1]))
    if "flip" in strips:
        axes = strips["influence"]
        axes.plot(steps["step"], steps["command_influence"], color="black", linewidth=0.9, drawstyle="steps-mid")
        axes.set_ylim(bottom=0.0)
        _draw_rows(strips["flip"], steps, "flip_action", actions)
    for name in shown:
        strips[name].set_title(TITLES[name], loc="left", pad=2.5, fontsize=plt.rcParams["xtick.labelsize"])
    for name in shown[:-1]:
        strips[name].tick_params(labelbottom=False)
    strips[shown[-1]].set_xlabel("step")
    strips["action"].set_xlim(steps["step"].min() - 0.5, steps["step"].max() + 0.5)
    if _unseen(steps).any():
        patch = Patch(label="command unseen in training", **UNSEEN_STYLE)
        strips["action"].legend(handles=[patch], loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)
    return fig


def _draw_rows(axes: Axes, steps: pd.DataFrame, column: str, names: list[str]) -> None:
    """One row per action with a block at each of its steps: colour and height both say which action it is."""
    for action in range(len(names)):
        chosen = steps.loc[(steps[column] == action).fillna(False).astype(bool), "step"].to_numpy(dtype=float)
        axes.broken_barh(
            [(step - 0.5, 1.0) for step in chosen], (action, 1.0),
            facecolor=ACTION_COLOURS[action % len(ACTION_COLOURS)], linewidth=0, label=names[action],
        )  # fmt: skip
        if action:
            axes.axhline(action, color="#b0b0b0", linewidth=0.4)
    axes.set_ylim(len(names), 0)
    axes.set_yticks(np.arange(len(names)) + 0.5, names)
    axes.tick_params(axis="y", length=0)


def _draw_command(axes: Axes, steps: pd.DataFrame, column: str) -> None:
    position, unseen = steps["step"].to_numpy(dtype=float), _unseen(steps)
    change = np.diff(np.concatenate([[0], unseen.astype(int), [0]]))
    for start, end in zip(np.flatnonzero(change == 1), np.flatnonzero(change == -1), strict=True):
        axes.axvspan(position[start] - 0.5, position[end - 1] + 0.5, zorder=0, **UNSEEN_STYLE)
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
    axes.axhline(0.5, color="white", linewidth=0.6)
    axes.set(ylim=(0, 1), yticks=[0, 0.5, 1])


def _draw_shapley(axes: Axes, shapley: pd.DataFrame, inputs: list[str], bar_axes: Axes) -> None:
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
    axes.plot(
        position[column], tops[row] + 0.5, linestyle="none", marker="_", markersize=3, markeredgewidth=0.8,
        color="black", rasterized=True, label="negative",
    )  # fmt: skip
    bar = plt.colorbar(mesh, cax=bar_axes)
    bar.set_label("probability")
    bar.outline.set_linewidth(0.4)


def _unseen(steps: pd.DataFrame) -> NDArray[np.bool_]:
    """Steps marked False; where nothing is known (training commands not given) none is."""
    return np.array([not pd.isna(seen) and not bool(seen) for seen in steps["seen"]], dtype=bool)
