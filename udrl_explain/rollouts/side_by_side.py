"""Several policies on the same commands and environment seeds, all at once: what differs is the policies' doing."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from udrl_explain.environments import Lockstep
from udrl_explain.episodes import Episode, collect_episodes
from udrl_explain.policies import GivesProbabilities, greedy_actions

AT_ONCE = 256


class _EachItsOwn:
    """Plays episode k with the policy that `owner` numbers."""

    def __init__(self, policies: Sequence[GivesProbabilities], owner: NDArray[np.int64]) -> None:
        self._policies, self._owner = policies, owner

    def episode_actions(self, inputs: NDArray[np.float64], which: NDArray[np.int64]) -> NDArray[np.int64]:
        actions = np.empty(len(inputs), dtype=np.int64)
        owner = self._owner[which]
        for number in np.unique(owner):
            mine = owner == number
            actions[mine] = greedy_actions(self._policies[number].action_probabilities(inputs[mine]))
        return actions


def play_side_by_side(
    policies: Sequence[GivesProbabilities],
    environments: Lockstep,
    commands: NDArray[np.float64] | None,
    seeds: Sequence[int],
    *,
    most_return: float = np.inf,
) -> list[list[Episode]]:
    """Play every policy greedily on the same episodes.

    Parameters
    ----------
    policies : sequence of Policy
    environments : Lockstep
    commands : float64 array of shape (n_episodes, 2) or None
        One per episode; None for policies that take none.
    seeds : sequence of int, length n_episodes
    most_return : float
        See :func:`~udrl_explain.episodes.collect_episodes`.

    Returns
    -------
    list of list of Episode
        One list per policy, in the order of `seeds`.
    """
    n = len(seeds)
    owner = np.repeat(np.arange(len(policies)), n)
    episodes: list[Episode] = []
    for start in range(0, len(owner), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        place = np.arange(len(owner))[part] % n
        episodes += collect_episodes(
            environments,
            _EachItsOwn(policies, owner[part]),
            None if commands is None else commands[place],
            [int(seeds[k]) for k in place],
            most_return=most_return,
        )
    return [episodes[k * n : (k + 1) * n] for k in range(len(policies))]
