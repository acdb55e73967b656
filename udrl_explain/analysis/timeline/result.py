"""What drove each action of one episode while its command ran down? One table, step by step.

Each step has the action and the policy's probabilities, the Shapley values of the action taken, the command
influence, and whether another command would have changed the action: one of the training range, and a seen one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from udrl_explain.analysis.timeline.flips import CommandFlip, command_flips
from udrl_explain.attributions import attribute
from udrl_explain.attributions.pair import names_with_pair, with_pair
from udrl_explain.command_space.influence import CommandInfluence, command_influence
from udrl_explain.command_space.nearest_changes import CommandChange
from udrl_explain.command_space.support import CommandSupport, command_support
from udrl_explain.commands import HORIZON_COLUMN, N_COMMANDS, RETURN_COLUMN, checked_inputs, n_commands
from udrl_explain.episodes import Episode
from udrl_explain.policies import ForestPolicy, Policy, checked_policy, greedy_actions, with_command
from udrl_explain.results import Drawn, displayed
from udrl_explain.trees.partings import DecisiveTest

COLUMNS = (
    "step", "action", "action_name", "is_greedy", "reward", "desired_return", "desired_horizon", "seen", "density",
    "support", "margin", "command_influence", "flip_share", "flips", "flip_action", "flip_distance", "flips_exact",
    "seen_flips", "seen_flip_action", "seen_flip_distance", "part", "name", "input", "value", "method", "exact",
    "n_background", "n_rows",
)  # fmt: skip
FLIP_COLUMNS = (
    "step", "action", "action_name", "desired_return", "desired_horizon", "flip_action", "flip_action_name",
    "flip_return", "flip_horizon", "flip_seen", "distance", "return_spread", "horizon_spread", "n_actions_reachable",
    "decisive_feature", "decisive_threshold", "n_trees_at_test", "n_trees_parting", "seen_flip_action",
    "seen_flip_action_name", "seen_flip_return", "seen_flip_horizon", "seen_distance", "seen_infimum",
    "seen_decisive_feature", "seen_decisive_threshold", "seen_n_trees_at_test", "seen_n_trees_parting", "n_trees",
    "support", "method", "exact",
)  # fmt: skip
PARTS = ("probability", "base value", "Shapley value")


@dataclass(frozen=True, eq=False)
class CommandView:
    """What the training commands say about an episode's steps.

    Parameters
    ----------
    seen, density : arrays of shape (length,)
        Of the command in force (see ``command_support``).
    influence : CommandInfluence
        Of each step, from the command in force.
    flips : tuple of CommandFlip or None
        The nearest commands of the training range, and the nearest seen ones, that change the greedy action; None
        where no command of the range does.
    support : CommandSupport
        The training commands; its spread is the unit of the flips' distances.
    flips_method : str
    flips_exact : bool
        Whether all commands of the training range were searched, not a grid.
    """

    seen: NDArray[np.bool_]
    density: NDArray[np.float64]
    influence: CommandInfluence
    flips: tuple[CommandFlip | None, ...]
    support: CommandSupport
    flips_method: str
    flips_exact: bool


@displayed
@dataclass(frozen=True, eq=False)
class Timeline(Drawn):
    """One episode, step by step.

    Parameters
    ----------
    episode : Episode
    probabilities : float64 array of shape (length, n_actions)
    shapley : float64 array of shape (length, n_features)
        Of the probability of the action taken, at each step.
    base_values : float64 array of shape (length,)
        Of the action taken: ``base_values + shapley.sum(axis=1)`` is its probability.
    method : str
        How the Shapley values were made.
    exact : bool
        Whether they are exact.
    n_background : int
        0 for the path-dependent game.
    commands : CommandView or None
        None where the training commands were not given.
    n_trees : int
        0 for policies that are no forests.
    feature_names, action_names : tuple of str
    seed : None
        Nothing is drawn.

    Raises
    ------
    ValueError
        If shapes do not fit.
    """

    episode: Episode
    probabilities: NDArray[np.float64]
    shapley: NDArray[np.float64]
    base_values: NDArray[np.float64]
    method: str
    exact: bool
    n_background: int
    commands: CommandView | None
    n_trees: int
    feature_names: tuple[str, ...]
    action_names: tuple[str, ...]
    seed: int | None = None

    def __post_init__(self) -> None:
        for name, width in (("probabilities", len(self.action_names)), ("shapley", len(self.feature_names))):
            array = getattr(self, name)
            if array.shape != (len(self.episode), width):
                raise ValueError(f"{name} must have shape {(len(self.episode), width)}, got {array.shape}")

    @property
    def n_rows(self) -> int:
        """Steps of the episode."""
        return len(self.episode)

    @property
    def margin(self) -> NDArray[np.float64]:
        """Probability of the most probable action less that of the second, shape ``(length,)``."""
        if self.probabilities.shape[1] == 1:
            return self.probabilities[:, 0].copy()
        top = np.sort(self.probabilities, axis=1)
        return np.asarray(top[:, -1] - top[:, -2])

    def to_frame(self) -> pd.DataFrame:
        """One row per step and number drawn, columns :data:`COLUMNS`.

        Each step has the same columns up to `flips_exact`, and one row per `part` and `name`: the probability of every
        action; the base value of the action taken; the Shapley value of every input and of the command pair for the
        action taken, with the `input`. Base value and inputs add up to the probability of the action taken.
        """
        length, n_actions = self.probabilities.shape
        players = names_with_pair(self.feature_names)
        parts = [PARTS[0]] * n_actions + [PARTS[1]] + [PARTS[2]] * len(players)
        names = [*self.action_names, PARTS[1], *players]
        empty = np.full((length, n_actions + 1), np.nan)
        shapley_values = with_pair(self.shapley, self.feature_names)
        values = np.column_stack([self.probabilities, self.base_values, shapley_values])
        pair = np.full((length, len(players) - len(self.feature_names)), np.nan)
        inputs = np.column_stack([empty, self.episode.inputs, pair])
        shapley = np.array([part != PARTS[0] for part in parts])
        step, k = (index.ravel() for index in np.indices(values.shape))
        columns = {name: column[step] for name, column in self._step_columns().items()}
        columns |= {
            "part": np.array(parts, dtype=object)[k],
            "name": np.array(names, dtype=object)[k],
            "input": inputs.ravel(),
            "value": values.ravel(),
            "method": np.where(shapley, self.method, "the policy itself").astype(object)[k],
            "exact": np.where(shapley, self.exact, True)[k],
            "n_background": np.where(shapley, self.n_background, 0)[k],
            "n_rows": np.full(len(k), length),
        }
        return pd.DataFrame(columns, columns=list(COLUMNS))

    def flips_frame(self) -> pd.DataFrame:
        """One row per step at which a command of the training range changes the action, columns :data:`FLIP_COLUMNS`.

        First the steps at which a *seen* command does. `distance` runs from the command in force to the nearest command
        of the training range that flips, in spreads of the training commands; `flip_seen` says whether that command is
        seen. `seen_distance` runs to the nearest seen one, where one was found; below `seen_infimum` none flips
        (infinite: none does in the range, missing: not known). For forests the decisive feature and threshold (natural
        units) name the test at which most of the trees part that part at all.

        Raises
        ------
        ValueError
            If the timeline was made without training commands.
        """
        view = self.commands
        if view is None:
            raise ValueError("flips need the training commands: episode_timeline(..., training_commands=...)")
        greedy = greedy_actions(self.probabilities)
        flips = [(step, flip) for step, flip in enumerate(view.flips) if flip is not None]
        rows = [
            {
                "step": step,
                "action": int(greedy[step]),
                "action_name": self.action_names[greedy[step]],
                "desired_return": self.episode.inputs[step, RETURN_COLUMN],
                "desired_horizon": self.episode.inputs[step, HORIZON_COLUMN],
                "flip_seen": bool(flip.nearest.seen),
                "distance": flip.nearest.distance,
                "return_spread": view.support.spread[0],
                "horizon_spread": view.support.spread[1],
                "n_actions_reachable": flip.n_actions_reachable,
                "seen_distance": np.nan if flip.seen is None else flip.seen.distance,
                "seen_infimum": np.nan if flip.seen_infimum is None else flip.seen_infimum,
                "n_trees": self.n_trees,
                "support": str(view.support.kind),
                "method": view.flips_method,
                "exact": view.flips_exact,
                **self._change_columns("", flip.nearest, flip.decisive),
                **self._change_columns("seen_", flip.seen, flip.seen_decisive),
            }
            for step, flip in sorted(flips, key=lambda pair: pair[1].seen is None)
        ]
        frame = pd.DataFrame(rows, columns=list(FLIP_COLUMNS))
        return frame.astype({"flip_action": "Int64", "seen_flip_action": "Int64"})

    def _change_columns(
        self, prefix: str, change: CommandChange | None, test: DecisiveTest | None
    ) -> dict[str, object]:
        return {
            f"{prefix}flip_action": pd.NA if change is None else change.action,
            f"{prefix}flip_action_name": None if change is None else self.action_names[change.action],
            f"{prefix}flip_return": np.nan if change is None else change.command.desired_return,
            f"{prefix}flip_horizon": np.nan if change is None else change.command.desired_horizon,
            f"{prefix}decisive_feature": None if test is None else self.feature_names[test.feature],
            f"{prefix}decisive_threshold": np.nan if test is None else test.threshold,
            f"{prefix}n_trees_at_test": 0 if test is None else test.n_trees,
            f"{prefix}n_trees_parting": 0 if test is None else test.n_trees_parting,
        }

    def _step_columns(self) -> dict[str, NDArray[np.generic] | pd.api.extensions.ExtensionArray]:
        length, view = len(self.episode), self.commands
        actions = self.episode.actions
        commanded = n_commands(self.feature_names) > 0
        unknown = pd.array([pd.NA] * length, dtype="boolean")
        nothing = np.full(length, np.nan)
        flips: Sequence[CommandFlip | None] = [None] * length if view is None else view.flips
        nearest = [None if flip is None else flip.nearest for flip in flips]
        seen = [None if flip is None else flip.seen for flip in flips]
        return {
            "step": np.arange(length),
            "action": actions,
            "action_name": np.array(self.action_names, dtype=object)[actions],
            "is_greedy": greedy_actions(self.probabilities) == actions,
            "reward": self.episode.rewards,
            "desired_return": self.episode.inputs[:, RETURN_COLUMN] if commanded else nothing,
            "desired_horizon": self.episode.inputs[:, HORIZON_COLUMN] if commanded else nothing,
            "seen": unknown if view is None else view.seen,
            "density": nothing if view is None else view.density,
            "support": np.full(length, "" if view is None else str(view.support.kind), dtype=object),
            "margin": self.margin,
            "command_influence": nothing if view is None else view.influence.influence,
            "flip_share": nothing if view is None else view.influence.flip_share,
            "flips": unknown if view is None else _found(nearest),
            "flip_action": _actions_of(nearest),
            "flip_distance": _distances_of(nearest),
            "flips_exact": unknown if view is None else np.full(length, view.flips_exact),
            "seen_flips": unknown if view is None else _found(seen),
            "seen_flip_action": _actions_of(seen),
            "seen_flip_distance": _distances_of(seen),
        }


def episode_timeline(
    policy: Policy,
    episode: Episode,
    background: ArrayLike | None = None,
    *,
    training_commands: CommandSupport | pd.DataFrame | ArrayLike | None = None,
    grid: tuple[int, int] = (25, 25),
    n_jobs: int | None = None,
) -> Timeline:
    """Explain one stored episode step by step.

    Parameters
    ----------
    policy : Policy
        The one that acted. Never modified.
    episode : Episode
    background : array_like of shape (n_background, n_features), optional
        For the Shapley values. None means the path-dependent game, which only averaged forests have.
    training_commands : CommandSupport, DataFrame or array_like of shape (n, 2), optional
        Needed for command influence, flips and the marks of seen commands:
        ``fitted_commands(run.training_inputs)``, what the policy was last fitted on.
    grid : (n_returns, n_horizons)
        Where flips of a policy that is no forest are looked for, over the training range, besides the training
        commands themselves. Forests are searched exactly.
    n_jobs : int, optional
        Threads; None takes all cores. The result does not depend on it.

    Returns
    -------
    Timeline

    Raises
    ------
    ValueError
        If an argument does not fit, or the policy needs a background.

    Notes
    -----
    Flips change the *greedy* action under the command in force, which is the action taken unless that was sampled
    (`is_greedy`). The training range is the rectangle between the lowest and highest training commands; it holds
    commands that no training row came near, where the policy extrapolates. So each flip says whether its command is
    seen, and beside it stands the nearest flip to a seen command, if there is one.
    """
    checked_policy(policy)
    if not isinstance(episode, Episode):
        raise ValueError(f"episode must be an Episode, got {type(episode).__name__}: pass run.episodes[0]")
    rows = checked_inputs(episode.inputs, policy.feature_names)
    if episode.actions.min() < 0 or episode.actions.max() >= policy.n_actions:
        raise ValueError(
            f"episode actions must lie in 0..{policy.n_actions - 1}, got {episode.actions.min()}.."
            f"{episode.actions.max()}"
        )
    checked_grid = tuple(int(n) for n in grid)
    if len(checked_grid) != N_COMMANDS or min(checked_grid) < 2:
        raise ValueError(f"grid must be (n_returns, n_horizons), two integers of at least 2, got {grid!r}")
    shapley = attribute(policy, rows, background, n_jobs=n_jobs)
    taken = shapley.values[np.arange(len(rows)), :, episode.actions]
    view = None
    if training_commands is not None:
        with_command(policy, "episode_timeline with training_commands")
        support = command_support(training_commands)
        view = _command_view(policy, rows, support, (checked_grid[0], checked_grid[1]), n_jobs)
    return Timeline(
        episode=episode,
        probabilities=policy.action_probabilities(rows),
        shapley=taken,
        base_values=shapley.base_values[episode.actions],
        method=shapley.method,
        exact=shapley.exact,
        n_background=shapley.n_background,
        commands=view,
        n_trees=policy.forest.n_trees if isinstance(policy, ForestPolicy) else 0,
        feature_names=policy.feature_names,
        action_names=policy.action_names,
    )


def _command_view(
    policy: Policy, rows: NDArray[np.float64], support: CommandSupport, grid: tuple[int, int], n_jobs: int | None
) -> CommandView:
    commands = rows[:, -N_COMMANDS:]
    flips, method, exact = command_flips(policy, rows, support, grid, n_jobs=n_jobs)
    return CommandView(
        seen=support.seen(commands),
        density=support.density(commands),
        influence=command_influence(policy, rows, support, n_jobs=n_jobs),
        flips=tuple(flips),
        support=support,
        flips_method=method,
        flips_exact=exact,
    )


def _found(changes: Sequence[CommandChange | None]) -> NDArray[np.bool_]:
    return np.array([change is not None for change in changes])


def _actions_of(changes: Sequence[CommandChange | None]) -> pd.api.extensions.ExtensionArray:
    return pd.array([pd.NA if change is None else change.action for change in changes], dtype="Int64")


def _distances_of(changes: Sequence[CommandChange | None]) -> NDArray[np.float64]:
    return np.array([np.nan if change is None else change.distance for change in changes])
