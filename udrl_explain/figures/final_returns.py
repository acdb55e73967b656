"""Final returns, from the tables of the analysis of that name."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from udrl_explain.figures.alt_text import describe, listed, number
from udrl_explain.figures.lettering import legend_above
from udrl_explain.figures.series import Shown, as_frame, check_frame, fit_returns, looks, possible_returns
from udrl_explain.figures.style import axes_or_new, figure_of, is_wide, pt

_SEED_OFFSET = 0.22
_PUBLISHED_OFFSET = -0.22
_FEW_TICKS = 5


def plot_final_returns(
    frame: Shown, by_seed: pd.DataFrame | None = None, *, ax: Axes | None = None, seed_marker: str = "|"
) -> Axes:
    """Draw mean final returns with their intervals for other training seeds (where there are any), one row per label.

    Parameters
    ----------
    frame : DataFrame or FinalReturns
        ``FinalReturns.to_frame()`` of one environment.
    by_seed : DataFrame, optional
        ``FinalReturns.by_seed()``: draws every seed's mean as a small marker. A result brings its own.
    ax : Axes, optional
    seed_marker : str
        Matplotlib's sign for the mark of a seed.

    Returns
    -------
    Axes
        No part of it lies beyond the returns that the environment can give, where these are known.

    Raises
    ------
    ValueError
        If the frame lacks columns, has no rows or mixes environments.
    """
    if by_seed is None and not isinstance(frame, pd.DataFrame):
        by_seed = as_frame(frame, "by_seed")
    frame = as_frame(frame)
    check_frame(frame, ("env_name", "label", "mean", "low", "high", "published_mean", "published_source"))
    made, ax = ax is None, axes_or_new(ax)
    labels = frame["label"].tolist()
    place = {label: row for row, label in enumerate(labels)}
    look_of = looks(labels)
    bounds = possible_returns(frame)
    known = frame["low"].notna().to_numpy()
    rows = np.arange(len(frame))
    low = frame["low"].to_numpy(dtype=float).clip(*bounds)
    high = frame["high"].to_numpy(dtype=float).clip(*bounds)
    ax.hlines(
        rows[known], low[known], high[known], linewidth=pt(2.5), alpha=0.6, zorder=2, clip_on=False,
        colors=[look_of[label].colour for label, there in zip(labels, known, strict=True) if there],
    )  # fmt: skip
    handles: list[Artist] = []
    if known.any():
        handles.append(Line2D([], [], color="0.5", linewidth=pt(2.5), label="95 % for other seeds"))
    drawn = [low[known], high[known], frame["mean"].to_numpy(dtype=float)]
    marks: dict[str, Any] = {"linestyle": "none", "clip_on": False, "zorder": 3}
    handles += ax.plot(frame["mean"], rows, marker="o", color="black", markersize=pt(5), label="mean", **marks)
    if by_seed is not None:
        check_frame(by_seed, ("label", "mean"))
        heights = by_seed["label"].map(place) + _SEED_OFFSET
        handles += ax.plot(
            by_seed["mean"],
            heights,
            marker=seed_marker,
            color="0.25",
            markersize=pt(6 if seed_marker == "|" else 2.5),
            label="one seed",
            **marks,
        )
        drawn.append(by_seed["mean"].to_numpy(dtype=float))
    published = frame[frame["published_mean"].notna()]
    for source, group in published.groupby("published_source", sort=False):
        heights = group["label"].map(place) + _PUBLISHED_OFFSET
        name = str(source).removesuffix(f", {frame['env_name'].iloc[0]}")
        handles += ax.plot(
            group["published_mean"], heights, marker="D", color="black", markerfacecolor="white", markersize=pt(4),
            markeredgewidth=pt(1), label=f"published mean ({name})", **marks,
        )  # fmt: skip
        drawn.append(group["published_mean"].to_numpy(dtype=float))
    ax.set_yticks(rows, labels)
    ax.set_ylim(len(frame) - 0.5, -0.5)
    ax.set_xlabel("final return (reward)")
    every = np.concatenate(drawn)
    fit_returns(ax, float(every.min()), float(every.max()), bounds, axis="x")
    if not is_wide(figure_of(ax)):
        # Else the ticks would hang on a width that itself hangs on the ticks, and the last label could be cut off.
        ax.locator_params(axis="x", nbins=_FEW_TICKS)
    ax.grid(axis="x", color="0.9", linewidth=pt(0.5))
    ax.set_axisbelow(True)
    legend_above(ax, handles, grow=made)
    describe(ax, f"Mean final return: {listed([_told(row) for _, row in frame.iterrows()])}.")
    return ax


def _told(row: "pd.Series[Any]") -> str:
    words = f"{row['label']} {number(row['mean'])}"
    if not pd.isna(row["low"]):
        words += f" (95 % for other seeds: {number(row['low'])} to {number(row['high'])})"
    return words
