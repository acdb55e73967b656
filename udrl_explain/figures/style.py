"""Paper styles, colours and the Axes convention that every figure shares."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

# Okabe and Ito's colours, ordered so that neighbours also differ in grey.
ACTION_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
# Colour alone must not carry the meaning: hatches and markers repeat it in grey print.
ACTION_HATCHES = ("", "///", "...", "\\\\\\", "xxx", "+++", "ooo", "---")
ACTION_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LINE_STYLES = ("-", "--", "-.", ":")
COMMAND_COLOUR = "#D55E00"
STATE_COLOUR = "#56B4E9"
MAGNITUDE_MAP = "cividis"
SIGNED_MAP = "PuOr"


@dataclass(frozen=True)
class Style:
    """One target of publication: width in inches and text size in points at final size."""

    width: float
    font_size: float
    aspect: float = 0.68


STYLES = {
    "icml": Style(3.25, 8.0),
    "ieee": Style(3.5, 8.0),
    "text": Style(5.5, 8.0),
    "full": Style(6.75, 8.0),
    "slides": Style(10.0, 16.0, 0.56),
}


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
        "axes.linewidth": 0.6,
        "lines.linewidth": 1.2,
        "hatch.linewidth": 0.4,
        "savefig.dpi": 300,
        "pdf.fonttype": 42,
        "ps.fonttype": 42,
        "svg.fonttype": "none",
        "svg.hashsalt": "udrl_explain",
    }
    interactive = mpl.is_interactive()
    try:
        with mpl.rc_context(settings):
            try:
                yield style
            finally:
                interactive = mpl.is_interactive()
    finally:
        # Jupyter turns this on with the first figure, which may be drawn in the block: put back, no later one shows.
        mpl.interactive(interactive)


def axes_or_new(ax: Axes | None) -> Axes:
    """Return `ax`, or the Axes of a new figure in the current style."""
    return ax if ax is not None else plt.subplots()[1]
