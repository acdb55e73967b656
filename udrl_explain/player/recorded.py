"""Episodes that the page shows where it cannot simulate: a grid of commands on common seeds."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udrl_explain.command_space.support import fitted_commands
from udrl_explain.commands import HORIZON_COLUMN, N_COMMANDS, RETURN_COLUMN
from udrl_explain.episodes import Episode
from udrl_explain.player.blocks import short_block, whole_block
from udrl_explain.player.options import PlayerOptions
from udrl_explain.policies import Policy
from udrl_explain.rollouts.collecting import collect
from udrl_explain.runs.run import Run


def common_commands(runs: Sequence[Run], finals: NDArray[np.float64], options: PlayerOptions) -> NDArray[np.float64]:
    """Give the commands that every run is asked for, shape ``(n_commands, 2)``, sorted.

    Parameters
    ----------
    runs : sequence of Run
    finals : float64 array of shape (n_runs, 2)
        Asked for in any case: the command of each run's final evaluation.
    options : PlayerOptions
        Levels of return and horizon, spread over the seen commands of all runs.
    """
    seen = np.concatenate([fitted_commands(run.training_inputs).seen_commands for run in runs])
    returns, horizons = (
        np.unique(np.linspace(low, high, n) if n > 1 else [(low + high) / 2])
        for low, high, n in zip(seen.min(axis=0), seen.max(axis=0), (options.returns, options.horizons), strict=True)
    )
    grid = np.array([(desired, horizon) for desired in returns for horizon in horizons])
    return np.unique(np.concatenate([grid, finals]), axis=0)


def recorded_episodes(run: Run, commands: NDArray[np.float64], n_seeds: int) -> list[Episode]:
    """Play a run's policy greedily under every command on the environment seeds 0, 1, ...

    Raises
    ------
    ValueError
        If the environment cannot be made or does not fit the policy.
    """
    assert run.policy is not None
    policy: Policy = run.policy
    seeds = list(range(n_seeds))
    asked = np.repeat(commands, n_seeds, axis=0)
    return collect(policy, run.config.env_name, asked, seeds * len(commands), most_return=run.return_limit)


def recorded_blocks(episodes: Sequence[Episode]) -> list[dict[str, Any]]:
    """Give episodes as the page reads them; commands after the first step follow from the rewards."""
    return [
        {
            "command": {
                "desired_return": float(episode.inputs[0, RETURN_COLUMN]),
                "desired_horizon": float(episode.inputs[0, HORIZON_COLUMN]),
            },
            "seed": episode.seed,
            "total_return": episode.total_return,
            "observations": short_block(episode.inputs[:, :-N_COMMANDS]),
            "actions": whole_block(episode.actions),
            "rewards": short_block(episode.rewards),
        }
        for episode in episodes
    ]
