"""Small fitted policies and rows on thresholds, for the tests of paths and importances."""

import hashlib
from dataclasses import fields

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from udrl_explain.forest import FOREST_ARRAYS, Forest
from udrl_explain.policies import ForestPolicy, policy_from_estimator

SCALE = 0.02
FACTORS = np.array([1.0, 1.0, 1.0, SCALE, SCALE])
ESTIMATORS = {
    "tree": DecisionTreeClassifier(max_depth=6, random_state=0),
    "forest": RandomForestClassifier(12, max_depth=7, random_state=1),
    "extra": ExtraTreesClassifier(12, max_depth=7, random_state=2),
}


def rows_and_actions(n_rows=400, seed=0, n_actions=3):
    """Three observations and two commands; the action depends on the first observation and the horizon."""
    generator = np.random.default_rng(seed)
    inputs = np.column_stack([generator.normal(size=(n_rows, 3)), generator.integers(1, 200, size=(n_rows, 2))])
    score = inputs[:, 0] + 0.01 * inputs[:, 4] + generator.normal(scale=0.3, size=n_rows)
    return inputs.astype(np.float64), np.digitize(score, [0.4, 1.4])[:n_rows].clip(max=n_actions - 1)


def fitted(name):
    """Policy with scales 0.02, its estimator, and the rows it was fitted on, in natural units."""
    inputs, actions = rows_and_actions()
    estimator = ESTIMATORS[name].__class__(**ESTIMATORS[name].get_params()).fit(inputs * FACTORS, actions)
    return policy_from_estimator(estimator, 3, SCALE, SCALE), estimator, inputs, actions


def trees_of(estimator):
    """The scikit-learn trees of an estimator."""
    return [tree.tree_ for tree in getattr(estimator, "estimators_", [estimator])]


def rows_on_thresholds(policy, inputs, n_rows=150, seed=3):
    """Copies of rows with one input put on a threshold, and one step of float32 or float64 beside it."""
    generator = np.random.default_rng(seed)
    forest, factors = policy.forest, policy.scale.factors(policy.n_features)
    inner = np.flatnonzero(~forest.is_leaf)
    rows = inputs[generator.integers(len(inputs), size=n_rows)].copy()
    for row in rows:
        node = generator.choice(inner)
        threshold, column = forest.threshold[node], forest.feature[node]
        exact = np.float32(threshold)
        near = [exact, np.nextafter(exact, np.float32(np.inf)), np.nextafter(exact, np.float32(-np.inf)), threshold]
        value = float(near[generator.integers(4)]) / factors[column]
        row[column] = [value, np.nextafter(value, np.inf), np.nextafter(value, -np.inf)][generator.integers(3)]
    return rows


def hand_made(link="mean", n_trees=2):
    """One tree with a test of the observation, then of the horizon, and one tree that is a single leaf.

    Tree 0, node 0: obs <= 0.5 ? node 1 : node 2; node 2: horizon * 0.5 <= 10 ? node 3 : node 4. Tree 1: node 5.
    """
    base = np.zeros(2) if link == "mean" else np.array([0.25, -0.5])
    forest = Forest(
        roots=np.array([0, 5], dtype=np.int32),
        children_left=np.array([1, -1, 3, -1, -1, -1], dtype=np.int32),
        children_right=np.array([2, -1, 4, -1, -1, -1], dtype=np.int32),
        feature=np.array([0, -1, 2, -1, -1, -1], dtype=np.int32),
        threshold=np.array([0.5, 0, 10.0, 0, 0, 0]),
        value=np.array([[0.5, 0.5], [1.0, 0.0], [0.25, 0.75], [0.5, 0.5], [0.0, 1.0], [0.75, 0.25]]),
        cover=np.array([12.0, 4, 8, 4, 4, 12]),
        impurity=np.array([0.5, 0.0, 0.375, 0.5, 0.0, 0.375]),
        base=base,
        n_features=3,
        link=link,
    )
    from udrl_explain.commands import CommandScale

    return ForestPolicy(forest, CommandScale(1.0, 0.5))


def fingerprint(policy):
    """Hash of everything a forest policy holds."""
    digest = hashlib.sha256()
    for field in fields(policy.forest):
        content = getattr(policy.forest, field.name)
        digest.update(content.tobytes() if field.name in FOREST_ARRAYS else repr(content).encode())
    return digest.hexdigest()
