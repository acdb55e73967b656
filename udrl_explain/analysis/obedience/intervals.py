"""Bootstrap intervals of the levels of a command sweep, and of the slope over them."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from udrl_explain.analysis.obedience.measures import slope, slope_weights
from udrl_explain.statistics.bootstrap import N_RESAMPLES, Interval, percentile_interval

FloatArray = NDArray[np.float64]
Spread = list[list[FloatArray]]
"""``spread[run][level]``: one number per episode."""


class Draws(Protocol):
    """Redraws the mean over runs: :func:`episode_draws`, or ``bootstrap.hierarchical_draws``."""

    def __call__(self, groups: Sequence[FloatArray], /, *, seed: int) -> FloatArray:
        """Means of shape ``(n_resamples, n_levels)`` for groups of shape ``(n_episodes, n_levels)``."""


def sweep_intervals(
    spread: Spread, desired: FloatArray, mean: FloatArray, draws_of: Draws, n_units: int, seed: int
) -> tuple[Interval, Interval]:
    """95 % intervals of the levels' means and of their slope."""
    aligned = all(len({len(values) for values in run}) == 1 for run in spread)
    if aligned:
        # Row by row: what an environment seed adds to every level stays together.
        draws = draws_of([np.column_stack(run) for run in spread], seed=seed)
        slopes = slope(desired, mean) + draws @ slope_weights(desired)
    else:
        levels = [draws_of([run[level][:, None] for run in spread], seed=seed) for level in range(len(mean))]
        draws, slopes = np.column_stack(levels), np.full(N_RESAMPLES, np.nan)
    low, high = percentile_interval(draws, n_units=n_units)
    return Interval(mean + low, mean + high), percentile_interval(slopes, n_units=n_units)


def episode_draws(runs: Sequence[FloatArray], *, seed: int) -> FloatArray:
    """Mean over the runs of the mean of redrawn episodes, shape ``(n_resamples, n_levels)``; the runs stay."""
    generator = np.random.default_rng(seed)
    total = np.zeros((N_RESAMPLES, runs[0].shape[1]))
    for values in runs:
        n = len(values)
        total += generator.multinomial(n, np.full(n, 1 / n), size=N_RESAMPLES) @ values / n
    return total / len(runs)
