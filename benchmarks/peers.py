"""Shapley values of a forest: ours beside woodelf-explainer, shapiq and shap, in one run, values compared.

The forest is fitted with scikit-learn to the stored training rows of a run, since the peers take estimators. All give
path-dependent values of the probability of the last action; the others but shapiq's also with a background. Seconds are
processor time of the call (``time.process_time``), ours on one thread, explainers made beforehand; slow sides get few
rows. `difference` is the largest absolute difference from ours; woodelf's values of two classes are those of the other
class and are turned round. Packages that are not installed are left out. Run: ``python benchmarks/peers.py``.
"""

import argparse
import importlib
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from udrl_explain import load_run, policy_from_estimator, shapley_values
from udrl_explain.policies import Policy

N_TREES, N_LEAVES = 100, 64
SHAP_TAKES = 100  # background rows; of more it takes a part, and its cost grows with them
Explains = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def timed(work: Explains, rows: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Processor seconds of the faster of two calls, and the values of shape ``(n_rows, n_features)``."""
    best, values = np.inf, np.empty(0)
    for _ in range(2):
        start = time.process_time()
        values = np.asarray(work(rows))
        best = min(best, time.process_time() - start)
    return best, values


def of_last_action(values: NDArray[np.float64], n_features: int) -> NDArray[np.float64]:
    """Values of the last class, whatever axis a package puts the classes on."""
    values = np.asarray(values)
    if values.ndim == 2:
        return values
    return values[..., -1] if values.shape[1] == n_features else values[-1]


def our_values(
    policy: Policy, background: NDArray[np.float64] | None, rows: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Values of the last action by this package, on one thread."""
    return shapley_values(policy, rows, background, n_jobs=1).values[..., -1]


def peers(forest: RandomForestClassifier, background: NDArray[np.float64] | None) -> dict[str, tuple[Explains, int]]:
    """What each installed package does with rows, and how many rows it is given at most."""
    found: dict[str, tuple[Explains, int]] = {}
    n_features = forest.n_features_in_
    try:
        woodelf = importlib.import_module("woodelf")
        kind = "tree_path_dependent" if background is None else "interventional"
        data = None if background is None else pd.DataFrame(background)
        explainer = woodelf.WoodelfExplainer(forest, data=data, feature_perturbation=kind)
        found["woodelf"] = (
            lambda rows: -of_last_action(explainer.shap_values(pd.DataFrame(rows), verbose=False), n_features),
            10_000,
        )
    except ImportError:
        pass
    try:
        shap = importlib.import_module("shap")
        own = shap.TreeExplainer(
            forest,
            background,
            feature_perturbation="interventional" if background is not None else "tree_path_dependent",
        )
        found["shap"] = (
            lambda rows: of_last_action(own.shap_values(rows, check_additivity=False), n_features),
            1000 if background is None else 100 if len(background) <= SHAP_TAKES else 0,
        )
    except ImportError:
        pass
    if background is None:
        try:
            shapiq = importlib.import_module("shapiq")
            trees = shapiq.TreeExplainer(forest, max_order=1, min_order=1, index="SV", class_index=1)
            found["shapiq"] = (
                lambda rows: np.array([[trees.explain(row)[(j,)] for j in range(n_features)] for row in rows]),
                10,
            )
        except ImportError:
            pass
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("data/CartPole-v0/base/42"))
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 100, 1000, 10_000])
    options = parser.parse_args()
    run = load_run(options.run)
    fitted, actions = run.training_inputs, run.training_actions
    forest = RandomForestClassifier(N_TREES, max_leaf_nodes=N_LEAVES, random_state=0).fit(fitted, actions)
    policy = policy_from_estimator(forest, 2)
    generator = np.random.default_rng(0)
    some = fitted[generator.integers(len(fitted), size=max(options.rows))]
    rows = (some * generator.uniform(0.9, 1.1, size=some.shape)).astype(np.float32).astype(np.float64)
    print(f"{N_TREES} trees, {policy.forest.is_leaf.sum()} leaves, {len(fitted)} background rows where there are any")
    print(
        f"{'game':20} {'package':8} {'rows':>6} {'seconds':>9} {'ms a row':>9} {'ours':>9} {'times':>7} "
        f"{'difference':>10}"
    )
    games = {"path-dependent": None, "interventional, 100": fitted[:100], "interventional": fitted}
    for game, background in games.items():
        ours = partial(our_values, policy, background)
        ours(rows[:2])  # compiled loops are there from now on
        for name, (explain, most) in peers(forest, background).items():
            for n in (n for n in options.rows if n <= most):
                own, mine = timed(ours, rows[:n])
                seconds, theirs = timed(explain, rows[:n])
                off = float(np.abs(theirs - mine).max())
                print(
                    f"{game:20} {name:8} {n:6} {seconds:9.4f} {1e3 * seconds / n:9.3f} {own:9.4f} "
                    f"{seconds / max(own, 1e-9):7.1f} {off:10.1e}",
                    flush=True,
                )


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        main()
