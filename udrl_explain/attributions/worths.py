"""Worth of every coalition of inputs, whatever the policy: the one table that exact attributions are judged by."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udrl_explain.attributions.boosted_coalitions import boosted_coalitions
from udrl_explain.attributions.enumeration import MAX_ENUMERATED, coalition_worths
from udrl_explain.attributions.forest_coalitions import forest_coalitions, held_shares
from udrl_explain.commands import checked_inputs
from udrl_explain.parallel import thread_count
from udrl_explain.policies import EstimatorPolicy, ForestPolicy, Policy


def all_worths(
    policy: Policy, inputs: ArrayLike, background: ArrayLike, *, n_jobs: int | None = None
) -> NDArray[np.float64]:
    """Mean probabilities when only the inputs of a coalition are known, for every coalition of every row.

    Parameters
    ----------
    policy : Policy
        Of at most 12 inputs.
    inputs : array_like of shape (n_rows, n_features)
        Rows to explain, in natural units.
    background : array_like of shape (n_background, n_features)
        Inputs outside a coalition are replaced by each of these rows, and the probabilities averaged over all of
        them (interventional game).
    n_jobs : int, optional
        Threads; None takes all cores. Results do not depend on it.

    Returns
    -------
    float64 array of shape (n_rows, 2**n_features, n_actions)
        Bit j of the second index says whether input j is known. Exact: forests from their leaves, every other policy
        by evaluating all joined rows.

    Raises
    ------
    ValueError
        If an array does not fit the policy or is empty, or the policy takes more than 12 inputs.
    """
    rows = checked_inputs(inputs, policy.feature_names)
    partners = checked_inputs(background, policy.feature_names, "background")
    if len(rows) == 0 or len(partners) == 0:
        raise ValueError("inputs and background must hold at least one row each")
    if policy.n_features > MAX_ENUMERATED:
        raise ValueError(
            f"all coalitions of at most {MAX_ENUMERATED} inputs can be valued, this policy takes {policy.n_features}: "
            "use shapley_values(..., method='permutation'), which samples them"
        )
    if isinstance(policy, ForestPolicy) and policy.forest.link == "mean":
        shares = held_shares(policy.forest, policy.tree_inputs(partners), n_jobs)
        return forest_coalitions(shares, policy.tree_inputs(rows), n_jobs)
    worths = np.empty((len(rows), 1 << policy.n_features, policy.n_actions))
    blocks: Iterator[tuple[slice, NDArray[np.float64]]]
    if isinstance(policy, ForestPolicy):
        blocks = boosted_coalitions(policy.forest, policy.tree_inputs(rows), policy.tree_inputs(partners), n_jobs)
    else:
        # Only loops compiled here and matrix products let go of the interpreter; a foreign estimator may not be safe.
        n_threads = 1 if isinstance(policy, EstimatorPolicy) else thread_count(n_jobs)
        blocks = coalition_worths(policy.action_probabilities, rows, partners, policy.n_actions, n_threads)
    for block, part in blocks:
        worths[block] = part.transpose(1, 0, 2)
    return worths
