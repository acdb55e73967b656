"""What the figures share that show one series per label: its look, and the checks of a frame."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from udrl_explain.figures.style import ACTION_COLOURS, ACTION_MARKERS, LINE_STYLES


@dataclass(frozen=True)
class Look:
    """Colour, line style and marker of a series: any one of them tells it apart."""

    colour: str
    line_style: str
    marker: str


def looks(labels: Sequence[str]) -> dict[str, Look]:
    """Return a look for each label, by its place among them."""
    unique = list(dict.fromkeys(labels))
    return {
        label: Look(
            ACTION_COLOURS[place % len(ACTION_COLOURS)],
            LINE_STYLES[place % len(LINE_STYLES)],
            ACTION_MARKERS[place % len(ACTION_MARKERS)],
        )
        for place, label in enumerate(unique)
    }


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
