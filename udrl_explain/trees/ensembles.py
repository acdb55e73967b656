"""Copy a fitted scikit-learn tree ensemble into a :class:`~udrl_explain.forest.Forest`."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.tree import BaseDecisionTree, DecisionTreeClassifier

from udrl_explain.forest import LEAF, Forest, Link


class TreeArrays(Protocol):
    """One tree as scikit-learn's ``Tree`` shows it; whoever has these arrays can make a forest of them."""

    @property
    def node_count(self) -> int: ...  # noqa: D102
    @property
    def children_left(self) -> NDArray[Any]: ...  # noqa: D102
    @property
    def children_right(self) -> NDArray[Any]: ...  # noqa: D102
    @property
    def feature(self) -> NDArray[Any]: ...  # noqa: D102
    @property
    def threshold(self) -> NDArray[Any]: ...  # noqa: D102
    @property
    def impurity(self) -> NDArray[Any]: ...  # noqa: D102
    @property
    def weighted_n_node_samples(self) -> NDArray[Any]: ...  # noqa: D102
    @property
    def value(self) -> NDArray[Any]:
        """Class fractions, shape ``(n_nodes, 1, n_classes)``."""


def forest_from_estimator(estimator: Any, n_actions: int) -> Forest | None:
    """Arrays of a fitted tree ensemble, or None where the estimator has no such form.

    Parameters
    ----------
    estimator : fitted scikit-learn classifier
        Its ``classes_`` are environment actions.
    n_actions : int
        Actions of the environment; outputs for actions not in ``classes_`` are 0.

    Returns
    -------
    Forest or None
        None for any estimator but decision and extra trees, random forests, extra-trees ensembles, bagged trees,
        gradient boosting with its default prior and AdaBoost over trees. Probabilities are the estimator's bit for bit;
        AdaBoost's within 2.2e-16, see :meth:`Forest.probabilities`.
    """
    if isinstance(estimator, DecisionTreeClassifier):
        return averaged_forest([estimator.tree_], [estimator.classes_], estimator.n_features_in_, n_actions)
    if isinstance(estimator, (RandomForestClassifier, ExtraTreesClassifier)):
        classes = [estimator.classes_] * len(estimator.estimators_)
        trees = [tree.tree_ for tree in estimator.estimators_]
        return averaged_forest(trees, classes, estimator.n_features_in_, n_actions)
    if isinstance(estimator, BaggingClassifier):
        return _bagged(estimator, n_actions)
    if isinstance(estimator, GradientBoostingClassifier):
        return _gradient_boosted(estimator, n_actions)
    if isinstance(estimator, AdaBoostClassifier):
        return _ada_boosted(estimator, n_actions)
    return None


def averaged_forest(
    trees: Sequence[TreeArrays],
    classes: Sequence[NDArray[Any]],
    n_features: int,
    n_actions: int,
    columns: Sequence[NDArray[np.intp]] | None = None,
) -> Forest:
    """Forest whose probabilities are the mean of its trees' class fractions.

    Parameters
    ----------
    trees : sequence of TreeArrays
    classes : sequence of arrays of shape (n_classes,)
        The environment action of each output of each tree.
    n_features, n_actions : int
    columns : sequence of arrays, optional
        The input column that each tree's own columns stand for; the same numbers by default.

    Raises
    ------
    ValueError
        If the arrays are no forest.
    """
    values = []
    for tree, labels in zip(trees, classes, strict=True):
        value = np.zeros((tree.node_count, n_actions))
        value[:, labels.astype(np.intp)] = tree.value[:, 0, :]
        values.append(value)
    return _concatenated(trees, values, np.zeros(n_actions), n_features, "mean", columns)


def _bagged(estimator: BaggingClassifier, n_actions: int) -> Forest | None:
    trees = estimator.estimators_
    if not all(isinstance(tree, DecisionTreeClassifier) for tree in trees):
        return None
    # Each tree saw some of the columns and labels, and numbers them in its own way.
    classes = [estimator.classes_[tree.classes_.astype(np.intp)] for tree in trees]
    arrays = [tree.tree_ for tree in trees]
    return averaged_forest(arrays, classes, estimator.n_features_in_, n_actions, estimator.estimators_features_)


def _gradient_boosted(estimator: GradientBoostingClassifier, n_actions: int) -> Forest | None:
    prior = estimator.init_
    if not isinstance(prior, (str, DummyClassifier)):
        return None  # a custom first model depends on the input and is no tree
    classes = estimator.classes_.astype(np.intp)
    columns = classes[1:] if len(classes) == 2 else classes
    base = np.full(n_actions, -np.inf)
    base[classes] = 0.0
    # Under exponential loss (two classes) probabilities are those of twice the scores.
    unit = 2.0 if estimator.loss == "exponential" else 1.0
    base[columns] = unit * estimator._raw_predict_init(np.zeros((1, estimator.n_features_in_)))[0]
    trees, values = [], []
    for stage in estimator.estimators_:
        for column, tree in zip(columns, stage, strict=True):
            value = np.zeros((tree.tree_.node_count, n_actions))
            value[:, column] = unit * estimator.learning_rate * tree.tree_.value[:, 0, 0]
            trees.append(tree.tree_)
            values.append(_inner_means(tree, value))
    link: Link = "logistic" if len(classes) == 2 else "softmax"
    return _concatenated(trees, values, base, estimator.n_features_in_, link)


def _ada_boosted(estimator: AdaBoostClassifier, n_actions: int) -> Forest | None:
    trees = estimator.estimators_
    if not all(isinstance(tree, DecisionTreeClassifier) for tree in trees):
        return None
    classes = estimator.classes_.astype(np.intp)
    n_classes = len(classes)
    if n_classes < 2:
        return None
    total_weight = estimator.estimator_weights_.sum()
    base = np.full(n_actions, -np.inf)
    base[classes] = 0.0
    values = []
    for tree, weight in zip(trees, estimator.estimator_weights_, strict=False):
        # SAMME: a tree gives its weight to the class it votes for and takes a share from the others.
        votes = tree.classes_[tree.tree_.value[:, 0, :].argmax(axis=1)].astype(np.intp)
        value = np.zeros((tree.tree_.node_count, n_actions))
        value[:, classes] = -1.0 / (n_classes - 1)
        value[np.arange(len(votes)), votes] = 1.0
        values.append(_inner_means(tree, value * (weight / total_weight / (n_classes - 1))))
    return _concatenated([tree.tree_ for tree in trees], values, base, estimator.n_features_in_, "softmax")


def _inner_means(tree: BaseDecisionTree, value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give every inner node the cover-weighted mean of its leaves, children before parents."""
    left, right = tree.tree_.children_left, tree.tree_.children_right
    cover = tree.tree_.weighted_n_node_samples
    for node in range(len(left) - 1, -1, -1):
        if left[node] != LEAF:
            a, b = left[node], right[node]
            value[node] = (cover[a] * value[a] + cover[b] * value[b]) / (cover[a] + cover[b])
    return value


def _concatenated(
    trees: Sequence[TreeArrays],
    values: Sequence[NDArray[np.float64]],
    base: NDArray[np.float64],
    n_features: int,
    link: Link,
    columns: Sequence[NDArray[np.intp]] | None = None,
) -> Forest:
    sizes = np.array([tree.node_count for tree in trees])
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int32)

    def joined(name: str, dtype: type[np.generic]) -> NDArray[Any]:
        return np.concatenate([getattr(tree, name) for tree in trees]).astype(dtype)

    left, right = joined("children_left", np.int32), joined("children_right", np.int32)
    is_leaf = left == LEAF
    features = [tree.feature for tree in trees]
    if columns is not None:  # leaves hold a negative number, which is overwritten below
        features = [own[feature] for own, feature in zip(columns, features, strict=True)]
    shift = np.where(is_leaf, 0, np.repeat(roots, sizes)).astype(np.int32)
    return Forest(
        roots=roots,
        children_left=left + shift,
        children_right=right + shift,
        feature=np.where(is_leaf, LEAF, np.concatenate(features)).astype(np.int32),
        threshold=np.where(is_leaf, 0.0, joined("threshold", np.float64)),
        value=np.concatenate(values),
        cover=joined("weighted_n_node_samples", np.float64),
        impurity=joined("impurity", np.float64),
        base=base,
        n_features=int(n_features),
        link=link,
    )
