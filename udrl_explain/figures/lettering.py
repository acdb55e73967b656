"""Words in figures, measured before anything is drawn: lines that fit, and legends outside the data."""

from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis
from matplotlib.font_manager import FontProperties
from matplotlib.legend import Legend
from matplotlib.textpath import text_to_path
from matplotlib.transforms import ScaledTranslation, Transform, blended_transform_factory

from udrl_explain.figures.style import COMMAND_COLOUR, figure_of, page_height

_SPACING: dict[str, float] = {"handlelength": 2.2, "handletextpad": 0.5, "columnspacing": 1.2, "borderaxespad": 0.3}
_SPARE = 1.0  # ems


def size_of(setting: str) -> float:
    """Size in points of a setting such as ``legend.fontsize``, which may be a word."""
    settings: Any = plt.rcParams  # its keys are typed one by one
    return float(FontProperties(size=settings[setting]).get_size_in_points())


def text_points(text: str, setting: str = "legend.fontsize") -> float:
    """Width in points of the widest line of a text in a setting's size."""
    font = FontProperties(size=size_of(setting))
    lines = text.split("\n")
    return max(float(text_to_path.get_text_width_height_descent(line, font, False)[0]) for line in lines)


def wrapped(text: str, points: float, setting: str) -> str:
    """Break a text over lines at most `points` wide, where its words allow it."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and text_points(longer, setting) > points:
            lines.append(word)
        else:
            lines[-1] = longer
    return "\n".join(lines)


def set_label(axis: Axis, words: str, share: float) -> None:
    """Label an axis, in lines at most `share` of the figure long: constrained layout makes no room along an axis."""
    figure = figure_of(axis.axes)
    inches = figure.get_figwidth() if isinstance(axis, XAxis) else figure.get_figheight()
    axis.set_label_text(wrapped(words, inches * 72 * share, "axes.labelsize"))


def n_legend_columns(labels: Sequence[str], points: float) -> int:
    """Greatest number of columns in which a legend of these labels is at most `points` wide; at least 1."""
    em = size_of("legend.fontsize")
    around = (_SPACING["handlelength"] + _SPACING["handletextpad"]) * em
    widths = [text_points(label) + around for label in labels]
    for n_columns in range(len(labels), 1, -1):
        n_lines = -(-len(labels) // n_columns)
        if -(-len(labels) // n_lines) != n_columns:
            continue  # the same number of lines as with fewer columns
        columns = [max(widths[start : start + n_lines]) for start in range(0, len(labels), n_lines)]
        if sum(columns) + (len(columns) - 1) * _SPACING["columnspacing"] * em + 2 * _SPARE * em <= points:
            return n_columns
    return 1


def legend_look(labels: Sequence[str], points: float) -> dict[str, Any]:
    """Spacing and columns of a legend that is at most `points` wide, as arguments of ``legend``."""
    return {**_SPACING, "ncols": n_legend_columns(labels, points)}


def legend_above(ax: Axes, handles: Sequence[Artist], *, inches: float = 0.0, grow: bool = False) -> Legend:
    """Put a legend above an Axes, its right edge at that of the Axes, so that nothing drawn lies below it.

    Parameters
    ----------
    ax : Axes
    handles : sequence of Artist
        With their labels.
    inches : float
        How far above.
    grow : bool
        Whether the figure may become higher by the lines of the legend but two, as far as the page allows.
    """
    figure = figure_of(ax)
    alone = sum(other.get_subplotspec() is not None for other in figure.axes) <= 1
    share = 0.94 if alone else ax.get_position().width
    points = figure.get_figwidth() * 72 * share
    around = (_SPACING["handlelength"] + _SPACING["handletextpad"] + 2 * _SPARE) * size_of("legend.fontsize")
    labels = [wrapped(str(handle.get_label()), points - around, "legend.fontsize") for handle in handles]
    look = legend_look(labels, points)
    if grow:
        n_lines = -(-len(labels) // look["ncols"]) + sum(label.count("\n") for label in labels)
        more = max(0, n_lines - 2) * 1.5 * size_of("legend.fontsize") / 72
        figure.set_figheight(min(figure.get_figheight() + more, max(page_height(), figure.get_figheight())))
    return ax.legend(
        list(handles), labels, loc="lower right", bbox_to_anchor=(1.0, inches), bbox_transform=above(ax), **look
    )


def above(ax: Axes) -> Transform:
    """Widths of the Axes to the right, inches above its top: shares of its height would upset the layout."""
    shift: Any = ax.transAxes  # affine, which its type does not say
    inches = figure_of(ax).dpi_scale_trans + ScaledTranslation(0.0, 1.0, shift)
    return blended_transform_factory(ax.transAxes, inches)


def mark_commands(axes: Axes, is_command: Iterable[bool]) -> None:
    """Set the labels of inputs along the y axis that are commands apart, by colour and weight."""
    for text, command in zip(axes.get_yticklabels(), is_command, strict=True):
        if command:
            text.set_color(COMMAND_COLOUR)
            text.set_fontweight("bold")
