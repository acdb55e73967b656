"""Achieved against desired return: along a line of commands, and over a grid of return and horizon."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from numpy.typing import NDArray

from udrl_explain.figures.series import Look, check_frame, looks
from udrl_explain.figures.style import MAGNITUDE_MAP, axes_or_new
from udrl_explain.names import feature

_NEEDED = ("desired_return", "desired_horizon", "mean", "low", "high", "low_over_seeds", "high_over_seeds", "seen")
_ACHIEVED = "achieved return (reward)"
_DIAGONAL: dict[str, Any] = {"color": "0.45", "linestyle": (0, (4, 2)), "linewidth": 0.9}
_STRIP_HEIGHT = 0.16  # of the Axes, all experiments together


def plot_obedience(frame: pd.DataFrame, *, ax: Axes | None = None, support: pd.DataFrame | None = None) -> Axes:
    """Draw the return achieved at each command level against the one desired, beside the line y = x.

    Parameters
    ----------
    frame : DataFrame
        ``Obedience.to_frame()``, or several under one another with a column ``label`` in front. Intervals are over
        seeds where there are several, else over episodes.
    ax : Axes, optional
    support : DataFrame, optional
        Training commands to show along the bottom: ``desired_return``, ``density``, and ``label`` as in `frame`.
        By default the densities of `frame` itself, where these are known.

    Returns
    -------
    Axes
        Levels unseen in training are hollow. Bars along the bottom: share of training commands near each level, the
        highest of each experiment filling its row.

    Raises
    ------
    ValueError
        If the frame lacks columns, has no rows, mixes environments or is a grid.
    """
    check_frame(frame, _NEEDED)
    if "is_grid" in frame.columns and frame["is_grid"].any():
        raise ValueError("the frame must be of one line of commands, got a grid: draw it with plot_obedience_map")
    frame = _labelled(frame)
    axes = axes_or_new(ax)
    look_of = looks(frame["label"].tolist())
    ends = frame["desired_return"].min(), frame["desired_return"].max()
    axes.plot(ends, ends, zorder=1, label="y = x", **_DIAGONAL)
    handles: list[Artist] = [Line2D([], [], label="y = x (obeys)", **_DIAGONAL)]
    named = frame["label"].nunique() > 1 or frame["label"].iloc[0] != ""
    for label, levels in frame.groupby("label", sort=False):
        look = look_of[str(label)]
        _draw_levels(axes, levels.sort_values("desired_return"), look, str(label))
        if named:
            handles.append(_handle(look, f"{label}{_seeds(levels)}"))
    handles.append(Patch(facecolor="0.8", edgecolor="none", label=f"95 % over {_units(frame)}"))
    if _unseen(frame["seen"]).any():
        handles.append(_handle(Look("0.2", "none", "o"), "unseen in training", hollow=True))
    strips = _labelled(frame if support is None else support)
    check_frame(strips, ("desired_return", "density"))
    strips = strips[strips["density"].notna()]
    if len(strips):
        _draw_density(axes, strips, look_of)
        handles.append(Patch(facecolor="0.6", edgecolor="0.2", linewidth=0.5, label="training commands"))
    axes.set(xlabel=feature("desired_return").label, ylabel=_ACHIEVED)
    n_columns = 2 if len(handles) > 2 else 1
    axes.legend(
        handles=handles, loc="lower center", bbox_to_anchor=(0.43, 1.0), ncols=n_columns, handlelength=2.2,
        columnspacing=1.0, handletextpad=0.5, borderaxespad=0.2,
    )  # fmt: skip
    return axes


def plot_obedience_map(frame: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
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
    unseen = frame[_unseen(frame["seen"])]
    columns = table.columns.get_indexer(pd.Index(unseen["desired_return"]))
    rows = table.index.get_indexer(pd.Index(unseen["desired_horizon"]))
    for column, row in zip(columns.tolist(), rows.tolist(), strict=True):
        corner = (across[column], up[row])
        width, height = across[column + 1] - across[column], up[row + 1] - up[row]
        axes.add_patch(
            Rectangle(corner, width, height, fill=False, hatch="////", edgecolor="white", linewidth=0, label="_unseen")
        )
    axes.set(xlabel=feature("desired_return").label, ylabel=feature("desired_horizon").label)
    axes.set(xlim=(across[0], across[-1]), ylim=(up[0], up[-1]))
    if axes.figure is not None:
        bar = axes.figure.colorbar(mesh, ax=axes, pad=0.02)
        bar.set_label(_ACHIEVED)
        bar.outline.set_linewidth(0.4)
    if len(unseen):
        patch = Patch(facecolor="#777777", hatch="////", edgecolor="white", linewidth=0, label="unseen in training")
        axes.legend(handles=[patch], loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)
    return axes


def _draw_levels(axes: Axes, levels: pd.DataFrame, look: Look, label: str) -> None:
    x, mean = levels["desired_return"].to_numpy(dtype=float), levels["mean"].to_numpy(dtype=float)
    over_seeds = levels["low_over_seeds"].notna().to_numpy()
    low = np.where(over_seeds, levels["low_over_seeds"], levels["low"])
    high = np.where(over_seeds, levels["high_over_seeds"], levels["high"])
    axes.fill_between(x, low, high, color=look.colour, alpha=0.18, linewidth=0, zorder=1.5, label="_interval")
    # Edges in the line's own style keep overlapping bands apart, in grey too.
    for bound in (low, high):
        axes.plot(x, bound, color=look.colour, linestyle=look.line_style, linewidth=0.5, zorder=1.6, label="_band")
    axes.plot(x, mean, color=look.colour, linestyle=look.line_style, linewidth=0.9, zorder=2, label="_line")
    unseen = _unseen(levels["seen"])
    for part, face, name in ((~unseen, look.colour, label or "seen"), (unseen, "white", "_hollow")):
        axes.plot(
            x[part], mean[part], linestyle="none", marker=look.marker, markersize=4, color=look.colour,
            markerfacecolor=face, zorder=3, label=name,
        )  # fmt: skip


def _draw_density(axes: Axes, strips: pd.DataFrame, look_of: dict[str, Look]) -> None:
    """Bars in rows along the bottom, below all data."""
    groups = list(strips.groupby("label", sort=False))
    height = _STRIP_HEIGHT / max(2, len(groups))
    used = height * len(groups)
    low, high = axes.get_ylim()
    axes.set_ylim(low - (high - low) * used / (1 - used), high)
    for row, (label, part) in enumerate(reversed(groups)):
        part = part.sort_values("desired_return")
        edges = _edges(part["desired_return"].to_numpy(dtype=float))
        shares = part["density"].to_numpy(dtype=float)
        tallest = float(shares.max()) or 1.0
        # A seventh stays free: the bars of one row must not touch the next.
        axes.bar(
            edges[:-1], shares / tallest * height * 6 / 7, np.diff(edges), row * height, align="edge", zorder=0.5,
            color=look_of[str(label)].colour if str(label) in look_of else "0.5", alpha=0.45, edgecolor="0.2",
            linewidth=0.4, transform=axes.get_xaxis_transform(), label="_density",
        )  # fmt: skip


def _labelled(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with text labels; one experiment without a name is called ""."""
    label = frame["label"].fillna("").astype(str) if "label" in frame.columns else ""
    return frame.assign(label=label)


def _handle(look: Look, label: str, *, hollow: bool = False) -> Line2D:
    style: dict[str, Any] = {"color": look.colour, "linestyle": look.line_style, "marker": look.marker}
    face = "white" if hollow else look.colour
    return Line2D([], [], markersize=4, linewidth=0.9, markerfacecolor=face, label=label, **style)


def _seeds(levels: pd.DataFrame) -> str:
    if "n_seeds" not in levels.columns:
        return ""
    n_seeds = int(levels["n_seeds"].max())
    return f" ({n_seeds} seed{'s' if n_seeds > 1 else ''})"


def _units(frame: pd.DataFrame) -> str:
    known = frame.groupby("label")["low_over_seeds"].count() > 0
    return "seeds" if known.all() else "seeds or episodes" if known.any() else "episodes"


def _unseen(seen: "pd.Series[Any]") -> NDArray[np.bool_]:
    """Levels marked False; where nothing is known none is."""
    return np.array([not pd.isna(value) and not bool(value) for value in seen], dtype=bool)


def _edges(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Borders half-way between neighbours."""
    if len(centres) == 1:
        return np.array([centres[0] - 0.5, centres[0] + 0.5])
    middle = (centres[:-1] + centres[1:]) / 2
    return np.concatenate([[2 * centres[0] - middle[0]], middle, [2 * centres[-1] - middle[-1]]])
