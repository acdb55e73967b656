"""What small trees give up: return, agreement and obedience by the number of their leaves, beside the policy's own."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from udrl_explain.figures.alt_text import describe, listed, number
from udrl_explain.figures.lettering import legend_above, wrapped
from udrl_explain.figures.series import Look, Shown, as_frame, check_frame, looks
from udrl_explain.figures.style import axes_or_new, figure_of, page_height, pt

MEASURES = {
    "return": "return (reward)",
    "agreement": "agreement",
    "mae": "distance from the desired return (reward)",
}
_NEEDED = ("point", "n_leaves", "max_leaves", "is_smallest")
_PANEL = 1.35  # inches of eight-point text


def plot_distillation(frame: Shown, *, measure: str = "return", ax: Axes | None = None) -> Axes:
    """One measure of every tree by the number of its leaves; the policy is the last point.

    Parameters
    ----------
    frame : DataFrame or Distillation
        ``Distillation.to_frame()``, or several under one another with a column ``label`` in front.
    measure : {"return", "agreement", "mae"}
    ax : Axes, optional

    Returns
    -------
    Axes
        Bars are 95 % intervals for other episodes, a ring marks the smallest tree whose return is not below the
        policy's, a dashed line the policy's own value.

    Raises
    ------
    ValueError
        If the frame lacks columns or rows, or nothing is known of the measure.
    """
    if measure not in MEASURES:
        raise ValueError(f"measure must be one of {', '.join(MEASURES)}, got {measure!r}")
    frame = as_frame(frame)
    check_frame(frame, (*_NEEDED, measure, f"{measure}_low", f"{measure}_high"))
    if frame[measure].isna().all():
        raise ValueError(f"the frame knows no {measure}: nothing was played for it")
    frame = frame if "label" in frame.columns else frame.assign(label="")
    made, axes = ax is None, axes_or_new(ax)
    look_of = looks(frame["label"].tolist())
    trees = frame["point"] != "policy"
    last = 2.0 * float(frame.loc[trees, "n_leaves"].max())
    for k, (label, part) in enumerate(frame.groupby("label", sort=False)):
        _draw(axes, part, measure, look_of[str(label)], last * 1.12**k)
    sizes = sorted({int(size) for size in frame.loc[trees, "max_leaves"]})
    axes.set_xscale("log", base=2)
    axes.set_xticks([*sizes, last * 1.12 ** ((frame["label"].nunique() - 1) / 2)], [*map(str, sizes), "policy"])
    axes.minorticks_off()
    axes.set_xlabel("leaves of the tree")
    points = figure_of(axes).get_figheight() * 72 * axes.get_position().height
    axes.set_ylabel(wrapped(MEASURES[measure], points, "axes.labelsize"))
    if made:
        legend_above(axes, _handles(frame, look_of), grow=True)
    describe(axes, _told(frame, measure))
    return axes


def plot_distillations(frame: Shown) -> Figure:
    """Every measure that is known, one panel below another; see :func:`plot_distillation`."""
    frame = as_frame(frame)
    check_frame(frame, (*_NEEDED, *MEASURES))
    known = [measure for measure in MEASURES if frame[measure].notna().any()]
    height = min((len(known) * _PANEL + 0.8) * plt.rcParams["font.size"] / 8.0, page_height())
    figure, axes = plt.subplots(
        len(known), 1, sharex=True, squeeze=False, figsize=(plt.rcParams["figure.figsize"][0], height)
    )
    for panel, measure in zip(axes[:, 0], known, strict=True):
        plot_distillation(frame, measure=measure, ax=panel)
        if measure != known[-1]:
            panel.set_xlabel("")
    labelled = frame if "label" in frame.columns else frame.assign(label="")
    legend_above(axes[0, 0], _handles(labelled, looks(labelled["label"].tolist())))
    return figure


def _draw(axes: Axes, part: pd.DataFrame, measure: str, look: Look, last: float) -> None:
    trees, policy = part[part["point"] != "policy"], part[part["point"] == "policy"]
    for points, x in ((trees, trees["n_leaves"].to_numpy(dtype=float)), (policy, np.full(len(policy), last))):
        middle, low, high = (points[f"{measure}{end}"].to_numpy(dtype=float) for end in ("", "_low", "_high"))
        bars = np.nan_to_num(np.clip([middle - low, high - middle], 0, None))
        axes.errorbar(
            x, middle, yerr=bars, color=look.colour, marker=look.marker, markersize=pt(3.5), linewidth=pt(1.0),
            linestyle=look.line_style, elinewidth=pt(0.8), capsize=pt(1.5),
        )  # fmt: skip
    if len(policy):
        axes.axhline(float(policy[measure].iloc[0]), color=look.colour, linewidth=pt(0.6), linestyle=":", zorder=0)
    smallest = trees[trees["is_smallest"].astype(bool)]
    axes.plot(smallest["n_leaves"].to_numpy(dtype=float), smallest[measure], linestyle="none", **_ring())


def _handles(frame: pd.DataFrame, look_of: dict[str, Look]) -> list[Line2D]:
    drawn: list[tuple[str, dict[str, Any]]] = [
        (label, {"color": look.colour, "marker": look.marker, "markersize": pt(3.5), "linestyle": look.line_style})
        for label, look in look_of.items()
        if label
    ]
    if frame["is_smallest"].astype(bool).any():
        drawn.append(("smallest tree not below its policy", {"linestyle": "none", **_ring()}))
    drawn.append(("the policy itself", {"color": "0.3", "linewidth": pt(0.6), "linestyle": ":"}))
    return [Line2D([], [], label=label, **look) for label, look in drawn]


def _ring() -> dict[str, Any]:
    return {
        "marker": "o", "markerfacecolor": "none", "markeredgecolor": "black", "markersize": pt(8),
        "markeredgewidth": pt(0.9),
    }  # fmt: skip


def _told(frame: pd.DataFrame, measure: str) -> str:
    told = []
    for label, part in frame.groupby("label", sort=False):
        name = str(label) or "the policy"
        policy = part.loc[part["point"] == "policy", measure]
        trees = part[(part["point"] != "policy") & part[measure].notna()]
        ends = [f"{number(row[measure])} with {row['n_leaves']} leaves" for _, row in trees.iloc[[0, -1]].iterrows()]
        own = f", {number(float(policy.iloc[0]))} itself" if policy.notna().any() else ""
        told.append(f"{name}: {' and '.join(ends)}{own}")
    return f"{MEASURES[measure].capitalize()} of small trees that imitate a policy: {listed(told, '; ')}."
