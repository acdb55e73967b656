"""Collecting CartPole-v0 episodes with a 100-tree forest: lockstep from flat arrays against one-row ``predict``.

One row per ``estimator.predict`` call, one environment at a time, is what the code of the paper does. Both sides run in
this process in turns, with the same forest, commands and environment seeds, and choose actions greedily, so that they
play the very same episodes (checked). The time of a side is that of its fastest repetition, per environment step, in
seconds of this process on the processor (both sides use one thread; other work on the machine counts little); the
environment's own work is part of both. Run: ``python benchmarks/collection.py``.
"""

import argparse
import csv
import platform
import time
import warnings
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from udrl_explain.config import TrainConfig
from udrl_explain.environments import Lockstep
from udrl_explain.episodes import Episode, collect_episodes
from udrl_explain.policies import policy_from_estimator
from udrl_explain.rollouts.actors import greedy, uniform
from udrl_explain.training.buffer import ReplayBuffer
from udrl_explain.training.rows import RowDrawer

ENVIRONMENT = "CartPole-v0"
SCALE = 0.02
COLUMNS = ("what", "episodes", "steps", "seconds", "microseconds_per_step")


def forest_and_seeds(n_episodes: int, seed: int) -> tuple[RandomForestClassifier, list[int]]:
    """A forest fitted as in a training's first iterations, on one row per episode of a full buffer of 700."""
    generator = np.random.default_rng(seed)
    seeds = generator.integers(1 << 30, size=700 + n_episodes).tolist()
    buffer = ReplayBuffer(700)
    buffer.add(collect_episodes(Lockstep(ENVIRONMENT), uniform(2, generator), np.zeros((700, 2)), seeds[:700]))
    inputs, actions = RowDrawer(TrainConfig(recipe="paper").resolved(), buffer, generator).draw()
    rows = inputs * np.array([1, 1, 1, 1, SCALE, SCALE])
    return RandomForestClassifier(random_state=seed).fit(rows, actions), seeds[700:]


def one_environment() -> Any:
    """The environment as Gymnasium makes it, without its checks of every step and its advice to move on to v1."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return gymnasium.make(ENVIRONMENT, disable_env_checker=True)


def one_row_episode(estimator: Any, environment: Any, command: NDArray[np.float64], seed: int) -> Episode:
    """Play one episode with one ``estimator.predict`` call on one row per step."""
    observation, _ = environment.reset(seed=seed)
    desired_return, desired_horizon = command
    inputs, actions, rewards = [], [], []
    over = False
    while not over:
        row = np.concatenate([observation, (desired_return * SCALE, desired_horizon * SCALE)])
        inputs.append(np.concatenate([observation, (desired_return, desired_horizon)]))
        action = int(estimator.predict(row[None, :])[0])
        observation, reward, terminated, truncated, _ = environment.step(action)
        desired_return, desired_horizon = desired_return - reward, max(desired_horizon - 1, 1)
        actions.append(action)
        rewards.append(float(reward))
        over = terminated or truncated
    return Episode(np.array(inputs), np.array(actions), np.array(rewards), seed)


def main() -> None:
    """Print one line per side, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=15, help="played side by side; 15 as in a training's iteration")
    parser.add_argument("--baseline_episodes", type=int, default=5, help="of these, played again one row at a time")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--quick", action="store_true", help="a few episodes only, to see that it runs")
    parser.add_argument("--output", type=Path, help="CSV file to write")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.episodes, arguments.baseline_episodes, arguments.repetitions = 4, 1, 1

    estimator, seeds = forest_and_seeds(arguments.episodes, arguments.seed)
    policy = policy_from_estimator(estimator, 2, SCALE, SCALE)
    commands = np.tile([200.0, 200.0], (arguments.episodes, 1))
    lockstep, environment = Lockstep(ENVIRONMENT), one_environment()
    collect_episodes(lockstep, greedy(policy), commands, seeds)  # compiles

    ours, theirs = [], []
    for _ in range(arguments.repetitions):
        start = time.process_time()
        together = collect_episodes(lockstep, greedy(policy), commands, seeds)
        ours.append(time.process_time() - start)
        start = time.process_time()
        alone = [
            one_row_episode(estimator, environment, commands[i], seeds[i]) for i in range(arguments.baseline_episodes)
        ]
        theirs.append(time.process_time() - start)
    for one, other in zip(together, alone, strict=False):
        if not (np.array_equal(one.inputs, other.inputs) and np.array_equal(one.actions, other.actions)):
            raise SystemExit("the two sides did not play the same episodes")

    rows = []
    for what, episodes, seconds in (
        ("lockstep, flat arrays", together, min(ours)),
        ("one-row estimator.predict", alone, min(theirs)),
    ):
        steps = sum(len(episode) for episode in episodes)
        rows.append((what, len(episodes), steps, seconds, 1e6 * seconds / steps))
    print(
        f"{platform.machine()}, Python {platform.python_version()}, scikit-learn {sklearn.__version__}, {ENVIRONMENT}"
    )
    for what, n_episodes, steps, seconds, per_step in rows:
        print(f"{what:28s} {n_episodes:3d} episodes {steps:6d} steps {seconds:8.3f} s {per_step:9.1f} µs per step")
    print(f"ratio per step: {rows[1][4] / rows[0][4]:.0f} x (target: at least 100 x)")
    if arguments.output:
        with arguments.output.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerows([COLUMNS, *rows])


if __name__ == "__main__":
    main()
