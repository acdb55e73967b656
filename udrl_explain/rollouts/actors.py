"""How a policy's probabilities become actions: greedily, or exploring."""

import numpy as np
from numpy.typing import NDArray

from udrl_explain.config import Exploration
from udrl_explain.episodes import Actor
from udrl_explain.policies import GivesProbabilities, Policy, greedy_actions


def greedy(policy: GivesProbabilities) -> Actor:
    """Always the most probable action; ties go to the lowest."""
    return lambda inputs: greedy_actions(policy.action_probabilities(inputs))


def uniform(n_actions: int, generator: np.random.Generator) -> Actor:
    """Any action, equally likely: the warm-up."""
    return lambda inputs: generator.integers(n_actions, size=len(inputs))


def exploring(
    policy: Policy, exploration: Exploration, epsilon: float, generator: np.random.Generator, power: float = 1.0
) -> Actor:
    """Return an exploring actor.

    Parameters
    ----------
    policy : Policy
    exploration : {"epsilon", "sample"}
        The greedy action or, with probability `epsilon`, a uniform one; or an action drawn from the policy's
        probabilities.
    epsilon : float
    generator : numpy.random.Generator
    power : float
        Of the probabilities before an action is drawn; above 1 it sharpens them.
    """

    def epsilon_greedy(inputs: NDArray[np.float64]) -> NDArray[np.int64]:
        actions = greedy_actions(policy.action_probabilities(inputs))
        explores = generator.random(len(inputs)) < epsilon
        return np.where(explores, generator.integers(policy.n_actions, size=len(inputs)), actions)

    def sampled(inputs: NDArray[np.float64]) -> NDArray[np.int64]:
        probabilities = policy.action_probabilities(inputs)
        if power != 1:
            probabilities = probabilities**power
        cumulated = np.cumsum(probabilities, axis=1)
        # The last sum may miss 1 by rounding; scaling the draw keeps it inside.
        draws = generator.random(len(inputs)) * cumulated[:, -1]
        return np.asarray((cumulated <= draws[:, None]).sum(axis=1), dtype=np.int64)

    return epsilon_greedy if exploration == "epsilon" else sampled
