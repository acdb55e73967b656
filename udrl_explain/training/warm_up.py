"""The warm-up: random episodes, before there is a policy.

An action drawn anew in every step averages out: a random walk of that kind never swings Acrobot up nor climbs
MountainCar's hill. Random actions that are held for a while do (ours; options of random length are the idea of Dabney
et al. 2021, arXiv 2006.01782).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from udrl_explain.config import TrainConfig
from udrl_explain.environments import Lockstep
from udrl_explain.episodes import Episode, collect_episodes
from udrl_explain.rollouts.actors import uniform
from udrl_explain.rollouts.streams import Streams, training_seeds
from udrl_explain.settings.recipes import RewardKind

CONSTANT_SHARE = 0.9


class HeldActions:
    """Uniform actions, each held for a geometric number of steps.

    Parameters
    ----------
    n_actions : int
    mean_steps : float array of shape (n_episodes,)
        Mean number of steps for which each episode holds an action; 1 draws a new one in every step.
    generator : numpy.random.Generator
    """

    def __init__(self, n_actions: int, mean_steps: NDArray[np.float64], generator: np.random.Generator) -> None:
        self._n_actions, self._generator = n_actions, generator
        self._change = 1.0 / mean_steps
        self._held = np.full(len(mean_steps), -1, dtype=np.int64)

    def episode_actions(self, inputs: NDArray[np.float64], which: NDArray[np.int64]) -> NDArray[np.int64]:
        """Choose one action per input row."""
        drawn = self._generator.integers(self._n_actions, size=len(which))
        changes = self._generator.random(len(which)) < self._change[which]
        held = self._held[which]
        self._held[which] = np.where(changes | (held < 0), drawn, held)
        return self._held[which]


def warm_up_episodes(environments: Lockstep, config: TrainConfig, random: Streams) -> list[Episode]:
    """Play the warm-up.

    Parameters
    ----------
    environments : Lockstep
    config : TrainConfig
        Resolved as far as the recipe knows before a warm-up.
    random : Streams

    Returns
    -------
    list of Episode
        `warm_up` of them, and again as many until `warm_up_better` beat the lowest return seen, at most
        `warm_up_limit`.
    """
    size, better, limit = config.warm_up, config.warm_up_better, config.warm_up_limit
    assert size is not None and better is not None and limit is not None  # noqa: PT018 - resolved
    episodes: list[Episode] = []
    while len(episodes) < limit:
        episodes += _batch(environments, config, min(size, limit - len(episodes)), random)
        returns = np.array([episode.total_return for episode in episodes])
        if (returns > returns.min()).sum() >= better:
            break
    return episodes


def _batch(environments: Lockstep, config: TrainConfig, n: int, random: Streams) -> list[Episode]:
    seeds = training_seeds(random.environments, n)
    longest = config.warm_up_hold or 1.0
    if longest == 1:
        return collect_episodes(
            environments, uniform(environments.n_actions, random.exploration), np.zeros((n, 2)), seeds
        )
    mean_steps = np.exp(random.exploration.uniform(0.0, np.log(longest), size=n))
    act = HeldActions(environments.n_actions, mean_steps, random.exploration)
    return collect_episodes(environments, act, np.zeros((n, 2)), seeds)


def reward_kind(rewards: Sequence[NDArray[np.float64]]) -> RewardKind:
    """What kind of rewards an environment pays, judged by random episodes.

    Parameters
    ----------
    rewards : sequence of float64 arrays
        Of the warm-up's episodes.

    Returns
    -------
    {"constant", "varied"}
        "constant" where one value makes up at least 90 % of all rewards: the return counts steps, and an episode of
        high return has no luck in it that its length does not show. "varied" otherwise: single rewards add noise to
        the return, and it takes a comparison with what was to be expected to tell a good action from a lucky one.
    """
    _, counts = np.unique(np.concatenate(list(rewards)), return_counts=True)
    return "constant" if counts.max() >= CONSTANT_SHARE * counts.sum() else "varied"
