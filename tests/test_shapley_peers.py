"""Against shap.TreeExplainer: forests of the sizes that CartPole, Acrobot and LunarLander train, and stored runs."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from core_helpers import scaled
from shapley_helpers import SCALE, rows_and_actions
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from udrl_explain.analysis.interactions import shapley_interactions
from udrl_explain.analysis.shapley import shapley_values
from udrl_explain.policies import ForestPolicy, policy_from_estimator
from udrl_explain.runs import load_run

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


# The first seed of every stored experiment whose policy is an averaged forest; data/ is part of the repository.
DATA = Path(__file__).parents[1] / "data"
STORED = {
    f"{place.parent.parent.name}, {place.parent.name}": place
    for place in sorted({conf.parent for conf in DATA.glob("*/*/*/conf.json")}, reverse=True)
    if "Forest" in place.parent.name or "ExtraTrees" in place.parent.name or place.parent.name == "base"
}


def shap_trees(forest):
    """The stored trees as shap reads them from scikit-learn."""
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


@pytest.mark.parametrize("name", STORED)
def test_values_of_stored_runs_are_shaps(name):
    run = load_run(STORED[name])
    policy = run.policy
    assert isinstance(policy, ForestPolicy)
    played = np.concatenate([episode.inputs for episode in run.episodes])
    rows = played[:: max(1, len(played) // 40)]
    by_cover = shap.TreeExplainer(shap_trees(policy.forest), feature_perturbation="tree_path_dependent")
    result = shapley_values(policy, rows)
    np.testing.assert_allclose(result.values, by_cover.shap_values(policy.tree_inputs(rows)), rtol=0, atol=1e-9)
    assert np.abs(result.values).max() > 0.01
    # Off the thresholds, as above.
    rows, background = rows[:10].copy(), run.training_inputs[:50].copy()
    rows[:, -2:] += 0.25
    background[:, -2:] += 0.25
    explainer = shap.TreeExplainer(
        shap_trees(policy.forest), policy.tree_inputs(background), feature_perturbation="interventional"
    )
    expected = explainer.shap_values(policy.tree_inputs(rows), check_additivity=False)
    np.testing.assert_allclose(shapley_values(policy, rows, background).values, expected, rtol=0, atol=1e-6)
