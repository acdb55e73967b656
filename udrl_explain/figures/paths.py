"""Decision paths as pictures: one path of one tree, or the paths of one state under several commands."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from udrl_explain.figures.style import ACTION_COLOURS, COMMAND_COLOUR, STATE_COLOUR, axes_or_new
from udrl_explain.names import feature

STEP_INCHES = 0.3
HEADER_INCHES = 0.9
# Said of inputs for their axes; no unit to put behind a number.
UNITLESS = ("", "scaled", "0/1")

_WIDE = 4.5  # inches: below, columns are set more tightly
_NUMBER_INCHES = 0.275  # behind each box of a contrast


def path_height(n_steps: int) -> float:
    """Inches that a path of `n_steps` tests needs to be readable: one line per test, the header and the leaf."""
    return HEADER_INCHES + STEP_INCHES * (n_steps + 1)


def plot_decision_path(frame: pd.DataFrame, *, ax: Axes | None = None, row: int = 0, tree: int = 0) -> Axes:
    """One path from the root (top) to the leaf: each test as it was answered, and the probability after it.

    Parameters
    ----------
    frame : DataFrame
        As ``DecisionPaths.to_frame()`` gives it.
    ax : Axes, optional
        A new figure by default; :func:`path_height` says how high it should be.
    row, tree : int
        Which path.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If the frame holds no test of this row and tree.
    """
    path = frame[(frame["row"] == row) & (frame["tree"] == tree)].sort_values("step")
    if path.empty:
        raise ValueError(f"frame holds no test of row {row}, tree {tree}; a tree of a single leaf has none")
    axes = _empty_axes(ax, len(path) + 1)
    wide = _inches(axes) >= _WIDE
    box_end, side, number = (0.46, 0.5, 0.62) if wide else (0.57, 0.59, 0.71)
    quantity, start = _quantity_label(path), f"start {_number(path['before'].iloc[0])}"
    if wide:
        axes.text(0.01, -0.5, f"tree {tree}, row {row}: test as answered", va="center", weight="bold")
        axes.text(side, -0.5, "side", va="center", weight="bold")
        axes.text(number, -0.5, f"{quantity} ({start})", va="center", weight="bold")
    else:  # the longest words on a line of their own
        axes.text(1.0, -0.75, quantity, ha="right", va="center", weight="bold")
        axes.text(0.01, -0.25, f"tree {tree}, row {row}", va="center", weight="bold")
        axes.text(side, -0.25, "side", va="center", weight="bold")
        axes.text(number, -0.25, start, va="center", weight="bold")
    for y, (_, test) in enumerate(path.iterrows()):
        _draw_test(axes, test, 0.0, box_end, y, is_first=y == 0)
        axes.text(side, y + 0.5, "left" if test["went_left"] else "right", va="center")
        _draw_probability(axes, test, number, y, bar=wide)
    _draw_leaf(axes, 0.0, box_end, len(path), f"leaf {path['next_node'].iloc[-1]}")
    _draw_legend(axes, parts=False)
    return axes


def plot_path_contrast(frame: pd.DataFrame, *, ax: Axes | None = None, tree: int | None = None) -> Axes:
    """Paths of one tree under several commands side by side, with a heavy frame at the test where they part.

    Parameters
    ----------
    frame : DataFrame
        As ``PathContrast.to_frame()`` gives it.
    ax : Axes, optional
        A new figure by default; :func:`path_height` says how high it should be.
    tree : int, optional
        The first tree whose paths part by default (the first of all where none does).

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If the frame holds no test of this tree.
    """
    if tree is None:
        parting = frame[frame["is_parting"]]
        tree = int((frame if parting.empty else parting)["tree"].iloc[0]) if len(frame) else 0
    paths = frame[frame["tree"] == tree]
    if paths.empty:
        raise ValueError(f"frame holds no test of tree {tree}; a tree of a single leaf has none")
    labels = list(dict.fromkeys(paths["label"]))
    axes = _empty_axes(ax, int(paths["step"].max()) + 2)
    axes.set_title(f"tree {tree} of {paths['n_trees'].iloc[0]}")
    width = 1.0 / len(labels)
    number_width = _NUMBER_INCHES / _inches(axes)
    for column, label in enumerate(labels):
        path = paths[paths["label"] == label].sort_values("step")
        left, right = column * width + 0.005, (column + 1) * width - 0.015
        first = path.iloc[0]
        command = f"return {first['desired_return']:.4g}, horizon {first['desired_horizon']:.4g} steps"
        axes.text((left + right) / 2, -0.72, label, ha="center", va="center", weight="bold")
        axes.text((left + right) / 2, -0.25, command.replace("-", "−"), ha="center", va="center")
        for y, (_, test) in enumerate(path.iterrows()):
            # The probability stands behind the box: inside it would cover long tests.
            _draw_test(axes, test, left, right - number_width, y, is_first=y == 0)
            axes.text(
                right,
                y + 0.5,
                f"{test['after']:.2f}".replace("-", "−"),
                ha="right",
                va="center",
                color="0.3",
                fontsize=plt.rcParams["xtick.labelsize"],
            )
        _draw_leaf(axes, left, right, len(path), f"{_quantity_label(path)} = {_number(path['after'].iloc[-1])}")
    _draw_legend(axes, bool(paths["is_parting"].any()))
    return axes


def _empty_axes(ax: Axes | None, n_lines: int) -> Axes:
    """Axes without frame whose y counts lines downwards below a header."""
    axes = axes_or_new(ax)
    axes.set_axis_off()
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(n_lines, -1.0)
    return axes


def _inches(axes: Axes) -> float:
    """Width of the Axes' figure; that of the Axes is not settled before it is drawn."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    return figure.get_figwidth()


def _quantity_label(path: pd.DataFrame) -> str:
    name = path["action_name"].iloc[0]
    return f"P({name})" if path["quantity"].iloc[0] == "probability" else f"score of {name}"


def _answer(test: pd.Series, *, narrow: bool) -> str:
    """The test as the tree answered it; more digits only where value and threshold would look equal."""
    value, threshold = float(test["value"]), float(test["threshold"])
    digits = 3 if narrow else 4
    while digits < 17 and value != threshold and f"{value:.{digits}g}" == f"{threshold:.{digits}g}":
        digits += 1
    shown = feature(test["feature"])
    # Narrow columns have no room for units. The strip says what is a command.
    symbol = shown.symbol.removeprefix("desired ") if narrow else shown.symbol
    unit = "" if narrow or shown.unit in UNITLESS else f" {shown.unit}"
    sign = "≤" if test["went_left"] else ">"
    return f"{symbol} = {value:.{digits}g} {sign} {threshold:.{digits}g}{unit}".replace("-", "−")


def _draw_test(axes: Axes, test: pd.Series, left: float, right: float, y: float, *, is_first: bool) -> None:
    is_command, parts = bool(test["is_command"]), bool(test.get("is_parting", False))
    _draw_box(
        axes, left, right, y, COMMAND_COLOUR if is_command else STATE_COLOUR,
        face="0.92" if bool(test.get("is_shared", False)) and not parts else "white",
        line_width=2.4 if parts else 0.8, hatch="////" if is_command else "",
    )  # fmt: skip
    # Narrow columns: tick-sized text, as small as text in a figure gets.
    narrow = "is_parting" in test or _inches(axes) < _WIDE
    size = plt.rcParams["xtick.labelsize" if narrow else "font.size"]
    axes.text(left + 0.022, y + 0.5, _answer(test, narrow=narrow), va="center", fontsize=size)
    if not is_first:
        _draw_arrow(axes, right - 0.02, y)


def _draw_leaf(axes: Axes, left: float, right: float, y: float, text: str) -> None:
    axes.text(right, y + 0.5, text, ha="right", va="center", style="italic")
    _draw_arrow(axes, right - 0.02, y)


def _draw_box(
    axes: Axes, left: float, right: float, y: float, colour: str, *, face: str, line_width: float, hatch: str
) -> None:
    edge = "black" if line_width > 1 else "0.4"
    low, height = y + 0.16, 0.68
    outline = Rectangle((left, low), right - left, height, facecolor=face, edgecolor=edge, linewidth=line_width)
    axes.add_patch(outline)
    # A strip in front says state or command, by hatch too.
    strip = Rectangle((left, low), 0.016, height, facecolor=colour, edgecolor=edge, linewidth=0.5, hatch=hatch)
    axes.add_patch(strip)


def _draw_legend(axes: Axes, parts: bool) -> None:
    handles = [
        Patch(facecolor=STATE_COLOUR, edgecolor="0.4", label="test of the state"),
        Patch(facecolor=COMMAND_COLOUR, edgecolor="0.4", hatch="////", label="test of the command"),
    ]
    if parts:
        handles.append(Patch(facecolor="white", edgecolor="black", linewidth=2.4, label="paths part here"))
        handles.append(Patch(facecolor="0.92", edgecolor="0.4", label="shared by all"))
    # Side by side where there is room: a legend wider than the figure would leave nothing of it.
    columns = len(handles) if _inches(axes) >= _WIDE else 2
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=columns)


def _draw_arrow(axes: Axes, x: float, y: float) -> None:
    axes.annotate(
        "",
        xy=(x, y + 0.18),
        xytext=(x, y - 0.16),
        arrowprops={"arrowstyle": "-|>", "mutation_scale": 6, "color": "0.3", "shrinkA": 0, "shrinkB": 0},
    )


def _draw_probability(axes: Axes, test: pd.Series, left: float, y: float, *, bar: bool) -> None:
    """Bar of the probability after a test with its number and change; the number alone for scores."""
    change, width = float(test["after"]) - float(test["before"]), 0.2
    if bar and test["quantity"] == "probability":
        colour = ACTION_COLOURS[int(test["action"]) % len(ACTION_COLOURS)]
        frame = Rectangle((left, y + 0.26), width, 0.48, facecolor="none", edgecolor="0.4", linewidth=0.6)
        filled = Rectangle((left, y + 0.26), width * float(test["after"]), 0.48, facecolor=colour, alpha=0.85)
        axes.add_patch(filled)
        axes.add_patch(frame)
        left += width + 0.015
    axes.text(left, y + 0.5, f"{_number(test['after'])} ({_number(change, '+')})", va="center")


def _number(value: float, sign: str = "") -> str:
    return f"{value:{sign}.3f}".replace("-", "−")
