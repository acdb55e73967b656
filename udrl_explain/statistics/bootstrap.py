"""Bootstrap intervals of a mean: percentile, BCa and studentised.

All take strata: the mean over the strata of each one's mean, where the samples of every stratum are redrawn and the
strata stay. One plain sample is one stratum. Which of them the package uses, and why: ``intervals``.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from udrl_explain.statistics.resampling import N_RESAMPLES, mean_and_variance, resampled

LEVEL = 0.95
# A resample whose standard error is below this share of the sample's holds little but copies of one value.
_DEGENERATE = 0.1

FloatArray = NDArray[np.float64]


class Ends(NamedTuple):
    """Ends of intervals, shape ``(n_columns,)`` each."""

    low: FloatArray
    high: FloatArray


class Resamples(NamedTuple):
    """The mean of strata and its resamples.

    Parameters
    ----------
    mean, error : float64 array of shape (n_columns,)
        Mean over the strata of their means, and its standard error.
    acceleration : float64 array of shape (n_columns,)
        BCa's constant: a sixth of the skewness of the mean.
    means, errors : float64 array of shape (n_resamples, n_columns)
        The same of each resample.
    """

    mean: FloatArray
    error: FloatArray
    acceleration: FloatArray
    means: FloatArray
    errors: FloatArray


def mean_resamples(strata: Sequence[FloatArray], *, n_resamples: int = N_RESAMPLES, seed: int) -> Resamples:
    """Resample strata of shape ``(n_samples, n_columns)``, at least two samples each.

    Notes
    -----
    Acceleration: Davison and Hinkley (1997), section 5.3.2 (several samples), with the influence values of a mean.
    """
    n = len(strata)
    own = [mean_and_variance(stratum[None])[0] for stratum in strata]
    drawn = resampled(strata, mean_and_variance, n_resamples=n_resamples, seed=seed)
    influences = [(stratum - stratum.mean(axis=0)) / len(stratum) for stratum in strata]
    second = sum((influence**2).sum(axis=0) for influence in influences)
    third = sum((influence**3).sum(axis=0) for influence in influences)
    with np.errstate(divide="ignore", invalid="ignore"):
        acceleration = np.where(second > 0, third / (6 * np.asarray(second) ** 1.5), 0.0)
    return Resamples(
        mean=np.mean([part[0] for part in own], axis=0),
        error=np.sqrt(np.sum([part[1] for part in own], axis=0)) / n,
        acceleration=acceleration,
        means=np.mean([part[:, 0] for part in drawn], axis=0),
        errors=np.sqrt(np.sum([part[:, 1] for part in drawn], axis=0)) / n,
    )


def percentile_interval(draws: FloatArray, *, level: float = LEVEL) -> Ends:
    """Between the quantiles ``(1 - level) / 2`` and ``(1 + level) / 2`` of `draws` over axis 0, values that were drawn.

    Efron and Tibshirani (1993), section 13.3. `draws` may be those of any statistic; infinite values are allowed.
    """
    # Sorted by hand: interpolating between infinite values gives NaN.
    ordered = np.sort(draws, axis=0)
    low, high = (max(int(np.ceil(tail * len(draws) - 1e-9)), 1) - 1 for tail in _tails(level))
    return Ends(ordered[low], ordered[high])


def bca_interval(resamples: Resamples, *, level: float = LEVEL) -> Ends:
    """Bias-corrected and accelerated interval of the mean.

    Efron and Tibshirani (1993), section 14.3. A resampled mean that equals the mean counts half below it.
    """
    means, centre = resamples.means, resamples.mean
    # Sums of the same numbers in another order: equal up to rounding is equal.
    near = 1e-12 * np.abs(means).max(axis=0)
    below = ((means < centre - near).mean(axis=0) + (means <= centre + near).mean(axis=0)) / 2
    bias = norm.ppf(below)
    ends = []
    for tail in _tails(level):
        shifted = bias + norm.ppf(tail)
        place = norm.cdf(bias + shifted / (1 - resamples.acceleration * shifted))
        ends.append(np.array([np.quantile(column, at) for column, at in zip(means.T, place, strict=True)]))
    return Ends(*ends)


def studentised_interval(resamples: Resamples, *, level: float = LEVEL) -> Ends:
    """Bootstrap-t interval of the mean: the resamples' own t values take the place of Student's table.

    Infinite where too many resamples hold little but copies of one value and so have no t value: those count as beyond
    every other. Efron and Tibshirani (1993), section 12.5.
    """
    distance = resamples.means - resamples.mean
    degenerate = resamples.errors <= _DEGENERATE * resamples.error
    t = np.divide(distance, resamples.errors, out=np.zeros_like(distance), where=~degenerate)
    beyond = degenerate & (distance != 0)
    t[beyond] = np.copysign(np.inf, distance[beyond])
    low, high = percentile_interval(t, level=level)
    error = np.where(resamples.error > 0, resamples.error, np.nan)
    return Ends(resamples.mean - high * error, resamples.mean - low * error)


def _tails(level: float) -> tuple[float, float]:
    return (1 - level) / 2, (1 + level) / 2
