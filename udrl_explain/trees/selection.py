"""A forest made of some trees of another."""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from udrl_explain.forest import LEAF, Forest


def chosen_trees(forest: Forest, trees: ArrayLike) -> Forest:
    """Forest of the given trees, in their order; a tree may stand several times.

    Parameters
    ----------
    forest : Forest
    trees : array_like of int
        Numbers of trees; at least one.

    Raises
    ------
    ValueError
        If there is no number, or one is no tree's.
    """
    chosen = np.asarray(trees, dtype=np.int64)
    if chosen.ndim != 1 or len(chosen) == 0 or chosen.min() < 0 or chosen.max() >= forest.n_trees:
        raise ValueError(f"trees must be numbers in 0..{forest.n_trees - 1}, at least one, got {trees!r}")
    ends = np.append(forest.roots, forest.n_nodes).astype(np.int64)
    sizes = ends[chosen + 1] - ends[chosen]
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    nodes = np.concatenate([np.arange(ends[tree], ends[tree + 1]) for tree in chosen])
    shift = np.repeat(roots - ends[chosen], sizes)
    left, right = forest.children_left[nodes], forest.children_right[nodes]
    return replace(
        forest,
        roots=roots.astype(np.int32),
        children_left=np.where(left == LEAF, LEAF, left + shift).astype(np.int32),
        children_right=np.where(right == LEAF, LEAF, right + shift).astype(np.int32),
        **{name: getattr(forest, name)[nodes] for name in ("feature", "threshold", "value", "cover", "impurity")},
    )
