"""Numbers that say how well achieved returns follow desired ones: slope, saturation, obeyed range.

All take the levels of one sweep by ascending desired return: the desired return of each level and the mean return
achieved there, both in reward.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PLATEAU = 2.0
"""A plateau counts where the levels beyond it ask for more than this many tolerances."""

FloatArray = NDArray[np.float64]


class Range(NamedTuple):
    """Desired returns at both ends, and how many levels lie between, ends included; NaN and 0 where there is none."""

    low: float
    high: float
    n_levels: int


def _slope_weights(desired: FloatArray) -> FloatArray:
    """Weights whose product with the achieved returns is the least-squares slope; NaN where all levels ask for one."""
    steps = desired - desired.mean()
    return steps / (steps @ steps) if np.ptp(desired) > 0 else np.full(len(desired), np.nan)


def slope(desired: FloatArray, achieved: FloatArray) -> float:
    """Least-squares slope of achieved on desired return: 1 obeys, 0 ignores; NaN where all levels ask for one."""
    return float(slopes(desired, achieved[None])[0])


def slopes(desired: FloatArray, achieved: FloatArray) -> FloatArray:
    """Slope of each row of achieved returns of shape ``(n_rows, n_levels)``."""
    # From the first level on: equal returns then give exactly 0.
    return np.asarray((achieved - achieved[:, :1]) @ _slope_weights(desired))


def upper_saturation(desired: FloatArray, achieved: FloatArray, tolerance: float) -> float:
    """Desired return from which on asking for more changes nothing; NaN where there is no such level.

    The lowest level from whose mean the means of all higher levels differ by no more than `tolerance`, if these ask
    for more by over :data:`PLATEAU` tolerances. A sharp knee is so met up to one tolerance early.
    """
    for level in range(len(desired)):
        if (np.abs(achieved[level:] - achieved[level]) <= tolerance).all():
            return float(desired[level]) if desired[-1] - desired[level] > PLATEAU * tolerance else float("nan")
    return float("nan")


def lower_saturation(desired: FloatArray, achieved: FloatArray, tolerance: float) -> float:
    """Desired return from which on asking for less changes nothing: :func:`upper_saturation` upside down."""
    return -upper_saturation(-desired[::-1], -achieved[::-1], tolerance)


def obeyed_range(desired: FloatArray, achieved: FloatArray, tolerance: float) -> Range:
    """Widest unbroken range of levels whose means lie within `tolerance` of what they ask for.

    By the span of the desired returns; of equally wide ones that with more levels, then the lower one.
    """
    obeyed = np.concatenate([[False], np.abs(achieved - desired) <= tolerance, [False]])
    edges = np.flatnonzero(np.diff(obeyed.astype(int)))
    ranges = [
        Range(float(desired[start]), float(desired[end - 1]), int(end - start))
        for start, end in edges.reshape(-1, 2).tolist()
    ]
    nothing = Range(float("nan"), float("nan"), 0)
    return max(ranges, key=lambda found: (found.high - found.low, found.n_levels), default=nothing)
