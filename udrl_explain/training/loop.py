"""The training loop of Upside-Down Reinforcement Learning.

Warm-up, then fit and collect in turn, then the final policy and its evaluation: Srivastava et al. (2019, arXiv
1912.02877), Algorithms 1 and 2. What the recipes add stands in the modules around; the README lists every difference
from the code of arXiv 2411.11457.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from udrl_explain.config import SWEEP_EPISODES, TrainConfig
from udrl_explain.environments import Lockstep
from udrl_explain.episodes import Episode, collect_episodes
from udrl_explain.files.csv import rounded
from udrl_explain.parallel import fits_on_threads, thread_count
from udrl_explain.rollouts.actors import exploring, greedy
from udrl_explain.rollouts.streams import Streams, evaluation_seeds, streams, training_seeds
from udrl_explain.rollouts.sweeps import command_levels, sweep_commands
from udrl_explain.runs import (
    SWEEP_COLUMNS,
    TRAINING_COMMAND_COLUMNS,
    Run,
    check_run_can_be_saved,
    run_directory,
    save_run,
)
from udrl_explain.runs.policy_files import check_storable
from udrl_explain.settings.recipes import AVERAGING
from udrl_explain.training.buffer import ReplayBuffer
from udrl_explain.training.final_policy import FinalPolicyMaker
from udrl_explain.training.learners import Learner, accuracy
from udrl_explain.training.rows import RowDrawer
from udrl_explain.training.validation import Candidate
from udrl_explain.training.warm_up import reward_kind, warm_up_episodes
from udrl_explain.versions import RUN_PACKAGES, versions_of

Watch = Callable[[int, int], None]
"""Told the iterations done and the environment steps taken, warm-up included; what it raises ends the training."""


def train_policy(
    config: TrainConfig,
    directory: str | Path = "data",
    *,
    experiment: str | None = None,
    overwrite: bool = False,
    progress: bool = False,
    watch: Watch | None = None,
    n_jobs: int | None = None,
) -> Run:
    """Train a policy, store the run whole or not at all, and return it.

    Parameters
    ----------
    config : TrainConfig
    directory : str or Path
        The run goes to ``directory/<env_name>/<experiment>/<seed>``.
    experiment : str, optional
        Instead of the name made of the non-default settings.
    overwrite : bool
        Replace a run that is there.
    progress : bool
        Show a progress bar on stderr.
    watch : callable, optional
        Called after the warm-up and after every iteration with the iterations done and the environment steps of all
        training episodes so far. What it raises ends the training, of which nothing is kept.
    n_jobs : int, optional
        Threads that fit the trees of a forest; None takes all cores. The run does not depend on it.

    Returns
    -------
    Run

    Raises
    ------
    ValueError
        If the environment or the estimator does not exist or does not fit.
    FileExistsError
        If the run's folder exists and `overwrite` is False; raised before any training.
    NotADirectoryError, PermissionError
        If the run's folder cannot be made; raised before any training.
    """
    if not isinstance(config, TrainConfig):
        raise ValueError(
            f"config must be a TrainConfig, got {config!r}: write TrainConfig(env_name='CartPole-v0', ...)"
        )
    n_threads = thread_count(n_jobs)
    if config.estimator_name not in AVERAGING:
        n_threads = 1  # neighbours would be asked on threads too: their trees miscount that, and are stored
    place = run_directory(config, directory, experiment)
    check_run_can_be_saved(place, overwrite)
    # Two BLAS threads make the small matrices of a net ten times slower, and sums depend on their number.
    with threadpool_limits(1), fits_on_threads(n_threads):
        run, learning_infos = _train(config, place, progress, watch or _unwatched)
    save_run(run, learning_infos, overwrite=overwrite)
    return run


def _unwatched(iteration: int, steps: int) -> None:
    pass


def _train(config: TrainConfig, place: Path, progress: bool, watch: Watch) -> tuple[Run, list[dict[str, Any]]]:
    random = streams(config.seed)
    environments = Lockstep(config.env_name)
    Learner.check(config)
    warm_up = warm_up_episodes(environments, config.resolved(), random)
    if config.reward_kind is None:
        config = replace(config, reward_kind=reward_kind([episode.rewards for episode in warm_up]))
    config = config.resolved()
    Learner.check(config)
    buffer = _buffer(config, random)
    buffer.add(warm_up)
    steps = sum(map(len, warm_up))
    watch(0, steps)
    learner = Learner(config, environments.names, random.estimator)
    drawer = RowDrawer(config, buffer, random.exploration)
    maker = FinalPolicyMaker(config, environments, random, _mean_and_std(warm_up)[0])

    learning_infos: list[dict[str, Any]] = []
    train_returns, test_returns, command_rows = [], [], []
    bar = tqdm(range(1, config.max_episode + 1), desc=config.env_name, unit="it", disable=not progress)
    for iteration in bar:
        drawer.buffer_changed()
        for _ in range(config.train_per_iter or 1):
            inputs, actions = drawer.draw()
            policy = learner.fit(inputs, actions)
            if config.save_learning_infos:
                learning_infos.append({"metric": round(accuracy(policy, inputs, actions), 3)})
        if iteration == 1 and config.save_policy:
            check_storable(policy)
        policy = maker.acting(policy)
        mean, std, length = buffer.exploratory_range(config.last_few)
        if config.horizon_meaning == "none":
            length = 1.0
        commands = _exploratory_commands(config, buffer, mean, std, length, random.exploration)
        evaluation_command = _evaluation_command(config, mean, length)
        most_return = buffer.best_return_to_go if config.clip_return else float("inf")
        explorer = exploring(
            policy, config.exploration or "sample", config.epsilon, random.exploration, _power(config, iteration)
        )
        maker.fitted(Candidate(policy, inputs, actions, evaluation_command, iteration), most_return)
        seeds = training_seeds(random.environments, config.collect_episode)
        episodes = collect_episodes(environments, explorer, commands, seeds, most_return=most_return)
        buffer.add(episodes)
        train_returns.append(_mean_and_std(episodes))
        command_rows += [
            (iteration, *command, episode.total_return, len(episode))
            for command, episode in zip(commands.tolist(), episodes, strict=True)
        ]
        if iteration % config.testing_period == 0:
            seeds = evaluation_seeds(random.tests, config.collect_episode)
            command = np.tile(evaluation_command, (len(seeds), 1))
            tests = collect_episodes(environments, greedy(policy), command, seeds, most_return=most_return)
            test_returns.append(_mean_and_std(tests))
        last_test = f"{test_returns[-1][0]:.1f}" if test_returns else "-"
        steps += sum(map(len, episodes))
        watch(iteration, steps)
        bar.set_postfix_str(f"mean return {train_returns[-1][0]:.1f}, last test {last_test}", refresh=False)
        if maker.stalled([mean for mean, _ in train_returns]):
            break
    bar.close()

    training_commands = rounded(pd.DataFrame(command_rows, columns=list(TRAINING_COMMAND_COLUMNS)))
    levels = command_levels(training_commands, ignores_horizon=config.horizon_meaning == "none")
    most_met = float(training_commands["achieved_return"].max())
    chosen = maker.chosen(drawer, levels, most_return, most_met)
    desired_return, desired_horizon = chosen.command
    config = replace(config, final_desired_return=desired_return, final_desired_horizon=desired_horizon)
    final: tuple[Episode, ...] = ()
    sweep = pd.DataFrame(columns=list(SWEEP_COLUMNS))
    if config.final_testing:
        seeds = evaluation_seeds(random.final, config.final_testing_sample)
        command = np.tile(chosen.command, (len(seeds), 1))
        final = tuple(collect_episodes(environments, greedy(chosen.policy), command, seeds, most_return=most_return))
        sweep_seeds = evaluation_seeds(random.sweep, SWEEP_EPISODES)
        sweep = sweep_commands(chosen.policy, environments, levels, sweep_seeds, most_return=most_return)
    inputs, actions = _stored_rows(chosen, config.stored_rows or 0, random.exploration)
    environments.close()
    final_mean, final_std = _mean_and_std(final) if final else (float("nan"), float("nan"))
    n_kept = config.stored_episodes or len(final)
    run = Run(
        config=config,
        directory=place,
        policy=chosen.policy if config.save_policy else None,
        policy_note="" if config.save_policy else "not stored (save_policy was false)",
        feature_names=environments.names.feature_names,
        action_names=environments.names.action_names,
        train_returns=np.array(train_returns),
        test_returns=np.array(test_returns).reshape(-1, 2),
        training_commands=training_commands,
        training_inputs=inputs,
        training_actions=actions,
        episodes=final[:n_kept],
        unkept_returns=np.array([episode.total_return for episode in final[n_kept:]]),
        command_sweep=sweep,
        command_grid=None,
        final_mean=final_mean,
        final_std=final_std,
        return_limit=most_return,
        versions=versions_of(RUN_PACKAGES),
    )
    return run, learning_infos


def _buffer(config: TrainConfig, random: Streams) -> ReplayBuffer:
    return ReplayBuffer(
        config.memory_size or 1,
        keeps=config.memory_keeps or "best",
        ties=config.memory_ties or "newest",
        diverse_share=config.diverse_share or 0.0,
        most_steps=config.memory_steps or 0,
        worst_limit=config.worst_limit or 0,
        generator=random.exploration,
    )


def _exploratory_commands(
    config: TrainConfig, buffer: ReplayBuffer, mean: float, std: float, length: float, generator: np.random.Generator
) -> NDArray[np.float64]:
    """One command per episode to collect (Srivastava et al. 2019, section 2.3.1); shape ``(collect_episode, 2)``."""
    returns = generator.uniform(mean, mean + std, size=config.collect_episode)
    commands = np.column_stack([returns, np.full(config.collect_episode, length)])
    if config.practice_share:
        practises = generator.random(config.collect_episode) < config.practice_share
        commands[practises] = buffer.practice_commands(int(practises.sum()), generator)
        if config.horizon_meaning == "none":
            commands[practises, 1] = 1.0
    return commands


def _evaluation_command(config: TrainConfig, mean: float, length: float) -> tuple[float, float]:
    """Return and horizon to evaluate with: as set, else the lower end of the last exploratory range and its horizon."""
    desired_return, desired_horizon = config.final_desired_return, config.final_desired_horizon
    return (mean if desired_return is None else desired_return, length if desired_horizon is None else desired_horizon)


def _stored_rows(
    chosen: Candidate, most: int, generator: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    n_rows = len(chosen.actions)
    if most == 0 or n_rows <= most:
        return chosen.inputs, chosen.actions
    kept = np.sort(generator.choice(n_rows, size=most, replace=False))
    return chosen.inputs[kept], chosen.actions[kept]


def _power(config: TrainConfig, iteration: int) -> float:
    """Linear from 1 in the first iteration to `exploration_power` in the last."""
    last = config.exploration_power or 1.0
    return 1.0 + (last - 1.0) * (iteration - 1) / max(config.max_episode - 1, 1)


def _mean_and_std(episodes: list[Episode] | tuple[Episode, ...]) -> tuple[float, float]:
    returns = np.array([episode.total_return for episode in episodes])
    return float(returns.mean()), float(returns.std())
