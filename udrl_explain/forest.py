"""A tree ensemble as flat arrays, with compiled loops for its leaves, outputs and paths.

The arrays are all that is kept of a fitted scikit-learn ensemble: they are what is stored, what acts and what is
explained. A row goes left where its float32 input is ``<=`` the float64 threshold, exactly as in scikit-learn.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from udrl_explain.compiled import compiled

Link = Literal["mean", "softmax", "logistic"]
LEAF = -1


class Splits(NamedTuple):
    """What a row meets on its way down, as compiled loops take it: the arrays of :class:`Forest` of these names."""

    roots: NDArray[np.int32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Forest:
    """Flat arrays of an ensemble of binary decision trees.

    The trees' nodes stand one tree behind the other; every child stands behind its parent.

    Parameters
    ----------
    roots : int32 array of shape (n_trees,)
        Node index of each tree's root, ascending from 0.
    children_left, children_right : int32 array of shape (n_nodes,)
        Node indices; -1 at leaves.
    feature : int32 array of shape (n_nodes,)
        Input column tested; -1 at leaves.
    threshold : float64 array of shape (n_nodes,)
        In the estimator's (scaled) units; 0 at leaves.
    value : float64 array of shape (n_nodes, n_actions)
        What a node adds to the raw output: class fractions for ``link="mean"``, weighted scores otherwise. An
        inner node holds the cover-weighted mean of its leaves.
    cover : float64 array of shape (n_nodes,)
        Weighted number of training rows that reached the node.
    impurity : float64 array of shape (n_nodes,)
        The training criterion (Gini by default) at the node.
    base : float64 array of shape (n_actions,)
        Added once to the raw output. ``-inf`` for an action that a boosted ensemble never saw.
    n_features : int
    link : {"mean", "softmax", "logistic"}
        Probabilities are the mean over the trees, or the softmax of ``base`` plus the sum over the trees. "logistic" is
        that softmax for two actions, taken as scikit-learn's gradient boosting takes it: the logistic function of the
        difference of their scores for the second, the rest for the first.

    Raises
    ------
    ValueError
        If the arrays are not a forest; the message names the array and the rule.

    Notes
    -----
    Boosted trees are summed into scores. Gradient boosting: Friedman (2001), Algorithm 6. AdaBoost: SAMME,
    Zhu et al. (2009), equation 4.
    """

    roots: NDArray[np.int32]
    children_left: NDArray[np.int32]
    children_right: NDArray[np.int32]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    value: NDArray[np.float64]
    cover: NDArray[np.float64]
    impurity: NDArray[np.float64]
    base: NDArray[np.float64]
    n_features: int
    link: Link

    def __repr__(self) -> str:
        return f"Forest({self.n_trees} trees, {self.n_features} inputs, {self.n_actions} actions, link={self.link!r})"

    def __post_init__(self) -> None:
        _check_types(self)
        _check_structure(self)
        for name in _ARRAYS:
            array = getattr(self, name)
            if array.flags.writeable or not array.flags.c_contiguous:
                array = array.copy(order="C")  # the caller's array stays the caller's
                array.setflags(write=False)
                object.__setattr__(self, name, array)

    @property
    def splits(self) -> Splits:
        """The arrays that decide a row's path."""
        return Splits(self.roots, self.children_left, self.children_right, self.feature, self.threshold)

    @property
    def n_trees(self) -> int:
        """Number of trees."""
        return len(self.roots)

    @property
    def n_nodes(self) -> int:
        """Number of nodes of all trees."""
        return len(self.feature)

    @property
    def n_actions(self) -> int:
        """Number of outputs."""
        return int(self.value.shape[1])

    @property
    def is_leaf(self) -> NDArray[np.bool_]:
        """Whether each node is a leaf, shape ``(n_nodes,)``."""
        return np.asarray(self.children_left == LEAF)

    @property
    def tree_of_node(self) -> NDArray[np.int32]:
        """Index of the tree that each node belongs to, shape ``(n_nodes,)``."""
        sizes = np.diff(np.append(self.roots, self.n_nodes))
        return np.repeat(np.arange(self.n_trees, dtype=np.int32), sizes)

    def leaves(self, rows: NDArray[np.float32]) -> NDArray[np.int32]:
        """Leaf of every tree that every row reaches.

        Parameters
        ----------
        rows : float32 array of shape (n_rows, n_features)
            In the estimator's units (see ``ForestPolicy.tree_inputs``).

        Returns
        -------
        int32 array of shape (n_rows, n_trees)
            Node indices.
        """
        rows = self._checked_rows(rows)
        leaves = np.empty((len(rows), self.n_trees), dtype=np.int32)
        _find_leaves(rows, self.splits, leaves)
        return leaves

    def _checked_rows(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        # The compiled loops read as many columns as the trees test, and compare what they are given.
        if rows.ndim != 2 or rows.shape[1] != self.n_features or rows.dtype != np.float32:
            raise ValueError(
                f"rows must be float32 of shape (n_rows, {self.n_features}), got {rows.dtype} {rows.shape}"
            )
        return np.ascontiguousarray(rows)

    def raw_outputs(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Sum the tree outputs before the link, shape ``(n_rows, n_actions)``: probabilities for ``"mean"``."""
        rows = self._checked_rows(rows)
        totals = np.empty((len(rows), self.n_actions))
        totals[:] = self.base
        _add_leaf_values(rows, self.splits, self.value, totals)
        if self.link == "mean":
            totals /= self.n_trees
        return totals

    def probabilities(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Give action probabilities, shape ``(n_rows, n_actions)``.

        They are scikit-learn's bit for bit, but for AdaBoost: there scikit-learn divides the sum of the votes by the
        weights' sum, here each tree's weight is divided before, and the two differ by up to 2.2e-16.

        Parameters
        ----------
        rows : float32 array of shape (n_rows, n_features)
            In the estimator's units.
        """
        return self.link_outputs(self.raw_outputs(rows))

    def link_outputs(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn raw outputs, shape ``(n_rows, n_actions)``, into probabilities."""
        if self.link == "mean":
            return raw
        if self.link == "logistic":
            first, second = np.flatnonzero(np.isfinite(self.base))
            probabilities = np.zeros_like(raw)
            from scipy.special import expit  # a fifth of a second to import, and few policies need it

            probabilities[:, second] = expit(raw[:, second] - raw[:, first])
            probabilities[:, first] = 1.0 - probabilities[:, second]
            return probabilities
        exponentials = np.exp(raw - raw.max(axis=1, keepdims=True))
        return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


_ARRAYS: dict[str, type[np.generic]] = {
    "roots": np.int32, "children_left": np.int32, "children_right": np.int32, "feature": np.int32,
    "threshold": np.float64, "value": np.float64, "cover": np.float64, "impurity": np.float64,
    "base": np.float64,
}  # fmt: skip
FOREST_ARRAYS = tuple(_ARRAYS)


def _check_types(forest: Forest) -> None:
    for name, dtype in _ARRAYS.items():
        array = getattr(forest, name)
        n_dimensions = 2 if name == "value" else 1
        if not isinstance(array, np.ndarray) or array.dtype != dtype or array.ndim != n_dimensions:
            raise ValueError(f"forest array {name!r} must be {n_dimensions}-dimensional {np.dtype(dtype)}")
    if forest.link not in get_args(Link):
        raise ValueError(f"forest link must be one of {get_args(Link)}, got {forest.link!r}")
    if forest.n_features < 1:
        raise ValueError(f"forest n_features must be at least 1, got {forest.n_features}")
    n_nodes = len(forest.feature)
    for name in ("children_left", "children_right", "threshold", "value", "cover", "impurity"):
        if len(getattr(forest, name)) != n_nodes:
            raise ValueError(f"forest array {name!r} has {len(getattr(forest, name))} entries for {n_nodes} nodes")
    if forest.value.shape[1] != len(forest.base) or len(forest.base) < 1:
        raise ValueError(f"forest value has {forest.value.shape[1]} columns and base {len(forest.base)} entries")
    for name in ("threshold", "value", "cover", "impurity"):
        if not np.isfinite(getattr(forest, name)).all():
            raise ValueError(f"forest array {name!r} holds a value that is not finite")
    if np.isnan(forest.base).any() or np.isposinf(forest.base).any() or not np.isfinite(forest.base).any():
        raise ValueError("forest array 'base' must hold finite numbers, or -inf for actions never seen")
    if forest.link == "logistic" and np.isfinite(forest.base).sum() != 2:
        raise ValueError("forest array 'base' must be finite for two actions where the link is 'logistic'")
    if forest.link == "mean" and forest.base.any():
        raise ValueError("forest array 'base' must be 0 where the link is 'mean'")


def _check_structure(forest: Forest) -> None:
    n_nodes, left, right = len(forest.feature), forest.children_left, forest.children_right
    roots = forest.roots
    if len(roots) == 0 or roots[0] != 0 or (np.diff(roots) <= 0).any() or roots[-1] >= n_nodes:
        raise ValueError("forest roots must ascend from 0 and stay below the number of nodes")
    leaf = left == LEAF
    if (leaf != (right == LEAF)).any():
        raise ValueError("a forest node has one child only")
    inner = np.flatnonzero(~leaf)
    ends = np.append(roots[1:], n_nodes)[forest.tree_of_node[inner]]
    for name, child in (("children_left", left[inner]), ("children_right", right[inner])):
        if (child <= inner).any() or (child >= ends).any():
            raise ValueError(f"forest {name} must point behind the parent and stay inside its tree")
    n_parents = np.bincount(np.concatenate([left[inner], right[inner]]), minlength=n_nodes)
    expected = np.ones(n_nodes, dtype=np.int64)
    expected[roots] = 0
    if (n_parents != expected).any():
        raise ValueError("every forest node but a root must be the child of exactly one node")
    if (forest.feature[inner] < 0).any() or (forest.feature[inner] >= forest.n_features).any():
        raise ValueError(f"forest features must lie in 0..{forest.n_features - 1}")
    if (forest.cover <= 0).any():
        raise ValueError("forest covers must be above 0")


@compiled
def _find_leaves(rows, splits, leaves):  # type: ignore[no-untyped-def]
    for i in range(rows.shape[0]):
        for t in range(splits.roots.shape[0]):
            node = splits.roots[t]
            while splits.left[node] >= 0:
                goes_left = rows[i, splits.feature[node]] <= splits.threshold[node]
                node = splits.left[node] if goes_left else splits.right[node]
            leaves[i, t] = node


@compiled
def _add_leaf_values(rows, splits, value, totals):  # type: ignore[no-untyped-def]
    # Trees are added in their order: the sum is then scikit-learn's, bit for bit.
    for i in range(rows.shape[0]):
        for t in range(splits.roots.shape[0]):
            node = splits.roots[t]
            while splits.left[node] >= 0:
                goes_left = rows[i, splits.feature[node]] <= splits.threshold[node]
                node = splits.left[node] if goes_left else splits.right[node]
            for a in range(value.shape[1]):
                totals[i, a] += value[node, a]
