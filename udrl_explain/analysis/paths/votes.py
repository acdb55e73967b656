"""Which action each tree votes for: that of the greatest value in the leaf it gives, the lowest where several tie."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from udrl_explain.forest import Forest
from udrl_explain.policies import greedy_actions


def tree_votes(forest: Forest, rows: NDArray[np.float32]) -> NDArray[np.int64]:
    """Count the trees that vote for each action.

    Parameters
    ----------
    forest : Forest
        Whose trees hold probabilities.
    rows : float32 array of shape (n_rows, n_features)
        Scaled, as the trees compare them.

    Returns
    -------
    int64 array of shape (n_rows, n_actions)
    """
    chosen = np.argmax(forest.value, axis=1)[forest.leaves(rows)]
    return np.stack([(chosen == action).sum(axis=1) for action in range(forest.n_actions)], axis=1)


def leaf_actions(
    row: NDArray[np.integer[Any]],
    tree: NDArray[np.integer[Any]],
    step: NDArray[np.integer[Any]],
    after: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Action of the greatest value in the leaf that each step's path ends in; ties go to the lowest action.

    Parameters
    ----------
    row, tree, step : int array of shape (n_steps,)
        In any order.
    after : float64 array of shape (n_steps, n_actions)

    Returns
    -------
    int64 array of shape (n_steps,)
    """
    order = np.lexsort((step, tree, row))
    new = np.ones(len(order), dtype=bool)
    new[1:] = (np.diff(row[order]) != 0) | (np.diff(tree[order]) != 0)
    starts = np.flatnonzero(new)
    ends = np.append(starts[1:], len(order)) - 1
    actions = np.empty(len(order), dtype=np.int64)
    if len(order):
        actions[order] = np.repeat(greedy_actions(after[order[ends]]), np.diff(np.append(starts, len(order))))
    return actions
