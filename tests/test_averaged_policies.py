"""Policies that know some of their inputs only, against the worths of all coalitions and by hand."""

import numpy as np
import pytest
from shapley_helpers import BOOSTED, FORESTS, OTHERS, fitted_policy

from udrl_explain.attributions.averaged import Averaging
from udrl_explain.attributions.worths import all_worths


@pytest.mark.parametrize("kind", FORESTS | BOOSTED | OTHERS)
def test_every_coalition_acts_as_its_worth_says(kind):
    policy, inputs = fitted_policy((FORESTS | BOOSTED | OTHERS)[kind]())
    rows, background = inputs[:7], inputs[30:63]
    averaging = Averaging(policy, background)
    worths = all_worths(policy, rows, background)
    for coalition in range(1 << 5):
        got = averaging.knowing(coalition).action_probabilities(rows)
        np.testing.assert_allclose(got, worths[:, coalition], rtol=0, atol=1e-12)


def test_knowing_everything_is_the_policy_itself_and_knowing_nothing_a_constant():
    policy, inputs = fitted_policy(FORESTS["deep random forest"]())
    averaging = Averaging(policy, inputs)
    assert averaging.knowing(31) is policy
    nothing = averaging.knowing(0).action_probabilities(inputs)
    np.testing.assert_allclose(nothing, np.tile(policy.action_probabilities(inputs).mean(axis=0), (len(inputs), 1)))
    np.testing.assert_array_equal(nothing, nothing[:1].repeat(len(inputs), axis=0))


def test_rows_on_thresholds_go_the_way_of_the_trees():
    policy, inputs = fitted_policy(FORESTS["extra trees"]())
    inner = np.flatnonzero(~policy.forest.is_leaf)[:25]
    rows = np.repeat(inputs[:1], len(inner), axis=0)
    for row, node in zip(rows, inner, strict=True):
        feature, threshold = policy.forest.feature[node], policy.forest.threshold[node]
        row[feature] = threshold / (0.02 if feature >= 3 else 1.0)
    background = inputs[:11]
    for coalition in (0b10101, 0b10001):  # walked, and compared box by box
        got = Averaging(policy, background).knowing(coalition).action_probabilities(rows)
        known = (coalition >> np.arange(5) & 1).astype(bool)
        for row, result in zip(rows, got, strict=True):
            joined = np.where(known, row, background)
            np.testing.assert_allclose(result, policy.action_probabilities(joined).mean(axis=0), rtol=0, atol=1e-12)


def test_what_is_known_of_one_row_does_not_depend_on_the_others():
    policy, inputs = fitted_policy(FORESTS["random forest"]())
    for coalition in (0b00011, 0b11100):
        knowing = Averaging(policy, inputs).knowing(coalition)
        whole = knowing.action_probabilities(inputs[:40])
        assert whole[7].tobytes() == knowing.action_probabilities(inputs[7:8])[0].tobytes()


def test_what_does_not_fit_is_refused():
    policy, inputs = fitted_policy(FORESTS["single tree"]())
    with pytest.raises(ValueError, match=r"coalition must lie in 0\.\.31, got 32"):
        Averaging(policy, inputs).knowing(32)
    with pytest.raises(ValueError, match="background must hold at least one row"):
        Averaging(policy, inputs[:0])
