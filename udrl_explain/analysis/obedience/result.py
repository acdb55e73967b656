"""Does the agent do what it is told? The return achieved under each command of a sweep, against the one asked for.

The sweep was played when the run was made, every command on the same environment seeds, so that no environment is
needed here. What the agent achieves under a command that training never met is extrapolation; such levels are marked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from udrl_explain.analysis.obedience.intervals import intervals_over_episodes, intervals_over_seeds
from udrl_explain.analysis.obedience.levels import exact_mean, is_grid, swept_runs
from udrl_explain.analysis.obedience.measures import (
    Range,
    lower_saturation,
    obeyed_range,
    slope,
    upper_saturation,
)
from udrl_explain.analysis.obedience.of_runs import SweepOwner, sweep_of_runs
from udrl_explain.analysis.obedience.seen import TrainingCommands, levels_seen, supports_of, tolerance_of
from udrl_explain.command_space.support import SupportKind
from udrl_explain.commands import COMMAND_NAMES
from udrl_explain.results import Drawn, displayed
from udrl_explain.statistics.intervals import Interval
from udrl_explain.statistics.ranks import rank_correlation

COLUMNS = (
    "level", "desired_return", "desired_return_low", "desired_return_high", "desired_horizon", "mean", "low", "high",
    "low_over_seeds", "high_over_seeds", "interval", "interval_over_seeds", "mean_length", "seen", "n_seeds_seen",
    "density", "support",
    "within_tolerance", "n_episodes", "n_seeds", "is_grid", "n_rows", "method", "exact", "seed",
)  # fmt: skip
SUMMARY_COLUMNS = (
    "mae", "mae_seen", "slope", "slope_low", "slope_high", "slope_low_over_seeds", "slope_high_over_seeds",
    "slope_interval", "slope_interval_over_seeds", "spearman", "saturation_low", "saturation_high", "obeyed_low",
    "obeyed_high", "n_obeyed", "tolerance", "n_levels", "n_seen", "support", "n_seeds", "is_grid", "note", "n_rows",
    "method", "exact", "seed",
)  # fmt: skip
METHOD = "mean over seeds of each seed's mean"

FloatArray = NDArray[np.float64]


@displayed
@dataclass(frozen=True, eq=False)
class Obedience(Drawn):
    """Achieved against desired return, by command level.

    Parameters
    ----------
    commands : float64 array of shape (n_seeds, n_levels, 2)
        Desired return (reward) and horizon (steps) of each level in each run, sorted by return, then horizon.
    achieved : tuple of float64 arrays, n_seeds times n_levels
        ``achieved[run][level]``: return of each episode, in reward.
    mean : float64 array of shape (n_levels,)
        Mean over the runs of each run's mean return.
    mean_length : float64 array of shape (n_levels,)
        The same of the episodes' lengths (steps); NaN where these are not known.
    over_episodes, over_seeds : Interval of float64 arrays of shape (n_levels,)
        95 % intervals of `mean`: for other episodes of these policies, and for other training seeds. NaN with one
        episode or one run, and where nothing varies; `words` say so.
    slope_over_episodes, slope_over_seeds : Interval
        Of the slope; that over episodes is NaN also where a run's levels have different numbers of episodes.
    seen : bool array of shape (n_levels,), or None
        Whether every run has met commands like that of its level; None where the training commands were not given.
    n_seeds_seen : int64 array of shape (n_levels,), or None
        Runs that have.
    density : float64 array of shape (n_levels,), or None
        Share of a run's training commands near its level, mean over the runs.
    support : SupportKind or None
        Which training commands these are.
    tolerance : float
        In reward.
    seed : int
        Of the bootstrap.
    method : str
    exact : bool
        False: intervals are estimates.

    Raises
    ------
    ValueError
        If shapes do not fit.
    """

    commands: FloatArray
    achieved: tuple[tuple[FloatArray, ...], ...]
    mean: FloatArray
    mean_length: FloatArray
    over_episodes: Interval
    over_seeds: Interval
    slope_over_episodes: Interval
    slope_over_seeds: Interval
    seen: NDArray[np.bool_] | None
    n_seeds_seen: NDArray[np.int64] | None
    density: FloatArray | None
    support: SupportKind | None
    tolerance: float
    seed: int
    method: str = METHOD
    exact: bool = False

    def __post_init__(self) -> None:
        shape = (len(self.achieved), len(self.mean), len(COMMAND_NAMES))
        if self.commands.shape != shape or any(len(levels) != self.n_levels for levels in self.achieved):
            raise ValueError(f"commands must have shape {shape}, with one array of returns each per run and level")
        for ends in (self.over_episodes[:2], self.over_seeds[:2], (self.mean_length,)):
            if any(end.shape != self.mean.shape for end in ends):
                raise ValueError(f"the intervals and mean_length must have shape {self.mean.shape}")

    @property
    def n_levels(self) -> int:
        """Command levels."""
        return len(self.mean)

    @property
    def n_seeds(self) -> int:
        """Runs."""
        return len(self.achieved)

    @property
    def n_rows(self) -> int:
        """Episodes."""
        return int(self.n_episodes.sum())

    @property
    def n_episodes(self) -> NDArray[np.int64]:
        """Episodes of each level over all runs, shape ``(n_levels,)``."""
        counts = [[len(returns) for returns in levels] for levels in self.achieved]
        return np.asarray(np.sum(counts, axis=0), dtype=np.int64)

    @property
    def desired(self) -> FloatArray:
        """Desired return of each level, mean over the runs, shape ``(n_levels,)``."""
        return exact_mean(self.commands[..., 0])

    @property
    def is_grid(self) -> bool:
        """Whether desired returns and desired horizons vary apart: some return comes with several horizons."""
        return is_grid(self.commands[0])

    @property
    def errors(self) -> FloatArray:
        """Mean achieved minus desired return of each level, shape ``(n_levels,)``."""
        return self.mean - self.desired

    @property
    def mae(self) -> float:
        """Mean over the levels of the magnitude of `errors`, in reward."""
        return float(np.abs(self.errors).mean())

    @property
    def mae_seen(self) -> float:
        """The same over the seen levels alone; NaN where none is, or it is not known."""
        known = self.seen is not None and self.seen.any()
        return float(np.abs(self.errors)[self.seen].mean()) if known else float("nan")

    @property
    def slope(self) -> float:
        """Least-squares slope of mean achieved on desired return over the levels."""
        return slope(self.desired, self.mean)

    @property
    def spearman(self) -> float:
        """Rank correlation of mean achieved and desired return over the levels."""
        return rank_correlation(self.desired, self.mean)

    @property
    def saturation(self) -> tuple[float, float]:
        """Desired returns below and above which the command changes nothing more; NaN where there is no such end."""
        if self._no_line:
            return float("nan"), float("nan")
        return (
            lower_saturation(self.desired, self.mean, self.tolerance),
            upper_saturation(self.desired, self.mean, self.tolerance),
        )

    @property
    def obeyed(self) -> Range:
        """Widest unbroken range of levels whose means lie within the tolerance."""
        return Range(np.nan, np.nan, 0) if self._no_line else obeyed_range(self.desired, self.mean, self.tolerance)

    @property
    def note(self) -> str:
        """Why a number of the summary is missing; empty where none is, or where it only means that there is none."""
        if self._no_line:
            return self._no_line
        if np.ptp(self.mean) == 0:
            return "no rank correlation: every level achieves the same return"
        return ""

    @property
    def _no_line(self) -> str:
        """Why the levels cannot be read along the desired return; empty where they can."""
        if self.is_grid:
            return "no saturation and no range obeyed: they are defined along one line of commands, not on a grid"
        if np.ptp(self.desired) == 0:
            return "no slope, rank correlation, saturation and range obeyed: every level asks for the same return"
        return ""

    def to_frame(self) -> pd.DataFrame:
        """One row per command level, columns :data:`COLUMNS`; `low` and `high` over episodes."""
        returns = self.commands[..., 0]
        columns = {
            "level": np.arange(self.n_levels),
            "desired_return": self.desired,
            "desired_return_low": returns.min(axis=0),
            "desired_return_high": returns.max(axis=0),
            "desired_horizon": exact_mean(self.commands[..., 1]),
            "mean": self.mean,
            "low": self.over_episodes.low,
            "high": self.over_episodes.high,
            "low_over_seeds": self.over_seeds.low,
            "high_over_seeds": self.over_seeds.high,
            "interval": self.over_episodes.words,
            "interval_over_seeds": self.over_seeds.words,
            "mean_length": self.mean_length,
            "seen": pd.array([pd.NA] * self.n_levels, dtype="boolean") if self.seen is None else self.seen,
            "n_seeds_seen": pd.array(
                [pd.NA] * self.n_levels if self.n_seeds_seen is None else self.n_seeds_seen, "Int64"
            ),
            "density": np.nan if self.density is None else self.density,
            "support": "" if self.support is None else str(self.support),
            "within_tolerance": np.abs(self.errors) <= self.tolerance,
            "n_episodes": self.n_episodes,
            "n_seeds": self.n_seeds,
            "is_grid": self.is_grid,
            "n_rows": self.n_rows,
            "method": METHOD,
            "exact": self.exact,
            "seed": self.seed,
        }
        return pd.DataFrame(columns, columns=list(COLUMNS))

    def summary_frame(self) -> pd.DataFrame:
        """One row, columns :data:`SUMMARY_COLUMNS`; returns in reward."""
        (low, high), obeyed = self.saturation, self.obeyed
        row = {
            "mae": self.mae,
            "mae_seen": self.mae_seen,
            "slope": self.slope,
            "slope_low": self.slope_over_episodes.low,
            "slope_high": self.slope_over_episodes.high,
            "slope_low_over_seeds": self.slope_over_seeds.low,
            "slope_high_over_seeds": self.slope_over_seeds.high,
            "slope_interval": self.slope_over_episodes.words,
            "slope_interval_over_seeds": self.slope_over_seeds.words,
            "spearman": self.spearman,
            "saturation_low": low,
            "saturation_high": high,
            "obeyed_low": obeyed.low,
            "obeyed_high": obeyed.high,
            "n_obeyed": obeyed.n_levels,
            "tolerance": self.tolerance,
            "n_levels": self.n_levels,
            "n_seen": pd.NA if self.seen is None else int(self.seen.sum()),
            "support": "" if self.support is None else str(self.support),
            "n_seeds": self.n_seeds,
            "is_grid": self.is_grid,
            "note": self.note,
            "n_rows": self.n_rows,
            "method": METHOD,
            "exact": self.exact,
            "seed": self.seed,
        }
        return pd.DataFrame([row], columns=list(SUMMARY_COLUMNS))


def obedience(
    sweep: pd.DataFrame | SweepOwner | Sequence[SweepOwner],
    *,
    training_commands: TrainingCommands | None = None,
    seed: int = 0,
    tolerance: float | None = None,
) -> Obedience:
    """Compare what a policy achieves under a series of commands with what they ask for.

    Parameters
    ----------
    sweep : DataFrame, Run, or sequence of Run
        Runs of one experiment bring their command sweeps, and by default the training commands that judge them. A
        frame has one row per episode: ``desired_return``, ``desired_horizon``, ``achieved_return``, and, where known,
        ``environment_seed`` and ``length``: ``Run.command_sweep`` or ``Run.command_grid``. Several runs in one frame
        are told apart by a column ``seed`` (of the training).
    training_commands : CommandSupport, sequence of CommandSupport, or DataFrame, optional
        Marks the levels that training met. ``fitted_commands(run.training_inputs)``, of several runs one each in the
        order of their seeds: what the policies were last fitted on, by which their answers are judged. A frame
        (``Run.training_commands``, of one or more runs) stands for what all training episodes achieved.
    seed : int
        Of the bootstrap.
    tolerance : float, optional
        In reward. By default a tenth of the range of desired returns that training met (5 % to 95 % quantile, mean
        over the runs); of that of the levels, where the training commands are not given or all agree.

    Returns
    -------
    Obedience

    Raises
    ------
    ValueError
        If `sweep` is no such frame, a column is missing, a number is not finite, the runs have different numbers of
        levels, or an environment seed comes twice under one command.

    Notes
    -----
    - A *level* is a pair of desired return and desired horizon. Runs have levels of their own, as each sweep covers
      what its training met; they are put together by rank, first to first, and stand at their mean command.
      Intervals are those of the mean of achieved minus desired return, moved to the mean desired return, so that
      runs which ask for different returns do not widen them.
    - A level is *seen* if training rows carried commands like it, in every run (``command_space.support``). What a
      training row carries is not the command that the exploring agent was given but, in hindsight, what its episode
      went on to achieve and in how many steps. Rows of early episodes have often left the buffer before the last fit:
      the fitted support is smaller than what all episodes achieved.
    - Saturation: the lowest level from whose mean those of all higher levels differ by no more than the tolerance, if
      these ask for more by over two tolerances; the mirror image at the low end. A policy that ignores its command is
      saturated at both ends from the far end on.
    - MAE, slope, Spearman, saturation and the obeyed range are those of the levels' means over the runs. Errors of
      opposite sign in different runs cancel in them; the intervals over seeds show that, and so does a run by itself.
    - Obeyed range: the widest unbroken range of levels whose mean lies within the tolerance of the desired return.
    - Intervals (``statistics.intervals``): over episodes those of each run, whole environment seeds where all levels
      share them; over seeds the means of the runs, in which the chance of their episodes is contained.
    """
    if isinstance(sweep, SweepOwner | list | tuple):
        sweep, fitted = sweep_of_runs([sweep] if isinstance(sweep, SweepOwner) else sweep)
        training_commands = fitted if training_commands is None else training_commands
    runs = swept_runs(sweep)
    levels = np.stack([run.commands for run in runs])
    commands = exact_mean(levels)
    desired = commands[:, 0]
    mean = exact_mean(np.array([[exact_mean(returns) for returns in run.achieved] for run in runs]))
    # Every episode moved from what its run was asked for to the mean command, so that runs can be compared.
    moved = [
        [returns + (asked - own) for returns, asked, own in zip(run.achieved, desired, run.commands[:, 0], strict=True)]
        for run in runs
    ]
    over_episodes, slope_over_episodes = intervals_over_episodes(moved, desired, seed)
    over_seeds, slope_over_seeds = intervals_over_seeds(moved, desired, seed)
    supports = () if training_commands is None else supports_of(training_commands, len(runs))
    met = levels_seen(runs, supports) if supports else None
    return Obedience(
        commands=levels,
        achieved=tuple(run.achieved for run in runs),
        mean=mean,
        mean_length=exact_mean(np.array([run.mean_length for run in runs])),
        over_episodes=over_episodes,
        over_seeds=over_seeds,
        slope_over_episodes=slope_over_episodes,
        slope_over_seeds=slope_over_seeds,
        seen=None if met is None else met.seen,
        n_seeds_seen=None if met is None else met.n_seeds_seen,
        density=None if met is None else met.density,
        support=None if met is None else met.kind,
        tolerance=tolerance_of(tolerance, desired, supports),
        seed=seed,
    )
