"""Episodes, and collecting them in lockstep."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from udrl_explain.commands import HORIZON_COLUMN, N_COMMANDS, RETURN_COLUMN
from udrl_explain.environments import Lockstep

Actor = Callable[[NDArray[np.float64]], NDArray[np.int64]]
"""Chooses one action per input row: ``(n_rows, n_features) -> (n_rows,)``."""


class EpisodeActor(Protocol):
    """An actor that treats episodes apart."""

    def episode_actions(self, inputs: NDArray[np.float64], which: NDArray[np.int64]) -> NDArray[np.int64]:
        """Choose one action per input row; `which` numbers the episode of each row."""
        ...


@dataclass(frozen=True, eq=False)
class Episode:
    """One episode, step by step.

    Parameters
    ----------
    inputs : float64 array of shape (length, n_features)
        What the policy saw: observation, desired return (reward), desired horizon (steps). The observation alone for
        a policy that takes no command.
    actions : int64 array of shape (length,)
    rewards : float64 array of shape (length,)
    seed : int
        The environment's seed.
    takes_command : bool
        Whether the inputs end with a command.

    Raises
    ------
    ValueError
        If the lengths differ or are 0.
    """

    inputs: NDArray[np.float64]
    actions: NDArray[np.int64]
    rewards: NDArray[np.float64]
    seed: int
    takes_command: bool = True

    def __post_init__(self) -> None:
        if not len(self.inputs) == len(self.actions) == len(self.rewards) > 0:
            raise ValueError(
                f"an episode needs as many inputs ({len(self.inputs)}) as actions ({len(self.actions)}) "
                f"and rewards ({len(self.rewards)}), and at least one"
            )

    def __len__(self) -> int:
        return len(self.actions)

    def __repr__(self) -> str:
        return f"Episode({len(self)} steps, return {self.total_return:.6g}, seed {self.seed})"

    @property
    def total_return(self) -> float:
        """Sum of the rewards."""
        return float(self.rewards.sum())

    def hindsight_inputs(self) -> NDArray[np.float64]:
        """Rows with the commands that this episode fulfilled, shape ``(length, n_features)``.

        The desired return of step t is the reward from t on, the desired horizon the steps from t on: the
        training input of Srivastava et al. (2019), section 2.3, for trailing segments.

        Raises
        ------
        ValueError
            If the inputs hold no command.
        """
        if not self.takes_command:
            raise ValueError("an episode of a policy that takes no command has no commands in hindsight")
        rows = self.inputs.copy()
        rows[:, RETURN_COLUMN] = np.cumsum(self.rewards[::-1])[::-1]
        rows[:, HORIZON_COLUMN] = np.arange(len(self), 0, -1)
        return rows


def collect_episodes(
    environments: Lockstep,
    act: Actor | EpisodeActor,
    commands: NDArray[np.float64] | None,
    seeds: Sequence[int],
    *,
    most_return: float = np.inf,
) -> list[Episode]:
    """Play one episode per command, all at once: one call of `act` per step for all episodes that still run.

    Parameters
    ----------
    environments : Lockstep
    act : callable or EpisodeActor
        Chooses the actions of a batch of input rows.
    commands : float64 array of shape (n_episodes, 2)
        Desired return and horizon at the start. After each step the return loses the reward and the horizon one
        step, never below 1 (Srivastava et al. 2019, Algorithm 2). None for policies whose rows hold no command.
    seeds : sequence of int, length n_episodes
        Environment seeds.
    most_return : float
        While a desired return runs down it is kept at or below this, or below its start where that is higher.

    Returns
    -------
    list of Episode
        In the order of `commands`.
    """
    n = len(seeds)
    commanded = commands is not None
    rows = np.empty((n, environments.n_observations + (N_COMMANDS if commanded else 0)))
    states = rows[:, : environments.n_observations]
    states[:] = environments.reset(seeds)
    if commanded:
        rows[:, -N_COMMANDS:] = commands
    most = np.maximum(rows[:, RETURN_COLUMN], most_return) if commanded else np.empty(n)
    live = np.arange(n)
    history: list[tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]] = []
    while live.size:
        batch = rows[live]
        actions = act(batch) if callable(act) else act.episode_actions(batch, live)
        rewards, alive = environments.step(live, actions, states)
        history.append((live, batch, actions, rewards))
        if commanded:
            rows[live, RETURN_COLUMN] = np.minimum(rows[live, RETURN_COLUMN] - rewards, most[live])
            rows[live, HORIZON_COLUMN] = np.maximum(rows[live, HORIZON_COLUMN] - 1.0, 1.0)
        live = live[alive]
    owner = np.concatenate([step[0] for step in history])
    order = np.argsort(owner, kind="stable")
    cuts = np.cumsum(np.bincount(owner, minlength=n))[:-1]
    all_inputs, all_actions, all_rewards = (
        np.split(np.concatenate([step[part] for step in history])[order], cuts) for part in (1, 2, 3)
    )
    return [
        Episode(all_inputs[i].copy(), all_actions[i].astype(np.int64), all_rewards[i].copy(), int(seeds[i]), commanded)
        for i in range(n)
    ]
