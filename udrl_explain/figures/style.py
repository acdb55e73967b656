"""Paper styles, colours and the Axes convention that every figure shares.

One colour has one meaning: eight colours of Okabe and Ito are shared out between the actions and the two kinds of
input, estimators have colours of their own (``series``), signed values run from brown to purple.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

# Of Okabe and Ito's colours, ordered so that neighbours also differ in grey.
ACTION_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#000000")
# Colour alone must not carry the meaning: hatches and markers repeat it in grey print. No hatch of the first actions
# is slanted: commands of training lie on a slanted line, and it must not be taken for a hatch.
ACTION_HATCHES = ("", "|||", "...", "---", "+++", "ooo", "xxx", "***")
ACTION_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LineStyle = str | tuple[float, tuple[float, ...]]
# matplotlib's four; then what still differs from them and from one another in a figure of ten series.
LINE_STYLES: tuple[LineStyle, ...] = (
    "-", "--", "-.", ":",
    (0, (9, 2)), (0, (1, 3)), (0, (4, 1, 1, 1, 1, 1)), (0, (2, 1)), (0, (8, 1, 2, 1)), (0, (2, 4)),
)  # fmt: skip
COMMAND_COLOUR = "#D55E00"
STATE_COLOUR = "#56B4E9"
MAGNITUDE_MAP = "cividis"
# Brown against purple: matplotlib's own diverging maps all end in the colour of an action.
SIGNED_MAP = LinearSegmentedColormap.from_list(
    "brown_purple", ["#3F2A14", "#8B6B4A", "#D9CBBB", "#FAFAFA", "#CBC3DF", "#7A66A8", "#2D1160"]
)

_SIZES_OF_TEXT = 8.0  # points: line widths and markers are given for text of this size
_WIDE = 4.5  # inches of text of that size: columns of papers are narrower


@dataclass(frozen=True)
class Style:
    """One target of publication: width and greatest height in inches, text size in points at final size."""

    width: float
    font_size: float
    aspect: float = 0.68
    page_height: float = 9.0


STYLES = {
    "icml": Style(3.25, 8.0),
    "ieee": Style(3.5, 8.0),
    "text": Style(5.5, 8.0),
    "full": Style(6.75, 8.0),
    "slides": Style(10.0, 16.0, 0.5, 5.625),
}
_PAGE_HEIGHT = ContextVar("_PAGE_HEIGHT", default=9.0)


@contextmanager
def paper_style(name: str = "text") -> Iterator[Style]:
    """Set matplotlib up for one of the :data:`STYLES` while the block runs, and put everything back after.

    Raises
    ------
    ValueError
        For an unknown name.
    """
    if name not in STYLES:
        raise ValueError(f"style must be one of {', '.join(STYLES)}, got {name!r}")
    style = STYLES[name]
    size = style.font_size
    settings: Any = {
        "figure.figsize": (style.width, style.width * style.aspect),
        "figure.constrained_layout.use": True,
        "font.size": size,
        "font.family": "DejaVu Sans",
        "axes.titlesize": size,
        "axes.labelsize": size,
        "xtick.labelsize": size - 1,
        "ytick.labelsize": size - 1,
        "legend.fontsize": size - 1,
        "legend.frameon": False,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.6 * size / _SIZES_OF_TEXT,
        "lines.linewidth": 1.2 * size / _SIZES_OF_TEXT,
        "hatch.linewidth": 0.4 * size / _SIZES_OF_TEXT,
        **{f"{axis}.major.size": 3.0 * size / _SIZES_OF_TEXT for axis in ("xtick", "ytick")},
        **{f"{axis}.major.width": 0.6 * size / _SIZES_OF_TEXT for axis in ("xtick", "ytick")},
        "savefig.dpi": 300,
        "pdf.fonttype": 42,
        "ps.fonttype": 42,
        "svg.fonttype": "none",
        "svg.hashsalt": "udrl_explain",
    }
    interactive = mpl.is_interactive()
    page = _PAGE_HEIGHT.set(style.page_height)
    try:
        with mpl.rc_context(settings):
            try:
                yield style
            finally:
                interactive = mpl.is_interactive()
    finally:
        _PAGE_HEIGHT.reset(page)
        # Jupyter turns this on with the first figure, which may be drawn in the block: put back, no later one shows.
        mpl.interactive(interactive)


def axes_or_new(ax: Axes | None) -> Axes:
    """Return `ax`, or the Axes of a new figure in the current style."""
    return ax if ax is not None else plt.subplots()[1]


def figure_of(ax: Axes) -> Figure:
    """Figure that an Axes belongs to, also from inside a subfigure."""
    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure


def pt(points: float) -> float:
    """Line width or marker size for eight-point text, brought to the text size in force: slides have thick lines."""
    return float(points * plt.rcParams["font.size"] / _SIZES_OF_TEXT)


def inches_of_text(figure: Figure | None = None) -> float:
    """Width in inches as if text had eight points, of a figure or a new one: how many words fit beside one another."""
    width = plt.rcParams["figure.figsize"][0] if figure is None else figure.get_figwidth()
    return float(width * _SIZES_OF_TEXT / plt.rcParams["font.size"])


def is_wide(figure: Figure | None = None) -> bool:
    """Whether panels, or columns of words, have room beside one another in a figure, or in a new one."""
    return inches_of_text(figure) >= _WIDE


def page_height() -> float:
    """Inches that a figure may be high in the style in force."""
    return _PAGE_HEIGHT.get()


def lines_high(n_lines: float) -> float:
    """Inches that lines of text in force take."""
    return float(n_lines * plt.rcParams["font.size"] / 72)


def fit_to_lines(figure: Figure, n_lines: float) -> None:
    """Make a new figure as high as its lines of text need: at least 0.7 of the usual height, at most the page."""
    figure.set_figheight(min(max(lines_high(n_lines), figure.get_figheight() * 0.7), page_height()))
