"""What does the policy do as the command changes? Probabilities, flips and importance at each command level.

The states stay as they are and every one of them is asked under every command level, also levels that no training
row came near: those are marked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from udrl_explain.attributions import attribute
from udrl_explain.attributions.pair import PAIR_NAME, magnitudes_with_pair
from udrl_explain.command_space.influence import (
    BETWEEN_COMMANDS,
    CommandInfluence,
    probabilities_under,
    state_influence,
)
from udrl_explain.command_space.support import CommandSupport, SupportKind, command_support
from udrl_explain.commands import N_COMMANDS, checked_states
from udrl_explain.policies import ForestPolicy, Policy, with_command
from udrl_explain.results import Drawn, displayed
from udrl_explain.statistics.clusters import cluster_values
from udrl_explain.statistics.even_places import even_places
from udrl_explain.statistics.intervals import EPISODES_OF_ONE, ROWS_OF_ONE, mean_interval

COLUMNS = (
    "level", "desired_return", "desired_horizon", "seen", "density", "support", "action", "action_name", "probability",
    "low", "high", "low_quantile", "high_quantile", "greedy_share", "flip_rate", "any_flip_share", "n_rows", "method",
    "exact", "probability_source",
)  # fmt: skip
STATE_COLUMNS = (
    "state", "level", "desired_return", "desired_horizon", "seen", "density", "support", "action", "action_name",
    "probability",
)  # fmt: skip
MOST_STATES = 20
IMPORTANCE_COLUMNS = (
    "level", "desired_return", "desired_horizon", "seen", "density", "support", "feature", "is_command", "is_group",
    "importance", "n_rows", "n_background", "method", "exact",
)  # fmt: skip
SUMMARY_COLUMNS = (
    "quantity", "value", "low", "high", "interval", "definition", "n_rows", "n_levels", "n_commands", "exact",
    "bootstrap_seed",
)  # fmt: skip
METHOD = "every state under every command level"
QUANTILES = (0.1, 0.9)


@displayed
@dataclass(frozen=True, eq=False)
class CommandResponse(Drawn):
    """Behaviour of one policy over command levels.

    Parameters
    ----------
    commands : float64 array of shape (n_levels, 2)
        Desired return (reward) and desired horizon (steps) of each level.
    probabilities : float64 array of shape (n_states, n_levels, n_actions)
    seen : bool array of shape (n_levels,), or None
        Whether the level is like the training commands (see ``command_support``); None where these were not given.
    density : float64 array of shape (n_levels,), or None
        Share of the training commands near the level.
    support : SupportKind or None
        Which commands `seen` and `density` are about.
    importance : float64 array of shape (n_levels, n_features + 1), or None
        Mean over states and actions of the magnitude of the Shapley values; last the command pair, whose two values
        are added before the magnitude is taken. None where they cannot be had; `importance_note` says why.
    importance_note, importance_method : str
    importance_exact : bool
    n_background : int
        Of the Shapley values; 0 for the path-dependent game.
    influence : CommandInfluence or None
        Of each state; None where the training commands were not given.
    feature_names, action_names : tuple of str
    probability_source : str
    method : str
    exact : bool
        Of everything but `importance`.
    seed : None
        Nothing is drawn.

    Raises
    ------
    ValueError
        If shapes do not fit.
    """

    commands: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    seen: NDArray[np.bool_] | None
    density: NDArray[np.float64] | None
    support: SupportKind | None
    importance: NDArray[np.float64] | None
    importance_note: str
    importance_method: str
    importance_exact: bool
    n_background: int
    influence: CommandInfluence | None
    feature_names: tuple[str, ...]
    action_names: tuple[str, ...]
    probability_source: str
    method: str = METHOD
    exact: bool = True
    seed: int | None = None

    def __post_init__(self) -> None:
        shape = (self.n_states, self.n_levels, len(self.action_names))
        if self.probabilities.shape != shape:
            raise ValueError(f"probabilities must have shape {shape}, got {self.probabilities.shape}")
        if self.importance is not None and self.importance.shape != (self.n_levels, len(self.feature_names) + 1):
            raise ValueError(
                f"importance must have shape {(self.n_levels, len(self.feature_names) + 1)}, "
                f"got {self.importance.shape}"
            )

    @property
    def n_states(self) -> int:
        """States asked."""
        return len(self.probabilities)

    @property
    def n_rows(self) -> int:
        """States asked, as every table calls them."""
        return self.n_states

    @property
    def n_levels(self) -> int:
        """Command levels."""
        return len(self.commands)

    @property
    def actions(self) -> NDArray[np.int64]:
        """Greedy action of every state under every level, shape ``(n_states, n_levels)``."""
        return np.asarray(self.probabilities.argmax(axis=2), dtype=np.int64)

    @property
    def flip_rates(self) -> NDArray[np.float64]:
        """Share of states whose greedy action differs from that at the level before; NaN at the first level."""
        flips = np.diff(self.actions, axis=1) != 0
        return np.concatenate([[np.nan], flips.mean(axis=0)])

    @property
    def any_flip_share(self) -> float:
        """Share of states whose greedy action is not the same at all levels."""
        return float((np.ptp(self.actions, axis=1) > 0).mean())

    def to_frame(self) -> pd.DataFrame:
        """One row per level and action, columns :data:`COLUMNS`; `low` and `high` are quantiles over the states."""
        low, high = np.quantile(self.probabilities, QUANTILES, axis=0)
        level, action = (index.ravel() for index in np.indices(low.shape))
        greedy_share = (self.actions[:, :, None] == np.arange(low.shape[1])).mean(axis=0)
        columns = {
            **self._level_columns(level),
            "action": action,
            "action_name": np.array(self.action_names, dtype=object)[action],
            "probability": self.probabilities.mean(axis=0).ravel(),
            "low": low.ravel(),
            "high": high.ravel(),
            "low_quantile": QUANTILES[0],
            "high_quantile": QUANTILES[1],
            "greedy_share": greedy_share.ravel(),
            "flip_rate": self.flip_rates[level],
            "any_flip_share": self.any_flip_share,
            "n_rows": self.n_states,
            "method": METHOD,
            "exact": True,
            "probability_source": self.probability_source,
        }
        return pd.DataFrame(columns, columns=list(COLUMNS))

    def states_frame(self, n_states: int = MOST_STATES) -> pd.DataFrame:
        """One row per state, level and action, columns :data:`STATE_COLUMNS`; `n_states` of them, evenly picked."""
        chosen = even_places(self.n_states, n_states)
        state, level, action = (index.ravel() for index in np.indices(self.probabilities[chosen].shape))
        columns = {
            "state": chosen[state],
            **self._level_columns(level),
            "action": action,
            "action_name": np.array(self.action_names, dtype=object)[action],
            "probability": self.probabilities[chosen].ravel(),
        }
        return pd.DataFrame(columns, columns=list(STATE_COLUMNS))

    def importance_frame(self) -> pd.DataFrame:
        """One row per level and input, the command pair last, columns :data:`IMPORTANCE_COLUMNS`.

        Raises
        ------
        ValueError
            If there are no Shapley values; the message says why.
        """
        if self.importance is None:
            raise ValueError(self.importance_note)
        level, position = (index.ravel() for index in np.indices(self.importance.shape))
        n_features = len(self.feature_names)
        columns = {
            **self._level_columns(level),
            "feature": np.array([*self.feature_names, PAIR_NAME], dtype=object)[position],
            "is_command": position >= n_features - N_COMMANDS,
            "is_group": position == n_features,
            "importance": self.importance.ravel(),
            "n_rows": self.n_states,
            "n_background": self.n_background,
            "method": self.importance_method,
            "exact": self.importance_exact,
        }
        return pd.DataFrame(columns, columns=list(IMPORTANCE_COLUMNS))

    def summary_frame(self, *, episodes: ArrayLike | None = None, seed: int = 0) -> pd.DataFrame:
        """One row per summary number with its definition, columns :data:`SUMMARY_COLUMNS`.

        The command influence and the flip share between training commands are there if these were given.

        Parameters
        ----------
        episodes : array_like of shape (n_states,), optional
            The episode of each state. The 95 % intervals are then for other episodes of this one policy; else for
            other states, as if states were independent.
        seed : int
            Of the bootstrap.

        Raises
        ------
        ValueError
            If there is not one episode per state.
        """
        quantities: list[tuple[str, NDArray[np.float64], str, int]] = []
        if self.influence is not None:
            n_commands = self.influence.n_commands
            flip = "probability that two commands redrawn from training give different greedy actions"
            quantities = [
                ("command influence", self.influence.influence, f"{BETWEEN_COMMANDS}, mean over states", n_commands),
                ("flip share", self.influence.flip_share, f"{flip}, mean over states", n_commands),
            ]
        any_flip = (np.ptp(self.actions, axis=1) > 0).astype(np.float64)
        words = "share of states whose greedy action differs between command levels"
        records = []
        for name, values, definition, n_commands in [*quantities, ("any flip", any_flip, words, 0)]:
            units, kind = values, ROWS_OF_ONE
            if episodes is not None:
                units, kind = cluster_values(values[:, None], episodes)[:, 0], EPISODES_OF_ONE
            ends = mean_interval(units, kind, seed=seed)
            records.append(
                (name, float(values.mean()), ends.low, ends.high, ends.words, definition, self.n_states, self.n_levels,
                 n_commands, True, seed)
            )  # fmt: skip
        return pd.DataFrame(records, columns=list(SUMMARY_COLUMNS))

    def _level_columns(self, level: NDArray[np.intp]) -> dict[str, object]:
        unknown = pd.array([pd.NA] * len(level), dtype="boolean")
        return {
            "level": level,
            "desired_return": self.commands[level, 0],
            "desired_horizon": self.commands[level, 1],
            "seen": unknown if self.seen is None else self.seen[level],
            "density": np.nan if self.density is None else self.density[level],
            "support": "" if self.support is None else str(self.support),
        }


def command_response(
    policy: Policy,
    states: ArrayLike,
    returns: ArrayLike,
    horizons: ArrayLike,
    *,
    training_commands: CommandSupport | pd.DataFrame | ArrayLike | None = None,
    background: ArrayLike | None = None,
    n_jobs: int | None = None,
) -> CommandResponse:
    """Ask a policy what it does in stored states under a series of commands.

    Parameters
    ----------
    policy : Policy
        Never modified.
    states : array_like of shape (n_states, n_features - 2)
        Observations, without the command.
    returns : array_like of shape (n_levels,)
        Desired return (reward) of each level.
    horizons : float or array_like of shape (n_levels,)
        Desired horizon (steps): one for all levels, or one each, for instance those that training episodes of that
        return had (``udrl_explain.rollouts.sweeps.horizons_for``).
    training_commands : CommandSupport, DataFrame or array_like of shape (n, 2), optional
        Needed to mark levels as seen and for the command influence: ``fitted_commands(run.training_inputs)``, what the
        policy was last fitted on.
    background : array_like of shape (n_background, n_features), optional
        For the Shapley values. None means the path-dependent game, which only averaged forests have; other policies
        then have no importance by level, and :meth:`CommandResponse.importance_frame` says so.
    n_jobs : int, optional
        Threads; None takes all cores. The result does not depend on it.

    Returns
    -------
    CommandResponse

    Raises
    ------
    ValueError
        If an argument does not fit.
    """
    with_command(policy, "command_response")
    observations = checked_states(states, policy.feature_names)
    commands = _checked_levels(returns, horizons)
    support = None if training_commands is None else command_support(training_commands)
    probabilities = np.concatenate([part for _, part in probabilities_under(policy, observations, commands, n_jobs)])
    importance, note, method, exact, n_background = None, "", "", False, 0
    if background is None and not (isinstance(policy, ForestPolicy) and policy.forest.link == "mean"):
        note = (
            "without background rows only averaged forests have Shapley values (the path-dependent game); "
            "give background, for instance the training inputs"
        )
    else:
        # All levels of a state stand together: a coalition without the command is evaluated once for them.
        rows = np.concatenate(
            [np.column_stack([np.tile(state, (len(commands), 1)), commands]) for state in observations]
        )
        shapley = attribute(policy, rows, background, n_jobs=n_jobs)
        magnitudes = magnitudes_with_pair(shapley.values, policy.feature_names).mean(axis=1)
        importance = magnitudes.reshape(len(observations), len(commands), -1).mean(axis=0)
        method, exact, n_background = shapley.method, shapley.exact, shapley.n_background
    return CommandResponse(
        commands=commands,
        probabilities=probabilities,
        seen=None if support is None else support.seen(commands),
        density=None if support is None else support.density(commands),
        support=None if support is None else support.kind,
        importance=importance,
        importance_note=note,
        importance_method=method,
        importance_exact=exact,
        n_background=n_background,
        influence=None if support is None else state_influence(policy, observations, support, n_jobs=n_jobs),
        feature_names=policy.feature_names,
        action_names=policy.action_names,
        probability_source=policy.probability_source,
    )


def _checked_levels(returns: ArrayLike, horizons: ArrayLike) -> NDArray[np.float64]:
    desired, steps = np.asarray(returns, dtype=np.float64), np.asarray(horizons, dtype=np.float64)
    if desired.ndim != 1 or len(desired) == 0:
        raise ValueError(f"returns must be one desired return per level, shape (n_levels >= 1,), got {desired.shape}")
    if steps.shape not in ((), desired.shape):
        raise ValueError(f"horizons must be one number, or one per level {desired.shape}, got {steps.shape}")
    commands = np.column_stack([desired, np.broadcast_to(steps, desired.shape)])
    if not np.isfinite(commands).all():
        raise ValueError("returns and horizons must be finite")
    return commands
