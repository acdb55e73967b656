import threading

import numpy as np
import pytest
from core_helpers import scaled, training_rows
from sklearn.base import is_classifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

from udrl_explain.config import TrainConfig
from udrl_explain.environments import environment_names
from udrl_explain.forest import FOREST_ARRAYS
from udrl_explain.parallel import fits_on_threads
from udrl_explain.policies import EstimatorPolicy, ForestPolicy, NeuralPolicy
from udrl_explain.training.learners import Learner, accuracy, make_estimator

STORED_AS = {
    "ensemble.RandomForestClassifier": ForestPolicy,
    "ensemble.ExtraTreesClassifier": ForestPolicy,
    "ensemble.GradientBoostingClassifier": ForestPolicy,
    "ensemble.AdaBoostClassifier": ForestPolicy,
    "tree.DecisionTreeClassifier": ForestPolicy,
    "tree.ExtraTreeClassifier": ForestPolicy,
    "neural": NeuralPolicy,
    "neighbors.KNeighborsClassifier": EstimatorPolicy,
    "svm.SVC": EstimatorPolicy,
    "linear_model.LogisticRegression": EstimatorPolicy,
}


def learner(name, seed=0, n_actions=3, n_features=6, **settings):
    config = TrainConfig(estimator_name=name, recipe="paper", **settings).resolved()
    return Learner(config, environment_names("Nobody-v0", n_features - 2, n_actions), np.random.default_rng(seed))


@pytest.mark.parametrize("name", STORED_AS)
def test_classifiers_are_made_by_name(name):
    estimator = make_estimator(name, batch_size=16)
    assert is_classifier(estimator)
    if name != "neural":
        assert type(estimator).__name__ == name.split(".")[1]


def test_the_net_has_two_hidden_layers_of_64():
    estimator = make_estimator("neural", batch_size=256)
    assert (estimator.hidden_layer_sizes, estimator.batch_size) == ((64, 64), 256)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("RandomForestClassifier", "got 'RandomForestClassifier'"),
        ("ensemble.NoSuchClassifier", "scikit-learn has no such class"),
        ("nowhere.SVC", "scikit-learn has no such class"),
        ("ensemble.RandomForestRegressor", "it is no classifier"),
        ("cluster.KMeans", "it is no classifier"),
        ("preprocessing.StandardScaler", "it is no classifier"),
        ("metrics.accuracy_score", "it is no estimator"),
        ("ensemble.VotingClassifier", "it needs arguments of its own"),
        ("os.system", "scikit-learn has no such class"),
        ("..os.system", "got '..os.system'"),
        ("ensemble.", "got 'ensemble.'"),
        (".SVC", "got '.SVC'"),
        ("svm.SVC()", r"got 'svm.SVC\(\)'"),
        ("Neural", "got 'Neural'"),
    ],
)
def test_what_is_no_classifier_of_scikit_learn_is_refused(name, reason):
    with pytest.raises(ValueError, match=reason) as fault:
        make_estimator(name)
    assert "estimator_name must be 'neural' or a scikit-learn classifier as module.Class" in str(fault.value)


@pytest.mark.parametrize("name", STORED_AS)
def test_a_fit_gives_a_policy_in_natural_units(name):
    inputs, actions = training_rows(120, actions=(0, 1, 2))
    policy = learner(name, batch_size=50, warm_up=60).fit(inputs, actions)
    assert isinstance(policy, STORED_AS[name])
    assert (policy.n_features, policy.n_actions) == (6, 3)
    assert policy.scale.return_scale == policy.scale.horizon_scale == 0.02
    assert accuracy(policy, inputs, actions) > (0.3 if name == "neural" else 0.5)


def test_a_forest_is_the_one_that_scikit_learn_fits_on_scaled_rows():
    inputs, actions = training_rows(120)
    policy = learner("ensemble.RandomForestClassifier", seed=3, n_actions=2, return_scale=0.5).fit(inputs, actions)
    random_state = int(np.random.default_rng(3).integers(1 << 31))
    expected = RandomForestClassifier(random_state=random_state).fit(scaled(inputs, 0.5, 0.02), actions)
    np.testing.assert_array_equal(
        policy.action_probabilities(inputs), expected.predict_proba(scaled(inputs, 0.5, 0.02))
    )


def test_every_fit_of_trees_starts_anew_with_a_seed_of_its_own():
    inputs, actions = training_rows(60, noise=1.0)
    one = learner("ensemble.RandomForestClassifier", n_actions=2)
    first, second = one.fit(inputs, actions), one.fit(inputs, actions)
    again = learner("ensemble.RandomForestClassifier", n_actions=2).fit(inputs, actions)
    assert first.forest.n_trees == second.forest.n_trees == 100
    assert first.forest.n_nodes != second.forest.n_nodes
    np.testing.assert_array_equal(first.forest.threshold, again.forest.threshold)


def test_the_net_goes_on_from_fit_to_fit_and_earlier_policies_stay():
    inputs, actions = training_rows(60)
    one = learner("neural", n_actions=3, batch_size=60, warm_up=60)
    assert isinstance(one._estimator, MLPClassifier)
    first = one.fit(inputs, actions)
    answers = first.action_probabilities(inputs)
    for _ in range(60):
        last = one.fit(inputs, actions)
    assert accuracy(last, inputs, actions) > max(0.8, accuracy(first, inputs, actions))
    np.testing.assert_array_equal(first.action_probabilities(inputs), answers)
    assert last.classes.tolist() == [0, 1, 2]  # also the action that no row shows


def test_fitting_leaves_rows_and_global_random_state_alone():
    inputs, actions = training_rows(60)
    before = inputs.copy(), actions.copy()
    np.random.seed(1)  # noqa: NPY002 - the global state is what is watched
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    for name in STORED_AS:
        learner(name, batch_size=50, warm_up=60).fit(inputs, actions)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    np.testing.assert_array_equal(inputs, before[0])
    np.testing.assert_array_equal(actions, before[1])


def test_accuracy_is_the_share_of_rows_in_which_the_best_action_was_taken():
    class Fixed:
        def action_probabilities(self, inputs):
            return np.array([[0.6, 0.4], [0.5, 0.5], [0.1, 0.9], [0.2, 0.8]])

    assert accuracy(Fixed(), np.zeros((4, 3)), np.array([0, 0, 0, 1])) == 0.75


@pytest.mark.parametrize("name", ["ensemble.RandomForestClassifier", "ensemble.ExtraTreesClassifier"])
def test_a_forest_fitted_on_several_threads_has_the_same_bits(name, monkeypatch):
    threads = set()
    real = DecisionTreeClassifier._fit

    def fit(*arguments, **options):
        threads.add(threading.get_ident())
        return real(*arguments, **options)

    monkeypatch.setattr(DecisionTreeClassifier, "_fit", fit)
    inputs, actions = training_rows(200)
    forests = []
    for n_jobs in (1, 2):
        threads.clear()
        with fits_on_threads(n_jobs):
            forests.append(learner(name, n_actions=2).fit(inputs, actions).forest)
        assert (threading.get_ident() in threads) == (n_jobs == 1)
    for array in FOREST_ARRAYS:
        np.testing.assert_array_equal(*(getattr(forest, array) for forest in forests), err_msg=array)
    with pytest.raises(ValueError, match="n_jobs must be a whole number of at least 1"), fits_on_threads(0):
        pass
