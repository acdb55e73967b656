"""How well methods of attribution describe policies: scores by method, and curves along their orders."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from udrl_explain.figures.alt_text import describe, listed, number
from udrl_explain.figures.lettering import legend_above, legend_look, set_label, wrapped
from udrl_explain.figures.series import Shown, as_frame, check_frame, looks
from udrl_explain.figures.style import (
    ACTION_MARKERS,
    LINE_STYLES,
    axes_or_new,
    figure_of,
    fit_to_lines,
    lines_high,
    page_height,
    pt,
)

BEST, MEAN = "best order", "mean of all orders"
# Of no action, input or estimator; with markers and line styles they are told apart in grey.
METHOD_COLOURS = ("#1B1B1B", "#6B4C9A", "#A0522D", "#708090", "#3D5A6C", "#8C510A", "#7D7D7D", "#556B2F")
_SPREAD = 0.56  # of the height of a row, shared by the labels of one method
_LINES_PER_ROW, _LINES_AROUND = 2.6, 7.0


def plot_faithfulness(frame: Shown, *, ax: Axes | None = None) -> Axes:
    """Draw the score of each method with its interval for other episodes: 0 is the mean of all orders, 1 the best one.

    Parameters
    ----------
    frame : DataFrame or Faithfulness
        ``Faithfulness.to_frame()``, or several under one another with a column ``label`` in front.
    ax : Axes, optional
        A new figure by default, as high as its methods need.

    Returns
    -------
    Axes
        Methods by falling mean score, the best on top.

    Raises
    ------
    ValueError
        If the frame lacks columns or has no rows, or no method has a score.
    """
    frame = _scored(as_frame(frame))
    methods = _by_mean(frame)
    made, axes = ax is None, axes_or_new(ax)
    figure = figure_of(axes)
    if made:
        fit_to_lines(figure, _n_lines(methods))
    points = figure.get_figwidth() * 72
    handles = _draw_scores(axes, frame, methods, list(dict.fromkeys(frame["label"])), points)
    axes.set_yticks(np.arange(len(methods)), [wrapped(name, points * 0.3, "ytick.labelsize") for name in methods])
    legend_above(axes, handles, grow=made)
    return axes


def plot_faithfulness_panels(frame: pd.DataFrame) -> Figure:
    """Draw the scores of several environments side by side, the methods in one order.

    Parameters
    ----------
    frame : DataFrame
        As for :func:`plot_faithfulness`, with a column ``env_name`` in front.

    Returns
    -------
    Figure
        A new one in the current style, one panel per environment.

    Raises
    ------
    ValueError
        As :func:`plot_faithfulness` does.
    """
    if "env_name" not in frame.columns:
        raise ValueError("the frame lacks the column env_name")
    scored = {str(name): _scored(own) for name, own in frame.groupby("env_name", sort=False)}
    every = pd.concat(scored.values())
    methods, labels = _by_mean(every), list(dict.fromkeys(every["label"]))
    width = plt.rcParams["figure.figsize"][0]
    figure = plt.figure(figsize=(width, min(lines_high(_n_lines(methods)), page_height())))
    grid = figure.subplots(1, len(scored), sharey=True, squeeze=False)
    words = [wrapped(name, width * 72 * 0.22, "ytick.labelsize") for name in methods]
    handles: dict[str, Artist] = {}
    for axes, (name, own) in zip(grid.flat, scored.items(), strict=True):
        points = width * 72 * 0.75 / len(scored)
        handles |= {str(each.get_label()): each for each in _draw_scores(axes, own, methods, labels, points)}
        axes.set_title(name)
        axes.set_xlabel(wrapped(axes.get_xlabel(), points, "axes.labelsize"))
    grid[0, 0].set_yticks(np.arange(len(methods)), words)
    look = legend_look(list(handles), width * 72)
    figure.legend(handles=list(handles.values()), loc="outside upper center", **look)
    return figure


def _scored(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows with a score, with text labels; one policy without a name is called ""."""
    check_frame(frame, ("method", "score", "score_low", "score_high"))
    label = frame["label"].astype(str) if "label" in frame.columns else ""
    frame = frame.assign(label=label)[frame["score"].notna()]
    if frame.empty:
        raise ValueError("no method has a score: no order of the inputs is better than another")
    return frame


def _by_mean(frame: pd.DataFrame) -> list[str]:
    means = frame.groupby("method", sort=False)["score"].mean()
    return [str(name) for name in means.sort_values(ascending=False, kind="stable").index]


def _n_lines(methods: list[str]) -> float:
    return _LINES_PER_ROW * len(methods) + _LINES_AROUND


def _draw_scores(axes: Axes, frame: pd.DataFrame, methods: list[str], labels: list[str], points: float) -> list[Artist]:
    """Points and intervals of all labels on the rows of their methods; the Axes is `points` wide."""
    look_of = looks(labels)
    steps = np.linspace(-_SPREAD / 2, _SPREAD / 2, len(labels)) if len(labels) > 1 else np.zeros(1)
    handles: list[Artist] = []
    for end, style in ((0.0, (0, (4, 2))), (1.0, "-")):
        axes.axvline(end, color="0.45", linestyle=style, linewidth=pt(0.8), zorder=1)
    for step, name in zip(steps, labels, strict=True):
        own, look = frame[frame["label"] == name], look_of[name]
        if own.empty:
            continue
        colour = look.colour if name else METHOD_COLOURS[0]
        heights = np.array([methods.index(method) for method in own["method"]]) + step
        low, high = own["score_low"].to_numpy(dtype=float), own["score_high"].to_numpy(dtype=float)
        known = np.isfinite(low)
        axes.hlines(heights[known], low[known], high[known], color=colour, linewidth=pt(2.2), alpha=0.55, zorder=2)
        mark: dict[str, Any] = {"linestyle": "none", "marker": look.marker, "color": colour, "markersize": pt(4.5)}
        axes.plot(own["score"], heights, zorder=3, label=name or "_score", clip_on=False, **mark)
        if name:
            handles.append(Line2D([], [], label=name, **mark))
    if frame["score_low"].notna().any():
        over_seeds = "n_seeds" in frame.columns and frame["n_seeds"].max() > 1
        words = f"95 % for other {'seeds' if over_seeds else 'episodes'}"
        handles.append(Line2D([], [], color="0.5", linewidth=pt(2.2), label=words))
    handles.append(Line2D([], [], color="0.45", linestyle=(0, (4, 2)), linewidth=pt(0.8), label=MEAN))
    handles.append(Line2D([], [], color="0.45", linewidth=pt(0.8), label=BEST))
    axes.set_ylim(len(methods) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    drawn = frame[["score", "score_low", "score_high"]].to_numpy(dtype=float)
    axes.set_xlim(min(-0.05, float(np.nanmin(drawn)) - 0.05), max(1.05, float(np.nanmax(drawn)) + 0.05))
    axes.locator_params(axis="x", nbins=5 if points < 300 else 8)
    axes.set_xlabel("score of the order of inputs")
    axes.grid(axis="x", color="0.92", linewidth=pt(0.5))
    axes.set_axisbelow(True)
    means = frame.groupby("method", sort=False)["score"].mean()
    told = [f"{method} {number(means[method])}" for method in methods if method in means]
    named = list(dict.fromkeys(frame["label"]))
    whose = f" (means of {', '.join(named)})" if len(named) > 1 else f" of {named[0]}" if named[0] else ""
    where = f" on {frame['env_name'].iloc[0]}" if "env_name" in frame.columns else ""
    describe(axes, f"Score{whose}{where} between the mean of all orders, 0, and the best order, 1: {listed(told)}.")
    return handles


def plot_faithfulness_curves(frame: Shown, *, ax: Axes | None = None, curve: str = "same_action") -> Axes:
    """Draw what the first inputs of each method's order achieve, against their number.

    Parameters
    ----------
    frame : DataFrame or Faithfulness
        ``Faithfulness.curve_frame()``.
    ax : Axes, optional
    curve : {"same_action", "insertion", "deletion"}
        Share of rows whose action stays when only these inputs are known; probability of the action when only they are
        known; the same when they alone are not known.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If the frame lacks columns, has no rows, or there is no such curve.
    """
    if curve not in _CURVES:
        raise ValueError(f"curve must be one of {tuple(_CURVES)}, got {curve!r}")
    frame = as_frame(frame, "curve_frame")
    check_frame(frame, ("method", "n_known", curve))
    made, axes = ax is None, axes_or_new(ax)
    handles = []
    methods = list(dict.fromkeys(frame["method"]))
    for place, name in enumerate(methods):
        own = frame[frame["method"] == name].sort_values("n_known")
        look: dict[str, Any] = {
            "color": METHOD_COLOURS[place % len(METHOD_COLOURS)], "linestyle": LINE_STYLES[place % len(LINE_STYLES)],
            "marker": ACTION_MARKERS[place % len(ACTION_MARKERS)], "linewidth": pt(1.0), "markersize": pt(3.5),
            "markerfacecolor": "white",
        }  # fmt: skip
        if name in (BEST, MEAN):
            look |= {"color": "0.55", "marker": "", "linestyle": "-" if name == BEST else (0, (4, 2))}
        axes.plot(own["n_known"], own[curve], zorder=1 if name in (BEST, MEAN) else 2, **look)
        handles.append(Line2D([], [], label=name, **look))
    n_features = int(frame["n_known"].max())
    x_words, y_words = _CURVES[curve]
    axes.set_xticks(np.arange(n_features + 1))
    axes.set_xlabel(x_words)
    set_label(axes.yaxis, y_words, 0.5)
    axes.grid(axis="y", color="0.92", linewidth=pt(0.5))
    axes.set_axisbelow(True)
    legend_above(axes, handles, grow=made)
    describe(axes, f"{y_words[0].upper()}{y_words[1:]} with one input: {listed(_told_of_one(frame, curve, methods))}.")
    return axes


def _told_of_one(frame: pd.DataFrame, curve: str, methods: list[str]) -> list[str]:
    one = frame[frame["n_known"] == 1].set_index("method")[curve]
    return [f"{name} {number(one[name])}" for name in methods]


_CURVES = {
    "same_action": ("inputs known, in the order of the method", "share of rows whose action stays"),
    "insertion": ("inputs known, in the order of the method", "probability of the action taken"),
    "deletion": ("inputs taken away, in the order of the method", "probability of the action taken"),
}
