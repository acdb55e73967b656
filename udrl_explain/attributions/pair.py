"""The command pair: desired return and desired horizon taken as one input, and the magnitude of its credit.

A policy that takes no command has no pair: nothing is appended then.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from udrl_explain.commands import N_COMMANDS, n_commands

PAIR_NAME = "command pair"


def names_with_pair(feature_names: Sequence[str]) -> tuple[str, ...]:
    """Names of the inputs and, where they hold a command, of the pair."""
    return (*feature_names, PAIR_NAME) if n_commands(feature_names) else tuple(feature_names)


def with_pair(values: NDArray[np.float64], feature_names: Sequence[str]) -> NDArray[np.float64]:
    """Append the sum of the two command columns along the last axis: credit of inputs adds up."""
    if not n_commands(feature_names):
        return values
    return np.concatenate([values, values[..., -N_COMMANDS:].sum(axis=-1, keepdims=True)], axis=-1)


def magnitudes_with_pair(values: NDArray[np.float64], feature_names: Sequence[str]) -> NDArray[np.float64]:
    """Magnitude of Shapley values, the two commands' added before theirs is taken.

    Mean |SHAP| is the mean of these over rows and actions: credit that the two commands pass to and fro cancels in the
    pair.

    Parameters
    ----------
    values : float64 array of shape (n_rows, n_features, n_actions)
    feature_names : sequence of str
        The policy's.

    Returns
    -------
    float64 array of shape (n_rows, n_actions, n_features + 1)
        The pair last, where there is one.
    """
    return np.abs(with_pair(np.swapaxes(values, 1, 2), feature_names))
