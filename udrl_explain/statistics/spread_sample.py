"""A sample of rows that stands for all of them better than as many drawn at random: one row of each of n equal cells.

Rows that are alike stand near each other in a k-d order, which halves the rows along their widest column again and
again (Bentley 1975). From a random start, the order is cut into cells of equal size, and one row of each is drawn. Each
row is as likely to be taken as any other (n / N exactly), and no region is left out by bad luck: stratified sampling
with one draw per stratum (Cochran 1977, chapter 5).
"""

import numpy as np
from numpy.typing import NDArray


def spread_sample(rows: NDArray[np.float64], n: int, seed: int) -> NDArray[np.intp]:
    """Places of `n` rows that are spread over all, in ascending order.

    Parameters
    ----------
    rows : float64 array of shape (n_rows, n_features)
        In any units: columns are brought to one spread.
    n : int
        Of 1 to `n_rows`.
    seed : int
        Of the start and the draws.

    Returns
    -------
    intp array of shape (n,)
        No place twice; each of the rows has the probability ``n / n_rows``.

    Raises
    ------
    ValueError
        If `n` is not from 1 to the number of rows.
    """
    if not 1 <= n <= len(rows):
        raise ValueError(f"n must be from 1 to {len(rows)}, the number of rows, got {n}")
    spread = rows.std(axis=0)
    scaled = rows / np.where(spread > 0, spread, 1.0)
    generator = np.random.default_rng(seed)
    # Cells differ by one row in size; starting anywhere gives every row a small one as often as any other.
    order = np.roll(_in_kd_order(scaled, np.arange(len(rows))), int(generator.integers(len(rows))))
    return np.sort(np.array([cell[generator.integers(len(cell))] for cell in np.array_split(order, n)]))


def _in_kd_order(rows: NDArray[np.float64], places: NDArray[np.intp]) -> NDArray[np.intp]:
    if len(places) <= 2:
        return places
    cell = rows[places]
    widest = int(np.ptp(cell, axis=0).argmax())
    halves = np.array_split(places[np.argsort(cell[:, widest], kind="stable")], 2)
    return np.concatenate([_in_kd_order(rows, half) for half in halves])
