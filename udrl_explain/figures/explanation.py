"""One decision: what each input adds to the probability of the action."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from udrl_explain.figures.alt_text import describe, listed, number
from udrl_explain.figures.lettering import legend_above
from udrl_explain.figures.series import Shown, as_frame, check_frame
from udrl_explain.figures.style import COMMAND_COLOUR, STATE_COLOUR, axes_or_new, pt
from udrl_explain.names import feature

_NEEDED = ("feature", "is_command", "feature_value", "action_name", "shapley_value", "base_value", "probability")
_UNITLESS = ("", "0/1", "scaled", "reward")


def plot_explanation(frame: Shown, *, ax: Axes | None = None) -> Axes:
    """One bar per input, the largest push on top: to the right it speaks for the action, to the left against it.

    Parameters
    ----------
    frame : DataFrame or Explanation
        As ``Explanation.to_frame()`` gives it.
    ax : Axes, optional
        A new figure by default.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If the frame lacks columns or has no rows.
    """
    frame = as_frame(frame)
    check_frame(frame, _NEEDED)
    made, axes = ax is None, axes_or_new(ax)
    heights = np.arange(len(frame))[::-1]
    pushes = frame["shapley_value"].to_numpy()
    commands = frame["is_command"].to_numpy(dtype=bool)
    colours = [COMMAND_COLOUR if command else STATE_COLOUR for command in commands]
    hatches = ["///" if command else "" for command in commands]
    axes.barh(heights, pushes, height=0.7, color=colours, hatch=hatches, edgecolor="black", linewidth=pt(0.4))
    axes.axvline(0.0, color="black", linewidth=pt(0.6))
    axes.set_yticks(
        heights, [_label(name, value) for name, value in zip(frame["feature"], frame["feature_value"], strict=True)]
    )
    axes.tick_params(axis="y", length=0)
    first = frame.iloc[0]
    # Two lines: narrow columns of a paper have no room for one.
    axes.set_xlabel(
        f"Shapley value for “{first['action_name']}”\n"
        f"({number(first['base_value'])} on average, {number(first['probability'])} here)"
    )
    kinds = [("command", COMMAND_COLOUR, "///", commands.any()), ("state", STATE_COLOUR, "", (~commands).any())]
    handles = [
        Patch(facecolor=colour, hatch=hatch, edgecolor="black", linewidth=pt(0.4), label=label)
        for label, colour, hatch, there in kinds
        if there
    ]
    legend_above(axes, handles, grow=made)
    told = [
        f"{name.replace('_', ' ')} {number(push)}" for name, push in zip(frame["feature"], pushes.tolist(), strict=True)
    ]
    describe(
        axes,
        f"What each input adds to the probability of {first['action_name']}, {number(first['base_value'])} on average "
        f"and {number(first['probability'])} here: {listed(told)}.",
    )
    return axes


def _label(name: str, value: float) -> str:
    known = feature(name)
    return f"{known.symbol} = {number(value)}" + ("" if known.unit in _UNITLESS else f" {known.unit}")
