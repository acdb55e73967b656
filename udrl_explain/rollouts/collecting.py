"""Episodes of any policy: what everything else is explained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udrl_explain.commands import N_COMMANDS, n_commands
from udrl_explain.environments import Lockstep
from udrl_explain.episodes import Episode, collect_episodes
from udrl_explain.policies import Policy, checked_policy
from udrl_explain.rollouts.actors import greedy

AT_ONCE = 100


def collect(
    policy: Policy,
    env_name: str,
    commands: ArrayLike | None,
    seeds: Sequence[int],
    *,
    most_return: float = np.inf,
) -> list[Episode]:
    """Play a policy greedily, one episode per seed.

    Parameters
    ----------
    policy : Policy
        Its inputs and actions must be those of the environment.
    env_name : str
        Gymnasium id; ``package:Env-v0`` imports the package first.
    commands : array_like of shape (n_seeds, 2), or (2,) for the same command in every episode, or None
        Desired return (reward) and desired horizon (steps, at least 1) at the start. After each step the return loses
        the reward and the horizon one step, never below 1. None for a policy that takes no command, and only there.
    seeds : sequence of int
        Of the environment; the same seed and command give the same episode.
    most_return : float
        While a desired return runs down it is kept at or below this, or below its start where that is higher.

    Returns
    -------
    list of Episode
        In the order of `seeds`.

    Raises
    ------
    ValueError
        If the environment does not exist or does not fit the policy, or a command or a seed is impossible.
    """
    policy = checked_policy(policy)
    environments = Lockstep(env_name)
    try:
        check_fits(policy, environments)
        asked = _asked(policy, commands, len(seeds))
        if any(seed != int(seed) or seed < 0 for seed in seeds):
            raise ValueError(f"seeds must be whole numbers of at least 0, got {list(seeds)}")
        episodes: list[Episode] = []
        for start in range(0, len(seeds), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            own = [int(seed) for seed in seeds[part]]
            theirs = None if asked is None else asked[part]
            episodes += collect_episodes(environments, greedy(policy), theirs, own, most_return=most_return)
        return episodes
    finally:
        environments.close()


def _asked(policy: Policy, commands: ArrayLike | None, n_episodes: int) -> NDArray[np.float64] | None:
    """One command per episode, shape ``(n_episodes, 2)``; None for a policy that takes none."""
    if (commands is not None) != (n_commands(policy.feature_names) > 0):
        rule = "given for a policy that takes a command" if commands is None else "None for a policy that takes none"
        raise ValueError(f"commands must be {rule}, got {commands!r}")
    if commands is None:
        return None
    asked = np.asarray(commands, dtype=np.float64)
    if asked.shape == (N_COMMANDS,):
        asked = np.tile(asked, (n_episodes, 1))
    if asked.shape != (n_episodes, N_COMMANDS) or not np.isfinite(asked).all() or (asked[:, 1] < 1).any():
        raise ValueError(
            f"commands must be finite returns and horizons of at least 1, shape ({n_episodes}, {N_COMMANDS}) or "
            f"({N_COMMANDS},), got shape {np.shape(commands)}"
        )
    return asked


def check_fits(policy: Policy, environments: Lockstep, named: str = "the policy") -> None:
    """Raise a ValueError, with the policy as `named`, unless it takes an environment's observations and actions."""
    for word, theirs, mine in (
        ("inputs", environments.n_observations + n_commands(policy.feature_names), policy.n_features),
        ("actions", environments.n_actions, policy.n_actions),
    ):
        if theirs != mine:
            raise ValueError(f"{environments.env_name} has {theirs} {word}, {named} has {mine}")
