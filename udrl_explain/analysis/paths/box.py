"""How far can an input move before any tree changes its leaf? And how do the trees vote? The box around a decision.

For every row: the box of inputs around it in which all trees keep their leaves, so that the policy's output is
constant to the last bit; the input nearest to leaving it; how often each input is asked; and the trees' votes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from udrl_explain.analysis.paths.votes import tree_votes
from udrl_explain.commands import by_name, checked_inputs, n_observations
from udrl_explain.policies import ForestPolicy, Policy, checked_policy
from udrl_explain.results import displayed
from udrl_explain.trees.float32_edges import last_input_left
from udrl_explain.trees.walks import same_leaf_boxes

COLUMNS = (
    "row", "feature", "is_command", "value", "lower", "upper", "distance", "direction", "relative_distance",
    "is_nearest", "nearest_by", "n_tests", "share_of_tests", "n_trees_asking", "n_trees", "method", "exact",
    "n_rows",
)  # fmt: skip
VOTE_COLUMNS = (
    "row", "action", "action_name", "n_votes", "share", "probability", "n_trees", "method", "exact", "n_rows",
)  # fmt: skip


@displayed
@dataclass(frozen=True, eq=False)
class DecisionBox:
    """The box of constant leaves around every row, and the trees behind the decision.

    Parameters
    ----------
    values : float64 array of shape (n_rows, n_features)
        The rows, in natural units.
    lower, upper : float64 array of shape (n_rows, n_features)
        Smallest and largest float64 input, in natural units, that stays inside; both belong to the box, the next
        number outside does not. Infinite where no tree on the row's paths bounds the input.
    relative_distance : float64 array of shape (n_rows, n_features), or None
        Distance to the nearer side in units of the spread given; infinite for an input without spread.
    n_tests, n_trees_asking : int64 array of shape (n_rows, n_features)
        Tests of the input on the row's paths over all trees, and trees that test it at least once.
    votes : int64 array of shape (n_rows, n_actions), or None
        Trees whose leaf gives the action the highest probability (ties: the lowest action). None for boosted
        ensembles, whose trees add scores and do not vote.
    probabilities : float64 array of shape (n_rows, n_actions)
        The policy's; averaged over trees, not counted from votes.
    n_trees : int
    feature_names, action_names : tuple of str
    method : str
    exact : bool
    seed : None
        Nothing is drawn.

    Raises
    ------
    ValueError
        If a row lies outside its own box.
    """

    values: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    relative_distance: NDArray[np.float64] | None
    n_tests: NDArray[np.int64]
    n_trees_asking: NDArray[np.int64]
    votes: NDArray[np.int64] | None
    probabilities: NDArray[np.float64]
    n_trees: int
    feature_names: tuple[str, ...]
    action_names: tuple[str, ...]
    method: str = "intersection of leaf boxes"
    exact: bool = True
    seed: int | None = None

    def __post_init__(self) -> None:
        outside = ~((self.lower <= self.values) & (self.values <= self.upper))
        if outside.any():
            row, column = np.argwhere(outside)[0]
            raise ValueError(
                f"row {row} lies outside its box in {self.feature_names[column]}: {self.values[row, column]!r} "
                f"is not in {self.lower[row, column]!r}..{self.upper[row, column]!r}"
            )

    @property
    def n_rows(self) -> int:
        """Rows explained."""
        return len(self.values)

    @property
    def distance(self) -> NDArray[np.float64]:
        """How far each input can move alone towards the nearer side, natural units, ``(n_rows, n_features)``."""
        return np.minimum(self.values - self.lower, self.upper - self.values)

    @property
    def nearest(self) -> NDArray[np.int64]:
        """Column nearest to leaving the box, -1 where none can; relative if there is a spread; ``(n_rows,)``."""
        distance = self.distance if self.relative_distance is None else self.relative_distance
        nearest = np.argmin(distance, axis=1)
        bounded = np.isfinite(distance[np.arange(self.n_rows), nearest])
        return np.where(bounded, nearest, -1).astype(np.int64)

    def to_frame(self) -> pd.DataFrame:
        """One row per row and input, columns :data:`COLUMNS`; bounds and distances in natural units."""
        row, column = (index.ravel() for index in np.indices(self.values.shape))
        below, above = (self.values - self.lower).ravel(), (self.upper - self.values).ravel()
        direction = np.where(below < above, "below", "above").astype(object)
        direction[np.isinf(below) & np.isinf(above)] = "none"
        n_tests = self.n_tests.ravel()
        row_tests = self.n_tests.sum(axis=1)[row]
        relative = self.relative_distance
        columns = {
            "row": row,
            "feature": np.array(self.feature_names, dtype=object)[column],
            "is_command": column >= n_observations(self.feature_names),
            "value": self.values.ravel(),
            "lower": self.lower.ravel(),
            "upper": self.upper.ravel(),
            "distance": self.distance.ravel(),
            "direction": direction,
            "relative_distance": np.full(len(row), np.nan) if relative is None else relative.ravel(),
            "is_nearest": column == self.nearest[row],
            "nearest_by": "distance" if relative is None else "relative_distance",
            "n_tests": n_tests,
            "share_of_tests": n_tests / np.maximum(row_tests, 1),
            "n_trees_asking": self.n_trees_asking.ravel(),
            "n_trees": self.n_trees,
            "method": self.method,
            "exact": self.exact,
            "n_rows": self.n_rows,
        }
        return pd.DataFrame(columns, columns=list(COLUMNS))

    def votes_frame(self) -> pd.DataFrame:
        """One row per row and action, columns :data:`VOTE_COLUMNS`.

        Raises
        ------
        ValueError
            For boosted ensembles.
        """
        if self.votes is None:
            raise ValueError("the trees of a boosted ensemble add scores and do not vote; see decision_paths")
        row, action = (index.ravel() for index in np.indices(self.votes.shape))
        columns = {
            "row": row,
            "action": action,
            "action_name": np.array(self.action_names, dtype=object)[action],
            "n_votes": self.votes.ravel(),
            "share": self.votes.ravel() / self.n_trees,
            "probability": self.probabilities.ravel(),
            "n_trees": self.n_trees,
            "method": "most probable action of each tree's leaf",
            "exact": True,
            "n_rows": self.n_rows,
        }
        return pd.DataFrame(columns, columns=list(VOTE_COLUMNS))


def decision_box(
    policy: Policy,
    inputs: ArrayLike,
    *,
    spread: ArrayLike | None = None,
) -> DecisionBox:
    """Find for every row the box in which no tree changes its leaf.

    Parameters
    ----------
    policy : ForestPolicy
        Never modified.
    inputs : array_like of shape (n_rows, n_features)
        In natural units.
    spread : array_like of shape (n_features,), optional
        Natural units, not negative; for instance the standard deviation of the training inputs. Makes the
        distances of different inputs comparable.

    Returns
    -------
    DecisionBox

    Raises
    ------
    ValueError
        If the policy is no forest, or an argument does not fit it.

    Notes
    -----
    A leaf is a box, so the inputs that reach the same leaf in every tree are one box too. Its sides are found for
    the comparison that trees make (scaled input as float32, float64 threshold).
    """
    checked_policy(policy)
    if not isinstance(policy, ForestPolicy):
        raise ValueError(
            f"decision_box needs a forest policy, got {type(policy).__name__}, which has no leaves; "
            "command_response and shapley_values explain every policy"
        )
    rows = checked_inputs(inputs, policy.feature_names)
    forest, tree_rows = policy.forest, policy.tree_inputs(rows)
    boxes = same_leaf_boxes(forest, tree_rows)
    factors = policy.scale.factors(policy.n_features)
    lower = np.nextafter(last_input_left(boxes.lower, factors), np.inf)
    lower = np.where(np.isneginf(boxes.lower), -np.inf, lower)
    upper = last_input_left(boxes.upper, factors)
    distance = np.minimum(rows - lower, upper - rows)
    return DecisionBox(
        values=rows,
        lower=lower,
        upper=upper,
        relative_distance=None if spread is None else _relative(distance, spread, policy.feature_names),
        n_tests=boxes.n_tests,
        n_trees_asking=boxes.n_trees_asking,
        votes=tree_votes(forest, tree_rows) if forest.link == "mean" else None,
        probabilities=forest.probabilities(tree_rows),
        n_trees=forest.n_trees,
        feature_names=policy.feature_names,
        action_names=policy.action_names,
    )


def _relative(distance: NDArray[np.float64], spread: ArrayLike, feature_names: Sequence[str]) -> NDArray[np.float64]:
    spreads = np.asarray(by_name(spread, feature_names, "spread"), dtype=np.float64)
    if spreads.shape != (distance.shape[1],) or not (np.isfinite(spreads) & (spreads >= 0)).all():
        raise ValueError(
            f"spread must be {distance.shape[1]} finite numbers, one per input and none below 0, got {spread!r}"
        )
    return np.divide(distance, spreads, out=np.full_like(distance, np.inf), where=spreads > 0)
