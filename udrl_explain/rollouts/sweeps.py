"""Playing a policy under many commands, all on the same environment seeds, and which commands to ask for."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from udrl_explain.commands import COMMAND_NAMES
from udrl_explain.environments import Lockstep
from udrl_explain.episodes import collect_episodes
from udrl_explain.policies import Policy
from udrl_explain.rollouts.actors import greedy

N_LEVELS = 15
BEYOND = 0.25
N_NEAREST = 51
_AT_ONCE = 100


def command_levels(
    training_commands: pd.DataFrame, n_levels: int = N_LEVELS, *, ignores_horizon: bool = False
) -> NDArray[np.float64]:
    """Commands for a sweep over the desired return, the horizon following the training episodes.

    Parameters
    ----------
    training_commands : DataFrame
        With the columns ``achieved_return`` and ``length``.
    n_levels : int
    ignores_horizon : bool
        The horizon is always 1: it says nothing to the policy.

    Returns
    -------
    float64 array of shape (n_levels, 2)
        Desired returns evenly from the 5 % quantile of the returns achieved in training to a quarter of that range
        beyond the best; the horizon is the median length of the 51 training episodes whose return is nearest.
    """
    achieved = _known_returns(training_commands)
    low, high = float(np.quantile(achieved, 0.05)), float(achieved.max())
    span = high - low if high > low else max(1.0, abs(high) / 2)
    returns = np.linspace(min(low, high - span), high + BEYOND * span, n_levels)
    horizons = np.ones(n_levels) if ignores_horizon else horizons_for(returns, training_commands)
    return np.column_stack([returns, horizons])


def horizons_for(returns: NDArray[np.float64], training_commands: pd.DataFrame) -> NDArray[np.float64]:
    """Median length of the 51 training episodes whose return is nearest to each of `returns`; shape as given."""
    achieved = _known_returns(training_commands)
    lengths = training_commands["length"].to_numpy(dtype=np.float64)
    nearest = np.argsort(np.abs(achieved[None, :] - returns[:, None]), axis=1, kind="stable")[:, :N_NEAREST]
    return np.asarray(np.median(lengths[nearest], axis=1))


def _known_returns(training_commands: pd.DataFrame) -> NDArray[np.float64]:
    """Return what training achieved; what it asked for where that was not stored (runs of the paper's own code)."""
    achieved = training_commands["achieved_return"].to_numpy(dtype=np.float64)
    return training_commands[COMMAND_NAMES[0]].to_numpy(dtype=np.float64) if np.isnan(achieved).all() else achieved


def sweep_commands(
    policy: Policy,
    environments: Lockstep,
    commands: NDArray[np.float64],
    seeds: list[int],
    *,
    most_return: float = np.inf,
) -> pd.DataFrame:
    """Play every command on the same environment seeds, greedily.

    Parameters
    ----------
    policy : Policy
    environments : Lockstep
    commands : float64 array of shape (n_commands, 2)
        Desired return (reward) and horizon (steps).
    seeds : list of int
        One episode per command and seed: common random numbers, so that commands differ by nothing else.
    most_return : float
        Limit of a desired return that runs down, see :func:`~udrl_explain.episodes.collect_episodes`.

    Returns
    -------
    DataFrame
        One row per episode; columns ``desired_return``, ``desired_horizon``, ``environment_seed``,
        ``achieved_return``, ``length``.
    """
    all_commands = np.repeat(commands, len(seeds), axis=0)
    all_seeds = seeds * len(commands)
    episodes = []
    for start in range(0, len(all_seeds), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        episodes += collect_episodes(
            environments, greedy(policy), all_commands[part], all_seeds[part], most_return=most_return
        )
    return pd.DataFrame(
        {
            COMMAND_NAMES[0]: all_commands[:, 0],
            COMMAND_NAMES[1]: all_commands[:, 1],
            "environment_seed": all_seeds,
            "achieved_return": [episode.total_return for episode in episodes],
            "length": [len(episode) for episode in episodes],
        }
    )
