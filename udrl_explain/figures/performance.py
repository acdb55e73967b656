"""What the return of a policy owes to each of its inputs."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from udrl_explain.figures.alt_text import describe, listed, number
from udrl_explain.figures.lettering import legend_above, mark_commands
from udrl_explain.figures.series import Shown, as_frame, check_frame
from udrl_explain.figures.style import COMMAND_COLOUR, STATE_COLOUR, axes_or_new, figure_of, fit_to_lines, pt
from udrl_explain.names import feature

_NEEDED = ("feature", "is_command", "value", "low", "high", "lost_without", "lost_low", "lost_high")
_TOTALS = ("state", "command")
_OWED, _LOST = -0.17, 0.17  # heights of the two estimates of an input
_SPREAD = 0.22  # of the height of a row, shared by the runs
_LINES_PER_ROW, _LINES_AROUND = 2.4, 7.0


def plot_performance(frame: Shown, *, ax: Axes | None = None) -> Axes:
    """Draw the return owed to each input, and what is lost when it alone is unknown, with intervals for other episodes.

    Parameters
    ----------
    frame : DataFrame or Performance
        ``Performance.to_frame()``, or several under one another with a column ``run`` in front.
    ax : Axes, optional
        A new figure by default, as high as its inputs need.

    Returns
    -------
    Axes
        Inputs in the order of the frame, state and command as a whole below a line; several runs lie close together.

    Raises
    ------
    ValueError
        If the frame lacks columns or has no rows.
    """
    frame = as_frame(frame)
    check_frame(frame, _NEEDED)
    run = frame["run"].astype(str) if "run" in frame.columns else ""
    frame = frame.assign(run=run)
    names = list(dict.fromkeys(frame["feature"]))
    runs = list(dict.fromkeys(frame["run"]))
    place = {name: row for row, name in enumerate(names)}
    made, axes = ax is None, axes_or_new(ax)
    if made:
        fit_to_lines(figure_of(axes), _LINES_PER_ROW * len(names) + _LINES_AROUND)
    axes.axvline(0.0, color="black", linewidth=pt(0.6), zorder=1)
    steps = np.linspace(-_SPREAD / 2, _SPREAD / 2, len(runs)) if len(runs) > 1 else np.zeros(1)
    for step, name in zip(steps, runs, strict=True):
        own = frame[frame["run"] == name]
        rows = own["feature"].map(place).to_numpy(dtype=float) + step
        colours = [COMMAND_COLOUR if command else STATE_COLOUR for command in own["is_command"]]
        for column, ends, offset, hollow in (
            ("value", ("low", "high"), _OWED, False),
            ("lost_without", ("lost_low", "lost_high"), _LOST, True),
        ):
            low, high = (own[end].to_numpy(dtype=float) for end in ends)
            known = np.isfinite(low)
            width = pt(0.9 if hollow else 2.0)
            axes.hlines(
                rows[known] + offset, low[known], high[known], linewidth=width, zorder=2,
                colors=["0.35" if hollow else c for c, there in zip(colours, known, strict=True) if there],
                alpha=1.0 if hollow else 0.6,
            )  # fmt: skip
            axes.scatter(
                own[column], rows + offset, marker="D" if hollow else "o", s=pt(3.2 if hollow else 4.0) ** 2, zorder=3,
                facecolors="white" if hollow else colours, edgecolors="black", linewidths=pt(0.6), clip_on=False,
                label=f"_{column} {name}",
            )  # fmt: skip
    axes.set_yticks(np.arange(len(names)), [_word(name) for name in names])
    commands = frame.drop_duplicates("feature").set_index("feature")["is_command"]
    mark_commands(axes, [bool(commands[name]) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    first_total = next((row for name, row in place.items() if name in _TOTALS), None)
    if first_total:
        axes.axhline(first_total - 0.5, color="0.7", linewidth=pt(0.6), zorder=1)
    axes.locator_params(axis="x", nbins=5)
    axes.set_xlabel("return (reward)")
    axes.grid(axis="x", color="0.92", linewidth=pt(0.5))
    axes.set_axisbelow(True)
    legend_above(axes, _handles(frame, len(runs)), grow=made)
    describe(axes, f"Return owed to each input{_whose(runs)}: {listed(_told(frame, names))}.")
    return axes


def _handles(frame: pd.DataFrame, n_runs: int) -> list[Artist]:
    dot: dict[str, Any] = {"linestyle": "none", "markeredgecolor": "black", "markeredgewidth": pt(0.6)}
    each = ", one mark a seed" if n_runs > 1 else ""
    handles: list[Artist] = [
        Line2D([], [], marker="o", markersize=pt(4), markerfacecolor="0.6", label=f"owed to the input{each}", **dot),
        Line2D([], [], marker="D", markersize=pt(3.2), markerfacecolor="white", label="lost without it alone", **dot),
    ]
    if frame["low"].notna().any():
        handles.append(Line2D([], [], color="0.5", linewidth=pt(2.0), label="95 % for other episodes"))
    handles.append(Patch(facecolor=STATE_COLOUR, label="state"))
    handles.append(Patch(facecolor=COMMAND_COLOUR, label="command"))
    return handles


def _word(name: str) -> str:
    if name in _TOTALS:
        return f"all of the {name}"
    return " + ".join(feature(part).symbol for part in name.split(" + "))


def _whose(runs: list[str]) -> str:
    return f", mean over {len(runs)} runs" if len(runs) > 1 else f" of {runs[0]}" if runs[0] else ""


def _told(frame: pd.DataFrame, names: list[str]) -> list[str]:
    means = frame.groupby("feature", sort=False)["value"].mean()
    return [f"{name.replace('_', ' ')} {number(means[name])}" for name in (*names[-2:], *names[:-2])]
