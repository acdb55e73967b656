"""Choosing a policy and its command on validation seeds, which neither training nor evaluation plays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udrl_explain.environments import Lockstep
from udrl_explain.episodes import collect_episodes
from udrl_explain.policies import Policy
from udrl_explain.rollouts.actors import greedy

N_FINALISTS = 5
FINALS = 3
_AT_ONCE = 100


@dataclass(frozen=True, eq=False)
class Candidate:
    """A policy that may become the final one.

    Parameters
    ----------
    policy : Policy
    inputs : float64 array of shape (n_rows, n_features)
        Rows of its fit.
    actions : int64 array of shape (n_rows,)
    command : tuple of float
        Return and horizon that it is asked for.
    iteration : int
    """

    policy: Policy
    inputs: NDArray[np.float64]
    actions: NDArray[np.int64]
    command: tuple[float, float]
    iteration: int


class Validation:
    """Plays candidates greedily on validation seeds and keeps the best.

    Parameters
    ----------
    environments : Lockstep
    seeds : sequence of int
        A checkpoint is played on the first third, a finalist on all: the same for every candidate.
    """

    def __init__(self, environments: Lockstep, seeds: Sequence[int]) -> None:
        self._environments, self._seeds = environments, list(seeds)
        self._finalists: list[tuple[float, Candidate]] = []
        self.n_steps = 0
        self.records: list[dict[str, float]] = []

    def consider(self, candidate: Candidate, most_return: float) -> float:
        """Play a checkpoint, keep it if it is among the best, and return its mean return."""
        score = self._mean_return(candidate, self._seeds[: len(self._seeds) // FINALS], most_return)
        self.records.append({"iteration": candidate.iteration, "mean": score})
        # A stable sort: of equal scores the newer stands behind, and goes first.
        self._finalists.append((score, candidate))
        self._finalists.sort(key=lambda pair: -pair[0])
        del self._finalists[N_FINALISTS:]
        return score

    def winner(self, most_return: float) -> Candidate:
        """Play the finalists on all seeds and return the best; of equal ones the one with the better first score."""
        scores = [self._mean_return(candidate, self._seeds, most_return) for _, candidate in self._finalists]
        return self._finalists[int(np.argmax(scores))][1]

    def best_command(
        self, policy: Policy, commands: Sequence[tuple[float, float]], most_return: float
    ) -> tuple[float, float]:
        """Command, of several, that achieves the highest mean return; of equal ones the first."""
        means = self._mean_returns(policy, np.array(commands), self._seeds, most_return)
        return commands[int(np.argmax(means))]

    def _mean_return(self, candidate: Candidate, seeds: Sequence[int], most_return: float) -> float:
        return float(self._mean_returns(candidate.policy, np.array([candidate.command]), seeds, most_return)[0])

    def _mean_returns(
        self, policy: Policy, commands: NDArray[np.float64], seeds: Sequence[int], most_return: float
    ) -> NDArray[np.float64]:
        all_commands = np.repeat(commands, len(seeds), axis=0)
        all_seeds = list(seeds) * len(commands)
        returns = []
        for start in range(0, len(all_seeds), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            episodes = collect_episodes(
                self._environments, greedy(policy), all_commands[part], all_seeds[part], most_return=most_return
            )
            returns += [episode.total_return for episode in episodes]
            self.n_steps += sum(len(episode) for episode in episodes)
        return np.asarray(np.reshape(returns, (len(commands), len(seeds))).mean(axis=1))
