"""A run of a policy that was not trained here: its episodes, and the policy itself where a file can hold it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from udrl_explain.commands import N_COMMANDS, checked_inputs, n_commands
from udrl_explain.config import TrainConfig
from udrl_explain.episodes import Episode
from udrl_explain.policies import Policy, checked_policy, greedy_actions
from udrl_explain.runs.places import run_directory
from udrl_explain.runs.policy_files import can_be_stored
from udrl_explain.runs.run import SWEEP_COLUMNS, TRAINING_COMMAND_COLUMNS, Run
from udrl_explain.versions import RUN_PACKAGES, versions_of

MOST_ROWS = 4000
"""Rows kept as the background of the analyses where none are given."""


def run_from_episodes(
    policy: Policy,
    env_name: str,
    episodes: Sequence[Episode],
    *,
    name: str = "policy",
    background: NDArray[np.float64] | None = None,
    command_sweep: pd.DataFrame | None = None,
    seed: int = 0,
    directory: str | Path = "data",
    experiment: str | None = None,
    note: str = "",
) -> Run:
    """Put episodes of any policy together as a run, which ``save_run`` stores and a report reads.

    Parameters
    ----------
    policy : Policy
        The one that played the episodes. Forests, nets and scikit-learn classifiers that take a command are stored with
        the run; a function cannot be, and a report then says what it leaves out.
    env_name : str
        Gymnasium id.
    episodes : sequence of Episode
        As :func:`~udrl_explain.collect` plays them; at least one.
    name : str
        What the report calls the policy, for instance ``"PPO"``.
    background : float64 array of shape (n_rows, n_features), optional
        Rows that stand for what the policy knows: missing inputs are drawn from them, and their commands are called
        seen. By default at most 4,000 rows of the episodes, evenly chosen.
    command_sweep : DataFrame, optional
        Columns ``desired_return``, ``desired_horizon``, ``environment_seed``, ``achieved_return``, ``length``, one row
        per episode, as :func:`~udrl_explain.rollouts.sweeps.sweep_commands` gives it.
    seed : int
        Names the run's folder; give each training of one kind another.
    directory, experiment : str
        The folder is ``directory/<env_name>/<experiment>/<seed>``; by default the experiment is `name`.
    note : str
        One line more for readers of the run.

    Returns
    -------
    Run
        Not yet stored.

    Raises
    ------
    ValueError
        If there is no episode, or episodes, background and policy do not fit.
    """
    policy = checked_policy(policy)
    if len(episodes) == 0:
        raise ValueError("episodes must hold at least one episode, got none: see collect(policy, env_name, ...)")
    for episode in episodes:
        if not isinstance(episode, Episode):
            raise ValueError(f"episodes must hold episodes, got {type(episode).__name__}: see collect")
        checked_inputs(episode.inputs, policy.feature_names, "inputs of an episode")
    played = np.concatenate([episode.inputs for episode in episodes])
    if background is None:
        rows = played[np.unique(np.linspace(0, len(played) - 1, min(MOST_ROWS, len(played))).astype(int))]
        words = f"{len(rows)} rows of its episodes stand in the place of training rows"
    else:
        rows = checked_inputs(background, policy.feature_names, "background")
        words = f"{len(rows)} rows that were given stand in the place of training rows"
    stored = can_be_stored(policy)
    returns = np.array([episode.total_return for episode in episodes])
    command = _command(episodes) if n_commands(policy.feature_names) else (None, None)
    config = replace(
        TrainConfig(env_name=env_name, estimator_name=name, seed=seed, recipe="paper").resolved(),
        return_scale=policy.scale.return_scale,
        horizon_scale=policy.scale.horizon_scale,
        final_testing_sample=len(episodes),
        final_desired_return=command[0],
        final_desired_horizon=command[1],
        save_policy=stored,
        save_learning_infos=False,
    )
    notes = [f"Not trained here: {words}, and settings of a training say nothing about it."]
    if not stored:
        notes.append(
            "No file holds its policy, so what needs to ask it is left out here: explain it in Python, or store a tree "
            "distilled from it."
        )
    if policy.probability_source != "probabilities":
        notes.append("It gives actions, no probabilities: they are explained as probabilities of 0 and 1.")
    return Run(
        config=config,
        directory=run_directory(config, directory, experiment or name),
        policy=policy,
        policy_note="",
        feature_names=policy.feature_names,
        action_names=policy.action_names,
        train_returns=np.empty((0, 2)),
        test_returns=np.empty((0, 2)),
        training_commands=pd.DataFrame(columns=list(TRAINING_COMMAND_COLUMNS), dtype=np.float64),
        training_inputs=rows,
        training_actions=greedy_actions(policy.action_probabilities(rows)),
        episodes=tuple(episodes),
        command_sweep=pd.DataFrame(columns=list(SWEEP_COLUMNS), dtype=np.float64)
        if command_sweep is None
        else command_sweep[list(SWEEP_COLUMNS)],
        command_grid=None,
        final_mean=float(returns.mean()),
        final_std=float(returns.std()),
        versions=versions_of(RUN_PACKAGES),
        notes=(*notes, *([note] if note else [])),
    )


def _command(episodes: Sequence[Episode]) -> tuple[float | None, float | None]:
    """The command that all episodes began with; none where they differ."""
    first = np.array([episode.inputs[0, -N_COMMANDS:] for episode in episodes])
    if (first != first[0]).any():
        return None, None
    return float(first[0, 0]), max(float(first[0, 1]), 1.0)
