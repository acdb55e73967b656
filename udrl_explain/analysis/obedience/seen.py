"""Which levels of a sweep training met, run by run, and the yardstick that its returns give."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from udrl_explain.analysis.obedience.levels import SweptRun
from udrl_explain.command_space.support import CommandSupport, SupportKind, achieved_commands

TOLERANCE_SHARE = 0.1
_TAIL = 0.05  # of the training commands, at either end of the range of returns that the tolerance is a share of

TrainingCommands = CommandSupport | pd.DataFrame | Sequence[CommandSupport]


@dataclass(frozen=True, eq=False)
class LevelsSeen:
    """What training met of every level.

    Parameters
    ----------
    seen : bool array of shape (n_levels,)
        True where every run has seen its own level.
    n_seeds_seen : int64 array of shape (n_levels,)
        Runs that have seen their own level.
    density : float64 array of shape (n_levels,)
        Share of a run's training commands near its level, mean over the runs.
    kind : SupportKind
    """

    seen: NDArray[np.bool_]
    n_seeds_seen: NDArray[np.int64]
    density: NDArray[np.float64]
    kind: SupportKind


def supports_of(training_commands: TrainingCommands, n_runs: int) -> tuple[CommandSupport, ...]:
    """One support per run.

    Raises
    ------
    ValueError
        If it is none of the forms, holds another number of supports than runs, or supports of different kinds.
    """
    if isinstance(training_commands, pd.DataFrame):
        if {"achieved_return", "length"} <= set(training_commands.columns) and not (
            training_commands[["achieved_return", "length"]].notna().all(axis=1).any()
        ):
            raise ValueError(
                "training_commands must hold what at least one training episode achieved, got none; leave it out "
                "where a run did not store it, then no level is marked"
            )
        training_commands = achieved_commands(training_commands)
    if isinstance(training_commands, CommandSupport):
        return (training_commands,) * n_runs
    supports = tuple(training_commands) if isinstance(training_commands, Sequence) else ()
    if not supports or not all(isinstance(support, CommandSupport) for support in supports):
        raise ValueError(
            "training_commands must be a frame (run.training_commands), a CommandSupport, or one CommandSupport per "
            f"run, got {type(training_commands).__name__}"
        )
    if len(supports) != n_runs:
        raise ValueError(f"training_commands must hold one support per run, {n_runs}, got {len(supports)}")
    if len({support.kind for support in supports}) > 1:
        raise ValueError(f"the supports of all runs must be of one kind, got {sorted({s.kind for s in supports})}")
    return supports


def levels_seen(runs: Sequence[SweptRun], supports: Sequence[CommandSupport]) -> LevelsSeen:
    """Judge each run's levels by its own support."""
    seen = np.array([support.seen(run.commands) for run, support in zip(runs, supports, strict=True)])
    density = np.array([support.density(run.commands) for run, support in zip(runs, supports, strict=True)])
    n_seeds_seen = seen.sum(axis=0).astype(np.int64)
    return LevelsSeen(np.asarray(seen.all(axis=0)), n_seeds_seen, density.mean(axis=0), supports[0].kind)


def tolerance_of(asked: float | None, desired: NDArray[np.float64], supports: Sequence[CommandSupport]) -> float:
    """Tolerance in reward: as asked for, or a tenth of the returns that training met, or of the levels' own span.

    Raises
    ------
    ValueError
        If it is negative or not finite.
    """
    if asked is not None:
        if not (np.isfinite(asked) and asked >= 0):
            raise ValueError(f"tolerance must be a finite number of at least 0, got {asked}")
        return float(asked)
    spans = [
        np.ptp(np.quantile(np.repeat(support.commands[:, 0], support.counts), (_TAIL, 1 - _TAIL)))
        for support in supports
    ]
    span = float(np.mean(spans)) if spans else 0.0
    return TOLERANCE_SHARE * (span if span > 0 else float(np.ptp(desired)))
