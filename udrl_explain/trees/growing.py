"""One small tree of weighted rows: grown by scikit-learn, thresholds rounded, tests without a say taken back."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier

from udrl_explain.forest import LEAF, Forest


@dataclass
class _Node:
    """A node in the making; a leaf while it has no children."""

    weight: NDArray[np.float64]
    feature: int = LEAF
    threshold: float = 0.0
    children: tuple["_Node", "_Node"] | tuple[()] = field(default=())

    @property
    def action(self) -> int:
        return int(self.weight.argmax())


def grow_tree(
    rows: NDArray[np.float64],
    actions: NDArray[np.int64],
    weights: NDArray[np.float64],
    n_actions: int,
    max_leaves: int,
    *,
    digits: int | None,
    seed: int,
) -> Forest:
    """Fit one classification tree and make it as short as it can be said.

    Parameters
    ----------
    rows : float64 array of shape (n_rows, n_features)
        Compared in single precision, as everywhere.
    actions : int64 array of shape (n_rows,)
    weights : float64 array of shape (n_rows,)
        Above 0.
    n_actions : int
    max_leaves : int
        At least 2.
    digits : int or None
        Thresholds are rounded to so many digits of the spread of their input (its standard deviation); None leaves
        them. Weights and probabilities of the nodes are counted anew after it.
    seed : int
        Of scikit-learn's choice between equally good tests.

    Returns
    -------
    Forest
        Of one tree. Of two leaves side by side that choose the same action only their parent is left, so that there may
        be fewer leaves than asked for.
    """
    single = rows.astype(np.float32)
    grown = DecisionTreeClassifier(max_leaf_nodes=max_leaves, random_state=seed).fit(single, actions, weights).tree_
    threshold = grown.threshold.copy()
    if digits is not None:
        inner = grown.children_left >= 0
        threshold[inner] = rounded_thresholds(threshold[inner], rows.std(axis=0)[grown.feature[inner]], digits)
    wanted = np.zeros((len(rows), n_actions))
    wanted[np.arange(len(rows)), actions] = weights

    def made(node: int, here: NDArray[np.intp]) -> _Node:
        left, right = int(grown.children_left[node]), int(grown.children_right[node])
        whole = _Node(wanted[here].sum(axis=0))
        if left < 0:
            return whole
        goes_left = single[here, grown.feature[node]] <= threshold[node]
        if goes_left.all() or not goes_left.any():  # rounding moved every row to one side
            return made(left if goes_left.all() else right, here)
        first, second = made(left, here[goes_left]), made(right, here[~goes_left])
        if not first.children and not second.children and first.action == second.action:
            return whole
        whole.feature, whole.threshold = int(grown.feature[node]), float(threshold[node])
        whole.children = (first, second)
        return whole

    return _as_forest(made(0, np.arange(len(rows))), rows.shape[1])


def rounded_thresholds(
    thresholds: NDArray[np.float64], spreads: NDArray[np.float64], digits: int
) -> NDArray[np.float64]:
    """Round each threshold to `digits` digits of its input's spread: 0.01234 at a spread of 0.05 to 0.0123 by three."""
    decimals = digits - 1 - np.floor(np.log10(np.where(spreads > 0, spreads, 1.0))).astype(int)
    return np.array([round(float(t), int(d)) for t, d in zip(thresholds, decimals, strict=True)])


def _as_forest(root: _Node, n_features: int) -> Forest:
    nodes: list[_Node] = []
    left: list[int] = []
    right: list[int] = []

    def put(node: _Node) -> int:
        place = len(nodes)
        nodes.append(node)
        left.append(LEAF)
        right.append(LEAF)
        if node.children:
            left[place] = put(node.children[0])
            right[place] = put(node.children[1])
        return place

    put(root)
    weight = np.array([node.weight for node in nodes])
    cover = weight.sum(axis=1)
    value = weight / cover[:, None]
    return Forest(
        roots=np.zeros(1, dtype=np.int32),
        children_left=np.array(left, dtype=np.int32),
        children_right=np.array(right, dtype=np.int32),
        feature=np.array([node.feature for node in nodes], dtype=np.int32),
        threshold=np.array([node.threshold for node in nodes]),
        value=value,
        cover=cover,
        impurity=1.0 - (value**2).sum(axis=1),
        base=np.zeros(weight.shape[1]),
        n_features=n_features,
        link="mean",
    )
