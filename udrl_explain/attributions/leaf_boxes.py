"""The leaves of a forest as boxes over ranked inputs.

Every threshold of an input is rounded down to float32 and ranked. A float32 row lies at or below a float64
threshold exactly when it lies at or below that rounded threshold, so comparing ranks *is* the tree's comparison.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udrl_explain.compiled import compiled
from udrl_explain.forest import Forest


@dataclass(frozen=True, eq=False)
class LeafBoxes:
    """One box per leaf: a row is inside in input j when ``lower[j] <= rank <= upper[j]``.

    Parameters
    ----------
    cuts : tuple of float32 arrays
        Ascending thresholds of each input, rounded down to float32. A row's rank is the number of cuts below it.
    lower, upper : int32 arrays of shape (n_leaves, n_features)
        0 and ``len(cuts[j])`` where a leaf's path does not test the input. ``lower > upper`` marks a box that no
        float32 row can enter.
    share : float64 array of shape (n_leaves, n_features)
        Product of child cover over parent cover at the path's splits on the input; 1 where it is not tested.
    value : float64 array of shape (n_leaves, n_actions)
        Of the leaf, in the forest's raw units.
    tree : int32 array of shape (n_leaves,)
    """

    cuts: tuple[NDArray[np.float32], ...]
    lower: NDArray[np.int32]
    upper: NDArray[np.int32]
    share: NDArray[np.float64]
    value: NDArray[np.float64]
    tree: NDArray[np.int32]

    @property
    def n_cuts(self) -> NDArray[np.int32]:
        """Number of cuts of each input, shape ``(n_features,)``."""
        return np.array([len(cuts) for cuts in self.cuts], dtype=np.int32)

    @property
    def tested(self) -> NDArray[np.bool_]:
        """Whether a leaf's path tests an input, shape ``(n_leaves, n_features)``."""
        return (self.lower > 0) | (self.upper < self.n_cuts)

    def ranks(self, rows: NDArray[np.float32]) -> NDArray[np.uint16] | NDArray[np.uint32]:
        """Ranks of rows (as the trees compare them), one contiguous line per input: ``(n_features, n_rows)``."""
        dtype = np.uint16 if self.n_cuts.max(initial=0) < np.iinfo(np.uint16).max else np.uint32
        ranks = np.empty((len(self.cuts), len(rows)), dtype=dtype)
        rows = np.ascontiguousarray(rows)
        for j, cuts in enumerate(self.cuts):
            _fill_ranks(cuts, rows, j, ranks)
        return ranks


def leaf_boxes(forest: Forest) -> LeafBoxes:
    """Boxes of all leaves, in the order of the nodes of each tree."""
    nearest = forest.threshold.astype(np.float32)
    too_high = nearest.astype(np.float64) > forest.threshold
    rounded = np.where(too_high, np.nextafter(nearest, np.float32(-np.inf)), nearest)
    cuts, rank = [], np.zeros(forest.n_nodes, dtype=np.int32)
    for j in range(forest.n_features):
        nodes = np.flatnonzero(forest.feature == j)
        cuts.append(np.unique(rounded[nodes]))
        rank[nodes] = np.searchsorted(cuts[-1], rounded[nodes])
    n_cuts = np.array([len(c) for c in cuts], dtype=np.int32)
    leaves = np.flatnonzero(forest.is_leaf)
    parent = np.full(forest.n_nodes, -1, dtype=np.int32)
    inner = np.flatnonzero(~forest.is_leaf).astype(np.int32)
    parent[forest.children_left[inner]] = parent[forest.children_right[inner]] = inner
    lower = np.zeros((len(leaves), forest.n_features), dtype=np.int32)
    upper = np.tile(n_cuts, (len(leaves), 1))
    share = np.ones(lower.shape)
    _fill_boxes(leaves, parent, forest.splits, rank, forest.cover, lower, upper, share)
    return LeafBoxes(tuple(cuts), lower, upper, share, forest.value[leaves], forest.tree_of_node[leaves])


@compiled
def _fill_boxes(leaves, parent, splits, rank, cover, lower, upper, share):  # type: ignore[no-untyped-def]
    for i in range(leaves.shape[0]):
        child = leaves[i]
        node = parent[child]
        while node >= 0:
            j = splits.feature[node]
            share[i, j] *= cover[child] / cover[node]
            if child == splits.left[node]:
                upper[i, j] = min(upper[i, j], rank[node])
            else:
                lower[i, j] = max(lower[i, j], rank[node] + 1)
            child = node
            node = parent[node]


@compiled
def _fill_ranks(cuts, rows, j, ranks):  # type: ignore[no-untyped-def]
    # numpy.searchsorted(cuts, rows[:, j]), by halving steps without branches: the guesses of a branch are often wrong.
    for i in range(rows.shape[0]):
        value, first, size = rows[i, j], np.uint64(0), np.uint64(cuts.shape[0])
        while size > np.uint64(1):
            half = size >> np.uint64(1)
            first = first + half if cuts[first + half - np.uint64(1)] < value else first
            size -= half
        ranks[j, i] = first + np.uint64(1) if size == np.uint64(1) and cuts[first] < value else first
