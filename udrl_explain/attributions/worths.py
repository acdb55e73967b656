"""Worth of every coalition of inputs, whatever the policy: the one table that exact attributions are judged by."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udrl_explain.attributions.boosted_coalitions import boosted_coalitions
from udrl_explain.attributions.enumeration import MAX_ENUMERATED, coalition_worths
from udrl_explain.attributions.forest_coalitions import forest_coalitions, held_shares
from udrl_explain.attributions.net_coalitions import net_join
from udrl_explain.commands import checked_inputs
from udrl_explain.parallel import thread_count
from udrl_explain.policies import CallablePolicy, EstimatorPolicy, ForestPolicy, NeuralPolicy, Policy, is_mean_of_trees


@dataclass(frozen=True, eq=False)
class Coalitions:
    """Worths of all coalitions of some rows, made once for several questions; see :func:`coalitions`.

    Give it in place of a background to ``shapley_values``, ``shapley_interactions`` and what is made from them.

    Parameters
    ----------
    policy : Policy
    inputs : float64 array of shape (n_rows, n_features)
    background : float64 array of shape (n_background, n_features)
    worths : float64 array of shape (n_rows, 2**n_features, n_actions)
        As :func:`all_worths` gives them.
    """

    policy: Policy
    inputs: NDArray[np.float64]
    background: NDArray[np.float64]
    worths: NDArray[np.float64]

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> "Coalitions":
        """The coalitions of some of the rows."""
        return replace(self, inputs=self.inputs[rows], worths=self.worths[rows])

    def check(self, policy: Policy, inputs: NDArray[np.float64]) -> None:
        """Refuse another policy and other rows.

        Raises
        ------
        ValueError
            If these are not the coalitions of this policy and these rows.
        """
        if policy is not self.policy:
            raise ValueError(
                "the coalitions are those of another policy: ask for coalitions(policy, inputs, background)"
            )
        if not np.array_equal(inputs, self.inputs):
            raise ValueError(
                f"the coalitions are those of other rows ({self.inputs.shape}, here {inputs.shape}): ask for "
                "coalitions(policy, inputs, background)"
            )


def coalitions(policy: Policy, inputs: ArrayLike, background: ArrayLike, *, n_jobs: int | None = None) -> Coalitions:
    """Value all coalitions of rows once, for every question about these rows.

    Parameters
    ----------
    policy, inputs, background, n_jobs
        As in :func:`all_worths`. Averaged forests are explained from their leaves and gain nothing by it.

    Returns
    -------
    Coalitions

    Raises
    ------
    ValueError
        As in :func:`all_worths`.
    """
    worths = all_worths(policy, inputs, background, n_jobs=n_jobs)
    rows = checked_inputs(inputs, policy.feature_names).copy()
    partners = checked_inputs(background, policy.feature_names, "background").copy()
    for array in (worths, rows, partners):
        array.setflags(write=False)
    return Coalitions(policy, rows, partners, worths)


def all_worths(
    policy: Policy, inputs: ArrayLike, background: ArrayLike | Coalitions, *, n_jobs: int | None = None
) -> NDArray[np.float64]:
    """Mean probabilities when only the inputs of a coalition are known, for every coalition of every row.

    Parameters
    ----------
    policy : Policy
        Of at most 12 inputs.
    inputs : array_like of shape (n_rows, n_features)
        Rows to explain, in natural units.
    background : array_like of shape (n_background, n_features) or Coalitions
        Inputs outside a coalition are replaced by each of these rows, and the probabilities averaged over all of
        them (interventional game). Coalitions of these rows that were valued before are taken as they are.
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
    if isinstance(background, Coalitions):
        background.check(policy, rows)
        return background.worths
    partners = checked_inputs(background, policy.feature_names, "background")
    if len(rows) == 0 or len(partners) == 0:
        raise ValueError("inputs and background must hold at least one row each")
    if policy.n_features > MAX_ENUMERATED:
        raise ValueError(
            f"all coalitions of at most {MAX_ENUMERATED} inputs can be valued, this policy takes {policy.n_features}: "
            "use shapley_values(..., method='permutation'), which samples them"
        )
    if is_mean_of_trees(policy):
        shares = held_shares(policy.forest, policy.tree_inputs(partners), n_jobs)
        return forest_coalitions(shares, policy.tree_inputs(rows), n_jobs)
    worths = np.empty((len(rows), 1 << policy.n_features, policy.n_actions))
    for block, part in evaluated_worths(policy, rows, partners, n_jobs):
        worths[block] = part.transpose(1, 0, 2)
    return worths


def evaluated_worths(
    policy: Policy, rows: NDArray[np.float64], background: NDArray[np.float64], n_jobs: int | None
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Worths of checked rows for any policy but an averaged forest, block by block.

    Yields
    ------
    block : slice
        Of `rows`.
    worths : float64 array of shape (2**n_features, n_block, n_actions)
    """
    if isinstance(policy, ForestPolicy):
        return boosted_coalitions(policy.forest, policy.tree_inputs(rows), policy.tree_inputs(background), n_jobs)
    if isinstance(policy, NeuralPolicy):
        return coalition_worths(
            policy.probabilities_of_sums,
            rows,
            background,
            policy.n_actions,
            n_jobs,
            net_join(policy),
            policy.biases[0].size,
        )
    # Only loops compiled here and matrix products let go of the interpreter; a foreign estimator may not be safe.
    n_threads = 1 if isinstance(policy, (CallablePolicy, EstimatorPolicy)) else thread_count(n_jobs)
    return coalition_worths(policy.action_probabilities, rows, background, policy.n_actions, n_threads)
