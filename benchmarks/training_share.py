"""Where the seconds of a training go: fits, the environment's own steps, predictions, and everything else.

Seconds on the processor of this process, measured around the calls; what a call costs by being measured counts as
everything else. The first training compiles and is not measured.
Run: ``python benchmarks/training_share.py --env-name CartPole-v0 --max-episode 500``.
"""

import argparse
import tempfile
import time
from collections import Counter
from typing import Any
from unittest import mock

from udrl_explain import TrainConfig, train_policy
from udrl_explain.environments import Lockstep
from udrl_explain.policies import ForestPolicy, NeuralPolicy
from udrl_explain.training.learners import Learner

PARTS = {
    "fits": [(Learner, "fit")],
    "environment": [(Lockstep, "step"), (Lockstep, "reset")],
    "predictions": [(ForestPolicy, "action_probabilities"), (NeuralPolicy, "action_probabilities")],
}


def shares(config: TrainConfig) -> tuple[dict[str, float], int]:
    """Seconds by part, and the steps of training."""
    seconds: Counter[str] = Counter()

    def timed(part: str, function: Any) -> Any:
        def measured(*arguments: Any, **keywords: Any) -> Any:
            start = time.process_time()
            try:
                return function(*arguments, **keywords)
            finally:
                seconds[part] += time.process_time() - start

        return measured

    patches = [
        mock.patch.object(owner, name, timed(part, getattr(owner, name)))
        for part, calls in PARTS.items()
        for owner, name in calls
    ]
    with tempfile.TemporaryDirectory() as folder:
        for patch in patches:
            patch.start()
        start = time.process_time()
        run = train_policy(config, folder)
        total = time.process_time() - start
        mock.patch.stopall()
    return dict(seconds) | {"everything else": total - sum(seconds.values())}, int(
        run.training_commands["length"].sum()
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-name", default="CartPole-v0")
    parser.add_argument("--estimator-name", default=TrainConfig.estimator_name)
    parser.add_argument("--max-episode", type=int, default=TrainConfig.max_episode)
    parser.add_argument("--seed", type=int, default=100)
    arguments = parser.parse_args()
    config = TrainConfig(**vars(arguments))
    with tempfile.TemporaryDirectory() as folder:
        compiling = TrainConfig(arguments.env_name, arguments.estimator_name, max_episode=1, final_testing_sample=1)
        train_policy(compiling, folder)
    seconds, steps = shares(config)
    total = sum(seconds.values())
    print(
        f"{config.env_name}, {config.estimator_name}, {config.max_episode} iterations, {steps:,} steps: {total:.1f} s"
    )
    for part, value in seconds.items():
        print(f"  {part:16s} {value:6.1f} s  {value / total:4.0%}")


if __name__ == "__main__":
    main()
