"""A multilayer perceptron as plain arrays."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udrl_explain.commands import CommandScale, checked_inputs
from udrl_explain.names import checked_action_names, checked_feature_names
from udrl_explain.policies.classes import check_classes


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
    feature_names, action_names : tuple of str
        Where none are given, ``state_0 ...`` and the two commands, and ``action 0 ...``.

    Raises
    ------
    ValueError
        If shapes do not chain, a number is not finite, a class is no action, or names do not fit.
    """

    weights: tuple[NDArray[np.float64], ...]
    biases: tuple[NDArray[np.float64], ...]
    classes: NDArray[np.int64]
    n_actions: int
    activation: str = "relu"
    scale: CommandScale = CommandScale()
    probability_source: str = "probabilities"
    feature_names: tuple[str, ...] = ()
    action_names: tuple[str, ...] = ()

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
        check_classes(self.classes, self.n_actions)
        n_outputs = 1 if len(self.classes) == 2 else len(self.classes)
        if self.biases[-1].size != n_outputs:
            raise ValueError(f"net has {self.biases[-1].size} outputs for {len(self.classes)} actions")
        features = checked_feature_names(self.feature_names, self.n_features, self.scale.takes_command)
        object.__setattr__(self, "feature_names", features)
        object.__setattr__(self, "action_names", checked_action_names(self.action_names, self.n_actions))

    @property
    def n_features(self) -> int:
        """Input columns."""
        return int(self.weights[0].shape[0])

    def action_probabilities(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """Probability of every action, shape ``(n_rows, n_actions)``."""
        rows = self.scale.apply(checked_inputs(inputs, self.feature_names))
        return self.probabilities_of_sums(rows @ self.weights[0] + self.biases[0])

    def probabilities_of_sums(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability of every action from the first layer's sums, shape ``(n_rows, n_out)``, before its activation."""
        for weight, bias in zip(self.weights[1:], self.biases[1:], strict=True):
            sums = _ACTIVATIONS[self.activation](sums) @ weight
            sums += bias
        outputs = sums
        probabilities = np.zeros((len(outputs), self.n_actions))
        if len(self.classes) == 2:
            second = _logistic(outputs[:, 0])
            probabilities[:, self.classes] = np.column_stack([1.0 - second, second])
        else:
            exponentials = np.exp(outputs - outputs.max(axis=1, keepdims=True))
            probabilities[:, self.classes] = exponentials / exponentials.sum(axis=1, keepdims=True)
        return probabilities


def _logistic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import expit

    return np.asarray(expit(x))


_ACTIVATIONS: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "relu": lambda x: np.maximum(x, 0.0),
    "tanh": np.tanh,
    "logistic": _logistic,
    "identity": lambda x: x,
}
