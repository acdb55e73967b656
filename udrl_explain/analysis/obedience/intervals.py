"""Intervals of the levels of a command sweep, and of the slope over them."""

import numpy as np
from numpy.typing import NDArray

from udrl_explain.analysis.obedience.levels import exact_mean
from udrl_explain.analysis.obedience.measures import slopes
from udrl_explain.statistics.intervals import EPISODES, SEEDS, Interval, Units, strata_interval

FloatArray = NDArray[np.float64]
Returns = list[list[FloatArray]]
"""``returns[run][level]``: one number per episode."""
UNALIGNED = "no interval: the levels have different numbers of episodes"
ONE_RETURN = "no slope: every level asks for the same return"


def intervals_over_episodes(returns: Returns, desired: FloatArray, seed: int) -> tuple[Interval, Interval]:
    """95 % intervals of the levels' means over the runs, and of their slope, for other episodes of these policies."""
    if all(len({len(values) for values in run}) == 1 for run in returns):
        # Row by row: what an environment seed adds to every level stays together.
        return _level_intervals([np.column_stack(run) for run in returns], desired, EPISODES, seed)
    ends = [strata_interval([run[level] for run in returns], EPISODES, seed=seed) for level in range(len(desired))]
    low, high = np.array([[end.low, end.high] for end in ends]).T
    return Interval(low, high, np.array([end.words for end in ends], dtype=object)), _none(UNALIGNED)


def intervals_over_seeds(returns: Returns, desired: FloatArray, seed: int) -> tuple[Interval, Interval]:
    """Return the same for other training seeds: each run counts by its means."""
    means = np.array([[exact_mean(values) for values in run] for run in returns])
    return _level_intervals([means], desired, SEEDS, seed)


def _level_intervals(
    strata: list[FloatArray], desired: FloatArray, units: Units, seed: int
) -> tuple[Interval, Interval]:
    """Intervals of the columns of ``(n_units, n_levels)``, and of the mean of the units' own slopes."""
    levels = strata_interval(strata, units, seed=seed)
    if np.ptp(desired) == 0:
        return levels, _none(ONE_RETURN)
    return levels, strata_interval([slopes(desired, stratum) for stratum in strata], units, seed=seed)


def _none(words: str) -> Interval:
    return Interval(float("nan"), float("nan"), words)
