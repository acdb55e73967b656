"""Fitted estimators, rows and files that the tests of the core share."""

import numpy as np
import pandas as pd
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from udrl_explain.config import TrainConfig
from udrl_explain.episodes import Episode
from udrl_explain.policies import policy_from_estimator
from udrl_explain.runs.run import Run

AVERAGED = {
    "random forest": lambda: RandomForestClassifier(20, random_state=1, n_jobs=1),
    "extra trees": lambda: ExtraTreesClassifier(20, random_state=1, n_jobs=1),
    "bootstrapped extra trees": lambda: ExtraTreesClassifier(8, bootstrap=True, random_state=1, n_jobs=1),
    "weighted forest": lambda: RandomForestClassifier(8, class_weight="balanced", max_depth=4, random_state=1),
    "decision tree": lambda: DecisionTreeClassifier(max_depth=5, random_state=1),
    "extra tree": lambda: ExtraTreeClassifier(random_state=1),
}
BOOSTED = {
    "gradient boosting": lambda: GradientBoostingClassifier(n_estimators=12, random_state=1),
    "boosting with exponential loss": lambda: GradientBoostingClassifier(
        n_estimators=12, loss="exponential", random_state=1
    ),
    "boosting from zero": lambda: GradientBoostingClassifier(n_estimators=12, init="zero", random_state=1),
    "boosted subsamples": lambda: GradientBoostingClassifier(n_estimators=12, subsample=0.5, random_state=1),
    "ada boost": lambda: AdaBoostClassifier(n_estimators=15, random_state=1),
    "ada boost over deeper trees": lambda: AdaBoostClassifier(
        DecisionTreeClassifier(max_depth=3), n_estimators=15, random_state=1
    ),
}


def training_rows(n_rows=300, n_features=6, actions=(0, 1), seed=0, noise=0.1):
    """Inputs in natural units, commands behind four states, and actions that depend on both."""
    generator = np.random.default_rng(seed)
    inputs = generator.normal(size=(n_rows, n_features))
    inputs[:, -2:] = generator.uniform(1, 200, size=(n_rows, 2))
    score = inputs[:, 0] + 0.5 * inputs[:, 1] * inputs[:, 2] + (inputs[:, -2] - inputs[:, -1]) / 100
    score += noise * generator.normal(size=n_rows)
    rank = np.argsort(np.argsort(score)) * len(actions) // n_rows
    return inputs, np.asarray(actions)[rank]


def scaled(inputs, return_scale, horizon_scale):
    """The rows as an estimator sees them; written out here, apart from the package's own scaling."""
    rows = np.array(inputs, dtype=np.float64)
    rows[:, -2] = rows[:, -2] * return_scale
    rows[:, -1] = rows[:, -1] * horizon_scale
    return rows


def rows_at_thresholds(forest, n_per_feature=40, seed=0):
    """float64 rows of which one input lies exactly on a threshold as float32, one float32 above, or one below.

    The threshold itself is a float64; it rounds to a float32 on either side, which decides the branch.
    """
    generator = np.random.default_rng(seed)
    inner = np.flatnonzero(forest.children_left >= 0)
    rows = []
    for feature in range(forest.n_features):
        nodes = inner[forest.feature[inner] == feature][:n_per_feature]
        for threshold in forest.threshold[nodes]:
            near = np.float32(threshold)
            values = (
                threshold, float(near), float(np.nextafter(near, np.float32(np.inf))),
                float(np.nextafter(near, np.float32(-np.inf))), np.nextafter(threshold, np.inf),
            )  # fmt: skip
            for value in values:
                row = generator.normal(size=forest.n_features)
                row[feature] = value
                rows.append(row)
    return np.array(rows)


def hand_probabilities(estimator, rows, n_actions):
    """scikit-learn's probabilities, in the columns of their actions."""
    probabilities = np.zeros((len(rows), n_actions))
    probabilities[:, estimator.classes_.astype(int)] = estimator.predict_proba(rows)
    return probabilities


def everything(folder):
    """Every file and folder below, as sorted relative names, hidden ones too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def episode(rewards, marker=0.0, seed=0):
    """An episode of one observation, always `marker`, with actions 0, 1, 0, ..."""
    n = len(rewards)
    inputs = np.full((n, 3), marker)
    return Episode(inputs, np.arange(n) % 2, np.array(rewards, dtype=np.float64), seed)


def tiny_run(directory, *, env_name="CartPole-v0", seed=7, n_features=6, **changes):
    """A run made by hand, in no time: a small tree, three final episodes, a sweep of four episodes."""
    inputs, actions = training_rows(40, n_features)
    config = TrainConfig(env_name=env_name, seed=seed, max_episode=2, collect_episode=2).resolved()
    episodes = tuple(
        Episode(inputs[4 * i : 4 * i + 4], actions[4 * i : 4 * i + 4], np.array([1.0, 0.1, -2.5, 1 / 3]), 2 * i + 1)
        for i in range(3)
    )
    returns = np.array([episode.total_return for episode in episodes])
    names = (*(f"state_{i}" for i in range(n_features - 2)), "desired_return", "desired_horizon")
    parts = {
        "config": config,
        "directory": directory / env_name.replace(":", "-") / "tiny" / str(seed),
        "policy_note": "",
        "feature_names": names,
        "action_names": ("left", "right"),
        "train_returns": np.array([[10.0, 1 / 3], [12.5, 0.0]]),
        "test_returns": np.empty((0, 2)),
        "training_commands": pd.DataFrame(
            {
                "iteration": [1, 1, 2, 2],
                "desired_return": [10.1, 1 / 3, 12.0, 1e-9],
                "desired_horizon": [10.0, 10.0, 12.5, 12.5],
                "achieved_return": [9.0, 11.0, 12.0, 13.0],
                "length": [9, 11, 12, 13],
            }
        ),
        "training_inputs": inputs,
        "training_actions": actions.astype(np.int64),
        "episodes": episodes,
        "command_sweep": pd.DataFrame(
            {
                "desired_return": [0.1, 0.1, 0.7, 0.7],
                "desired_horizon": [5.0, 5.0, 7.0, 7.0],
                "environment_seed": [1, 3, 1, 3],
                "achieved_return": [1.1, 2.2, 3.3, 0.1 + 0.2],
                "length": [1, 2, 3, 4],
            }
        ),
        "command_grid": None,
        "final_mean": float(returns.mean()),
        "final_std": float(returns.std()),
        "versions": {"python": "3.11.0"},
    }
    parts |= changes
    if "policy" not in changes:
        estimator = DecisionTreeClassifier(max_depth=4, random_state=0).fit(scaled(inputs, 0.02, 0.02), actions)
        named = {name: parts[name] for name in ("feature_names", "action_names")}
        parts["policy"] = policy_from_estimator(estimator, 2, 0.02, 0.02, **named)
    return Run(**parts)
