import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from command_plane_helpers import (
    EDGE_30,
    EDGE_40,
    HORIZON,
    RETURN,
    asked,
    commands_around,
    corner_policy,
    forest_policy,
)
from core_helpers import AVERAGED, BOOSTED, scaled, training_rows
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC

from udrl_explain.analysis import command_map as module
from udrl_explain.analysis.command_map import COLUMNS, NEAREST_COLUMNS, SHARE_COLUMNS, command_map
from udrl_explain.command_space.cells import command_cells
from udrl_explain.commands import Command, CommandScale
from udrl_explain.policies import NeuralPolicy, greedy_actions, policy_from_estimator
from udrl_explain.self_check import SelfCheckError

PLANE = {"returns": (0.0, 220.0), "horizons": (1.0, 200.0)}
METRIC = (45.0, 70.0)


def corner_map(**options):
    return command_map(corner_policy(**options), [0.0], returns=(0, 100), horizons=(0, 50))


def fitted(make, n_actions=2, scale=0.02):
    inputs, actions = training_rows(actions=range(n_actions))
    policy = policy_from_estimator(make().fit(scaled(inputs, scale, scale), actions), n_actions, scale, scale)
    return policy, inputs[:, :-2]


def as_csv(frame):
    return pd.read_csv(io.StringIO(frame.to_csv(index=False)))


def slow_nearest(result, command, wanted, spread, free=(True, True)):
    """Closest distance from a command to any wanted cell, cell by cell."""
    best = np.inf
    for i in range(result.actions.shape[0]):
        for j in range(result.actions.shape[1]):
            if not wanted(result.actions[i, j]):
                continue
            sides = ((*result.return_edges[i : i + 2], i), (*result.horizon_edges[j : j + 2], j))
            away = []
            for (low, high, k), value, unit, may_change in zip(sides, command, spread, free, strict=True):
                gap = max(low - value, value - high, 0.0)
                inside = low < value <= high or (k == 0 and value == low)
                away.append(gap / unit if may_change else (0.0 if inside else np.inf))
            best = min(best, np.hypot(*away))
    return best


# --- the map ----------------------------------------------------------------------------------------------------


def test_known_areas():
    result = corner_map()
    expected = (100 - EDGE_40) * EDGE_30 / 5000
    np.testing.assert_allclose(result.area_share, [1 - expected, expected], rtol=1e-15)
    assert result.exact
    assert result.method == "exact cells of the forest"
    assert result.n_cells == 4


def test_one_colour_has_all_the_area_exactly():
    result = command_map(forest_policy([(RETURN, 40.0, [0.1, 0.9, 0], [0.2, 0.8, 0])]), [0.0], (0, 99), (1, 50))
    np.testing.assert_array_equal(result.area_share, [0, 1, 0])


def test_lookups_answer_numbers_and_arrays():
    result = corner_map()
    assert result.action_at(60, 10) == 1
    assert type(result.action_at(60, 10)) is int
    np.testing.assert_array_equal(result.action_at([10, 60, 60], [10, 10, 40]), [0, 1, 0])
    np.testing.assert_array_equal(result.probabilities_at(60, 10), [0.0, 1.0])
    with pytest.raises(ValueError, match="desired_return must lie in"):
        result.action_at(101, 10)


@pytest.mark.parametrize("name", ["random forest", "extra trees", "gradient boosting", "ada boost over deeper trees"])
def test_the_map_agrees_with_the_policy_on_ten_thousand_commands(name):
    policy, states = fitted((AVERAGED | BOOSTED)[name], 3)
    rng = np.random.default_rng(5)
    for state in states[:2]:
        result = command_map(policy, state, **PLANE)
        commands = commands_around(result.cells, rng, 8000, 2000)
        theirs = asked(policy, state, commands)
        np.testing.assert_array_equal(result.action_at(*commands.T), greedy_actions(theirs))
        np.testing.assert_array_equal(result.probabilities_at(*commands.T), theirs)
        share = np.bincount(greedy_actions(theirs)[:8000], minlength=3) / 8000
        np.testing.assert_allclose(result.area_share, share, atol=4 * np.sqrt(0.25 / 8000))


def test_margin_is_between_the_first_two():
    policy = forest_policy([(RETURN, 40.0, [0.5, 0.2, 0.3], [0.1, 0.3, 0.6])])
    np.testing.assert_allclose(command_map(policy, [0.0], (0, 100), (1, 50)).margin[:, 0], [0.2, 0.3])


def test_a_map_that_disagrees_with_its_policy_is_not_given_out(monkeypatch):
    def wrong_cells(*arguments, **options):
        cells = command_cells(*arguments, **options)
        return replace(cells, actions=1 - cells.actions, probabilities=cells.probabilities[:, :, ::-1].copy())

    monkeypatch.setattr(module, "command_cells", wrong_cells)
    with pytest.raises(SelfCheckError, match=r"at return .* the map gives .* the policy"):
        corner_map()


def test_arguments_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"returns must be \(low, high\)"):
        command_map(corner_policy(), [0.0], (5, 5), (1, 50))
    with pytest.raises(ValueError, match="state must be one observation"):
        command_map(corner_policy(), [0.0, 1.0, 2.0], (0, 5), (1, 50))


# --- the nearest change -----------------------------------------------------------------------------------------


def test_nearest_change_of_a_known_corner():
    change = corner_map().nearest_change((20.0, 40.0), (10.0, 5.0))
    assert (change.action_from, change.action_to) == (0, 1)
    assert change.command_from == Command(20.0, 40.0)
    assert change.command_to == Command(np.nextafter(EDGE_40, np.inf), EDGE_30)
    np.testing.assert_allclose(change.infimum, np.hypot((EDGE_40 - 20) / 10, (40 - EDGE_30) / 5), rtol=1e-15)
    assert 0 <= change.distance - change.infimum < 1e-14
    assert change.along_return is None
    assert change.along_horizon is None
    assert change.disc_in_plane is False  # 2.8 spreads of 10 reach below return 0
    assert change.exact


def test_nearest_change_along_one_command():
    change = corner_map().nearest_change(Command(60.0, 40.0), (10.0, 5.0))
    assert change.along_return is None
    assert change.along_horizon.command == Command(60.0, EDGE_30)
    assert change.along_horizon.distance == change.along_horizon.infimum == (40 - EDGE_30) / 5
    assert change.command_to == change.along_horizon.command
    assert change.disc_in_plane  # 2 spreads: returns 40..80, horizons 30..50
    back = corner_map().nearest_change((60.0, 20.0), (10.0, 5.0))
    assert back.along_return.command == Command(EDGE_40, 20.0)
    assert back.along_horizon.command == Command(60.0, np.nextafter(EDGE_30, np.inf))


def test_the_spread_decides_which_flip_is_nearest():
    result = corner_map()
    assert result.nearest_change((60.0, 20.0), (1000.0, 1.0)).command_to.desired_return == EDGE_40
    assert result.nearest_change((60.0, 20.0), (1.0, 1000.0)).command_to.desired_return == 60.0


def test_on_an_edge_the_other_action_is_one_float64_step_away():
    change = corner_map().nearest_change((EDGE_40, 10.0), (1.0, 1.0))
    assert change.infimum == 0.0
    assert change.command_to == Command(np.nextafter(EDGE_40, np.inf), 10.0)
    assert 0 < change.distance < 1e-14
    inside = corner_map().nearest_change((np.nextafter(EDGE_40, np.inf), 10.0), (1.0, 1.0))
    assert inside.command_to == Command(EDGE_40, 10.0)
    assert inside.infimum == inside.distance > 0


def test_the_action_looked_for_can_be_chosen():
    tree = (RETURN, 40.0, [1, 0, 0], (RETURN, 60.0, [0, 1, 0], [0, 0, 1]))
    result = command_map(forest_policy([tree]), [0.0], (0, 100), (1, 50))
    assert result.nearest_change((10.0, 10.0), (1.0, 1.0)).action_to == 1
    assert result.nearest_change((10.0, 10.0), (1.0, 1.0), action=2).command_to.desired_return > 60
    with pytest.raises(ValueError, match=r"action must be one of 0..2 other than the present action 0, got 0"):
        result.nearest_change((10.0, 10.0), (1.0, 1.0), action=0)
    with pytest.raises(ValueError, match="got 3"):
        result.nearest_change((10.0, 10.0), (1.0, 1.0), action=3)


def test_a_policy_blind_to_its_command_has_no_nearest_change():
    inputs, actions = training_rows()
    blind = inputs * [1, 1, 1, 1, 0, 0]
    policy = policy_from_estimator(RandomForestClassifier(10, random_state=0).fit(blind, actions), 2)
    result = command_map(policy, inputs[0, :-2], **PLANE)
    assert result.n_cells == 1
    assert result.nearest_change((100.0, 100.0), METRIC) is None
    frame = result.nearest_frame((100.0, 100.0), METRIC)
    assert not frame["found"].any()
    assert frame[["to_return", "distance", "action_to"]].isna().all(axis=None)


@pytest.mark.parametrize("name", ["random forest", "extra trees", "gradient boosting"])
def test_nothing_sampled_flips_nearer_than_the_certificate(name):
    policy, states = fitted((AVERAGED | BOOSTED)[name], 3)
    rng = np.random.default_rng(2)
    n_checked = 0
    for state in states[:6]:
        result = command_map(policy, state, **PLANE)
        command = np.array([rng.uniform(*PLANE["returns"]), rng.uniform(*PLANE["horizons"])])
        change = result.nearest_change(tuple(command), METRIC)
        if change is None:
            continue
        n_checked += 1
        away = rng.normal(size=(4000, 2))
        away /= np.linalg.norm(away, axis=1, keepdims=True)
        # Samples fill the disc up to a little beyond the certificate.
        near = command + away * np.sqrt(rng.random((4000, 1))) * change.infimum * 1.1 * np.array(METRIC)
        inside = (near >= [0, 1]).all(axis=1) & (near <= [220, 200]).all(axis=1)
        flips = greedy_actions(asked(policy, state, near[inside])) != change.action_from
        distances = np.hypot(*((near[inside] - command) / METRIC).T)
        assert not flips[distances < change.infimum * (1 - 1e-12)].any()
        to = (change.command_to.desired_return, change.command_to.desired_horizon)
        assert greedy_actions(asked(policy, state, [to]))[0] == change.action_to != change.action_from
        np.testing.assert_allclose(change.distance, np.hypot(*((np.array(to) - command) / METRIC)), rtol=1e-14)
    assert n_checked >= 4


@example(0.0, 1.0, 1.0, 1.0, 0, 1)  # the lowest corner belongs to the first cell on both axes
@settings(deadline=None, max_examples=40)
@given(
    st.floats(0, 220),
    st.floats(1, 200),
    st.floats(1e-3, 1e3),
    st.floats(1e-3, 1e3),
    st.integers(0, 20),
    st.integers(0, 2),
)
def test_nearest_change_is_the_least_over_all_cells(r, h, unit_r, unit_h, seed, n_trees):
    policy, states = fitted(lambda: RandomForestClassifier(n_trees + 1, max_depth=5, random_state=seed), 3)
    result = command_map(policy, states[seed], **PLANE)
    change = result.nearest_change((r, h), (unit_r, unit_h))
    own = greedy_actions(asked(policy, states[seed], [[r, h]]))[0]
    both = slow_nearest(result, (r, h), lambda a: a != own, (unit_r, unit_h))
    if change is None:
        assert both == np.inf
        return
    np.testing.assert_allclose(change.infimum, both, rtol=1e-14, atol=0)
    assert change.infimum <= change.distance * (1 + 1e-15)
    # The command reached is at most one float64 step on each axis inside an open edge.
    steps = [np.spacing(max(abs(r), 220)) / unit_r, np.spacing(200.0) / unit_h]
    assert change.distance <= both * (1 + 1e-12) + np.hypot(*steps)
    for along, free in ((change.along_return, (True, False)), (change.along_horizon, (False, True))):
        slow = slow_nearest(result, (r, h), lambda a: a != own, (unit_r, unit_h), free)
        assert (along is None) == (slow == np.inf)
        if along is not None:
            np.testing.assert_allclose(along.infimum, slow, rtol=1e-14, atol=0)
            assert along.distance >= change.distance
            kept = (along.command.desired_horizon, h) if free[0] else (along.command.desired_return, r)
            assert kept[0] == kept[1]


@pytest.mark.parametrize("metric", [(0.0, 1.0), (1.0, -1.0), (1.0, np.nan), (1.0,), (np.inf, 1.0)])
def test_spreads_must_be_two_positive_numbers(metric):
    with pytest.raises(ValueError, match="metric must be"):
        corner_map().nearest_change((20.0, 40.0), metric)


def test_a_command_outside_the_plane_is_refused():
    with pytest.raises(ValueError, match=r"desired_horizon must lie in the plane's range \[0, 50\], got 60.0"):
        corner_map().nearest_change((20.0, 60.0), METRIC)
    with pytest.raises(ValueError, match="command must be"):
        corner_map().nearest_change((20.0, 60.0, 1.0), METRIC)


def test_a_change_that_the_policy_does_not_confirm_is_not_given_out():
    result = replace(corner_map(), policy=forest_policy([[1.0, 0.0]]))
    with pytest.raises(SelfCheckError, match=r"gives action 1 .* the policy 0"):
        result.nearest_change((20.0, 40.0), METRIC)


# --- other policies ---------------------------------------------------------------------------------------------


def sloped_policy():
    """A net of two actions: the second wins where desired return is above desired horizon."""
    weights = np.array([[0.0], [1.0], [-1.0]])
    return NeuralPolicy((weights,), (np.zeros(1),), np.array([0, 1]), 2, "identity", CommandScale())


def test_a_net_is_looked_at_on_a_stated_grid():
    result = command_map(sloped_policy(), [0.0], (0, 100), (1, 101), grid=(10, 20))
    assert not result.exact
    assert result.method == "grid of 10 x 20 commands"
    centres = np.stack(np.meshgrid(5 + 10 * np.arange(10), 3.5 + 5 * np.arange(20), indexing="ij"), axis=-1)
    np.testing.assert_array_equal(result.actions, centres[..., 0] > centres[..., 1])
    assert abs(result.area_share[1] - 0.5) < 0.06
    assert set(result.to_frame()["method"]) == {"grid of 10 x 20 commands"}
    assert not result.to_frame()["exact"].any()


def test_the_nearest_change_of_a_net_is_over_grid_points_and_certifies_nothing():
    policy = sloped_policy()
    result = command_map(policy, [0.0], (0, 100), (1, 101))
    change = result.nearest_change((20.0, 60.0), (10.0, 10.0))
    assert (change.action_from, change.action_to) == (0, 1)
    assert change.infimum is None
    assert not change.exact
    np.testing.assert_allclose(change.distance, np.sqrt(8), atol=0.15)  # the line return = horizon is 40/sqrt(2) away
    np.testing.assert_allclose(change.along_return.command.desired_return, 60.0, atol=1.0)
    assert change.along_return.command.desired_horizon == 60.0
    np.testing.assert_allclose(change.along_horizon.command.desired_horizon, 20.0, atol=1.0)
    to = change.command_to
    assert greedy_actions(asked(policy, [0.0], [[to.desired_return, to.desired_horizon]]))[0] == 1
    frame = as_csv(result.nearest_frame((20.0, 60.0), (10.0, 10.0)))
    assert frame["infimum"].isna().all()


def test_the_lines_through_the_command_count_on_a_grid_too():
    # The grid's nearest point of the other action is 10 in return away; straight down from the command it is less.
    result = command_map(sloped_policy(), [0.0], (0, 100), (1, 101), grid=(3, 3))
    change = result.nearest_change((40.0, 45.0), (1.0, 100.0))
    np.testing.assert_allclose(change.distance, (45 - (1 + 100 / 6)) / 100)
    assert change.command_to == change.along_horizon.command


def test_a_fitted_net_and_an_estimator_without_probabilities():
    inputs, actions = training_rows()
    net = MLPClassifier((4,), random_state=0, solver="lbfgs", max_iter=200).fit(inputs / 100, actions)
    result = command_map(policy_from_estimator(net, 2, 0.01, 0.01), inputs[0, :-2], **PLANE, grid=(5, 6))
    assert result.actions.shape == (5, 6)
    votes = policy_from_estimator(LinearSVC(random_state=0).fit(inputs / 100, actions), 2, 0.01, 0.01)
    result = command_map(votes, inputs[0, :-2], **PLANE, grid=(5, 6))
    assert result.method == "grid of 5 x 6 commands, one-hot predictions"
    assert set(np.unique(result.probabilities)) == {0.0, 1.0}


# --- the frames -------------------------------------------------------------------------------------------------


def test_the_frame_redraws_the_map_and_stays_small():
    policy, states = fitted(lambda: RandomForestClassifier(60, random_state=0), 3)
    policy = replace(policy, action_names=("a", "b", "c"))
    result = command_map(policy, states[1], **PLANE)
    written = result.to_frame().to_csv(index=False)
    frame = as_csv(result.to_frame())
    assert tuple(frame.columns) == COLUMNS
    assert len(np.unique(frame["action"])) > 1
    assert len(written) < 1_000_000
    assert frame["n_cells"].sum() == result.n_cells > len(frame)
    area = (frame["return_high"] - frame["return_low"]) * (frame["horizon_high"] - frame["horizon_low"])
    share = area.groupby(frame["action"]).sum() / area.sum()
    np.testing.assert_allclose(share.reindex(range(3), fill_value=0), result.area_share, rtol=1e-12)
    for command in commands_around(result.cells, np.random.default_rng(0), 60, 60):
        (r, h), box = command, frame
        box = box[(box["return_low"] < r) & (r <= box["return_high"]) & (box["horizon_low"] < h)]
        box = box[h <= box["horizon_high"]]
        if len(box):  # commands on the plane's lower ends lie in no half-open rectangle
            assert len(box) == 1
            assert box["action"].iloc[0] == result.action_at(r, h)
            assert box["action_name"].iloc[0] == "abc"[result.action_at(r, h)]
    largest = frame.loc[area.idxmax()]
    inside = (result.cells.return_centres > largest["return_low"]) & (
        result.cells.return_centres < largest["return_high"]
    )
    across = (result.cells.horizon_centres > largest["horizon_low"]) & (
        result.cells.horizon_centres < largest["horizon_high"]
    )
    cells = np.ix_(inside, across)
    weights, probabilities = result.cells.areas[cells], result.probabilities[cells][..., largest["action"]]
    np.testing.assert_allclose(largest["probability"], (weights * probabilities).sum() / weights.sum(), rtol=1e-9)
    np.testing.assert_allclose(
        largest["margin"], (weights * result.margin[cells]).sum() / weights.sum(), rtol=1e-9, atol=1e-12
    )


def test_a_rectangle_without_area_still_has_its_probability():
    policy = forest_policy([(RETURN, 40.0, [0.8, 0.2], [0.1, 0.9])])
    frame = command_map(policy, [0.0], (EDGE_40, 100), (1, 50)).to_frame()
    np.testing.assert_array_equal(frame["probability"], [0.8, 0.9])
    np.testing.assert_array_equal(frame["return_low"], frame["return_high"].iloc[0])


def test_shares_name_every_action():
    tree = (RETURN, 40.0, [0.75, 0.25, 0], (HORIZON, 30.0, [0, 1, 0], [0, 0.5, 0.25]))
    frame = command_map(forest_policy([tree]), [0.0], (0, 100), (0, 50)).share_frame()
    assert tuple(frame.columns) == SHARE_COLUMNS
    np.testing.assert_allclose(frame["area_share"], [0.4, 0.6, 0.0], atol=1e-6)
    np.testing.assert_array_equal(frame["n_cells"], [2, 2, 0])
    np.testing.assert_allclose(frame["probability"], [0.75, 0.8, np.nan], atol=1e-6)
    np.testing.assert_allclose(frame["margin"], [0.5, 0.7, np.nan], atol=1e-6)


def test_the_nearest_frame_says_all_three():
    frame = as_csv(corner_map().nearest_frame((60.0, 40.0), (10.0, 5.0)))
    assert tuple(frame.columns) == NEAREST_COLUMNS
    assert list(frame["change"]) == ["both", "desired_return", "desired_horizon"]
    assert list(frame["found"]) == [True, False, True]
    assert set(frame["action_from_name"]) == {"action 0"}
    np.testing.assert_array_equal(frame["to_horizon"], [EDGE_30, np.nan, EDGE_30])
    np.testing.assert_array_equal(frame["action_to"], [1, np.nan, 1])
    np.testing.assert_array_equal(frame["infimum"], [(40 - EDGE_30) / 5, np.nan, (40 - EDGE_30) / 5])
    assert frame["exact"].all()
