"""What drove each action of one episode while its command ran down? One table, step by step.

Each step has the action and the policy's probabilities, the Shapley values of the action taken, the command
influence, and whether another command of the training range would have changed the action.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from udrl_explain.analysis.importance.measures import with_pair
from udrl_explain.attributions import attribute
from udrl_explain.command_space.flips import CommandFlip, command_flips
from udrl_explain.command_space.influence import CommandInfluence, command_influence
from udrl_explain.command_space.support import PAIR_NAME, CommandSupport, command_support
from udrl_explain.commands import HORIZON_COLUMN, N_COMMANDS, RETURN_COLUMN, checked_inputs
from udrl_explain.episodes import Episode
from udrl_explain.policies import ForestPolicy, Policy, checked_policy, greedy_actions
from udrl_explain.results import displayed

COLUMNS = (
    "step", "action", "action_name", "is_greedy", "reward", "desired_return", "desired_horizon", "seen", "density",
    "margin", "command_influence", "flip_share", "flips", "flip_action", "flip_distance", "flips_exact", "part", "name",
    "input", "value", "method", "exact", "n_background", "n_rows",
)  # fmt: skip
FLIP_COLUMNS = (
    "step", "action", "action_name", "desired_return", "desired_horizon", "flip_action", "flip_action_name",
    "flip_return", "flip_horizon", "flip_seen", "distance", "return_spread", "horizon_spread", "n_actions_reachable",
    "decisive_feature", "decisive_threshold", "n_trees_at_test", "n_trees_parting", "n_trees", "method", "exact",
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
        The nearest command of the training range that changes the greedy action; None where there is none.
    flip_seen : bool array of shape (length,)
        Whether that command is like those met in training; False where there is none.
    spread : (return spread, horizon spread)
        The unit of the flips' distances, in reward and steps.
    flips_method : str
    flips_exact : bool
        Whether all commands of the training range were searched, not a grid.
    """

    seen: NDArray[np.bool_]
    density: NDArray[np.float64]
    influence: CommandInfluence
    flips: tuple[CommandFlip | None, ...]
    flip_seen: NDArray[np.bool_]
    spread: tuple[float, float]
    flips_method: str
    flips_exact: bool


@displayed
@dataclass(frozen=True, eq=False)
class Timeline:
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
        n_features = len(self.feature_names)
        parts = [PARTS[0]] * n_actions + [PARTS[1]] + [PARTS[2]] * (n_features + 1)
        names = [*self.action_names, PARTS[1], *self.feature_names, PAIR_NAME]
        empty = np.full((length, n_actions + 1), np.nan)
        values = np.column_stack([self.probabilities, self.base_values, with_pair(self.shapley)])
        inputs = np.column_stack([empty, self.episode.inputs, np.full(length, np.nan)])
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

        `distance` runs from the command in force to the nearest such command, in spreads of the training commands;
        `flip_seen` says whether training met commands like it. For forests `decisive_feature` and
        `decisive_threshold` (natural units) name the test at which most of the `n_trees_parting` trees part.

        Raises
        ------
        ValueError
            If the timeline was made without training commands.
        """
        view = self.commands
        if view is None:
            raise ValueError("flips need the training commands: episode_timeline(..., training_commands=...)")
        greedy = greedy_actions(self.probabilities)
        rows: list[tuple[object, ...]] = []
        for step, flip in enumerate(view.flips):
            if flip is None:
                continue
            test = flip.decisive
            decisive = (None, np.nan, 0, 0) if test is None else (
                self.feature_names[test.feature], test.threshold, test.n_trees, test.n_trees_parting
            )  # fmt: skip
            desired_return, desired_horizon = self.episode.inputs[step, -N_COMMANDS:]
            rows.append((
                step, int(greedy[step]), self.action_names[greedy[step]], desired_return, desired_horizon,
                flip.action, self.action_names[flip.action], flip.command.desired_return,
                flip.command.desired_horizon, bool(view.flip_seen[step]), flip.distance, *view.spread,
                flip.n_actions_reachable, *decisive, self.n_trees, view.flips_method, view.flips_exact,
            ))  # fmt: skip
        return pd.DataFrame(rows, columns=list(FLIP_COLUMNS))

    def _step_columns(self) -> dict[str, "NDArray[np.generic] | pd.api.extensions.ExtensionArray"]:
        length, view = len(self.episode), self.commands
        actions = self.episode.actions
        unknown = pd.array([pd.NA] * length, dtype="boolean")
        nothing = np.full(length, np.nan)
        flips: Sequence[CommandFlip | None] = [None] * length if view is None else view.flips
        return {
            "step": np.arange(length),
            "action": actions,
            "action_name": np.array(self.action_names, dtype=object)[actions],
            "is_greedy": greedy_actions(self.probabilities) == actions,
            "reward": self.episode.rewards,
            "desired_return": self.episode.inputs[:, RETURN_COLUMN],
            "desired_horizon": self.episode.inputs[:, HORIZON_COLUMN],
            "seen": unknown if view is None else view.seen,
            "density": nothing if view is None else view.density,
            "margin": self.margin,
            "command_influence": nothing if view is None else view.influence.influence,
            "flip_share": nothing if view is None else view.influence.flip_share,
            "flips": unknown if view is None else np.array([flip is not None for flip in flips]),
            "flip_action": pd.array([pd.NA if flip is None else flip.action for flip in flips], dtype="Int64"),
            "flip_distance": np.array([np.nan if flip is None else flip.distance for flip in flips]),
            "flips_exact": unknown if view is None else np.full(length, view.flips_exact),
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
        Needed for command influence, flips and the marks of seen commands: ``run.training_commands``, or
        ``run.training_inputs[:, -2:]``.
    grid : (n_returns, n_horizons)
        Where flips of a policy that is no forest are looked for, over the training range. Forests are searched
        exactly.
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
    commands that were never met, so a flip also says whether its command is seen.
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
    # Where nothing flips, any finite command does: the answer is not used.
    nearest = [
        commands[i] if flip is None else (flip.command.desired_return, flip.command.desired_horizon)
        for i, flip in enumerate(flips)
    ]
    found = np.array([flip is not None for flip in flips])
    return CommandView(
        seen=support.seen(commands),
        density=support.density(commands),
        influence=command_influence(policy, rows, support, n_jobs=n_jobs),
        flips=tuple(flips),
        flip_seen=support.seen(np.array(nearest)) & found,
        spread=support.spread,
        flips_method=method,
        flips_exact=exact,
    )
