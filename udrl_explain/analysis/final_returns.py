"""What does each estimator achieve in the end? Final returns over seeds, with the command and published figures."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import trim_mean

from udrl_explain.results import Drawn, displayed
from udrl_explain.statistics.intervals import SEEDS, mean_interval
from udrl_explain.statistics.published_returns import PublishedReturn, published_return
from udrl_explain.statistics.random_returns import random_return
from udrl_explain.statistics.resampling import N_RESAMPLES
from udrl_explain.statistics.run_groups import GROUP_COLUMNS, LearningRun, RunGroup, grouped_runs

COLUMNS = (
    *GROUP_COLUMNS, "mean", "std", "low", "high", "iqm", "n_seeds", "n_episodes", "episodes_per_seed",
    "final_command", "desired_return", "desired_return_low", "desired_return_high", "desired_horizon",
    "desired_horizon_low", "desired_horizon_high", "published_mean", "published_std", "published_source",
    "published_note", "random_mean", "random_std", "method", "exact", "bootstrap_seed",
)  # fmt: skip
SEED_COLUMNS = (
    *GROUP_COLUMNS, "seed", "mean", "std", "n_episodes", "desired_return", "desired_horizon",
)  # fmt: skip
NOT_EVALUATED = "no final evaluation"

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FinalReturn:
    """Final evaluation of one group of runs.

    Parameters
    ----------
    group : RunGroup
    mean : float
        Mean over seeds of each seed's mean return. NaN, as all below, where no run was evaluated.
    std : float
        Standard deviation over all episodes of all seeds (ddof 0).
    low, high : float
        95 % interval of `mean` for other training seeds; NaN with one seed, and where the seeds do not vary.
    iqm : float
        Mean of the middle half of all episodes of all seeds; NaN where a run stored no single returns.
    method : str
        Of what the interval is and how it was made, or why there is none.
    """

    group: RunGroup
    mean: float
    std: float
    low: float
    high: float
    iqm: float
    method: str

    @property
    def evaluated(self) -> tuple[LearningRun, ...]:
        """The runs that had a final evaluation."""
        return _evaluated(self.group)

    @property
    def desired_returns(self) -> FloatArray:
        """Desired return of each evaluated run's final episodes; NaN where unknown."""
        return _numbers([run.config.final_desired_return for run in self.evaluated])

    @property
    def desired_horizons(self) -> FloatArray:
        """Desired horizon of each evaluated run's final episodes; NaN where unknown."""
        return _numbers([run.config.final_desired_horizon for run in self.evaluated])

    @property
    def final_command(self) -> str:
        """Desired return / desired horizon; where the seeds differ, the mean and the range."""
        return f"{_range_text(self.desired_returns)} / {_range_text(self.desired_horizons)}"

    @property
    def published(self) -> PublishedReturn | None:
        """What the paper reports for the same environment and estimator, if we know it."""
        returns, horizons = np.unique(self.desired_returns), np.unique(self.desired_horizons)
        # Commands that differ between the seeds are no one's published command.
        command = (float(returns[0]), float(horizons[0])) if len(returns) == len(horizons) == 1 else (np.nan, np.nan)
        return published_return(self.group.env_name, self.group.estimator_name, command)


@displayed
@dataclass(frozen=True, eq=False)
class FinalReturns(Drawn):
    """Final returns of groups of runs.

    Parameters
    ----------
    returns : tuple of FinalReturn
        One per group.
    seed, n_resamples : int
        Of the bootstrap.
    method : str
        How the intervals were made.
    exact : bool
        False: intervals are estimates.
    """

    returns: tuple[FinalReturn, ...]
    seed: int
    n_resamples: int
    method: str
    exact: bool = False

    @property
    def n_rows(self) -> int:
        """Final episodes of all runs."""
        return sum(run.n_final for final in self.returns for run in final.evaluated)

    def to_frame(self) -> pd.DataFrame:
        """One row per environment, experiment and estimator, columns :data:`COLUMNS`."""
        return pd.DataFrame([self._row(final) for final in self.returns], columns=list(COLUMNS))

    def _row(self, final: FinalReturn) -> dict[str, object]:
        counts = [run.n_final for run in final.evaluated]
        published = final.published
        random = random_return(final.group.env_name)
        return {
            **final.group.key,
            "mean": final.mean,
            "std": final.std,
            "low": final.low,
            "high": final.high,
            "iqm": final.iqm,
            "n_seeds": len(counts),
            "n_episodes": sum(counts),
            "episodes_per_seed": _range_text(np.array(counts, dtype=np.float64), with_mean=False),
            "final_command": final.final_command,
            **_mean_and_range("desired_return", final.desired_returns),
            **_mean_and_range("desired_horizon", final.desired_horizons),
            "published_mean": published.mean if published else np.nan,
            "published_std": published.std if published else np.nan,
            "published_source": f"{published.source}, {published.env_name}" if published else "",
            "published_note": published.note if published else "",
            "random_mean": random.mean if random else np.nan,
            "random_std": random.std if random else np.nan,
            "method": final.method,
            "exact": self.exact,
            "bootstrap_seed": self.seed,
        }

    def by_seed(self) -> pd.DataFrame:
        """One row per run, columns :data:`SEED_COLUMNS`; NaN and 0 episodes where it was not evaluated."""
        rows = [
            {
                **final.group.key,
                "seed": run.config.seed,
                "mean": run.final_mean,
                "std": run.final_std,
                "n_episodes": run.n_final,
                "desired_return": _numbers([run.config.final_desired_return])[0],
                "desired_horizon": _numbers([run.config.final_desired_horizon])[0],
            }
            for final in self.returns
            for run in final.group.runs
        ]
        return pd.DataFrame(rows, columns=list(SEED_COLUMNS))


def final_returns(
    runs: Iterable[LearningRun] | LearningRun, *, seed: int = 0, n_resamples: int = N_RESAMPLES
) -> FinalReturns:
    """Summarise the final evaluations of runs over their seeds.

    Parameters
    ----------
    runs : iterable of LearningRun, or one of them
        Loaded runs, in any order; they are grouped by environment, experiment folder and estimator.
    seed : int
        Of the bootstrap, which serves from ten seeds on.
    n_resamples : int

    Returns
    -------
    FinalReturns

    Raises
    ------
    ValueError
        If there is no run, something is no loaded run, or an experiment holds a seed twice.

    Notes
    -----
    - Mean: over seeds of each seed's mean, so that every seed weighs the same. Interval: of the seeds' means, in which
      the chance of their episodes is contained (``statistics.intervals``): Student's t below ten seeds. `method` says
      how. Show the seeds beside it.
    - IQM: mean of the middle half of all episodes (Agarwal et al. 2021, arXiv 2108.13264, there over runs and tasks).
    - The published figures' own protocol is not ours; `published_note` says what to know before comparing.
    """
    finals = tuple(_final_return(group, seed, n_resamples) for group in grouped_runs(runs))
    method = "; ".join(dict.fromkeys(final.method for final in finals))
    return FinalReturns(finals, seed, n_resamples, method)


def _final_return(group: RunGroup, seed: int, n_resamples: int) -> FinalReturn:
    evaluated = _evaluated(group)
    if not evaluated:
        nan = float("nan")
        return FinalReturn(group, nan, nan, nan, nan, nan, NOT_EVALUATED)
    means = np.array([run.final_mean for run in evaluated])
    stds = np.array([run.final_std for run in evaluated])
    counts = np.array([run.n_final for run in evaluated])
    # The variance of all episodes from each seed's mean and standard deviation: no single returns needed.
    pooled = np.average(means, weights=counts)
    variance = np.average(stds**2 + (means - pooled) ** 2, weights=counts)
    interval = mean_interval(means, SEEDS, n_resamples=n_resamples, seed=seed)
    complete = all(len(run.final_returns) > 0 for run in evaluated)
    episodes = np.concatenate([run.final_returns for run in evaluated])
    return FinalReturn(
        group=group,
        mean=float(means.mean()),
        std=float(np.sqrt(variance)),
        low=interval.low,
        high=interval.high,
        iqm=float(trim_mean(episodes, 0.25)) if complete else float("nan"),
        method=interval.words,
    )


def _evaluated(group: RunGroup) -> tuple[LearningRun, ...]:
    return tuple(run for run in group.runs if run.n_final > 0)


def _numbers(values: list[float | None]) -> FloatArray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _mean_and_range(name: str, values: FloatArray) -> dict[str, float]:
    known = values if len(values) else np.array([np.nan])
    return {name: float(known.mean()), f"{name}_low": float(known.min()), f"{name}_high": float(known.max())}


def _range_text(values: FloatArray, *, with_mean: bool = True) -> str:
    """``200`` where all are equal, else ``-78.2 (-80 to -75)``."""
    if len(values) == 0 or np.isnan(values).any():
        return "unknown"
    low, high = f"{values.min():.4g}", f"{values.max():.4g}"
    if low == high:
        return low
    return f"{values.mean():.4g} ({low} to {high})" if with_mean else f"{low} to {high}"
