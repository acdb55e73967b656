"""Gymnasium environments: creation, the names of their inputs and actions, and stepping many of them in lockstep."""

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray

from udrl_explain.commands import COMMAND_NAMES
from udrl_explain.names import ACTION_NAMES, STATE_FEATURES, checked_action_names, state_feature_names

LONGEST_EPISODE = 10_000
"""Steps after which an environment without a time limit of its own is cut off."""


@dataclass(frozen=True)
class EnvironmentNames:
    """Names of an environment's inputs and actions.

    Parameters
    ----------
    feature_names : tuple of str
        Observation columns, then the two commands.
    action_names : tuple of str
    """

    feature_names: tuple[str, ...]
    action_names: tuple[str, ...]


def environment_names(env_name: str, n_observations: int, n_actions: int) -> EnvironmentNames:
    """Look names up without creating the environment; unknown ones get ``state_0 ...`` and ``action 0 ...``."""
    family = re.sub(r"-v\d+$", "", env_name)
    state = tuple(feature.name for feature in STATE_FEATURES.get(family, ()))
    if len(state) != n_observations:
        state = state_feature_names(n_observations)
    actions = ACTION_NAMES.get(family, ())
    if len(actions) != n_actions:
        actions = checked_action_names(None, n_actions)
    return EnvironmentNames((*state, *COMMAND_NAMES), actions)


def known_input_count(env_name: str) -> int | None:
    """Input columns that a policy for a known environment takes; None for an unknown one. Creates nothing."""
    features = STATE_FEATURES.get(re.sub(r"-v\d+$", "", env_name))
    return None if features is None else len(features) + len(COMMAND_NAMES)


class Lockstep:
    """Equal environments that are reset and stepped side by side.

    Parameters
    ----------
    env_name : str
        Gymnasium id; ``package:Env-v0`` imports the package first.

    Raises
    ------
    ValueError
        If there is no such environment, it cannot be created, or its spaces do not fit UDRL as built here.
    """

    def __init__(self, env_name: str) -> None:
        self.env_name = env_name
        self._environments: list[Any] = [make_environment(env_name)]
        first = self._environments[0]
        observation, action = first.observation_space, first.action_space
        if not isinstance(observation, Box) or len(observation.shape) != 1 or observation.shape[0] == 0:
            raise ValueError(f"env_name {env_name!r}: observations must be a one-dimensional Box, got {observation}")
        if not isinstance(action, Discrete) or action.n < 2:
            raise ValueError(f"env_name {env_name!r}: actions must be Discrete and at least 2, got {action}")
        self.n_observations = int(observation.shape[0])
        self.n_actions = int(action.n)
        self._first_action = int(action.start)
        spec = first.spec
        self._own_limit = spec is not None and spec.max_episode_steps is not None
        self._steps = np.zeros(0, dtype=np.int64)

    @property
    def most_steps(self) -> int:
        """Steps after which an episode is cut off."""
        spec = self._environments[0].spec
        return int(spec.max_episode_steps) if self._own_limit else LONGEST_EPISODE

    @property
    def names(self) -> EnvironmentNames:
        """Names of the input columns and actions."""
        return environment_names(self.env_name, self.n_observations, self.n_actions)

    def reset(self, seeds: Sequence[int]) -> NDArray[np.float64]:
        """Start one episode per seed; returns the first observations, shape ``(n_seeds, n_observations)``."""
        while len(self._environments) < len(seeds):
            self._environments.append(make_environment(self.env_name))
        states = np.empty((len(seeds), self.n_observations))
        for i, seed in enumerate(seeds):
            states[i] = self._environments[i].reset(seed=int(seed))[0]
        self._steps = np.zeros(len(seeds), dtype=np.int64)
        return states

    def step(
        self, which: NDArray[np.int64], actions: NDArray[np.int64], states: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Advance some of the environments by one action each.

        Parameters
        ----------
        which : int64 array of shape (n,)
            Indices of the environments that still run.
        actions : int64 array of shape (n,)
            In 0..n_actions-1.
        states : float64 array of shape (n_environments, n_observations)
            The rows in `which` are overwritten with the new observations.

        Returns
        -------
        rewards : float64 array of shape (n,)
        alive : bool array of shape (n,)
            False where the episode has ended.
        """
        rewards, alive = np.empty(len(which)), np.ones(len(which), dtype=np.bool_)
        environments, first_action = self._environments, self._first_action
        for k, (i, action) in enumerate(zip(which.tolist(), actions.tolist(), strict=True)):
            states[i], rewards[k], terminated, truncated, _ = environments[i].step(first_action + action)
            if terminated or truncated:
                alive[k] = False
        if not self._own_limit:
            self._steps[which] += 1
            alive &= self._steps[which] < LONGEST_EPISODE
        return rewards, alive

    def close(self) -> None:
        """Release the environments."""
        for environment in self._environments:
            environment.close()


def check_trusted(env_name: str, place: object, trusted: bool, way_out: str) -> None:
    """Make sure that no code is imported only because a stored run names it.

    Parameters
    ----------
    env_name : str
        As the run's settings say; Gymnasium imports what stands before a colon.
    place : object
        Of the run, for the message.
    trusted : bool
        Whether the user said that the code may run.
    way_out : str
        How to say so.

    Raises
    ------
    ValueError
        If a module would be imported that nobody vouched for.
    """
    module, colon, _ = env_name.rpartition(":")
    if colon and not trusted:
        raise ValueError(
            f"{place}: its environment {env_name!r} would import the module {module!r} and run its code; {way_out}"
        )


def make_environment(env_name: str, **options: Any) -> Any:
    """Make a Gymnasium environment; what it may be asked for stands in `options`, e.g. ``render_mode``.

    Raises
    ------
    ValueError
        If there is no such environment, or it cannot be created.
    """
    try:
        with warnings.catch_warnings():
            # CartPole-v0 is the paper's environment; Gymnasium asks every user of it to move on.
            warnings.filterwarnings("ignore", message=".*out of date.*", category=DeprecationWarning)
            # Box2D's bindings warn while they are imported; where warnings are errors, that crashes the interpreter.
            warnings.filterwarnings("ignore", message="builtin type .*", category=DeprecationWarning)
            return gym.make(env_name, disable_env_checker=True, **options)
    except gym.error.DependencyNotInstalled as fault:
        raise ValueError(
            f"env_name {env_name!r} needs a package that is not installed ({fault}); "
            "for LunarLander: pip install 'gymnasium[box2d]'"
        ) from fault
    except Exception as fault:  # the environment's own code may fail in any way
        raise ValueError(
            f"env_name {env_name!r} is no Gymnasium environment that can be created: {fault or type(fault).__name__}"
        ) from fault
