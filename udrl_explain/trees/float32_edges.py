"""The last natural-unit input that a tree sends left.

A tree compares ``float32(input * factor)`` with its float64 threshold. Around a threshold this differs from
comparing the input with ``threshold / factor``: rounding to float32 moves the edge by up to half a float32 step.
Here the edge is found exactly, as a float64 number in natural units.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

FLOAT32_MAX = float(np.finfo(np.float32).max)
_SMALLEST = np.iinfo(np.int64).min


def last_input_left(thresholds: ArrayLike, factors: ArrayLike) -> NDArray[np.float64]:
    """Largest float64 ``v`` with ``float32(v * factor) <= threshold``; the next number goes right.

    Parameters
    ----------
    thresholds : array_like of float
        In the estimator's units. Infinite ones are returned as they are.
    factors : array_like of float
        Positive; broadcast against `thresholds`.

    Returns
    -------
    float64 array of the broadcast shape
        ``inf`` (or ``-inf``) where every (or no) input that fits float32 goes left.
    """
    threshold, factor = np.broadcast_arrays(
        np.asarray(thresholds, dtype=np.float64), np.asarray(factors, dtype=np.float64)
    )
    # Rounding and scaling keep the order, so a bisection over all float64 numbers finds the edge.
    shape, threshold, factor = threshold.shape, threshold.ravel(), factor.ravel()
    low = _rank(np.full(threshold.shape, -FLOAT32_MAX))
    high = _rank(np.full(threshold.shape, FLOAT32_MAX))
    none_left = ~_goes_left(_number(low), threshold, factor)
    all_left = _goes_left(_number(high), threshold, factor)
    while (high - 1 > low).any():
        middle = (low >> 1) + (high >> 1) + (low & high & 1)  # the sum of the two may not fit int64
        left = _goes_left(_number(middle), threshold, factor)
        low, high = np.where(left, middle, low), np.where(left, high, middle)
    edges = np.where(all_left, np.inf, np.where(none_left, -np.inf, _number(low)))
    return edges.reshape(shape)


def as_float32(thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Largest float32 number that is not above each threshold: ``float32(x) <= threshold`` is the same for both.

    Parameters
    ----------
    thresholds : float64 array
        Finite. One below all float32 numbers is returned as it is.

    Returns
    -------
    float64 array of the same shape
        Of numbers that float32 holds exactly: stored in half the bytes.
    """
    below = float32_below(thresholds)
    return np.where(np.isfinite(below), below.astype(np.float64), thresholds)


def float32_below(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """Largest float32 at or below each threshold, of any shape; ``-inf`` where all of them lie above.

    For every float32 number x, ``x <= threshold`` and ``x <= float32_below(threshold)`` say the same.
    """
    with np.errstate(over="ignore", under="ignore"):  # the ends of float32 are meant
        nearest = thresholds.astype(np.float32)
        lower = np.nextafter(nearest, np.float32(-np.inf))
    return np.where(nearest.astype(np.float64) > thresholds, lower, nearest)


def _goes_left(
    values: NDArray[np.float64], thresholds: NDArray[np.float64], factors: NDArray[np.float64]
) -> NDArray[np.bool_]:
    with np.errstate(over="ignore"):  # a command beyond float32 lies beyond every threshold
        return np.asarray((values * factors).astype(np.float32) <= thresholds)


def _rank(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Position of a finite number among all float64 numbers, 0 for zero."""
    bits = values.view(np.int64)
    return np.where(bits < 0, _SMALLEST - bits, bits)


def _number(ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.where(ranks < 0, _SMALLEST - ranks, ranks).view(np.float64)
