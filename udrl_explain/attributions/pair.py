"""The command pair: desired return and desired horizon taken as one input, and the magnitude of its credit."""

import numpy as np
from numpy.typing import NDArray

from udrl_explain.commands import N_COMMANDS

PAIR_NAME = "command pair"


def with_pair(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Append the sum of the two command columns along the last axis: credit of inputs adds up."""
    return np.concatenate([values, values[..., -N_COMMANDS:].sum(axis=-1, keepdims=True)], axis=-1)


def magnitudes_with_pair(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Magnitude of Shapley values, the two commands' added before theirs is taken.

    Mean |SHAP| is the mean of these over rows and actions: credit that the two commands pass to and fro cancels in the
    pair.

    Parameters
    ----------
    values : float64 array of shape (n_rows, n_features, n_actions)

    Returns
    -------
    float64 array of shape (n_rows, n_actions, n_features + 1)
        The pair last.
    """
    return np.abs(with_pair(np.swapaxes(values, 1, 2)))
