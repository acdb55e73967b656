"""Worth of every coalition of inputs for an averaged forest, from its leaves: all coalitions of a row in one pass.

The worth of coalition S for a row x is the mean output over background rows of the row that takes the inputs in S from
x and the others from the background (interventional game). A leaf whose path tests the inputs M is reached by S when
x lies inside its box in every input of S and M, and the background row inside in the rest of M. So one table per leaf,
``held(T)``: the share of the background that lies inside in all inputs of T, answers for every row and every S:

    v(S) = sum over leaves of value * [x inside in S and M] * held(M without S)

Leaves that test the same inputs share one array over the subsets of M; at the end a row spreads the arrays of all M
over the coalitions of all inputs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udrl_explain.attributions.leaf_boxes import LeafBoxes, leaf_boxes
from udrl_explain.compiled import compiled
from udrl_explain.forest import Forest
from udrl_explain.parallel import blocks_of, in_threads

LEAVES_AT_ONCE = 512
ROWS_AT_ONCE = 16


@dataclass(frozen=True, eq=False)
class HeldShares:
    """A forest with what its leaves hold of a background.

    Parameters
    ----------
    boxes : LeafBoxes
    tested : uint16 array of shape (n_leaves,)
        Inputs (as bits) that a leaf's path tests.
    start : int64 array of shape (n_leaves + 1,)
        Where each leaf's table begins in `held`.
    held : float64 array
        Of each leaf, indexed by the subsets of its tested inputs (bit k is its k-th tested input): share of the
        background rows that lie inside its box in all of the subset's inputs.
    n_trees, n_features, n_background : int
    """

    boxes: LeafBoxes
    tested: NDArray[np.uint16]
    start: NDArray[np.int64]
    held: NDArray[np.float64]
    n_trees: int
    n_features: int
    n_background: int


def held_shares(forest: Forest, background: NDArray[np.float32], n_jobs: int | None = None) -> HeldShares:
    """Count what every leaf of an averaged forest holds of a background.

    Parameters
    ----------
    forest : Forest
        With the link "mean".
    background : float32 array of shape (n_background, n_features)
        As the trees compare them; at least one row.
    n_jobs : int or None
    """
    boxes = leaf_boxes(forest)
    tested = (boxes.tested * (1 << np.arange(forest.n_features))).sum(axis=1).astype(np.uint16)
    start = np.concatenate([[0], np.cumsum(1 << boxes.tested.sum(axis=1, dtype=np.int64))])
    # To the trees, background rows of equal ranks are the same row.
    ranks, counts = np.unique(boxes.ranks(background), axis=1, return_counts=True)
    ranks, shares = np.ascontiguousarray(ranks.astype(np.int32)), counts / len(background)
    held = np.zeros(start[-1])

    def count(block: slice) -> None:
        room = np.empty(ranks.shape[1], dtype=np.int32)
        _fill_held(boxes.lower[block], boxes.upper[block], tested[block], start[block], ranks, shares, held, room)

    in_threads(count, blocks_of(len(tested), LEAVES_AT_ONCE), n_jobs)
    return HeldShares(boxes, tested, start, held, forest.n_trees, forest.n_features, len(background))


def forest_coalitions(shares: HeldShares, rows: NDArray[np.float32], n_jobs: int | None = None) -> NDArray[np.float64]:
    """Worths of all coalitions of rows.

    Parameters
    ----------
    shares : HeldShares
    rows : float32 array of shape (n_rows, n_features)
    n_jobs : int or None

    Returns
    -------
    float64 array of shape (n_rows, 2**n_features, n_actions)
        Bit j of the second index says whether input j belongs to the coalition.
    """
    sets, owner = np.unique(shares.tested, return_inverse=True)
    sizes = np.array([int(members).bit_count() for members in sets], dtype=np.int64)
    first = np.concatenate([[0], np.cumsum(1 << sizes)])
    ranks = np.ascontiguousarray(shares.boxes.ranks(rows).astype(np.int32))
    values = np.ascontiguousarray(shares.boxes.value / shares.n_trees)
    worths = np.zeros((len(rows), 1 << shares.n_features, values.shape[1]))

    inside = [_subsets(int(members), shares.n_features) for members in sets]

    def work(block: slice) -> None:
        totals = np.zeros((block.stop - block.start, int(first[-1]), values.shape[1]))
        _add_leaves(
            shares.boxes.lower, shares.boxes.upper, shares.tested, shares.start, shares.held, values,
            first[owner], np.ascontiguousarray(ranks[:, block]), totals,
        )  # fmt: skip
        for k, places in enumerate(inside):
            worths[block] += totals[:, first[k] : first[k + 1]][:, places]

    in_threads(work, blocks_of(len(rows), ROWS_AT_ONCE), n_jobs)
    return worths


def _subsets(members: int, n_features: int) -> NDArray[np.int64]:
    """Of every coalition of all inputs the part that lies among `members`, as an index of the subsets of these."""
    every = np.arange(1 << n_features)
    inside = np.zeros(len(every), dtype=np.int64)
    for place, j in enumerate(j for j in range(n_features) if members >> j & 1):
        inside |= (every >> j & 1) << place
    return inside


@compiled
def _fill_held(lower, upper, tested, start, ranks, shares, held, patterns):  # type: ignore[no-untyped-def]
    n_features, n_background = ranks.shape
    for leaf in range(lower.shape[0]):
        first, m = start[leaf], 0
        patterns[:] = first
        for j in range(n_features):
            if tested[leaf] >> j & 1:
                low, high, row = lower[leaf, j], upper[leaf, j], ranks[j]
                for b in range(n_background):  # column by column: the compiler compares several rows at a time
                    patterns[b] += np.int32((low <= row[b]) & (row[b] <= high)) << m
                m += 1
        for b in range(n_background):
            held[patterns[b]] += shares[b]
        for k in range(m):  # sums over supersets
            half = 1 << k
            for pattern in range(1 << m):
                if pattern & half == 0:
                    held[first + pattern] += held[first + pattern + half]


@compiled
def _add_leaves(lower, upper, tested, start, held, values, first, ranks, totals):  # type: ignore[no-untyped-def]
    n_features, n_rows = ranks.shape
    for leaf in range(lower.shape[0]):
        m = 0
        for j in range(n_features):
            m += tested[leaf] >> j & 1
        full = (1 << m) - 1
        for r in range(n_rows):
            inside, place = 0, 0
            for j in range(n_features):
                if tested[leaf] >> j & 1:
                    if lower[leaf, j] <= ranks[j, r] <= upper[leaf, j]:
                        inside |= 1 << place
                    place += 1
            subset = inside
            while True:
                weight = held[start[leaf] + (full ^ subset)]
                if weight != 0.0:
                    for a in range(values.shape[1]):
                        totals[r, first[leaf] + subset, a] += weight * values[leaf, a]
                if subset == 0:
                    break
                subset = (subset - 1) & inside
