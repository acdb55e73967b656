import pickle
from dataclasses import replace

import numpy as np
import pytest
from core_helpers import AVERAGED, BOOSTED, hand_probabilities, rows_at_thresholds, training_rows
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import AdaBoostClassifier, GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from udrl_explain.policies import greedy_actions
from udrl_explain.trees.ensembles import forest_from_estimator

ACTION_SETS = [(0, 1), (1, 3), (0, 1, 2), (0, 2, 3), (0, 1, 2, 3)]


def probabilities(forest, rows):
    return forest.probabilities(np.asarray(rows, dtype=np.float64).astype(np.float32))


@pytest.mark.parametrize("actions", ACTION_SETS)
@pytest.mark.parametrize("kind", AVERAGED)
def test_averaged_trees_answer_like_scikit_learn_to_the_last_bit(kind, actions):
    inputs, labels = training_rows(actions=actions)
    estimator = AVERAGED[kind]().fit(inputs, labels)
    forest = forest_from_estimator(estimator, 4)
    rows = np.concatenate([inputs, rows_at_thresholds(forest), np.random.default_rng(5).normal(size=(200, 6)) * 50])
    expected = hand_probabilities(estimator, rows, 4)
    assert (expected.max(axis=0)[list(actions)] > 0.5).all()  # not a trivial case
    np.testing.assert_array_equal(probabilities(forest, rows), expected)


@pytest.mark.parametrize("actions", ACTION_SETS)
@pytest.mark.parametrize("kind", BOOSTED)
def test_boosted_trees_answer_like_scikit_learn(kind, actions):
    if kind == "boosting with exponential loss" and len(actions) > 2:
        pytest.skip("this loss knows two classes only")
    inputs, labels = training_rows(actions=actions)
    estimator = BOOSTED[kind]().fit(inputs, labels)
    forest = forest_from_estimator(estimator, 4)
    rows = np.concatenate([inputs, rows_at_thresholds(forest)])
    expected = hand_probabilities(estimator, rows, 4)
    found = probabilities(forest, rows)
    assert np.ptp(expected[:, actions[0]]) > 0.05
    # AdaBoost divides the votes by the weights' sum in another order than scikit-learn.
    np.testing.assert_allclose(found, expected, rtol=0, atol=3e-16 if "ada" in kind.lower() else 0.0)
    unseen = sorted(set(range(4)) - set(actions))
    assert not found[:, unseen].any()
    clear = np.abs(np.diff(np.sort(expected, axis=1)[:, -2:], axis=1)[:, 0]) > 1e-12
    assert clear.sum() > len(rows) / 2
    np.testing.assert_array_equal(found.argmax(axis=1)[clear], estimator.predict(rows)[clear])


def test_exponential_loss_is_not_read_as_log_loss():
    """The bug: scores of a gradient boosting with exponential loss were not doubled, so probabilities came out flat."""
    inputs, labels = training_rows()
    estimator = BOOSTED["boosting with exponential loss"]().fit(inputs, labels)
    found = probabilities(forest_from_estimator(estimator, 2), inputs)
    np.testing.assert_array_equal(found, estimator.predict_proba(inputs))


@pytest.mark.parametrize("loss", ["log_loss", "exponential"])
@pytest.mark.parametrize("n_estimators", [1, 40, 150])
def test_gradient_boosting_of_two_actions_is_equal_to_the_bit(loss, n_estimators):
    """The bug: the softmax of two scores is the logistic function but for the last bit, in 40 % of the rows."""
    inputs, labels = training_rows(actions=(1, 3))
    estimator = GradientBoostingClassifier(loss=loss, n_estimators=n_estimators, random_state=0).fit(inputs, labels)
    rows = np.random.default_rng(1).normal(size=(20_000, 6)) * 100
    forest = forest_from_estimator(estimator, 5)
    found = probabilities(forest, rows)
    np.testing.assert_array_equal(found[:, [1, 3]], estimator.predict_proba(rows))
    assert not found[:, [0, 2, 4]].any()
    softmax = replace(forest, link="softmax")
    np.testing.assert_allclose(probabilities(softmax, rows), found, rtol=0, atol=3e-16)
    if n_estimators > 1:
        assert (probabilities(softmax, rows) != found).any()
    with pytest.raises(ValueError, match="finite for two actions where the link is 'logistic'"):
        replace(forest, base=np.zeros(5))


def test_a_tie_goes_to_the_lowest_action():
    inputs, labels = np.zeros((4, 3)), np.array([0, 1, 0, 1])
    for estimator in (
        GradientBoostingClassifier(n_estimators=2).fit(inputs, labels),
        RandomForestClassifier(3, bootstrap=False).fit(inputs, labels),
    ):
        found = probabilities(forest_from_estimator(estimator, 2), inputs)
        assert (found == 0.5).all()
        assert (greedy_actions(found) == 0).all()


def test_inputs_round_to_float32_before_they_are_compared():
    # The threshold lies between two float32 numbers; this float64 lies right of it but rounds to the left one.
    rows = np.array([[4.0, 0, 0], [4.0 + 2**-21, 0, 0]])
    tree = DecisionTreeClassifier().fit(rows, [0, 1])
    threshold = tree.tree_.threshold[0]
    value = 4.0 + 2**-22
    assert np.float32(value) == np.float32(4.0)
    test = np.array([[value, 0, 0], [np.nextafter(value, 5), 0, 0], [threshold, 0, 0]])
    forest = forest_from_estimator(tree, 2)
    np.testing.assert_array_equal(probabilities(forest, test), tree.predict_proba(test))
    assert probabilities(forest, test)[:2, 1].tolist() == [0.0, 1.0]


def test_a_single_class_gives_it_all_the_probability():
    inputs = np.random.default_rng(0).normal(size=(20, 5))
    for kind in AVERAGED:
        forest = forest_from_estimator(AVERAGED[kind]().fit(inputs, np.full(20, 2)), 4)
        assert (forest.children_left == -1).all()  # only single leaves
        np.testing.assert_array_equal(probabilities(forest, inputs), np.tile([0.0, 0, 1, 0], (20, 1)))


def test_inner_nodes_hold_the_mean_of_their_leaves_weighted_by_cover():
    inputs, labels = training_rows(actions=(0, 1, 2))
    for estimator in (
        RandomForestClassifier(3, random_state=0).fit(inputs, labels),
        GradientBoostingClassifier(n_estimators=3, random_state=0).fit(inputs, labels),
        AdaBoostClassifier(DecisionTreeClassifier(max_depth=3), n_estimators=3, random_state=0).fit(inputs, labels),
    ):
        forest = forest_from_estimator(estimator, 3)
        for root, end in zip(forest.roots, np.append(forest.roots[1:], forest.n_nodes), strict=True):
            leaves = np.flatnonzero(forest.is_leaf[root:end]) + root
            mean = np.average(forest.value[leaves], axis=0, weights=forest.cover[leaves])
            np.testing.assert_allclose(forest.value[root], mean, atol=1e-12)


@pytest.mark.parametrize("kind", [*AVERAGED, *BOOSTED])
def test_the_estimator_is_left_as_it_was(kind):
    inputs, labels = training_rows()
    estimator = (AVERAGED | BOOSTED)[kind]().fit(inputs, labels)
    before = pickle.dumps(estimator)
    forest = forest_from_estimator(estimator, 3)
    probabilities(forest, inputs)
    assert pickle.dumps(estimator) == before
    # The forest owns its arrays: fitting on does not change it.
    answers = probabilities(forest, inputs)
    estimator.fit(inputs, 1 - labels)
    np.testing.assert_array_equal(probabilities(forest, inputs), answers)


def test_a_forest_does_not_depend_on_the_number_of_jobs():
    inputs, labels = training_rows()
    one, two = (forest_from_estimator(RandomForestClassifier(6, random_state=3, n_jobs=jobs).fit(inputs, labels), 2)
                for jobs in (1, 2))  # fmt: skip
    np.testing.assert_array_equal(one.threshold, two.threshold)
    np.testing.assert_array_equal(probabilities(one, inputs), probabilities(two, inputs))


def test_what_is_no_tree_ensemble_has_no_such_form():
    inputs, labels = training_rows(60)
    custom = GradientBoostingClassifier(n_estimators=2, init=LogisticRegression(max_iter=500)).fit(inputs, labels)
    for estimator in (
        KNeighborsClassifier().fit(inputs, labels),
        DummyClassifier().fit(inputs, labels),
        AdaBoostClassifier(LogisticRegression(max_iter=500), n_estimators=2).fit(inputs, labels),
        custom,
    ):
        assert forest_from_estimator(estimator, 2) is None
