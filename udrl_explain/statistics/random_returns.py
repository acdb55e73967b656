"""What a policy gets that draws every action at random, to stand beside what was learned.

Measured once: 1,000 episodes with environment seeds 0 to 999, actions drawn evenly (NumPy's generator, seed 0), with
Gymnasium 1.4. The tests play some of them again.
"""

from dataclasses import dataclass

N_EPISODES = 1000
# Environment: mean and standard deviation (ddof 0) of the return, in reward.
_RETURNS = {
    "CartPole-v0": (22.197, 11.311),
    "CartPole-v1": (22.197, 11.311),
    "Acrobot-v1": (-499.093, 9.745),
    "LunarLander-v3": (-181.708, 109.417),
    "MountainCar-v0": (-200.0, 0.0),
}


@dataclass(frozen=True)
class RandomReturn:
    """Return of evenly drawn actions.

    Parameters
    ----------
    mean, std : float
        In reward, over `n_episodes` episodes.
    n_episodes : int
    """

    mean: float
    std: float
    n_episodes: int = N_EPISODES


def random_return(env_name: str) -> RandomReturn | None:
    """Find what a random policy gets in an environment; None where it was not measured."""
    return RandomReturn(*_RETURNS[env_name]) if env_name in _RETURNS else None
