"""What each student gives up, on episodes that none was fitted or chosen on; the policy itself beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from udrl_explain.commands import COMMAND_NAMES
from udrl_explain.environments import Lockstep
from udrl_explain.episodes import Episode
from udrl_explain.policies import Policy, greedy_actions
from udrl_explain.rollouts.side_by_side import play_side_by_side
from udrl_explain.statistics.intervals import EPISODES_OF_ONE, Interval, mean_interval


@dataclass(frozen=True, eq=False)
class Played:
    """What one of them did on the fresh episodes.

    Parameters
    ----------
    policy : Policy
    episodes : tuple of Episode
        Under the command that returns are judged by.
    sweep : DataFrame
        One row per episode of the command levels, columns ``desired_return``, ``desired_horizon``,
        ``environment_seed``, ``achieved_return``, ``length``; empty where there are no levels.
    """

    policy: Policy
    episodes: tuple[Episode, ...]
    sweep: pd.DataFrame


def play_fresh(
    policies: Sequence[Policy],
    environments: Lockstep,
    command: NDArray[np.float64] | None,
    levels: NDArray[np.float64] | None,
    seeds: Sequence[int],
    level_seeds: Sequence[int],
    most_return: float,
) -> list[Played]:
    """Play every policy under one command, and under all levels, on the same environment seeds.

    Parameters
    ----------
    policies : sequence of Policy
    environments : Lockstep
    command : float64 array of shape (2,) or None
    levels : float64 array of shape (n_levels, 2) or None
    seeds, level_seeds : sequence of int
        Of the episodes under `command`, and of those under each level.
    most_return : float
    """
    asked = None if command is None else np.tile(command, (len(seeds), 1))
    episodes = play_side_by_side(policies, environments, asked, seeds, most_return=most_return)
    sweeps: list[pd.DataFrame] = [_sweep(np.empty((0, 2)), [], [])] * len(policies)
    if levels is not None:
        commands = np.repeat(levels, len(level_seeds), axis=0)
        all_seeds = list(level_seeds) * len(levels)
        swept = play_side_by_side(policies, environments, commands, all_seeds, most_return=most_return)
        sweeps = [_sweep(commands, all_seeds, one) for one in swept]
    return [Played(p, tuple(e), s) for p, e, s in zip(policies, episodes, sweeps, strict=True)]


def line_of(played: Played, teacher: Played, seed: int, *, judged: bool) -> dict[str, Any]:
    """Measures of one point of the frontier with their intervals, all for other episodes of this one policy.

    `agreement` is the share of the steps in which the teacher would have acted alike, `mae` the mean distance between
    desired and achieved return over the levels, and `difference` that to the teacher's return on the same seeds.
    Where nothing was `judged` by playing it, there are no returns.
    """
    returns = _returns(played) if judged else np.empty(0)
    values = {
        "agreement": np.array([_agreement(teacher.policy, episode) for episode in played.episodes]),
        "return": returns,
        "difference": returns - _returns(teacher) if judged else returns,
        "mae": _missed(played.sweep),
    }
    line: dict[str, Any] = {}
    for name, numbers in values.items():
        none = Interval(np.nan, np.nan, "no interval: nothing was played for it")
        ends = mean_interval(numbers, EPISODES_OF_ONE, seed=seed) if len(numbers) else none
        line[name] = float(numbers.mean()) if len(numbers) else np.nan
        line |= {f"{name}_low": ends.low, f"{name}_high": ends.high, f"{name}_interval": ends.words}
    high = line["difference_high"]
    # Where every episode differs by as much, there is no interval and no doubt.
    line["as_good"] = bool((line["difference"] if np.isnan(high) else high) >= 0)
    return line


def _returns(played: Played) -> NDArray[np.float64]:
    return np.array([episode.total_return for episode in played.episodes])


def _agreement(policy: Policy, episode: Episode) -> float:
    return float((greedy_actions(policy.action_probabilities(episode.inputs)) == episode.actions).mean())


def _missed(sweep: pd.DataFrame) -> NDArray[np.float64]:
    """Mean distance between desired and achieved return of each environment seed: seeds are the units."""
    if sweep.empty:
        return np.empty(0)
    distance = (sweep["achieved_return"] - sweep[COMMAND_NAMES[0]]).abs()
    return distance.groupby(sweep["environment_seed"]).mean().to_numpy(dtype=np.float64)


def _sweep(commands: NDArray[np.float64], seeds: Sequence[int], episodes: Sequence[Episode]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            COMMAND_NAMES[0]: commands[:, 0],
            COMMAND_NAMES[1]: commands[:, 1],
            "environment_seed": np.array(seeds, dtype=np.int64),
            "achieved_return": np.array([episode.total_return for episode in episodes], dtype=np.float64),
            "length": np.array([len(episode) for episode in episodes], dtype=np.int64),
        }
    )
