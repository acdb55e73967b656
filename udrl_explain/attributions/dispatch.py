"""The entry points: choose the engine for a policy and check that the values add up to its output."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udrl_explain.attributions.enumeration import (
    MAX_ENUMERATED,
    Outputs,
    interaction_weights,
    shapley_weights,
)
from udrl_explain.attributions.forest_games import forest_contributions
from udrl_explain.attributions.leaf_tables import INTERACTIONS, VALUES
from udrl_explain.attributions.permutations import sampled_values
from udrl_explain.attributions.results import Attributions, Method, PairAttributions, Quantity
from udrl_explain.attributions.worths import Coalitions, evaluated_worths
from udrl_explain.commands import N_COMMANDS, checked_inputs, n_commands
from udrl_explain.parallel import blocks_of, in_threads, thread_count
from udrl_explain.policies import CallablePolicy, EstimatorPolicy, ForestPolicy, Policy
from udrl_explain.policies.callable_policy import BATCH_TOLERANCE
from udrl_explain.self_check import SelfCheckError

TOLERANCE = 1e-9
N_PERMUTATION_PAIRS = 64
ROWS_PER_WALK = 256


@dataclass(frozen=True, eq=False)
class _Task:
    """Checked arguments."""

    policy: Policy
    rows: NDArray[np.float64]
    background: NDArray[np.float64] | None
    quantity: Quantity
    outputs: Outputs
    n_jobs: int
    coalitions: Coalitions | None = None

    @property
    def tree_policy(self) -> ForestPolicy | None:
        """The policy, where its trees are summed without a link between them and the output."""
        if isinstance(self.policy, ForestPolicy) and (
            self.policy.forest.link == "mean" or self.quantity == "raw score"
        ):
            return self.policy
        return None

    def required_background(self) -> NDArray[np.float64]:
        if self.background is None:
            kind = type(self.policy).__name__
            if isinstance(self.policy, ForestPolicy) and self.policy.forest.link != "mean":
                kind = "the probabilities of a boosted forest (quantity='raw score' does without)"
            raise ValueError(
                f"background must be an array of input rows for {kind}: only trees that are averaged or summed have "
                "the path-dependent game that background=None asks for"
            )
        return self.background

    def enumerable(self) -> None:
        if self.policy.n_features > MAX_ENUMERATED:
            raise ValueError(
                f"method='exact' enumerates coalitions of at most {MAX_ENUMERATED} inputs, this policy takes "
                f"{self.policy.n_features}: use method='permutation'"
            )


def attribute(
    policy: Policy,
    inputs: ArrayLike,
    background: ArrayLike | Coalitions | None = None,
    *,
    method: Method = "exact",
    quantity: Quantity = "probability",
    seed: int = 0,
    n_permutation_pairs: int = N_PERMUTATION_PAIRS,
    n_jobs: int | None = None,
) -> Attributions:
    """Shapley values of every input for every action in every row.

    Parameters
    ----------
    policy : Policy
        Never modified.
    inputs : array_like of shape (n_rows, n_features)
        Rows to explain, in natural units; at least one.
    background : array_like of shape (n_background, n_features) or Coalitions, optional
        Inputs that are not in a coalition are replaced by each of these rows, and the output averaged over all of
        them (interventional game). None, for forests only: such inputs follow both branches of a split in
        proportion to the training rows that did (path-dependent game).
    method : {"exact", "permutation"}
        "permutation" samples orders of the inputs; it needs a background and takes any number of inputs.
    quantity : {"probability", "raw score"}
        What is explained. Raw scores, before the softmax, exist for boosted forests.
    seed, n_permutation_pairs : int
        Used by ``method="permutation"`` only: orders drawn, each also taken backwards.
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
    SelfCheckError
        If base and values do not add up to the policy's output within 1e-9; for a function of the user's it is a
        ValueError, beyond the 1e-5 by which single precision may differ from batch to batch.
    """
    task = _checked(policy, inputs, background, quantity, n_jobs)
    if method not in ("exact", "permutation"):
        raise ValueError(f"method must be 'exact' or 'permutation', got {method!r}")
    outputs = _own_outputs(task)
    error = None
    if method == "permutation":
        if n_permutation_pairs < 2:
            raise ValueError(f"n_permutation_pairs must be at least 2, got {n_permutation_pairs}")
        partners = task.required_background()
        values, error = sampled_values(
            task.outputs, task.rows, partners, policy.n_actions, n_permutation_pairs, seed, task.n_jobs
        )
        base = task.outputs(partners).mean(axis=0)
        name = "permutation sampling, interventional"
    elif task.tree_policy is not None:
        values, base = _by_trees(task.tree_policy, task, VALUES)
        name = _tree_method(task)
    else:
        values, base = _by_enumeration(task, shapley_weights)
        name = "coalition enumeration, interventional"
    n_background = 0 if task.background is None else len(task.background)
    _check_additivity(policy, base, values, outputs)
    return Attributions(values, base, outputs, name, method == "exact", n_background, error, quantity)


def attribute_pairs(
    policy: Policy,
    inputs: ArrayLike,
    background: ArrayLike | Coalitions | None = None,
    *,
    quantity: Quantity = "probability",
    n_jobs: int | None = None,
) -> PairAttributions:
    """Exact interaction indices of every pair of inputs, and the split between state and command.

    Parameters
    ----------
    policy, inputs, background, quantity, n_jobs
        As in :func:`attribute`.

    Returns
    -------
    PairAttributions

    Raises
    ------
    ValueError, SelfCheckError
        As in :func:`attribute`.
    """
    task = _checked(policy, inputs, background, quantity, n_jobs)
    outputs = _own_outputs(task)
    if task.tree_policy is not None:
        columns, base = _by_trees(task.tree_policy, task, INTERACTIONS)
        name = _tree_method(task)
    else:
        columns, base = _by_enumeration(task, _pair_weights)
        name = "coalition enumeration, interventional"
    n = policy.n_features
    shapley, pairs, alone = columns[:, :n], columns[:, n:-2], columns[:, -2:]
    values = np.zeros((len(task.rows), n, n, policy.n_actions))
    first, second = np.triu_indices(n, k=1)
    values[:, first, second] = values[:, second, first] = pairs / 2
    values[:, np.arange(n), np.arange(n)] = shapley - values.sum(axis=2)
    if n_commands(policy.feature_names) == 0:  # then all is the state's
        alone = np.stack([outputs - base, np.zeros_like(outputs)], axis=1)
    together = outputs - base - alone.sum(axis=1)
    split = np.concatenate([alone, together[:, None]], axis=1)
    n_background = 0 if task.background is None else len(task.background)
    _check_additivity(policy, base, values.sum(axis=2), outputs)
    return PairAttributions(values, split, base, outputs, name, True, n_background, quantity)


def _checked(
    policy: Policy,
    inputs: ArrayLike,
    background: ArrayLike | Coalitions | None,
    quantity: Quantity,
    n_jobs: int | None,
) -> _Task:
    rows = checked_inputs(inputs, policy.feature_names)
    if len(rows) == 0:
        raise ValueError("inputs must hold at least one row to explain, got none")
    partners = None
    known = background if isinstance(background, Coalitions) else None
    if isinstance(background, Coalitions):
        background.check(policy, rows)
        partners = background.background
    elif background is not None:
        partners = checked_inputs(background, policy.feature_names, "background")
        if len(partners) == 0:
            raise ValueError("background must hold at least one row, got none")
    if quantity not in ("probability", "raw score"):
        raise ValueError(f"quantity must be 'probability' or 'raw score', got {quantity!r}")
    outputs: Outputs = policy.action_probabilities
    if quantity == "raw score":
        if not isinstance(policy, ForestPolicy) or policy.forest.link == "mean":
            raise ValueError("quantity='raw score' needs a boosted forest; use quantity='probability'")
        unseen = np.flatnonzero(~np.isfinite(policy.forest.base))
        if len(unseen):
            raise ValueError(
                f"quantity='raw score' has no finite score for action {unseen[0]}, never seen in training: use "
                "quantity='probability' with a background"
            )
        outputs = partial(_raw_scores, policy)
    # Only loops compiled here and matrix products let go of the interpreter; a foreign estimator may not be safe.
    n_threads = 1 if isinstance(policy, (CallablePolicy, EstimatorPolicy)) else thread_count(n_jobs)
    return _Task(policy, rows, partners, quantity, outputs, n_threads, known)


def _own_outputs(task: _Task) -> NDArray[np.float64]:
    """Outputs of the rows; forests walk each row by itself, so that several threads can share them."""
    if not isinstance(task.policy, ForestPolicy):
        return task.outputs(task.rows)
    blocks = blocks_of(len(task.rows), ROWS_PER_WALK)
    return np.concatenate(in_threads(lambda block: task.outputs(task.rows[block]), blocks, task.n_jobs))


def _raw_scores(policy: ForestPolicy, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return policy.forest.raw_outputs(policy.tree_inputs(rows))


def _by_trees(policy: ForestPolicy, task: _Task, order: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    partners = None if task.background is None else policy.tree_inputs(task.background)
    return forest_contributions(policy.forest, policy.tree_inputs(task.rows), partners, order, task.n_jobs)


def _tree_method(task: _Task) -> str:
    return "leaf boxes, path-dependent" if task.background is None else "leaf boxes, interventional"


def _by_enumeration(task: _Task, weights_of) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # type: ignore[no-untyped-def]
    partners = task.required_background()
    task.enumerable()
    weights = weights_of(task.policy.n_features)
    columns = np.empty((len(task.rows), len(weights), task.policy.n_actions))
    base = np.zeros(task.policy.n_actions)
    blocks: Iterable[tuple[slice, NDArray[np.float64]]]
    if task.coalitions is not None:
        blocks = [(slice(0, len(task.rows)), task.coalitions.worths.transpose(1, 0, 2))]
    else:
        blocks = evaluated_worths(task.policy, task.rows, partners, task.n_jobs)
    for block, worths in blocks:
        columns[block] = np.tensordot(weights, worths, axes=1).transpose(1, 0, 2)
        base = worths[0, 0]
    return columns, base.copy()


def _pair_weights(n_features: int) -> NDArray[np.float64]:
    """Columns as the tree engine gives them: values, pairs, and what {state} and {command} add alone."""
    alone = np.zeros((2, 1 << n_features))
    state = (1 << max(n_features - N_COMMANDS, 0)) - 1
    alone[0, state] = alone[1, (1 << n_features) - 1 - state] = 1.0
    alone[:, 0] = -1.0
    return np.concatenate([shapley_weights(n_features), interaction_weights(n_features), alone])


def _check_additivity(
    policy: Policy, base: NDArray[np.float64], values: NDArray[np.float64], outputs: NDArray[np.float64]
) -> None:
    sums = base + values.sum(axis=1)
    foreign = isinstance(policy, CallablePolicy)
    tolerance = BATCH_TOLERANCE if foreign else TOLERANCE
    right = np.abs(sums - outputs) <= tolerance * np.maximum(1.0, np.abs(outputs))
    if not right.all():
        row, action = np.argwhere(~right)[0]
        if foreign:
            raise ValueError(
                f"the function of policy_from_callable gave row {row} {outputs[row, action]:.9g} for action {action}, "
                f"and {sums[row, action]:.9g} in other batches: it must answer each row by itself"
            )
        raise SelfCheckError(
            f"Shapley values of row {row}, action {action} add up to {sums[row, action]:.17g}, "
            f"the policy gives {outputs[row, action]:.17g}"
        )
