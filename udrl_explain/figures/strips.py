"""A flat strip above an Axes that shares its x axis and has a y axis of its own."""

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from udrl_explain.figures.lettering import above, size_of, wrapped
from udrl_explain.figures.style import figure_of, page_height

_LINES, _GAP = 3.2, 1.1  # lines of text
_HIGHER = 1.25  # a figure with a strip


def strip_above(axes: Axes, label: str) -> Axes:
    """Return the strip, its y axis in per cent and named `label`; it lies between the Axes and its legend."""
    line = size_of("font.size") / 72
    strip = axes.inset_axes((0.0, _GAP * line, 1.0, _LINES * line), transform=above(axes), sharex=axes)
    strip.tick_params(labelbottom=False)
    strip.yaxis.set_major_locator(MaxNLocator(2, steps=[1, 2, 5, 10]))
    strip.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
    words = wrapped(label, _LINES * line * 72, "axes.labelsize")
    strip.set_ylabel(words, rotation=0, ha="right", va="center")
    return strip


def strip_top() -> float:
    """Inches above the Axes at which the strip ends."""
    return (_LINES + _GAP + 0.3) * size_of("font.size") / 72


def make_room(axes: Axes) -> None:
    """Make a figure of one's own higher for a strip, as far as the page allows."""
    figure = figure_of(axes)
    figure.set_figheight(min(_HIGHER * figure.get_figheight(), max(page_height(), figure.get_figheight())))
