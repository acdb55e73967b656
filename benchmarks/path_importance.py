"""Path impurity of a forest: our compiled walk against one scikit-learn ``decision_path`` call per tree and state.

The second is what the paper's own code does to explain a state. Both sides run in this process, one after the other, on
the same forest; the baseline on few states, because it is slow. Run: ``python benchmarks/path_importance.py``.
"""

import argparse
import platform
import time
from collections.abc import Callable

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from udrl_explain.policies import ForestPolicy, policy_from_estimator
from udrl_explain.trees.walks import path_impurity

SCALE = 0.02


def cart_pole_like(n_rows: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Rows like those of a CartPole replay buffer, with noisy actions, so that trees grow as deep as there."""
    generator = np.random.default_rng(seed)
    state = generator.normal(scale=(0.6, 0.6, 0.06, 0.5), size=(n_rows, 4))
    horizon = generator.integers(1, 200, size=n_rows).astype(np.float64)
    lean = 8 * state[:, 2] + state[:, 3] + 0.2 * state[:, 0] + generator.normal(scale=0.4, size=n_rows)
    return np.column_stack([state, horizon, horizon]), (lean > 0).astype(np.int64)


def baseline(forest: RandomForestClassifier, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Path impurity by one ``decision_path`` call per tree and state."""
    importance = np.zeros(rows.shape)
    for i in range(len(rows)):
        for tree in forest.estimators_:
            nodes = tree.decision_path(rows[i : i + 1]).indices
            drops = tree.tree_.impurity[nodes[:-1]] - tree.tree_.impurity[nodes[1:]]
            np.add.at(importance[i], tree.tree_.feature[nodes[:-1]], drops)
    return importance


def fastest(function: Callable[[], object], n_times: int) -> float:
    """Seconds of the fastest of some calls: the one least disturbed by other work on the machine."""
    seconds = []
    for _ in range(n_times):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def main() -> None:
    """Print one line per forest size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n_rows", type=int, default=3000, help="states for our side")
    parser.add_argument("--n_baseline", type=int, default=20, help="states for scikit-learn's side")
    parser.add_argument("--seed", type=int, default=42)
    arguments = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, "
          f"numpy {np.__version__}, scikit-learn {sklearn.__version__}")  # fmt: skip
    print("trees  nodes/tree  depth  sklearn ms/state  ours us/state  ours, one state us  ratio  largest difference")
    for n_trees, n_training in ((10, 3000), (100, 3000), (100, 12000)):
        training, actions = cart_pole_like(n_training, arguments.seed)
        factors = np.array([1, 1, 1, 1, SCALE, SCALE])
        forest = RandomForestClassifier(n_trees, random_state=arguments.seed).fit(training * factors, actions)
        policy = policy_from_estimator(forest, 2, SCALE, SCALE)
        assert isinstance(policy, ForestPolicy)
        states, _ = cart_pole_like(arguments.n_rows, arguments.seed + 1)
        few = states[: arguments.n_baseline]
        tree_rows = policy.tree_inputs(states)
        ours = path_impurity(policy.forest, tree_rows)[: len(few)]  # compiles, too
        theirs = baseline(forest, few * factors)
        slow = fastest(lambda: baseline(forest, few * factors), 2) / len(few)  # noqa: B023 - called at once
        # Scaling and rounding the rows is part of our side.
        fast = fastest(lambda: path_impurity(policy.forest, policy.tree_inputs(states)), 5) / len(states)  # noqa: B023
        one = fastest(lambda: path_impurity(policy.forest, policy.tree_inputs(states[:1])), 50)  # noqa: B023
        depth = np.mean([tree.get_depth() for tree in forest.estimators_])
        print(
            f"{n_trees:5d}  {policy.forest.n_nodes / n_trees:10.0f}  {depth:5.1f}  {1e3 * slow:16.2f}  "
            f"{1e6 * fast:13.2f}  {1e6 * one:18.1f}  {slow / fast:5.0f}  {np.abs(ours - theirs).max():18.1e}"
        )


if __name__ == "__main__":
    main()
