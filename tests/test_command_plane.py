import numpy as np
import pytest
from command_plane_helpers import (
    EDGE_30,
    EDGE_40,
    HORIZON,
    OBSERVATION,
    RETURN,
    asked,
    commands_around,
    corner_policy,
    forest_policy,
)
from core_helpers import AVERAGED, BOOSTED, scaled, training_rows
from hypothesis import given, settings
from hypothesis import strategies as st
from path_helpers import fingerprint
from sklearn.svm import SVC

from udrl_explain.command_space import cells as command_plane
from udrl_explain.command_space.cells import CommandCells, command_cells, grid_cells
from udrl_explain.command_space.rectangles import merged_rectangles
from udrl_explain.policies import greedy_actions, policy_from_estimator

PLANE = {"returns": (-20.0, 260.0), "horizons": (1.0, 220.0)}


def fitted(make, n_actions=2, scale=(0.02, 0.02), noise=0.1):
    inputs, actions = training_rows(actions=range(n_actions), noise=noise)
    policy = policy_from_estimator(make().fit(scaled(inputs, *scale), actions), n_actions, *scale)
    return policy, inputs[:, :-2]


def assert_equals_policy(policy, state, cells, commands):
    theirs = asked(policy, state, commands)
    np.testing.assert_array_equal(cells.probabilities_at(commands[:, 0], commands[:, 1]), theirs)
    np.testing.assert_array_equal(cells.actions_at(commands[:, 0], commands[:, 1]), greedy_actions(theirs))


@pytest.mark.parametrize("scale", [(0.02, 0.02), (1.0, 1.0), (0.0137, 3.3), (1e-6, 7e4)])
@pytest.mark.parametrize("name", [*AVERAGED, *BOOSTED])
def test_cells_are_the_policy_everywhere(name, scale):
    policy, states = fitted((AVERAGED | BOOSTED)[name], 3 if name != "boosting with exponential loss" else 2, scale)
    rng = np.random.default_rng(0)
    n_cells = 0
    for state in states[:4]:
        cells = command_cells(policy, state, **PLANE)
        n_cells = max(n_cells, cells.actions.size)
        assert_equals_policy(policy, state, cells, commands_around(cells, rng))
    assert n_cells > 1  # else the test says nothing


def test_four_actions_of_which_one_was_never_seen():
    inputs, actions = training_rows(actions=(0, 2, 3))
    policy = policy_from_estimator(AVERAGED["random forest"]().fit(inputs, actions), 4)
    cells = command_cells(policy, inputs[0, :-2], **PLANE)
    assert cells.probabilities.shape[2] == 4
    assert not cells.probabilities[:, :, 1].any()
    assert_equals_policy(policy, inputs[0, :-2], cells, commands_around(cells, np.random.default_rng(1)))


def test_edges_of_a_known_forest_are_the_last_numbers_that_float32_rounds_down():
    policy = corner_policy()
    cells = command_cells(policy, [0.0], returns=(0, 100), horizons=(1, 50))
    np.testing.assert_array_equal(cells.return_edges, [0, EDGE_40, 100])
    np.testing.assert_array_equal(cells.horizon_edges, [1, EDGE_30, 50])
    np.testing.assert_array_equal(cells.actions, [[0, 0], [1, 0]])
    # The comparison is made in float32: a number above 40 still goes left.
    assert asked(policy, [0.0], [[EDGE_40, 10.0]])[0, 0] == 1.0
    assert asked(policy, [0.0], [[np.nextafter(EDGE_40, np.inf), 10.0]])[0, 0] == 0.0


def test_state_conditions_that_do_not_hold_leave_one_cell():
    cells = command_cells(corner_policy(), [0.6], returns=(0, 100), horizons=(1, 50))
    np.testing.assert_array_equal(cells.probabilities, [[[1.0, 0.0]]])


def test_the_state_is_compared_in_float32_too():
    just_above = 0.5 + 1e-9  # float32 rounds it to 0.5, which goes left
    assert command_cells(corner_policy(), [just_above], returns=(0, 100), horizons=(1, 50)).actions.shape == (2, 2)


def test_forest_of_single_leaves_is_one_cell():
    cells = command_cells(forest_policy([[0.25, 0.75], [0.5, 0.5]]), [0.0], **PLANE)
    np.testing.assert_array_equal(cells.return_edges, PLANE["returns"])
    np.testing.assert_array_equal(cells.probabilities, [[[0.375, 0.625]]])
    assert cells.margin == 0.25


def test_the_lowest_command_may_have_a_cell_of_its_own():
    policy = forest_policy([(RETURN, 40.0, [1.0, 0.0], [0.0, 1.0])])
    cells = command_cells(policy, [0.0], returns=(EDGE_40, 100), horizons=(1, 50))
    np.testing.assert_array_equal(cells.return_edges, [EDGE_40, EDGE_40, 100])
    np.testing.assert_array_equal(cells.actions_at([EDGE_40, np.nextafter(EDGE_40, np.inf), 100], 10), [0, 1, 1])
    assert cells.areas[0, 0] == 0.0


@pytest.mark.parametrize(("returns", "shape"), [((0, EDGE_40), (1, 1)), ((0, 40.5), (2, 1)), ((41, 50), (1, 1))])
def test_edges_outside_the_plane_cut_nothing(returns, shape):
    policy = forest_policy([(RETURN, 40.0, [1.0, 0.0], [0.0, 1.0])])
    cells = command_cells(policy, [0.0], returns=returns, horizons=(1, 50))
    assert cells.actions.shape == shape
    assert cells.actions_at(returns[1], 10) == greedy_actions(asked(policy, [0.0], [[returns[1], 10.0]]))[0]


def test_tests_that_contradict_one_another_hold_no_cell():
    inner = (RETURN, 60.0, [0.0, 0.0, 1.0], [0.0, 0.0, 1.0])
    never = (RETURN, 10.0, [1.0, 0.0, 0.0], (RETURN, 5.0, [0.0, 1.0, 0.0], inner))
    cells = command_cells(forest_policy([never]), [0.0], returns=(0, 100), horizons=(1, 50))
    assert sorted(np.unique(cells.actions)) == [0, 2]


def test_ties_go_to_the_lowest_action():
    trees = [(RETURN, 40.0, [0.0, 0.5, 0.5], [0.5, 0.0, 0.5]), [0.0, 0.0, 0.0]]
    cells = command_cells(forest_policy(trees), [0.0], returns=(0, 100), horizons=(1, 50))
    np.testing.assert_array_equal(cells.actions[:, 0], [1, 0])
    np.testing.assert_array_equal(cells.margin, 0.0)


def test_sums_are_made_in_the_order_of_the_trees():
    # 0.1 + 0.2 + 0.3 is not 0.3 + 0.2 + 0.1 in float64: any other order would give another last bit here.
    trees = [(RETURN, 40.0, [0.1, 0.3], [0.3, 0.1]), [0.2, 0.2], (HORIZON, 30.0, [0.3, 0.1], [0.1, 0.3])]
    policy = forest_policy(trees, link="softmax", base=[1e-3, 0.0])
    cells = command_cells(policy, [0.0], returns=(0, 100), horizons=(1, 50))
    for probe in ([20.0, 10.0], [60.0, 10.0], [20.0, 40.0], [60.0, 40.0]):
        np.testing.assert_array_equal(cells.probabilities_at(*probe), asked(policy, [0.0], [probe])[0])
    assert 0.1 + 0.2 + 0.3 != 0.3 + 0.2 + 0.1


def test_an_action_that_boosting_never_saw_keeps_probability_zero():
    policy = forest_policy([(RETURN, 40.0, [1.0, 0.0, 0.5], [0.0, 0.0, 2.0])], link="softmax", base=[0, -np.inf, 0])
    cells = command_cells(policy, [0.0], returns=(0, 100), horizons=(1, 50))
    assert not cells.probabilities[:, :, 1].any()
    np.testing.assert_array_equal(cells.actions[:, 0], [0, 2])


def test_blocks_and_threads_change_nothing(monkeypatch):
    policy, states = fitted(AVERAGED["extra trees"])
    whole = command_cells(policy, states[0], **PLANE)
    monkeypatch.setattr(command_plane, "BLOCK_VALUES", 1)
    parts = command_cells(policy, states[0], **PLANE)
    assert len(whole.return_edges) > 20
    np.testing.assert_array_equal(whole.probabilities, parts.probabilities)


def test_the_policy_is_left_as_it_was_and_results_are_read_only():
    policy, states = fitted(AVERAGED["random forest"])
    before, state = fingerprint(policy), states[0].copy()
    cells = command_cells(policy, state, **PLANE)
    assert fingerprint(policy) == before
    np.testing.assert_array_equal(state, states[0])
    with pytest.raises(ValueError, match="read-only"):
        cells.probabilities[0, 0, 0] = 1.0


def test_lookups_broadcast_and_refuse_commands_outside():
    cells = command_cells(corner_policy(), [0.0], returns=(0, 100), horizons=(1, 50))
    np.testing.assert_array_equal(cells.actions_at([[10.0], [60.0]], [10.0, 40.0]), [[0, 0], [1, 0]])
    assert cells.probabilities_at([[10.0], [60.0]], [10.0, 40.0]).shape == (2, 2, 2)
    with pytest.raises(ValueError, match=r"desired_return must lie in .*\[0, 100\], got 100.5"):
        cells.actions_at([1.0, 100.5], 10.0)
    with pytest.raises(ValueError, match=r"desired_horizon must lie in .*\[1, 50\], got 0.5"):
        cells.actions_at(10.0, 0.5)
    with pytest.raises(ValueError, match="desired_return must lie in"):
        cells.actions_at(np.nan, 10.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"returns": (1.0, 1.0)}, r"returns must be \(low, high\)"),
        ({"returns": (2.0, 1.0)}, r"returns must be \(low, high\)"),
        ({"horizons": (1.0, np.inf)}, r"horizons must be \(low, high\)"),
        ({"horizons": (np.nan, 2.0)}, r"horizons must be \(low, high\)"),
        ({"returns": (1.0, 2.0, 3.0)}, r"returns must be \(low, high\)"),
        ({"returns": (0.0, 1e39)}, "float32"),
        ({"state": [0.0, 1.0]}, r"state must be one observation of shape \(1,\).*\(2,\)"),
        ({"state": [[0.0]]}, r"state must be one observation"),
        ({"state": [np.nan]}, "finite"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    arguments = {"state": [0.0], "returns": (0.0, 100.0), "horizons": (1.0, 50.0)} | change
    with pytest.raises(ValueError, match=message):
        command_cells(corner_policy(), **arguments)


def test_a_plane_too_big_for_memory_is_refused(monkeypatch):
    monkeypatch.setattr(command_plane, "MAX_VALUES", 7)
    with pytest.raises(ValueError, match=r"2 x 2 cells of 2 actions.*narrow returns or horizons"):
        command_cells(corner_policy(), [0.0], returns=(0, 100), horizons=(1, 50))


def test_other_policies_are_sent_to_the_grid():
    inputs, actions = training_rows(60)
    policy = policy_from_estimator(SVC(random_state=0).fit(inputs, actions), 2)
    with pytest.raises(ValueError, match=r"needs a forest policy, got EstimatorPolicy.*grid"):
        command_cells(policy, inputs[0, :-2], **PLANE)


def test_grid_cells_hold_the_policy_at_their_centres():
    policy, states = fitted(AVERAGED["random forest"])
    cells = grid_cells(policy, states[0], (0.0, 200.0), (1.0, 201.0), (4, 5))
    np.testing.assert_array_equal(cells.return_edges, [0, 50, 100, 150, 200])
    np.testing.assert_array_equal(cells.horizon_centres, [21, 61, 101, 141, 181])
    np.testing.assert_array_equal(cells.probabilities[2, 3], asked(policy, states[0], [[125.0, 141.0]])[0])


@pytest.mark.parametrize("grid", [(0, 5), (5,), (2.0, 3.0), (5, -1)])
def test_grid_must_be_two_counts(grid):
    policy, states = fitted(AVERAGED["decision tree"])
    with pytest.raises(ValueError, match="grid must be"):
        grid_cells(policy, states[0], (0.0, 200.0), (1.0, 201.0), grid)


def test_cells_refuse_arrays_that_do_not_fit():
    edges, probabilities, actions = np.array([0.0, 1.0]), np.ones((1, 1, 2)), np.zeros((1, 1), dtype=np.int64)
    with pytest.raises(ValueError, match=r"edges make \(2, 1\) cells"):
        CommandCells(np.array([0.0, 1.0, 2.0]), edges, probabilities, actions)
    with pytest.raises(ValueError, match="horizon_edges must ascend"):
        CommandCells(edges, np.array([1.0, 1.0]), probabilities, actions)


NUMBERS = st.sampled_from([0.0, -3.0, 1.0, 10.0, 10.000001, 9.999999, 40.0, 1 / 3, 1e-3, 59.7])
TREES = st.recursive(
    st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0, 0.1]), min_size=3, max_size=3),
    lambda tree: st.tuples(st.sampled_from([OBSERVATION, RETURN, HORIZON, RETURN, HORIZON]), NUMBERS, tree, tree),
    max_leaves=8,
)


@settings(deadline=None, max_examples=120)
@given(
    trees=st.lists(TREES, min_size=1, max_size=5),
    scale=st.tuples(*[st.sampled_from([1.0, 0.02, 0.3, 1e3])] * 2),
    link=st.sampled_from(["mean", "softmax"]),
    low=st.sampled_from([-5.0, 0.0, 10.0, 1e-3]),
    data=st.data(),
)
def test_any_forest_and_every_corner_of_its_cells(trees, scale, link, low, data):
    policy = forest_policy(trees, link=link, scale=scale)
    state = [data.draw(NUMBERS)]
    cells = command_cells(policy, state, returns=(low, 3000.0), horizons=(low / 2, 70.0))
    sides = [
        np.clip(np.concatenate([e, np.nextafter(e, np.inf), np.nextafter(e, -np.inf)]), e[0], e[-1])
        for e in (cells.return_edges, cells.horizon_edges)
    ]
    commands = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
    assert_equals_policy(policy, state, cells, commands)


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4), st.integers(0, 1000))
def test_merged_rectangles_tile_the_cells(n_r, n_h, n_actions, seed):
    actions = np.random.default_rng(seed).integers(n_actions, size=(n_r, n_h))
    rectangles, labels = merged_rectangles(actions)
    painted = np.zeros(actions.shape, dtype=int)
    for k, (r0, r1, h0, h1) in enumerate(rectangles):
        painted[r0:r1, h0:h1] += 1
        assert (labels[r0:r1, h0:h1] == k).all()
        assert len(np.unique(actions[r0:r1, h0:h1])) == 1
    assert (painted == 1).all()
    assert len(rectangles) <= actions.size
    if n_actions == 1:
        assert len(rectangles) == 1
