"""How much does a training learn from how many steps of its environment? Tests against steps, not iterations."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from udrl_explain.results import Drawn, displayed
from udrl_explain.statistics.intervals import SEEDS, mean_interval
from udrl_explain.statistics.resampling import N_RESAMPLES

COLUMNS = ("env_name", "label", "n_seeds", "steps", "mean", "low", "high", "method", "exact", "bootstrap_seed")
_GRID = 50
_NEEDED = ("env_name", "label", "seed", "steps", "test_mean")

FloatArray = NDArray[np.float64]


@displayed
@dataclass(frozen=True, eq=False)
class SampleEfficiency(Drawn):
    """Mean return of tests without exploration against environment steps, per experiment.

    Parameters
    ----------
    frame : DataFrame
        Columns :data:`COLUMNS`.
    n_rows : int
        Tests that it was made from.
    seed : int
        Of the bootstrap, which serves from ten seeds on.
    method : str
        How the intervals were made.
    exact : bool
        False: intervals are estimates.
    """

    frame: pd.DataFrame
    n_rows: int
    seed: int
    method: str
    exact: bool = False

    def to_frame(self) -> pd.DataFrame:
        """One row per experiment and number of steps, columns :data:`COLUMNS`."""
        return self.frame.copy()


def sample_efficiency(curves: pd.DataFrame, *, seed: int = 0, n_resamples: int = N_RESAMPLES) -> SampleEfficiency:
    """Put the tests of several seeds on one axis of environment steps.

    Parameters
    ----------
    curves : DataFrame
        One row per test: `env_name`, `label` of the experiment, `seed` of the training, `steps` taken in training until
        then (warm-up included) and `test_mean`, the mean return of the test. ``study_curves.csv`` with a label each.
    seed, n_resamples : int
        Of the bootstrap.

    Returns
    -------
    SampleEfficiency
        On 50 numbers of steps per experiment, from the first that every seed has reached a test at to the last that
        all of them have gone to. Each seed counts with its latest test so far: nothing is interpolated.

    Raises
    ------
    ValueError
        If the frame lacks a column or has no rows.
    """
    missing = [name for name in _NEEDED if name not in curves]
    if missing or len(curves) == 0:
        raise ValueError(f"curves must have rows, and columns {', '.join(_NEEDED)}; missing: {', '.join(missing)}")
    parts = []
    for (env_name, label), tests in curves.groupby(["env_name", "label"], sort=True):
        runs = [one.sort_values("steps") for _, one in tests.groupby("seed", sort=True)]
        first = max(int(run["steps"].iloc[0]) for run in runs)
        last = min(int(run["steps"].iloc[-1]) for run in runs)
        if last < first:
            continue  # one seed ended before another had its first test: there is no common axis
        grid = np.unique(np.linspace(first, last, _GRID).round().astype(np.int64))
        values = np.array([_latest(run, grid) for run in runs])
        interval = mean_interval(values, SEEDS, n_resamples=n_resamples, seed=seed)
        parts.append(
            pd.DataFrame(
                {
                    "env_name": env_name,
                    "label": label,
                    "n_seeds": len(runs),
                    "steps": grid,
                    "mean": values.mean(axis=0),
                    "low": interval.low,
                    "high": interval.high,
                    "method": interval.words,
                    "exact": False,
                    "bootstrap_seed": seed,
                }
            )
        )
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))
    method = "; ".join(dict.fromkeys(frame["method"])) or "no common number of steps"
    return SampleEfficiency(frame[list(COLUMNS)], len(curves), seed, method)


def _latest(run: pd.DataFrame, grid: NDArray[np.int64]) -> FloatArray:
    place = np.searchsorted(run["steps"].to_numpy(), grid, side="right") - 1
    return np.asarray(run["test_mean"].to_numpy(dtype=np.float64)[place])
