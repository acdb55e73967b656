"""The interval of a mean, made in one way everywhere, with the words that say of what it is and how it was made.

The *units* are what was drawn independently: training seeds, or episodes. Rows of one episode are not
(``clusters`` puts them together).

- One unit: no interval. It says nothing about others.
- All equal: no interval, "no variation seen". An interval of zero width would claim certainty.
- Fewer than ten: Student's t. It assumes normal units; no bootstrap mends so few of them.
- From ten on: the studentised bootstrap. In simulation (``benchmarks/interval_coverage.py``) it falls short of the
  nominal coverage less than BCa does: with ten normal units 95 against 90 %, with ten skewed ones 91 against 84 %, at
  the price of wider intervals. Where most units are alike (episodes at the highest possible return, say), resamples
  hold copies of one value and have no t value: BCa then, and the words say so.

Intervals are not cut at the ends of what is possible.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

from udrl_explain.statistics.bootstrap import LEVEL, Ends, bca_interval, mean_resamples, studentised_interval
from udrl_explain.statistics.resampling import N_RESAMPLES, checked_samples, mean_and_variance

FEWEST_FOR_BOOTSTRAP = 10
NO_VARIATION = "no variation seen"
# Share of intervals that hold the true mean, nominal 95 %, as benchmarks/interval_coverage.py prints it.
COVERAGE = {
    3: (0.95, 0.84, 0.76, 0.91),
    5: (0.95, 0.83, 0.93, 0.85),
    10: (0.95, 0.91, 0.99, 0.89),
    20: (0.95, 0.92, 0.99, 0.94),
}
"""Units -> measured coverage where they are normal, skewed (lognormal), of two equally likely kinds, and where most
stand at the highest possible return."""

# Means of equal numbers differ by their rounding.
_EQUAL = 1e-12
# Columns at a time: bounds the memory of the bootstrap.
_COLUMNS = 64

FloatArray = NDArray[np.float64]


class Units(NamedTuple):
    """What was drawn independently.

    Parameters
    ----------
    one, several : str
        "seed", "seeds".
    population : str
        What the interval speaks about: "other training seeds".
    """

    one: str
    several: str
    population: str


SEEDS = Units("seed", "seeds", "other training seeds")
EPISODES = Units("episode", "episodes", "other episodes of these policies")
EPISODES_OF_ONE = Units("episode", "episodes", "other episodes of this one policy")
ROWS_OF_ONE = Units("row", "rows", "other rows of this one policy, as if rows were independent")


class Interval(NamedTuple):
    """Interval of a mean: numbers, or arrays with one entry per column of the values.

    Parameters
    ----------
    low, high : float or float64 array
        NaN where there is no interval.
    words : str or object array of str
        Of what the interval is and how it was made, or why there is none.
    """

    low: Any
    high: Any
    words: Any


def mean_interval(
    values: ArrayLike, units: Units, *, level: float = LEVEL, n_resamples: int = N_RESAMPLES, seed: int
) -> Interval:
    """Interval of the mean of independent units.

    Parameters
    ----------
    values : array_like of shape (n_units,) or (n_units, ...)
        One number per unit, for instance each training seed's mean return; or one row, whose columns share resamples.
    units : Units
        :data:`SEEDS`, :data:`EPISODES`, :data:`EPISODES_OF_ONE` or :data:`ROWS_OF_ONE`: for the words.
    level : float
        Between 0 and 1.
    n_resamples, seed : int
        Of the bootstrap; they play no part below ten units.

    Returns
    -------
    Interval
        By the rule at the head of this file.

    Raises
    ------
    ValueError
        If there is no value, one is not finite, or `level` or `n_resamples` is impossible.
    """
    return strata_interval([values], units, level=level, n_resamples=n_resamples, seed=seed)


def strata_interval(
    strata: Sequence[ArrayLike], units: Units, *, level: float = LEVEL, n_resamples: int = N_RESAMPLES, seed: int
) -> Interval:
    """Interval of the mean over strata of the mean of their units, where the strata stay as they are.

    Parameters
    ----------
    strata : sequence of array_like of shape (n_units, ...)
        For instance the returns of the episodes, one array per policy. Each stratum weighs the same.
    units, level, n_resamples, seed
        As for :func:`mean_interval`; what is said there about the number of units holds for the smallest stratum.

    Returns
    -------
    Interval

    Raises
    ------
    ValueError
        As :func:`mean_interval`; also if there is no stratum or their columns differ.

    Notes
    -----
    With few units: Student's t with the degrees of freedom of Satterthwaite (1946) and Welch (1947); for one stratum
    ``n_units - 1``.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, for instance 0.95, got {level}")
    if n_resamples < 1:
        raise ValueError(f"n_resamples must be at least 1, got {n_resamples}")
    arrays = [checked_samples(stratum) for stratum in strata]
    if not arrays:
        raise ValueError("strata must hold at least one group of samples, got none")
    shape = arrays[0].shape[1:]
    if any(array.shape[1:] != shape for array in arrays):
        raise ValueError(f"strata must have the same columns, got {[array.shape[1:] for array in arrays]}")
    columns = [array.reshape(len(array), -1) for array in arrays]
    low, high = np.full((2, columns[0].shape[1]), np.nan)
    words = np.full(columns[0].shape[1], f"no interval: one {units.one} says nothing about others", dtype=object)
    fewest = min(map(len, columns))
    if fewest > 1:
        words[:] = NO_VARIATION
        varies = np.flatnonzero(~_all_equal(columns))
        for start in range(0, len(varies), _COLUMNS):
            part = varies[start : start + _COLUMNS]
            ends, how = _ends([column[:, part] for column in columns], level, n_resamples, seed)
            low[part], high[part] = ends
            words[part] = [f"{100 * level:g} % for {units.population}; {_count(columns, units)}: {one}" for one in how]
    if not shape:
        return Interval(float(low[0]), float(high[0]), str(words[0]))
    return Interval(low.reshape(shape), high.reshape(shape), words.reshape(shape))


def coverage_note(n_units: int, units: Units) -> str:
    """Say what the 95 % interval of so many units covered in simulation: a sentence; empty for a single unit."""
    if n_units < min(COVERAGE):
        return ""
    measured = max(n for n in COVERAGE if n <= n_units)
    normal, skewed, mixed, ceiling = (f"{100 * share:.0f} %" for share in COVERAGE[measured])
    return (
        f"In simulations, 95 % intervals of {measured} {units.several} held the true mean in {normal} of cases where "
        f"{units.several} are normal, {skewed} where they are skewed (lognormal), {mixed} where they are of two "
        f"equally likely kinds and {ceiling} where most stand at the highest possible return."
    )


def _ends(strata: list[FloatArray], level: float, n_resamples: int, seed: int) -> tuple[Ends, list[str]]:
    """Ends of columns that vary, and how each was made."""
    if min(map(len, strata)) < FEWEST_FOR_BOOTSTRAP:
        return _student(strata, level), ["t interval, assumes normal"] * strata[0].shape[1]
    resamples = mean_resamples(strata, n_resamples=n_resamples, seed=seed)
    low, high = studentised_interval(resamples, level=level)
    alike = ~(np.isfinite(low) & np.isfinite(high))
    if alike.any():
        instead = bca_interval(resamples, level=level)
        low, high = np.where(alike, instead.low, low), np.where(alike, instead.high, high)
    return Ends(low, high), ["BCa bootstrap, most are alike" if one else "studentised bootstrap" for one in alike]


def _student(strata: list[FloatArray], level: float) -> Ends:
    means, variances = np.array([mean_and_variance(stratum[None])[0] for stratum in strata]).swapaxes(0, 1)
    total = variances.sum(axis=0)
    spare = np.array([len(stratum) - 1 for stratum in strata])[:, None]
    freedom = total**2 / (variances**2 / spare).sum(axis=0)
    reach = student.ppf((1 + level) / 2, freedom) * np.sqrt(total) / len(strata)
    centre = means.mean(axis=0)
    return Ends(centre - reach, centre + reach)


def _all_equal(strata: list[FloatArray]) -> NDArray[np.bool_]:
    """Columns in which no stratum varies by more than rounding."""
    still = [np.ptp(stratum, axis=0) <= _EQUAL * np.abs(stratum).max(axis=0) for stratum in strata]
    return np.asarray(np.all(still, axis=0))


def _count(strata: list[FloatArray], units: Units) -> str:
    counts = sorted({len(stratum) for stratum in strata})
    number = f"{counts[0]} {units.several}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]} {units.several}"
    return number if len(strata) == 1 else f"{number} of each of {len(strata)}"
