"""How do inputs act together? Exact Shapley interactions of all pairs, and the split between state and command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from udrl_explain.attributions import Coalitions, attribute_pairs
from udrl_explain.attributions.for_shapiq import chosen_action, interaction_values, tables_of_pairs
from udrl_explain.commands import checked_inputs
from udrl_explain.policies import Policy, checked_policy
from udrl_explain.results import displayed

COLUMNS = (
    "row", "feature", "other_feature", "is_main_effect", "action", "action_name", "interaction", "base_value",
    "output", "quantity", "method", "exact", "n_rows", "n_background", "probability_source",
)  # fmt: skip
SPLIT_COLUMNS = (
    "row", "part", "action", "action_name", "contribution", "base_value", "output", "quantity", "method", "exact",
    "n_rows", "n_background", "probability_source",
)  # fmt: skip
PARTS = ("state", "command", "state x command")


@displayed
@dataclass(frozen=True, eq=False)
class ShapleyInteractions:
    """Shapley interactions of rows, and how they were made.

    Parameters
    ----------
    values : float64 array of shape (n_rows, n_features, n_features, n_actions)
        Off the diagonal half of the pair's interaction index, on both sides; on the diagonal the main effect: the
        input's Shapley value less its halves. Lines sum to Shapley values, everything to output less base (the
        convention of ``shap.TreeExplainer.shap_interaction_values``).
    split : float64 array of shape (n_rows, 3, n_actions)
        In the order of :data:`PARTS`, state and command each playing as one: what the state alone adds to the base,
        what the command alone adds, and what only both together add. The three sum to output less base.
    base_values : float64 array of shape (n_actions,)
    outputs : float64 array of shape (n_rows, n_actions)
    inputs : float64 array of shape (n_rows, n_features)
        The rows explained, in natural units.
    feature_names, action_names : tuple of str
    quantity, method : str
    exact : bool
        Always true.
    n_background : int
        Background rows averaged over (0: path-dependent game).
    probability_source : str
    seed : None
        Nothing is drawn.

    Raises
    ------
    ValueError
        If an array does not have its shape.
    """

    values: NDArray[np.float64]
    split: NDArray[np.float64]
    base_values: NDArray[np.float64]
    outputs: NDArray[np.float64]
    inputs: NDArray[np.float64]
    feature_names: tuple[str, ...]
    action_names: tuple[str, ...]
    quantity: str
    method: str
    exact: bool
    n_background: int
    probability_source: str
    seed: int | None = None

    def __post_init__(self) -> None:
        n_features, n_actions = len(self.feature_names), len(self.action_names)
        shapes = {
            "values": (self.n_rows, n_features, n_features, n_actions),
            "split": (self.n_rows, len(PARTS), n_actions),
            "base_values": (n_actions,),
            "outputs": (self.n_rows, n_actions),
            "inputs": (self.n_rows, n_features),
        }
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} must have shape {shape}, got {getattr(self, name).shape}")

    @property
    def n_rows(self) -> int:
        """Rows explained."""
        return len(self.values)

    def to_frame(self) -> pd.DataFrame:
        """One row per explained row, unordered pair and action, columns :data:`COLUMNS`.

        `interaction` is the whole index of the pair (both halves), or the main effect where both features are the
        same. It sums to `output` less `base_value` over the pairs of a row and action.
        """
        first, second = np.triu_indices(len(self.feature_names))
        whole = self.values[:, first, second] * np.where(first == second, 1.0, 2.0)[:, None]
        names = np.array(self.feature_names, dtype=object)
        shape = whole.shape
        columns = {
            **self._labels(shape),
            "feature": np.broadcast_to(names[first][:, None], shape).ravel(),
            "other_feature": np.broadcast_to(names[second][:, None], shape).ravel(),
            "is_main_effect": np.broadcast_to((first == second)[:, None], shape).ravel(),
            "interaction": whole.ravel(),
        }
        return pd.DataFrame(columns, columns=list(COLUMNS))

    def to_shapiq(self, action: int | str | None = None) -> list[Any]:
        """One ``shapiq.InteractionValues`` per row, index "k-SII" of order 2: main effects, and pairs as a whole.

        Parameters
        ----------
        action : int or str, optional
            Which output; not needed where there is one.

        Raises
        ------
        ValueError
            If there is no such action.
        ImportError
            If shapiq is not installed.
        """
        k = chosen_action(action, self.action_names)
        tables = tables_of_pairs(self.values[..., k], float(self.base_values[k]))
        return interaction_values(
            tables, index="k-SII", order=2, n_players=len(self.feature_names), estimated=not self.exact
        )

    def split_frame(self) -> pd.DataFrame:
        """One row per explained row, part (:data:`PARTS`) and action, columns :data:`SPLIT_COLUMNS`."""
        shape = self.split.shape
        columns = {
            **self._labels(shape),
            "part": np.broadcast_to(np.array(PARTS, dtype=object)[:, None], shape).ravel(),
            "contribution": self.split.ravel(),
        }
        return pd.DataFrame(columns, columns=list(SPLIT_COLUMNS))

    def _labels(self, shape: tuple[int, ...]) -> dict[str, object]:
        n_rows, n_parts, n_actions = shape
        return {
            "row": np.repeat(np.arange(n_rows), n_parts * n_actions),
            "action": np.tile(np.arange(n_actions), n_rows * n_parts),
            "action_name": np.tile(np.array(self.action_names, dtype=object), n_rows * n_parts),
            "base_value": np.broadcast_to(self.base_values, shape).ravel(),
            "output": np.broadcast_to(self.outputs[:, None, :], shape).ravel(),
            "quantity": self.quantity,
            "method": self.method,
            "exact": self.exact,
            "n_rows": self.n_rows,
            "n_background": self.n_background,
            "probability_source": self.probability_source,
        }


def shapley_interactions(
    policy: Policy,
    inputs: ArrayLike,
    background: ArrayLike | Coalitions | None = None,
    *,
    quantity: str = "probability",
    n_jobs: int | None = None,
) -> ShapleyInteractions:
    """Exact Shapley interaction indices of every pair of inputs, and the split between state and command.

    Parameters
    ----------
    policy, inputs, background, quantity, n_jobs
        As in :func:`~udrl_explain.analysis.shapley.shapley_values`; at most 12 inputs where the policy is not an
        averaged forest.

    Returns
    -------
    ShapleyInteractions

    Raises
    ------
    ValueError, SelfCheckError
        As in :func:`~udrl_explain.analysis.shapley.shapley_values`.

    Notes
    -----
    Grabisch and Roubens (1999) define the index; Lundberg et al. (2020) its use for trees. The split takes state and
    command as two players: with v the worth of a coalition of inputs, its parts are ``v(state) - v(none)``,
    ``v(command) - v(none)`` and ``v(all) - v(state) - v(command) + v(none)``.
    """
    checked_policy(policy)
    result = attribute_pairs(policy, inputs, background, quantity=quantity, n_jobs=n_jobs)  # type: ignore[arg-type]
    return ShapleyInteractions(
        values=result.values,
        split=result.split,
        base_values=result.base_values,
        outputs=result.outputs,
        inputs=checked_inputs(inputs, policy.feature_names).copy(),
        feature_names=policy.feature_names,
        action_names=policy.action_names,
        quantity=result.quantity,
        method=result.method,
        exact=result.exact,
        n_background=result.n_background,
        probability_source=policy.probability_source,
    )
