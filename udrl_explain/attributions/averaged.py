"""A policy that knows some of its inputs only: the others are averaged over a background at every row.

For an averaged forest this is a weighted walk of its own trees. With the known inputs S fixed, a leaf weighs the share
of the background that lies inside its box in the tested inputs outside of S; a test on a known input sends the row one
way, a test on an unknown one sends it both ways. Subtrees without a test on a known input, or without weight, are one
number.

Where few inputs are known such a walk goes nearly everywhere. Then leaves are taken together whose boxes agree in the
known inputs, and every such box is compared with all rows at once.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udrl_explain.attributions.forest_coalitions import HeldShares, held_shares
from udrl_explain.commands import checked_inputs
from udrl_explain.compiled import compiled
from udrl_explain.forest import Forest
from udrl_explain.policies import ForestPolicy, GivesProbabilities, Policy

ROWS_PER_CALL = 8192


class Averaging:
    """A policy and a background, from which policies that know less are made.

    Parameters
    ----------
    policy : Policy
    background : array_like of shape (n_background, n_features)
        Unknown inputs are replaced by each of these rows, and the probabilities averaged over all of them.

    Raises
    ------
    ValueError
        If the background does not fit the policy or is empty.
    """

    def __init__(self, policy: Policy, background: ArrayLike) -> None:
        self.policy = policy
        self.background = checked_inputs(background, policy.feature_names)
        if len(self.background) == 0:
            raise ValueError("background must hold at least one row")
        self._shares: HeldShares | None = None
        if isinstance(policy, ForestPolicy) and policy.forest.link == "mean":
            self._shares = held_shares(policy.forest, policy.tree_inputs(self.background), n_jobs=1)

    def knowing(self, coalition: int) -> GivesProbabilities:
        """Policy that knows the inputs of a coalition.

        Parameters
        ----------
        coalition : int
            Bit j says whether input j is known.

        Raises
        ------
        ValueError
            If a bit stands for no input.
        """
        if not 0 <= coalition < 1 << self.policy.n_features:
            raise ValueError(f"coalition must lie in 0..{(1 << self.policy.n_features) - 1}, got {coalition}")
        if coalition == (1 << self.policy.n_features) - 1:
            return self.policy
        if self._shares is not None and isinstance(self.policy, ForestPolicy):
            few = 2 * coalition.bit_count() <= self.policy.n_features
            return (_ForestKnowingLittle if few else _ForestKnowing)(self.policy, self._shares, coalition)
        return _AnyKnowing(self.policy, self.background, coalition)


class _ForestKnowing:
    """Walks the trees: for many known inputs."""

    def __init__(self, policy: ForestPolicy, shares: HeldShares, coalition: int) -> None:
        self._policy = policy
        self._known = (coalition >> np.arange(policy.n_features) & 1).astype(np.bool_)
        self._asks, self._sums = _summed_subtrees(policy.forest, _leaf_weights(shares, coalition), self._known)

    def action_probabilities(self, inputs: ArrayLike) -> NDArray[np.float64]:
        forest = self._policy.forest
        rows = self._policy.tree_inputs(inputs)
        totals = np.zeros((len(rows), forest.n_actions))
        stack = np.empty(forest.n_nodes + 1, dtype=np.int32)
        _walk(rows, forest.splits, self._known, self._asks, self._sums, stack, totals)
        return totals / forest.n_trees


class _ForestKnowingLittle:
    """Compares rows with boxes: for few known inputs."""

    def __init__(self, policy: ForestPolicy, shares: HeldShares, coalition: int) -> None:
        self._policy, self._boxes = policy, shares.boxes
        self._known = np.flatnonzero(coalition >> np.arange(policy.n_features) & 1)
        weights = _leaf_weights(shares, coalition)
        heavy = np.flatnonzero(weights > 0)
        sides = np.concatenate(
            [side[np.ix_(heavy, self._known)] for side in (shares.boxes.lower, shares.boxes.upper)], 1
        )
        values = weights[heavy, None] * shares.boxes.value[heavy] / policy.forest.n_trees
        self._sides, self._values = _merged(sides.astype(np.int32), values)

    def action_probabilities(self, inputs: ArrayLike) -> NDArray[np.float64]:
        ranks = self._boxes.ranks(self._policy.tree_inputs(inputs))[self._known]
        totals = np.zeros((self._policy.n_actions, ranks.shape[1]))
        room = np.empty(ranks.shape[1], dtype=np.int32)
        _add_boxes(self._sides, self._values, np.ascontiguousarray(ranks, dtype=np.int32), room, totals)
        return np.ascontiguousarray(totals.T)


class _AnyKnowing:
    def __init__(self, policy: Policy, background: NDArray[np.float64], coalition: int) -> None:
        self._policy = policy
        self._known = (coalition >> np.arange(policy.n_features) & 1).astype(np.bool_)
        self._unknown, counts = np.unique(background[:, ~self._known], axis=0, return_counts=True)
        self._shares = counts / len(background)

    def action_probabilities(self, inputs: ArrayLike) -> NDArray[np.float64]:
        rows = checked_inputs(inputs, self._policy.feature_names)
        # Rows that agree in what is known are one row.
        known, inverse = np.unique(rows[:, self._known], axis=0, return_inverse=True)
        n_partners = len(self._shares)
        results = np.empty((len(known), self._policy.n_actions))
        at_once = max(1, ROWS_PER_CALL // n_partners)
        for start in range(0, len(known), at_once):
            part = known[start : start + at_once]
            joined = np.empty((len(part) * n_partners, self._policy.n_features))
            joined[:, self._known] = np.repeat(part, n_partners, axis=0)
            joined[:, ~self._known] = np.tile(self._unknown, (len(part), 1))
            outputs = self._policy.action_probabilities(joined).reshape(len(part), n_partners, -1)
            results[start : start + at_once] = np.einsum("rba,b->ra", outputs, self._shares)
        return np.asarray(results[inverse.ravel()])


def _leaf_weights(shares: HeldShares, coalition: int) -> NDArray[np.float64]:
    """Share of the background inside each leaf's box in the tested inputs that are not known, ``(n_leaves,)``."""
    unknown = np.zeros(len(shares.tested), dtype=np.int64)
    place = np.zeros(len(shares.tested), dtype=np.int64)
    for j in range(shares.n_features):
        tests = (shares.tested >> j & 1).astype(np.int64)
        if not coalition >> j & 1:
            unknown |= tests << place
        place += tests
    return np.asarray(shares.held[shares.start[:-1] + unknown])


def _merged(sides: NDArray[np.int32], values: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Boxes without repetition, and the sums of the values of each; in the order of the sides."""
    if sides.shape[1] == 0:
        return sides[:1], values.sum(axis=0, keepdims=True)
    order = np.lexsort(sides.T)
    ordered = sides[order]
    first = np.flatnonzero(np.concatenate([[True], (ordered[1:] != ordered[:-1]).any(axis=1)]))
    return np.ascontiguousarray(ordered[first]), np.add.reduceat(values[order], first, axis=0)


def _summed_subtrees(
    forest: Forest, weights: NDArray[np.float64], known: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Whether a subtree asks for a known input and has weight, ``(n_nodes,)``, and its weighted sum of leaves."""
    sums = np.zeros_like(forest.value)
    leaves = np.flatnonzero(forest.is_leaf)
    sums[leaves] = weights[:, None] * forest.value[leaves]
    asks = np.zeros(forest.n_nodes, dtype=np.bool_)
    heavy = np.zeros(forest.n_nodes, dtype=np.bool_)
    heavy[leaves] = weights > 0
    _sum_up(forest.children_left, forest.children_right, forest.feature, known, sums, asks, heavy)
    return asks & heavy, sums


@compiled
def _sum_up(left, right, feature, known, sums, asks, heavy):  # type: ignore[no-untyped-def]
    for node in range(feature.shape[0] - 1, -1, -1):  # children stand behind their parents
        if left[node] >= 0:
            a, b = left[node], right[node]
            for k in range(sums.shape[1]):
                sums[node, k] = sums[a, k] + sums[b, k]
            heavy[node] = heavy[a] or heavy[b]
            asks[node] = known[feature[node]] or (asks[a] and heavy[a]) or (asks[b] and heavy[b])


@compiled
def _walk(rows, splits, known, asks, sums, stack, totals):  # type: ignore[no-untyped-def]
    for r in range(rows.shape[0]):
        for t in range(splits.roots.shape[0]):
            stack[0] = splits.roots[t]
            size = 1
            while size > 0:
                size -= 1
                node = stack[size]
                while asks[node]:
                    if known[splits.feature[node]]:
                        node = (
                            splits.left[node]
                            if rows[r, splits.feature[node]] <= splits.threshold[node]
                            else splits.right[node]
                        )
                    else:
                        stack[size] = splits.right[node]
                        size += 1
                        node = splits.left[node]
                for k in range(sums.shape[1]):
                    totals[r, k] += sums[node, k]


@compiled
def _add_boxes(sides, values, ranks, inside, totals):  # type: ignore[no-untyped-def]
    n_known, n_rows = ranks.shape
    for box in range(sides.shape[0]):
        inside[:] = 1
        for k in range(n_known):
            low, high = sides[box, k], sides[box, n_known + k]
            row = ranks[k]
            for r in range(n_rows):
                inside[r] &= np.int32((low <= row[r]) & (row[r] <= high))
        found = np.int32(0)
        for r in range(n_rows):
            found |= inside[r]
        if found:
            for a in range(values.shape[1]):
                value = values[box, a]
                for r in range(n_rows):
                    totals[a, r] += inside[r] * value
