"""Two samples against each other: probability of improvement, difference of means, and corrected p values."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.stats import norm, rankdata
from scipy.stats import t as student

from udrl_explain.statistics.bootstrap import LEVEL
from udrl_explain.statistics.resampling import checked_samples

FloatArray = NDArray[np.float64]
_MOST_EXACT = 60
"""Values of both samples together up to which p values are counted out."""
_EQUAL = 1e-12
_NEAR = 1e-9


class PairResult(NamedTuple):
    """A quantity of two samples.

    Parameters
    ----------
    value, low, high : float
        NaN ends where there is no interval.
    p : float
        Two-sided, of the null hypothesis that there is no difference; NaN where nothing can be said.
    """

    value: float
    low: float
    high: float
    p: float


def probability_of_improvement(a: ArrayLike, b: ArrayLike, *, level: float = LEVEL) -> PairResult:
    """Probability that a draw from the first distribution beats one from the second; ties count one half.

    Parameters
    ----------
    a, b : array_like of shape (n_runs,)
        One score per independent run; higher is better.
    level : float
        Of the interval.

    Returns
    -------
    PairResult
        The value is Mann and Whitney's U over the number of pairs. No interval and no p value where either sample has
        but one run.

    Raises
    ------
    ValueError
        If a sample is empty or a value is not finite.

    Notes
    -----
    - Value: Mann and Whitney (1947); Agarwal et al. (2021, arXiv 2108.13264), section 4.3, for one task.
    - Interval: Newcombe (2006), *Statistics in Medicine* 25, 559-573, method 5: a score interval, which also holds
      where the samples lie wholly apart. ``benchmarks/improvement_coverage.py`` has its coverage.
    - p: that both samples come from one distribution, by the permutation distribution of the rank sum given the ties,
      counted out for up to 60 values and by its normal approximation beyond. Three against three runs have no p below
      0.1, however far apart they lie.
    """
    first, second = checked_samples(a), checked_samples(b)
    pairs = len(first) * len(second)
    above = (first[:, None] > second[None, :]).sum() + (first[:, None] == second[None, :]).sum() / 2
    value = float(above / pairs)
    if min(len(first), len(second)) < 2:
        return PairResult(value, np.nan, np.nan, np.nan)
    return PairResult(value, *_newcombe(value, len(first), len(second), level), rank_sum_p(first, second))


def difference_of_means(a: ArrayLike, b: ArrayLike, *, level: float = LEVEL) -> PairResult:
    """Mean of the first minus mean of the second sample.

    Returns
    -------
    PairResult
        Interval and p value by Welch's (1947) t test, which assumes normal scores and lets their spreads differ. None
        where a sample has but one run, or neither varies.

    Raises
    ------
    ValueError
        If a sample is empty or a value is not finite.
    """
    first, second = checked_samples(a), checked_samples(b)
    value = float(first.mean() - second.mean())
    parts = [_variance_of_mean(sample) for sample in (first, second)]
    total = sum(parts)
    if min(len(first), len(second)) < 2 or total == 0:
        return PairResult(value, np.nan, np.nan, np.nan)
    freedom = total**2 / sum(part**2 / (len(sample) - 1) for part, sample in zip(parts, (first, second), strict=True))
    error = float(np.sqrt(total))
    reach = float(student.ppf((1 + level) / 2, freedom)) * error
    p = 2 * float(student.sf(abs(value) / error, freedom))
    return PairResult(value, value - reach, value + reach, p)


def rank_sum_p(a: ArrayLike, b: ArrayLike) -> float:
    """Two-sided p value of the rank sum: share of the splits of all values that lie at least as far from its mean.

    Of all splits into samples of these sizes, each equally likely where both come from one distribution (Wilcoxon 1945;
    with ties: Lehmann 1975, *Nonparametrics*, section 1.4). Beyond 60 values: normal, with the variance for ties.
    """
    first, second = checked_samples(a), checked_samples(b)
    # Twice the mean ranks are whole numbers.
    ranks = np.rint(2 * rankdata(np.concatenate([first, second]))).astype(np.int64)
    n, total = len(first), int(ranks.sum())
    # Distance of n * N times the rank sum from its mean, in whole numbers.
    distance = abs(int(ranks[:n].sum()) * len(ranks) - n * total)
    if len(ranks) > _MOST_EXACT:
        variance = n * len(second) / (len(ranks) * (len(ranks) - 1)) * float(((ranks - ranks.mean()) ** 2).sum())
        return 1.0 if variance == 0 else float(2 * norm.sf(distance / len(ranks) / np.sqrt(variance)))
    counts = _subset_sums(ranks, n)
    far = np.abs(np.arange(len(counts), dtype=np.int64) * len(ranks) - n * total) >= distance
    return float(counts[far].sum() / counts.sum())


def holm(p: ArrayLike) -> FloatArray:
    """Adjusted p values of a family of tests; those that are NaN are no part of the family and stay NaN.

    Holm (1979), *Scandinavian Journal of Statistics* 6, 65-70: whatever the tests' dependence, the chance of a single
    false rejection among all is at most the level.
    """
    values = np.array(p, dtype=np.float64)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    left = len(order) - np.arange(len(order))
    values[order] = np.minimum(np.maximum.accumulate(values[order] * left), 1.0)
    return values


def _newcombe(value: float, n: int, m: int, level: float) -> tuple[float, float]:
    z2 = float(norm.ppf((1 + level) / 2)) ** 2
    more = (n + m) / 2 - 1

    def excess(truth: float) -> float:
        variance = truth * (1 - truth) * (1 + more * ((1 - truth) / (2 - truth) + truth / (1 + truth))) / (n * m)
        return (value - truth) ** 2 - z2 * variance

    # The variance is 0 at both ends of what is possible: at a value of 0 or 1 the root there is not the one meant.
    near = min(max(value, _NEAR), 1 - _NEAR)
    low = float(brentq(excess, 0.0, near)) if value > 0 else 0.0
    high = float(brentq(excess, near, 1.0)) if value < 1 else 1.0
    return low, high


def _variance_of_mean(sample: FloatArray) -> float:
    # Means of equal numbers differ by their rounding.
    if len(sample) < 2 or np.ptp(sample) <= _EQUAL * np.abs(sample).max():
        return 0.0
    return float(sample.var(ddof=1) / len(sample))


def _subset_sums(ranks: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Number of subsets of `n` of the ranks by their sum; 60 values have fewer than 2**63 in all."""
    most = int(np.sort(ranks)[-n:].sum())
    counts = np.zeros((n + 1, most + 1), dtype=np.int64)
    counts[0, 0] = 1
    for rank in ranks:
        for size in range(n, 0, -1):
            counts[size, rank:] += counts[size - 1, : most + 1 - rank]
    return np.asarray(counts[n])
