"""Which tests led to each action? One typed row per test on the path of every row through every tree.

The change of the node value from test to test is kept per input and action: the Saabas contributions of a forest,
which with the mean root value add up to its output. They say what the paths did, not how much an input matters
on average over orders of asking; for that see the Shapley values.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from udrl_explain.analysis.paths.votes import leaf_actions
from udrl_explain.commands import checked_actions, checked_inputs, n_observations
from udrl_explain.policies import ForestPolicy, Policy, checked_policy, greedy_actions
from udrl_explain.results import Drawn, displayed
from udrl_explain.self_check import SelfCheckError
from udrl_explain.trees.walks import path_contributions, tree_steps

COLUMNS = (
    "row", "tree", "step", "node", "next_node", "feature", "is_command", "value", "threshold", "went_left",
    "cover", "action", "action_name", "before", "after", "contribution", "leaf_action", "leaf_action_name",
    "forest_action", "quantity", "n_trees", "method", "exact",
)  # fmt: skip
SAABAS_COLUMNS = (
    "row", "feature", "is_command", "action", "action_name", "contribution", "base_value", "output",
    "quantity", "method", "exact", "n_rows",
)  # fmt: skip
TOLERANCE = 1e-9


@displayed
@dataclass(frozen=True, eq=False)
class DecisionPaths(Drawn):
    """The tests that every row meets, ordered by row, then tree, then step.

    Parameters
    ----------
    row, tree, step : int32 array of shape (n_steps,)
        A tree of one leaf has no steps.
    node, next_node : int32 array of shape (n_steps,)
        Node of the forest's arrays that tests, and the child that the row goes to (a leaf at the last step).
    feature : int32 array of shape (n_steps,)
        Input column tested.
    value, threshold : float64 array of shape (n_steps,)
        In natural units: the input as given, and the tree's threshold divided by the command's scale.
    went_left : bool array of shape (n_steps,)
        The side the tree took. The tree compares the scaled float32 input, so within a float32 step of the
        threshold this can differ from ``value <= threshold``.
    cover : float64 array of shape (n_steps,)
        Weighted number of training rows at `node`.
    before, after : float64 array of shape (n_steps, n_actions)
        The tree's own `quantity` at `node` and at `next_node`.
    contributions : float64 array of shape (n_rows, n_features, n_actions)
        Saabas contributions of the whole forest.
    base_values : float64 array of shape (n_actions,)
        Output of the roots. ``-inf`` for an action that a boosted ensemble never saw.
    outputs : float64 array of shape (n_rows, n_actions)
        ``base_values + contributions.sum(axis=1)``, checked against the forest.
    actions : int64 array of shape (n_rows,)
        The action that the frame's `before`, `after` and `contribution` are about.
    quantity : {"probability", "raw score"}
        Raw score (before the softmax) for boosted ensembles.
    n_trees : int
    feature_names, action_names : tuple of str
    method : str
    exact : bool
    seed : None
        Nothing is drawn.

    Raises
    ------
    ValueError
        If shapes do not fit.
    SelfCheckError
        If contributions and base values do not add up to the outputs within 1e-9.
    """

    row: NDArray[np.int32]
    tree: NDArray[np.int32]
    step: NDArray[np.int32]
    node: NDArray[np.int32]
    next_node: NDArray[np.int32]
    feature: NDArray[np.int32]
    value: NDArray[np.float64]
    threshold: NDArray[np.float64]
    went_left: NDArray[np.bool_]
    cover: NDArray[np.float64]
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    contributions: NDArray[np.float64]
    base_values: NDArray[np.float64]
    outputs: NDArray[np.float64]
    actions: NDArray[np.int64]
    quantity: str
    n_trees: int
    feature_names: tuple[str, ...]
    action_names: tuple[str, ...]
    method: str = field(default="Saabas path contributions")
    exact: bool = True
    seed: int | None = None

    def __post_init__(self) -> None:
        n_rows, n_features, n_actions = self.contributions.shape
        if self.outputs.shape != (n_rows, n_actions) or len(self.feature_names) != n_features:
            raise ValueError(
                f"outputs {self.outputs.shape} and {len(self.feature_names)} names do not fit contributions "
                f"{self.contributions.shape}"
            )
        sums = self.base_values + self.contributions.sum(axis=1)
        # A boosted ensemble's scores may be so large that 1e-9 is below their rounding error.
        wrong = ~np.isclose(sums, self.outputs, rtol=1e-12, atol=TOLERANCE)
        if wrong.any():
            row, action = np.argwhere(wrong)[0]
            raise SelfCheckError(
                f"path contributions do not add up in row {row}, action {action}: base value plus "
                f"contributions is {float(sums[row, action])!r}, the forest's {self.quantity} is "
                f"{float(self.outputs[row, action])!r}"
            )

    @property
    def n_rows(self) -> int:
        """Rows explained."""
        return len(self.outputs)

    @property
    def step_contributions(self) -> NDArray[np.float64]:
        """What each step adds to the forest's output, shape ``(n_steps, n_actions)``."""
        return (self.after - self.before) / (self.n_trees if self.quantity == "probability" else 1)

    def to_frame(self) -> pd.DataFrame:
        """One row per row, tree and step, columns :data:`COLUMNS`; `before` and `after` are the action's."""
        steps = np.arange(len(self.row))
        action = self.actions[self.row]
        leaf_action = leaf_actions(self.row, self.tree, self.step, self.after)
        columns = {
            "row": self.row,
            "tree": self.tree,
            "step": self.step,
            "node": self.node,
            "next_node": self.next_node,
            "feature": np.array(self.feature_names, dtype=object)[self.feature],
            "is_command": self.feature >= n_observations(self.feature_names),
            "value": self.value,
            "threshold": self.threshold,
            "went_left": self.went_left,
            "cover": self.cover,
            "action": action,
            "action_name": np.array(self.action_names, dtype=object)[action],
            "before": self.before[steps, action],
            "after": self.after[steps, action],
            "contribution": self.step_contributions[steps, action],
            "leaf_action": leaf_action,
            "leaf_action_name": np.array(self.action_names, dtype=object)[leaf_action],
            "forest_action": greedy_actions(self.outputs)[self.row],
            "quantity": self.quantity,
            "n_trees": self.n_trees,
            "method": self.method,
            "exact": self.exact,
        }
        return pd.DataFrame(columns, columns=list(COLUMNS))

    def saabas_frame(self) -> pd.DataFrame:
        """One row per row, input and action of the whole forest, columns :data:`SAABAS_COLUMNS`."""
        n_rows, n_features, n_actions = self.contributions.shape
        row, column, action = (i.ravel() for i in np.indices((n_rows, n_features, n_actions)))
        columns = {
            "row": row,
            "feature": np.array(self.feature_names, dtype=object)[column],
            "is_command": column >= n_observations(self.feature_names),
            "action": action,
            "action_name": np.array(self.action_names, dtype=object)[action],
            "contribution": self.contributions.ravel(),
            "base_value": self.base_values[action],
            "output": self.outputs[row, action],
            "quantity": self.quantity,
            "method": self.method,
            "exact": self.exact,
            "n_rows": n_rows,
        }
        return pd.DataFrame(columns, columns=list(SAABAS_COLUMNS))


def decision_paths(
    policy: Policy,
    inputs: ArrayLike,
    *,
    actions: ArrayLike | None = None,
    n_jobs: int | None = None,
) -> DecisionPaths:
    """Follow every row through every tree of a forest policy.

    Parameters
    ----------
    policy : ForestPolicy
        Never modified.
    inputs : array_like of shape (n_rows, n_features)
        In natural units.
    actions : array_like of int of shape (n_rows,), optional
        The action that the frame's probabilities are about; the policy's own greedy action by default.
    n_jobs : int, optional
        Threads; None takes all cores. The result does not depend on it.

    Returns
    -------
    DecisionPaths

    Raises
    ------
    ValueError
        If the policy is no forest, or an argument does not fit it.

    Notes
    -----
    A step's contribution is the change of the node value, divided by the number of trees where the forest
    averages (Saabas 2014, "Interpreting random forests").
    """
    checked_policy(policy)
    if not isinstance(policy, ForestPolicy):
        raise ValueError(
            f"decision_paths needs a forest policy, got {type(policy).__name__}, which has no tests to show; "
            "shapley_values and command_response explain every policy"
        )
    rows = checked_inputs(inputs, policy.feature_names)
    forest, tree_rows = policy.forest, policy.tree_inputs(rows)
    outputs = forest.raw_outputs(tree_rows)
    probabilities = forest.link_outputs(outputs)
    steps = tree_steps(forest, tree_rows)
    feature = forest.feature[steps.node]
    n_averaged = forest.n_trees if forest.link == "mean" else 1
    return DecisionPaths(
        row=steps.row,
        tree=steps.tree,
        step=steps.step,
        node=steps.node,
        next_node=steps.next_node,
        feature=feature,
        value=rows[steps.row, feature],
        threshold=forest.threshold[steps.node] / policy.scale.factors(policy.n_features)[feature],
        went_left=steps.next_node == forest.children_left[steps.node],
        cover=forest.cover[steps.node],
        before=forest.value[steps.node],
        after=forest.value[steps.next_node],
        contributions=path_contributions(forest, tree_rows, n_jobs) / n_averaged,
        base_values=(forest.base + forest.value[forest.roots].sum(axis=0)) / n_averaged,
        outputs=outputs,
        actions=greedy_actions(probabilities) if actions is None else checked_actions(actions, *probabilities.shape),
        quantity="probability" if forest.link == "mean" else "raw score",
        n_trees=forest.n_trees,
        feature_names=policy.feature_names,
        action_names=policy.action_names,
    )
