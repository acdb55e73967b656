"""Against shap.TreeExplainer, on forests of the sizes that CartPole, Acrobot and LunarLander train."""

import warnings

import numpy as np
import pytest
from core_helpers import scaled
from shapley_helpers import SCALE, rows_and_actions
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from udrl_explain.analysis.interactions import shapley_interactions
from udrl_explain.analysis.shapley import shapley_values
from udrl_explain.policies import policy_from_estimator

with warnings.catch_warnings():
    warnings.simplefilter("ignore", PendingDeprecationWarning)  # of its own colour maps, at import
    import shap

CASES = {
    "CartPole, random forest": (6, 2, RandomForestClassifier),
    "Acrobot, extra trees": (8, 3, ExtraTreesClassifier),
    "LunarLander, random forest": (10, 4, RandomForestClassifier),
}


@pytest.fixture(scope="module", params=CASES)
def case(request):
    n_features, n_actions, kind = CASES[request.param]
    inputs, actions = rows_and_actions(n_features, n_actions, 700)
    estimator = kind(40, random_state=0).fit(scaled(inputs, SCALE, SCALE), actions)
    policy = policy_from_estimator(estimator, n_actions, SCALE, SCALE)
    # Whole-number commands put rows exactly on thresholds (the middle of two others), where shap's interventional
    # values leave the tree's path and fail its own check of additivity. Such rows are tested by brute force.
    inputs[:, -2:] += 0.25
    return estimator, policy, inputs, policy.tree_inputs(inputs)


def test_path_dependent_values_are_shaps(case):
    estimator, policy, inputs, tree_rows = case
    explainer = shap.TreeExplainer(estimator, feature_perturbation="tree_path_dependent")
    expected = explainer.shap_values(tree_rows[:60])
    result = shapley_values(policy, inputs[:60])
    np.testing.assert_allclose(result.values, expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(result.base_values, explainer.expected_value, rtol=0, atol=1e-9)
    assert np.abs(expected).max() > 0.05


def test_interventional_values_are_shaps(case):
    estimator, policy, inputs, tree_rows = case
    explainer = shap.TreeExplainer(estimator, tree_rows[100:150], feature_perturbation="interventional")
    expected = explainer.shap_values(tree_rows[:20])
    result = shapley_values(policy, inputs[:20], inputs[100:150])
    # shap keeps these in float32.
    np.testing.assert_allclose(result.values, expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(result.base_values, explainer.expected_value, rtol=0, atol=1e-6)


def test_path_dependent_interactions_are_shaps(case):
    estimator, policy, inputs, tree_rows = case
    explainer = shap.TreeExplainer(estimator, feature_perturbation="tree_path_dependent")
    expected = explainer.shap_interaction_values(tree_rows[:8])
    result = shapley_interactions(policy, inputs[:8])
    np.testing.assert_allclose(result.values, expected, rtol=0, atol=1e-9)


def test_an_explanation_holds_the_same_numbers(case):
    _, policy, inputs, _ = case
    result = shapley_values(policy, inputs[:5])
    explanation = result.to_shap()
    assert explanation.shape == result.values.shape
    np.testing.assert_array_equal(explanation.values, result.values)
    np.testing.assert_array_equal(explanation.data, inputs[:5])
    assert explanation.feature_names == list(result.feature_names)
    assert explanation.output_names == list(result.action_names)
    one = explanation[2, :, 1]  # what shap's plots are given
    np.testing.assert_array_equal(one.values, result.values[2, :, 1])
    assert one.base_values == result.base_values[1]
