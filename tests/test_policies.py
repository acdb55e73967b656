import pickle

import numpy as np
import pandas as pd
import pytest
from core_helpers import AVERAGED, BOOSTED, hand_probabilities, rows_at_thresholds, scaled, training_rows
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, RidgeClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from udrl_explain.commands import COMMAND_NAMES, CommandScale
from udrl_explain.policies import (
    EstimatorPolicy,
    ForestPolicy,
    NeuralPolicy,
    Policy,
    greedy_actions,
    policy_from_estimator,
)

SCALES = [(1.0, 1.0), (0.02, 0.02), (0.5, 0.003)]
NETS = {
    activation: lambda activation=activation: MLPClassifier((7, 5), activation=activation, max_iter=30, random_state=0)
    for activation in ("relu", "tanh", "logistic", "identity")
}
OTHERS = {
    "nearest neighbours": KNeighborsClassifier,
    "support vectors": SVC,
    "naive Bayes": GaussianNB,
    "pipeline": lambda: make_pipeline(StandardScaler(), KNeighborsClassifier(3)),
}
EVERY_KIND = AVERAGED | BOOSTED | NETS | OTHERS


def fitted(make, actions=(0, 1), scales=(1.0, 1.0), n_rows=200):
    inputs, labels = training_rows(n_rows, actions=actions)
    with pytest.warns() if isinstance(make(), MLPClassifier) else _nothing():
        return make().fit(scaled(inputs, *scales), labels)


def contents(estimator):
    """All that the estimator holds; a search tree of neighbours counts its calls, so its rows stand for it."""
    last = estimator[-1] if hasattr(estimator, "steps") else estimator
    if isinstance(last, KNeighborsClassifier):
        return pickle.dumps((last._fit_X, last._y, last.get_params()))
    return pickle.dumps(estimator)


class _nothing:
    def __enter__(self): ...
    def __exit__(self, *fault): ...


@pytest.mark.parametrize("scales", SCALES)
@pytest.mark.parametrize("kind", [*AVERAGED])
def test_a_forest_policy_scales_the_commands_inside_and_answers_to_the_last_bit(kind, scales):
    estimator = fitted(AVERAGED[kind], (0, 1, 3), scales)
    policy = policy_from_estimator(estimator, 4, *scales)
    assert isinstance(policy, ForestPolicy)
    rows = training_rows(500, seed=3)[0]
    np.testing.assert_array_equal(
        policy.action_probabilities(rows), hand_probabilities(estimator, scaled(rows, *scales), 4)
    )


@pytest.mark.parametrize("scales", SCALES)
@pytest.mark.parametrize("kind", ["random forest", "extra trees", "decision tree"])
def test_rows_on_thresholds_and_beside_them_go_where_scikit_learn_sends_them(kind, scales):
    estimator = fitted(AVERAGED[kind], (0, 1), scales)
    policy = policy_from_estimator(estimator, 2, *scales)
    rows = rows_at_thresholds(policy.forest) / policy.scale.factors(6)  # back in natural units, give or take a bit
    rows = np.concatenate([rows, np.nextafter(rows, np.inf), np.nextafter(rows, -np.inf)])
    inside = scaled(rows, *scales)
    # Not a trivial case: many inputs are, as float32, the very number nearest to a threshold.
    near = set(policy.forest.threshold.astype(np.float32).tolist())
    assert sum(value in near for value in inside.astype(np.float32).ravel().tolist()) > 100
    np.testing.assert_array_equal(policy.action_probabilities(rows), hand_probabilities(estimator, inside, 2))


@pytest.mark.parametrize("actions", [(0, 1), (1, 2), (0, 1, 3)])
@pytest.mark.parametrize("activation", NETS)
def test_a_net_answers_like_scikit_learn(activation, actions):
    estimator = fitted(NETS[activation], actions, (0.02, 0.02))
    policy = policy_from_estimator(estimator, 4, 0.02, 0.02)
    assert isinstance(policy, NeuralPolicy)
    rows = training_rows(100, seed=3)[0]
    expected = hand_probabilities(estimator, scaled(rows, 0.02, 0.02), 4)
    np.testing.assert_allclose(policy.action_probabilities(rows), expected, rtol=0, atol=1e-12)
    assert np.ptp(expected[:, actions[0]]) > 0.01


@pytest.mark.parametrize("actions", [(0, 1), (0, 1, 3)])
@pytest.mark.parametrize("kind", OTHERS)
def test_other_estimators_answer_as_they_are(kind, actions):
    estimator = fitted(OTHERS[kind], actions, (0.02, 0.02))
    policy = policy_from_estimator(estimator, 4, 0.02, 0.02)
    assert isinstance(policy, EstimatorPolicy)
    rows = training_rows(100, seed=3)[0]
    found = policy.action_probabilities(rows)
    inside = scaled(rows, 0.02, 0.02)
    if kind == "support vectors":
        assert policy.probability_source == "one-hot predictions"
        np.testing.assert_array_equal(found, np.eye(4)[estimator.predict(inside)])
    else:
        assert policy.probability_source == "probabilities"
        np.testing.assert_array_equal(found, hand_probabilities(estimator, inside, 4))


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_every_kind_keeps_the_contract(kind):
    estimator = fitted(EVERY_KIND[kind], n_rows=80)
    before = contents(estimator)
    policy = policy_from_estimator(estimator, 3, 0.02, 0.5)
    rows = training_rows(40, seed=2)[0]
    untouched = rows.copy()
    found = policy.action_probabilities(rows)
    assert isinstance(policy, Policy)
    assert (policy.n_features, policy.n_actions, policy.scale) == (6, 3, CommandScale(0.02, 0.5))
    assert found.shape == (40, 3)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-12)
    assert not found[:, 2].any()  # never seen
    np.testing.assert_array_equal(rows, untouched)
    assert policy.action_probabilities(rows[:0]).shape == (0, 3)
    np.testing.assert_array_equal(policy.action_probabilities(rows.tolist()), found)
    assert contents(estimator) == before
    with pytest.raises(ValueError, match="the command is missing"):
        policy.action_probabilities(rows[:, :4])
    with pytest.raises(ValueError, match="holds nan"):
        policy.action_probabilities(np.full((1, 6), np.nan))


def test_answers_of_a_batch_are_those_of_its_rows():
    rows = training_rows(64, seed=4)[0]
    for kind in [*AVERAGED, "gradient boosting", "ada boost"]:
        policy = policy_from_estimator(fitted(EVERY_KIND[kind], (0, 1, 2)), 3)
        together = policy.action_probabilities(rows)
        alone = np.concatenate([policy.action_probabilities(rows[i : i + 1]) for i in range(len(rows))])
        np.testing.assert_array_equal(together, alone)


def test_ties_go_to_the_lowest_action():
    assert greedy_actions(np.array([[0.25, 0.5, 0.5], [0.5, 0.5, 0.0], [0, 0, 0], [0.1, 0.2, 0.7]])).tolist() == [
        1, 0, 0, 2,
    ]  # fmt: skip


def test_a_command_that_leaves_float32_when_scaled_is_refused():
    policy = policy_from_estimator(fitted(AVERAGED["decision tree"]), 2, return_scale=100.0)
    with pytest.raises(ValueError, match="a command times its scale does not fit float32"):
        policy.action_probabilities([[0, 0, 0, 0, 1e37, 1]])


INPUTS, LABELS = training_rows(40)


@pytest.mark.parametrize(
    ("estimator", "n_actions", "message"),
    [
        (LinearRegression().fit(INPUTS, LABELS), 2, "needs a fitted scikit-learn classifier, got LinearRegression"),
        ("a forest", 2, "needs a fitted scikit-learn classifier, got str"),
        (RandomForestClassifier, 2, "got the class RandomForestClassifier"),
        (RandomForestClassifier(), 2, "RandomForestClassifier is not fitted"),
        (MLPClassifier(), 2, "MLPClassifier is not fitted"),
        (make_pipeline(StandardScaler(), SVC()), 2, "Pipeline is not fitted"),
        (DecisionTreeClassifier().fit(INPUTS, np.column_stack([LABELS, LABELS])), 2, "several labels per row"),
        (KNeighborsClassifier().fit(INPUTS, np.column_stack([LABELS, LABELS])), 2, "several labels per row"),
        (
            MLPClassifier(max_iter=2000, tol=1e9).fit(INPUTS, np.column_stack([LABELS, LABELS, 1 - LABELS])),
            3,
            "several labels per row",
        ),
        (
            OneVsRestClassifier(GaussianNB()).fit(INPUTS, np.column_stack([LABELS, 1 - LABELS, LABELS])),
            3,
            "several labels per row",
        ),
        (DecisionTreeClassifier().fit(INPUTS[:, :2], LABELS), 2, "fitted on 2 columns; a policy needs"),
        (DecisionTreeClassifier().fit(INPUTS, np.where(LABELS, "r", "l")), 2, "classes must be actions 0..1"),
        (DecisionTreeClassifier().fit(INPUTS, LABELS + 1), 2, r"classes must be actions 0..1 .* got \[1 2\]"),
        (DecisionTreeClassifier().fit(INPUTS, LABELS - 1), 2, "classes must be actions 0..1"),
        (DummyClassifier().fit(INPUTS, LABELS + 0.5), 2, "classes must be actions 0..1"),
        (DecisionTreeClassifier().fit(INPUTS, LABELS), 1, "classes must be actions 0..0"),
    ],
)
def test_what_is_no_policy_is_refused_with_the_reason(estimator, n_actions, message):
    with pytest.raises(ValueError, match=message):
        policy_from_estimator(estimator, n_actions)


def test_multilabel_nets_are_refused():
    """The bug: a net fitted on several labels per row holds its classes in an array and passed for a policy."""
    labels = np.column_stack([LABELS, 1 - LABELS, LABELS])
    with pytest.raises(ValueError, match="several labels per row"):
        policy_from_estimator(MLPClassifier(max_iter=2000, tol=1e9).fit(INPUTS, labels), 3)


@pytest.mark.parametrize("value", [0, -1.0, np.nan])
def test_impossible_scales_are_refused(value):
    with pytest.raises(ValueError, match="horizon_scale must be a finite number above 0"):
        policy_from_estimator(DecisionTreeClassifier().fit(INPUTS, LABELS), 2, 1.0, value)


def test_classes_that_are_whole_floats_are_actions():
    estimator = KNeighborsClassifier().fit(INPUTS, LABELS.astype(float) * 2)
    found = policy_from_estimator(estimator, 3).action_probabilities(INPUTS)
    np.testing.assert_array_equal(found[:, [0, 2]], estimator.predict_proba(INPUTS))
    one_hot = policy_from_estimator(RidgeClassifier().fit(INPUTS, LABELS.astype(float) * 2), 3)
    assert set(map(tuple, one_hot.action_probabilities(INPUTS).tolist())) == {(1.0, 0.0, 0.0), (0.0, 0.0, 1.0)}


@pytest.mark.parametrize("kind", [*AVERAGED, *OTHERS])
def test_an_estimator_fitted_on_a_frame_answers_without_warnings(kind):
    """The bug: every call warned that the rows have no column names."""
    frame = pd.DataFrame(INPUTS, columns=["c0", "c1", "c2", "c3", *COMMAND_NAMES])
    estimator = EVERY_KIND[kind]().fit(frame, LABELS)
    policy = policy_from_estimator(estimator, 2)
    assert policy.feature_names == tuple(frame.columns)
    if policy.probability_source == "probabilities":
        np.testing.assert_array_equal(policy.action_probabilities(INPUTS), estimator.predict_proba(frame))
    else:
        np.testing.assert_array_equal(greedy_actions(policy.action_probabilities(INPUTS)), estimator.predict(frame))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"activation": "sine"}, "activation must be one of"),
        ({"weights": ()}, "one bias per weight matrix"),
        ({"biases": (np.zeros(4), np.zeros(2))}, r"net layer 1: weights \(4, 1\) do not fit bias \(2,\)"),
        ({"weights": (np.zeros((3, 4)), np.zeros((5, 1)))}, "net layer 1"),
        ({"weights": (np.full((3, 4), np.nan), np.zeros((4, 1)))}, "net layer 0 holds a number that is not finite"),
        ({"classes": np.array([0, 1, 2])}, "net has 1 outputs for 3 actions"),
        ({"classes": np.array([0, 5])}, "classes must be actions 0..2"),
        ({"classes": np.array([1, 0])}, "in ascending order"),
    ],
)
def test_arrays_that_are_no_net_are_refused(changes, message):
    parts = {
        "weights": (np.zeros((3, 4)), np.zeros((4, 1))),
        "biases": (np.zeros(4), np.zeros(1)),
        "classes": np.array([0, 1]),
        "n_actions": 3,
    }
    assert NeuralPolicy(**parts).action_probabilities(np.zeros((1, 3))).tolist() == [[0.5, 0.5, 0.0]]
    with pytest.raises(ValueError, match=message):
        NeuralPolicy(**(parts | changes))
