"""How much did each input push each action in each row? Shapley values, exact for every policy of few inputs."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from udrl_explain.attributions import Coalitions, attribute
from udrl_explain.attributions.for_shapiq import chosen_action, interaction_values, tables_of_values
from udrl_explain.commands import COMMAND_NAMES, checked_inputs
from udrl_explain.policies import Policy
from udrl_explain.policies.of_runs import N_ROWS, PolicyOwner, episode_rows, evenly_chosen, policy_and_background
from udrl_explain.results import Drawn, displayed

if TYPE_CHECKING:
    import shap

COLUMNS = (
    "row", "feature", "is_command", "feature_value", "action", "action_name", "shapley_value", "standard_error",
    "base_value", "output", "quantity", "method", "exact", "n_rows", "n_background", "seed", "probability_source",
)  # fmt: skip
MEAN_COLUMNS = (
    "feature", "is_command", "action", "action_name", "mean_abs_shapley", "mean_shapley", "quantity", "method",
    "exact", "n_rows", "n_background", "seed", "probability_source",
)  # fmt: skip


@displayed
@dataclass(frozen=True, eq=False)
class ShapleyValues(Drawn):
    """Shapley values of rows, and how they were made.

    Parameters
    ----------
    values : float64 array of shape (n_rows, n_features, n_actions)
        What each input adds to each action's output in each row.
    base_values : float64 array of shape (n_actions,)
        Output when no input is known: mean over the training rows as the trees counted them (path-dependent), or
        over the background.
    outputs : float64 array of shape (n_rows, n_actions)
        ``base_values + values.sum(axis=1)`` within 1e-9.
    inputs : float64 array of shape (n_rows, n_features)
        The rows explained, in natural units; NaN for a group of inputs.
    feature_names, action_names : tuple of str
    quantity : {"probability", "raw score"}
        What `outputs` are.
    method : str
        Engine and game.
    exact : bool
        Whether these are the Shapley values themselves and not an estimate.
    n_background : int
        Background rows averaged over (0: path-dependent game).
    seed : int
        Of sampled values; exact ones do not use it.
    probability_source : str
        "one-hot predictions" where the estimator gives no probabilities.
    standard_error : float64 array of the shape of `values`, or None
        Of sampled values.

    Raises
    ------
    ValueError
        If an array does not have its shape.
    """

    values: NDArray[np.float64]
    base_values: NDArray[np.float64]
    outputs: NDArray[np.float64]
    inputs: NDArray[np.float64]
    feature_names: tuple[str, ...]
    action_names: tuple[str, ...]
    quantity: str
    method: str
    exact: bool
    n_background: int
    seed: int
    probability_source: str
    standard_error: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        n_features, n_actions = len(self.feature_names), len(self.action_names)
        shapes = {
            "values": (self.n_rows, n_features, n_actions),
            "base_values": (n_actions,),
            "outputs": (self.n_rows, n_actions),
            "inputs": (self.n_rows, n_features),
        }
        if self.standard_error is not None:
            shapes["standard_error"] = shapes["values"]
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} must have shape {shape}, got {getattr(self, name).shape}")

    @property
    def n_rows(self) -> int:
        """Rows explained."""
        return len(self.values)

    def __getitem__(self, rows: int | slice | ArrayLike) -> ShapleyValues:
        """Values of some of the rows: a number, a slice, numbers, or a mask of shape ``(n_rows,)``.

        Raises
        ------
        IndexError
            If there is no such row, or the mask has another length.
        """
        numbers = np.atleast_1d(np.arange(self.n_rows)[rows])  # type: ignore[index] # numpy says what is wrong
        error = None if self.standard_error is None else self.standard_error[numbers]
        return replace(
            self, values=self.values[numbers], outputs=self.outputs[numbers], inputs=self.inputs[numbers],
            standard_error=error,
        )  # fmt: skip

    def contrast(self, a: int | str, b: int | str) -> ShapleyValues:
        """Why action `a` and not `b`: what each input adds to the difference of their outputs.

        Parameters
        ----------
        a, b : int or str
            Actions, by number or name.

        Returns
        -------
        ShapleyValues
            Of ``output[a] - output[b]``, as values of the one action "a − b". There are no standard errors for it.

        Raises
        ------
        ValueError
            If there is no such action.
        """
        one, other = self._action(a), self._action(b)
        return replace(
            self,
            values=self.values[:, :, [one]] - self.values[:, :, [other]],
            base_values=self.base_values[[one]] - self.base_values[[other]],
            outputs=self.outputs[:, [one]] - self.outputs[:, [other]],
            action_names=(f"{self.action_names[one]} − {self.action_names[other]}",),
            quantity=f"difference of {self.quantity}",
            standard_error=None,
        )

    def top(self, k: int = 3) -> pd.DataFrame:
        """Return the `k` inputs of the largest mean absolute value of each action, columns :data:`MEAN_COLUMNS`.

        Raises
        ------
        ValueError
            If `k` is below 1.
        """
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        frame = self.mean_abs_frame()
        order = frame.sort_values(["action", "mean_abs_shapley"], ascending=[True, False], kind="stable")
        return order.groupby("action", sort=False).head(k).reset_index(drop=True)

    def group(self, groups: Mapping[str, Sequence[str]]) -> ShapleyValues:
        """Sum the values of inputs that belong together.

        Parameters
        ----------
        groups : mapping of str to sequence of str
            Name of each group and the names of its inputs, for instance
            ``{"command": ["desired_return", "desired_horizon"]}``.

        Returns
        -------
        ShapleyValues
            A group stands where its first input stood; inputs of no group stay as they are. The sum is what the
            members got together in the game of single inputs. The joint effect in which a group plays as one is
            ``ShapleyInteractions.split`` for state and command. There are no standard errors for groups.

        Raises
        ------
        ValueError
            If an input does not exist or is in two groups, a group is empty, or a name stands twice.
        """
        owner: dict[str, str] = {}
        for group, members in groups.items():
            if isinstance(members, str) or len(members) == 0:
                raise ValueError(f"group {group!r} must be a list of at least one input name, got {members!r}")
            for member in members:
                if member not in self.feature_names:
                    raise ValueError(f"group {group!r}: no input is named {member!r}; there are {self.feature_names}")
                if member in owner:
                    raise ValueError(f"input {member!r} stands twice in the groups")
                owner[member] = group
        players = [owner.get(name, name) for name in self.feature_names]
        names = tuple(dict.fromkeys(players))
        if any(name in groups and name not in owner for name in self.feature_names):
            raise ValueError(f"a group must not have the name of an input outside of it, got {tuple(groups)}")
        values = np.zeros((self.n_rows, len(names), len(self.action_names)))
        inputs = np.full((self.n_rows, len(names)), np.nan)
        for column, player in enumerate(players):
            values[:, names.index(player)] += self.values[:, column]
            if player not in groups:
                inputs[:, names.index(player)] = self.inputs[:, column]
        return replace(self, values=values, inputs=inputs, feature_names=names, standard_error=None)

    def to_frame(self) -> pd.DataFrame:
        """One row per explained row, input and action, columns :data:`COLUMNS`.

        `standard_error` is 0 for exact values and NaN for groups of sampled ones. `is_command` marks the two
        command inputs; a group is marked when its name is "command".
        """
        n_rows, n_features, n_actions = self.values.shape
        if self.standard_error is not None:
            error = self.standard_error.ravel()
        else:
            error = np.full(self.values.size, 0.0 if self.exact else np.nan)
        names, commands = self._players()
        shape = self.values.shape
        columns = {
            "row": np.repeat(np.arange(n_rows), n_features * n_actions),
            "feature": np.broadcast_to(names[:, None], shape).ravel(),
            "is_command": np.broadcast_to(commands[:, None], shape).ravel(),
            "feature_value": np.broadcast_to(self.inputs[:, :, None], shape).ravel(),
            "action": np.tile(np.arange(n_actions), n_rows * n_features),
            "action_name": np.tile(np.array(self.action_names, dtype=object), n_rows * n_features),
            "shapley_value": self.values.ravel(),
            "standard_error": error,
            "base_value": np.broadcast_to(self.base_values, shape).ravel(),
            "output": np.broadcast_to(self.outputs[:, None, :], shape).ravel(),
            **self._provenance(),
        }
        return pd.DataFrame(columns, columns=list(COLUMNS))

    def mean_abs_frame(self) -> pd.DataFrame:
        """One row per input and action with means over the rows, columns :data:`MEAN_COLUMNS`."""
        names, commands = self._players()
        n_features, n_actions = self.values.shape[1:]
        columns = {
            "feature": np.repeat(names, n_actions),
            "is_command": np.repeat(commands, n_actions),
            "action": np.tile(np.arange(n_actions), n_features),
            "action_name": np.tile(np.array(self.action_names, dtype=object), n_features),
            "mean_abs_shapley": np.abs(self.values).mean(axis=0).ravel(),
            "mean_shapley": self.values.mean(axis=0).ravel(),
            **self._provenance(),
        }
        return pd.DataFrame(columns, columns=list(MEAN_COLUMNS))

    def to_shap(self) -> shap.Explanation:
        """``shap.Explanation`` for the plots of the shap package: all actions, the last axis."""
        with warnings.catch_warnings():
            # shap's own colour maps, made at import, use a matplotlib call that is to go.
            warnings.simplefilter("ignore", PendingDeprecationWarning)
            import shap  # seconds to import, and only this method needs it

        return shap.Explanation(
            values=self.values.copy(),
            base_values=np.tile(self.base_values, (self.n_rows, 1)),
            data=self.inputs.copy(),
            feature_names=list(self.feature_names),
            output_names=list(self.action_names),
        )

    def to_shapiq(self, action: int | str | None = None) -> list[Any]:
        """One ``shapiq.InteractionValues`` per row, index "SV", for the plots of the shapiq package.

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
        tables = tables_of_values(self.values[:, :, k], float(self.base_values[k]))
        return interaction_values(
            tables, index="SV", order=1, n_players=len(self.feature_names), estimated=not self.exact
        )

    def _players(self) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
        names = np.array(self.feature_names, dtype=object)
        return names, np.isin(self.feature_names, (*COMMAND_NAMES, "command"))

    def _provenance(self) -> dict[str, object]:
        return {
            "quantity": self.quantity,
            "method": self.method,
            "exact": self.exact,
            "n_rows": self.n_rows,
            "n_background": self.n_background,
            "seed": self.seed,
            "probability_source": self.probability_source,
        }

    def _action(self, action: int | str) -> int:
        n_actions = len(self.action_names)
        if isinstance(action, str) and action in self.action_names:
            return self.action_names.index(action)
        if isinstance(action, str) or not 0 <= action < n_actions:
            raise ValueError(f"action must be 0..{n_actions - 1} or one of {self.action_names}, got {action!r}")
        return int(action)


def shapley_values(
    policy: Policy | PolicyOwner,
    inputs: ArrayLike | None = None,
    background: ArrayLike | Coalitions | None = None,
    *,
    method: str = "exact",
    quantity: str = "probability",
    seed: int = 0,
    n_permutation_pairs: int = 64,
    n_jobs: int | None = None,
) -> ShapleyValues:
    """Shapley values of every input for every action in every row.

    Parameters
    ----------
    policy : Policy
        Never modified.
    inputs : array_like of shape (n_rows, n_features)
        Rows to explain, in natural units; at least one.
    background : array_like of shape (n_background, n_features) or Coalitions, optional
        Rows that stand in for inputs outside of a coalition; the output is averaged over *all* of them
        (interventional game). None: inputs outside of a coalition follow both branches of a split in proportion to
        its training rows (path-dependent game); averaged forests and raw scores only. The two games answer
        different questions and give different values. ``udrl_explain.attributions.coalitions`` values the coalitions
        of these rows once for several questions.
    method : {"exact", "permutation"}
        "permutation" samples orders of the inputs against the background, for policies of more than 12 inputs;
        values then carry a standard error.
    quantity : {"probability", "raw score"}
        Raw scores, before the softmax, exist for boosted forests.
    seed : int
        Of ``method="permutation"``.
    n_permutation_pairs : int
        Orders sampled, each also backwards; at least 2. Used by ``method="permutation"`` only.
    n_jobs : int, optional
        Threads; None takes all cores. Results do not depend on it.

    Returns
    -------
    ShapleyValues

    Raises
    ------
    ValueError
        If the rows do not fit the policy, the game needs a background, or the method cannot explain this policy;
        the message names what can.
    SelfCheckError
        If base and values do not add up to the policy's output within 1e-9.

    Notes
    -----
    Lundberg et al. (2020), "From local explanations to global understanding with explainable AI for trees", define
    both games; Shapley (1953) the values. Where two inputs always move together, as the two commands do in
    environments that pay 1 per step, how their joint credit is split between them says little; read
    ``.group({"command": ["desired_return", "desired_horizon"]})`` as well.
    """
    policy, background, run = policy_and_background(policy, background)
    if inputs is None:
        inputs = evenly_chosen([episode_rows(run)], N_ROWS)
        if len(inputs) == 0:
            raise ValueError("inputs must be given: rows to explain; only runs with final episodes have some")
    result = attribute(
        policy,
        inputs,
        background,
        method=method,  # type: ignore[arg-type]
        quantity=quantity,  # type: ignore[arg-type]
        seed=seed,
        n_permutation_pairs=n_permutation_pairs,
        n_jobs=n_jobs,
    )
    return ShapleyValues(
        values=result.values,
        base_values=result.base_values,
        outputs=result.outputs,
        inputs=checked_inputs(inputs, policy.feature_names).copy(),
        feature_names=policy.feature_names,
        action_names=policy.action_names,
        quantity=result.quantity,
        method=result.method,
        exact=result.exact,
        n_background=result.n_background,
        seed=seed,
        probability_source=policy.probability_source,
        standard_error=result.standard_error,
    )
