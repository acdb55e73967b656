"""Choosing a policy and its command on validation seeds, which neither training nor evaluation plays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udrl_explain.environments import Lockstep
from udrl_explain.episodes import collect_episodes
from udrl_explain.policies import Policy
from udrl_explain.rollouts.actors import greedy
from udrl_explain.statistics.even_places import even_places

N_FINALISTS = 5
FINALS = 3
N_ASKED = 5
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
    allowance : float
        Share of the way from `start` to the highest mean return, 0..1, that may be given up for a policy that follows
        its command more closely; 0 takes the highest return.
    start : float
        Mean return of a policy that has learnt nothing.
    """

    def __init__(
        self, environments: Lockstep, seeds: Sequence[int], *, allowance: float = 0.0, start: float = -np.inf
    ) -> None:
        self._environments, self._seeds = environments, list(seeds)
        self._first_seeds = self._seeds[: len(self._seeds) // FINALS]
        self._allowance, self._start = allowance, start
        self._finalists: list[tuple[float, Candidate]] = []
        self.n_steps = 0
        self.records: list[dict[str, float]] = []

    @property
    def best_score(self) -> float:
        """Highest mean return of a checkpoint."""
        return self._finalists[0][0] if self._finalists else -np.inf

    @property
    def iteration_of_best(self) -> int:
        """Iteration of the checkpoint with the highest mean return, of equal ones the first; 0 where there is none."""
        return self._finalists[0][1].iteration if self._finalists else 0

    def consider(self, candidate: Candidate, most_return: float) -> float:
        """Play a checkpoint, keep it if it may win, and return its mean return."""
        score = self._mean_return(candidate, self._first_seeds, most_return)
        self.records.append({"iteration": candidate.iteration, "mean": score})
        # A stable sort: of equal scores the newer stands behind, and goes first.
        self._finalists.append((score, candidate))
        self._finalists.sort(key=lambda pair: -pair[0])
        if self._allowance:
            floor = self._floor(self._finalists[0][0])
            self._finalists = [pair for pair in self._finalists if pair[0] >= floor]
        else:
            del self._finalists[N_FINALISTS:]
        return score

    def winner(self, most_return: float, levels: NDArray[np.float64]) -> Candidate:
        """Play the finalists again and choose.

        Without an allowance they are played on all seeds, and the highest mean return wins. With one, all checkpoints
        within the allowance are asked for five commands; the five whose achieved returns are nearest to the desired
        ones, and the one of highest return, are played on all seeds, and of those still within the allowance the
        nearest wins.

        Parameters
        ----------
        most_return : float
            Limit of a desired return that runs down.
        levels : float64 array of shape (n_levels, 2)
            Commands whose return training has met, by ascending return.
        """
        candidates = [candidate for _, candidate in self._finalists]
        errors = np.zeros(len(candidates))
        if self._allowance and len(levels) > 1:
            asked = levels[even_places(len(levels), N_ASKED)]
            for i, candidate in enumerate(candidates):
                means = self._mean_returns(candidate.policy, asked, self._first_seeds, most_return)
                errors[i] = np.abs(means - asked[:, 0]).mean()
            nearest = np.argsort(errors, kind="stable")[:N_FINALISTS]
            order = np.union1d(nearest, [0])
            candidates, errors = [candidates[i] for i in order], errors[order]
        scores = np.array([self._mean_return(candidate, self._seeds, most_return) for candidate in candidates])
        within = scores >= self._floor(scores.max())
        return candidates[int(np.lexsort((-scores, np.where(within, errors, np.inf)))[0])]

    def _floor(self, best: float) -> float:
        """Lowest mean return within the allowance."""
        return best - self._allowance * max(best - self._start, 0.0) if self._allowance else best

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
