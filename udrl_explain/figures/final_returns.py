"""Final returns, from the tables of the analysis of that name."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from udrl_explain.figures.series import check_frame, looks
from udrl_explain.figures.style import axes_or_new

_SEED_OFFSET = 0.22
_PUBLISHED_OFFSET = -0.22


def plot_final_returns(frame: pd.DataFrame, by_seed: pd.DataFrame | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw mean final returns with their intervals, one row per label.

    Parameters
    ----------
    frame : DataFrame
        ``FinalReturns.to_frame()`` of one environment.
    by_seed : DataFrame, optional
        ``FinalReturns.by_seed()``: draws every seed's mean as a small marker.
    ax : Axes, optional

    Raises
    ------
    ValueError
        If the frame lacks columns, has no rows or mixes environments.
    """
    check_frame(frame, ("env_name", "label", "mean", "low", "high", "published_mean", "published_source"))
    ax = axes_or_new(ax)
    labels = frame["label"].tolist()
    place = {label: row for row, label in enumerate(labels)}
    look_of = looks(labels)
    colours = [look_of[label].colour for label in labels]
    known = frame["low"].notna().to_numpy()
    rows = np.arange(len(frame))
    ax.hlines(
        rows[known], frame["low"][known], frame["high"][known], linewidth=2.5, alpha=0.6, zorder=2,
        colors=[colour for colour, there in zip(colours, known, strict=True) if there],
    )  # fmt: skip
    if known.any():
        ax.plot([], [], color="0.5", linewidth=2.5, label="95 % interval")
    ax.plot(frame["mean"], rows, "o", color="black", markersize=5, zorder=3, label="mean")
    if by_seed is not None:
        check_frame(by_seed, ("label", "mean"))
        heights = by_seed["label"].map(place) + _SEED_OFFSET
        ax.plot(by_seed["mean"], heights, "|", color="0.25", markersize=6, zorder=3, label="one seed")
    published = frame[frame["published_mean"].notna()]
    for source, group in published.groupby("published_source", sort=False):
        heights = group["label"].map(place) + _PUBLISHED_OFFSET
        name = str(source).removesuffix(f", {frame['env_name'].iloc[0]}")
        ax.plot(
            group["published_mean"], heights, "D", color="black", markerfacecolor="white", markersize=4, zorder=3,
            label=f"published mean\n({name})",
        )  # fmt: skip
    ax.set_yticks(rows, labels)
    ax.set_ylim(len(frame) - 0.5, -0.5)
    ax.set_xlabel("final return (reward)")
    ax.margins(x=0.06)
    ax.grid(axis="x", color="0.9", linewidth=0.5)
    ax.set_axisbelow(True)
    ax.legend(
        loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, columnspacing=1.2, handletextpad=0.6, handlelength=1.4,
        borderaxespad=0.2,
    )  # fmt: skip
    return ax
