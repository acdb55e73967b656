"""Policies of classifiers that somebody fitted."""

from typing import Any

import numpy as np

from udrl_explain.commands import CommandScale
from udrl_explain.policies.classes import check_classes
from udrl_explain.policies.estimator_policy import EstimatorPolicy
from udrl_explain.policies.forest_policy import ForestPolicy
from udrl_explain.policies.neural_policy import NeuralPolicy
from udrl_explain.policies.protocol import Policy


def policy_from_estimator(
    estimator: Any, n_actions: int, return_scale: float = 1.0, horizon_scale: float = 1.0
) -> Policy:
    """Make a policy of a classifier that you fitted yourself.

    Parameters
    ----------
    estimator : fitted scikit-learn classifier
        Fitted on rows (observation, desired return x `return_scale`, desired horizon x `horizon_scale`) with
        environment actions 0..n_actions-1 as labels. It is read, never modified.
    n_actions : int
        Actions of the environment.
    return_scale, horizon_scale : float
        The factors used when it was fitted.

    Returns
    -------
    ForestPolicy, NeuralPolicy or EstimatorPolicy

    Raises
    ------
    ValueError
        If the estimator is not a fitted classifier, or its classes are not actions.
    """
    # Heavy, and not needed to act with a stored policy.
    from sklearn.base import is_classifier
    from sklearn.neural_network import MLPClassifier

    from udrl_explain.trees.ensembles import forest_from_estimator

    if isinstance(estimator, type) or not hasattr(estimator, "__sklearn_tags__") or not is_classifier(estimator):
        raise ValueError(f"a policy needs a fitted scikit-learn classifier, got {_type_name(estimator)}")
    name = _type_name(estimator)
    classes = getattr(estimator, "classes_", None)
    if classes is None or not hasattr(estimator, "n_features_in_"):
        raise ValueError(f"{name} is not fitted: call its fit(inputs, actions) first")
    if isinstance(classes, list) or _is_multilabel(estimator):
        raise ValueError(f"{name} was fitted on several labels per row; a policy chooses one action")
    if estimator.n_features_in_ < 3:
        raise ValueError(
            f"{name} was fitted on {estimator.n_features_in_} columns; a policy needs at least one "
            "observation column, desired_return and desired_horizon"
        )
    check_classes(np.asarray(classes), n_actions)
    scale = CommandScale(return_scale, horizon_scale)
    forest = forest_from_estimator(estimator, n_actions)
    if forest is not None:
        return ForestPolicy(forest, scale)
    if isinstance(estimator, MLPClassifier) and len(classes) >= 2:
        return NeuralPolicy(
            weights=tuple(np.array(weight, dtype=np.float64) for weight in estimator.coefs_),
            biases=tuple(np.array(bias, dtype=np.float64) for bias in estimator.intercepts_),
            classes=np.array(classes, dtype=np.int64),
            n_actions=n_actions,
            activation=estimator.activation,
            scale=scale,
        )
    return EstimatorPolicy(estimator, n_actions, scale)


def _type_name(estimator: Any) -> str:
    return f"the class {estimator.__name__}" if isinstance(estimator, type) else type(estimator).__name__


def _is_multilabel(estimator: Any) -> bool:
    # Nets and one-versus-rest classifiers keep the classes of several labels in one array, like those of one label.
    binarizer = getattr(estimator, "_label_binarizer", getattr(estimator, "label_binarizer_", None))
    return getattr(binarizer, "y_type_", "").startswith("multilabel") or bool(getattr(estimator, "multilabel_", False))
