"""The pieces of a drawn path: tests as boxes, training values as small histograms, the choice of a telling tree."""

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from udrl_explain.figures.lettering import size_of, text_points
from udrl_explain.figures.style import COMMAND_COLOUR, STATE_COLOUR, figure_of, pt
from udrl_explain.names import feature

# Said of inputs for their axes; no unit to put behind a number.
UNITLESS = ("", "scaled", "0/1")
STRIP = 0.016  # of the width: says state or command
TEXT_AT = 0.022
_ROOM = 0.9  # of a box for its words: the Axes are a little narrower than their figure, and hinting widens letters
TAKEN, NOT_TAKEN = "0.45", "0.82"


def draw_box(axes: Axes, test: pd.Series, left: float, right: float, low: float, high: float, setting: str) -> None:
    """Box with a test as it was answered, in the text size of a setting; heavy where paths part."""
    parts = bool(test.get("is_parting", False))
    edge = "black" if parts else "0.4"
    face = "0.92" if bool(test.get("is_shared", False)) and not parts else "white"
    axes.add_patch(
        Rectangle(
            (left, low), right - left, high - low, facecolor=face, edgecolor=edge, linewidth=pt(2.4 if parts else 0.8)
        )
    )
    is_command = bool(test["is_command"])
    axes.add_patch(
        Rectangle(
            (left, low), STRIP, high - low, facecolor=COMMAND_COLOUR if is_command else STATE_COLOUR, edgecolor=edge,
            linewidth=pt(0.5), hatch="////" if is_command else "",
        )
    )  # fmt: skip
    words = answer(test, _ROOM * points_of(axes, right - left - TEXT_AT), setting)
    axes.text(left + TEXT_AT, (low + high) / 2, words, va="center", fontsize=size_of(setting))


def answer(test: pd.Series, points: float, setting: str) -> str:
    """The test as the tree answered it, at most `points` wide where leaving words and digits out can bring that.

    More digits only where value and threshold would look equal; in the end the value is left to the histogram.
    """
    value, threshold = float(test["value"]), float(test["threshold"])
    shown = feature(test["feature"])
    sign = "≤" if test["went_left"] else ">"
    unit = "" if shown.unit in UNITLESS else f" {shown.unit}"
    short = shown.symbol.removeprefix("desired ")
    words = ""
    for symbol, told, behind, digits in (
        (shown.symbol, True, unit, 4), (shown.symbol, True, "", 4), (short, True, "", 4), (short, True, "", 3),
        (short, False, "", 4), (short, False, "", 3),
    ):  # fmt: skip
        while digits < 17 and value != threshold and f"{value:.{digits}g}" == f"{threshold:.{digits}g}":
            digits += 1
        words = f"{symbol}{f' = {value:.{digits}g}' if told else ''} {sign} {threshold:.{digits}g}{behind}"
        words = words.replace("-", "−")
        if text_points(words, setting) <= points:
            break
    return words


def draw_histogram(
    axes: Axes, test: pd.Series, values: pd.DataFrame, left: float, right: float, low: float, high: float
) -> None:
    """Training values of the tested input, dark on the side taken, with the threshold and this row's value.

    Parameters
    ----------
    axes : Axes
    test : Series
        One test of a path.
    values : DataFrame
        Columns ``feature``, ``low``, ``high``, ``count``: bins of every input over the rows of the last fit.
    left, right, low, high : float
        Where, in data coordinates; `low` is the lower end on the page, whose y runs downwards.
    """
    bins = values[values["feature"] == test["feature"]]
    if bins.empty:
        return
    value, threshold = float(test["value"]), float(test["threshold"])
    starts, ends = bins["low"].to_numpy(dtype=float), bins["high"].to_numpy(dtype=float)
    first, last = min(starts[0], value, threshold), max(ends[-1], value, threshold)
    scale = (right - left) / ((last - first) or 1.0)
    counts = bins["count"].to_numpy(dtype=float)
    heights = (low - high) * 0.8 * counts / (counts.max() or 1.0)
    sides: dict[str, list[list[tuple[float, float]]]] = {TAKEN: [], NOT_TAKEN: []}
    for start, end, height in zip(starts, ends, heights, strict=True):
        if height <= 0:
            continue
        cut = min(max(threshold, start), end)
        for a, b, is_left in ((start, cut, True), (cut, end, False)):
            if b > a:
                x0, x1 = left + (a - first) * scale, left + (b - first) * scale
                box = [(x0, low), (x1, low), (x1, low - height), (x0, low - height)]
                sides[TAKEN if is_left == bool(test["went_left"]) else NOT_TAKEN].append(box)
    for colour, boxes in sides.items():
        axes.add_collection(PolyCollection(boxes, facecolors=colour, linewidths=0, zorder=1.5))
    axes.plot([left, right], [low, low], color="0.4", linewidth=pt(0.5), zorder=1.6)
    at = left + (threshold - first) * scale
    axes.plot([at, at], [low, high], color="black", linewidth=pt(1.0), zorder=2)
    axes.plot(
        [left + (value - first) * scale], [low], linestyle="none", marker="^", markersize=pt(4), color="black",
        markeredgecolor="white", markeredgewidth=pt(0.4), zorder=3, clip_on=False,
    )  # fmt: skip


def draw_arrow(axes: Axes, x: float, top: float, bottom: float) -> None:
    """Short arrow downwards from a box to what follows."""
    axes.annotate(
        "", xy=(x, bottom), xytext=(x, top),
        arrowprops={
            "arrowstyle": "-|>", "mutation_scale": pt(6), "color": "0.3", "linewidth": pt(0.8), "shrinkA": 0,
            "shrinkB": 0,
        },
    )  # fmt: skip


def path_handles(*, parts: bool, histograms: bool) -> list[Artist]:
    """Legend entries of a path."""
    handles: list[Artist] = [
        Patch(facecolor=STATE_COLOUR, edgecolor="0.4", label="test of the state"),
        Patch(facecolor=COMMAND_COLOUR, edgecolor="0.4", hatch="////", label="test of the command"),
    ]
    if parts:
        handles.append(Patch(facecolor="white", edgecolor="black", linewidth=pt(2.4), label="paths part here"))
        handles.append(Patch(facecolor="0.92", edgecolor="0.4", label="shared by all"))
    if histograms:
        handles.append(Patch(facecolor=TAKEN, label="training rows on the side taken"))
        handles.append(Line2D([], [], color="black", linewidth=pt(1.0), label="threshold"))
        handles.append(Line2D([], [], linestyle="none", marker="^", markersize=pt(4), color="black", label="this row"))
    return handles


def telling_tree(paths: pd.DataFrame, contrast: pd.DataFrame | None = None) -> int:
    """Tree that shows best what the forest did: it votes as the forest does, and its leaves differ between commands.

    Parameters
    ----------
    paths : DataFrame
        Paths of one row, or a contrast itself.
    contrast : DataFrame, optional
        Of the same row: the tree is then a telling one there too.

    Returns
    -------
    int
        Of the trees that meet most of the demands (its vote is the forest's; its leaf is not the same under all
        commands; its leaves' values are not), the one with the shortest paths, then the lowest number.
    """
    frames = [frame for frame in (paths, contrast) if frame is not None and len(frame)]
    trees = sorted(set.intersection(*[set(frame["tree"]) for frame in frames])) or sorted(set(frames[0]["tree"]))
    best, choice = None, int(trees[0])
    grouped = [dict(list(frame.groupby("tree"))) for frame in frames]
    for tree in trees:
        demands, length = [0, 0, 0], 0
        for by_tree in grouped:
            if tree not in by_tree:
                continue
            part = by_tree[tree]
            length += int(part["step"].max())
            if "leaf_action" in part.columns:
                demands[0] += int((part["leaf_action"] == part["forest_action"]).all())
            if "label" in part.columns:
                ends = part.sort_values("step").groupby("label", sort=False).last()
                demands[1] += int(ends["next_node"].nunique() > 1)
                demands[2] += int(np.ptp(ends["after"].to_numpy(dtype=float)) > 1e-9)
        rank = (*(-demand for demand in demands), length)
        if best is None or rank < best:
            best, choice = rank, int(tree)
    return choice


def points_of(axes: Axes, share: float) -> float:
    """Points that a share of an Axes' figure is wide; the Axes' own width is not settled before it is drawn."""
    return figure_of(axes).get_figwidth() * 72 * share
