"""Slow twins of the Shapley engines, straight from the definitions, and small policies to try them on."""

import hashlib
from itertools import product
from math import factorial

import numpy as np
from core_helpers import scaled
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from udrl_explain.forest import Forest
from udrl_explain.policies import ForestPolicy, policy_from_estimator

SCALE = 0.02
FORESTS = {
    "random forest": lambda: RandomForestClassifier(5, max_depth=5, random_state=0),
    "deep random forest": lambda: RandomForestClassifier(3, random_state=0),
    "extra trees": lambda: ExtraTreesClassifier(3, random_state=0),
    "single tree": lambda: DecisionTreeClassifier(max_depth=6, random_state=0),
    "single leaf": lambda: DecisionTreeClassifier(max_depth=1, min_samples_leaf=1000),
}
BOOSTED = {
    "gradient boosting": lambda: GradientBoostingClassifier(n_estimators=4, random_state=0),
    "ada boost": lambda: AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=4, random_state=0),
}
OTHERS = {
    "net": lambda: MLPClassifier((8,), solver="lbfgs", max_iter=20_000, tol=1e-2, alpha=1.0, random_state=0),
    "one-hot SVC": lambda: SVC(),
    "neighbours": lambda: KNeighborsClassifier(5),
}


def rows_and_actions(n_features=5, n_actions=3, n_rows=150, seed=0):
    """Rows with repeated values (a 0/1 column, whole-number commands) and actions that depend on all inputs."""
    generator = np.random.default_rng(seed)
    inputs = generator.normal(size=(n_rows, n_features))
    inputs[:, 0] = generator.integers(0, 2, n_rows)
    inputs[:, -2:] = generator.integers(1, 60, size=(n_rows, 2))
    score = scaled(inputs, SCALE, SCALE) @ generator.normal(size=(n_features, n_actions))
    score += generator.normal(size=score.shape)
    return inputs, score.argmax(axis=1)


def fitted_policy(estimator, n_features=5, n_actions=3, n_rows=150, seed=0):
    inputs, actions = rows_and_actions(n_features, n_actions, n_rows, seed)
    estimator.fit(scaled(inputs, SCALE, SCALE), actions)
    return policy_from_estimator(estimator, n_actions, SCALE, SCALE), inputs


def all_coalitions(n_features):
    return list(product([False, True], repeat=n_features))


def background_worths(outputs, row, background):
    """Worth of every coalition: mean output over background rows that take the coalition's inputs from `row`."""
    return {c: outputs(np.where(c, row, background)).mean(axis=0) for c in all_coalitions(len(row))}


def cover_worths(forest, row):
    """Worth of every coalition when a split on an input outside of it is followed both ways, by cover."""

    def expected(node, coalition):
        left, right = forest.children_left[node], forest.children_right[node]
        if left < 0:
            return forest.value[node]
        if coalition[forest.feature[node]]:
            child = left if row[forest.feature[node]] <= forest.threshold[node] else right
            return expected(child, coalition)
        parts = [forest.cover[child] * expected(child, coalition) for child in (left, right)]
        return sum(parts) / forest.cover[node]

    divisor = forest.n_trees if forest.link == "mean" else 1
    return {
        c: forest.base + sum(expected(root, c) for root in forest.roots) / divisor
        for c in all_coalitions(forest.n_features)
    }


def with_members(coalition, *members):
    return tuple(inside or j in members for j, inside in enumerate(coalition))


def shapley_by_definition(worths):
    """Shapley (1953), over all subsets."""
    n = len(next(iter(worths)))
    values = np.zeros((n, len(next(iter(worths.values())))))
    for coalition, worth in worths.items():
        size = sum(coalition)
        for j in range(n):
            if not coalition[j]:
                weight = factorial(size) * factorial(n - size - 1) / factorial(n)
                values[j] += weight * (worths[with_members(coalition, j)] - worth)
    return values


def interactions_by_definition(worths):
    """Grabisch and Roubens (1999), over all subsets; the whole index on both sides, 0 on the diagonal."""
    n = len(next(iter(worths)))
    index = np.zeros((n, n, len(next(iter(worths.values())))))
    for coalition, worth in worths.items():
        size = sum(coalition)
        for i in range(n):
            for j in range(n):
                if i != j and not coalition[i] and not coalition[j]:
                    weight = factorial(size) * factorial(n - size - 2) / factorial(n - 1)
                    index[i, j] += weight * (
                        worths[with_members(coalition, i, j)]
                        - worths[with_members(coalition, i)]
                        - worths[with_members(coalition, j)]
                        + worth
                    )
    return index


def split_by_definition(worths):
    n = len(next(iter(worths)))
    none, everything = worths[(False,) * n], worths[(True,) * n]
    state = worths[(True,) * (n - 2) + (False, False)]
    command = worths[(False,) * (n - 2) + (True, True)]
    return np.stack([state - none, command - none, everything - state - command + none])


def worths_of(policy, row, background):
    """Worths for the game that `background` stands for."""
    if background is None:
        return cover_worths(policy.forest, policy.tree_inputs(row[None, :])[0])
    return background_worths(policy.action_probabilities, row, background)


def stump_forest(feature, threshold, value_left, value_right, n_features, cover_left=1.0, cover_right=1.0):
    """A policy of one-split trees, given as arrays of one entry per tree; actions 0 and 1."""
    n_trees = len(threshold)
    parents = np.arange(n_trees, dtype=np.int32) * 3
    nodes = 3 * n_trees

    def placed(at_parent, at_left, at_right, dtype):
        array = np.empty(nodes, dtype=dtype)
        array[0::3], array[1::3], array[2::3] = at_parent, at_left, at_right
        return array

    first = placed(0.5, value_left, value_right, np.float64)
    forest = Forest(
        roots=parents,
        children_left=placed(parents + 1, -1, -1, np.int32),
        children_right=placed(parents + 2, -1, -1, np.int32),
        feature=placed(feature, -1, -1, np.int32),
        threshold=placed(threshold, 0.0, 0.0, np.float64),
        value=np.column_stack([first, 1.0 - first]),
        cover=placed(cover_left + cover_right, cover_left, cover_right, np.float64),
        impurity=np.zeros(nodes),
        base=np.zeros(2),
        n_features=n_features,
        link="mean",
    )
    return ForestPolicy(forest)


def digest(policy):
    """Hash of everything that a policy holds."""
    return hashlib.sha256(repr(_content(policy)).encode()).hexdigest()


def _content(thing):
    if isinstance(thing, np.ndarray):
        return thing.tobytes() if thing.dtype != object else [_content(item) for item in thing.ravel()]
    if hasattr(thing, "__getstate__") and hasattr(thing, "node_count"):
        return _content(thing.__getstate__())
    if isinstance(thing, dict):
        return sorted((str(key), _content(value)) for key, value in thing.items())
    if isinstance(thing, (list, tuple)):
        return [_content(item) for item in thing]
    if hasattr(thing, "__dict__"):
        return [type(thing).__name__, _content(vars(thing))]
    return repr(thing)
