"""Ask a stored policy for many commands again and store what it achieves."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from udrl_explain.commands import n_commands
from udrl_explain.environments import Lockstep, check_trusted
from udrl_explain.playing.sweep_options import SweepOptions
from udrl_explain.rollouts.collecting import check_fits
from udrl_explain.rollouts.streams import evaluation_seeds, streams
from udrl_explain.rollouts.sweeps import command_levels, horizons_for, sweep_commands
from udrl_explain.runs import load_run, store_sweep


def redo_sweep(options: SweepOptions) -> Path:
    """Do what the options ask for and return the file written.

    Raises
    ------
    FileNotFoundError, ValueError
        If the run cannot be read, holds no policy, or a number is impossible; also if its environment would import a
        module and the options do not say that it is trusted.
    """
    if options.episodes < 1:
        raise ValueError(f"episodes must be at least 1, got {options.episodes}")
    if options.seed is not None and options.seed < 0:
        raise ValueError(f"seed must be at least 0, got {options.seed}")
    stored = load_run(options.run)
    if stored.policy is None:
        raise ValueError(f"{options.run}: there is no policy to ask: {stored.policy_note}")
    if n_commands(stored.feature_names) == 0:
        raise ValueError(f"{options.run}: its policy takes no command, so there is nothing to sweep")
    check_trusted(
        stored.config.env_name, options.run, options.trust_environment, "give --trust-environment if you trust it"
    )
    ignored = stored.config.horizon_meaning == "none"
    if options.returns is None:
        levels = command_levels(stored.training_commands, ignores_horizon=ignored)
    else:
        desired = _levels("returns", options.returns)
        horizons = np.ones(len(desired)) if ignored else horizons_for(desired, stored.training_commands)
        levels = np.column_stack([desired, horizons])
    if options.horizons is not None:
        if ignored:
            raise ValueError(f"horizons have no meaning for {options.run}: it was trained with horizon_meaning 'none'")
        steps = _levels("horizons", options.horizons)
        if steps[0] < 1:
            raise ValueError(f"horizons must be at least 1 step, got {steps[0]}")
        levels = np.array([(desired, horizon) for desired in levels[:, 0] for horizon in steps])
    environments = Lockstep(stored.config.env_name)
    check_fits(stored.policy, environments, f"the policy of {options.run}")
    seeds = evaluation_seeds(
        streams(stored.config.seed if options.seed is None else options.seed).sweep, options.episodes
    )
    with threadpool_limits(1):  # as in training: sums over several threads round differently
        sweep = sweep_commands(stored.policy, environments, levels, seeds, most_return=stored.return_limit)
    return store_sweep(stored, sweep, grid=options.horizons is not None)


def _levels(name: str, bounds: tuple[float, float, int]) -> NDArray[np.float64]:
    low, high, n_levels = bounds
    if not (np.isfinite([low, high]).all() and low < high and n_levels >= 2):
        raise ValueError(f"{name} must be: lowest < highest, both finite, and at least 2 levels, got {bounds}")
    return np.linspace(low, high, n_levels)
