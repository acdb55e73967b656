"""What a policy is, and the three kinds: tree ensembles and nets held as arrays, any other classifier as it is.

A policy takes input rows in natural units and gives one probability per environment action. Ties go to the lowest
action.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udrl_explain.commands import CommandScale, checked_inputs
from udrl_explain.forest import Forest

FLOAT32_MAX = float(np.finfo(np.float32).max)


@runtime_checkable
class Policy(Protocol):
    """What every analysis asks of a policy.

    Attributes
    ----------
    n_features : int
        Input columns: the observation, then desired return and desired horizon.
    n_actions : int
        Actions of the environment, also those that the estimator never saw.
    scale : CommandScale
        Applied to the command columns inside the policy, and nowhere else.
    probability_source : str
        "probabilities", or "one-hot predictions" for an estimator without ``predict_proba``.
    """

    @property
    def n_features(self) -> int: ...  # noqa: D102 - the class docstring describes the attributes
    @property
    def n_actions(self) -> int: ...  # noqa: D102
    @property
    def scale(self) -> CommandScale: ...  # noqa: D102
    @property
    def probability_source(self) -> str: ...  # noqa: D102

    def action_probabilities(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """Probability of every action, shape ``(n_rows, n_actions)``, for rows of shape ``(n_rows, n_features)``."""
        ...


def greedy_actions(probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
    """Most probable action of each row, shape ``(n_rows,)``; ties go to the lowest action."""
    return np.asarray(np.argmax(probabilities, axis=1), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class ForestPolicy:
    """A policy whose estimator is a tree ensemble.

    Parameters
    ----------
    forest : Forest
        In scaled units.
    scale : CommandScale
    """

    forest: Forest
    scale: CommandScale = CommandScale()
    probability_source: str = "probabilities"

    @property
    def n_features(self) -> int:
        """Input columns."""
        return self.forest.n_features

    @property
    def n_actions(self) -> int:
        """Actions of the environment."""
        return self.forest.n_actions

    def tree_inputs(self, inputs: ArrayLike) -> NDArray[np.float32]:
        """Rows as the trees compare them: scaled, then float32; shape ``(n_rows, n_features)``.

        Raises
        ------
        ValueError
            See :func:`~udrl_explain.commands.checked_inputs`; also if scaling leaves the range of float32.
        """
        scaled = self.scale.apply(checked_inputs(inputs, self.n_features))
        if len(scaled) and np.abs(scaled[:, -2:]).max() > FLOAT32_MAX:
            raise ValueError("a command times its scale does not fit float32")
        return scaled.astype(np.float32)

    def action_probabilities(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """Probability of every action, shape ``(n_rows, n_actions)``."""
        return self.forest.probabilities(self.tree_inputs(inputs))


@dataclass(frozen=True, eq=False)
class NeuralPolicy:
    """A multilayer perceptron as plain arrays (the forward pass of ``sklearn.neural_network.MLPClassifier``).

    Parameters
    ----------
    weights : tuple of float64 arrays of shape (n_in, n_out)
    biases : tuple of float64 arrays of shape (n_out,)
    classes : int64 array
        The action of each output; two actions share one logistic output.
    n_actions : int
    activation : {"relu", "tanh", "logistic", "identity"}
        Of the hidden layers.
    scale : CommandScale

    Raises
    ------
    ValueError
        If shapes do not chain, a number is not finite or a class is no action.
    """

    weights: tuple[NDArray[np.float64], ...]
    biases: tuple[NDArray[np.float64], ...]
    classes: NDArray[np.int64]
    n_actions: int
    activation: str = "relu"
    scale: CommandScale = CommandScale()
    probability_source: str = "probabilities"

    def __repr__(self) -> str:
        layers = " x ".join(str(weight.shape[0]) for weight in self.weights)
        return f"NeuralPolicy({layers} x {self.n_actions} actions, {self.activation}, scale={self.scale!r})"

    def __post_init__(self) -> None:
        if self.activation not in _ACTIVATIONS:
            raise ValueError(f"activation must be one of {tuple(_ACTIVATIONS)}, got {self.activation!r}")
        if not self.weights or len(self.weights) != len(self.biases):
            raise ValueError(f"a net needs one bias per weight matrix, got {len(self.biases)}")
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            fan_in = weight.shape[0] if layer == 0 else self.weights[layer - 1].shape[1]
            if weight.ndim != 2 or weight.shape != (fan_in, bias.size) or bias.ndim != 1:
                raise ValueError(f"net layer {layer}: weights {weight.shape} do not fit bias {bias.shape}")
            if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
                raise ValueError(f"net layer {layer} holds a number that is not finite")
        _check_classes(self.classes, self.n_actions)
        n_outputs = 1 if len(self.classes) == 2 else len(self.classes)
        if self.biases[-1].size != n_outputs:
            raise ValueError(f"net has {self.biases[-1].size} outputs for {len(self.classes)} actions")

    @property
    def n_features(self) -> int:
        """Input columns."""
        return int(self.weights[0].shape[0])

    def action_probabilities(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """Probability of every action, shape ``(n_rows, n_actions)``."""
        hidden = self.scale.apply(checked_inputs(inputs, self.n_features))
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            hidden = _ACTIVATIONS[self.activation](hidden @ weight + bias)
        outputs = hidden @ self.weights[-1] + self.biases[-1]
        probabilities = np.zeros((len(outputs), self.n_actions))
        if len(self.classes) == 2:
            second = _logistic(outputs[:, 0])
            probabilities[:, self.classes] = np.column_stack([1.0 - second, second])
        else:
            exponentials = np.exp(outputs - outputs.max(axis=1, keepdims=True))
            probabilities[:, self.classes] = exponentials / exponentials.sum(axis=1, keepdims=True)
        return probabilities


@dataclass(frozen=True, eq=False)
class EstimatorPolicy:
    """A policy around a fitted scikit-learn classifier that has no array form here (SVC, KNN, pipelines, ...).

    Parameters
    ----------
    estimator : fitted classifier
        ``classes_`` are environment actions. Never modified.
    n_actions : int
    scale : CommandScale
    """

    estimator: Any
    n_actions: int
    scale: CommandScale = CommandScale()

    @property
    def n_features(self) -> int:
        """Input columns."""
        return int(self.estimator.n_features_in_)

    @property
    def probability_source(self) -> str:
        """Where the probabilities come from; ties of a one-hot prediction are the estimator's own."""
        return "probabilities" if hasattr(self.estimator, "predict_proba") else "one-hot predictions"

    def action_probabilities(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """Probability of every action, shape ``(n_rows, n_actions)``; one-hot without ``predict_proba``."""
        rows = self.scale.apply(checked_inputs(inputs, self.n_features))
        probabilities = np.zeros((len(rows), self.n_actions))
        if len(rows) == 0:
            return probabilities
        asked = self._as_fitted(rows)
        if self.probability_source == "probabilities":
            probabilities[:, self.estimator.classes_.astype(np.intp)] = self.estimator.predict_proba(asked)
        else:
            probabilities[np.arange(len(rows)), self.estimator.predict(asked).astype(np.intp)] = 1.0
        return probabilities

    def _as_fitted(self, rows: NDArray[np.float64]) -> Any:
        # An estimator fitted on a frame warns at every call about rows without column names.
        names = getattr(self.estimator, "feature_names_in_", None)
        if names is None:
            return rows
        import pandas as pd  # needed for these estimators only

        return pd.DataFrame(rows, columns=list(names))


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

    from udrl_explain.ensembles import forest_from_estimator

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
    _check_classes(np.asarray(classes), n_actions)
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


def _check_classes(classes: NDArray[Any], n_actions: int) -> None:
    valid = classes.ndim == 1 and classes.size > 0 and classes.dtype.kind in "iuf"
    if valid:
        numbers = classes.astype(np.float64)
        valid = bool((numbers == np.floor(numbers)).all() and (np.diff(numbers) > 0).all())
        valid = valid and bool(numbers[0] >= 0 and numbers[-1] < n_actions)
    if not valid:
        raise ValueError(f"classes must be actions 0..{n_actions - 1} in ascending order, got {classes}")


def _logistic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import expit

    return np.asarray(expit(x))


_ACTIVATIONS: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "relu": lambda x: np.maximum(x, 0.0),
    "tanh": np.tanh,
    "logistic": _logistic,
    "identity": lambda x: x,
}
