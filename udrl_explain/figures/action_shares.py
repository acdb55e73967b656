"""Share of each action in the final episodes, from the tables of the analysis of that name."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from udrl_explain.figures.alt_text import describe, listed, number
from udrl_explain.figures.lettering import legend_above
from udrl_explain.figures.series import Shown, as_frame, check_frame
from udrl_explain.figures.style import ACTION_COLOURS, ACTION_HATCHES, axes_or_new, pt

_NEEDED = ("label", "action", "action_name", "share")
_INCHES_PER_BAR = 0.16  # of eight-point text
_BAR = 0.8


def plot_action_shares(frame: Shown, *, ax: Axes | None = None) -> Axes:
    """Draw one bar per run, or per label where the frame has no seeds, parted by the share of each action.

    Parameters
    ----------
    frame : DataFrame or ActionShares
        ``ActionShares.by_seed()``, or its ``to_frame()``, of one environment.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If the frame lacks columns, has no rows or mixes environments.
    """
    frame = as_frame(frame, "by_seed")
    check_frame(frame, _NEEDED)
    keys = ["label", *(["seed"] if "seed" in frame else [])]
    bars = list(frame.groupby(keys, sort=False))
    made, ax = ax is None, axes_or_new(ax)
    names: dict[int, str] = {}
    for row, (_, bar) in enumerate(bars):
        left = 0.0
        for action, name, share in zip(bar["action"], bar["action_name"], bar["share"], strict=True):
            names[int(action)] = str(name)
            ax.barh(row, share, left=left, height=_BAR, **_look(int(action)))
            left += float(share)
    ax.set_yticks(np.arange(len(bars)), [_bar_name(key, row, bars) for row, (key, _) in enumerate(bars)])
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(bars) - 0.5, -0.5)
    ax.set_xlim(0.0, 1.0)
    ax.set_xlabel("share of the steps")
    if made:
        figure = ax.get_figure(root=True)
        assert figure is not None
        scale = float(ax.xaxis.label.get_fontsize()) / 8.0
        figure.set_figheight((0.6 + _INCHES_PER_BAR * len(bars)) * scale)
    handles = [Patch(label=name, **_look(action)) for action, name in sorted(names.items())]
    legend_above(ax, handles, grow=made)
    described = "Share of each action in the steps of the final episodes"
    describe(ax, f"{described}: {listed([_told(key, bar) for key, bar in bars], '; ')}.")
    return ax


def _look(action: int) -> dict[str, Any]:
    return {
        "facecolor": ACTION_COLOURS[action % len(ACTION_COLOURS)],
        "hatch": ACTION_HATCHES[action % len(ACTION_HATCHES)],
        "edgecolor": "white",
        "linewidth": pt(0.4),
    }


def _bar_name(key: Any, row: int, bars: list[Any]) -> str:
    """Label before the first of its bars, and the seed of each."""
    label, *seed = key
    first = row == 0 or bars[row - 1][0][0] != label
    return " ".join([*([str(label)] if first else []), *(f"{number}" for number in seed)])


def _told(key: Any, bar: pd.DataFrame) -> str:
    shares = [f"{name} {number(100 * share)} %" for name, share in zip(bar["action_name"], bar["share"], strict=True)]
    label, *seed = key
    return f"{label}{''.join(f', seed {one}' for one in seed)}: {', '.join(shares)}"
