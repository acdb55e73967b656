"""Small trees of one stored run: by dataset aggregation, by plain imitation, and trained by UDRL without a teacher.

All are played on the same fresh environment seeds under the run's final command, the policy itself too. Plain imitation
(no aggregation: only states that the policy itself leads to) has as many episodes of the policy as aggregation has of
policy and tree together; "unweighted" is aggregation whose rows all weigh the same. The tree that UDRL trains has the
recipe's schedule (``--iterations 0`` leaves it out) and the same number of leaves.
Run: ``python benchmarks/distillation.py``.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from udrl_explain import TrainConfig, collect, distill, load_run, train_policy
from udrl_explain.policies import Policy
from udrl_explain.rollouts.streams import evaluation_seeds
from udrl_explain.runs import Run
from udrl_explain.statistics.intervals import EPISODES_OF_ONE, mean_interval

N_ROUNDS, N_ROUND_EPISODES = 8, 40


def line(name: str, leaves: object, policy: Policy, run: Run, seeds: list[int], seconds: float) -> None:
    """Play a policy and print its return with the interval for other episodes."""
    command = (run.config.final_desired_return, run.config.final_desired_horizon)
    episodes = collect(policy, run.config.env_name, command, seeds, most_return=run.return_limit)
    returns = np.array([episode.total_return for episode in episodes])
    low, high, _ = mean_interval(returns, EPISODES_OF_ONE, seed=0)
    print(f"{name:42} {leaves!s:>7} {returns.mean():9.2f} {low:9.2f} {high:9.2f} {seconds:8.1f}", flush=True)


def udrl_tree(run: Run, leaves: int, iterations: int) -> Policy:
    """Train one tree of so many leaves by UDRL itself."""
    limit = (f"max_leaf_nodes={leaves}",)
    config = TrainConfig(
        env_name=run.config.env_name, estimator_name="tree.DecisionTreeClassifier", seed=run.config.seed,
        max_episode=iterations, estimator_arguments=limit, final_arguments=limit, final_testing_sample=20,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as place:
        trained = train_policy(config, place)
    assert trained.policy is not None
    return trained.policy


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("data/CartPole-v0/base/42"))
    parser.add_argument("--leaves", type=int, nargs="+", default=[4, 8, 16])
    parser.add_argument("--episodes", type=int, default=200)
    parser.add_argument("--iterations", type=int, default=500)
    options = parser.parse_args()
    run = load_run(options.run)
    seeds = evaluation_seeds(np.random.default_rng(2026), options.episodes)
    print(f"{run}\n{'':42} {'leaves':>7} {'return':>9} {'low':>9} {'high':>9} {'seconds':>8}")
    line("the policy itself", "", run.policy, run, seeds, 0.0)
    few = {"n_episodes": 2, "n_level_episodes": 1, "max_leaves": options.leaves}
    ways = {
        "aggregation, weighted (distill)": {"n_rounds": N_ROUNDS, "n_round_episodes": N_ROUND_EPISODES},
        "aggregation, unweighted": {"n_rounds": N_ROUNDS, "n_round_episodes": N_ROUND_EPISODES, "weighted": False},
        "plain imitation, weighted": {"n_rounds": 1, "n_round_episodes": 2 * N_ROUNDS * N_ROUND_EPISODES},
        "plain imitation, unweighted": {
            "n_rounds": 1, "n_round_episodes": 2 * N_ROUNDS * N_ROUND_EPISODES, "weighted": False,
        },
    }  # fmt: skip
    for name, how in ways.items():
        start = time.process_time()
        found = distill(run, **few, **how)
        seconds = time.process_time() - start
        for student in found.students:
            line(name, student.n_leaves, student.policy, run, seeds, seconds)
    for leaves in options.leaves if options.iterations else ():
        start = time.process_time()
        policy = udrl_tree(run, leaves, options.iterations)
        line("UDRL alone, no teacher", leaves, policy, run, seeds, time.process_time() - start)


if __name__ == "__main__":
    main()
