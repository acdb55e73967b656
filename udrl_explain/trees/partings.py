"""Where the paths of several rows through one tree part: the first test that not all of them answer alike.

Rows are in the estimator's units (``ForestPolicy.tree_inputs``) and compared as scikit-learn does.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from udrl_explain.compiled import compiled
from udrl_explain.forest import Forest


class Partings(NamedTuple):
    """The test of every tree at which the paths part; -1 in both where they reach the same leaf.

    Parameters
    ----------
    node : int64 array of shape (n_trees,)
    step : int64 array of shape (n_trees,)
        Tests before it on the path.
    """

    node: NDArray[np.int64]
    step: NDArray[np.int64]


class DecisiveTest(NamedTuple):
    """The test at which the paths of the most trees part.

    Parameters
    ----------
    feature : int
        Input column.
    threshold : float
        In the estimator's units.
    n_trees : int
        Trees whose paths part at this very test.
    n_trees_parting : int
        Trees whose paths part at all.
    """

    feature: int
    threshold: float
    n_trees: int
    n_trees_parting: int


def partings(forest: Forest, rows: NDArray[np.float32]) -> Partings:
    """Find where the paths of `rows`, shape ``(n_rows, n_features)``, part in every tree."""
    nodes, steps = np.full((2, forest.n_trees), -1, dtype=np.int64)
    _find_partings(np.ascontiguousarray(rows), forest.splits, nodes, steps)
    return Partings(nodes, steps)


def decisive_test(forest: Forest, rows: NDArray[np.float32]) -> DecisiveTest:
    """Find the test at which the most trees part; of equals that of the first input, then of the lowest threshold.

    Parameters
    ----------
    forest : Forest
    rows : float32 array of shape (n_rows, n_features)

    Raises
    ------
    ValueError
        If no tree parts.
    """
    nodes = partings(forest, rows).node
    nodes = nodes[nodes >= 0]
    if len(nodes) == 0:
        raise ValueError("decisive_test needs rows that some tree treats differently, all paths are the same")
    tests = np.column_stack([forest.feature[nodes].astype(np.float64), forest.threshold[nodes]])
    distinct, counts = np.unique(tests, axis=0, return_counts=True)
    most = int(np.argmax(counts))
    return DecisiveTest(int(distinct[most, 0]), float(distinct[most, 1]), int(counts[most]), len(nodes))


@compiled
def _find_partings(rows, splits, nodes, steps):  # type: ignore[no-untyped-def]
    for t in range(splits.roots.shape[0]):
        node, step = splits.roots[t], 0
        while splits.left[node] >= 0:
            f = splits.feature[node]
            n_left = 0
            for i in range(rows.shape[0]):
                n_left += rows[i, f] <= splits.threshold[node]
            if 0 < n_left < rows.shape[0]:
                nodes[t], steps[t] = node, step
                break
            node = splits.left[node] if n_left > 0 else splits.right[node]
            step += 1
