"""Walks of input rows down a forest: the nodes on a path, and what a path adds up to.

Everything here follows scikit-learn's comparison (float32 input ``<=`` float64 threshold goes left), so that the
path explained is the path taken. Rows are in the estimator's units (``ForestPolicy.tree_inputs``).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from udrl_explain.forest import Forest
from udrl_explain.parallel import blocks_of, in_threads

# Rows that share one pass over a tree: few enough that they stay in the cache beside it.
BLOCK_ROWS = 512
# From so many rows on it pays to rearrange the nodes first.
PACKED_ROWS = 256
# Rows that step down a tree together: the processor works on one while it waits for another's node.
_TOGETHER = 16
_NODE = np.dtype(
    [
        ("threshold", np.float64), ("drop_left", np.float64), ("drop_right", np.float64),
        ("left", np.int32), ("right", np.int32), ("feature", np.int64),
    ]
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class TreeSteps:
    """Every test that every row meets, ordered by row, then tree, then depth.

    Parameters
    ----------
    row, tree, step : int32 array of shape (n_steps,)
        `step` counts from 0 at each tree's root.
    node, next_node : int32 array of shape (n_steps,)
        The node that tests, and the child that the row goes to.
    """

    row: NDArray[np.int32]
    tree: NDArray[np.int32]
    step: NDArray[np.int32]
    node: NDArray[np.int32]
    next_node: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class SameLeafBoxes:
    """Where no tree changes its leaf, and how the paths ask, for every row.

    Parameters
    ----------
    lower, upper : float64 array of shape (n_rows, n_features)
        Thresholds in the estimator's units: no tree changes its leaf while
        ``lower < float32(input) <= upper`` for every input. Infinite where no test on a path bounds the input.
    n_tests : int64 array of shape (n_rows, n_features)
        Tests of each input on the row's paths, over all trees.
    n_trees_asking : int64 array of shape (n_rows, n_features)
        Trees whose path tests the input at least once.
    """

    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    n_tests: NDArray[np.int64]
    n_trees_asking: NDArray[np.int64]


def tree_steps(forest: Forest, rows: NDArray[np.float32]) -> TreeSteps:
    """Every test on the paths of `rows`, shape ``(n_rows, n_features)``, through every tree."""
    lengths = _path_lengths(
        rows, forest.roots, forest.children_left, forest.children_right, forest.feature, forest.threshold
    )
    arrays = [np.empty(int(lengths.sum()), dtype=np.int32) for _ in range(5)]
    _fill_steps(
        rows, forest.roots, forest.children_left, forest.children_right, forest.feature, forest.threshold,
        *arrays,
    )  # fmt: skip
    return TreeSteps(*arrays)


def path_contributions(forest: Forest, rows: NDArray[np.float32], n_jobs: int | None = None) -> NDArray[np.float64]:
    """Change of node value along the paths, credited to the input tested and summed over the trees.

    Saabas (2014), "Interpreting random forests". Shape ``(n_rows, n_features, n_actions)``; not divided by the
    number of trees.
    """
    return _by_blocks(
        rows, (forest.n_features, forest.n_actions), n_jobs, lambda block, totals: _add_contributions(
            block, forest.roots, forest.children_left, forest.children_right, forest.feature, forest.threshold,
            forest.value, totals,
        ),
    )  # fmt: skip


def path_impurity(forest: Forest, rows: NDArray[np.float32], n_jobs: int | None = None) -> NDArray[np.float64]:
    """Fall of impurity (parent minus child) along the paths, credited to the input tested, summed over trees.

    The importance of Cardenas-Cartagena et al. (arXiv 2411.11457), one value per row and input: shape
    ``(n_rows, n_features)``. An input that no path tests has exactly 0; a value can be negative, because a child
    can be less pure than its parent.
    """
    if len(rows) >= PACKED_ROWS:
        nodes = _packed_nodes(forest)
        return _by_blocks(
            rows,
            (forest.n_features,),
            n_jobs,
            lambda block, totals: _add_packed(block, forest.roots, nodes, totals),
        )
    return _by_blocks(
        rows, (forest.n_features,), n_jobs, lambda block, totals: _add_impurity(
            block, forest.roots, forest.children_left, forest.children_right, forest.feature, forest.threshold,
            forest.impurity, totals,
        ),
    )  # fmt: skip


def same_leaf_boxes(forest: Forest, rows: NDArray[np.float32]) -> SameLeafBoxes:
    """Intersect the leaf boxes of all trees for each of `rows`, shape ``(n_rows, n_features)``."""
    shape = (len(rows), forest.n_features)
    lower, upper = np.full(shape, -np.inf), np.full(shape, np.inf)
    n_tests, n_asking = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    _intersect_boxes(
        rows, forest.roots, forest.children_left, forest.children_right, forest.feature, forest.threshold,
        lower, upper, n_tests, n_asking,
    )  # fmt: skip
    return SameLeafBoxes(lower, upper, n_tests, n_asking)


def _by_blocks(
    rows: NDArray[np.float32],
    shape: tuple[int, ...],
    n_jobs: int | None,
    add: Callable[[NDArray[np.float32], NDArray[np.float64]], None],
) -> NDArray[np.float64]:
    """Let `add` fill one output of `shape` per row, block by block; rows never share an output."""
    totals = np.zeros((len(rows), *shape))
    in_threads(lambda block: add(rows[block], totals[block]), blocks_of(len(rows), BLOCK_ROWS), n_jobs)
    return totals


def _packed_nodes(forest: Forest) -> NDArray[np.void]:
    """Everything that a step needs in one record; leaves lead to themselves and drop nothing."""
    node = np.arange(forest.n_nodes, dtype=np.int32)
    left = np.where(forest.is_leaf, node, forest.children_left)
    right = np.where(forest.is_leaf, node, forest.children_right)
    packed = np.empty(forest.n_nodes, dtype=_NODE)
    packed["threshold"] = forest.threshold
    packed["drop_left"] = forest.impurity - forest.impurity[left]
    packed["drop_right"] = forest.impurity - forest.impurity[right]
    packed["left"], packed["right"] = left, right
    packed["feature"] = np.maximum(forest.feature, 0)
    return packed


@numba.njit(cache=True, nogil=True)
def _path_lengths(rows, roots, left, right, feature, threshold):  # type: ignore[no-untyped-def]
    lengths = np.zeros((rows.shape[0], roots.shape[0]), dtype=np.int64)
    for i in range(rows.shape[0]):
        for t in range(roots.shape[0]):
            node = roots[t]
            while left[node] >= 0:
                node = left[node] if rows[i, feature[node]] <= threshold[node] else right[node]
                lengths[i, t] += 1
    return lengths


@numba.njit(cache=True, nogil=True)
def _fill_steps(  # type: ignore[no-untyped-def]
    rows, roots, left, right, feature, threshold, row, tree, step, nodes, next_nodes
):
    k = 0
    for i in range(rows.shape[0]):
        for t in range(roots.shape[0]):
            node = roots[t]
            depth = 0
            while left[node] >= 0:
                child = left[node] if rows[i, feature[node]] <= threshold[node] else right[node]
                row[k] = i
                tree[k] = t
                step[k] = depth
                nodes[k] = node
                next_nodes[k] = child
                node = child
                depth += 1
                k += 1


@numba.njit(cache=True, nogil=True)
def _add_contributions(  # type: ignore[no-untyped-def]
    rows, roots, left, right, feature, threshold, value, totals
):
    for t in range(roots.shape[0]):
        for i in range(rows.shape[0]):
            node = roots[t]
            while left[node] >= 0:
                f = feature[node]
                child = left[node] if rows[i, f] <= threshold[node] else right[node]
                for a in range(value.shape[1]):
                    totals[i, f, a] += value[child, a] - value[node, a]
                node = child


@numba.njit(cache=True, nogil=True)
def _add_impurity(  # type: ignore[no-untyped-def]
    rows, roots, left, right, feature, threshold, impurity, totals
):
    for t in range(roots.shape[0]):
        for i in range(rows.shape[0]):
            node = roots[t]
            while left[node] >= 0:
                f = feature[node]
                child = left[node] if rows[i, f] <= threshold[node] else right[node]
                totals[i, f] += impurity[node] - impurity[child]
                node = child


@numba.njit(cache=True, nogil=True)
def _add_packed(rows, roots, nodes, totals):  # type: ignore[no-untyped-def]
    # The same sums in the same order as _add_impurity. Nothing here branches on a comparison, which a processor
    # would guess wrong half the time; rows that have arrived stay at their leaf until the last one has.
    at = np.empty(_TOGETHER, dtype=np.int32)
    for t in range(roots.shape[0]):
        for start in range(0, rows.shape[0], _TOGETHER):
            n = min(_TOGETHER, rows.shape[0] - start)
            for k in range(n):
                at[k] = roots[t]
            moved = 1
            while moved != 0:
                moved = 0
                for k in range(n):
                    node = at[k]
                    record = nodes[node]
                    f = record.feature
                    goes_left = rows[start + k, f] <= record.threshold
                    child = record.left if goes_left else record.right
                    totals[start + k, f] += record.drop_left if goes_left else record.drop_right
                    at[k] = child
                    moved |= child ^ node


@numba.njit(cache=True, nogil=True)
def _intersect_boxes(  # type: ignore[no-untyped-def]
    rows, roots, left, right, feature, threshold, lower, upper, n_tests, n_asking
):
    last_tree = np.empty(rows.shape[1], dtype=np.int64)
    for i in range(rows.shape[0]):
        last_tree[:] = -1
        for t in range(roots.shape[0]):
            node = roots[t]
            while left[node] >= 0:
                f = feature[node]
                n_tests[i, f] += 1
                if last_tree[f] != t:
                    last_tree[f] = t
                    n_asking[i, f] += 1
                if rows[i, f] <= threshold[node]:
                    upper[i, f] = min(upper[i, f], threshold[node])
                    node = left[node]
                else:
                    lower[i, f] = max(lower[i, f], threshold[node])
                    node = right[node]
