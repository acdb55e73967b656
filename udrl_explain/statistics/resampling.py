"""The one resampler: statistics of samples drawn with replacement, rows whole, seeded, in bounded memory."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

N_RESAMPLES = 10_000
# Elements of one block of resamples: bounds the memory (32 MB) however large the sample is.
_BLOCK = 1 << 22

FloatArray = NDArray[np.float64]
Statistic = Callable[[FloatArray], FloatArray]


def mean(resamples: FloatArray) -> FloatArray:
    """Mean over axis 1 of resamples of shape ``(n_resamples, n_samples, ...)``."""
    return np.asarray(resamples.mean(axis=1))


def mean_and_variance(resamples: FloatArray) -> FloatArray:
    """Mean, and variance of the mean (ddof 1), of each resample, shape ``(n_resamples, 2, ...)``."""
    return np.stack([resamples.mean(axis=1), resamples.var(axis=1, ddof=1) / resamples.shape[1]], axis=1)


def resampled(
    strata: Sequence[ArrayLike], statistic: Statistic = mean, *, n_resamples: int = N_RESAMPLES, seed: int
) -> list[FloatArray]:
    """Statistic of each resample of each stratum.

    Parameters
    ----------
    strata : sequence of array_like of shape (n_samples,) or (n_samples, ...)
        Samples are drawn with replacement within their stratum; the strata stay. One sample is one stratum.
        Rows are drawn whole, so the columns of a row stay together.
    statistic : callable
        Takes resamples of shape ``(n_resamples, n_samples, ...)`` and reduces axis 1 (and others, if it likes).
    n_resamples : int
    seed : int
        The same seed gives the same resamples; global random state plays no part.

    Returns
    -------
    list of float64 array of shape (n_resamples, ...)
        One per stratum.

    Raises
    ------
    ValueError
        If a stratum is empty, a value is not finite, or `n_resamples` is less than 1.

    Notes
    -----
    Efron and Tibshirani (1993), *An Introduction to the Bootstrap*, chapter 6; strata: Davison and Hinkley (1997),
    *Bootstrap Methods and their Application*, section 3.2.
    """
    if n_resamples < 1:
        raise ValueError(f"n_resamples must be at least 1, got {n_resamples}")
    generator = np.random.default_rng(seed)
    return [_drawn(checked_samples(stratum), n_resamples, statistic, generator) for stratum in strata]


def checked_samples(samples: ArrayLike) -> FloatArray:
    """Samples as a float64 array with at least one axis.

    Raises
    ------
    ValueError
        If there is none, or one is not finite.
    """
    values = np.asarray(samples, dtype=np.float64)
    if values.ndim == 0 or len(values) == 0:
        raise ValueError(f"samples must hold at least one value along their first axis, got shape {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"samples must be finite, got {values[~np.isfinite(values)][0]}")
    return values


def _drawn(values: FloatArray, n_draws: int, statistic: Statistic, generator: np.random.Generator) -> FloatArray:
    """Statistic of `n_draws` resamples, block by block."""
    block = max(1, _BLOCK // max(1, values.size))
    parts = []
    for start in range(0, n_draws, block):
        size = (min(block, n_draws - start), len(values))
        parts.append(np.asarray(statistic(values[generator.integers(len(values), size=size)])))
    return np.concatenate(parts)
