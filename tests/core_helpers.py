"""Fitted estimators, rows and files that the tests of the core share."""

import numpy as np
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

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
