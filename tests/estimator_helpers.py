"""Estimators fitted in a moment, and their files changed past the checks of the package."""

import io
import json
import zipfile

import numpy as np
import pytest
import skops.io
from core_helpers import scaled, training_rows
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC, NuSVC

from udrl_explain.commands import CommandScale
from udrl_explain.policies import policy_from_estimator
from udrl_explain.runs.policy_files import ESTIMATOR_FILE, load_policy

SCALE = CommandScale(0.02, 0.5)
ROWS = training_rows(200, seed=9)[0]
ESTIMATORS = {
    "support vectors": SVC,
    "linear support vectors": lambda: SVC(kernel="linear"),
    "nu support vectors": lambda: NuSVC(nu=0.1),
    "nearest neighbours": KNeighborsClassifier,
    "neighbours in a ball tree": lambda: KNeighborsClassifier(3, algorithm="ball_tree"),
    "histogram gradient boosting": lambda: HistGradientBoostingClassifier(max_iter=5, random_state=0),
    "logistic regression": lambda: LogisticRegression(max_iter=5000),
    "gradient descent": lambda: SGDClassifier(random_state=0),
}


def policy_of(make, actions=(0, 2), n_rows=60):
    inputs, labels = training_rows(n_rows, actions=actions)
    estimator = make().fit(scaled(inputs, SCALE.return_scale, SCALE.horizon_scale), labels)
    return policy_from_estimator(estimator, 3, SCALE.return_scale, SCALE.horizon_scale)


def store(estimator, folder):
    """As a stranger would, past the checks of this package."""
    skops.io.dump(estimator, folder / ESTIMATOR_FILE)


def refused(folder, message, rows=ROWS, n_actions=3):
    with pytest.raises(ValueError, match=message) as fault:
        load_policy(folder, n_actions, SCALE, rows)
    assert str(folder / ESTIMATOR_FILE) in str(fault.value)


def rewrite_schema(path, change):
    """Change the description of the objects inside a skops file."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(members["schema.json"])
    change(schema)
    members["schema.json"] = json.dumps(schema).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def rewrite_members(path, change):
    """Change the members of a skops file by name and content."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, change(name, content))


def rewrite_array(path, change):
    """Change every array inside a skops file for which `change` gives another one."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for name in members:
        if name.endswith(".npy"):
            new = change(np.load(io.BytesIO(members[name])))
            if new is not None:
                out = io.BytesIO()
                np.save(out, new)
                members[name] = out.getvalue()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
