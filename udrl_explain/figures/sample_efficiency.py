"""Return against environment steps, from the table of the analysis of that name."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter

from udrl_explain.figures.alt_text import describe, listed, number
from udrl_explain.figures.lettering import legend_above, set_label
from udrl_explain.figures.seed_comparison import MOST_BANDS
from udrl_explain.figures.series import (
    Shown,
    as_frame,
    check_frame,
    few_markers,
    fit_returns,
    looks,
    marker_places,
    possible_returns,
    with_seeds,
)
from udrl_explain.figures.style import axes_or_new, pt


def plot_sample_efficiency(frame: Shown, *, ax: Axes | None = None) -> Axes:
    """Draw the mean return of tests over environment steps, one line per label.

    Parameters
    ----------
    frame : DataFrame or SampleEfficiency
        ``SampleEfficiency.to_frame()`` of one environment.
    ax : Axes, optional

    Returns
    -------
    Axes
        The steps are those of all training episodes, warm-up included. Bands are 95 % for other seeds, for up to four
        labels (more would hide one another), none where a single seed is known. No part of the figure lies beyond the
        returns that the environment can give, where these are known.

    Raises
    ------
    ValueError
        If the frame lacks columns, has no rows or mixes environments.
    """
    shown = as_frame(frame)
    check_frame(shown, ("env_name", "label", "n_seeds", "steps", "mean", "low", "high"))
    made, ax = ax is None, axes_or_new(ax)
    bounds = possible_returns(shown)
    look_of = looks(shown["label"].tolist())
    handles, told, drawn = [], [], []
    for place, (label, curve) in enumerate(shown.groupby("label", sort=False)):
        look, n_seeds = look_of[str(label)], int(curve["n_seeds"].iloc[0])
        curve = curve.sort_values("steps")
        steps = curve["steps"].to_numpy(dtype=float)
        low, high = (curve[name].fillna(curve["mean"]).clip(*bounds).to_numpy(dtype=float) for name in ("low", "high"))
        if len(look_of) <= MOST_BANDS:
            ax.fill_between(steps, low, high, step="post", color=look.colour, alpha=0.14, linewidth=0, zorder=1)
            drawn += [pd.Series(low), pd.Series(high)]
        handles += ax.plot(
            steps, curve["mean"], drawstyle="steps-post", color=look.colour, linestyle=look.line_style,
            linewidth=pt(1.2), zorder=2, clip_on=False,
            label=with_seeds(str(label), n_seeds),
            **few_markers(look, marker_places(place, len(look_of))),
        )  # fmt: skip
        drawn.append(curve["mean"])
        first, last = curve.iloc[0], curve.iloc[-1]
        told.append(f"{label} from {number(first['mean'])} to {number(last['mean'])} at {int(last['steps']):,} steps")
    every = pd.concat(drawn)
    fit_returns(ax, float(every.min()), float(every.max()), bounds)
    ax.set_xlim(left=0)
    ax.xaxis.set_major_formatter(EngFormatter(sep=""))
    set_label(ax.xaxis, "environment steps of training (warm-up included)", 0.75)
    ax.set_ylabel("mean return of tests (reward)")
    legend_above(ax, handles, grow=made)
    describe(ax, f"Mean return of tests over environment steps: {listed(told)}.")
    return ax
