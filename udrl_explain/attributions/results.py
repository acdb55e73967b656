"""What the engines give back."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Method = Literal["exact", "permutation"]
Quantity = Literal["probability", "raw score"]


@dataclass(frozen=True, eq=False)
class Attributions:
    """Shapley values of rows, and how they were made.

    Parameters
    ----------
    values : float64 array of shape (n_rows, n_features, n_actions)
        What each input adds to each output of each row.
    base_values : float64 array of shape (n_actions,)
        The outputs when no input is known.
    outputs : float64 array of shape (n_rows, n_actions)
        What is explained, from the policy itself; equal to ``base_values + values.sum(axis=1)`` within 1e-9.
    method : str
    exact : bool
        Whether `values` are the Shapley values of the stated game, not an estimate.
    n_background : int
        Background rows averaged over; 0 for the path-dependent game.
    standard_error : float64 array of the shape of `values`, or None
        Of sampled values.
    quantity : {"probability", "raw score"}
    """

    values: NDArray[np.float64]
    base_values: NDArray[np.float64]
    outputs: NDArray[np.float64]
    method: str
    exact: bool
    n_background: int
    standard_error: NDArray[np.float64] | None = None
    quantity: Quantity = "probability"


@dataclass(frozen=True, eq=False)
class PairAttributions:
    """Shapley interaction indices of all pairs of inputs, and the split between state and command.

    Parameters
    ----------
    values : float64 array of shape (n_rows, n_features, n_features, n_actions)
        Half of each pair's interaction index on both sides of the diagonal; on the diagonal the input's Shapley
        value less its halves. Lines therefore sum to Shapley values.
    split : float64 array of shape (n_rows, 3, n_actions)
        With v the worth of a coalition: ``v(state) - v(none)``, ``v(command) - v(none)`` and
        ``v(all) - v(state) - v(command) + v(none)``.
    base_values, outputs, method, exact, n_background, quantity
        As in :class:`Attributions`.
    """

    values: NDArray[np.float64]
    split: NDArray[np.float64]
    base_values: NDArray[np.float64]
    outputs: NDArray[np.float64]
    method: str
    exact: bool
    n_background: int
    quantity: Quantity = "probability"
