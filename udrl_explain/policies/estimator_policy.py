"""A policy around a scikit-learn classifier that has no array form here."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udrl_explain.commands import CommandScale, checked_inputs
from udrl_explain.names import checked_action_names, checked_feature_names


@dataclass(frozen=True, eq=False)
class EstimatorPolicy:
    """A policy around a fitted scikit-learn classifier that has no array form here (SVC, KNN, pipelines, ...).

    Parameters
    ----------
    estimator : fitted classifier
        ``classes_`` are environment actions. Never modified.
    n_actions : int
    scale : CommandScale
    feature_names, action_names : tuple of str
        Where none are given, ``state_0 ...`` and the two commands, and ``action 0 ...``.
        They need not be those of the columns that the estimator was fitted on.

    Raises
    ------
    ValueError
        If the names do not fit inputs and actions.
    """

    estimator: Any
    n_actions: int
    scale: CommandScale = CommandScale()
    feature_names: tuple[str, ...] = ()
    action_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        features = checked_feature_names(self.feature_names, self.n_features, self.scale.takes_command)
        object.__setattr__(self, "feature_names", features)
        object.__setattr__(self, "action_names", checked_action_names(self.action_names, self.n_actions))

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
        rows = self.scale.apply(checked_inputs(inputs, self.feature_names))
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
