"""Forests of the paper's own code, read from their pickles without unpickling them."""

import os
import pickle

import numpy as np
import pytest
from paper_pickle_helpers import paper_pickle
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier, RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier

from udrl_explain.commands import CommandScale
from udrl_explain.runs.paper_policy import load_paper_forest

SCALE = CommandScale(0.02, 0.5)
KINDS = {"forest": RandomForestClassifier, "extra": ExtraTreesClassifier}


def fitted(kind=RandomForestClassifier, classes=(0, 1), **settings):
    """An estimator fitted on scaled rows, and rows in natural units to ask it about."""
    random = np.random.default_rng(3)
    rows = random.normal(size=(300, 5)) * (1, 1, 1, 80, 30)
    scaled = rows * (1, 1, 1, 0.02, 0.5)
    labels = np.array(classes)[(scaled[:, 0] + scaled[:, 3] + random.normal(size=300) > 0).astype(int)]
    return kind(**settings).fit(scaled, labels), rows, scaled


def stored(tmp_path, data):
    path = tmp_path / "policy.pkl"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("kind", KINDS)
def test_probabilities_are_those_of_the_estimator_to_the_last_bit(kind, protocol, tmp_path, monkeypatch):
    estimator, rows, scaled = fitted(KINDS[kind], n_estimators=7, random_state=1)
    policy = load_paper_forest(stored(tmp_path, paper_pickle(estimator, monkeypatch, protocol)), 2, SCALE)
    np.testing.assert_array_equal(policy.action_probabilities(rows), estimator.predict_proba(scaled))
    assert policy.forest.n_trees == 7


def test_an_action_never_seen_has_probability_0(tmp_path, monkeypatch):
    estimator, rows, scaled = fitted(classes=(1, 3), n_estimators=3, random_state=1)
    policy = load_paper_forest(stored(tmp_path, paper_pickle(estimator, monkeypatch)), 4, SCALE)
    np.testing.assert_array_equal(policy.action_probabilities(rows)[:, [1, 3]], estimator.predict_proba(scaled))
    assert not policy.action_probabilities(rows)[:, [0, 2]].any()


SEVEN = ["left_child", "right_child", "feature", "threshold", "impurity", "n_node_samples", "weighted_n_node_samples"]


def seven_fields(nodes):
    return np.array(nodes[SEVEN].tolist(), dtype=[(name, nodes.dtype[name]) for name in SEVEN])


def nine_fields(value):
    def layout(nodes):
        names = [*nodes.dtype.names, "is_categorical"]
        wide = np.zeros(
            len(nodes), dtype=[(name, nodes.dtype[name] if name in nodes.dtype.names else "u1") for name in names]
        )
        for name in nodes.dtype.names:
            wide[name] = nodes[name]
        wide["is_categorical"] = value
        return wide

    return layout


def counts(state):
    return state["values"] * state["nodes"]["weighted_n_node_samples"][:, None, None]


@pytest.mark.parametrize(
    ("nodes", "values"), [(seven_fields, counts), (nine_fields(0), lambda state: state["values"])], ids=["old", "new"]
)
def test_other_releases_of_scikit_learn_are_read(nodes, values, tmp_path, monkeypatch):
    estimator, rows, scaled = fitted(n_estimators=5, random_state=1)
    data = paper_pickle(estimator, monkeypatch, nodes=nodes, values=values)
    policy = load_paper_forest(stored(tmp_path, data), 2, SCALE)
    np.testing.assert_allclose(policy.action_probabilities(rows), estimator.predict_proba(scaled), rtol=0, atol=1e-15)


def test_a_test_on_categories_is_refused(tmp_path, monkeypatch):
    estimator, *_ = fitted(n_estimators=2, random_state=1)
    data = paper_pickle(estimator, monkeypatch, nodes=nine_fields(1))
    with pytest.raises(ValueError, match=r"policy\.pkl: a node layout .* that is not known here: .*is_cat"):
        load_paper_forest(stored(tmp_path, data), 2, SCALE)


@pytest.mark.parametrize("kind", [GradientBoostingClassifier, KNeighborsClassifier])
def test_another_estimator_is_refused_by_its_name(kind, tmp_path, monkeypatch):
    estimator, *_ = fitted(kind)
    with pytest.raises(ValueError, match=rf"policy\.pkl: offset \d+: the name 'sklearn.*{kind.__name__}'"):
        load_paper_forest(stored(tmp_path, paper_pickle(estimator, monkeypatch)), 2, SCALE)


def bent(name, value, index=0):
    def layout(nodes):
        nodes = nodes.copy()
        nodes[name][index] = value
        return nodes

    return layout


@pytest.mark.parametrize(
    "nodes",
    [
        bent("left_child", 10**6),
        bent("right_child", 0),
        bent("feature", 99),
        bent("threshold", np.nan),
        bent("left_child", -7),
    ],
    ids=["far", "loop", "feature", "nan", "negative"],
)
def test_arrays_that_are_no_forest_are_refused(nodes, tmp_path, monkeypatch):
    estimator, *_ = fitted(n_estimators=2, random_state=1)
    with pytest.raises(ValueError, match=r"policy\.pkl: "):
        load_paper_forest(stored(tmp_path, paper_pickle(estimator, monkeypatch, nodes=nodes)), 2, SCALE)


def test_a_hostile_file_runs_nothing(tmp_path, monkeypatch):
    class Owned:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'owned'}",)

    path = stored(tmp_path, pickle.dumps(Owned()))
    with pytest.raises(
        ValueError, match=r"policy\.pkl: offset \d+: the name '(posix|nt)\.system'.*nothing of it was run"
    ):
        load_paper_forest(path, 2, SCALE)
    assert [file.name for file in tmp_path.iterdir()] == ["policy.pkl"]


def test_actions_beyond_the_environment_are_refused(tmp_path, monkeypatch):
    estimator, *_ = fitted(classes=(0, 5), n_estimators=2)
    with pytest.raises(ValueError, match=r"classes must be actions 0\.\.1"):
        load_paper_forest(stored(tmp_path, paper_pickle(estimator, monkeypatch)), 2, SCALE)


def test_a_missing_or_huge_file_is_one_line(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"policy\.pkl: no such file"):
        load_paper_forest(tmp_path / "policy.pkl", 2, SCALE)
    path = tmp_path / "policy.pkl"
    with path.open("wb") as file:
        file.truncate((1 << 28) + 1)
    with pytest.raises(ValueError, match="bytes are more than"):
        load_paper_forest(path, 2, SCALE)
