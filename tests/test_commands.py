import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from udrl_explain.commands import COMMAND_NAMES, Command, CommandScale, checked_inputs, input_rows
from udrl_explain.names import (
    STATE_FEATURES,
    checked_action_names,
    checked_feature_names,
    feature,
)


def test_a_step_pays_its_reward_and_costs_one_step():
    assert Command(10.0, 5.0).after(1.5) == Command(8.5, 4.0)
    assert Command(-3.0, 1.0).after(-1.0) == Command(-2.0, 1.0)


@given(horizon=st.floats(1, 1e4), rewards=st.lists(st.floats(-10, 10), max_size=30))
def test_the_horizon_never_falls_below_one_step(horizon, rewards):
    command = Command(0.0, horizon)
    for reward in rewards:
        command = command.after(reward)
        assert command.desired_horizon >= 1.0
    assert command.desired_horizon == pytest.approx(max(1.0, horizon - len(rewards)))
    assert command.desired_return == pytest.approx(-sum(rewards), abs=1e-9)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["return_scale", "horizon_scale"])
def test_a_scale_is_a_finite_positive_number(name, value):
    with pytest.raises(ValueError, match=f"{name} must be a finite number above 0, got {value}"):
        CommandScale(**{name: value})


def test_scaling_touches_the_two_commands_only_and_copies():
    rows = np.arange(12.0).reshape(2, 6)
    before = rows.copy()
    scale = CommandScale(0.5, 0.02)
    found = scale.apply(rows)
    assert found.tolist() == [[0, 1, 2, 3, 2.0, 0.1], [6, 7, 8, 9, 5.0, 0.22]]
    np.testing.assert_array_equal(rows, before)
    np.testing.assert_array_equal(rows * scale.factors(6), found)


def test_commands_stand_behind_the_state_return_first():
    rows = input_rows([1.0, 2.0], [[30.0, 4.0], [50.0, 6.0]])
    assert rows.tolist() == [[1, 2, 30, 4], [1, 2, 50, 6]]
    assert input_rows([[1.0], [2.0]], [3.0, 4.0]).tolist() == [[1, 3, 4], [2, 3, 4]]
    assert COMMAND_NAMES == ("desired_return", "desired_horizon")


def test_states_and_commands_that_do_not_pair_are_refused():
    with pytest.raises(ValueError, match="3 states cannot be paired with 2 commands"):
        input_rows(np.zeros((3, 4)), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="must have the two columns"):
        input_rows(np.zeros((3, 4)), np.zeros((3, 1)))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (np.zeros(6), "got one row"),
        (np.zeros((1, 2, 3)), "must have shape"),
        (np.zeros((2, 4)), "the command is missing"),
        (np.zeros((2, 7)), "have 7 columns, the policy takes 6"),
        ([[0, 0, np.nan, 0, 0, 0]], r"row 0, column 2 \(state_2\) holds nan"),
        ([[0] * 6, [0, 0, 0, 0, 0, np.inf]], r"row 1, column 5 \(desired_horizon\) holds inf"),
        ([[0, -1e39, 0, 0, 0, 0]], "fit float32; row 0, column 1"),
    ],
)
def test_inputs_that_are_no_rows_are_refused(inputs, message):
    with pytest.raises(ValueError, match=message):
        checked_inputs(inputs, checked_feature_names(None, 6))


def test_the_largest_float32_is_a_fine_input():
    largest = float(np.finfo(np.float32).max)
    assert checked_inputs([[largest, -largest, 0]], ("a", *COMMAND_NAMES)).dtype == np.float64


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a", "b", "desired_return", "desired_horizon"), "3 different names"),
        (("desired_return", "desired_return", "desired_horizon"), "3 different names"),
        (("a", "desired_horizon", "desired_return"), "must end with"),
    ],
)
def test_feature_names_are_different_and_end_with_the_commands(names, message):
    with pytest.raises(ValueError, match=message):
        checked_feature_names(names, 3)


def test_names_nobody_gave_are_numbered():
    assert checked_feature_names(None, 4) == ("state_0", "state_1", "desired_return", "desired_horizon")
    assert checked_action_names(None, 2) == ("action 0", "action 1")
    with pytest.raises(ValueError, match="must be 2 different names"):
        checked_action_names(["left", "left"], 2)


def test_no_two_known_features_share_a_name():
    names = [each.name for features in STATE_FEATURES.values() for each in features]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and name.islower() for name in names)


def test_labels_carry_units():
    assert feature("pole_angle").label == "θ (rad)"
    assert feature("desired_horizon").label == "desired horizon (steps)"
    assert feature("cos_theta_1").label == "cos θ₁"
    assert feature("state_3").label == "state 3"
