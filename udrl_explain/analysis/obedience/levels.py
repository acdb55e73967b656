"""Read a command sweep: runs told apart, episodes gathered by command level."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from udrl_explain.commands import COMMAND_NAMES

FloatArray = NDArray[np.float64]

_NEEDED = (*COMMAND_NAMES, "achieved_return")
_USED = ("seed", "environment_seed", "length")


@dataclass(frozen=True, eq=False)
class SweptRun:
    """The sweep of one run.

    Parameters
    ----------
    commands : float64 array of shape (n_levels, 2)
        Desired return (reward) and horizon (steps) of each level, sorted by return, then horizon.
    achieved : tuple of float64 arrays
        Per level the return of each episode (reward), by environment seed where these are known.
    mean_length : float64 array of shape (n_levels,)
        Mean length of the episodes (steps); NaN where it is not known.
    """

    commands: FloatArray
    achieved: tuple[FloatArray, ...]
    mean_length: FloatArray


def swept_runs(sweep: object) -> list[SweptRun]:
    """Take the runs of a sweep apart; they have equally many levels, and all are grids or none is.

    Raises
    ------
    ValueError
        If it is no frame, lacks a column, holds no row, a number that is not finite, an environment seed twice under
        one command, or runs that cannot be put together.
    """
    if not isinstance(sweep, pd.DataFrame):
        raise ValueError(f"sweep must be a frame with one row per episode, or runs, got {type(sweep).__name__}")
    missing = [name for name in _NEEDED if name not in sweep.columns]
    if missing:
        raise ValueError(f"sweep must have the columns {', '.join(_NEEDED)}; missing: {', '.join(missing)}")
    if sweep.empty:
        raise ValueError("sweep must hold at least one episode, got none; python -m udrl_explain.sweep RUN makes one")
    for name in (*_NEEDED, *_USED):
        _check_numbers(sweep, name)
    parts = [part for _, part in sweep.groupby("seed")] if "seed" in sweep.columns else [sweep]
    runs = [_swept_run(part) for part in parts]
    counts = sorted({len(run.commands) for run in runs})
    if len(counts) > 1:
        raise ValueError(f"the runs of a sweep must have equally many command levels, got {counts}; take them apart")
    if len({is_grid(run.commands) for run in runs}) > 1:
        raise ValueError("the runs of a sweep must all be grids of return and horizon, or none; take them apart")
    return runs


def is_grid(commands: FloatArray) -> bool:
    """Whether return and horizon vary apart in levels of shape ``(n_levels, 2)``: a return has several horizons."""
    n_returns, n_horizons = (len(np.unique(column)) for column in commands.T)
    return 1 < n_returns < len(commands) and n_horizons > 1


def exact_mean(values: FloatArray) -> FloatArray:
    """Mean over axis 0; exactly the value itself where all are equal, which a plain sum would round."""
    return np.asarray(values[0] + (values - values[0]).mean(axis=0))


def _check_numbers(sweep: pd.DataFrame, name: str) -> None:
    if name not in sweep.columns:
        return
    try:
        values = sweep[name].to_numpy(dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"column {name} of sweep must hold numbers, got {sweep[name].dtype}") from None
    if not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values)))
        raise ValueError(f"column {name} of sweep must be finite, got {values[row]} in row {row}")


def _swept_run(part: pd.DataFrame) -> SweptRun:
    if "environment_seed" in part.columns:
        repeated = part.duplicated([*COMMAND_NAMES, "environment_seed"])
        if repeated.any():
            row = part[repeated].iloc[0]
            raise ValueError(
                f"sweep holds environment seed {row['environment_seed']:.0f} twice under return "
                f"{row['desired_return']:g}, horizon {row['desired_horizon']:g}; "
                "several runs in one frame need a column seed, the training seed of each"
            )
        part = part.sort_values("environment_seed", kind="stable")
    groups = [group for _, group in part.groupby(list(COMMAND_NAMES))]
    lengths = [group["length"].mean() if "length" in group.columns else np.nan for group in groups]
    return SweptRun(
        commands=np.array([group[list(COMMAND_NAMES)].iloc[0].to_numpy(dtype=np.float64) for group in groups]),
        achieved=tuple(group["achieved_return"].to_numpy(dtype=np.float64) for group in groups),
        mean_length=np.array(lengths, dtype=np.float64),
    )
