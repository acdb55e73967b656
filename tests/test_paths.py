import dataclasses
from dataclasses import replace

import numpy as np
import pytest
from path_helpers import ESTIMATORS, FACTORS, fingerprint, fitted, hand_made, rows_and_actions, rows_on_thresholds
from sklearn.ensemble import AdaBoostClassifier, GradientBoostingClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

from udrl_explain.analysis.paths.steps import COLUMNS, SAABAS_COLUMNS, decision_paths
from udrl_explain.policies import policy_from_estimator
from udrl_explain.self_check import SelfCheckError

BOOSTED = {
    "gradient": GradientBoostingClassifier(n_estimators=8, max_depth=3, random_state=0),
    "ada": AdaBoostClassifier(DecisionTreeClassifier(max_depth=3), n_estimators=8, random_state=0),
}


def test_hand_made_path_row_by_row():
    paths = decision_paths(replace(hand_made(), action_names=("stay", "go")), [[0.6, 7.0, 20.0]])
    frame = paths.to_frame()
    assert tuple(frame.columns) == COLUMNS
    assert frame["node"].tolist() == [0, 2]
    assert frame["next_node"].tolist() == [2, 3]
    assert frame["feature"].tolist() == ["state_0", "desired_horizon"]
    assert frame["is_command"].tolist() == [False, True]
    assert frame["value"].tolist() == [0.6, 20.0]
    assert frame["threshold"].tolist() == [0.5, 20.0]  # the tree holds 10, the horizon's scale is 0.5
    assert frame["went_left"].tolist() == [False, True]
    assert frame["cover"].tolist() == [12.0, 8.0]
    # Tree 0 ends at (0.5, 0.5), tree 1 at (0.75, 0.25): action 0 is taken.
    assert frame["action_name"].tolist() == ["stay", "stay"]
    assert frame["before"].tolist() == [0.5, 0.25]
    assert frame["after"].tolist() == [0.25, 0.5]
    assert frame["contribution"].tolist() == [-0.125, 0.125]
    assert paths.contributions[0].tolist() == [[-0.125, 0.125], [0, 0], [0.125, -0.125]]
    assert paths.base_values.tolist() == [0.625, 0.375]
    assert paths.outputs.tolist() == [[0.625, 0.375]]


def test_raw_scores_are_not_divided_by_the_number_of_trees():
    paths = decision_paths(hand_made("softmax"), [[0.6, 7.0, 20.0]])
    assert paths.quantity == "raw score"
    assert paths.base_values.tolist() == [1.5, 0.25]
    assert paths.contributions[0].tolist() == [[-0.25, 0.25], [0, 0], [0.25, -0.25]]
    assert paths.to_frame()["contribution"].tolist() == [-0.25, 0.25]


@pytest.mark.parametrize("name", [*ESTIMATORS, *BOOSTED])
def test_contributions_add_up_to_the_output_and_steps_to_contributions(name):
    inputs, actions = rows_and_actions()
    estimator = {**ESTIMATORS, **BOOSTED}[name].fit(inputs * FACTORS, actions)
    policy = policy_from_estimator(estimator, 4, 0.02, 0.02)  # action 3 was never seen
    rows = np.concatenate([inputs[:40], rows_on_thresholds(policy, inputs, 40)])
    paths = decision_paths(policy, rows)
    if policy.forest.link == "mean":
        expected = policy.action_probabilities(rows)
    else:
        expected = policy.forest.raw_outputs(policy.tree_inputs(rows))
        assert np.isneginf(expected[:, 3]).all()
    sums = paths.base_values + paths.contributions.sum(axis=1)
    assert np.allclose(sums[:, :3], expected[:, :3], rtol=0, atol=1e-9)
    summed = np.zeros_like(paths.contributions)
    np.add.at(summed, (paths.row, paths.feature), paths.step_contributions)
    assert np.allclose(summed, paths.contributions, rtol=0, atol=1e-12)


def test_a_result_that_does_not_add_up_is_refused():
    paths = decision_paths(hand_made(), [[0.6, 7.0, 20.0]])
    with pytest.raises(SelfCheckError, match=r"row 0, action 1: .* is 0\.375, .* is 0\.5"):
        dataclasses.replace(paths, outputs=np.array([[0.625, 0.5]]))


def test_an_action_never_seen_only_adds_up_to_minus_infinity():
    inputs, actions = rows_and_actions()
    policy = policy_from_estimator(BOOSTED["gradient"].fit(inputs * FACTORS, actions), 4, 0.02, 0.02)
    paths = decision_paths(policy, inputs[:1])
    outputs = paths.outputs.copy()
    outputs[0, 3] = -5.0
    with pytest.raises(SelfCheckError, match="action 3"):
        dataclasses.replace(paths, outputs=outputs)


def test_side_is_the_trees_where_natural_units_would_say_otherwise():
    """A row exactly on threshold / scale can go right, or beyond it left, because the tree rounds to float32."""
    policy, _, inputs, _ = fitted("forest")
    frame = decision_paths(policy, rows_on_thresholds(policy, inputs, 400)).to_frame()
    naive = frame["value"] <= frame["threshold"]
    assert (naive != frame["went_left"]).any()
    left = policy.forest.children_left[frame["node"]]
    assert np.array_equal(frame["went_left"], frame["next_node"] == left)


def test_chosen_actions_and_frame_of_contributions():
    paths = decision_paths(hand_made(), [[0.6, 7.0, 20.0], [0.1, 0.0, 1.0]], actions=[1, 1])
    assert paths.to_frame()["before"].tolist() == [0.5, 0.75, 0.5]
    frame = paths.saabas_frame()
    assert tuple(frame.columns) == SAABAS_COLUMNS
    total = frame.groupby(["row", "action"])["contribution"].sum().to_numpy().reshape(2, 2)
    assert np.allclose(total + paths.base_values, paths.outputs)


def test_the_policy_is_not_changed():
    policy, _, inputs, _ = fitted("forest")
    before, rows = fingerprint(policy), inputs.copy()
    decision_paths(policy, rows).to_frame()
    assert fingerprint(policy) == before
    assert np.array_equal(rows, inputs)


def test_a_policy_without_trees_is_refused_with_the_alternatives():
    inputs, actions = rows_and_actions(60)
    net = MLPClassifier((4,), max_iter=1, solver="sgd", early_stopping=False)
    policy = policy_from_estimator(net.partial_fit(inputs, actions, classes=[0, 1, 2]), 3)
    with pytest.raises(ValueError, match="shapley_values and command_response"):
        decision_paths(policy, inputs)


@pytest.mark.parametrize("actions", [[0], [0, 2], [-1, 0], [0.0, 1.0]])
def test_impossible_actions_are_refused(actions):
    with pytest.raises(ValueError, match="actions must"):
        decision_paths(hand_made(), [[0.6, 7.0, 20.0], [0.1, 0.0, 1.0]], actions=actions)
