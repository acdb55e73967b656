"""Forests as the fewest arrays that bring every bit back.

Trees are numbered depth first, a node, its left branch, its right branch. Which nodes are leaves then says everything
about their shape, and only inner nodes need a test. A forest fitted on rows of equal weight says everything else by
counting rows in its leaves: shares, covers and Gini impurities follow, computed as scikit-learn computes them.
"""

from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from udrl_explain.files.limits import MOST_BYTES
from udrl_explain.files.reading import as_numbers
from udrl_explain.forest import FOREST_ARRAYS, LEAF, Forest

_SHAPE = ("is_leaf", "inner_feature", "inner_threshold", "base")
_VALUES = ("value", "cover", "impurity")
LAYOUTS = ((*_SHAPE, "leaf_counts"), (*_SHAPE, *_VALUES), FOREST_ARRAYS)
"""Names of arrays, the shortest layout first."""
_TYPES: dict[str, tuple[type[np.generic], int]] = {  # and numbers of dimensions
    "is_leaf": (np.int64, 1), "inner_feature": (np.int32, 1), "inner_threshold": (np.float64, 1),
    "leaf_counts": (np.int64, 2), "roots": (np.int32, 1), "children_left": (np.int32, 1),
    "children_right": (np.int32, 1), "feature": (np.int32, 1), "threshold": (np.float64, 1),
    "value": (np.float64, 2), "cover": (np.float64, 1), "impurity": (np.float64, 1), "base": (np.float64, 1),
}  # fmt: skip
_MOST_NODES = MOST_BYTES // 64
_LARGEST_COUNT = 2**32


class _Shape(NamedTuple):
    """Where the trees and branches of nodes in depth-first order lie."""

    roots: NDArray[np.int64]
    inner: NDArray[np.int64]
    right: NDArray[np.int64]  # right child of each inner node
    ends: NDArray[np.int64]  # of every node, the first node behind its branches


def packed_forest(forest: Forest) -> dict[str, NDArray[Any]]:
    """Arrays of the shortest layout from which :func:`unpacked_forest` makes the same forest, bit for bit.

    Returns
    -------
    dict of str to array
        Of the names in one of `LAYOUTS`: ``is_leaf`` of shape ``(n_nodes,)``, ``inner_feature`` and
        ``inner_threshold`` of shape ``(n_inner,)``, ``leaf_counts`` of shape ``(n_leaves, n_actions)`` or what it
        stands for; all arrays of a forest if its nodes are in another order.
    """
    is_leaf = forest.children_left == LEAF
    shape = {
        "is_leaf": is_leaf,
        "inner_feature": _narrow(forest.feature[~is_leaf]),
        "inner_threshold": _short(forest.threshold[~is_leaf]),
        "base": forest.base,
    }
    counts = np.rint(forest.value[is_leaf] * forest.cover[is_leaf, None])
    candidates: list[dict[str, NDArray[Any]]] = [shape | {name: getattr(forest, name) for name in _VALUES}]
    if forest.link == "mean" and counts.max() < _LARGEST_COUNT and counts.sum(axis=1).min() >= 1:
        candidates.insert(0, shape | {"leaf_counts": _narrow(counts)})
    for arrays in candidates:
        if _same(forest, unpacked_arrays(arrays, forest.link)):
            return arrays
    return {name: getattr(forest, name) for name in FOREST_ARRAYS}


def layout_of(names: Container[str]) -> tuple[str, ...]:
    """Give the one of `LAYOUTS` that arrays are meant to have."""
    if "is_leaf" not in names:
        return FOREST_ARRAYS
    return LAYOUTS[0] if "leaf_counts" in names else LAYOUTS[1]


def checked_arrays(arrays: Mapping[str, NDArray[Any]], path: Path) -> dict[str, NDArray[Any]]:
    """Arrays of one of `LAYOUTS`, each as its type.

    Raises
    ------
    ValueError
        Naming `path` and an array of another kind or number of dimensions.
    """
    return {name: as_numbers(arrays, name, *_TYPES[name], path) for name in layout_of(arrays)}


def unpacked_arrays(arrays: Mapping[str, NDArray[Any]], link: str) -> dict[str, NDArray[Any]]:
    """All arrays of a forest from those of any layout.

    Parameters
    ----------
    arrays : mapping of str to array
        As :func:`packed_forest` returns them.
    link : str

    Raises
    ------
    ValueError
        Naming the array that does not fit.
    """
    if "is_leaf" not in arrays:
        return {name: arrays[name] for name in FOREST_ARRAYS}
    is_leaf = arrays["is_leaf"]
    if len(is_leaf) > _MOST_NODES:
        raise ValueError(f"array 'is_leaf' must hold at most {_MOST_NODES} nodes, has {len(is_leaf)}")
    if not np.isin(is_leaf, (0, 1)).all():
        raise ValueError("array 'is_leaf' must hold 0 and 1")
    is_leaf = is_leaf.astype(bool)
    shape = _shape_of(is_leaf)
    n_nodes, n_inner = len(is_leaf), len(shape.inner)
    for name in ("inner_feature", "inner_threshold"):
        if len(arrays[name]) != n_inner:
            raise ValueError(f"array {name!r} has {len(arrays[name])} entries for {n_inner} inner nodes")
    left, right, feature = (np.full(n_nodes, LEAF, dtype=np.int32) for _ in range(3))
    threshold = np.zeros(n_nodes)
    left[shape.inner], right[shape.inner] = shape.inner + 1, shape.right
    feature[shape.inner], threshold[shape.inner] = arrays["inner_feature"], arrays["inner_threshold"]
    made: dict[str, NDArray[Any]] = {
        "roots": shape.roots.astype(np.int32), "children_left": left, "children_right": right, "feature": feature,
        "threshold": threshold, "base": arrays["base"],
    }  # fmt: skip
    if "leaf_counts" not in arrays:
        return made | {name: arrays[name] for name in _VALUES}
    if link != "mean":
        raise ValueError(f"array 'leaf_counts' needs the link 'mean', got {link!r}")
    return made | _from_counts(arrays["leaf_counts"], is_leaf, shape)


def _shape_of(is_leaf: NDArray[np.bool_]) -> _Shape:
    # A node that branches owes one more node, a leaf pays one off: left and right branch end where the balance first
    # lies one and two below what it was at their parent, a tree where it first lies lower than ever before.
    balance = np.cumsum(np.where(is_leaf, -1, 1))
    lowest = np.minimum.accumulate(np.append(0, balance))
    last = np.flatnonzero(np.diff(lowest) < 0)  # nodes of their trees
    if len(last) == 0 or last[-1] != len(is_leaf) - 1:
        raise ValueError("array 'is_leaf' must hold whole trees")
    inner = np.flatnonzero(~is_leaf)
    keys = np.sort((balance - lowest[-1]) * len(balance) + np.arange(len(balance)))
    ends = np.arange(1, len(is_leaf) + 1)
    right, ends[inner] = (
        keys[np.searchsorted(keys, (balance[inner] - n - lowest[-1]) * len(balance) + inner)] % len(balance) + 1
        for n in (1, 2)
    )
    return _Shape(np.append(0, last[:-1] + 1), inner, right, ends)


def _from_counts(leaf_counts: NDArray[Any], is_leaf: NDArray[np.bool_], shape: _Shape) -> dict[str, NDArray[Any]]:
    if len(leaf_counts) != is_leaf.sum():
        raise ValueError(f"array 'leaf_counts' has {len(leaf_counts)} entries for {is_leaf.sum()} leaves")
    if (leaf_counts < 0).any() or (leaf_counts >= _LARGEST_COUNT).any() or (leaf_counts.sum(axis=1) < 1).any():
        raise ValueError(f"array 'leaf_counts' must hold counts below {_LARGEST_COUNT}, at least one row in each leaf")
    before = np.zeros((len(is_leaf) + 1, leaf_counts.shape[1]), dtype=np.int64)  # rows in the leaves before a node
    before[1:][is_leaf] = leaf_counts
    np.cumsum(before, axis=0, out=before)
    counts = (before[shape.ends] - before[:-1]).astype(np.float64)
    cover = counts.sum(axis=1)
    impurity = 1.0 - (counts**2).sum(axis=1) / (cover * cover)
    return {"value": counts / cover[:, None], "cover": cover, "impurity": impurity}


def _same(forest: Forest, arrays: Mapping[str, NDArray[Any]]) -> bool:
    for name in FOREST_ARRAYS:
        theirs, mine = getattr(forest, name), arrays[name]
        if theirs.shape != mine.shape or theirs.tobytes() != mine.tobytes():
            return False
    return True


def _narrow(numbers: NDArray[Any]) -> NDArray[Any]:
    """Whole numbers from 0 on in the fewest bytes."""
    return numbers.astype(np.min_scalar_type(int(numbers.max(initial=0))))


def _short(thresholds: NDArray[np.float64]) -> NDArray[Any]:
    """Numbers that float32 holds exactly as float32."""
    with np.errstate(over="ignore"):
        short = thresholds.astype(np.float32)
    return short if (short == thresholds).all() else thresholds
