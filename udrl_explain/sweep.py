"""Ask a policy for many commands and record what it achieves; ``python -m udrl_explain.sweep RUN`` redoes it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from udrl_explain.command_line import parse, run_main

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from udrl_explain.environments import Lockstep
    from udrl_explain.policies import Policy

PROG = "python -m udrl_explain.sweep"
N_LEVELS = 15
N_EPISODES = 20
BEYOND = 0.25
N_NEAREST = 51
_AT_ONCE = 100


def command_levels(training_commands: "pd.DataFrame", n_levels: int = N_LEVELS) -> "NDArray[np.float64]":
    """Commands for a sweep over the desired return, the horizon following the training episodes.

    Parameters
    ----------
    training_commands : DataFrame
        With the columns ``achieved_return`` and ``length``.
    n_levels : int

    Returns
    -------
    float64 array of shape (n_levels, 2)
        Desired returns evenly from the 5 % quantile of the returns achieved in training to a quarter of that range
        beyond the best; the horizon is the median length of the 51 training episodes whose return is nearest.
    """
    import numpy as np

    achieved = training_commands["achieved_return"].to_numpy(dtype=np.float64)
    low, high = float(np.quantile(achieved, 0.05)), float(achieved.max())
    span = high - low if high > low else max(1.0, abs(high) / 2)
    returns = np.linspace(min(low, high - span), high + BEYOND * span, n_levels)
    return np.column_stack([returns, horizons_for(returns, training_commands)])


def horizons_for(returns: "NDArray[np.float64]", training_commands: "pd.DataFrame") -> "NDArray[np.float64]":
    """Median length of the 51 training episodes whose return is nearest to each of `returns`; shape as given."""
    import numpy as np

    achieved = training_commands["achieved_return"].to_numpy(dtype=np.float64)
    lengths = training_commands["length"].to_numpy(dtype=np.float64)
    nearest = np.argsort(np.abs(achieved[None, :] - returns[:, None]), axis=1, kind="stable")[:, :N_NEAREST]
    return np.asarray(np.median(lengths[nearest], axis=1))


def sweep_commands(
    policy: "Policy", environments: "Lockstep", commands: "NDArray[np.float64]", seeds: list[int]
) -> "pd.DataFrame":
    """Play every command on the same environment seeds, greedily.

    Parameters
    ----------
    policy : Policy
    environments : Lockstep
    commands : float64 array of shape (n_commands, 2)
        Desired return (reward) and horizon (steps).
    seeds : list of int
        One episode per command and seed: common random numbers, so that commands differ by nothing else.

    Returns
    -------
    DataFrame
        One row per episode; columns ``desired_return``, ``desired_horizon``, ``environment_seed``,
        ``achieved_return``, ``length``.
    """
    import numpy as np
    import pandas as pd

    from udrl_explain.commands import COMMAND_NAMES
    from udrl_explain.episodes import collect_episodes
    from udrl_explain.training.acting import greedy

    all_commands = np.repeat(commands, len(seeds), axis=0)
    all_seeds = seeds * len(commands)
    episodes = []
    for start in range(0, len(all_seeds), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        episodes += collect_episodes(environments, greedy(policy), all_commands[part], all_seeds[part])
    return pd.DataFrame(
        {
            COMMAND_NAMES[0]: all_commands[:, 0],
            COMMAND_NAMES[1]: all_commands[:, 1],
            "environment_seed": all_seeds,
            "achieved_return": [episode.total_return for episode in episodes],
            "length": [len(episode) for episode in episodes],
        }
    )


@dataclass(frozen=True)
class SweepOptions:
    """Ask the policy of a stored run for many commands and store what it achieves in the run folder."""

    run: tyro.conf.Positional[Path]
    """Folder of one run, data/<env_name>/<experiment>/<seed>."""
    returns: tuple[float, float, int] | None = None
    """Desired returns: lowest, highest (reward), number of levels."""
    horizons: tuple[float, float, int] | None = None
    """Desired horizons: lowest, highest (steps), number of levels. Sweeps the whole grid of returns and horizons into
    command_grid.csv; without it the horizon follows the training episodes, into command_sweep.csv."""
    episodes: int = N_EPISODES
    """Episodes per command."""
    seed: int | None = None
    """Seed of the environments (default: the run's, which repeats the stored sweep)."""


def redo_sweep(options: SweepOptions) -> Path:
    """Do what the options ask for and return the file written.

    Raises
    ------
    FileNotFoundError, ValueError
        If the run cannot be read, holds no policy, or a number is impossible.
    """
    # Heavy imports wait until the flags are read: --help answers at once.
    import numpy as np
    from threadpoolctl import threadpool_limits

    from udrl_explain.commands import N_COMMANDS
    from udrl_explain.environments import Lockstep
    from udrl_explain.runs import load_run, store_sweep
    from udrl_explain.training.seeding import evaluation_seeds, streams

    if options.episodes < 1:
        raise ValueError(f"episodes must be at least 1, got {options.episodes}")
    if options.seed is not None and options.seed < 0:
        raise ValueError(f"seed must be at least 0, got {options.seed}")
    stored = load_run(options.run)
    if stored.policy is None:
        raise ValueError(f"{options.run}: there is no policy to ask: {stored.policy_note}")
    if options.returns is None:
        levels = command_levels(stored.training_commands)
    else:
        desired = _levels("returns", options.returns)
        levels = np.column_stack([desired, horizons_for(desired, stored.training_commands)])
    if options.horizons is not None:
        steps = _levels("horizons", options.horizons)
        if steps[0] < 1:
            raise ValueError(f"horizons must be at least 1 step, got {steps[0]}")
        levels = np.array([(desired, horizon) for desired in levels[:, 0] for horizon in steps])
    environments = Lockstep(stored.config.env_name)
    for word, theirs, mine in (
        ("inputs", environments.n_observations + N_COMMANDS, stored.policy.n_features),
        ("actions", environments.n_actions, stored.policy.n_actions),
    ):
        if theirs != mine:
            raise ValueError(f"{stored.config.env_name} has {theirs} {word}, the policy of {options.run} has {mine}")
    seeds = evaluation_seeds(
        streams(stored.config.seed if options.seed is None else options.seed).sweep, options.episodes
    )
    with threadpool_limits(1):  # as in training: sums over several threads round differently
        sweep = sweep_commands(stored.policy, environments, levels, seeds)
    return store_sweep(stored, sweep, grid=options.horizons is not None)


def _levels(name: str, bounds: tuple[float, float, int]) -> "NDArray[np.float64]":
    import numpy as np

    low, high, n_levels = bounds
    if not (np.isfinite([low, high]).all() and low < high and n_levels >= 2):
        raise ValueError(f"{name} must be: lowest < highest, both finite, and at least 2 levels, got {bounds}")
    return np.linspace(low, high, n_levels)


def main() -> int:
    """Command line of the sweep."""
    print(redo_sweep(parse(SweepOptions, prog=PROG)))  # noqa: T201 - the command's answer
    return 0


if __name__ == "__main__":
    raise SystemExit(run_main(PROG, main))
