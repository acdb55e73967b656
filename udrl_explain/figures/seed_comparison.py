"""Experiments seed against seed: forest plot, profiles, matrix of improvement; from the tables."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from udrl_explain.figures.alt_text import describe, listed, number
from udrl_explain.figures.final_returns import plot_final_returns
from udrl_explain.figures.lettering import legend_above, set_label, size_of, text_points, wrapped
from udrl_explain.figures.series import Shown, as_frame, check_frame, few_markers, looks, marker_places, with_seeds
from udrl_explain.figures.style import SIGNED_MAP, axes_or_new, figure_of, pt

ALPHA = 0.05
MOST_BANDS = 4
"""Experiments up to which intervals are drawn as bands; more would hide one another."""
_TAIL = 0.025  # of an interval of 95 %
_WIDEST = " 100*"
_USED = 0.97  # of the width of a figure, for what it shows
_DARK = 0.3  # distance of a probability from one half from which on white letters read better


def plot_seed_comparison(frame: Shown, by_seed: pd.DataFrame | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw final returns as a forest plot: means with intervals, every seed a dot, published means as diamonds.

    Parameters
    ----------
    frame : DataFrame or SeedComparison
        ``SeedComparison.to_frame()`` of one environment. Experiments that were not evaluated are left out.
    by_seed : DataFrame, optional
        ``SeedComparison.by_seed()``. A result brings its own.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If the frame lacks columns, has no evaluated experiment or mixes environments.
    """
    if by_seed is None and not isinstance(frame, pd.DataFrame):
        by_seed = as_frame(frame, "by_seed")
    shown = as_frame(frame)
    check_frame(shown, ("env_name", "label", "mean", "n_seeds"))
    return plot_final_returns(shown[shown["n_seeds"] > 0], by_seed, ax=ax, seed_marker="o")


def plot_performance_profiles(frame: Shown, *, ax: Axes | None = None) -> Axes:
    """Draw the share of seeds above each return, one flight of steps per experiment.

    Parameters
    ----------
    frame : DataFrame or SeedComparison
        ``SeedComparison.profile_frame()`` of one environment.
    ax : Axes, optional

    Returns
    -------
    Axes
        With the intervals as bands for up to four experiments; more would hide one another.

    Raises
    ------
    ValueError
        If the frame lacks columns, has no rows or mixes environments.
    """
    shown = as_frame(frame, "profile_frame")
    check_frame(shown, ("env_name", "label", "n_seeds", "level", "share", "low", "high"))
    made, ax = ax is None, axes_or_new(ax)
    look_of = looks(shown["label"].tolist())
    room = 0.04 * float(np.ptp(shown["level"])) or 1.0
    handles, told = [], []
    for place, (label, profile) in enumerate(shown.groupby("label", sort=False)):
        look, n_seeds = look_of[str(label)], int(profile["n_seeds"].iloc[0])
        profile = profile.sort_values("level")
        levels = profile["level"].to_numpy(dtype=float)
        # Before the lowest level, every seed lies above.
        x = np.concatenate([[levels[0] - room], levels, [levels[-1] + room]])
        before = {"share": 1.0, "low": _TAIL ** (1 / n_seeds), "high": 1.0}
        y = {
            name: np.concatenate([[start], profile[name].to_numpy(dtype=float), [float(profile[name].iloc[-1])]])
            for name, start in before.items()
        }
        if len(look_of) <= MOST_BANDS:
            ax.fill_between(x, y["low"], y["high"], step="post", color=look.colour, alpha=0.10, linewidth=0, zorder=1)
        handles += ax.plot(
            x, y["share"], drawstyle="steps-post", color=look.colour, linestyle=look.line_style, linewidth=pt(1.3),
            zorder=2, clip_on=False, label=with_seeds(str(label), n_seeds),
            **few_markers(look, marker_places(place, len(look_of))),
        )  # fmt: skip
        half = levels[y["share"][1:-1] < 0.5]
        told.append(f"{label}: more than half of the seeds at or below {number(half[0])}")
    ax.set_xlabel("final return (reward)")
    ax.set_ylabel("share of seeds above")
    ax.set_ylim(0, 1)
    ax.margins(x=0)
    legend_above(ax, handles, grow=made)
    describe(ax, f"Share of seeds above each final return. {listed(told)}.")
    return ax


def plot_improvement(frame: Shown, *, ax: Axes | None = None) -> Axes:
    """Draw the probability that a seed of the experiment of a row beats one of a column's, as a matrix of numbers.

    Parameters
    ----------
    frame : DataFrame or SeedComparison
        ``SeedComparison.improvement_frame()`` of one environment.
    ax : Axes, optional

    Returns
    -------
    Axes
        Numbers are per cent; a star marks what stays after correction: p by Holm below 0.05. In a figure of its own
        the names of the experiments stand above the matrix where, beside it, they would leave the numbers no room.

    Raises
    ------
    ValueError
        If the frame lacks columns, has no rows or mixes environments.
    """
    shown = as_frame(frame, "improvement_frame")
    check_frame(shown, ("env_name", "label_a", "label_b", "probability", "p_holm"))
    made, ax = ax is None, axes_or_new(ax)
    labels = list(dict.fromkeys(shown["label_a"]))
    place = {label: i for i, label in enumerate(labels)}
    values = np.full((len(labels), len(labels)), np.nan)
    told = []
    for _, row in shown.iterrows():
        i, j = place[row["label_a"]], place[row["label_b"]]
        values[i, j] = row["probability"]
        carried = row["p_holm"] < ALPHA
        text = f"{100 * row['probability']:.0f}{'*' if carried else ''}"
        colour = "white" if abs(row["probability"] - 0.5) > _DARK else "black"
        ax.text(j, i, text, ha="center", va="center", color=colour, fontsize=size_of("legend.fontsize"))
        if row["probability"] >= 0.5 and i != j and (i < j or row["probability"] > 0.5):
            told.append(f"{row['label_a']} over {row['label_b']} {number(row['probability'])}")
    ax.imshow(values, cmap=SIGNED_MAP, vmin=0, vmax=1, aspect="auto")
    _name_rows(ax, labels, made=made)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    describe(ax, f"Probability of improvement: {listed(told)}.")
    return ax


def _name_rows(ax: Axes, labels: list[str], *, made: bool) -> None:
    """Number columns and rows, and name the rows: beside them, or above where that would leave numbers no room."""
    places = range(len(labels))
    numbers = [str(place + 1) for place in places]
    named = [f"{label}  {n}" for n, label in zip(numbers, labels, strict=True)]
    words = "chance in % that a seed of the row beats one of the column (* p < 0.05 after correction)"
    width = figure_of(ax).get_figwidth() * 72
    beside = max(text_points(name, "ytick.labelsize") for name in named)
    ax.set_xticks(places, numbers)
    if not made or len(labels) * text_points(_WIDEST) <= _USED * width - beside:
        ax.set_yticks(places, named)
        ax.set_title(wrapped(words, width * 0.5, "axes.titlesize"))
        return
    ax.set_yticks(places, numbers)
    set_label(ax.xaxis, words, 0.8)
    key = [f"{n} {label}" for n, label in zip(numbers, labels, strict=True)]
    legend_above(ax, [Line2D([], [], linestyle="none", label=one) for one in key], grow=True)
