import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from shapley_helpers import BOOSTED, OTHERS, fitted_policy
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from udrl_explain.analysis.interactions import COLUMNS as PAIR_COLUMNS
from udrl_explain.analysis.interactions import PARTS, SPLIT_COLUMNS, ShapleyInteractions, shapley_interactions
from udrl_explain.analysis.shapley import COLUMNS, MEAN_COLUMNS, ShapleyValues, shapley_values
from udrl_explain.attributions import attribute, attribute_pairs
from udrl_explain.commands import COMMAND_NAMES, CommandScale
from udrl_explain.policies import policy_from_estimator

NAMES = ("one", "two", "three", "desired_return", "desired_horizon")
ACTIONS = ("left", "stay", "right")


@pytest.fixture(scope="module")
def forest():
    return fitted_policy(RandomForestClassifier(8, random_state=0))


@pytest.fixture(scope="module")
def values(forest):
    policy, inputs = forest
    return shapley_values(replace(policy, feature_names=NAMES, action_names=ACTIONS), inputs[:6])


def test_values_are_the_engines_and_carry_their_provenance(forest):
    policy, inputs = forest
    result = shapley_values(policy, inputs[:6], inputs[50:60], seed=5)
    expected = attribute(policy, inputs[:6], inputs[50:60])
    np.testing.assert_array_equal(result.values, expected.values)
    expected_base = policy.action_probabilities(inputs[50:60]).mean(axis=0)
    np.testing.assert_allclose(result.base_values, expected_base, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(result.outputs, policy.action_probabilities(inputs[:6]))
    np.testing.assert_array_equal(result.inputs, inputs[:6])
    assert result.values.shape == (6, 5, 3)
    assert (result.method, result.exact, result.n_rows, result.n_background, result.seed) == (
        "leaf boxes, interventional", True, 6, 10, 5,
    )  # fmt: skip
    assert (result.quantity, result.probability_source) == ("probability", "probabilities")
    assert result.feature_names == ("state_0", "state_1", "state_2", "desired_return", "desired_horizon")


def test_values_add_up_to_the_probabilities(values, forest):
    policy, inputs = forest
    sums = values.base_values + values.values.sum(axis=1)
    np.testing.assert_allclose(sums, policy.action_probabilities(inputs[:6]), rtol=0, atol=1e-9)


def test_one_hot_predictions_are_said_to_be_that():
    policy, inputs = fitted_policy(OTHERS["one-hot SVC"]())
    result = shapley_values(policy, inputs[:2], inputs[50:55])
    assert result.probability_source == "one-hot predictions"
    assert set(result.to_frame()["probability_source"]) == {"one-hot predictions"}


def test_the_quantity_is_stated():
    policy, inputs = fitted_policy(BOOSTED["gradient boosting"]())
    scores = shapley_values(policy, inputs[:2], quantity="raw score")
    probabilities = shapley_values(policy, inputs[:2], inputs[50:55])
    assert set(scores.to_frame()["quantity"]) == {"raw score"}
    assert set(probabilities.to_frame()["quantity"]) == {"probability"}
    assert set(shapley_interactions(policy, inputs[:2], quantity="raw score").to_frame()["quantity"]) == {"raw score"}


def test_contrast_explains_the_difference_of_two_actions(values):
    contrast = values.contrast("left", 2)
    np.testing.assert_array_equal(contrast.values[:, :, 0], values.values[:, :, 0] - values.values[:, :, 2])
    assert contrast.action_names == ("left − right",)
    assert set(contrast.to_frame()["quantity"]) == {"difference of probability"}
    difference = values.outputs[:, 0] - values.outputs[:, 2] - (values.base_values[0] - values.base_values[2])
    np.testing.assert_allclose(contrast.values[:, :, 0].sum(axis=1), difference, rtol=0, atol=1e-12)
    np.testing.assert_allclose(contrast.base_values + contrast.values.sum(axis=1), contrast.outputs, rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match=r"action must be 0\.\.2 or one of .*, got 'up'"):
        values.contrast("up", 0)
    with pytest.raises(ValueError, match="got 3"):
        values.contrast(0, 3)
    with pytest.raises(ValueError, match="got -1"):
        values.contrast(-1, 0)


@pytest.mark.parametrize(
    ("rows", "numbers"),
    [(2, [2]), (-1, [5]), (slice(1, 4), [1, 2, 3]), ([4, 0], [4, 0]), (np.arange(6) % 2 == 0, [0, 2, 4])],
)
def test_rows_are_chosen_as_an_array_chooses_them(values, rows, numbers):
    chosen = values[rows]
    for name in ("values", "outputs", "inputs"):
        np.testing.assert_array_equal(getattr(chosen, name), getattr(values, name)[numbers])
    assert (chosen.n_rows, chosen.method, chosen.n_background) == (len(numbers), values.method, values.n_background)
    with pytest.raises(IndexError):
        values[6]
    with pytest.raises(IndexError):
        values[np.ones(5, dtype=bool)]


def test_top_holds_the_largest_means_of_each_action(values):
    top = values.top(2)
    sizes = np.abs(values.values).mean(axis=0)
    for action in range(3):
        best = np.argsort(-sizes[:, action])[:2]
        assert top.loc[top["action"] == action, "feature"].tolist() == [NAMES[i] for i in best]
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        values.top(0)


def test_groups_sum_their_members_and_leave_the_rest(values):
    grouped = values.group({"command": ["desired_return", "desired_horizon"]})
    assert grouped.feature_names == ("one", "two", "three", "command")
    np.testing.assert_array_equal(grouped.values[:, :3], values.values[:, :3])
    np.testing.assert_array_equal(grouped.values[:, 3], values.values[:, 3] + values.values[:, 4])
    np.testing.assert_array_equal(grouped.inputs[:, :3], values.inputs[:, :3])
    assert np.isnan(grouped.inputs[:, 3]).all()
    assert grouped.to_frame().query("is_command")["feature"].unique().tolist() == ["command"]
    both = values.group({"outer": ["one", "three"], "command": ["desired_return", "desired_horizon"]})
    assert both.feature_names == ("outer", "two", "command")
    np.testing.assert_allclose(both.values.sum(axis=1), values.values.sum(axis=1), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"a": ["one"], "b": ["one", "two"]}, "'one' stands twice"),
        ({"a": ["four"]}, "no input is named 'four'"),
        ({"a": []}, "must be a list of at least one"),
        ({"a": "one"}, "must be a list of at least one"),
        ({"two": ["one"]}, "must not have the name of an input outside"),
    ],
)
def test_groups_that_are_none_are_refused(values, groups, message):
    with pytest.raises(ValueError, match=message):
        values.group(groups)


def test_the_frame_is_long_and_survives_a_csv(values):
    frame = values.to_frame()
    assert tuple(frame.columns) == COLUMNS
    assert len(frame) == 6 * 5 * 3
    line = frame.query("row == 4 and feature == 'desired_return' and action == 1").iloc[0]
    assert line["shapley_value"] == values.values[4, 3, 1]
    assert line["feature_value"] == values.inputs[4, 3]
    assert line["output"] == values.outputs[4, 1]
    assert line["base_value"] == values.base_values[1]
    assert line["action_name"] == "stay"
    assert line["standard_error"] == 0.0
    assert frame.groupby("feature")["is_command"].first().to_dict() == dict(
        zip(NAMES, (False, False, False, True, True), strict=True)
    )
    back = pd.read_csv(io.StringIO(frame.to_csv(index=False)))
    pd.testing.assert_frame_equal(back, frame, check_dtype=False, rtol=1e-12)
    assert back["exact"].dtype == bool
    assert back["is_command"].dtype == bool


def test_the_mean_frame_holds_means_over_the_rows(values):
    frame = values.mean_abs_frame()
    assert tuple(frame.columns) == MEAN_COLUMNS
    line = frame.query("feature == 'two' and action_name == 'right'").iloc[0]
    assert line["mean_abs_shapley"] == pytest.approx(np.abs(values.values[:, 1, 2]).mean())
    assert line["mean_shapley"] == pytest.approx(values.values[:, 1, 2].mean())


def test_sampled_values_carry_their_standard_error(forest):
    policy, inputs = forest
    options = {"method": "permutation", "seed": 1, "n_permutation_pairs": 4}
    result = shapley_values(policy, inputs[:3], inputs[50:60], **options)
    frame = result.to_frame()
    assert not frame["exact"].any()
    np.testing.assert_array_equal(frame["standard_error"], result.standard_error.ravel())
    assert frame["standard_error"].max() > 0
    grouped = result.group({"command": ["desired_return", "desired_horizon"]})
    assert grouped.to_frame()["standard_error"].isna().all()


def test_a_result_of_the_wrong_shape_is_refused(values):
    fields = {**vars(values), "base_values": values.base_values[:2]}
    with pytest.raises(ValueError, match=r"base_values must have shape \(3,\), got \(2,\)"):
        ShapleyValues(**fields)


def test_names_are_checked(forest):
    policy, _ = forest
    with pytest.raises(ValueError, match="feature_names must be 5 different names"):
        replace(policy, feature_names=("a", "b"))
    with pytest.raises(ValueError, match="action_names must be 3 different names"):
        replace(policy, action_names=("a", "a", "b"))


@pytest.fixture(scope="module")
def interactions(forest):
    policy, inputs = forest
    return shapley_interactions(replace(policy, feature_names=NAMES, action_names=ACTIONS), inputs[:4])


def test_interactions_are_the_engines(interactions, forest):
    policy, inputs = forest
    expected = attribute_pairs(policy, inputs[:4])
    np.testing.assert_array_equal(interactions.values, expected.values)
    np.testing.assert_array_equal(interactions.split, expected.split)
    np.testing.assert_array_equal(interactions.values, interactions.values.transpose(0, 2, 1, 3))
    np.testing.assert_allclose(
        interactions.values.sum(axis=2), attribute(policy, inputs[:4]).values, rtol=0, atol=1e-12
    )


def test_the_pair_frame_sums_to_the_output(interactions):
    frame = interactions.to_frame()
    assert tuple(frame.columns) == PAIR_COLUMNS
    assert len(frame) == 4 * 15 * 3
    sums = frame.groupby(["row", "action"])[["interaction"]].sum()["interaction"].to_numpy().reshape(4, 3)
    np.testing.assert_allclose(sums, interactions.outputs - interactions.base_values, rtol=0, atol=1e-12)
    pair = frame.query("row == 2 and feature == 'one' and other_feature == 'desired_return' and action == 0").iloc[0]
    assert pair["interaction"] == 2 * interactions.values[2, 0, 3, 0]
    main = frame.query("row == 2 and feature == 'two' and is_main_effect and action == 1").iloc[0]
    assert main["other_feature"] == "two"
    assert main["interaction"] == interactions.values[2, 1, 1, 1]


def test_the_split_frame_sums_to_the_output(interactions):
    frame = interactions.split_frame()
    assert tuple(frame.columns) == SPLIT_COLUMNS
    assert tuple(frame["part"].unique()) == PARTS
    sums = frame.groupby(["row", "action"])[["contribution"]].sum()["contribution"].to_numpy().reshape(4, 3)
    np.testing.assert_allclose(sums, interactions.outputs - interactions.base_values, rtol=0, atol=1e-12)
    line = frame.query("row == 1 and part == 'command' and action == 2").iloc[0]
    assert line["contribution"] == interactions.split[1, 1, 2]


def test_the_split_of_an_additive_policy_has_no_joint_part():
    class Additive:
        n_features, n_actions, scale, probability_source = 4, 2, CommandScale(), "probabilities"
        feature_names, action_names = ("a", "b", *COMMAND_NAMES), ("left", "right")

        @staticmethod
        def action_probabilities(rows):
            first = 0.5 + 0.01 * np.sin(rows[:, 0]) * rows[:, 1] + 0.02 * rows[:, 2] * rows[:, 3]
            return np.column_stack([first, 1 - first])

    generator = np.random.default_rng(0)
    rows, background = generator.normal(size=(3, 4)), generator.normal(size=(5, 4))
    result = shapley_interactions(Additive(), rows, background)
    np.testing.assert_allclose(result.split[:, 2], 0.0, rtol=0, atol=1e-12)
    command = 0.02 * (rows[:, 2] * rows[:, 3] - (background[:, 2] * background[:, 3]).mean())
    np.testing.assert_allclose(result.split[:, 1, 0], command, rtol=0, atol=1e-12)


def test_interactions_of_the_wrong_shape_are_refused(interactions):
    fields = {**vars(interactions), "split": interactions.split[:, :2]}
    with pytest.raises(ValueError, match=r"split must have shape \(4, 3, 3\)"):
        ShapleyInteractions(**fields)


def test_the_readmes_example_of_the_two_games():
    """x AND y, inputs that move together: closed form by hand, coalitions {x} and {y} of a tree that tests x first."""
    rows = np.repeat([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], [5, 2, 1, 3], axis=0).astype(float)
    tree = DecisionTreeClassifier(random_state=0).fit(rows, rows[:, 0] * rows[:, 1])
    assert tree.tree_.feature[0] == 0
    policy = policy_from_estimator(tree, 2)
    row = np.array([[1.0, 1.0, 1.0]])
    paths, means = (shapley_values(policy, row, background).values[0, :, 1] for background in (None, rows))
    x, y, base = 3 / 4, 4 / 11, 3 / 11
    np.testing.assert_allclose(paths, [(x - base + 1 - y) / 2, (y - base + 1 - x) / 2, 0], rtol=0, atol=1e-12)
    x = 5 / 11
    np.testing.assert_allclose(means, [(x - base + 1 - y) / 2, (y - base + 1 - x) / 2, 0], rtol=0, atol=1e-12)
    assert [round(float(v), 2) for v in (*paths[:2], *means[:2])] == [0.56, 0.17, 0.41, 0.32]
