"""What several training seeds say of an experiment: robust means, tolerance bands, performance profiles.

Sample sizes are small, so bands rest on distributions that are known exactly (order statistics, binomial), not on
resampling.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta, trim_mean

from udrl_explain.statistics.bootstrap import LEVEL
from udrl_explain.statistics.resampling import checked_samples

FloatArray = NDArray[np.float64]


class Profile(NamedTuple):
    """Performance profile at the values that were seen.

    Parameters
    ----------
    levels : float64 array of shape (n_levels,)
        Ascending.
    share : float64 array of shape (n_levels,)
        Share of the runs above each level.
    low, high : float64 arrays of shape (n_levels,)
        Interval of the share at each level by itself.
    """

    levels: FloatArray
    share: FloatArray
    low: FloatArray
    high: FloatArray


def interquartile_mean(scores: ArrayLike) -> float:
    """Mean of the middle half: a quarter of the scores, rounded down, is cut off at either end.

    Agarwal et al. (2021, arXiv 2108.13264), section 4.3; the same numbers as ``rliable.metrics.aggregate_iqm``.

    Raises
    ------
    ValueError
        If there is no score, or one is not finite.
    """
    return float(trim_mean(checked_samples(scores), 0.25))


def covered_share(n: int, confidence: float = LEVEL) -> float:
    """Share of all runs that the band from the least to the greatest of `n` covers at least, with this confidence.

    Parameters
    ----------
    n : int
        Independent runs.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    float
        14 % for 3 runs, 61 % for 10, 78 % for 20; 0 for one.

    Raises
    ------
    ValueError
        If `n` is less than 1 or `confidence` lies not between 0 and 1.

    Notes
    -----
    Whatever the (continuous) distribution, the share between the least and the greatest of n has the distribution
    Beta(n - 1, 2); its lower quantile p solves ``1 - n p^(n-1) + (n-1) p^n = confidence`` (Wilks 1941, *Annals of
    Mathematical Statistics* 12, 91-96). With ties the share is larger.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")
    return float(beta.ppf(1 - confidence, n - 1, 2)) if n > 1 else 0.0


def performance_profile(scores: ArrayLike, levels: ArrayLike, *, level: float = LEVEL) -> Profile:
    """Share of runs whose score lies above each of `levels`.

    Parameters
    ----------
    scores : array_like of shape (n_runs,)
    levels : array_like of shape (n_levels,)
    level : float
        Of the intervals.

    Returns
    -------
    Profile

    Raises
    ------
    ValueError
        If there is no score or one is not finite.

    Notes
    -----
    Agarwal et al. (2021, arXiv 2108.13264), section 4.2, with Clopper and Pearson's (1934) exact binomial interval in
    place of the bootstrap, which has none where all runs agree. At each level by itself, not for all at once.
    """
    values, at = checked_samples(scores), np.asarray(levels, dtype=np.float64)
    n = len(values)
    above = (values[None, :] > at[:, None]).sum(axis=1)
    tail = (1 - level) / 2
    low, high = np.zeros(len(at)), np.ones(len(at))
    some, short = above > 0, above < n
    low[some] = beta.ppf(tail, above[some], n - above[some] + 1)
    high[short] = beta.ppf(1 - tail, above[short] + 1, n - above[short])
    return Profile(at, above / n, low, high)
