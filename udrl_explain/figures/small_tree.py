"""A small tree as a list of its tests, indented, with a bar per leaf: it fits the column of a paper."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from udrl_explain.figures.alt_text import describe, listed, number
from udrl_explain.figures.lettering import legend_above, text_points
from udrl_explain.figures.series import Shown, as_frame, check_frame
from udrl_explain.figures.style import (
    ACTION_COLOURS,
    ACTION_HATCHES,
    COMMAND_COLOUR,
    axes_or_new,
    figure_of,
    page_height,
    pt,
)
from udrl_explain.names import feature

_NEEDED = (
    "line", "node", "parent", "branch", "depth", "is_leaf", "feature", "is_command", "threshold", "action",
    "action_name", "share",
)  # fmt: skip
_LINE = 1.55  # of the text's size
_INDENT = 1.3  # ems
_LEAST_BAR = 5.0  # ems that a bar of all states has at least
_SHARE = 3.4  # ems for the number behind a bar
_GREY = "0.45"
_LEAST_SIZE = 7.0  # points
_AROUND = 7.0  # lines of the style's size for the legend and the margins


def plot_small_tree(frame: Shown, *, ax: Axes | None = None) -> Axes:
    """Draw one tree line by line: what follows a test stands below it, indented, first where it says yes.

    Parameters
    ----------
    frame : DataFrame or Student
        ``Student.to_frame()``, see ``printing.small_trees``.
    ax : Axes, optional
        By default a new figure of the height that the tree needs.

    Returns
    -------
    Axes
        Tests on the command are set apart by colour and weight. Each leaf is its action with a bar, whose length is the
        share of the visited states that end there; without visited states there are no bars.

    Raises
    ------
    ValueError
        If the frame lacks columns, has no rows, or the tree does not fit on a page.
    """
    frame = as_frame(frame)
    check_frame(frame, _NEEDED)
    size = plt.rcParams["font.size"]
    if ax is None:  # slides are low: their text may become as small as a paper's
        lines_high = page_height() * 72 - _AROUND * size
        size = max(min(size, lines_high / _LINE / (len(frame) + 1.0)), min(size, _LEAST_SIZE))
    inches = (len(frame) + 1.0) * _LINE * size / 72
    if ax is None and inches > page_height():
        leaves = int(frame["is_leaf"].sum())
        raise ValueError(
            f"a tree of {leaves} leaves does not fit on a page of {page_height():g} inches: print its rules"
        )
    made, axes = ax is None, axes_or_new(ax)
    figure = figure_of(axes)
    if made:
        figure.set_figheight(inches)
    wide = (axes.get_position().width if not made else 0.97) * figure.get_figwidth() * 72 / size
    axes.set_xlim(0, wide)
    axes.set_ylim(len(frame) - 0.4, -0.6)
    axes.axis("off")
    normal = plt.rcParams["font.size"]
    lines = [{str(name): value for name, value in line.items()} for line in frame.to_dict("records")]
    words = [_words(line) for line in lines]
    ends = [
        _INDENT * line["depth"] + text_points(f"{_answer(line)}{said}", "font.size") / normal
        for line, said in zip(lines, words, strict=True)
    ]
    leaf_ends = [end for line, end in zip(lines, ends, strict=True) if line["is_leaf"]]
    start = max(leaf_ends) + 0.8
    room = max(wide - start - _SHARE, _LEAST_BAR)
    place = {int(line["node"]): k for k, line in enumerate(lines)}
    for k, (line, said) in enumerate(zip(lines, words, strict=True)):
        x = _INDENT * line["depth"]
        if line["parent"] >= 0:
            left = x - 0.8 * _INDENT
            axes.plot([left, left, x - 0.15], [place[int(line["parent"])] + 0.42, k, k], color="0.6", linewidth=pt(0.5))
        answer = _answer(line)
        axes.text(x, k, answer, color=_GREY, va="center", fontsize=size)
        x += text_points(answer, "font.size") / normal
        command = bool(line["is_command"])
        axes.text(
            x, k, said, va="center", fontsize=size, color=COMMAND_COLOUR if command else "black",
            fontweight="bold" if command else "normal",
        )  # fmt: skip
        if line["is_leaf"] and np.isfinite(line["share"]):
            _draw_bar(axes, k, start, room, int(line["action"]), float(line["share"]), size)
    legend_above(axes, _handles(frame), grow=made)
    describe(axes, _told(frame))
    return axes


def _answer(line: dict[str, Any]) -> str:
    return "" if line["branch"] == "root" else f"{line['branch']}: "


def _words(line: dict[str, Any]) -> str:
    if line["is_leaf"]:
        return str(line["action_name"])
    known = feature(str(line["feature"]))
    unit = f" {known.unit}" if known.unit else ""
    return f"{known.symbol} ≤ {number(float(line['threshold']), 6)}{unit} ?"


def _draw_bar(axes: Axes, line: int, start: float, room: float, action: int, share: float, size: float) -> None:
    axes.add_patch(
        Rectangle(
            (start, line - 0.3),
            room * share,
            0.6,
            facecolor=ACTION_COLOURS[action % len(ACTION_COLOURS)],
            hatch=ACTION_HATCHES[action % len(ACTION_HATCHES)],
            edgecolor="black",
            linewidth=pt(0.4),
        )
    )
    axes.text(start + room * share + 0.3, line, f"{100 * share:.0f} %", va="center", fontsize=size)


def _handles(frame: pd.DataFrame) -> list[Patch]:
    leaves = frame[frame["is_leaf"].astype(bool)].sort_values("action")
    handles = [
        Patch(
            facecolor=ACTION_COLOURS[int(action) % len(ACTION_COLOURS)],
            hatch=ACTION_HATCHES[int(action) % len(ACTION_HATCHES)],
            edgecolor="black",
            linewidth=pt(0.4),
            label=f"{name}: share of visited states",
        )
        for action, name in leaves[["action", "action_name"]].drop_duplicates().itertuples(index=False)
    ]
    if frame["is_command"].astype(bool).any():
        handles.append(Patch(facecolor=COMMAND_COLOUR, label="test on the command"))
    return handles


def _told(frame: pd.DataFrame) -> str:
    leaves = frame[frame["is_leaf"].astype(bool)]
    tested = [name.replace("_", " ") for name in dict.fromkeys(frame.loc[frame["feature"] != "", "feature"].dropna())]
    told = f"A tree of {len(leaves)} leaves"
    if tested:
        first = frame.iloc[0]
        told += f" that tests {listed(tested)}, first whether {str(first['feature']).replace('_', ' ')} is at most "
        told += number(float(first["threshold"]))
    shares = leaves.groupby("action_name", sort=False)["share"].sum()
    if shares.notna().any() and leaves["share"].notna().any():
        told += "; " + listed(
            [f"{name} in {number(100 * share)} % of the visited states" for name, share in shares.items()]
        )
    return told + "."
