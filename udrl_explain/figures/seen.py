"""How figures show what training met: one hatching for everything unseen, dark on paper and white on a heat map."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle
from numpy.typing import NDArray

UNSEEN_STYLE: dict[str, Any] = {"facecolor": "#f4f4f4", "edgecolor": "#b0b0b0", "hatch": "////", "linewidth": 0.0}
_ON_COLOUR: dict[str, Any] = {"hatch": "////", "edgecolor": "white"}


def unseen(seen: Iterable[Any]) -> NDArray[np.bool_]:
    """Where a column ``seen`` says False; where nothing is known (training commands not given) it says nothing."""
    return np.array([not pd.isna(value) and not bool(value) for value in seen], dtype=bool)


def stretches(marked: NDArray[np.bool_]) -> Sequence[tuple[int, int]]:
    """First and end of each unbroken run of True."""
    steps = np.diff(np.concatenate([[0], marked.astype(int), [0]]))
    return list(zip(np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist(), strict=True))


def hatch_spans(axes: Axes, edges: NDArray[np.float64], marked: NDArray[np.bool_]) -> None:
    """Hatch the marked stretches of the axis behind lines; position k lies between ``edges[k]`` and the next."""
    for start, end in stretches(marked):
        axes.axvspan(edges[start], edges[end], zorder=0, **UNSEEN_STYLE)


def hatch_box(axes: Axes, corner: tuple[float, float], width: float, height: float, linewidth: float = 0.0) -> None:
    """Hatch a box of a heat map in white."""
    axes.add_patch(Rectangle(corner, width, height, fill=False, linewidth=linewidth, label="_unseen", **_ON_COLOUR))


def unseen_handle(label: str = "unseen in training", *, on_colour: bool = False) -> Patch:
    """Legend entry for the hatching, on paper or on a heat map."""
    style = {"facecolor": "#777777", "linewidth": 0, **_ON_COLOUR} if on_colour else UNSEEN_STYLE
    return Patch(label=label, **style)
