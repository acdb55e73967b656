"""How did training go? Learning curves over seeds.

Seeds are the units: the intervals say how another seed might have done, and every seed's own curve stays beside them.
What each estimator achieves in the end has its own file, ``final_returns``.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from udrl_explain.results import Drawn, displayed
from udrl_explain.statistics.intervals import SEEDS, mean_interval
from udrl_explain.statistics.resampling import N_RESAMPLES
from udrl_explain.statistics.run_groups import GROUP_COLUMNS, LearningRun, RunGroup, grouped_runs

COLUMNS = (
    *GROUP_COLUMNS, "kind", "iteration", "environment_steps", "mean_return", "low", "high", "n_seeds", "method",
    "exact", "bootstrap_seed",
)  # fmt: skip
SEED_COLUMNS = (*GROUP_COLUMNS, "kind", "seed", "iteration", "mean_return", "std_return")
TRAINING, TEST = "training", "test"

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curve:
    """Returns over the iterations of one group of runs.

    Parameters
    ----------
    group : RunGroup
    kind : {"training", "test"}
        Exploring episodes of each iteration, or the periodic tests without exploration.
    iterations : int64 array of shape (n_iterations,)
        Ascending, the first iteration is 1.
    seed_means, seed_stds : float64 arrays of shape (n_seeds, n_iterations)
        Mean and standard deviation over the episodes of an iteration; NaN where the run does not have it.
    environment_steps : float64 array of shape (n_iterations,)
        Steps of all training episodes up to and with the iteration, without those of the warm-up; mean over the seeds
        that have the iteration. NaN where one of them did not store the lengths of its episodes.
    mean, low, high : float64 arrays of shape (n_iterations,)
        Mean over the seeds that have the iteration, and its 95 % interval for other training seeds: NaN where only one
        seed has it, or they do not vary.
    method : object array of str of shape (n_iterations,)
        How each interval was made, or why there is none.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """

    group: RunGroup
    kind: str
    iterations: NDArray[np.int64]
    seed_means: FloatArray
    seed_stds: FloatArray
    environment_steps: FloatArray
    mean: FloatArray
    low: FloatArray
    high: FloatArray
    method: NDArray[np.object_]

    def __post_init__(self) -> None:
        n = len(self.iterations)
        for name in ("environment_steps", "mean", "low", "high", "method"):
            if getattr(self, name).shape != (n,):
                raise ValueError(f"{name} must have shape ({n},), got {getattr(self, name).shape}")
        for name in ("seed_means", "seed_stds"):
            expected = (len(self.group.runs), n)
            if getattr(self, name).shape != expected:
                raise ValueError(f"{name} must have shape {expected}, got {getattr(self, name).shape}")

    @property
    def n_seeds(self) -> NDArray[np.int64]:
        """Seeds that have each iteration, shape ``(n_iterations,)``."""
        return np.asarray(np.isfinite(self.seed_means).sum(axis=0), dtype=np.int64)


@displayed
@displayed
@dataclass(frozen=True, eq=False)
class LearningCurves(Drawn):
    """Learning curves of groups of runs.

    Parameters
    ----------
    curves : tuple of Curve
        Per group the training curve, then the test curve, where the runs recorded any.
    seed, n_resamples : int
        Of the bootstrap.
    method : str
    exact : bool
        False: intervals are estimates.
    """

    curves: tuple[Curve, ...]
    seed: int
    n_resamples: int
    method: str
    exact: bool = False

    @property
    def n_rows(self) -> int:
        """Means that runs recorded: one per run, kind and iteration."""
        return int(sum(np.isfinite(curve.seed_means).sum() for curve in self.curves))

    def to_frame(self) -> pd.DataFrame:
        """One row per group, kind and iteration, columns :data:`COLUMNS`."""
        frames = [
            pd.DataFrame(
                {
                    **curve.group.key,
                    "kind": curve.kind,
                    "iteration": curve.iterations,
                    "environment_steps": curve.environment_steps,
                    "mean_return": curve.mean,
                    "low": curve.low,
                    "high": curve.high,
                    "n_seeds": curve.n_seeds,
                    "method": curve.method,
                    "exact": self.exact,
                    "bootstrap_seed": self.seed,
                },
                columns=list(COLUMNS),
            )
            for curve in self.curves
        ]
        return _joined(frames, COLUMNS)

    def by_seed(self) -> pd.DataFrame:
        """One row per run, kind and iteration, columns :data:`SEED_COLUMNS`."""
        frames = []
        for curve in self.curves:
            for seed, means, stds in zip(curve.group.seeds, curve.seed_means, curve.seed_stds, strict=True):
                there = np.isfinite(means)
                columns = {
                    **curve.group.key,
                    "kind": curve.kind,
                    "seed": seed,
                    "iteration": curve.iterations[there],
                    "mean_return": means[there],
                    "std_return": stds[there],
                }
                frames.append(pd.DataFrame(columns, columns=list(SEED_COLUMNS)))
        return _joined(frames, SEED_COLUMNS)


def learning_curves(
    runs: Iterable[LearningRun] | LearningRun, *, seed: int = 0, n_resamples: int = N_RESAMPLES
) -> LearningCurves:
    """Average the learning curves of runs over their seeds.

    Parameters
    ----------
    runs : iterable of LearningRun, or one of them
        Loaded runs, in any order; they are grouped by environment, experiment folder and estimator.
    seed : int
        Of the bootstrap, which serves from ten seeds on.
    n_resamples : int

    Returns
    -------
    LearningCurves

    Raises
    ------
    ValueError
        If there is no run, something is no loaded run, or an experiment holds a seed twice.

    Notes
    -----
    Per iteration: the mean over seeds of the mean return of the episodes of that iteration, with an interval over
    seeds (``statistics.intervals``; where it is a bootstrap, whole curves are drawn). It holds iteration by iteration:
    a whole curve leaves its band more often than one time in 20. Runs of different length: each iteration uses the
    runs that have it, `n_seeds` says how many.

    Tests come after every `testing_period` iterations; the paper's own code tests after iteration 1 and then after
    every `testing_period` more.
    """
    curves = []
    for group in grouped_runs(runs):
        training = [(np.arange(1, len(run.train_returns) + 1), run.train_returns) for run in group.runs]
        tests = [(_test_iterations(run), run.test_returns) for run in group.runs]
        for kind, recorded in ((TRAINING, training), (TEST, tests)):
            curve = _curve(group, kind, recorded, seed, n_resamples)
            if len(curve.iterations):
                curves.append(curve)
    method = "; ".join(dict.fromkeys(words for curve in curves for words in curve.method.tolist()))
    return LearningCurves(tuple(curves), seed, n_resamples, method)


def _test_iterations(run: LearningRun) -> NDArray[np.int64]:
    first = 1 if run.written_by_paper_code else run.config.testing_period
    return first + run.config.testing_period * np.arange(len(run.test_returns))


def _curve(
    group: RunGroup, kind: str, recorded: list[tuple[NDArray[np.int64], FloatArray]], seed: int, n_resamples: int
) -> Curve:
    iterations = np.unique(np.concatenate([at for at, _ in recorded]))
    table = np.full((2, len(recorded), len(iterations)), np.nan)
    for position, (at, returns) in enumerate(recorded):
        table[:, position, np.searchsorted(iterations, at)] = returns.T
    seed_means, seed_stds = table
    there = np.isfinite(seed_means)
    low, high = np.full((2, len(iterations)), np.nan)
    words = np.full(len(iterations), "", dtype=object)
    # Iterations that the same seeds have are drawn together, as parts of whole curves.
    for seeds in np.unique(there, axis=1).T:
        together = (there == seeds[:, None]).all(axis=0)
        samples = seed_means[np.ix_(seeds, together)]
        interval = mean_interval(samples, SEEDS, n_resamples=n_resamples, seed=seed)
        low[together], high[together], words[together] = interval
    return Curve(
        group=group,
        kind=kind,
        iterations=iterations,
        seed_means=seed_means,
        seed_stds=seed_stds,
        environment_steps=_mean_steps(group, iterations, there),
        mean=np.nanmean(seed_means, axis=0) if len(iterations) else np.empty(0),
        low=low,
        high=high,
        method=words,
    )


def _mean_steps(group: RunGroup, iterations: NDArray[np.int64], there: NDArray[np.bool_]) -> FloatArray:
    """Steps of training episodes up to each iteration, mean over the seeds that have it (`there`)."""
    steps = np.array([_steps_until(run, iterations) for run in group.runs]).reshape(there.shape)
    total = np.where(there, steps, 0.0).sum(axis=0)
    return np.asarray(total / np.maximum(there.sum(axis=0), 1), dtype=np.float64)


def _steps_until(run: LearningRun, iterations: NDArray[np.int64]) -> FloatArray:
    """Steps of one run's training episodes up to each iteration; NaN where some lengths are not stored."""
    episodes = getattr(run, "training_commands", None)
    if episodes is None or len(episodes) == 0:
        return np.full(len(iterations), np.nan)
    lengths = episodes.groupby("iteration")["length"].agg(lambda part: part.sum(skipna=False)).sort_index()
    steps = np.concatenate([[0.0], lengths.cumsum(skipna=False).to_numpy(dtype=np.float64)])
    return np.asarray(steps[np.searchsorted(lengths.index.to_numpy(), iterations, side="right")])


def _joined(frames: list[pd.DataFrame], columns: tuple[str, ...]) -> pd.DataFrame:
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(columns))
