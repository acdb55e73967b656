"""What does another command change inside the trees? The paths of one state under several commands, side by side.

Only the command differs, so the paths of a tree run together until a test of desired return or desired horizon
that the commands answer differently: the parting test. A tree whose paths do not part gives all commands the
same leaf.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from udrl_explain.analysis.paths.votes import leaf_actions, tree_votes
from udrl_explain.commands import COMMAND_NAMES, N_COMMANDS, Command, by_name, checked_inputs, checked_state, input_rows
from udrl_explain.policies import ForestPolicy, Policy, greedy_actions, with_command
from udrl_explain.results import Drawn, displayed
from udrl_explain.trees.partings import partings
from udrl_explain.trees.walks import TreeSteps, tree_steps

COLUMNS = (
    "label", "desired_return", "desired_horizon", "tree", "step", "node", "next_node", "feature", "is_command",
    "value", "threshold", "went_left", "is_shared", "is_parting", "cover", "action", "action_name", "before",
    "after", "leaf_action", "leaf_action_name", "forest_action", "quantity", "n_trees", "method", "exact",
)  # fmt: skip
PARTING_COLUMNS = ("feature", "n_trees_parting", "share", "n_trees", "method", "exact")
COMMAND_COLUMNS = (
    "label", "desired_return", "desired_horizon", "action", "action_name", "probability", "is_chosen",
    "n_votes", "n_trees",
)  # fmt: skip
METHOD = "paths of one state under several commands"


@displayed
@dataclass(frozen=True, eq=False)
class PathContrast(Drawn):
    """Paths of one state under several commands.

    Parameters
    ----------
    labels : tuple of str
        One per command.
    rows : float64 array of shape (n_labels, n_features)
        The state with each command, in natural units.
    steps : TreeSteps
        The tests on the paths; `row` counts the labels.
    feature : int32 array of shape (n_steps,)
    threshold : float64 array of shape (n_steps,)
        In natural units.
    went_left : bool array of shape (n_steps,)
    cover : float64 array of shape (n_steps,)
    before, after : float64 array of shape (n_steps, n_actions)
        The tree's own `quantity` before and after the test.
    parting_step : int64 array of shape (n_trees,)
        Step of the first test at which not all paths of the tree go the same way; -1 where they never part.
    parting_feature : int64 array of shape (n_trees,)
        Input column of that test; -1 where there is none.
    probabilities : float64 array of shape (n_labels, n_actions)
        The policy's under each command.
    votes : int64 array of shape (n_labels, n_actions), or None
        Trees whose leaf gives the action the highest probability (ties: the lowest action). None for boosted
        ensembles, whose trees add scores and do not vote.
    action : int
        The action that the frame's `before` and `after` are about.
    quantity : {"probability", "raw score"}
    feature_names, action_names : tuple of str
    method : str
    exact : bool
    seed : None
        Nothing is drawn.

    Raises
    ------
    ValueError
        If paths part at a test that is not of a command.
    """

    labels: tuple[str, ...]
    rows: NDArray[np.float64]
    steps: TreeSteps
    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    went_left: NDArray[np.bool_]
    cover: NDArray[np.float64]
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    parting_step: NDArray[np.int64]
    parting_feature: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    votes: NDArray[np.int64] | None
    action: int
    quantity: str
    feature_names: tuple[str, ...]
    action_names: tuple[str, ...]
    method: str = METHOD
    exact: bool = True
    seed: int | None = None

    def __post_init__(self) -> None:
        wrong = (self.parting_step >= 0) & (self.parting_feature < len(self.feature_names) - N_COMMANDS)
        if wrong.any():
            raise ValueError(f"paths of tree {np.argmax(wrong)} part at a test that is not of a command")

    @property
    def n_rows(self) -> int:
        """Commands compared."""
        return len(self.labels)

    @property
    def n_trees(self) -> int:
        """Trees of the forest."""
        return len(self.parting_step)

    @property
    def share_parting(self) -> float:
        """Share of the trees that do not give all commands the same leaf."""
        return float((self.parting_step >= 0).mean())

    @property
    def actions(self) -> NDArray[np.int64]:
        """Greedy action under each command, shape ``(n_labels,)``."""
        return greedy_actions(self.probabilities)

    def to_frame(self) -> pd.DataFrame:
        """One row per tree, label and step, columns :data:`COLUMNS`."""
        label, tree, step = self.steps.row, self.steps.tree, self.steps.step
        parting = self.parting_step[tree]
        leaf_action = leaf_actions(label, tree, step, self.after)
        columns = {
            "label": np.array(self.labels, dtype=object)[label],
            "desired_return": self.rows[label, -2],
            "desired_horizon": self.rows[label, -1],
            "tree": tree,
            "step": step,
            "node": self.steps.node,
            "next_node": self.steps.next_node,
            "feature": np.array(self.feature_names, dtype=object)[self.feature],
            "is_command": self.feature >= len(self.feature_names) - N_COMMANDS,
            "value": self.rows[label, self.feature],
            "threshold": self.threshold,
            "went_left": self.went_left,
            "is_shared": (parting < 0) | (step <= parting),
            "is_parting": step == parting,
            "cover": self.cover,
            "action": self.action,
            "action_name": self.action_names[self.action],
            "before": self.before[:, self.action],
            "after": self.after[:, self.action],
            "leaf_action": leaf_action,
            "leaf_action_name": np.array(self.action_names, dtype=object)[leaf_action],
            "forest_action": self.actions[label],
            "quantity": self.quantity,
            "n_trees": self.n_trees,
            "method": METHOD,
            "exact": True,
        }
        order = np.lexsort((step, label, tree))
        return pd.DataFrame(columns, columns=list(COLUMNS)).iloc[order].reset_index(drop=True)

    def parting_frame(self) -> pd.DataFrame:
        """One row per command input: how many trees part there first, columns :data:`PARTING_COLUMNS`."""
        n_features = len(self.feature_names)
        commands = range(n_features - N_COMMANDS, n_features)
        counts = np.array([(self.parting_feature == column).sum() for column in commands])
        columns = {
            "feature": list(self.feature_names[-N_COMMANDS:]),
            "n_trees_parting": counts,
            "share": counts / self.n_trees,
            "n_trees": self.n_trees,
            "method": METHOD,
            "exact": True,
        }
        return pd.DataFrame(columns, columns=list(PARTING_COLUMNS))

    def commands_frame(self) -> pd.DataFrame:
        """One row per label and action: what the policy does, columns :data:`COMMAND_COLUMNS`."""
        label, action = (index.ravel() for index in np.indices(self.probabilities.shape))
        columns = {
            "label": np.array(self.labels, dtype=object)[label],
            "desired_return": self.rows[label, -2],
            "desired_horizon": self.rows[label, -1],
            "action": action,
            "action_name": np.array(self.action_names, dtype=object)[action],
            "probability": self.probabilities.ravel(),
            "is_chosen": self.actions[label] == action,
            "n_votes": np.nan if self.votes is None else self.votes.ravel(),
            "n_trees": self.n_trees,
        }
        return pd.DataFrame(columns, columns=list(COMMAND_COLUMNS))


def path_contrast(
    policy: Policy,
    state: ArrayLike,
    commands: Sequence[Command] | ArrayLike,
    labels: Sequence[str] = ("low", "typical", "high"),
    *,
    action: int | None = None,
) -> PathContrast:
    """Follow one state through every tree under several commands and find where the paths part.

    Parameters
    ----------
    policy : ForestPolicy
        Never modified.
    state : array_like of shape (n_features - 2,)
        Observation.
    commands : sequence of Command, or array_like of shape (n_labels, 2)
        Desired return and desired horizon, in natural units.
    labels : sequence of str
        One per command, all different; at least two.
    action : int, optional
        The action that the frame's probabilities are about; by default the greedy one under the middle command.

    Returns
    -------
    PathContrast

    Raises
    ------
    ValueError
        If the policy is no forest, or an argument does not fit it.
    """
    with_command(policy, "contrast_paths")
    if not isinstance(policy, ForestPolicy):
        raise ValueError(
            f"path_contrast needs a forest policy, got {type(policy).__name__}, which has no tests to show; "
            "command_response explains every policy"
        )
    rows = input_rows(checked_state(state, policy.feature_names), _command_array(commands))
    checked_inputs(rows, policy.feature_names)
    if len(labels) != len(rows) or len(set(labels)) != len(labels) or len(labels) < 2:
        raise ValueError(f"labels must be {len(rows)} different words, one per command, got {tuple(labels)}")
    forest, tree_rows = policy.forest, policy.tree_inputs(rows)
    probabilities = forest.probabilities(tree_rows)
    if action is None:
        action = int(greedy_actions(probabilities)[len(rows) // 2])
    if not 0 <= action < policy.n_actions:
        raise ValueError(f"action must lie in 0..{policy.n_actions - 1}, got {action}")
    steps = tree_steps(forest, tree_rows)
    feature = forest.feature[steps.node]
    parting = partings(forest, tree_rows)
    return PathContrast(
        labels=tuple(labels),
        rows=rows,
        steps=steps,
        feature=feature,
        threshold=forest.threshold[steps.node] / policy.scale.factors(policy.n_features)[feature],
        went_left=steps.next_node == forest.children_left[steps.node],
        cover=forest.cover[steps.node],
        before=forest.value[steps.node],
        after=forest.value[steps.next_node],
        parting_step=parting.step,
        parting_feature=np.where(parting.node >= 0, forest.feature[parting.node], -1).astype(np.int64),
        probabilities=probabilities,
        votes=tree_votes(forest, tree_rows) if forest.link == "mean" else None,
        action=action,
        quantity="probability" if forest.link == "mean" else "raw score",
        feature_names=policy.feature_names,
        action_names=policy.action_names,
    )


def _command_array(commands: Sequence[Command] | ArrayLike) -> NDArray[np.float64]:
    if isinstance(commands, Sequence):
        pairs = [(c.desired_return, c.desired_horizon) if isinstance(c, Command) else c for c in commands]
        return np.array(pairs, dtype=np.float64)
    return np.asarray(by_name(commands, COMMAND_NAMES, "commands"), dtype=np.float64)
