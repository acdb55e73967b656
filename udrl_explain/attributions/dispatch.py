"""The entry point: choose the engine for a policy, check that the values add up to its output."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udrl_explain.attributions.enumeration import enumerated_values
from udrl_explain.commands import checked_inputs
from udrl_explain.policies import ForestPolicy, Policy

Method = Literal["exact", "permutation"]
Quantity = Literal["probability", "raw score"]
TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class Attributions:
    """Shapley values of rows, and how they were made.

    Parameters
    ----------
    values : float64 array of shape (n_rows, n_features, n_actions)
        What each input adds to each output of each row.
    base_values : float64 array of shape (n_actions,)
        The output when no input is known.
    outputs : float64 array of shape (n_rows, n_actions)
        What is explained: ``base_values + values.sum(axis=1)``, from the policy itself.
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


def attribute(
    policy: Policy,
    inputs: ArrayLike,
    background: ArrayLike | None = None,
    *,
    method: Method = "exact",
    quantity: Quantity = "probability",
    seed: int = 0,
    n_jobs: int | None = None,
) -> Attributions:
    """Shapley values of every input for every action in every row.

    Parameters
    ----------
    policy : Policy
        Never modified.
    inputs : array_like of shape (n_rows, n_features)
        Rows to explain, in natural units.
    background : array_like of shape (n_background, n_features), optional
        Inputs that are not in a coalition are replaced by each of these rows, and the output averaged over all of
        them (interventional game). None, for forests only: such inputs follow both branches of a split in
        proportion to the training rows that did (path-dependent game).
    method : {"exact", "permutation"}
    quantity : {"probability", "raw score"}
        What is explained. Raw scores exist for boosted forests.
    seed : int
        Used by ``method="permutation"`` only.
    n_jobs : int, optional
        Threads; None takes all cores. Results do not depend on it.

    Returns
    -------
    Attributions

    Raises
    ------
    ValueError
        If the rows do not fit the policy, the game needs a background, or the method cannot explain this policy;
        the message names what can.
    """
    rows = checked_inputs(inputs, policy.n_features)
    if background is None:
        if not isinstance(policy, ForestPolicy):
            raise ValueError("background must be rows of inputs for this policy, got None")
        raise NotImplementedError
    background_rows = checked_inputs(background, policy.n_features)
    values, base = enumerated_values(policy, rows, background_rows)
    result = Attributions(
        values, base, policy.action_probabilities(rows), "coalition enumeration, interventional", True,
        len(background_rows),
    )  # fmt: skip
    check_additivity(result.base_values, result.values, result.outputs)
    return result


def check_additivity(
    base: NDArray[np.float64], values: NDArray[np.float64], outputs: NDArray[np.float64]
) -> None:
    """Raise if base and values, shape ``(n_rows, n_features, n_actions)``, do not add up to the outputs."""
    sums = base + values.sum(axis=1)
    wrong = ~(np.abs(sums - outputs) <= TOLERANCE * np.maximum(1.0, np.abs(outputs)))
    if wrong.any():
        row, action = np.argwhere(wrong)[0]
        raise ArithmeticError(
            f"Shapley values of row {row}, action {action} add up to {sums[row, action]:.17g}, "
            f"the policy gives {outputs[row, action]:.17g}"
        )
