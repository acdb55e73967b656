"""What a training hands out: the last fit, the last fits joined, a larger refit, or the best checkpoint."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from udrl_explain.config import TrainConfig
from udrl_explain.environments import Lockstep
from udrl_explain.policies import ForestPolicy, Policy
from udrl_explain.rollouts.streams import Streams, validation_seeds
from udrl_explain.training.joining import joined_policy
from udrl_explain.training.learners import Learner
from udrl_explain.training.rows import RowDrawer
from udrl_explain.training.validation import FINALS, Candidate, Validation
from udrl_explain.trees.float32_edges import as_float32


class FinalPolicyMaker:
    """Watches the fits of a training and makes the final policy as `final_policy` says.

    Parameters
    ----------
    config : TrainConfig
        Fully resolved.
    environments : Lockstep
    random : Streams
    start : float
        Mean return of the warm-up.
    """

    def __init__(self, config: TrainConfig, environments: Lockstep, random: Streams, start: float) -> None:
        self._config, self._random = config, random
        self._names = environments.names
        self._last: deque[Candidate] = deque(maxlen=config.joined_fits if config.final_policy == "joined" else 1)
        self._acting: deque[ForestPolicy] = deque(maxlen=config.acting_fits)
        self.validation = Validation(
            environments,
            validation_seeds(random.validation, FINALS * (config.validation_episodes or 1)),
            allowance=config.obedience_allowance or 0.0,
            start=start,
        )

    def acting(self, policy: Policy) -> Policy:
        """Policy that collects and is tested: the newest fit joined with the `acting_fits` before it."""
        if (self._config.acting_fits or 1) == 1 or not isinstance(policy, ForestPolicy):
            return policy
        self._acting.append(policy)
        return joined_policy(list(self._acting))

    def fitted(self, candidate: Candidate, most_return: float) -> None:
        """Take note of a fit; every `validation_period` iterations, and at the end, it is a checkpoint."""
        self._last.append(candidate)
        if self._config.final_policy != "validated":
            return
        period = self._config.validation_period or 1
        if candidate.iteration % period == 0 or candidate.iteration == self._config.max_episode:
            self.validation.consider(candidate, most_return)

    def stalled(self, collected: Sequence[float]) -> bool:
        """Whether `patience` iterations brought neither a better checkpoint nor better episodes between two of them.

        Never before a checkpoint has returned as much as the best of these episodes: until then the policy can be
        better than what is in hand. So never where no checkpoints are played.

        Parameters
        ----------
        collected : sequence of float
            Mean return of the episodes collected in each iteration so far.
        """
        patience, period = self._config.patience or 0, self._config.validation_period or 1
        if not patience:
            return False
        n_periods = len(collected) // period
        means = np.reshape(collected[: n_periods * period], (n_periods, period)).mean(axis=1)
        if not n_periods or self.validation.best_score < means.max():
            return False
        best_period = period * (int(np.argmax(means)) + 1)
        return len(collected) - max(best_period, self.validation.iteration_of_best) >= patience

    def chosen(self, drawer: RowDrawer, levels: NDArray[np.float64], most_return: float, most_met: float) -> Candidate:
        """Make the final policy, and choose its command.

        Parameters
        ----------
        drawer : RowDrawer
            For the rows of a refit.
        levels : float64 array of shape (n_levels, 2)
            Commands of the sweep.
        most_return : float
            Limit of a desired return that runs down.
        most_met : float
            Highest return of a training episode.
        """
        candidate = self._policy(drawer, levels[levels[:, 0] <= most_met], most_return)
        candidate = replace(candidate, policy=_with_float32_thresholds(candidate.policy))
        config = self._config
        if config.final_command != "validated":
            return candidate
        commands = [candidate.command]
        for desired_return, desired_horizon in levels.tolist():
            # What the user has set stays as set.
            commands.append(
                (
                    desired_return if config.final_desired_return is None else config.final_desired_return,
                    desired_horizon if config.final_desired_horizon is None else config.final_desired_horizon,
                )
            )
        distinct = list(dict.fromkeys(commands))
        if len(distinct) == 1:
            return candidate
        return replace(candidate, command=self.validation.best_command(candidate.policy, distinct, most_return))

    def _policy(self, drawer: RowDrawer, levels: NDArray[np.float64], most_return: float) -> Candidate:
        config, last = self._config, self._last[-1]
        if config.final_policy == "validated":
            return self.validation.winner(most_return, levels)
        if config.final_policy == "joined":
            policies = [one.policy for one in self._last if isinstance(one.policy, ForestPolicy)]
            inputs = np.concatenate([one.inputs for one in self._last])
            actions = np.concatenate([one.actions for one in self._last])
            return replace(last, policy=joined_policy(policies), inputs=inputs, actions=actions)
        if config.final_policy == "refit":
            inputs, actions = drawer.draw(config.final_rows_per_episode)
            learner = Learner(config, self._names, self._random.estimator, config.final_arguments)
            return replace(last, policy=learner.fit(inputs, actions), inputs=inputs, actions=actions)
        return last


def _with_float32_thresholds(policy: Policy) -> Policy:
    """Round thresholds down to float32: no row is sent another way, and a stored policy is a third smaller."""
    if not isinstance(policy, ForestPolicy):
        return policy
    return replace(policy, forest=replace(policy.forest, threshold=as_float32(policy.forest.threshold)))
