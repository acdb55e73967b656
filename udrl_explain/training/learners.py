"""Estimators by name, and fitting them on training rows: trees and others anew each time, nets step by step."""

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.neural_network import MLPClassifier

from udrl_explain.commands import CommandScale
from udrl_explain.config import NEURAL, TrainConfig
from udrl_explain.environments import EnvironmentNames
from udrl_explain.policies import Policy, greedy_actions, policy_from_estimator
from udrl_explain.settings.arguments import argument_values

HIDDEN_LAYERS = (64, 64)
_VANISHED = 1e-150


def make_estimator(name: str, batch_size: int = 0) -> Any:
    """Unfitted classifier by its name.

    Parameters
    ----------
    name : str
        ``module.Class`` inside scikit-learn, or ``"neural"``: an ``MLPClassifier`` with two hidden layers of 64
        rectified linear units, trained with Adam.
    batch_size : int
        Rows per gradient step of the net; 0 leaves the choice to scikit-learn.

    Raises
    ------
    ValueError
        If scikit-learn has no such classifier, or it cannot be made without arguments.
    """
    if name == NEURAL:
        return MLPClassifier(hidden_layer_sizes=HIDDEN_LAYERS, batch_size=batch_size or "auto")
    rule = f"estimator_name must be 'neural' or a scikit-learn classifier as module.Class, got {name!r}"
    module_name, _, class_name = name.rpartition(".")
    if not module_name or not all(part.isidentifier() for part in name.split(".")):
        raise ValueError(rule)
    try:
        kind = getattr(importlib.import_module(f"sklearn.{module_name}"), class_name)
    except (ImportError, AttributeError):
        raise ValueError(f"{rule}: scikit-learn has no such class") from None
    if not (isinstance(kind, type) and issubclass(kind, BaseEstimator)):
        raise ValueError(f"{rule}: it is no estimator")
    if not issubclass(kind, ClassifierMixin):
        raise ValueError(f"{rule}: it is no classifier")
    try:
        return kind()
    except TypeError as fault:
        raise ValueError(f"{rule}: it needs arguments of its own ({fault})") from None


def with_arguments(estimator: Any, arguments: Sequence[str], setting: str = "estimator_arguments") -> Any:
    """Give an unfitted estimator its arguments.

    Parameters
    ----------
    estimator : scikit-learn classifier
    arguments : sequence of str
        ``name=value``.
    setting : str
        Where they come from, for messages.

    Raises
    ------
    ValueError
        If the estimator has no such argument or does not take the value.
    """
    values = argument_values(arguments)
    known = estimator.get_params()
    for name in values:
        if name not in known:
            raise ValueError(
                f"{setting}: {type(estimator).__name__} has no argument {name!r}; it has {', '.join(sorted(known))}"
            )
    try:
        estimator.set_params(**values)
        estimator._validate_params()
    except ValueError as fault:
        raise ValueError(f"{setting}: {' '.join(str(fault).split())}") from None
    return estimator


class Learner:
    """Fits one estimator again and again and hands out the policy it stands for.

    Parameters
    ----------
    config : TrainConfig
        Resolved.
    names : EnvironmentNames
        Of the inputs and actions; the policies carry them.
    generator : numpy.random.Generator
        Gives every fit its random state.
    arguments : sequence of str, optional
        Of the estimator, instead of the setting `estimator_arguments`.
    """

    def __init__(
        self,
        config: TrainConfig,
        names: EnvironmentNames,
        generator: np.random.Generator,
        arguments: Sequence[str] | None = None,
    ) -> None:
        self._scale = CommandScale(config.return_scale, config.horizon_scale)
        self._names = names
        self._n_actions = len(names.action_names)
        self._generator = generator
        self._estimator = with_arguments(
            make_estimator(config.estimator_name, config.batch_size or 0),
            (config.estimator_arguments or ()) if arguments is None else arguments,
        )
        self._one_step = config.rows_per_episode != 1
        self._most_samples = self._estimator.get_params().get("max_samples")
        self._continues = config.estimator_name == NEURAL
        self._is_seeded = "random_state" in self._estimator.get_params()
        if self._continues:
            self._estimator.set_params(random_state=self._new_seed())

    @staticmethod
    def check(config: TrainConfig) -> None:
        """Find out before a training whether the estimator exists and takes its arguments.

        Raises
        ------
        ValueError
            Naming the setting.
        """
        for setting in ("estimator_arguments", "final_arguments"):
            arguments = getattr(config, setting) or ()
            with_arguments(make_estimator(config.estimator_name), arguments, setting)

    def fit(self, inputs: NDArray[np.float64], actions: NDArray[np.int64]) -> Policy:
        """Fit on rows in natural units, shape ``(n_rows, n_features)``, and return the policy."""
        rows = self._scale.apply(inputs)
        if self._continues:
            if self._one_step:  # as with one row per episode: a fit is one step of the gradient
                self._estimator.set_params(batch_size=len(rows))
            self._estimator.partial_fit(rows, actions, classes=np.arange(self._n_actions))
            _flush_denormals(self._estimator)
        else:
            if self._is_seeded:
                self._estimator.set_params(random_state=self._new_seed())
            if isinstance(self._most_samples, int):
                self._estimator.set_params(max_samples=min(self._most_samples, len(rows)))
            self._estimator.fit(rows, actions)
        return policy_from_estimator(
            self._estimator,
            self._n_actions,
            self._scale.return_scale,
            self._scale.horizon_scale,
            feature_names=self._names.feature_names,
            action_names=self._names.action_names,
        )

    def _new_seed(self) -> int:
        return int(self._generator.integers(1 << 31))


def _flush_denormals(net: MLPClassifier) -> None:
    """Set vanished numbers of a net to 0.

    Weight decay shrinks the weights of dead units until they are denormal; every product with one of those costs the
    processor a hundred times as much, and the trained policy would carry them along.
    """
    optimizer = net._optimizer
    for array in (*net.coefs_, *net.intercepts_, *optimizer.ms, *optimizer.vs):
        array[np.abs(array) < _VANISHED] = 0.0


def accuracy(policy: Policy, inputs: NDArray[np.float64], actions: NDArray[np.int64]) -> float:
    """Share of rows in which the policy's most probable action is the one taken."""
    return float((greedy_actions(policy.action_probabilities(inputs)) == actions).mean())
