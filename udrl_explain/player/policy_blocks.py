"""Policies as the page evaluates them: trees and nets as blocks, with no bit lost that decides an answer."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from udrl_explain.forest import LEAF, Forest
from udrl_explain.player.blocks import block, whole_block
from udrl_explain.policies import ForestPolicy, NeuralPolicy, Policy
from udrl_explain.trees.float32_edges import float32_below

_LARGEST_COUNT = 2**32


def policy_blocks(policy: Policy) -> dict[str, Any]:
    """Give what the page needs of a policy to answer as it does.

    Parameters
    ----------
    policy : Policy
        See :func:`why_not`.

    Returns
    -------
    dict
        ``kind``: "forest" or "net", the blocks under that name, and the scales of the command.

    Raises
    ------
    ValueError
        If the page cannot evaluate it.
    """
    reason = why_not(policy)
    if reason:
        raise ValueError(reason)
    scales = {"return_scale": policy.scale.return_scale, "horizon_scale": policy.scale.horizon_scale}
    if isinstance(policy, ForestPolicy):
        return {"kind": "forest", **scales, "forest": forest_blocks(policy.forest)}
    assert isinstance(policy, NeuralPolicy)
    return {"kind": "net", **scales, "net": _net_blocks(policy)}


def why_not(policy: Policy) -> str:
    """Why the page cannot play a policy; empty where it can."""
    if not isinstance(policy, (ForestPolicy, NeuralPolicy)):
        return f"a {_name_of(policy)} has no form as arrays that a browser could evaluate"
    if not policy.scale.takes_command:
        return "its policy takes no command, and the player is there to command it"
    return ""


def forest_blocks(forest: Forest) -> dict[str, Any]:
    """Give a forest with its nodes depth first: a node, its left branch, its right branch, then the next tree.

    Which nodes are leaves then says all about the trees' shape. Thresholds are rounded down to float32: rows are
    compared as float32, and of two float32 numbers between which no third lies none falls between threshold and
    rounded threshold, so each row goes the same way. Leaves hold counted rows where the shares are such counts.
    """
    order = _depth_first(forest)
    leaf = forest.children_left[order] == LEAF
    inner = order[~leaf]
    blocks = {
        "n_trees": forest.n_trees,
        "n_features": forest.n_features,
        "n_actions": forest.n_actions,
        "link": forest.link,
        "base": block(forest.base, "f8"),
        "is_leaf": block(leaf, "u1"),
        "inner_feature": whole_block(forest.feature[inner]),
        "inner_threshold": block(float32_below(forest.threshold[inner])),
    }
    values, covers = forest.value[order[leaf]], forest.cover[order[leaf]]
    counts = np.rint(values * covers[:, None])
    if _are_shares_of(counts, values):
        return blocks | {"leaf_counts": whole_block(counts.astype(np.int64))}
    return blocks | {"leaf_values": block(values, "f8")}


def _depth_first(forest: Forest) -> NDArray[np.int64]:
    """Node indices of all trees, each tree depth first."""
    left, right = forest.children_left.tolist(), forest.children_right.tolist()
    order = []
    for root in forest.roots.tolist():
        waiting = [root]
        while waiting:
            node = waiting.pop()
            order.append(node)
            if left[node] != LEAF:
                waiting += (right[node], left[node])
    return np.array(order, dtype=np.int64)


def _are_shares_of(counts: NDArray[np.float64], values: NDArray[np.float64]) -> bool:
    if (counts < 0).any() or counts.max() >= _LARGEST_COUNT or counts.sum(axis=1).min() < 1:
        return False
    return bool((counts / counts.sum(axis=1, keepdims=True)).tobytes() == values.tobytes())


def _net_blocks(policy: NeuralPolicy) -> dict[str, Any]:
    return {
        "n_actions": policy.n_actions,
        "classes": [int(action) for action in policy.classes],
        "activation": policy.activation,
        "weights": [block(weight, "f8") for weight in policy.weights],
        "biases": [block(bias, "f8") for bias in policy.biases],
    }


def _name_of(policy: Policy) -> str:
    return type(getattr(policy, "estimator", policy)).__name__
