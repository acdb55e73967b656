"""Shapley values of forests: ``shapley_values`` against ``shap.TreeExplainer``, and how our cost grows.

Both sides run in this process on the same trees and rows; shap, whose cost is proportional to the rows, on few of them.
Our side is the whole public call (scaling, ranks, tables, check against the policy's own output) with all cores unless
``--n_jobs`` says otherwise; shap's TreeExplainer has one thread, its explainer is made beforehand and its own check is
off. Forests come from stored runs (``--runs data``: the first random forest or extra-trees run of each environment), or
are fitted to made-up rows of the three environments' sizes. Run: ``python benchmarks/shapley.py``.
"""

import argparse
import os
import platform
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from udrl_explain.analysis.shapley import shapley_values
from udrl_explain.forest import Forest
from udrl_explain.policies import ForestPolicy, policy_from_estimator
from udrl_explain.runs import find_runs, load_run

with warnings.catch_warnings():
    warnings.simplefilter("ignore", PendingDeprecationWarning)
    import shap

SCALE = 0.02
SIZES = {"CartPole": (6, 2), "Acrobot": (8, 3), "LunarLander": (10, 4)}


@dataclass(frozen=True)
class Case:
    """A policy with rows to explain and rows to compare with."""

    name: str
    policy: ForestPolicy
    rows: NDArray[np.float64]
    background: NDArray[np.float64]


def made_up_rows(
    n_features: int, n_actions: int, n_rows: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Rows with whole-number commands, and actions noisy enough for trees as deep as those of trained policies."""
    weights = np.random.default_rng(1).normal(size=(n_features, n_actions))
    generator = np.random.default_rng(seed)
    rows = generator.normal(size=(n_rows, n_features))
    rows[:, -2] = generator.integers(1, 200, n_rows)
    rows[:, -1] = np.maximum(rows[:, -2] + (generator.integers(-20, 20, n_rows) if n_features > 6 else 0), 1)
    scores = np.tanh(scaled(rows)) @ weights + 0.6 * generator.normal(size=(n_rows, n_actions))
    return rows, scores.argmax(axis=1)


def scaled(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows as the made-up forests are fitted to them."""
    return rows * np.append(np.ones(rows.shape[1] - 2), [SCALE, SCALE])


def made_up_case(
    n_features: int, n_actions: int, *, name: str = "", n_trees: int = 100, n_training: int = 700,
    max_depth: int | None = None,
) -> Case:  # fmt: skip
    """A random forest fitted to made-up rows."""
    training, actions = made_up_rows(n_features, n_actions, n_training, 0)
    estimator = RandomForestClassifier(n_trees, max_depth=max_depth, random_state=0).fit(scaled(training), actions)
    policy = policy_from_estimator(estimator, n_actions, SCALE, SCALE)
    assert isinstance(policy, ForestPolicy)
    rows, _ = made_up_rows(n_features, n_actions, 20_000, 2)
    background, _ = made_up_rows(n_features, n_actions, 10_000, 3)
    # Off the thresholds between whole numbers, where shap's interventional values leave the tree's path.
    rows[:, -2:] += 0.25
    background[:, -2:] += 0.25
    return Case(name, policy, rows, background)


def stored_cases(folder: Path) -> Iterator[Case]:
    """Rows of the final episodes of the first averaged forest of each environment; its training rows come first."""
    seen = set()
    for place in find_runs(folder):
        run = load_run(place)
        policy = run.policy
        if run.config.env_name in seen or not isinstance(policy, ForestPolicy) or policy.forest.link != "mean":
            continue
        seen.add(run.config.env_name)
        generator = np.random.default_rng(0)
        played = np.concatenate([episode.inputs for episode in run.episodes])
        background = np.concatenate([run.training_inputs, generator.permutation(played)])
        rows = generator.permutation(played)
        yield Case(f"{run.config.env_name} ({place})", policy, filled(rows, 20_000), filled(background, 10_000))


def filled(rows: NDArray[np.float64], n_rows: int) -> NDArray[np.float64]:
    """The first rows, from the start again where there are too few."""
    return np.resize(rows, (n_rows, rows.shape[1]))


def shap_trees(forest: Forest) -> dict[str, object]:
    """The same trees for ``shap.TreeExplainer``, as it reads them from scikit-learn."""
    trees = []
    for first, end in zip(forest.roots, np.append(forest.roots[1:], forest.n_nodes), strict=True):
        part = slice(first, end)
        leaf = forest.is_leaf[part]
        left = np.where(leaf, -1, forest.children_left[part] - first)
        trees.append(
            {
                "children_left": left,
                "children_right": np.where(leaf, -1, forest.children_right[part] - first),
                "children_default": left.copy(),
                "features": np.where(leaf, -2, forest.feature[part]),
                "thresholds": forest.threshold[part].copy(),
                "values": forest.value[part] / forest.n_trees,
                "node_sample_weight": forest.cover[part].copy(),
            }
        )
    return {"trees": trees, "internal_dtype": np.float64, "input_dtype": np.float32, "tree_output": "probability"}


def fastest(function: Callable[[], object], n_times: int = 5, clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds of the fastest of some calls: the one least disturbed by other work on the machine."""
    seconds = []
    for _ in range(n_times):
        start = clock()
        function()
        seconds.append(clock() - start)
    return min(seconds)


def ours(case: Case, n_rows: int, n_background: int, n_jobs: int | None, n_times: int = 5) -> float:
    """Seconds of one call."""
    background = case.background[:n_background] if n_background else None
    rows = case.rows[:n_rows]
    shapley_values(case.policy, rows[:2], background)  # compiles
    return fastest(lambda: shapley_values(case.policy, rows, background, n_jobs=n_jobs), n_times)


def theirs(case: Case, n_rows: int, n_background: int) -> tuple[float, float]:
    """Seconds per row, and the largest difference from ours."""
    rows = case.policy.tree_inputs(case.rows[:n_rows])
    background = case.background[:n_background] if n_background else None
    explainer = shap.TreeExplainer(
        shap_trees(case.policy.forest),
        None if background is None else case.policy.tree_inputs(background),
        feature_perturbation="interventional" if n_background else "tree_path_dependent",
    )
    start = time.perf_counter()
    values = explainer.shap_values(rows, check_additivity=False)
    seconds = (time.perf_counter() - start) / n_rows
    expected = shapley_values(case.policy, case.rows[:n_rows], background).values
    return seconds, float(np.abs(np.asarray(values).reshape(expected.shape) - expected).max())


def against_shap(cases: list[Case], n_rows: int, n_jobs: int | None) -> pd.DataFrame:
    """One line per forest and game."""
    lines = []
    for case in cases:
        n_leaves = int(case.policy.forest.is_leaf.sum())
        for n_background, n_shap in ((0, 200), (100, 20), (10_000, 0)):
            seconds = ours(case, n_rows, n_background, n_jobs) / n_rows
            line = {
                "forest": case.name,
                "inputs": case.policy.n_features,
                "actions": case.policy.n_actions,
                "leaves": n_leaves,
                "game": "interventional" if n_background else "path-dependent",
                "background": n_background,
                "ours us/row": 1e6 * seconds,
                "ours ns/(row, leaf)": 1e9 * seconds / n_leaves,
            }
            if n_shap:
                slow, difference = theirs(case, n_shap, n_background)
                line |= {"shap us/row": 1e6 * slow, "ratio": slow / seconds, "largest difference": difference}
            else:
                line["cost / that of 100"] = seconds * 1e6 / lines[-1]["ours us/row"]
            lines.append(line)
    return pd.DataFrame(lines)


def growth(n_rows: int, n_jobs: int | None) -> pd.DataFrame:
    """Our cost as one thing grows: six inputs, two actions, 100 trees, 700 training rows unless said otherwise."""
    base = made_up_case(6, 2)
    variants: list[tuple[str, object, Case, int, int]] = []
    variants += [("rows", n, base, n, 0) for n in (1, 10, 100, 1000, 10_000, 20_000)]
    variants += [("background rows", n, base, n_rows, n) for n in (1, 10, 100, 1000, 10_000)]
    variants += [("trees", n, made_up_case(6, 2, n_trees=n), n_rows, 0) for n in (10, 30, 100, 300)]
    variants += [("depth at most", n, made_up_case(6, 2, max_depth=n), n_rows, 0) for n in (2, 4, 6, 8, 12, 16)]
    variants += [("training rows", n, made_up_case(6, 2, n_training=n), n_rows, 0) for n in (350, 700, 2800)]
    variants += [("inputs", n, made_up_case(n, 2), n_rows, 0) for n in (4, 6, 8, 10, 12)]
    variants += [("actions", n, made_up_case(6, n), n_rows, 0) for n in (2, 3, 4, 6)]
    lines = []
    for what, value, case, rows, n_background in variants:
        seconds = ours(case, rows, n_background, n_jobs, 3)
        n_leaves = int(case.policy.forest.is_leaf.sum())
        lines.append(
            {"varied": what, "value": value, "leaves": n_leaves, "ms/call": 1e3 * seconds,
             "us/row": 1e6 * seconds / rows, "ns/(row, leaf)": 1e9 * seconds / rows / n_leaves}
        )  # fmt: skip
    return pd.DataFrame(lines)


def net_against_its_products(n_features: int, n_actions: int, n_rows: int, n_background: int) -> dict[str, object]:
    """All coalitions of a net of two hidden layers of 64, against the matrix products of its later layers alone.

    Every pair of a row and a background row costs one product per coalition; the rest (joining, activations, softmax,
    means) is what the ratio is above 1. Both sides have one thread.
    """
    training, actions = made_up_rows(n_features, n_actions, 700, 0)
    estimator = MLPClassifier((64, 64), max_iter=5, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        policy = policy_from_estimator(estimator.fit(scaled(training), actions), n_actions, SCALE, SCALE)
    rows, background = (
        made_up_rows(n_features, n_actions, n, seed)[0] + 0.25 for n, seed in ((n_rows, 2), (n_background, 3))
    )
    n_joined = n_rows * n_background << n_features
    block = 1024
    layers = [(np.random.default_rng(0).normal(size=(block, weight.shape[0])), weight) for weight in policy.weights[1:]]
    with threadpool_limits(1):
        seconds = fastest(lambda: shapley_values(policy, rows, background, n_jobs=1), 5, time.process_time)
        products = (
            fastest(lambda: [[h @ w for h, w in layers] for _ in range(50)], 5, time.process_time)
            / 50
            * n_joined
            / block
        )
    return {
        "inputs": n_features, "actions": n_actions, "rows": n_rows, "background": n_background,
        "joined rows": n_joined, "ours s": seconds, "later layers' products s": products,
        "ratio": seconds / products,
    }  # fmt: skip


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, help="folder of stored runs; made-up rows without")
    parser.add_argument("--n_rows", type=int, default=1000, help="rows that our side explains")
    parser.add_argument("--n_jobs", type=int, help="threads of our side; all cores without")
    parser.add_argument("--no_growth", action="store_true", help="only the comparison with shap")
    parser.add_argument("--output", type=Path, help="also write the comparison to this CSV file")
    arguments = parser.parse_args()
    if not 1 <= arguments.n_rows <= 20_000:
        parser.error(f"--n_rows must be 1 to 20000, got {arguments.n_rows}")
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, our threads "
          f"{arguments.n_jobs or os.cpu_count()}, shap's 1; Python {platform.python_version()}, "
          f"numpy {np.__version__}, shap {shap.__version__}; {arguments.n_rows} rows")  # fmt: skip
    if arguments.runs is None:
        cases = [made_up_case(*size, name=f"made up, as {name}") for name, size in SIZES.items()]
    else:
        cases = list(stored_cases(arguments.runs))
    with pd.option_context("display.width", 250, "display.max_columns", None, "display.float_format", "{:.3g}".format):
        table = against_shap(cases, arguments.n_rows, arguments.n_jobs)
        print(table.to_string(index=False, na_rep=""))
        if not arguments.no_growth:
            print("\nPath-dependent unless background rows are given; one thing varied at a time:")
            print(growth(arguments.n_rows, arguments.n_jobs).to_string(index=False))
        print("\nAll coalitions of a net, one thread:")
        nets = [net_against_its_products(*size, 64, 64) for size in SIZES.values() if size[0] < 10]
        print(pd.DataFrame(nets).to_string(index=False))
    if arguments.output is not None:
        table.to_csv(arguments.output, index=False)


if __name__ == "__main__":
    main()
