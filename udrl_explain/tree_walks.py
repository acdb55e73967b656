"""Walks of input rows down a forest: the nodes on a path, and what a path adds up to.

Everything here follows scikit-learn's comparison (float32 input ``<=`` float64 threshold goes left), so that the
path explained is the path taken. Rows are in the estimator's units (``ForestPolicy.tree_inputs``).
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from udrl_explain.forest import Forest

# Rows that share one pass over a tree: few enough that they stay in the cache beside it.
BLOCK_ROWS = 512


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


def path_contributions(forest: Forest, rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Change of node value along the paths, credited to the input tested and summed over the trees.

    Saabas (2014), "Interpreting random forests". Shape ``(n_rows, n_features, n_actions)``; not divided by the
    number of trees.
    """
    return _by_blocks(_add_contributions, forest, rows, (forest.n_features, forest.n_actions), forest.value)


def path_impurity(forest: Forest, rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Fall of impurity (parent minus child) along the paths, credited to the input tested, summed over trees.

    The importance of Cardenas-Cartagena et al. (arXiv 2411.11457), one value per row and input: shape
    ``(n_rows, n_features)``. An input that no path tests has exactly 0; a value can be negative, because a child
    can be less pure than its parent.
    """
    return _by_blocks(_add_impurity, forest, rows, (forest.n_features,), forest.impurity)


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
    kernel: Callable[..., None],
    forest: Forest,
    rows: NDArray[np.float32],
    shape: tuple[int, ...],
    node_values: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Let `kernel` add to one output per row, in blocks on all cores; rows never share an output."""
    totals = np.zeros((len(rows), *shape))

    def work(start: int) -> None:
        block = slice(start, start + BLOCK_ROWS)
        kernel(
            rows[block], forest.roots, forest.children_left, forest.children_right, forest.feature,
            forest.threshold, node_values, totals[block],
        )  # fmt: skip

    starts = range(0, len(rows), BLOCK_ROWS)
    if len(starts) <= 1:
        for start in starts:
            work(start)
    else:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(work, starts))
    return totals


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
