"""The commands of training and what came of them, from the table of the training-commands analysis."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from udrl_explain.figures.alt_text import describe, listed, number
from udrl_explain.figures.lettering import n_legend_columns
from udrl_explain.figures.series import Shown, as_frame, check_frame, looks
from udrl_explain.figures.style import is_wide, pt

_PANELS = (("desired_return", "achieved_return", "return (reward)"), ("desired_horizon", "length", "horizon (steps)"))


def plot_training_commands(frame: Shown, *, fig: Figure | None = None) -> Figure:
    """Draw what was asked (lines) and what came of it (points) over the iterations: return left, horizon right.

    Parameters
    ----------
    frame : DataFrame or TrainingCommands
        ``TrainingCommands.to_frame()`` of one environment.
    fig : Figure, optional

    Raises
    ------
    ValueError
        If the frame lacks columns, has no rows or mixes environments.
    """
    frame = as_frame(frame)
    columns = [name for panel in _PANELS for name in panel[:2]]
    check_frame(frame, ("label", "iteration", *columns))
    made = fig is None
    fig = fig if fig is not None else plt.figure()
    look_of = looks(frame["label"].tolist())
    beside = is_wide(fig)
    if not beside and made:
        fig.set_figheight(fig.get_figheight() * 1.5)
    axes = fig.subplots(1, 2) if beside else fig.subplots(2, 1, sharex=True)
    for ax, (asked, achieved, label) in zip(axes, _PANELS, strict=True):
        for name, curve in frame.groupby("label", sort=False):
            look = look_of[str(name)]
            ax.plot(
                curve["iteration"], curve[asked], color=look.colour, linestyle=look.line_style, label=f"{name}: asked"
            )
            if curve[achieved].notna().any():
                ax.plot(
                    curve["iteration"], curve[achieved], linestyle="none", marker=look.marker, markersize=pt(2),
                    color=look.colour, alpha=0.6, markevery=max(1, len(curve) // 40), label=f"{name}: achieved",
                )  # fmt: skip
        ax.set_xlabel("training iteration" if beside or ax is axes[-1] else "")
        ax.set_ylabel(label)
        ax.locator_params(axis="x", nbins=6)
    # A run may store the lengths but not the returns: each series is named once, wherever it is drawn.
    entries = {name: handle for ax in axes for handle, name in zip(*ax.get_legend_handles_labels(), strict=True)}
    fig.legend(
        list(entries.values()), list(entries), loc="outside upper center",
        ncols=min(2, n_legend_columns(list(entries), fig.get_figwidth() * 72)),
    )  # fmt: skip
    last = frame.groupby("label", sort=False).last()
    told = [
        f"{label} asks for {number(row['desired_return'])} in {number(row['desired_horizon'])} steps"
        + ("" if pd.isna(row["achieved_return"]) else f" and gets {number(row['achieved_return'])}")
        for label, row in last.iterrows()
    ]
    describe(fig, f"Commands of training and what came of them, by iteration. At the end: {listed(told)}.")
    return fig
