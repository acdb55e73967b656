"""The commands of training and what came of them, from the table of the training-commands analysis."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from udrl_explain.figures.series import check_frame, looks

_PANELS = (("desired_return", "achieved_return", "return (reward)"), ("desired_horizon", "length", "horizon (steps)"))


def plot_training_commands(frame: pd.DataFrame, *, fig: Figure | None = None) -> Figure:
    """Draw what was asked (lines) and what came of it (points) over the iterations: return left, horizon right.

    Parameters
    ----------
    frame : DataFrame
        ``TrainingCommands.to_frame()`` of one environment.
    fig : Figure, optional

    Raises
    ------
    ValueError
        If the frame lacks columns, has no rows or mixes environments.
    """
    columns = [name for panel in _PANELS for name in panel[:2]]
    check_frame(frame, ("label", "iteration", *columns))
    fig = fig if fig is not None else plt.figure()
    look_of = looks(frame["label"].tolist())
    axes = fig.subplots(1, 2)
    for ax, (asked, achieved, label) in zip(axes, _PANELS, strict=True):
        for name, curve in frame.groupby("label", sort=False):
            look = look_of[str(name)]
            ax.plot(
                curve["iteration"], curve[asked], color=look.colour, linestyle=look.line_style, label=f"{name}: asked"
            )
            if curve[achieved].notna().any():
                ax.plot(
                    curve["iteration"], curve[achieved], linestyle="none", marker=look.marker, markersize=2,
                    color=look.colour, alpha=0.6, markevery=max(1, len(curve) // 40), label=f"{name}: achieved",
                )  # fmt: skip
        ax.set_xlabel("training iteration")
        ax.set_ylabel(label)
    # A run may store the lengths but not the returns: each series is named once, wherever it is drawn.
    entries = {name: handle for ax in axes for handle, name in zip(*ax.get_legend_handles_labels(), strict=True)}
    fig.legend(list(entries.values()), list(entries), loc="outside upper center", ncols=2)
    return fig
