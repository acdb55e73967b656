"""A few rows that stand for all of them: support points, whose distribution is as near to that of all rows as can be.

Nearness is the energy distance, 2 E|X - Y| - E|X - X'| - E|Y - Y'|, which is 0 for equal distributions only (Szekely
and Rizzo 2013). Its minimisers are the support points of Mak and Joseph (2018, "Support points", Annals of Statistics
46, section 2); means over them are nearer to the truth than over as many rows at random, and nothing is left to luck.
Here the points are rows themselves, found by adding the best row again and again, then swapping one for another as long
as that helps.
"""

import numpy as np
from numpy.typing import NDArray

MOST_CANDIDATES = 2048
"""Of more rows, so many are drawn at random first: all pairs of candidates are measured."""

_UNITS = 1 << 24  # distances are whole numbers of 1 / _UNITS, whose sums are the same on every processor


def support_points(rows: NDArray[np.float64], n: int, seed: int = 0) -> NDArray[np.intp]:
    """Places of `n` rows that stand for all, in ascending order.

    Parameters
    ----------
    rows : float64 array of shape (n_rows, n_features)
        In any units: columns are brought to one spread.
    n : int
        Of 1 to `n_rows`, and at most ``MOST_CANDIDATES``.
    seed : int
        Of the draw of candidates, where there are more than ``MOST_CANDIDATES`` rows; else it changes nothing.

    Returns
    -------
    intp array of shape (n,)
        No place twice. No other row in place of one of them would bring the energy distance down.

    Raises
    ------
    ValueError
        If `n` is out of its range.
    """
    most = min(len(rows), MOST_CANDIDATES)
    if not 1 <= n <= most:
        raise ValueError(f"n must be from 1 to {most}, got {n}")
    places = np.arange(len(rows))
    if len(rows) > MOST_CANDIDATES:
        places = np.sort(np.random.default_rng(seed).choice(len(rows), MOST_CANDIDATES, replace=False))
    distances = _distances(rows[places])
    to_all = distances.sum(axis=0)
    chosen = np.zeros(len(places), dtype=bool)
    to_chosen = np.zeros(len(places), dtype=np.int64)
    for size in range(1, n + 1):
        best = _cheapest(_costs(to_all, to_chosen, size), chosen)
        chosen[best] = True
        to_chosen += distances[best]
    while _swapped(distances, to_all, to_chosen, chosen, n):
        pass
    return places[chosen]


def _distances(rows: NDArray[np.float64]) -> NDArray[np.int64]:
    spread = rows.std(axis=0)
    squares = np.zeros((len(rows), len(rows)))
    for column in (rows / np.where(spread > 0, spread, 1.0)).T:
        squares += (column[:, None] - column) ** 2
    whole: NDArray[np.int64] = np.rint(np.sqrt(squares) * _UNITS).astype(np.int64)
    return whole


def _costs(to_all: NDArray[np.int64], to_chosen: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """What adding each row to ``size - 1`` chosen ones adds to the energy distance, but for a factor all have."""
    return size * to_all - len(to_all) * to_chosen


def _cheapest(costs: NDArray[np.int64], taken: NDArray[np.bool_]) -> int:
    return int(np.where(taken, np.iinfo(np.int64).max, costs).argmin())


def _swapped(
    distances: NDArray[np.int64],
    to_all: NDArray[np.int64],
    to_chosen: NDArray[np.int64],
    chosen: NDArray[np.bool_],
    n: int,
) -> bool:
    """Put the best row in the place of each chosen one, in place; whether any was better than what it replaced."""
    moved = False
    for old in np.flatnonzero(chosen).tolist():
        without = to_chosen - distances[old]
        costs = _costs(to_all, without, n)
        chosen[old] = False
        new = _cheapest(costs, chosen)
        if costs[new] >= costs[old]:
            new = old
        chosen[new] = True
        to_chosen[:] = without + distances[new]
        moved |= new != old
    return moved
