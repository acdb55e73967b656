"""What the figures share that show one series per label: its look, its possible range, and the checks of a frame."""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb

from udrl_explain.figures.style import ACTION_MARKERS, LINE_STYLES, LineStyle, pt
from udrl_explain.names import estimator_label, return_bounds

# None of the actions' or inputs' colours. Dark and light alternate, so that grey print tells the usual three apart.
ESTIMATOR_COLOURS = {
    "random forest": "#332288",
    "extra trees": "#999933",
    "neural net": "#882255",
    "gradient boosting": "#661100",
    "histogram gradient boosting": "#5D7F99",
    "AdaBoost": "#2B8C8C",
    "k nearest neighbours": "#7D7D7D",
    "support vector machine": "#4B6A53",
    "decision tree": "#7F6A3D",
    "extra tree": "#B3B37A",
    "multilayer perceptron": "#5B5B8C",
}
OTHER_COLOURS = ("#3D5A6C", "#8C510A", "#6B4C9A", "#556B2F", "#A0522D", "#708090")
_PALER = 0.45  # towards white, for every further experiment of an estimator
_MARKERS_APART = 0.25  # of the diagonal of the Axes, along the line


class _Result(Protocol):
    def to_frame(self) -> pd.DataFrame: ...


Shown = pd.DataFrame | _Result
"""What plot functions draw: a table, or the result that it comes from."""


@dataclass(frozen=True)
class Look:
    """Colour, line style and marker of a series: any one of them tells it apart, among up to eight."""

    colour: str
    line_style: LineStyle
    marker: str


def looks(labels: Sequence[str]) -> dict[str, Look]:
    """Return a look for each label.

    The colour is the estimator's, in every figure of every environment, whatever else is drawn; further experiments
    of one estimator are paler. Line styles and markers go by the place among the labels.
    """
    seen: dict[str, int] = {}
    found = {}
    for place, label in enumerate(dict.fromkeys(labels)):
        estimator = _estimator_of(label)
        colour = ESTIMATOR_COLOURS.get(estimator) or OTHER_COLOURS[zlib.crc32(estimator.encode()) % len(OTHER_COLOURS)]
        strength = (1 - _PALER) ** seen.get(estimator, 0)
        seen[estimator] = seen.get(estimator, 0) + 1
        found[label] = Look(
            _paler(colour, strength),
            LINE_STYLES[place % len(LINE_STYLES)],
            ACTION_MARKERS[place % len(ACTION_MARKERS)],
        )
    return found


def with_seeds(label: str, n_seeds: int) -> str:
    """``random forest (3 seeds)``, as legends say it."""
    return f"{label} ({n_seeds} seed{'s' if n_seeds > 1 else ''})"


def few_markers(look: Look, places: tuple[float, float]) -> dict[str, Any]:
    """Return the arguments of a line with a few markers, which keep many lines apart in grey print.

    Parameters
    ----------
    look : Look
    places : (float, float) or (int, int)
        The first and the distance between two, as shares of the diagonal of the Axes (:func:`marker_places`) or in
        points of the line.
    """
    return {
        "marker": look.marker, "markersize": pt(4), "markeredgecolor": "white", "markeredgewidth": pt(0.5),
        "markevery": places,
    }  # fmt: skip


def marker_places(place: int, n_series: int) -> tuple[float, float]:
    """Where along its line a series has its markers: not where the others have theirs, as shares of the diagonal."""
    return _MARKERS_APART * (place + 0.5) / n_series, _MARKERS_APART


def _paler(colour: str, strength: float) -> str:
    red, green, blue = (1 - strength * (1 - part) for part in to_rgb(colour))
    return to_hex((red, green, blue)).upper()


def _estimator_of(label: str) -> str:
    """Readable estimator in a label: what stands before the experiment in brackets."""
    name = re.split(r" \(", label, maxsplit=1)[0]
    return name if name in ESTIMATOR_COLOURS else estimator_label(name)


def as_frame(shown: object, method: str = "to_frame") -> pd.DataFrame:
    """Return the frame to draw: `shown` itself, or what a result's `method` gives.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if isinstance(shown, pd.DataFrame):
        return shown
    give = getattr(shown, method, None)
    if give is None:
        raise ValueError(f"frame must be a DataFrame, or a result with {method}(), got {type(shown).__name__}")
    frame: pd.DataFrame = give()
    return frame


def check_frame(frame: pd.DataFrame, columns: Sequence[str]) -> None:
    """Refuse a frame that lacks columns, has no rows, or mixes environments.

    Raises
    ------
    ValueError
    """
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise ValueError(f"the frame lacks the columns {', '.join(missing)}")
    if frame.empty:
        raise ValueError("the frame has no rows to draw")
    if "env_name" in frame.columns and frame["env_name"].nunique() > 1:
        raise ValueError(f"the frame must be of one environment, got {', '.join(frame['env_name'].unique())}")


def possible_returns(frame: pd.DataFrame) -> tuple[float, float]:
    """Bounds of an episode's return in the frame's environment, infinite where none are known."""
    return return_bounds(str(frame["env_name"].iloc[0])) if "env_name" in frame.columns else return_bounds("")


def fit_returns(ax: Axes, low: float, high: float, bounds: tuple[float, float], *, axis: str = "y") -> None:
    """Give an axis of returns a little room around what is drawn, none of it beyond what is possible.

    Parameters
    ----------
    ax : Axes
    low, high : float
        Of all that is drawn, in reward.
    bounds : (float, float)
        As :func:`possible_returns` gives them.
    axis : {"x", "y"}
    """
    room = 0.05 * (high - low) if high > low else max(1.0, abs(high) / 20)
    ends = max(low - room, min(bounds[0], low)), min(high + room, max(bounds[1], high))
    (ax.set_xlim if axis == "x" else ax.set_ylim)(ends)
