"""How well methods of attribution describe policies: scores by method, and curves along their orders."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from udrl_explain.figures.alt_text import describe, listed, number
from udrl_explain.figures.lettering import legend_above, wrapped
from udrl_explain.figures.series import Shown, as_frame, check_frame, looks
from udrl_explain.figures.style import ACTION_MARKERS, LINE_STYLES, axes_or_new, figure_of, page_height, pt

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
    frame = as_frame(frame)
    check_frame(frame, ("method", "score", "score_low", "score_high"))
    label = frame["label"].astype(str) if "label" in frame.columns else ""
    frame = frame.assign(label=label)[frame["score"].notna()]
    if frame.empty:
        raise ValueError("no method has a score: no order of the inputs is better than another")
    means = frame.groupby("method", sort=False)["score"].mean()
    methods = means.sort_values(ascending=False, kind="stable").index.tolist()
    made, axes = ax is None, axes_or_new(ax)
    figure = figure_of(axes)
    if made:
        needed = (_LINES_PER_ROW * len(methods) + _LINES_AROUND) * plt.rcParams["font.size"] / 72
        figure.set_figheight(min(max(needed, figure.get_figheight() * 0.7), page_height()))
    labels = list(dict.fromkeys(frame["label"]))
    look_of = looks(labels)
    steps = np.linspace(-_SPREAD / 2, _SPREAD / 2, len(labels)) if len(labels) > 1 else np.zeros(1)
    handles: list[Artist] = []
    for end, style in ((0.0, (0, (4, 2))), (1.0, "-")):
        axes.axvline(end, color="0.45", linestyle=style, linewidth=pt(0.8), zorder=1)
    for step, name in zip(steps, labels, strict=True):
        own, look = frame[frame["label"] == name], look_of[name]
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
        handles.append(Line2D([], [], color="0.5", linewidth=pt(2.2), label="95 % for other episodes"))
    handles.append(Line2D([], [], color="0.45", linestyle=(0, (4, 2)), linewidth=pt(0.8), label=MEAN))
    handles.append(Line2D([], [], color="0.45", linewidth=pt(0.8), label=BEST))
    points = figure.get_figwidth() * 72
    axes.set_yticks(np.arange(len(methods)), [wrapped(name, points * 0.3, "ytick.labelsize") for name in methods])
    axes.set_ylim(len(methods) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    drawn = frame[["score", "score_low", "score_high"]].to_numpy(dtype=float)
    axes.set_xlim(min(-0.05, float(np.nanmin(drawn)) - 0.05), max(1.05, float(np.nanmax(drawn)) + 0.05))
    axes.locator_params(axis="x", nbins=5 if points < 300 else 8)
    axes.set_xlabel("score of the order of inputs")
    axes.grid(axis="x", color="0.92", linewidth=pt(0.5))
    axes.set_axisbelow(True)
    legend_above(axes, handles, grow=made)
    told = [f"{method} {number(means[method])}" for method in methods]
    whose = f" (means of {', '.join(labels)})" if len(labels) > 1 else f" of {labels[0]}" if labels[0] else ""
    describe(axes, f"Score{whose} between the mean of all orders, 0, and the best order, 1: {listed(told)}.")
    return axes


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
    axes.set_ylabel(wrapped(y_words, figure_of(axes).get_figheight() * 72 * 0.5, "axes.labelsize"))
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
