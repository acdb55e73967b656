"""How well an order of the inputs describes a row: curves along it, and where it stands among all orders.

Worths are arrays of shape ``(n_rows, 2**n_features)``; bit j of the second index says whether input j is known. With
``P_k`` the first k inputs of an order, its insertion curve is ``v(P_k)`` and its deletion curve ``v(all without P_k)``.
"""

from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def sizes_of(n_features: int) -> NDArray[np.int64]:
    """Number of inputs in every coalition, shape ``(2**n_features,)``."""
    return np.array([coalition.bit_count() for coalition in range(1 << n_features)], dtype=np.int64)


def gains(worths: FloatArray) -> dict[str, FloatArray]:
    """What a coalition adds to an order's area when it is one of its prefixes, by kind of area.

    "both" is the area between insertion and deletion curve, ``v(S) - v(all without S)``; "insertion" and "deletion" are
    its halves, each less nothing: a larger sum along the prefixes is better in all three.
    """
    complement = worths[:, ::-1]  # index 2**n - 1 - S is the coalition without S
    return {"both": worths - complement, "insertion": worths, "deletion": -complement}


def mean_gain(gain: FloatArray) -> FloatArray:
    """Mean over all orders of the sum of `gain` along the proper prefixes, shape ``(n_rows,)``.

    In a random order the prefix of size k is every coalition of that size equally often.
    """
    n_features = gain.shape[1].bit_length() - 1
    sizes = sizes_of(n_features)
    means = [gain[:, sizes == size].mean(axis=1) for size in range(1, n_features)]
    return np.sum(means, axis=0) if means else np.zeros(len(gain))


def best_gain(gain: FloatArray) -> FloatArray:
    """Largest sum of `gain` along the proper prefixes of any order, shape ``(n_rows,)``.

    Dynamic programming over coalitions: the best way to a coalition comes from the best way to one with an input less.
    """
    return _best_ways(gain)[:, -1]


def best_orders(gain: FloatArray) -> NDArray[np.int64]:
    """One order of the largest sum for each row, shape ``(n_rows, n_features)``; ties go to the lowest input last."""
    n_rows, n_coalitions = gain.shape
    n_features = n_coalitions.bit_length() - 1
    ways = _best_ways(gain)
    orders = np.empty((n_rows, n_features), dtype=np.int64)
    coalition = np.full(n_rows, n_coalitions - 1)
    for place in range(n_features - 1, -1, -1):
        before = np.full((n_rows, n_features), -np.inf)
        for j in range(n_features):
            holds = (coalition >> j & 1).astype(bool)
            before[holds, j] = ways[holds, coalition[holds] ^ (1 << j)]
        orders[:, place] = before.argmax(axis=1)
        coalition ^= 1 << orders[:, place]
    return orders


def _best_ways(gain: FloatArray) -> FloatArray:
    n_coalitions = gain.shape[1]
    n_features = n_coalitions.bit_length() - 1
    best = np.zeros_like(gain)
    for coalition in range(1, n_coalitions):
        members = [j for j in range(n_features) if coalition >> j & 1]
        best[:, coalition] = np.max([best[:, coalition ^ (1 << j)] for j in members], axis=0)
        if coalition != n_coalitions - 1:  # the whole is in every order
            best[:, coalition] += gain[:, coalition]
    return best


def ordered(attributions: FloatArray) -> NDArray[np.int64]:
    """Inputs by falling attribution, shape as given; ties go to the lowest column."""
    return np.asarray(np.argsort(-attributions, axis=1, kind="stable"))


def prefixes(orders: NDArray[np.int64]) -> NDArray[np.int64]:
    """Coalition of the first k inputs, k = 0 .. n_features, shape ``(n_rows, n_features + 1)``."""
    start = np.zeros((len(orders), 1), dtype=np.int64)
    return np.concatenate([start, np.cumsum(1 << orders, axis=1)], axis=1)


def gain_of(gain: FloatArray, attributions: FloatArray) -> FloatArray:
    """Sum of `gain` along the proper prefixes of each row's order, shape ``(n_rows,)``.

    The mean over the orders of inputs with equal attributions, exactly: a method that tells no input from another
    does as well as the mean of all orders.
    """
    orders = ordered(attributions)
    along = prefixes(orders)[:, 1:-1]
    sums: FloatArray = np.take_along_axis(gain, along, axis=1).sum(axis=1)
    falling = np.take_along_axis(attributions, orders, axis=1)
    for row in np.flatnonzero((np.diff(falling, axis=1) == 0).any(axis=1)):
        sums[row] = _mean_over_ties(gain[row], orders[row], falling[row])
    return sums


def _mean_over_ties(gain: FloatArray, order: NDArray[np.int64], falling: FloatArray) -> float:
    total, known = 0.0, 0
    cuts = [0, *(np.flatnonzero(np.diff(falling) != 0) + 1), len(order)]
    for start, end in pairwise(cuts):
        tied = [1 << int(j) for j in order[start:end]]
        for size in range(1, len(tied) + 1):
            coalitions = [known + sum(chosen) for chosen in combinations(tied, size)]
            if coalitions[0] != len(gain) - 1:
                total += float(gain[coalitions].mean())
        known += sum(tied)
    return total


def infidelity(worths: FloatArray, attributions: FloatArray, scale: float = 1.0) -> FloatArray:
    """Mean squared gap between summed attributions and the change of the output, shape ``(n_rows,)``.

    Over all non-empty sets of inputs taken away, each with the same weight: the infidelity of Yeh et al. (NeurIPS 2019,
    "On the (In)fidelity and Sensitivity of Explanations", definition 2.1), with every perturbation enumerated.

    Parameters
    ----------
    worths : float64 array of shape (n_rows, 2**n_features)
    attributions : float64 array of shape (n_rows, n_features)
    scale : float
        Factor on the attributions.
    """
    summed, change = _sums_and_changes(worths, attributions)
    return np.asarray(((scale * summed - change) ** 2)[:, 1:].mean(axis=1))


def best_scale(worths: FloatArray, attributions: FloatArray) -> float:
    """Factor on the attributions, one for all rows, with which their mean infidelity is least; 1 if all are 0."""
    summed, change = _sums_and_changes(worths, attributions)
    square = float((summed * summed).sum())
    return float((summed * change).sum()) / square if square > 0 else 1.0


def _sums_and_changes(worths: FloatArray, attributions: FloatArray) -> tuple[FloatArray, FloatArray]:
    n_features = attributions.shape[1]
    members = (np.arange(1 << n_features)[:, None] >> np.arange(n_features) & 1).astype(np.float64)
    return attributions @ members.T, worths[:, -1:] - worths[:, ::-1]
