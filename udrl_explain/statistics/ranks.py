"""Rank correlation."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata


def rank_correlation(first: ArrayLike, second: ArrayLike) -> float:
    """Spearman's correlation of two rows of numbers, ties with their mean rank.

    Parameters
    ----------
    first, second : array_like of shape (n,)

    Returns
    -------
    float
        NaN where either does not vary.

    Raises
    ------
    ValueError
        If the shapes differ, are not one-dimensional, or a number is not finite.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"a rank correlation needs two rows of equally many numbers, got shapes {a.shape}, {b.shape}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("a rank correlation needs finite numbers")
    if len(a) == 0 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])


def rank_correlations(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spearman's correlation row by row.

    Parameters
    ----------
    first, second : float64 arrays of shape (n_rows, n_columns)

    Returns
    -------
    float64 array of shape (n_rows,)
        NaN where a row does not vary.
    """
    a, b = rankdata(first, axis=1), rankdata(second, axis=1)
    a -= a.mean(axis=1, keepdims=True)
    b -= b.mean(axis=1, keepdims=True)
    norm = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    return np.asarray(np.divide((a * b).sum(axis=1), norm, out=np.full(len(a), np.nan), where=norm > 0))
