"""Several forests that average their trees, as one."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from udrl_explain.forest import LEAF, Forest
from udrl_explain.policies import ForestPolicy


def joined_policy(policies: Sequence[ForestPolicy]) -> ForestPolicy:
    """One forest of all trees: its probabilities are the mean over the policies, weighted by their trees.

    Raises
    ------
    ValueError
        If there is none, or they do not average their trees, or differ in scale or shape.
    """
    if not policies:
        raise ValueError("there is no policy to join")
    first = policies[0].forest
    for policy in policies:
        forest = policy.forest
        if forest.link != "mean":
            raise ValueError("only forests that average their trees can be joined")
        if (forest.n_features, forest.n_actions, policy.scale) != (
            first.n_features, first.n_actions, policies[0].scale,
        ):  # fmt: skip
            raise ValueError("policies to join must have the same inputs, actions and scale")
    forests = [policy.forest for policy in policies]
    offsets = np.cumsum([0] + [forest.n_nodes for forest in forests])[:-1].astype(np.int32)

    def moved(name: str) -> NDArray[np.int32]:
        parts = [
            np.where(getattr(forest, name) == LEAF, LEAF, getattr(forest, name) + offset)
            for forest, offset in zip(forests, offsets, strict=True)
        ]
        return np.concatenate(parts).astype(np.int32)

    joined = {
        name: np.concatenate([getattr(forest, name) for forest in forests])
        for name in ("feature", "threshold", "value", "cover", "impurity")
    }
    roots = np.concatenate([forest.roots + offset for forest, offset in zip(forests, offsets, strict=True)])
    forest = Forest(
        roots=roots.astype(np.int32),
        children_left=moved("children_left"),
        children_right=moved("children_right"),
        base=first.base,
        n_features=first.n_features,
        link="mean",
        **joined,
    )
    return replace(policies[0], forest=forest)
