import warnings

import numpy as np
import pandas as pd
import pytest
from shapley_helpers import BOOSTED, OTHERS, fitted_policy
from sklearn.neural_network import MLPClassifier

from udrl_explain import feature_importance
from udrl_explain.analysis.importance.measures import SHAP
from udrl_explain.attributions import attribute, attribute_pairs, coalitions
from udrl_explain.attributions.enumeration import coalition_worths
from udrl_explain.attributions.worths import all_worths


@pytest.mark.parametrize("activation", ["relu", "tanh", "identity"])
@pytest.mark.parametrize("n_actions", [2, 3])
def test_a_net_is_joined_from_its_first_layers_sums(activation, n_actions):
    # Rows that share inputs with background rows and with each other: what is joined once stands for several pairs.
    estimator = MLPClassifier((7, 5), activation=activation, max_iter=5, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        policy, inputs = fitted_policy(estimator, 5, n_actions)
    rows, background = inputs[:9].copy(), inputs[20:33].copy()
    rows[3:, 1], background[4:, 1] = rows[0, 1], rows[0, 1]
    rows[5] = background[2]
    expected = np.empty((9, 32, n_actions))
    for block, worths in coalition_worths(policy.action_probabilities, rows, background, n_actions, 1):
        expected[block] = worths.transpose(1, 0, 2)
    np.testing.assert_allclose(all_worths(policy, rows, background), expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", ["net", "gradient boosting"])
def test_coalitions_are_valued_once_for_several_questions(name, monkeypatch):
    policy, inputs = fitted_policy({**OTHERS, **BOOSTED}[name]())
    rows, background = inputs[:6], inputs[50:60]
    values, pairs = attribute(policy, rows, background), attribute_pairs(policy, rows, background)
    known = coalitions(policy, rows, background)

    def never(*_):
        raise AssertionError("valued again")

    monkeypatch.setattr("udrl_explain.attributions.dispatch.evaluated_worths", never)
    found, found_pairs = attribute(policy, rows, known), attribute_pairs(policy, rows, known)
    np.testing.assert_allclose(found.values, values.values, rtol=0, atol=1e-14)
    np.testing.assert_allclose(found.base_values, values.base_values, rtol=0, atol=1e-14)
    np.testing.assert_allclose(found_pairs.values, pairs.values, rtol=0, atol=1e-14)
    assert found.n_background == found_pairs.n_background == 10
    # Not to the last bit: some processors add up a shorter array in another order.
    part, whole = attribute(policy, rows[2:4], known[2:4]).values, attribute(policy, rows, known).values[2:4]
    np.testing.assert_allclose(part, whole, rtol=0, atol=1e-15)
    with pytest.raises(ValueError, match="those of other rows"):
        attribute(policy, rows[:5], known)
    with pytest.raises(ValueError, match="those of another policy"):
        attribute(fitted_policy({**OTHERS, **BOOSTED}[name]())[0], rows, known)


def test_known_coalitions_are_what_faithfulness_and_importance_take_too(monkeypatch):
    policy, inputs = fitted_policy(OTHERS["net"]())
    rows, background = inputs[:6], inputs[50:60]
    known = coalitions(policy, rows, background)
    expected = feature_importance(policy, rows, np.zeros(6, int), background=background, methods=(SHAP,)).to_frame()
    monkeypatch.setattr("udrl_explain.attributions.worths.evaluated_worths", None)
    monkeypatch.setattr("udrl_explain.attributions.dispatch.evaluated_worths", None)
    np.testing.assert_array_equal(all_worths(policy, rows, known), known.worths)
    found = feature_importance(policy, rows, np.zeros(6, int), background=known, methods=(SHAP,)).to_frame()
    pd.testing.assert_frame_equal(found, expected, rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match="those of other rows"):
        all_worths(policy, rows[:3], known)
