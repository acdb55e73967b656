"""Decision paths as pictures: one path of one tree, or the paths of one state under several commands."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from udrl_explain.figures.alt_text import describe, listed, number
from udrl_explain.figures.lettering import size_of
from udrl_explain.figures.path_drawing import answer, draw_arrow, draw_box, draw_histogram, telling_tree
from udrl_explain.figures.path_layout import FLATTEST, PathLayout, lay_out, lines_for_tests, shortened
from udrl_explain.figures.series import Shown, as_frame
from udrl_explain.figures.style import ACTION_COLOURS, figure_of, inches_of_text, pt

_TALL = 1.5  # tests that one takes whose histogram stands below its words
_HEADER, _LEAF = 2.4, 2.5  # lines
_NUMBER_INCHES = 0.3  # behind each box of a contrast, for text of eight points
_ROOM = 0.16  # above and below a box, in tests
_BINS_START = 0.63  # of the width


def plot_decision_path(
    frame: Shown,
    *,
    ax: Axes | None = None,
    row: int | None = None,
    tree: int | None = None,
    votes: pd.DataFrame | None = None,
    values: pd.DataFrame | None = None,
) -> Axes:
    """One path from the root (top) to the leaf: each test as it was answered, and the probability after it.

    Parameters
    ----------
    frame : DataFrame or DecisionPaths
        As ``DecisionPaths.to_frame()`` gives it.
    ax : Axes, optional
        By default a new figure of the height that the path needs.
    row, tree : int, optional
        Which path; by default the first row, and a tree that votes as the forest does, with a short path.
    votes : DataFrame, optional
        ``DecisionBox.votes_frame()`` of the same row: how many trees vote alike.
    values : DataFrame, optional
        Training values, columns ``feature``, ``low``, ``high``, ``count``: a small histogram beside each test, dark
        on the side taken, with the threshold as a line and this row's value as a triangle.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If the frame holds no test of this row and tree.
    """
    frame = as_frame(frame)
    row = int(frame["row"].iloc[0]) if row is None and len(frame) else row or 0
    of_row = frame[frame["row"] == row]
    tree = telling_tree(of_row) if tree is None and len(of_row) else tree or 0
    path = of_row[of_row["tree"] == tree].sort_values("step")
    if path.empty:
        raise ValueError(f"frame holds no test of row {row}, tree {tree}; a tree of a single leaf has none")
    title = f"tree {tree} of {path['n_trees'].iloc[0]}{_forest_votes(path, votes)}"
    around: dict[str, Any] = {"parts": False, "histograms": values is not None, "title": title}
    other = _HEADER + _LEAF
    rows, gap, missing = shortened(path, int(lines_for_tests(other, **around) / FLATTEST) if ax is None else len(path))
    layout = lay_out(ax, len(rows) + (missing > 0), other, **around)
    axes, step = layout.axes, layout.step
    columns = (0.42, 0.45, 0.61, 0.65) if layout.wide else (0.5, 0.53, 0.7, 0.73)
    box_end, bins_start, bins_end, number_at = columns if values is not None else (0.55, 0.0, 0.0, columns[3])
    quantity = _quantity_label(path)
    head: dict[str, Any] = {"va": "bottom", "weight": "bold", "fontsize": size_of(layout.setting)}
    axes.text(0.0, _HEADER - 0.2, "test as answered", **head)
    if values is not None:
        axes.text(bins_start, _HEADER - 0.2, "training rows" if layout.wide else "rows", **head)
    axes.text(number_at, _HEADER - 0.2, f"{quantity}\nstart {_number(path['before'].iloc[0])}", **head)
    y = _HEADER
    for place, test in enumerate(rows):
        if missing and place == gap:
            _draw_gap(layout, 0.0, box_end, y, missing)
            y += step
        _draw_step(layout, test, 0.0, box_end, y)
        if values is not None:
            draw_histogram(axes, test, values, bins_start, bins_end, y + 0.88 * step, y + 0.12 * step)
        _draw_probability(layout, test, number_at, y)
        y += step
    draw_arrow(axes, box_end - 0.02, y - _ROOM * step, y + 0.25)
    leaf = f"leaf {path['next_node'].iloc[-1]}{_vote(path)}"
    axes.text(box_end - 0.04, y + 0.1, leaf, ha="right", va="top", style="italic", fontsize=size_of(layout.setting))
    tests = [answer(test, 1e9, "font.size") for _, test in path.iterrows()]
    describe(
        axes,
        f"Path of one row through {title.replace(chr(10), ' ')}: {listed(tests)}. {quantity} goes from "
        f"{number(path['before'].iloc[0])} at the root to {number(path['after'].iloc[-1])} at the leaf.",
    )
    return axes


def plot_path_contrast(
    frame: Shown,
    *,
    ax: Axes | None = None,
    tree: int | None = None,
    votes: pd.DataFrame | None = None,
    values: pd.DataFrame | None = None,
) -> Axes:
    """Paths of one tree under several commands: together as long as they are one, then side by side.

    Parameters
    ----------
    frame : DataFrame or PathContrast
        As ``PathContrast.to_frame()`` gives it. A result brings its own `votes`.
    ax : Axes, optional
        By default a new figure of the height that the paths need.
    tree : int, optional
        By default one that votes as the forest does under every command and whose leaves differ, with short paths.
    votes : DataFrame, optional
        ``PathContrast.commands_frame()``: what the forest does under each command.
    values : DataFrame, optional
        As for :func:`plot_decision_path`.

    Returns
    -------
    Axes
        A heavy frame marks the test at which the paths part.

    Raises
    ------
    ValueError
        If the frame holds no test of this tree.
    """
    if votes is None and not isinstance(frame, pd.DataFrame):
        votes = as_frame(frame, "commands_frame")
    frame = as_frame(frame)
    tree = telling_tree(frame) if tree is None and len(frame) else tree or 0
    paths = frame[frame["tree"] == tree]
    if paths.empty:
        raise ValueError(f"frame holds no test of tree {tree}; a tree of a single leaf has none")
    labels = list(dict.fromkeys(paths["label"]))
    parting = paths.loc[paths["is_parting"], "step"]
    # One path needs no columns: its tests are wide, their histograms beside them.
    n_shared = int(paths["step"].max()) + 1 if parting.empty or len(labels) == 1 else int(parting.min())
    tall = 1.0 if values is None else _TALL
    heads = [_command_words(paths[paths["label"] == label], votes) for label in labels]
    alone = len(labels) == 1
    title = f"tree {tree} of {paths['n_trees'].iloc[0]}{_votes_alike(paths)}"
    if alone:
        title += "\n" + heads[0].replace("\n", " ", 2)
    around: dict[str, Any] = {"parts": not parting.empty, "histograms": values is not None, "title": title}
    other = _LEAF + (0.0 if alone else 1.4 + max(head.count("\n") for head in heads))
    shared = paths[paths["label"] == labels[0]].sort_values("step").head(n_shared)
    below = (int(paths["step"].max()) + 1 - n_shared) * tall
    room = lines_for_tests(other, **around) / FLATTEST - below if ax is None else len(shared)
    rows, gap, missing = shortened(shared, int(room), parting.tolist())
    layout = lay_out(ax, len(rows) + (missing > 0) + below, other, **around)
    axes, step = layout.axes, layout.step
    number_width = _NUMBER_INCHES / inches_of_text(figure_of(axes))
    small: dict[str, Any] = {"fontsize": size_of("xtick.labelsize"), "ha": "center"}
    at_right = small | {"ha": "right", "va": "center", "color": "0.3"}
    y, box_end = 0.0, 1.0 - number_width if values is None else _BINS_START - 0.03
    for place, test in enumerate(rows):
        if missing and place == gap:
            _draw_gap(layout, 0.0, box_end, y, missing)
            y += step
        _draw_step(layout, test, 0.0, box_end, y)
        if values is not None:
            draw_histogram(axes, test, values, _BINS_START, 0.96 - number_width, y + 0.88 * step, y + 0.12 * step)
        axes.text(1.0, y + step / 2, _short(test["after"]), **at_right)
        y += step
    top = y if alone else y + other - _LEAF
    for column, (label, head) in enumerate(zip(labels, heads, strict=True)):
        path = paths[paths["label"] == label].sort_values("step")
        left, right = column / len(labels), (column + 1) / len(labels) - (0.0 if alone else 0.02)
        if not alone:
            axes.text((left + right) / 2, top - 0.1, head, va="bottom", **small)
        y, box_end = top, right - number_width
        for _, test in path.iloc[n_shared:].iterrows():
            _draw_step(layout, test, left, box_end, y)
            axes.text(right, y + step / 2, _short(test["after"]), **at_right)
            if values is not None:
                draw_histogram(axes, test, values, left, box_end, y + (tall - 0.08) * step, y + (1.08 - _ROOM) * step)
            y += tall * step
        leaf = f"{_quantity_label(path)} = {_number(path['after'].iloc[-1])}{_vote(path)}"
        axes.text((left + right) / 2, y + 0.1, leaf, va="top", style="italic", **small)
    ends = paths.sort_values("step").groupby("label", sort=False)["after"].last()
    told = [f"{label} {number(value)}" for label, value in ends.items()]
    where = "" if parting.empty else f"; they part after {parting.min()} shared tests"
    describe(
        axes,
        f"Paths of one state under {len(labels)} commands through tree {tree} of {paths['n_trees'].iloc[0]}{where}. "
        f"{_quantity_label(paths)} at the leaf: {listed(told)}.",
    )
    return axes


def contrast_fits(paths: pd.DataFrame, *, histograms: bool) -> bool:
    """Whether the paths of one tree have room side by side on a page of the style in force."""
    last = int(paths["step"].max()) + 1
    parting = paths.loc[paths["is_parting"], "step"]
    below = 0 if parting.empty else last - int(parting.min())
    other = _LEAF + 6.0  # the words of a command
    room = lines_for_tests(other, parts=True, histograms=histograms, title="")
    return bool(room >= FLATTEST * (last - below + below * (_TALL if histograms else 1.0)))


def _draw_step(layout: PathLayout, test: pd.Series, left: float, right: float, y: float) -> None:
    """Box of one test, with an arrow from the one before."""
    room = _ROOM * layout.step
    setting = "xtick.labelsize" if "is_parting" in test else layout.setting
    draw_box(layout.axes, test, left, right, y + room, y + layout.step - room, setting)
    if test["step"]:
        draw_arrow(layout.axes, right - 0.02, y - room, y + room)


def _draw_gap(layout: PathLayout, left: float, right: float, y: float, missing: int) -> None:
    """Line that says how many tests are not shown."""
    words = f"… {missing} more test{'s' if missing > 1 else ''} …"
    place = (left + right) / 2, y + layout.step / 2
    layout.axes.text(*place, words, ha="center", va="center", style="italic", fontsize=size_of(layout.setting))


def _quantity_label(path: pd.DataFrame) -> str:
    name = path["action_name"].iloc[0]
    return f"P({name})" if path["quantity"].iloc[0] == "probability" else f"score of {name}"


def _vote(path: pd.DataFrame) -> str:
    """What the leaf of a path votes for, on a line of its own; nothing for trees that add scores."""
    if "leaf_action_name" not in path.columns or path["quantity"].iloc[0] != "probability":
        return ""
    return f"\nvotes {path['leaf_action_name'].iloc[0]}"


def _forest_votes(path: pd.DataFrame, votes: pd.DataFrame | None) -> str:
    """How many trees vote for the action of a path."""
    if votes is None:
        return ""
    row = votes[votes["action"] == path["action"].iloc[0]].iloc[0]
    return (
        f"; {row['n_votes']} of {row['n_trees']} trees vote {row['action_name']}, the forest gives it "
        f"{_number(row['probability'])}"
    )


def _votes_alike(paths: pd.DataFrame) -> str:
    if "leaf_action" not in paths or paths["quantity"].iloc[0] != "probability":
        return ""
    alike = bool((paths["leaf_action"] == paths["forest_action"]).all())
    under = "under each command" if paths["label"].nunique() > 1 else "here"
    return f", which votes as the forest does {under}" if alike else ", which does not always vote as the forest does"


def _command_words(path: pd.DataFrame, votes: pd.DataFrame | None) -> str:
    """Name of a command, the command, and what the forest does under it."""
    first = path.iloc[0]
    lines = [
        f"{first['label']}:",
        f"return {first['desired_return']:.4g},".replace("-", "−"),
        f"horizon {first['desired_horizon']:.4g} steps",
    ]
    if votes is not None:
        chosen = votes[(votes["label"] == first["label"]) & votes["is_chosen"].astype(bool)].iloc[0]
        if "n_votes" in votes.columns and not pd.isna(chosen["n_votes"]):
            lines.append(f"{chosen['n_votes']:.0f} of {chosen['n_trees']} trees")
            lines.append(f"vote {chosen['action_name']}")
        else:
            lines.append(f"{chosen['action_name']}: {_number(chosen['probability'])}")
    return "\n".join(lines)


def _draw_probability(layout: PathLayout, test: pd.Series, left: float, y: float) -> None:
    """Bar of the probability after a test with its number and change; the number alone for scores."""
    axes, step = layout.axes, layout.step
    change, width = float(test["after"]) - float(test["before"]), 0.15
    if layout.wide and test["quantity"] == "probability":
        colour = ACTION_COLOURS[int(test["action"]) % len(ACTION_COLOURS)]
        corner, height = (left, y + 0.26 * step), 0.48 * step
        axes.add_patch(Rectangle(corner, width * float(test["after"]), height, facecolor=colour, alpha=0.85))
        axes.add_patch(Rectangle(corner, width, height, facecolor="none", edgecolor="0.4", linewidth=pt(0.6)))
        left += width + 0.015
    words = f"{_number(test['after'])} ({_number(change, '+')})"
    if not layout.wide:
        words = f"{_short(test['after'])} ({change:+.2f})".replace("-", "−")
    axes.text(left, y + step / 2, words, va="center", fontsize=size_of(layout.setting))


def _number(value: float, sign: str = "") -> str:
    return f"{value:{sign}.3f}".replace("-", "−")


def _short(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")
