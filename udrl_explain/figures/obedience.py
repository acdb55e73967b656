"""Achieved against desired return: along a line of commands, and over a grid of return and horizon."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from udrl_explain.figures.alt_text import describe, listed, number
from udrl_explain.figures.lettering import legend_above, set_label
from udrl_explain.figures.seen import hatch_box, unseen, unseen_handle
from udrl_explain.figures.series import (
    Look,
    Shown,
    as_frame,
    check_frame,
    fit_returns,
    looks,
    possible_returns,
    with_seeds,
)
from udrl_explain.figures.strips import make_room, strip_above, strip_top
from udrl_explain.figures.style import MAGNITUDE_MAP, axes_or_new, pt
from udrl_explain.names import feature

_NEEDED = ("desired_return", "desired_horizon", "mean", "low", "high", "low_over_seeds", "high_over_seeds", "seen")
_ACHIEVED = "achieved return (reward)"


def plot_obedience(frame: Shown, *, ax: Axes | None = None, support: pd.DataFrame | None = None) -> Axes:
    """Draw the return achieved at each command level against the one desired, beside the line y = x.

    Parameters
    ----------
    frame : DataFrame or Obedience
        ``Obedience.to_frame()``, or several under one another with a column ``label`` in front. Intervals are for
        other training seeds where there are several, else for other episodes; none is drawn where nothing varies. With
        a column ``env_name`` nothing is drawn beyond the returns that the environment can give.
    ax : Axes, optional
    support : DataFrame, optional
        Training commands to show in the strip above: ``desired_return``, ``density``, and ``label`` as in `frame`.
        By default the densities of `frame` itself, where these are known.

    Returns
    -------
    Axes
        Levels unseen in training are hollow. The strip above has its own axis: the share of the training commands
        near each level.

    Raises
    ------
    ValueError
        If the frame lacks columns, has no rows, mixes environments or is a grid.
    """
    frame = as_frame(frame)
    check_frame(frame, _NEEDED)
    if "is_grid" in frame.columns and frame["is_grid"].any():
        raise ValueError("the frame must be of one line of commands, got a grid: draw it with plot_obedience_map")
    frame = _labelled(frame)
    made, axes = ax is None, axes_or_new(ax)
    look_of = looks(frame["label"].tolist())
    bounds = possible_returns(frame)
    asked = frame["desired_return"].min(), frame["desired_return"].max()
    ends = np.clip(asked, *bounds)
    handles: list[Artist] = []
    if ends[1] > ends[0]:
        axes.plot(ends, ends, zorder=1, label="y = x", **_diagonal())
        handles.append(Line2D([], [], label="y = x (obeys)", **_diagonal()))
    named = frame["label"].nunique() > 1 or frame["label"].iloc[0] != ""
    drawn = [ends]
    for label, levels in frame.groupby("label", sort=False):
        look = look_of[str(label)]
        drawn += _draw_levels(axes, levels.sort_values("desired_return"), look, str(label), bounds)
        if named:
            handles.append(_handle(look, _named(str(label), levels)))
    handles.append(Patch(facecolor="0.8", edgecolor="none", label=f"95 % for other {_units(frame)}"))
    if unseen(frame["seen"]).any():
        handles.append(_handle(Look("0.2", "none", "o"), "unseen in training", hollow=True))
    every = np.concatenate(drawn)
    fit_returns(axes, float(np.nanmin(every)), float(np.nanmax(every)), bounds)
    strips = _labelled(frame if support is None else support)
    check_frame(strips, ("desired_return", "density"))
    strips = strips[strips["density"].notna()]
    height = 0.0
    if len(strips):
        if made:
            make_room(axes)
        _draw_density(strip_above(axes, "asked"), strips, look_of)
        handles.append(
            Patch(facecolor="0.85", edgecolor="0.2", linewidth=pt(0.6), label="training commands near the level")
        )
        height = strip_top()
    axes.set_xlabel(feature("desired_return").label)
    set_label(axes.yaxis, _ACHIEVED, 0.5)
    legend_above(axes, handles, inches=height, grow=made)
    told = []
    for label, levels in frame.sort_values("desired_return").groupby("label", sort=False):
        first, last = levels.iloc[0], levels.iloc[-1]
        words = [f"{number(level['mean'])} where {number(level['desired_return'])} is asked" for level in (first, last)]
        told.append(f"{str(label) or 'the policy'} achieves {' and '.join(words)}")
    describe(axes, f"Achieved against desired return: {listed(told)}.")
    return axes


def plot_obedience_map(frame: Shown, *, ax: Axes | None = None) -> Axes:
    """Draw the return achieved under each pair of desired return and desired horizon as a cell.

    Parameters
    ----------
    frame : DataFrame
        ``Obedience.to_frame()`` of a grid of commands.
    ax : Axes, optional

    Returns
    -------
    Axes
        One cell per command, between those of its neighbours; commands unseen in training are hatched.

    Raises
    ------
    ValueError
        If the frame lacks columns, has no rows, holds a command twice, or fewer than two returns or horizons.
    """
    frame = as_frame(frame)
    check_frame(frame, ("desired_return", "desired_horizon", "mean", "seen"))
    commands = ["desired_horizon", "desired_return"]
    if frame.duplicated(commands).any():
        raise ValueError("the frame must hold every command once; draw one experiment at a time")
    table = frame.pivot(index=commands[0], columns=commands[1], values="mean")
    if min(table.shape) < 2:
        raise ValueError(
            f"the frame must be a grid of at least 2 returns and 2 horizons, got {table.shape[1]} and "
            f"{table.shape[0]}: draw one line of commands with plot_obedience"
        )
    axes = axes_or_new(ax)
    across, up = _edges(table.columns.to_numpy(dtype=float)), _edges(table.index.to_numpy(dtype=float))
    mesh = axes.pcolormesh(
        across, up, np.ma.masked_invalid(table.to_numpy(dtype=float)), cmap=MAGNITUDE_MAP, rasterized=True
    )
    hidden = frame[unseen(frame["seen"])]
    columns = table.columns.get_indexer(pd.Index(hidden["desired_return"]))
    rows = table.index.get_indexer(pd.Index(hidden["desired_horizon"]))
    for column, row in zip(columns.tolist(), rows.tolist(), strict=True):
        corner = (across[column], up[row])
        width, height = across[column + 1] - across[column], up[row + 1] - up[row]
        hatch_box(axes, corner, width, height)
    axes.set(xlabel=feature("desired_return").label, ylabel=feature("desired_horizon").label)
    axes.set(xlim=(across[0], across[-1]), ylim=(up[0], up[-1]))
    if axes.figure is not None:
        bar = axes.figure.colorbar(mesh, ax=axes, pad=0.02)
        bar.set_label(_ACHIEVED)
        bar.outline.set_linewidth(pt(0.4))
    if len(hidden):
        legend_above(axes, [unseen_handle(on_colour=True)])
    ranked = frame.sort_values("mean", kind="stable")
    worst, best = ranked.iloc[0], ranked.iloc[-1]
    describe(
        axes,
        f"Return achieved under {len(frame)} commands, from {number(worst['mean'])} at desired return "
        f"{number(worst['desired_return'])} in {number(worst['desired_horizon'])} steps to {number(best['mean'])} at "
        f"{number(best['desired_return'])} in {number(best['desired_horizon'])} steps.",
    )
    return axes


def _draw_levels(
    axes: Axes, levels: pd.DataFrame, look: Look, label: str, bounds: tuple[float, float]
) -> list[NDArray[np.float64]]:
    """Band, line and markers of one experiment; returns what they cover."""
    x, mean = levels["desired_return"].to_numpy(dtype=float), levels["mean"].to_numpy(dtype=float)
    # One meaning per band: where the seeds do not vary at a level there is none, not that of the episodes.
    suffix = "_over_seeds" if _over_seeds(levels) else ""
    low, high = (levels[f"{end}{suffix}"].to_numpy(dtype=float).clip(*bounds) for end in ("low", "high"))
    axes.fill_between(x, low, high, color=look.colour, alpha=0.18, linewidth=0, zorder=1.5, label="_interval")
    # Edges in the line's own style keep overlapping bands apart, in grey too.
    for bound in (low, high):
        axes.plot(x, bound, color=look.colour, linestyle=look.line_style, linewidth=pt(0.5), zorder=1.6, label="_band")
    axes.plot(x, mean, color=look.colour, linestyle=look.line_style, linewidth=pt(0.9), zorder=2, label="_line")
    hidden = unseen(levels["seen"])
    for part, face, name in ((~hidden, look.colour, label or "seen"), (hidden, "white", "_hollow")):
        axes.plot(
            x[part], mean[part], linestyle="none", marker=look.marker, markersize=pt(4), color=look.colour,
            markerfacecolor=face, markeredgewidth=pt(1), zorder=3, clip_on=False, label=name,
        )  # fmt: skip
    return [low, high, mean]


def _draw_density(strip: Axes, strips: pd.DataFrame, look_of: dict[str, Look]) -> None:
    """Outline of the shares of each experiment, over the whole of each level."""
    tallest = 0.0
    for label, part in strips.groupby("label", sort=False):
        part = part.sort_values("desired_return")
        look = look_of.get(str(label), Look("0.4", "-", "o"))
        shares = part["density"].to_numpy(dtype=float)
        tallest = max(tallest, float(shares.max()))
        strip.stairs(
            shares, _edges(part["desired_return"].to_numpy(dtype=float)), color=look.colour, linestyle=look.line_style,
            linewidth=pt(1.0), label=f"_density {label}",
        )  # fmt: skip
    strip.set_ylim(0.0, (tallest or 1.0) * 1.1)


def _diagonal() -> dict[str, Any]:
    return {"color": "0.45", "linestyle": (0, (4, 2)), "linewidth": pt(0.9)}


def _labelled(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with text labels; one experiment without a name is called ""."""
    label = frame["label"].fillna("").astype(str) if "label" in frame.columns else ""
    return frame.assign(label=label)


def _handle(look: Look, label: str, *, hollow: bool = False) -> Line2D:
    style: dict[str, Any] = {"color": look.colour, "linestyle": look.line_style, "marker": look.marker}
    face = "white" if hollow else look.colour
    return Line2D([], [], markersize=pt(4), linewidth=pt(0.9), markerfacecolor=face, label=label, **style)


def _named(label: str, levels: pd.DataFrame) -> str:
    return with_seeds(label, int(levels["n_seeds"].max())) if "n_seeds" in levels.columns else label


def _over_seeds(levels: pd.DataFrame) -> bool:
    """Whether the intervals of one label are for other training seeds, not for other episodes."""
    several = "n_seeds" in levels.columns and levels["n_seeds"].max() > 1
    return bool(several or levels["low_over_seeds"].notna().any())


def _units(frame: pd.DataFrame) -> str:
    over_seeds = [_over_seeds(levels) for _, levels in frame.groupby("label")]
    return "seeds" if all(over_seeds) else "seeds or episodes" if any(over_seeds) else "episodes"


def _edges(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Borders half-way between neighbours."""
    if len(centres) == 1:
        return np.array([centres[0] - 0.5, centres[0] + 0.5])
    middle = (centres[:-1] + centres[1:]) / 2
    return np.concatenate([[2 * centres[0] - middle[0]], middle, [2 * centres[-1] - middle[-1]]])
