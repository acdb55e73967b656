"""Two policies: what each input adds to the lead of one's action over the other's, where they act differently."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from udrl_explain.figures.alt_text import describe, listed, number
from udrl_explain.figures.lettering import legend_above, mark_commands
from udrl_explain.figures.series import Shown, as_frame, check_frame, looks
from udrl_explain.figures.style import axes_or_new, pt
from udrl_explain.names import feature

_NEEDED = ("feature", "is_command", "lead_a", "lead_b", "mean_abs_difference", "n_rows_differing", "n_rows")


def plot_comparison(frame: Shown, *, ax: Axes | None = None) -> Axes:
    """Two bars per input, one per policy; the input that sets them apart most on top.

    Parameters
    ----------
    frame : DataFrame or Comparison
        As ``Comparison.why_frame()`` gives it.
    ax : Axes, optional
        A new figure by default.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If the frame lacks columns, or has no rows because the policies act alike.
    """
    frame = as_frame(frame, "why_frame")
    check_frame(frame, _NEEDED)
    made, axes = ax is None, axes_or_new(ax)
    first = frame.iloc[0]
    names = [str(first["name_a"]), str(first["name_b"])]
    heights = np.arange(len(frame))[::-1]
    shown = looks(names)
    handles = []
    for place, (name, column, hatch) in enumerate(zip(names, ("lead_a", "lead_b"), ("", "///"), strict=True)):
        look: dict[str, Any] = {
            "facecolor": shown[name].colour,
            "hatch": hatch,
            "edgecolor": "black",
            "linewidth": pt(0.4),
        }
        axes.barh(heights + 0.2 - 0.4 * place, frame[column].to_numpy(), height=0.4, **look)
        handles.append(Patch(label=name, **look))
    axes.axvline(0.0, color="black", linewidth=pt(0.6))
    commands = frame["is_command"].to_numpy(dtype=bool)
    labels = [
        f"{feature(name).symbol} ◆" if command else feature(name).symbol
        for name, command in zip(frame["feature"], commands, strict=True)
    ]
    axes.set_yticks(heights, labels)
    mark_commands(axes, commands)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(
        f"adds to the lead of the first’s action\n(mean of {first['n_rows_differing']} of {first['n_rows']} rows)"
    )
    legend_above(axes, handles, grow=made)
    told = [
        f"{name.replace('_', ' ')} {number(a)} and {number(b)}"
        for name, a, b in zip(frame["feature"], frame["lead_a"], frame["lead_b"], strict=True)
    ]
    describe(
        axes,
        f"Rows in which {names[0]} and {names[1]} act differently, {first['n_rows_differing']} of {first['n_rows']}: "
        f"what each input adds to the lead of the first’s action in either, {listed(told)}.",
    )
    return axes
