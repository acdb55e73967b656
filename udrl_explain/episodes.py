"""Episodes, the replay buffer that keeps the best of them, and collecting them in lockstep."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udrl_explain.commands import HORIZON_COLUMN, N_COMMANDS, RETURN_COLUMN
from udrl_explain.environments import Lockstep

Actor = Callable[[NDArray[np.float64]], NDArray[np.int64]]
"""Chooses one action per input row: ``(n_rows, n_features) -> (n_rows,)``."""


@dataclass(frozen=True, eq=False)
class Episode:
    """One episode, step by step.

    Parameters
    ----------
    inputs : float64 array of shape (length, n_features)
        What the policy saw: observation, desired return (reward), desired horizon (steps).
    actions : int64 array of shape (length,)
    rewards : float64 array of shape (length,)
    seed : int
        The environment's seed.

    Raises
    ------
    ValueError
        If the lengths differ or are 0.
    """

    inputs: NDArray[np.float64]
    actions: NDArray[np.int64]
    rewards: NDArray[np.float64]
    seed: int

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
        """
        rows = self.inputs.copy()
        rows[:, RETURN_COLUMN] = np.cumsum(self.rewards[::-1])[::-1]
        rows[:, HORIZON_COLUMN] = np.arange(len(self), 0, -1)
        return rows


def collect_episodes(
    environments: Lockstep, act: Actor, commands: NDArray[np.float64], seeds: Sequence[int]
) -> list[Episode]:
    """Play one episode per command, all at once: one call of `act` per step for all episodes that still run.

    Parameters
    ----------
    environments : Lockstep
    act : callable
        Chooses the actions of a batch of input rows.
    commands : float64 array of shape (n_episodes, 2)
        Desired return and horizon at the start. After each step the return loses the reward and the horizon one
        step, never below 1 (Srivastava et al. 2019, Algorithm 2).
    seeds : sequence of int, length n_episodes
        Environment seeds.

    Returns
    -------
    list of Episode
        In the order of `commands`.
    """
    n = len(seeds)
    rows = np.empty((n, environments.n_observations + N_COMMANDS))
    states = rows[:, :-N_COMMANDS]
    states[:] = environments.reset(seeds)
    rows[:, -N_COMMANDS:] = commands
    live = np.arange(n)
    history: list[tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]] = []
    while live.size:
        batch = rows[live]
        actions = act(batch)
        rewards, alive = environments.step(live, actions, states)
        history.append((live, batch, actions, rewards))
        rows[live, RETURN_COLUMN] -= rewards
        rows[live, HORIZON_COLUMN] = np.maximum(rows[live, HORIZON_COLUMN] - 1.0, 1.0)
        live = live[alive]
    owner = np.concatenate([step[0] for step in history])
    order = np.argsort(owner, kind="stable")
    cuts = np.cumsum(np.bincount(owner, minlength=n))[:-1]
    all_inputs, all_actions, all_rewards = (
        np.split(np.concatenate([step[part] for step in history])[order], cuts) for part in (1, 2, 3)
    )
    return [
        Episode(all_inputs[i].copy(), all_actions[i].astype(np.int64), all_rewards[i].copy(), int(seeds[i]))
        for i in range(n)
    ]


class ReplayBuffer:
    """The `memory_size` episodes of highest return; of equal returns the newest stay.

    Parameters
    ----------
    memory_size : int
    """

    def __init__(self, memory_size: int) -> None:
        self.memory_size = memory_size
        self.episodes: list[Episode] = []
        self._hindsight: list[NDArray[np.float64]] = []
        self._rows = np.empty((0, 0))
        self._actions = np.empty(0, dtype=np.int64)
        self._starts = np.empty(0, dtype=np.int64)
        self._lengths = np.empty(0, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.episodes)

    def add(self, episodes: Sequence[Episode]) -> None:
        """Put `episodes` in, newest last, and drop the worst beyond `memory_size`."""
        newest = list(reversed(episodes))
        all_episodes = newest + self.episodes
        all_hindsight = [episode.hindsight_inputs() for episode in newest] + self._hindsight
        returns = np.array([episode.total_return for episode in all_episodes])
        kept = np.argsort(-returns, kind="stable")[: self.memory_size]
        self.episodes = [all_episodes[i] for i in kept]
        self._hindsight = [all_hindsight[i] for i in kept]
        self._rows = np.concatenate(self._hindsight)
        self._actions = np.concatenate([episode.actions for episode in self.episodes])
        self._lengths = np.array([len(episode) for episode in self.episodes])
        self._starts = np.concatenate([[0], np.cumsum(self._lengths)[:-1]])

    def training_rows(
        self, batch_size: int, generator: np.random.Generator
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """One row per drawn episode: a uniform step and the trailing segment from it.

        Parameters
        ----------
        batch_size : int
            Episodes drawn without replacement; 0 takes all.
        generator : numpy.random.Generator

        Returns
        -------
        inputs : float64 array of shape (n_rows, n_features)
            State, reward from there on, steps from there on.
        actions : int64 array of shape (n_rows,)
        """
        if batch_size:
            chosen = generator.choice(len(self), size=batch_size, replace=False)
        else:
            chosen = np.arange(len(self))
        steps = self._starts[chosen] + generator.integers(0, self._lengths[chosen])
        return self._rows[steps], self._actions[steps]

    def exploratory_range(self, last_few: int) -> tuple[float, float, float]:
        """Mean and standard deviation of return, and mean length, of the `last_few` best episodes.

        Exploratory commands ask for a return from ``U(mean, mean + std)`` within the mean length (Srivastava et
        al. 2019, section 2.3.1).
        """
        best = self.episodes[:last_few]
        returns = np.array([episode.total_return for episode in best])
        return float(returns.mean()), float(returns.std()), float(np.mean([len(episode) for episode in best]))
