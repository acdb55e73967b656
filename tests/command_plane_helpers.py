"""Hand-made forests over commands, and commands on and beside the edges of a plane."""

import numpy as np

from udrl_explain.commands import CommandScale, input_rows
from udrl_explain.forest import Forest
from udrl_explain.policies import ForestPolicy

OBSERVATION, RETURN, HORIZON = 0, 1, 2


def forest_policy(trees, *, link="mean", base=None, scale=(1.0, 1.0)):
    """Policy over one observation and the commands; a tree is ``(column, threshold, left, right)`` or a leaf's list."""
    columns, roots = {"left": [], "right": [], "feature": [], "threshold": [], "value": []}, []

    def place(tree):
        node = len(columns["left"])
        leaf = isinstance(tree, list)
        for name, number in (("left", -1), ("right", -1), ("feature", -1), ("threshold", 0.0)):
            columns[name].append(number)
        columns["value"].append(tree if leaf else None)
        if not leaf:
            columns["feature"][node], columns["threshold"][node] = tree[0], tree[1]
            columns["left"][node] = place(tree[2])
            columns["right"][node] = place(tree[3])
            left, right = (columns["value"][columns[side][node]] for side in ("left", "right"))
            columns["value"][node] = [(a + b) / 2 for a, b in zip(left, right, strict=True)]
        return node

    for tree in trees:
        roots.append(place(tree))
    n_nodes, n_actions = len(columns["left"]), len(columns["value"][0])
    forest = Forest(
        roots=np.array(roots, dtype=np.int32),
        children_left=np.array(columns["left"], dtype=np.int32),
        children_right=np.array(columns["right"], dtype=np.int32),
        feature=np.array(columns["feature"], dtype=np.int32),
        threshold=np.array(columns["threshold"], dtype=np.float64),
        value=np.array(columns["value"], dtype=np.float64),
        cover=np.ones(n_nodes),
        impurity=np.zeros(n_nodes),
        base=np.zeros(n_actions) if base is None else np.array(base, dtype=np.float64),
        n_features=3,
        link=link,
    )
    return ForestPolicy(forest, CommandScale(*scale))


def corner_policy(**options):
    """Action 1 wins where return > 40 and horizon <= 30, and the observation is not above 0.5; else action 0."""
    inner = (RETURN, 40.0, [1.0, 0.0], (HORIZON, 30.0, [0.0, 1.0], [1.0, 0.0]))
    return forest_policy([(OBSERVATION, 0.5, inner, [1.0, 0.0])], **options)


# float32 rounds half to even: these are the last float64 numbers that it rounds down to 40 and to 30.
EDGE_40, EDGE_30 = 40 + 2.0**-19, 30 + 2.0**-20


def commands_around(cells, rng, n_random=500, n_edges=500):
    """Commands in the plane: at random, and on edges or one float64 or float32 step beside them."""
    chosen = []
    for edges in (cells.return_edges, cells.horizon_edges):
        uniform = rng.uniform(edges[0], edges[-1], n_random)
        at = rng.choice(edges, n_edges)
        steps = [
            at,
            np.nextafter(at, np.inf),
            np.nextafter(at, -np.inf),
            at + np.abs(at) * 2.0**-23,
            at - np.abs(at) * 2.0**-23,
            rng.uniform(edges[0], edges[-1], n_edges),
        ]
        beside = np.choose(rng.integers(len(steps), size=n_edges), steps)
        chosen.append(np.clip(np.concatenate([uniform, beside]), edges[0], edges[-1]))
    return np.column_stack(chosen)


def asked(policy, state, commands):
    """What the policy itself gives at commands."""
    return policy.action_probabilities(input_rows(state, commands))
