"""A rule for CartPole that takes no command, as a function, and the same rule behind other packages' methods."""

import numpy as np

from udrl_explain import collect, policy_from_callable
from udrl_explain.names import ACTION_NAMES, STATE_FEATURES

STATE = tuple(feature.name for feature in STATE_FEATURES["CartPole"])
ACTIONS = ACTION_NAMES["CartPole"]
WEIGHTS = np.array([0.1, 0.5, 3.0, 1.0])


def rule(rows):
    """Probabilities of both actions, computed in single precision as nets do."""
    right = 1 / (1 + np.exp(-(rows @ WEIGHTS * 3).astype(np.float32)))
    return np.column_stack([1 - right, right])


def rule_policy(function=rule):
    return policy_from_callable(function, STATE, ACTIONS, command=None)


def rule_episodes(n=4):
    return collect(rule_policy(), "CartPole-v0", None, range(1, 2 * n, 2))


class Agent:
    """What a Stable-Baselines3 algorithm offers here: ``predict`` on batches, with the state of a recurrent policy."""

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        assert deterministic, "exploring"
        return rule(np.asarray(observation, dtype=np.float32)).argmax(axis=1), state
