"""Exact Shapley values of any policy: every coalition of inputs against every background row."""

from math import factorial

import numpy as np
from numpy.typing import NDArray

from udrl_explain.policies import Policy


def enumerated_values(
    policy: Policy, rows: NDArray[np.float64], background: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shapley values and base values by enumeration."""
    n = policy.n_features
    worth = np.empty((2**n, len(rows), policy.n_actions))
    for coalition in range(2**n):
        inside = np.array([coalition >> j & 1 for j in range(n)], dtype=bool)
        for i, row in enumerate(rows):
            hybrid = np.where(inside, row, background)
            worth[coalition, i] = policy.action_probabilities(hybrid).mean(axis=0)
    values = np.zeros((len(rows), n, policy.n_actions))
    for coalition in range(2**n):
        size = coalition.bit_count()
        for j in range(n):
            if not coalition >> j & 1:
                weight = factorial(size) * factorial(n - size - 1) / factorial(n)
                values[:, j] += weight * (worth[coalition | 1 << j] - worth[coalition])
    return values, policy.action_probabilities(background).mean(axis=0)
