"""Why this action? One sentence, computed from Shapley values, command influence and the nearest seen flip."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from udrl_explain.analysis.explanation.words import (
    change_words,
    command_words,
    percent,
    rounded_away,
    state_words,
)
from udrl_explain.analysis.shapley import ShapleyValues, shapley_values
from udrl_explain.analysis.timeline.flips import CommandFlip, command_flips
from udrl_explain.command_space.influence import CommandInfluence, command_influence
from udrl_explain.command_space.support import CommandSupport, command_support, fitted_commands
from udrl_explain.commands import N_COMMANDS, Command, checked_inputs, input_rows, n_commands, n_observations
from udrl_explain.episodes import Episode
from udrl_explain.policies import Policy, greedy_actions, with_command
from udrl_explain.policies.of_runs import PolicyOwner, policy_and_background
from udrl_explain.results import Drawn, displayed

COLUMNS = (
    "rank", "feature", "is_command", "feature_value", "action", "action_name", "shapley_value", "base_value",
    "probability", "quantity", "method", "exact", "n_background", "seed",
)  # fmt: skip


@displayed
@dataclass(frozen=True, eq=False)
class Explanation(Drawn):
    """Why a policy chose an action in one row.

    Parameters
    ----------
    values : ShapleyValues
        Of the one row, for all actions.
    action : int
        The action explained: the one taken at a step of an episode, else the most probable.
    most_probable : int
        Another one only where the action taken was drawn.
    method : str
        How the Shapley values were made.
    exact : bool
        Whether they are exact.
    seed : int
        Of sampled values; exact ones do not use it.
    influence : CommandInfluence or None
        Of the row; None where no training commands are known.
    flip : CommandFlip or None
        The nearest commands that change the most probable action; None where none does, or none were looked for.
    told_flip : Command or None
        The nearest *seen* change as the sentence prints it: rounded away from the present command to as few digits as
        still flip and are seen, confirmed by the policy.
    support : CommandSupport or None
        The training commands that decide what is seen.
    flips_exact : bool
        Whether all commands of the training range were searched.

    Raises
    ------
    ValueError
        If `values` are not those of one row.
    """

    values: ShapleyValues
    action: int
    most_probable: int
    method: str
    exact: bool
    seed: int
    influence: CommandInfluence | None = field(default=None, repr=False)
    flip: CommandFlip | None = field(default=None, repr=False)
    told_flip: Command | None = None
    support: CommandSupport | None = field(default=None, repr=False)
    flips_exact: bool = False

    def __post_init__(self) -> None:
        if self.values.n_rows != 1:
            raise ValueError(f"an explanation is of one row, got the values of {self.values.n_rows}")

    @property
    def n_rows(self) -> int:
        """Rows explained: one."""
        return 1

    @property
    def n_background(self) -> int:
        """Background rows averaged over; 0 for the path-dependent game."""
        return self.values.n_background

    @property
    def row(self) -> NDArray[np.float64]:
        """The input row, shape ``(n_features,)``."""
        return np.asarray(self.values.inputs[0])

    @property
    def probability(self) -> float:
        """Of the action explained."""
        return float(self.values.outputs[0, self.action])

    @property
    def pushes(self) -> NDArray[np.float64]:
        """Shapley value of each input for the action explained, shape ``(n_features,)``."""
        return np.asarray(self.values.values[0, :, self.action])

    @property
    def command(self) -> Command:
        """The command in force.

        Raises
        ------
        ValueError
            If the policy takes none.
        """
        if n_commands(self.values.feature_names) == 0:
            raise ValueError("there is no command in force: this policy takes none (command=None)")
        return Command(float(self.row[-2]), float(self.row[-1]))

    @property
    def sentence(self) -> str:
        """The explanation in words; every number in it stands in the tables or attributes too."""
        names = self.values.action_names
        start = f"{names[self.action]}, {percent(self.probability)}"
        if self.values.probability_source != "probabilities":
            start = f"{names[self.action]} (its estimator gives no probabilities)"
        elif self.action != self.most_probable:
            other = percent(float(self.values.outputs[0, self.most_probable]))
            start += f", drawn although {names[self.most_probable]} is more probable ({other})"
        n_state = n_observations(self.values.feature_names)
        state = state_words(self.values.feature_names[:n_state], self.row, self.pushes[:n_state])
        if n_state == len(self.pushes):
            return f"{start}: {state}."
        command = command_words(float(self.pushes[n_state:].sum()), self.influence)
        return f"{start}: {state}; {command}{self._flip_words()}."

    def _flip_words(self) -> str:
        if self.support is None:
            return ""
        if self.told_flip is not None and self.flip is not None and self.flip.seen is not None:
            change = change_words(self.command, self.told_flip)
            return f"; asking for {change} would change it to {self.values.action_names[self.flip.seen.action]}"
        if self.flip is None:
            asked = "no command of the training range" if self.flips_exact else "none of the commands asked"
            return f"; {asked} would change it"
        certain = self.flips_exact and self.flip.seen_infimum == np.inf
        return "; no seen command would change it" if certain else "; no seen command was found that changes it"

    def top(self, k: int = 3) -> pd.DataFrame:
        """Return the `k` inputs of the largest pushes, as :meth:`to_frame` has them.

        Raises
        ------
        ValueError
            If `k` is below 1.
        """
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        return self.to_frame().head(k)

    def to_frame(self) -> pd.DataFrame:
        """One row per input, the largest push first, columns :data:`COLUMNS`.

        `base_value` and all Shapley values add up to `probability`.
        """
        order = np.argsort(-np.abs(self.pushes), kind="stable")
        n_features = len(order)
        columns = {
            "rank": np.arange(1, n_features + 1),
            "feature": np.array(self.values.feature_names, dtype=object)[order],
            "is_command": order >= n_observations(self.values.feature_names),
            "feature_value": self.row[order],
            "action": self.action,
            "action_name": self.values.action_names[self.action],
            "shapley_value": self.pushes[order],
            "base_value": self.values.base_values[self.action],
            "probability": self.probability,
            "quantity": self.values.quantity,
            "method": self.method,
            "exact": self.exact,
            "n_background": self.n_background,
            "seed": self.seed,
        }
        return pd.DataFrame(columns, columns=list(COLUMNS))


def explain(
    run_or_policy: PolicyOwner | Policy,
    row: ArrayLike | tuple[Episode | int, int],
    *,
    background: ArrayLike | None = None,
    training_commands: CommandSupport | pd.DataFrame | ArrayLike | None = None,
    method: str = "exact",
    seed: int = 0,
    grid: tuple[int, int] = (25, 25),
    n_jobs: int | None = None,
) -> Explanation:
    """Explain one decision in a sentence.

    Parameters
    ----------
    run_or_policy : Run or Policy
        Never modified. A run knows its background and its training commands.
    row : array_like of shape (n_features,) or (1, n_features), Series, or (episode, step)
        The row to explain, in natural units; or a step of an episode, which is an Episode or, of a run, the number of a
        final episode. Of a step the action taken is explained, of a row the most probable.
    background : array_like of shape (n_background, n_features), optional
        As for :func:`~udrl_explain.shapley_values`; of a run the rows of its last fit by default.
    training_commands : CommandSupport, DataFrame or array_like of shape (n, 2), optional
        Which commands are seen; of a run by default those of the rows of its last fit, of a policy those of its
        background, where there is one.
    method, seed
        As for :func:`~udrl_explain.shapley_values`.
    grid : (n_returns, n_horizons)
        Where flips of a policy that is no forest are looked for, besides the training commands themselves.
    n_jobs : int, optional
        Threads; None takes all cores. The result does not depend on it.

    Returns
    -------
    Explanation

    Raises
    ------
    ValueError
        If an argument does not fit, or the policy needs a background.
    SelfCheckError
        If the policy does not confirm a flip, or values do not add up.

    Notes
    -----
    What an input "adds" is its Shapley value for the probability of the action; the command adds the sum of those of
    its two inputs. How much the command *matters* is its influence: the expected total variation of the action
    probabilities when the command in force is redrawn from training. The two can differ: an average command adds
    nothing, and another one may still change the action.
    """
    policy, known, run = policy_and_background(run_or_policy, background)
    asked, taken = _asked_row(policy, row, run)
    values = shapley_values(policy, asked, known, method=method, seed=seed, n_jobs=n_jobs)
    support = _support(training_commands, run, policy, known)
    own = int(greedy_actions(policy.action_probabilities(asked))[0])
    action = own if taken is None else taken
    if support is None:
        return Explanation(values, action, own, values.method, values.exact, values.seed)
    influence = command_influence(policy, asked, support, n_jobs=n_jobs)
    flips, _, exact = command_flips(policy, asked, support, grid, n_jobs=n_jobs)
    return Explanation(
        values=values,
        action=action,
        most_probable=own,
        method=values.method,
        exact=values.exact,
        seed=values.seed,
        influence=influence,
        flip=flips[0],
        told_flip=_told(policy, asked[0], flips[0], support),
        support=support,
        flips_exact=exact,
    )


def _asked_row(
    policy: Policy, row: ArrayLike | tuple[Episode | int, int], run: PolicyOwner | None
) -> tuple[NDArray[np.float64], int | None]:
    """The row, shape ``(1, n_features)``, and the action taken where it is a step of an episode."""
    if isinstance(row, tuple) and len(row) == N_COMMANDS:
        episode, step = row
        if not isinstance(episode, Episode):
            episode = _final_episode(episode, run)
        if not isinstance(step, (int, np.integer)) or not 0 <= step < len(episode):
            raise ValueError(f"step must lie in 0..{len(episode) - 1}, got {step!r}")
        return checked_inputs(episode.inputs[step][None, :], policy.feature_names), int(episode.actions[step])
    given: ArrayLike = row  # type: ignore[assignment] # a pair of numbers was an episode's step
    if np.ndim(given) == 1 and not hasattr(given, "to_numpy"):  # a series is matched by name
        given = np.asarray(given)[None, :]
    rows = checked_inputs(given, policy.feature_names)
    if len(rows) != 1:
        raise ValueError(f"row must be one row, got {len(rows)}: pass rows[i]")
    return rows, None


def _final_episode(number: object, run: PolicyOwner | None) -> Episode:
    if run is None:
        raise ValueError(f"(episode, step) of a policy needs the episode itself, got {number!r}: pass run.episodes[0]")
    episodes: tuple[Episode, ...] = getattr(run, "episodes", ())
    if not isinstance(number, (int, np.integer)) or not 0 <= number < len(episodes):
        raise ValueError(f"episode must be an Episode or one of 0..{len(episodes) - 1}, got {number!r}")
    return episodes[number]


def _support(
    training_commands: CommandSupport | pd.DataFrame | ArrayLike | None,
    run: PolicyOwner | None,
    policy: Policy,
    background: ArrayLike | None,
) -> CommandSupport | None:
    if n_commands(policy.feature_names) == 0:
        if training_commands is not None:
            with_command(policy, "explain with training_commands")
        return None
    if training_commands is not None:
        return command_support(training_commands)
    if run is not None:
        return fitted_commands(run.training_inputs) if len(run.training_inputs) else None
    if background is None:
        return None
    return command_support(checked_inputs(background, policy.feature_names, "background")[:, -N_COMMANDS:])


def _told(
    policy: Policy, row: NDArray[np.float64], flip: CommandFlip | None, support: CommandSupport
) -> Command | None:
    """The seen change with the fewest digits that flips to the same action and is seen."""
    if flip is None or flip.seen is None:
        return None
    candidates = rounded_away(Command(float(row[-2]), float(row[-1])), flip.seen.command)
    commands = np.array([(command.desired_return, command.desired_horizon) for command in candidates])
    actions = greedy_actions(policy.action_probabilities(input_rows(row[:-N_COMMANDS], commands)))
    low, high = np.array([support.returns, support.horizons]).T
    fits = (actions == flip.seen.action) & support.seen(commands) & ((commands >= low) & (commands <= high)).all(axis=1)
    return candidates[int(np.argmax(fits))]  # the last is the change itself, which does
