"""Environments that the page simulates itself, and where their episodes start."""

from collections.abc import Sequence

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from udrl_explain.environments import known_input_count, make_environment

KINDS = ("CartPole", "Acrobot", "MountainCar", "LunarLander")
OTHER = "other"
_SIMULATED = {
    "CartPole-v0": "gymnasium.envs.classic_control.cartpole:CartPoleEnv",
    "CartPole-v1": "gymnasium.envs.classic_control.cartpole:CartPoleEnv",
    "Acrobot-v1": "gymnasium.envs.classic_control.acrobot:AcrobotEnv",
    "MountainCar-v0": "gymnasium.envs.classic_control.mountain_car:MountainCarEnv",
}


def kind_of(env_name: str, n_features: int) -> str:
    """Which picture shows an environment of so many input columns: one of `KINDS`, or ``other``."""
    family = env_name.rpartition("-v")[0]
    return family if family in KINDS and known_input_count(env_name) == n_features else OTHER


def is_simulated(env_name: str) -> bool:
    """Whether the page computes the environment's steps: as Gymnasium registers it, with nothing changed."""
    if env_name not in _SIMULATED:
        return False
    spec = gym.spec(env_name)
    return spec.entry_point == _SIMULATED[env_name] and not spec.kwargs and not spec.additional_wrappers


def start_states(env_name: str, seeds: Sequence[int]) -> NDArray[np.float64]:
    """Give the internal state after ``reset(seed)`` for each seed, shape ``(n_seeds, n_state)``.

    Raises
    ------
    ValueError
        If the environment is not simulated.
    """
    if not is_simulated(env_name):
        raise ValueError(f"env_name must be one of {', '.join(_SIMULATED)} as Gymnasium registers it, got {env_name!r}")
    environment = make_environment(env_name)
    try:
        states = []
        for seed in seeds:
            environment.reset(seed=seed)
            states.append(np.array(environment.unwrapped.state, dtype=np.float64))
        return np.array(states)
    finally:
        environment.close()
