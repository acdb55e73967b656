"""Luck-corrected weights of training rows.

A high return may be luck: of the start, of the environment, of the actions that followed. Imitating whatever preceded
it learns the luck (Brandfonbrener et al. 2022, arXiv 2206.01079; Paster et al. 2022, arXiv 2205.15967). An estimate of
what was to be expected tells the action's own part, its advantage, and rows are drawn in proportion to its exponential,
as advantage-weighted regression weighs them (Peng et al. 2019, arXiv 1910.00177, equation 5).
"""

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor

from udrl_explain.compiled import compiled

DISCOUNT = 0.99
TRACE = 0.95
LARGEST_WEIGHT = 20.0


class AdvantageWeights:
    """Weights of steps by how much better than expected they turned out.

    Parameters
    ----------
    strength : float
        Weight = exp(strength * standardised advantage), at most 20.
    """

    def __init__(self, strength: float) -> None:
        self._strength = strength
        self._value: HistGradientBoostingRegressor | None = None

    def weights(
        self, states: NDArray[np.float64], rewards: NDArray[np.float64], lengths: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Weigh the steps of whole episodes, one episode behind the other.

        The expectation is that of the call before, which has not seen the newest episodes; then it is learnt anew.

        Parameters
        ----------
        states : float64 array of shape (n_steps, n_observations)
        rewards : float64 array of shape (n_steps,)
        lengths : int64 array of shape (n_episodes,)

        Returns
        -------
        float64 array of shape (n_steps,)
        """
        if self._value is None:
            self._learn(states, rewards, lengths)
        assert self._value is not None
        values = self._value.predict(states)
        ends = np.cumsum(lengths)
        advantages = generalised_advantages(rewards, values, ends)
        self._learn(states, rewards, lengths)
        spread = advantages.std() or 1.0
        exponents = self._strength * (advantages - advantages.mean()) / spread
        return np.asarray(np.exp(np.minimum(exponents, np.log(LARGEST_WEIGHT))))

    def _learn(self, states: NDArray[np.float64], rewards: NDArray[np.float64], lengths: NDArray[np.int64]) -> None:
        # With these settings the regressor draws no random number.
        self._value = HistGradientBoostingRegressor(
            max_iter=60, learning_rate=0.15, min_samples_leaf=40, early_stopping=False, random_state=0
        )
        targets = generalised_advantages(rewards, np.zeros(len(rewards)), np.cumsum(lengths), trace=1.0)
        self._value.fit(states, targets)


def generalised_advantages(
    rewards: NDArray[np.float64],
    values: NDArray[np.float64],
    ends: NDArray[np.int64],
    *,
    discount: float = DISCOUNT,
    trace: float = TRACE,
) -> NDArray[np.float64]:
    """Generalised advantage of every step (Schulman et al. 2016, arXiv 1506.02438, equation 16).

    Parameters
    ----------
    rewards, values : float64 arrays of shape (n_steps,)
        Of whole episodes, one behind the other.
    ends : int64 array of shape (n_episodes,)
        Index behind each episode's last step. Nothing is expected beyond it.
    discount, trace : float
        With values of 0 and a trace of 1 this is the discounted reward from each step on.

    Returns
    -------
    float64 array of shape (n_steps,)
    """
    advantages = np.empty(len(rewards))
    _fill_advantages(rewards, values, ends, float(discount), float(trace), advantages)
    return advantages


@compiled
def _fill_advantages(rewards, values, ends, discount, trace, advantages):  # type: ignore[no-untyped-def]
    start = 0
    for e in range(ends.shape[0]):
        end = ends[e]
        later_value, later_advantage = 0.0, 0.0
        for t in range(end - 1, start - 1, -1):
            error = rewards[t] + discount * later_value - values[t]
            later_advantage = error + discount * trace * later_advantage
            advantages[t] = later_advantage
            later_value = values[t]
        start = end
