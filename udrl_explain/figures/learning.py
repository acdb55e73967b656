"""Learning curves, from the tables of the learning analysis."""

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import EngFormatter
from numpy.typing import NDArray

from udrl_explain.figures.alt_text import describe, listed, number
from udrl_explain.figures.lettering import legend_above, set_label
from udrl_explain.figures.series import (
    Shown,
    as_frame,
    check_frame,
    few_markers,
    fit_returns,
    looks,
    possible_returns,
    with_seeds,
)
from udrl_explain.figures.style import axes_or_new, pt

_YLABELS = {"training": "mean return in training (reward)", "test": "mean return in tests (reward)"}
_N_MARKERS = 8
_N_WINDOWS = 25  # of a whole curve
_STEPS = "environment_steps"


def plot_learning_curves(
    frame: Shown, *, ax: Axes | None = None, kind: str = "training", by_seed: pd.DataFrame | None = None
) -> Axes:
    """Draw mean return, smoothed, over the environment steps of training, one line and one band per label.

    Parameters
    ----------
    frame : DataFrame or LearningCurves
        ``LearningCurves.to_frame()`` of one environment.
    ax : Axes, optional
    kind : {"training", "test"}
    by_seed : DataFrame, optional
        ``LearningCurves.by_seed()``. A result brings its own.

    Returns
    -------
    Axes
        Lines are means over a centred window of iterations (shorter at the ends; about a twenty-fifth of the longest
        curve), the legend says how many. The band behind is not smoothed: from the lowest to the highest seed within
        the window, or of the 95 % for other seeds if `by_seed` is not given. The axis shows environment steps after the
        warm-up (mean over the seeds) where every curve has them, else iterations. No part of the figure lies beyond
        the returns that the environment can give, where these are known.

    Raises
    ------
    ValueError
        If `kind` is unknown, or the frame lacks columns, has no such rows or mixes environments.
    """
    if kind not in _YLABELS:
        raise ValueError(f"kind must be 'training' or 'test', got {kind!r}")
    if by_seed is None and not isinstance(frame, pd.DataFrame):
        by_seed = as_frame(frame, "by_seed")
    frame = as_frame(frame)
    needed = ("label", "kind", "iteration", "mean_return")
    check_frame(frame, (*needed, "low", "high", "n_seeds"))
    look_of = looks(frame["label"].tolist())
    frame = frame[frame["kind"] == kind]
    check_frame(frame, needed)
    if by_seed is not None:
        check_frame(by_seed, (*needed, "seed"))
        by_seed = by_seed[by_seed["kind"] == kind]
    made, ax = ax is None, axes_or_new(ax)
    bounds = possible_returns(frame)
    in_steps = _STEPS in frame.columns and bool(frame[_STEPS].notna().all())
    window = _window(int(frame.groupby("label")["iteration"].size().max()))
    handles: list[Artist] = []
    drawn, told = [], []
    for place, (label, curve) in enumerate(frame.groupby("label", sort=False)):
        look = look_of[str(label)]
        curve = curve.sort_values("iteration")
        x = curve[_STEPS if in_steps else "iteration"].to_numpy(dtype=float)
        mean = _smooth(curve["mean_return"], window)
        low, high = (part.clip(*bounds) for part in _range(curve, by_seed, window))
        ax.fill_between(x, low, high, color=look.colour, alpha=0.16, linewidth=0, zorder=1)
        # Edges in the line's own style keep overlapping bands apart, in grey too.
        for edge in (low, high):
            ax.plot(x, edge, color=look.colour, linestyle=look.line_style, linewidth=pt(0.4), alpha=0.6, label="_edge")
        n_seeds = int(curve["n_seeds"].max())
        # A few markers, not above one another, keep the lines apart in grey.
        step = max(1, len(curve) // _N_MARKERS)
        handles += ax.plot(
            x, mean, color=look.colour, linestyle=look.line_style, zorder=2, linewidth=pt(1.2), clip_on=False,
            **few_markers(look, (min(place * step // 3, len(curve) - 1), step)),
            label=with_seeds(str(label), n_seeds),
        )  # fmt: skip
        drawn += [mean, low[np.isfinite(low)], high[np.isfinite(high)]]
        told.append(f"{label} from {number(mean[0])} to {number(mean[-1])}")
    unit = "test" if kind == "test" else "iteration"
    of_seeds = "lowest to highest seed" if by_seed is not None else "95 % for other seeds"
    within = "" if window == 1 else f" in {window} {unit}s"
    handles.append(
        Patch(facecolor="0.5", alpha=0.3, label=f"{of_seeds}{within}" + ("" if window == 1 else "; lines: their mean"))
    )
    ax.set_xlabel("environment steps (after the warm-up)" if in_steps else "training iteration")
    if in_steps:
        ax.xaxis.set_major_formatter(EngFormatter(sep=""))
    set_label(ax.yaxis, _YLABELS[kind], 0.55)
    every = np.concatenate(drawn)
    fit_returns(ax, float(every.min()), float(every.max()), bounds)
    ax.set_xlim(left=0)
    legend_above(ax, handles, grow=made)
    describe(ax, f"Mean return of the {kind} episodes, first to last window of {window} {unit}s: {listed(told)}.")
    return ax


def _window(n_points: int) -> int:
    """Odd number of points to average over."""
    return 2 * (n_points // _N_WINDOWS // 2) + 1


def _smooth(values: "pd.Series[float]", window: int) -> NDArray[np.float64]:
    smoothed = values.rolling(window, center=True, min_periods=1).mean()
    return np.asarray(smoothed, dtype=np.float64)


def _range(
    curve: pd.DataFrame, by_seed: pd.DataFrame | None, window: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lowest and highest seed within the window at each iteration of a curve; else the ends of its interval."""
    if by_seed is None:
        low, high = curve["low"], curve["high"]
    else:
        seeds = by_seed[by_seed["label"] == curve["label"].iloc[0]].groupby("iteration")["mean_return"]
        low, high = (part.reindex(curve["iteration"]) for part in (seeds.min(), seeds.max()))
    lowest = low.rolling(window, center=True, min_periods=1).min()
    highest = high.rolling(window, center=True, min_periods=1).max()
    return lowest.to_numpy(dtype=np.float64), highest.to_numpy(dtype=np.float64)
