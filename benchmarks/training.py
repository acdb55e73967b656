"""A default training on CartPole-v0 against the same schedule with one-row predictions, as the code of the paper does.

Our side is `train_policy` as it stands, command sweep, storing and all. The baseline is extrapolated unless `--full` is
given: its fits are ours (the same scikit-learn forests, timed during our run); its other time is the number of steps
that our run predicted (training, tests and final test, without the command sweep, which the paper does not have) times
the seconds per step of a one-row ``estimator.predict`` loop. These are measured afterwards in this process on forests
of our run's own fits, at several places along the training, playing real episodes; the environment's work is part of
both sides. Seconds are those of this process on the processor: both sides use one thread, and other work on the
machine counts little. `--full` plays the whole baseline instead, one episode after the other (more than an hour at 500
iterations). Exploration then draws its numbers in another order, so that it is another training with other episodes:
its time for predictions is scaled to our number of steps.
Run: ``python benchmarks/training.py``.
"""

import argparse
import csv
import platform
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import sklearn
from collection import ENVIRONMENT, SCALE, one_environment, one_row_episode
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from udrl_explain import TrainConfig, episodes, sweep, train_policy
from udrl_explain.policies import Policy
from udrl_explain.training import learners

COLUMNS = ("what", "iterations", "seconds", "extrapolated")


@dataclass
class Watch:
    """Counts fits and predicted steps of a training from outside, and keeps the rows of some fits.

    Parameters
    ----------
    one_by_one : bool
        Play episodes alone, one row per prediction of the estimator.
    n_fits : int
        Expected number of fits.
    n_samples : int
        Fits whose rows are kept, evenly along the training.
    """

    one_by_one: bool
    n_fits: int
    n_samples: int
    fit_seconds: list[float] = field(default_factory=list)
    samples: list[tuple[NDArray[np.float64], NDArray[np.int64]]] = field(default_factory=list)
    predicted_steps: int = 0
    sweep_seconds: float = 0.0

    def fit(self, learner: Any, inputs: NDArray[np.float64], actions: NDArray[np.int64]) -> Policy:
        """Stand in for ``Learner.fit``."""
        start = time.process_time()
        policy = _FIT(learner, inputs, actions)
        self.fit_seconds.append(time.process_time() - start)
        wanted = np.linspace(1, self.n_fits, self.n_samples).round()
        if len(self.fit_seconds) in wanted:
            self.samples.append((inputs, actions))
        return _OneRow(learner._estimator, policy) if self.one_by_one else policy

    def collect(self, environments: Any, act: Any, commands: NDArray[np.float64], seeds: list[int]) -> Any:
        """Stand in for ``collect_episodes``."""
        if self.one_by_one and self.fit_seconds:
            played = [_COLLECT(environments, act, commands[i : i + 1], seeds[i : i + 1])[0] for i in range(len(seeds))]
        else:
            played = _COLLECT(environments, act, commands, seeds)
        if self.fit_seconds:  # the warm-up predicts nothing
            self.predicted_steps += sum(len(episode) for episode in played)
        return played

    def sweep(self, *arguments: Any) -> Any:
        """Stand in for ``sweep_commands``: played in lockstep on both sides, timed apart, its steps not counted."""
        start, steps = time.process_time(), self.predicted_steps
        self.one_by_one, was = False, self.one_by_one
        frame = _SWEEP(*arguments)
        self.one_by_one, self.predicted_steps = was, steps
        self.sweep_seconds = time.process_time() - start
        return frame


@dataclass(frozen=True)
class _OneRow:
    """A policy that asks scikit-learn about each row; its policy made of arrays is what is stored."""

    estimator: Any
    stored: Any

    n_actions = 2

    def action_probabilities(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        if len(inputs) > 1:  # the accuracy after a fit, and the command sweep: not part of the comparison
            return np.asarray(self.stored.action_probabilities(inputs))
        row = inputs * np.array([1, 1, 1, 1, SCALE, SCALE])
        return np.eye(2)[self.estimator.predict(row).astype(int)]


_FIT, _COLLECT, _SWEEP = learners.Learner.fit, episodes.collect_episodes, sweep.sweep_commands


def timed_training(config: TrainConfig, watch: Watch) -> float:
    """Seconds of a training in a temporary folder."""
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(learners.Learner, "fit", lambda *arguments: watch.fit(*arguments)),
        mock.patch.object(episodes, "collect_episodes", watch.collect),
        mock.patch.object(sweep, "sweep_commands", watch.sweep),
    ):
        start = time.process_time()
        train_policy(config, folder, progress=True)
        return time.process_time() - start


def seconds_per_step(watch: Watch, n_episodes: int) -> float:
    """Mean seconds of a one-row step, over forests of fits along the training."""
    environment = one_environment()
    seconds, steps = 0.0, 0
    for i, (inputs, actions) in enumerate(watch.samples):
        rows = inputs * np.array([1, 1, 1, 1, SCALE, SCALE])
        estimator = RandomForestClassifier(random_state=i).fit(rows, actions)
        command = np.array([np.quantile(inputs[:, -2], 0.9), np.quantile(inputs[:, -1], 0.9)])
        start = time.process_time()
        steps += sum(len(one_row_episode(estimator, environment, command, seed)) for seed in range(n_episodes))
        seconds += time.process_time() - start
    return seconds / steps


def main() -> None:
    """Print one line per side, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--iterations", type=int, default=500, help="training iterations of both sides")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--samples", type=int, default=6, help="forests on which one-row steps are timed")
    parser.add_argument("--episodes", type=int, default=2, help="episodes per such forest")
    parser.add_argument("--full", action="store_true", help="play the whole baseline instead of extrapolating it")
    parser.add_argument("--quick", action="store_true", help="a few iterations only, to see that it runs")
    parser.add_argument("--output", type=Path, help="CSV file to write")
    arguments = parser.parse_args()
    settings: dict[str, Any] = {"seed": arguments.seed, "max_episode": arguments.iterations}
    if arguments.quick:
        settings |= {"max_episode": 3, "final_testing_sample": 3, "collect_episode": 3, "warm_up": 20}
        arguments.samples, arguments.episodes = 2, 1
    config = TrainConfig(env_name=ENVIRONMENT, recipe="paper", return_scale=SCALE, horizon_scale=SCALE, **settings)
    n_fits = config.max_episode

    timed_training(
        TrainConfig(recipe="paper", max_episode=1, warm_up=5, final_testing_sample=1), Watch(False, 1, 1)
    )  # compiles
    watch = Watch(False, n_fits, arguments.samples)
    ours = timed_training(config, watch)
    fits = sum(watch.fit_seconds)
    print(
        f"{platform.machine()}, Python {platform.python_version()}, scikit-learn {sklearn.__version__}, {ENVIRONMENT}"
    )
    print(
        f"ours: {ours:.1f} s for {n_fits} iterations, of which {fits:.1f} s in {n_fits} fits "
        f"and {watch.sweep_seconds:.1f} s in the command sweep; {watch.predicted_steps} predicted steps"
    )
    if arguments.full:
        slow = Watch(True, n_fits, 0)
        # What acts there is no policy that could be stored.
        baseline = timed_training(replace(config, save_policy=False), slow) - slow.sweep_seconds
        slow_fits = sum(slow.fit_seconds)
        print(
            f"one-row predictions, played in full: {baseline:.1f} s, of which {slow_fits:.1f} s in fits; "
            f"{slow.predicted_steps} predicted steps"
        )
        baseline = slow_fits + (baseline - slow_fits) * watch.predicted_steps / slow.predicted_steps
        print(f"scaled to our number of steps: {baseline:.1f} s")
    else:
        per_step = seconds_per_step(watch, arguments.episodes)
        baseline = fits + watch.predicted_steps * per_step
        print(
            f"one-row predictions, EXTRAPOLATED: {fits:.1f} s of fits + {watch.predicted_steps} steps x "
            f"{1e3 * per_step:.2f} ms (measured on {len(watch.samples)} forests of this training) = {baseline:.1f} s"
        )
    print(f"ratio: {baseline / ours:.1f} x (target: at least 50 x, at 500 iterations)")
    if arguments.output:
        with arguments.output.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerow(("lockstep, flat arrays", n_fits, ours, False))
            writer.writerow(("one-row estimator.predict", n_fits, baseline, not arguments.full))


if __name__ == "__main__":
    main()
