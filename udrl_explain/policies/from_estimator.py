"""Policies of classifiers that somebody fitted."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from udrl_explain.commands import COMMAND_NAMES, N_COMMANDS, CommandScale
from udrl_explain.policies.classes import check_classes
from udrl_explain.policies.estimator_policy import EstimatorPolicy
from udrl_explain.policies.forest_policy import ForestPolicy
from udrl_explain.policies.neural_policy import NeuralPolicy


def policy_from_estimator(
    estimator: Any,
    n_actions: int,
    return_scale: float = 1.0,
    horizon_scale: float = 1.0,
    *,
    feature_names: Sequence[str] | None = None,
    action_names: Sequence[str] | None = None,
) -> ForestPolicy | NeuralPolicy | EstimatorPolicy:
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
    feature_names : sequence of str, optional
        One per column, the last two ``desired_return`` and ``desired_horizon``. By default those of the frame that the
        estimator was fitted on, else ``state_0 ...`` and the two commands.
    action_names : sequence of str, optional
        By default ``action 0 ...``.

    Returns
    -------
    ForestPolicy, NeuralPolicy or EstimatorPolicy

    Raises
    ------
    ValueError
        If the estimator is not a fitted classifier, its classes are not actions, names do not fit, or it was fitted on
        a frame whose last two columns are not the commands and `feature_names` does not say that they are.
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
    features = _feature_names(estimator, name, feature_names)
    actions = () if action_names is None else tuple(action_names)
    forest = forest_from_estimator(estimator, n_actions)
    if forest is not None:
        return ForestPolicy(forest, scale, feature_names=features, action_names=actions)
    if isinstance(estimator, MLPClassifier) and len(classes) >= 2:
        return NeuralPolicy(
            weights=tuple(np.array(weight, dtype=np.float64) for weight in estimator.coefs_),
            biases=tuple(np.array(bias, dtype=np.float64) for bias in estimator.intercepts_),
            classes=np.array(classes, dtype=np.int64),
            n_actions=n_actions,
            activation=estimator.activation,
            scale=scale,
            feature_names=features,
            action_names=actions,
        )
    return EstimatorPolicy(estimator, n_actions, scale, features, actions)


def _feature_names(estimator: Any, name: str, given: Sequence[str] | None) -> tuple[str, ...]:
    """Names of the columns: as given, else those of the frame that the estimator was fitted on, else none."""
    fitted = tuple(str(column) for column in getattr(estimator, "feature_names_in_", ()))
    if given is not None:
        names = (given,) if isinstance(given, str) else tuple(given)
        for column, (own, new) in enumerate(zip(fitted, names, strict=False)):
            if new != own and new in fitted:
                raise ValueError(
                    f"feature_names must keep the order of the columns that {name} was fitted on: {new!r} was column "
                    f"{fitted.index(new)} there and stands at {column}"
                )
        return names
    if fitted and fitted[-N_COMMANDS:] != COMMAND_NAMES:
        raise ValueError(
            f"{name} was fitted on the columns {', '.join(fitted)}, whose last two must be "
            f"{' and '.join(COMMAND_NAMES)}: fit it on columns in that order or, where those two are the commands "
            "under other names, give feature_names; for a policy without a command take "
            "policy_from_callable(estimator.predict_proba, ..., command=None)"
        )
    return fitted


def _type_name(estimator: Any) -> str:
    return f"the class {estimator.__name__}" if isinstance(estimator, type) else type(estimator).__name__


def _is_multilabel(estimator: Any) -> bool:
    # Nets and one-versus-rest classifiers keep the classes of several labels in one array, like those of one label.
    binarizer = getattr(estimator, "_label_binarizer", getattr(estimator, "label_binarizer_", None))
    return getattr(binarizer, "y_type_", "").startswith("multilabel") or bool(getattr(estimator, "multilabel_", False))
