"""The plane of commands, coloured by the action that wins, with the present command and its nearest change."""

import matplotlib.patheffects as patheffects
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from udrl_explain.commands import COMMAND_NAMES, Command
from udrl_explain.figures.alt_text import describe, listed, number
from udrl_explain.figures.lettering import legend_above
from udrl_explain.figures.series import Shown, as_frame
from udrl_explain.figures.style import ACTION_COLOURS, ACTION_HATCHES, axes_or_new, figure_of, page_height, pt
from udrl_explain.names import feature

FILL = 0.6  # share of the action's colour, the rest is white: marks and hatches must show on it
LINE_COLOUR = "#404040"
DASHES = (0, (2, 1.5))
SEEN = "seen"  # word of the column ``change`` of ``CommandMap.nearest_frame()``


def plot_command_map(
    frame: Shown,
    *,
    ax: Axes | None = None,
    command: Command | tuple[float, float] | None = None,
    nearest: pd.DataFrame | None = None,
    support: pd.DataFrame | None = None,
) -> Axes:
    """Fill each region with its action's colour and hatch; mark the command and how it would flip.

    Parameters
    ----------
    frame : DataFrame or CommandMap
        As ``CommandMap.to_frame()`` gives it.
    ax : Axes, optional
        A new figure by default.
    command : Command or (desired_return, desired_horizon), optional
        The present command, a ring; taken from `nearest` where that is given.
    nearest : DataFrame, optional
        As ``CommandMap.nearest_frame()`` gives it: an arrow to the nearest command of another action, dashed lines
        to the nearest along one command alone. Where it tells what is seen, a second, open arrow leads to the nearest
        seen command of another action if that is another command, and the legend says whether the nearest is seen.
    support : DataFrame, optional
        Training commands, columns ``desired_return`` and ``desired_horizon``: faint points. Those outside the plane
        are not shown.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If the frame is empty.
    """
    frame = as_frame(frame)
    if len(frame) == 0:
        raise ValueError("frame must hold at least one rectangle, got an empty frame")
    made, axes = ax is None, axes_or_new(ax)
    handles = _draw_regions(axes, frame)
    handles += _draw_support(axes, support)
    axes.set_xlim(frame["return_low"].min(), frame["return_high"].max())
    axes.set_ylim(frame["horizon_low"].min(), frame["horizon_high"].max())
    if command is None and nearest is not None:
        command = Command(float(nearest["from_return"].iloc[0]), float(nearest["from_horizon"].iloc[0]))
    handles += _draw_nearest(axes, nearest)
    handles += _draw_command(axes, command)
    axes.set_xlabel(feature("desired_return").label)
    axes.set_ylabel(feature("desired_horizon").label)
    if not frame["exact"].all():
        handles.append(Line2D([], [], linestyle="", label=f"not exact: {frame['method'].iloc[0]}"))
    if made:
        figure_of(axes).set_figheight(min(1.15 * figure_of(axes).get_figheight(), page_height()))
    legend_above(axes, handles, grow=made)
    describe(axes, _told(frame, nearest))
    return axes


def _told(frame: pd.DataFrame, nearest: pd.DataFrame | None) -> str:
    """What the map shows, in a sentence or two."""
    area = (frame["return_high"] - frame["return_low"]) * (frame["horizon_high"] - frame["horizon_low"])
    shares = area.groupby(frame["action_name"], sort=False).sum() / area.sum()
    held = [f"{name} {number(100 * share)} %" for name, share in shares.items()]
    words = (
        f"Plane of desired return {number(frame['return_low'].min())} to {number(frame['return_high'].max())} and "
        f"desired horizon {number(frame['horizon_low'].min())} to {number(frame['horizon_high'].max())} steps "
        f"for one state; share of each action: {listed(held)}."
    )
    if nearest is not None and len(nearest):
        change = nearest.iloc[0]
        here = f"return {number(change['from_return'])} in {number(change['from_horizon'])} steps"
        if bool(change["found"]):
            words += (
                f" The command in force is {here}; the nearest that changes the action to {change['action_to_name']} "
                f"is return {number(change['to_return'])} in {number(change['to_horizon'])} steps."
            )
        else:
            words += f" The command in force is {here}; no command of the plane changes the action."
    return words


def _draw_regions(axes: Axes, frame: pd.DataFrame) -> list[Artist]:
    handles: list[Artist] = []
    names = frame.drop_duplicates("action").sort_values("action")
    for action, name in zip(names["action"], names["action_name"], strict=True):
        part = frame[frame["action"] == action]
        r0, r1, h0, h1 = (part[c].to_numpy() for c in ("return_low", "return_high", "horizon_low", "horizon_high"))
        corners = [np.array([(r0[k], h0[k]), (r1[k], h0[k]), (r1[k], h1[k]), (r0[k], h1[k])]) for k in range(len(part))]
        colour = _paler(ACTION_COLOURS[action % len(ACTION_COLOURS)])
        hatch = ACTION_HATCHES[action % len(ACTION_HATCHES)]
        # Rasterised and without antialiasing: thousands of rectangles stay small in a PDF and show no seams.
        axes.add_collection(
            PolyCollection(corners, facecolors=[colour], linewidths=0, antialiaseds=False, rasterized=True, zorder=1)
        )
        if hatch:
            axes.add_collection(
                PolyCollection(
                    corners, facecolors="none", edgecolors=LINE_COLOUR, linewidths=0, hatch=hatch, alpha=0.5,
                    rasterized=True, zorder=1.1,
                )
            )  # fmt: skip
        handles.append(Patch(facecolor=colour, edgecolor=LINE_COLOUR, linewidth=pt(0.5), hatch=hatch, label=str(name)))
    axes.add_collection(LineCollection(_borders(frame), colors=LINE_COLOUR, linewidths=pt(0.5), zorder=1.2))
    return handles


def _borders(frame: pd.DataFrame) -> list[NDArray[np.float64]]:
    """Lines between rectangles of different action."""
    r = np.unique(frame[["return_low", "return_high"]].to_numpy())
    h = np.unique(frame[["horizon_low", "horizon_high"]].to_numpy())
    actions = np.full((len(r) - 1, len(h) - 1), -1)
    sides = [
        np.searchsorted(line, frame[name])
        for line, name in ((r, "return_low"), (r, "return_high"), (h, "horizon_low"), (h, "horizon_high"))
    ]
    for action, r0, r1, h0, h1 in zip(frame["action"], *sides, strict=True):
        actions[r0:r1, h0:h1] = action
    lines = []
    for i, j in np.argwhere(np.diff(actions, axis=0) != 0):
        lines.append(np.array([(r[i + 1], h[j]), (r[i + 1], h[j + 1])]))
    for i, j in np.argwhere(np.diff(actions, axis=1) != 0):
        lines.append(np.array([(r[i], h[j + 1]), (r[i + 1], h[j + 1])]))
    return lines


def _draw_support(axes: Axes, support: pd.DataFrame | None) -> list[Artist]:
    if support is None or len(support) == 0:
        return []
    axes.scatter(
        support["desired_return"], support["desired_horizon"], s=pt(2) ** 2, color="black", linewidths=0, alpha=0.2,
        rasterized=True, zorder=2,
    )  # fmt: skip
    mark = Line2D([], [], linestyle="", marker="o", markersize=pt(2.5), color="black", alpha=0.6, markeredgewidth=0)
    mark.set_label("training commands")
    return [mark]


def _draw_command(axes: Axes, command: Command | tuple[float, float] | None) -> list[Artist]:
    if command is None:
        return []
    x, y = (command.desired_return, command.desired_horizon) if isinstance(command, Command) else command
    ring = Line2D(
        [x], [y], linestyle="", marker="o", markersize=pt(6), markerfacecolor="white", markeredgecolor="black",
        markeredgewidth=pt(1.2), zorder=5, clip_on=False, label="present command",
    )  # fmt: skip
    axes.add_line(ring)
    return [ring]


def _draw_nearest(axes: Axes, nearest: pd.DataFrame | None) -> list[Artist]:
    if nearest is None or not nearest["found"].any():
        return []
    nearest = _without_repetition(nearest)
    halo = [patheffects.withStroke(linewidth=pt(3.0), foreground="white")]
    handles: list[Artist] = []
    found = nearest[nearest["found"]]
    ends = found[["from_return", "from_horizon", "to_return", "to_horizon"]].to_numpy(dtype=float)
    for change, (_, _, x1, y1) in zip(found["change"], ends, strict=True):
        if change in ("both", SEEN):  # a change smaller than the ring of the present command shows inside of it
            axes.add_line(
                Line2D(
                    [x1], [y1], linestyle="", marker="X", markersize=pt(4), markerfacecolor="black",
                    markeredgecolor="white", markeredgewidth=pt(0.5), zorder=6, clip_on=False, label="_target",
                )
            )  # fmt: skip
    for change, (x0, y0, x1, y1) in zip(found["change"], ends, strict=True):
        if change == "both":
            arrow = {
                "arrowstyle": "-|>,head_width=0.25,head_length=0.5", "color": "black", "linewidth": pt(1.4),
                "mutation_scale": pt(10),
                "shrinkA": 0, "shrinkB": 0, "path_effects": halo,
            }  # fmt: skip
            axes.annotate("", xy=(x1, y1), xytext=(x0, y0), zorder=4, arrowprops=arrow)
            handles.append(
                Line2D([], [], color="black", linewidth=pt(1.4), marker=">", markevery=[1], markersize=pt(4),
                       label=f"nearest change{_where_words(found)}{_seen_words(found)}")
            )  # fmt: skip
        elif change == SEEN:
            arrow = {
                "arrowstyle": "->,head_width=0.25,head_length=0.5", "color": "black", "linewidth": pt(1.0),
                "mutation_scale": pt(10),
                "shrinkA": 0, "shrinkB": 0, "path_effects": halo,
            }  # fmt: skip
            axes.annotate("", xy=(x1, y1), xytext=(x0, y0), zorder=4, arrowprops=arrow)
            handles.append(
                Line2D([], [], color="black", linewidth=pt(1.0), marker=4, markevery=[1], markersize=pt(5),
                       markerfacecolor="none", label="nearest seen change")
            )  # fmt: skip
        else:
            line = Line2D(
                [x0, x1], [y0, y1], color="black", linewidth=pt(1.0), linestyle=DASHES, markevery=[1], markersize=pt(7),
                marker="|" if change == "desired_return" else "_", zorder=3, path_effects=halo, clip_on=False,
            )  # fmt: skip
            axes.add_line(line)
    if found["change"].isin(COMMAND_NAMES).any():
        handles.append(Line2D([], [], color="black", linewidth=pt(1.0), linestyle=DASHES, label="one command alone"))
    return handles


def _without_repetition(nearest: pd.DataFrame) -> pd.DataFrame:
    """Leave the nearest seen change out where it is the nearest change itself."""
    to = {str(row.change): (row.to_return, row.to_horizon) for row in nearest.itertuples()}
    return nearest[nearest["change"] != SEEN] if to.get(SEEN) == to["both"] else nearest


def _where_words(found: pd.DataFrame) -> str:
    """Whether a command outside the plane may be nearer; nothing where the table cannot tell."""
    both = found[found["change"] == "both"]
    if "disc_in_plane" not in found.columns or bool(both["disc_in_plane"].astype(bool).all()):
        return ""
    return " in this plane"


def _seen_words(found: pd.DataFrame) -> str:
    seen = found.loc[found["change"] == "both", "seen"] if "seen" in found.columns else pd.Series(dtype=object)
    if len(seen) == 0 or pd.isna(seen.iloc[0]):
        return ""
    return " (seen)" if bool(seen.iloc[0]) else " (unseen)"


def _paler(colour: str) -> tuple[float, float, float]:
    red, green, blue = to_rgb(colour)
    return (1 - FILL + FILL * red, 1 - FILL + FILL * green, 1 - FILL + FILL * blue)
