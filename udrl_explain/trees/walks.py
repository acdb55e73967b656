"""Walks of input rows down a forest: the nodes on a path, and what a path adds up to.

Everything here follows scikit-learn's comparison (float32 input ``<=`` float64 threshold goes left), so that the
path explained is the path taken. Rows are in the estimator's units (``ForestPolicy.tree_inputs``).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udrl_explain.compiled import compiled
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
    lengths = _depths(forest)[forest.leaves(rows)].ravel()
    n_steps = int(lengths.sum())
    node, next_node = np.empty(n_steps, dtype=np.int32), np.empty(n_steps, dtype=np.int32)
    _fill_steps(rows, forest.splits, node, next_node)
    path = np.repeat(np.arange(lengths.size, dtype=np.int32), lengths)
    step = np.arange(n_steps, dtype=np.int32) - np.repeat(np.cumsum(lengths, dtype=np.int32) - lengths, lengths)
    return TreeSteps(path // np.int32(forest.n_trees), path % np.int32(forest.n_trees), step, node, next_node)


def path_contributions(forest: Forest, rows: NDArray[np.float32], n_jobs: int | None = None) -> NDArray[np.float64]:
    """Change of node value along the paths, credited to the input tested and summed over the trees.

    Saabas (2014), "Interpreting random forests". Shape ``(n_rows, n_features, n_actions)``; not divided by the
    number of trees.
    """
    return _node_changes(forest, rows, forest.value, n_jobs)


def path_impurity(forest: Forest, rows: NDArray[np.float32], n_jobs: int | None = None) -> NDArray[np.float64]:
    """Fall of impurity (parent minus child) along the paths, credited to the input tested, summed over trees.

    The importance of Cardenas-Cartagena et al. (arXiv 2411.11457), one value per row and input: shape
    ``(n_rows, n_features)``. An input that no path tests has exactly 0; a value can be negative, because a child
    can be less pure than its parent.
    """
    if len(rows) < PACKED_ROWS:
        return 0.0 - _node_changes(forest, rows, forest.impurity[:, None], n_jobs)[:, :, 0]  # no zero becomes -0.0
    nodes = _packed_nodes(forest)
    return _by_blocks(
        rows,
        (forest.n_features,),
        n_jobs,
        lambda block, totals: _add_packed(block, forest.roots, nodes, np.empty(_TOGETHER, dtype=np.int32), totals),
    )


def same_leaf_boxes(forest: Forest, rows: NDArray[np.float32]) -> SameLeafBoxes:
    """Intersect the leaf boxes of all trees for each of `rows`, shape ``(n_rows, n_features)``."""
    shape = (len(rows), forest.n_features)
    lower, upper = np.full(shape, -np.inf), np.full(shape, np.inf)
    n_tests, n_asking = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    last_tree = np.empty(forest.n_features, dtype=np.int64)
    _intersect_boxes(rows, forest.splits, last_tree, lower, upper, n_tests, n_asking)
    return SameLeafBoxes(lower, upper, n_tests, n_asking)


def _node_changes(
    forest: Forest, rows: NDArray[np.float32], value: NDArray[np.float64], n_jobs: int | None
) -> NDArray[np.float64]:
    """Change of node `value`, shape ``(n_nodes, n)``, along the paths, by input: ``(n_rows, n_features, n)``."""
    return _by_blocks(
        rows,
        (forest.n_features, value.shape[1]),
        n_jobs,
        lambda block, totals: _add_changes(block, forest.splits, value, totals),
    )


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


def _depths(forest: Forest) -> NDArray[np.int32]:
    """Tests above each node, shape ``(n_nodes,)``."""
    depths = np.zeros(forest.n_nodes, dtype=np.int32)
    level, inner = forest.roots, ~forest.is_leaf
    while len(level):
        above = level[inner[level]]
        level = np.concatenate([forest.children_left[above], forest.children_right[above]])
        depths[level] = np.tile(depths[above] + 1, 2)
    return depths


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


@compiled
def _fill_steps(rows, splits, nodes, next_nodes):  # type: ignore[no-untyped-def]
    k = 0
    for i in range(rows.shape[0]):
        for t in range(splits.roots.shape[0]):
            node = splits.roots[t]
            while splits.left[node] >= 0:
                goes_left = rows[i, splits.feature[node]] <= splits.threshold[node]
                child = splits.left[node] if goes_left else splits.right[node]
                nodes[k] = node
                next_nodes[k] = child
                node = child
                k += 1


@compiled
def _add_changes(rows, splits, value, totals):  # type: ignore[no-untyped-def]
    for t in range(splits.roots.shape[0]):
        for i in range(rows.shape[0]):
            node = splits.roots[t]
            while splits.left[node] >= 0:
                f = splits.feature[node]
                child = splits.left[node] if rows[i, f] <= splits.threshold[node] else splits.right[node]
                for a in range(value.shape[1]):
                    totals[i, f, a] += value[child, a] - value[node, a]
                node = child


@compiled
def _add_packed(rows, roots, nodes, at, totals):  # type: ignore[no-untyped-def]
    # The same sums in the same order as _add_changes. Nothing here branches on a comparison, which a processor
    # would guess wrong half the time; rows that have arrived stay at their leaf until the last one has.
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


@compiled
def _intersect_boxes(rows, splits, last_tree, lower, upper, n_tests, n_asking):  # type: ignore[no-untyped-def]
    for i in range(rows.shape[0]):
        for f in range(rows.shape[1]):
            last_tree[f] = -1
        for t in range(splits.roots.shape[0]):
            node = splits.roots[t]
            while splits.left[node] >= 0:
                f = splits.feature[node]
                n_tests[i, f] += 1
                if last_tree[f] != t:
                    last_tree[f] = t
                    n_asking[i, f] += 1
                if rows[i, f] <= splits.threshold[node]:
                    upper[i, f] = min(upper[i, f], splits.threshold[node])
                    node = splits.left[node]
                else:
                    lower[i, f] = max(lower[i, f], splits.threshold[node])
                    node = splits.right[node]
