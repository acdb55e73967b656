"""Learning curves, from the tables of the learning analysis."""

import pandas as pd
from matplotlib.axes import Axes

from udrl_explain.figures.series import check_frame, looks
from udrl_explain.figures.style import axes_or_new

_YLABELS = {"training": "mean return in training (reward)", "test": "mean return in tests (reward)"}
_N_MARKERS = 8
_LONG = 150
_WIDE_LABEL = 26


def plot_learning_curves(
    frame: pd.DataFrame, *, ax: Axes | None = None, kind: str = "training", by_seed: pd.DataFrame | None = None
) -> Axes:
    """Draw mean return over the iterations, one line with its interval per label.

    Parameters
    ----------
    frame : DataFrame
        ``LearningCurves.to_frame()`` of one environment.
    ax : Axes, optional
    kind : {"training", "test"}
    by_seed : DataFrame, optional
        ``LearningCurves.by_seed()``: draws every seed as a thin line.

    Raises
    ------
    ValueError
        If `kind` is unknown, or the frame lacks columns, has no such rows or mixes environments.
    """
    if kind not in _YLABELS:
        raise ValueError(f"kind must be 'training' or 'test', got {kind!r}")
    needed = ("label", "kind", "iteration", "mean_return")
    check_frame(frame, (*needed, "low", "high", "n_seeds"))
    look_of = looks(frame["label"].tolist())
    frame = frame[frame["kind"] == kind]
    check_frame(frame, needed)
    ax = axes_or_new(ax)
    if by_seed is not None:
        check_frame(by_seed, (*needed, "seed"))
        for (label, _seed), run in by_seed[by_seed["kind"] == kind].groupby(["label", "seed"], sort=False):
            colour = look_of[str(label)].colour
            ax.plot(
                run["iteration"], run["mean_return"], color=colour, linewidth=0.4, alpha=0.5, zorder=1.5, label="_seed"
            )
    for place, (label, curve) in enumerate(frame.groupby("label", sort=False)):
        name = str(label)
        # Long noisy curves hide their line style: a few markers, not above one another, keep them apart in grey.
        step = max(1, len(curve) // _N_MARKERS)
        look = look_of[name]
        n_seeds = curve["n_seeds"].max()
        ax.fill_between(
            curve["iteration"], curve["low"], curve["high"], color=look.colour, alpha=0.2, linewidth=0, zorder=1
        )
        ax.plot(
            curve["iteration"], curve["mean_return"], color=look.colour, linestyle=look.line_style, zorder=2,
            linewidth=1.0 if len(curve) <= _LONG else 0.6, marker=look.marker, markersize=4,
            markeredgecolor="white", markeredgewidth=0.5, markevery=(min(place * step // 3, len(curve) - 1), step),
            label=f"{name} ({n_seeds} seed{'s' if n_seeds > 1 else ''})",
        )  # fmt: skip
    ax.set_xlabel("training iteration")
    ax.set_ylabel(_YLABELS[kind])
    # Above the axes: curves fill them, and no corner is free for sure.
    labels = ax.get_legend_handles_labels()[1]
    ax.legend(
        loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2 if max(map(len, labels)) <= _WIDE_LABEL else 1,
        handlelength=2.6, columnspacing=1.2, borderaxespad=0.2,
    )  # fmt: skip
    return ax
