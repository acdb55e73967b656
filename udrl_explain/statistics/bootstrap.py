"""Bootstrap intervals: over one sample, and over seeds with their episodes.

All intervals are percentile intervals (Efron and Tibshirani 1993, chapter 13). An interval needs at least two
independent units; with one it is NaN, never of zero width.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

N_RESAMPLES = 10_000
LEVEL = 0.95
# Elements of one block of resamples: bounds the memory (32 MB) however large the sample is.
_BLOCK = 1 << 22

FloatArray = NDArray[np.float64]
Statistic = Callable[[FloatArray], FloatArray]


class Interval(NamedTuple):
    """Ends of an interval: numbers, or float64 arrays with one entry per column of the sample."""

    low: Any
    high: Any


def mean(resamples: FloatArray) -> FloatArray:
    """Mean over axis 1 of resamples of shape ``(n_resamples, n_samples, ...)``."""
    return np.asarray(resamples.mean(axis=1))


def bootstrap_interval(
    samples: ArrayLike,
    statistic: Statistic = mean,
    *,
    level: float = LEVEL,
    n_resamples: int = N_RESAMPLES,
    seed: int,
) -> Interval:
    """Percentile bootstrap interval of a statistic of independent samples.

    Parameters
    ----------
    samples : array_like of shape (n_samples,) or (n_samples, ...)
        Rows are drawn whole, so the columns of a row stay together.
    statistic : callable
        Takes resamples of shape ``(n_resamples, n_samples, ...)`` and reduces axis 1 (and others, if it likes).
    level : float
        Between 0 and 1.
    n_resamples : int
    seed : int

    Returns
    -------
    Interval
        NaN where there is only one sample.

    Raises
    ------
    ValueError
        If there is no sample, one is not finite, or `level` or `n_resamples` is impossible.

    Notes
    -----
    Efron and Tibshirani (1993), *An Introduction to the Bootstrap*, section 13.3. The same seed gives the same
    interval. Up to five samples all ``n**n`` resamples are listed instead of drawn, and the seed plays no part.
    Few samples make short intervals: with three the 95 % interval of the mean is their range, which misses the centre
    of a symmetric distribution one time in four. Show the samples beside it.
    """
    draws = bootstrap_draws(samples, statistic, n_resamples=n_resamples, seed=seed)
    return percentile_interval(draws, n_units=len(np.asarray(samples)), level=level)


def hierarchical_interval(
    groups: Sequence[ArrayLike],
    statistic: Statistic = mean,
    *,
    level: float = LEVEL,
    n_resamples: int = N_RESAMPLES,
    seed: int,
) -> Interval:
    """Percentile bootstrap interval of the mean over groups of a statistic, for samples that come in groups.

    Every resample draws groups with replacement, then samples with replacement within each group drawn. So both
    the spread between seeds and the spread of the episodes within a seed widen the interval.

    Parameters
    ----------
    groups : sequence of array_like of shape (n_samples,) or (n_samples, ...)
        For instance the returns of the final episodes, one array per seed. Sizes may differ; each group weighs
        the same.
    statistic : callable
        As for :func:`bootstrap_interval`, applied within a group.
    level, n_resamples, seed
        As for :func:`bootstrap_interval`.

    Returns
    -------
    Interval
        NaN where there is only one group: its episodes say nothing about other seeds.

    Raises
    ------
    ValueError
        As :func:`bootstrap_interval`; also if there is no group.

    Notes
    -----
    Davison and Hinkley (1997), *Bootstrap Methods and their Application*, section 3.8: two-stage resampling.
    """
    draws = hierarchical_draws(groups, statistic, n_resamples=n_resamples, seed=seed)
    return percentile_interval(draws, n_units=len(groups), level=level)


def bootstrap_draws(
    samples: ArrayLike, statistic: Statistic = mean, *, n_resamples: int = N_RESAMPLES, seed: int
) -> FloatArray:
    """Statistic of each resample of `samples`, shape ``(n_resamples, ...)``; arguments as `bootstrap_interval`.

    With up to five samples there are ``n_samples ** n_samples`` of them: all that can be drawn.
    """
    values = _checked(samples)
    _check_resamples(n_resamples)
    n_samples = len(values)
    if n_samples**n_samples <= n_resamples:
        every = np.indices((n_samples,) * n_samples).reshape(n_samples, -1).T
        return np.asarray(statistic(values[every]))
    return _drawn(values, n_resamples, statistic, np.random.default_rng(seed))


def hierarchical_draws(
    groups: Sequence[ArrayLike], statistic: Statistic = mean, *, n_resamples: int = N_RESAMPLES, seed: int
) -> FloatArray:
    """Mean over the drawn groups of the statistic, per resample, shape ``(n_resamples, ...)``.

    Arguments as `hierarchical_interval`.
    """
    arrays = [_checked(group) for group in groups]
    if not arrays:
        raise ValueError("groups must hold at least one group of samples, got none")
    _check_resamples(n_resamples)
    generator = np.random.default_rng(seed)
    drawn_groups = generator.integers(len(arrays), size=(n_resamples, len(arrays)))
    total: FloatArray | None = None
    for group, values in enumerate(arrays):
        times = (drawn_groups == group).sum(axis=1)
        statistics = _drawn(values, int(times.sum()), statistic, generator)
        if total is None:
            total = np.zeros((n_resamples, *statistics.shape[1:]))
        np.add.at(total, np.repeat(np.arange(n_resamples), times), statistics)
    assert total is not None
    return total / len(arrays)


def percentile_interval(draws: FloatArray, *, n_units: int, level: float = LEVEL) -> Interval:
    """Interval between the quantiles ``(1 - level) / 2`` and ``(1 + level) / 2`` of `draws` over axis 0.

    Parameters
    ----------
    draws : float64 array of shape (n_resamples, ...)
    n_units : int
        Independent units that were resampled; with fewer than two the interval is NaN.
    level : float

    Raises
    ------
    ValueError
        If `level` does not lie between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, for instance 0.95, got {level}")
    if n_units < 2:
        unknown = np.full((2, *draws.shape[1:]), np.nan)
        return Interval(*unknown)
    tails = [(1 - level) / 2, (1 + level) / 2]
    # Quantiles that were really drawn: interpolation would cut into the few values that two or three seeds allow.
    low, high = np.quantile(draws, tails, axis=0, method="inverted_cdf")
    return Interval(low, high)


def _drawn(values: FloatArray, n_draws: int, statistic: Statistic, generator: np.random.Generator) -> FloatArray:
    """Statistic of `n_draws` resamples, block by block."""
    block = max(1, _BLOCK // max(1, values.size))
    parts = []
    # A group that no resample drew still gives an array of the right shape.
    for start in range(0, max(n_draws, 1), block):
        n_rows = min(block, n_draws - start)
        parts.append(np.asarray(statistic(values[generator.integers(len(values), size=(n_rows, len(values)))])))
    return np.concatenate(parts)


def _checked(samples: ArrayLike) -> FloatArray:
    values = np.asarray(samples, dtype=np.float64)
    if values.ndim == 0 or len(values) == 0:
        raise ValueError(f"samples must hold at least one value along their first axis, got shape {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"samples must be finite, got {values[~np.isfinite(values)][0]}")
    return values


def _check_resamples(n_resamples: int) -> None:
    if n_resamples < 1:
        raise ValueError(f"n_resamples must be at least 1, got {n_resamples}")
