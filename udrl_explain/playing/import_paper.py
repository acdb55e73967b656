"""Make an ordinary run of a folder that the paper's own code wrote."""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from udrl_explain.commands import COMMAND_NAMES, CommandScale
from udrl_explain.config import SWEEP_EPISODES, TrainConfig
from udrl_explain.environments import Lockstep, check_trusted
from udrl_explain.episodes import Episode, collect_episodes
from udrl_explain.playing.import_options import N_BACKGROUND_EPISODES, ImportOptions
from udrl_explain.policies import ForestPolicy
from udrl_explain.rollouts.actors import greedy
from udrl_explain.rollouts.collecting import check_fits, collect
from udrl_explain.rollouts.streams import evaluation_seeds, streams, training_seeds
from udrl_explain.rollouts.sweeps import command_levels, sweep_commands
from udrl_explain.runs import (
    TRAINING_COMMAND_COLUMNS,
    Run,
    check_run_can_be_saved,
    load_run,
    run_directory,
    save_run,
)
from udrl_explain.runs.paper_policy import NO_NETS, POLICY_FILE, load_paper_forest
from udrl_explain.versions import RUN_PACKAGES, versions_of

ROWS_PER_EPISODE = 4


def import_paper_run(options: ImportOptions) -> Run:
    """Do what the options ask for and return the run, which is stored.

    Raises
    ------
    FileNotFoundError, FileExistsError, ValueError
        If the folder is none of the paper's, its policy cannot be read, or its environment does not exist.
    """
    theirs = load_run(options.folder)
    if not theirs.written_by_paper_code:
        raise ValueError(f"{options.folder}: is no folder of the paper's own code (its conf.json has no collect_iter)")
    pickle = options.folder / POLICY_FILE
    if not pickle.is_file() and any((options.folder / name).is_file() for name in ("policy.pth", "policy.pt")):
        raise ValueError(f"{options.folder}: holds a net, which is not read: {NO_NETS}")
    config = replace(theirs.config, env_name=options.env_name or theirs.config.env_name, save_learning_infos=False)
    config = replace(config, final_testing=True, final_testing_sample=options.episodes, save_policy=True)
    experiment = options.experiment or f"paper-{theirs.config.experiment()}"
    place = run_directory(config, options.directory, experiment)
    check_run_can_be_saved(place, options.overwrite)
    given = options.env_name is not None
    check_trusted(config.env_name, options.folder, given, f"give --env_name {config.env_name} if you trust it")
    environments = Lockstep(config.env_name)
    names = environments.names
    policy = replace(
        load_paper_forest(pickle, environments.n_actions, CommandScale(config.return_scale, config.horizon_scale)),
        feature_names=names.feature_names,
        action_names=names.action_names,
    )
    check_fits(policy, environments)
    with threadpool_limits(1):
        run = _played(theirs, config, policy, environments, options)
    run = replace(run, directory=place)
    save_run(run, [], overwrite=options.overwrite)
    return run


def _played(
    theirs: Run, config: TrainConfig, policy: ForestPolicy, environments: Lockstep, options: ImportOptions
) -> Run:
    random = streams(config.seed)
    with tqdm(total=3, desc=config.env_name, unit="part") as bar:
        met = _episodes_met(theirs.training_commands, config, policy, environments, random.environments)
        inputs, actions = _rows_of(met, random.exploration)
        bar.update()
        played = _table_of(met)
        asked = theirs.training_commands if len(theirs.training_commands) else played
        command = _final_command(config, asked)
        config = replace(config, final_desired_return=command[0], final_desired_horizon=command[1])
        seeds = evaluation_seeds(random.final, options.episodes)
        final = tuple(collect(policy, config.env_name, command, seeds))
        bar.update()
        # What training achieved is not stored there; what the policy achieves under the same commands is what we have.
        levels = command_levels(played)
        sweep = sweep_commands(policy, environments, levels, evaluation_seeds(random.sweep, SWEEP_EPISODES))
        bar.update()
    environments.close()
    returns = np.array([episode.total_return for episode in final])
    mean = "?" if not np.isfinite(theirs.final_mean) else f"{theirs.final_mean:g}"
    notes = [
        f"Imported from a folder of the paper's own code (arXiv 2411.11457), where the final test gave {mean} over "
        f"{theirs.n_final} episodes. Episodes and sweep were played here with its policy.",
        f"The rows of its last fit are not stored there. In their place stand {len(inputs)} rows of {len(met)} "
        "episodes that the policy played under its training commands, each with the command that the rest of its "
        "episode fulfilled.",
    ]
    if len(theirs.training_commands) == 0:
        notes.append("No training commands were stored there; those of the episodes played here stand in their place.")
    return replace(
        theirs,
        config=config,
        policy=policy,
        policy_note="",
        feature_names=policy.feature_names,
        action_names=policy.action_names,
        training_commands=asked,
        training_inputs=inputs,
        training_actions=actions,
        episodes=final,
        command_sweep=sweep,
        final_mean=float(returns.mean()),
        final_std=float(returns.std()),
        versions=versions_of(RUN_PACKAGES),
        notes=tuple(notes),
        written_by_paper_code=False,
    )


def _episodes_met(
    commands: pd.DataFrame,
    config: TrainConfig,
    policy: ForestPolicy,
    environments: Lockstep,
    random: np.random.Generator,
) -> list[Episode]:
    """Episodes under the last training commands, or the final command where none are stored."""
    if len(commands):
        asked = commands[list(COMMAND_NAMES)].tail(N_BACKGROUND_EPISODES).to_numpy(np.float64, copy=True)
    elif config.final_desired_return is None or config.final_desired_horizon is None:
        raise ValueError("the folder stores neither training commands nor a final command: there is nothing to ask for")
    else:
        command = (config.final_desired_return, config.final_desired_horizon)
        asked = np.tile(command, (N_BACKGROUND_EPISODES, 1))
    asked[:, 1] = np.maximum(asked[:, 1], 1.0)
    return collect_episodes(environments, greedy(policy), asked, training_seeds(random, len(asked)))


def _rows_of(episodes: list[Episode], random: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """A few steps of every episode with the command that the rest of it fulfilled, as the paper's fits take them."""
    inputs, actions = [], []
    for episode in episodes:
        steps = np.sort(random.choice(len(episode), size=min(ROWS_PER_EPISODE, len(episode)), replace=False))
        inputs.append(episode.hindsight_inputs()[steps])
        actions.append(episode.actions[steps])
    return np.concatenate(inputs), np.concatenate(actions)


def _table_of(episodes: list[Episode]) -> pd.DataFrame:
    first = np.array([episode.inputs[0, -2:] for episode in episodes])
    columns = {
        "iteration": 1,
        COMMAND_NAMES[0]: first[:, 0],
        COMMAND_NAMES[1]: first[:, 1],
        "achieved_return": [episode.total_return for episode in episodes],
        "length": [len(episode) for episode in episodes],
    }
    return pd.DataFrame(columns, columns=list(TRAINING_COMMAND_COLUMNS))


def _final_command(config: TrainConfig, asked: pd.DataFrame) -> tuple[float, float]:
    """As set, else the last one that training asked for."""
    if config.final_desired_return is not None and config.final_desired_horizon is not None:
        return config.final_desired_return, config.final_desired_horizon
    last = asked[list(COMMAND_NAMES)].iloc[-1]
    return float(last.iloc[0]), float(last.iloc[1])
