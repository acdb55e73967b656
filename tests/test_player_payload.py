import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from core_helpers import AVERAGED, BOOSTED, rows_at_thresholds, tiny_run, training_rows
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from player_helpers import answers_of, numbers_of
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier

from udrl_explain import load_run, policy_from_estimator
from udrl_explain.command_space.plane_ends import including, plane_ends
from udrl_explain.command_space.support import fitted_commands
from udrl_explain.commands import Command, NoCommand
from udrl_explain.forest import LEAF, Forest
from udrl_explain.player.blocks import block, short_block, whole_block
from udrl_explain.player.check_rows import N_ROWS, check_rows
from udrl_explain.player.options import PlayerOptions
from udrl_explain.player.payload import background_of
from udrl_explain.player.policy_blocks import policy_blocks, why_not
from udrl_explain.policies import ForestPolicy
from udrl_explain.trees.float32_edges import float32_below

SINGLE = st.floats(width=32, allow_nan=False)
FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(SINGLE, FINITE)
def test_a_threshold_rounded_down_parts_float32_numbers_as_it_did(x, threshold):
    x, (lower,) = np.float32(x), float32_below(np.array([threshold]))
    assert (np.float64(x) <= threshold) == (x <= lower)


@given(SINGLE.filter(np.isfinite), st.sampled_from((-np.inf, np.inf)))
def test_so_does_one_right_beside_the_number(x, direction):
    x, threshold = np.float32(x), np.nextafter(np.float64(x), direction)
    (lower,) = float32_below(np.array([threshold]))
    with np.errstate(over="ignore", under="ignore"):
        neighbours = (np.nextafter(x, np.float32(-np.inf)), x, np.nextafter(x, np.float32(np.inf)))
    for neighbour in neighbours:
        assert (np.float64(neighbour) <= threshold) == (neighbour <= lower)


def test_thresholds_beyond_float32_part_nothing():
    assert float32_below(np.array([-1e300, 1e300])).tolist() == [-np.inf, float(np.finfo(np.float32).max)]


def fitted(estimator, actions=(0, 1), n_actions=2, n_features=6):
    inputs, labels = training_rows(n_features=n_features, actions=actions)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a net that has not converged is a net
        estimator.fit(_scaled(inputs), labels)
    return policy_from_estimator(estimator, n_actions, return_scale=0.02, horizon_scale=0.03)


def _scaled(inputs):
    scaled = inputs.copy()
    scaled[:, -2] *= 0.02
    scaled[:, -1] *= 0.03
    return scaled


@pytest.mark.parametrize("name", [*AVERAGED, *BOOSTED])
@pytest.mark.parametrize("actions", [(0, 1), (2, 0, 3)])
def test_a_forest_comes_back_from_its_blocks(name, actions):
    if "exponential" in name and len(actions) > 2:
        pytest.skip("the exponential loss knows two classes")
    policy = fitted((AVERAGED | BOOSTED)[name](), actions, 4)
    rows = np.concatenate(
        [training_rows(40, seed=3)[0], rows_at_thresholds(policy.forest, 6)[:60] / [1, 1, 1, 1, 0.02, 0.03]]
    )
    blocks, theirs = policy_blocks(policy), policy.action_probabilities(rows)
    mine = answers_of(blocks, rows)
    if policy.forest.link == "mean":
        assert mine.tobytes() == theirs.tobytes()
    else:
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-12)


def test_nodes_in_another_order_come_back_too():
    """Breadth first: children stand together, behind their parents."""
    left, right = [1, 3, -1, -1, -1], [2, 4, -1, -1, -1]
    shares = np.array([[0.5, 0.5], [0.25, 0.75], [1.0, 0.0], [0.0, 1.0], [1 / 3, 2 / 3]])
    forest = Forest(
        np.array([0], np.int32), np.array(left, np.int32), np.array(right, np.int32),
        np.array([0, 2, LEAF, LEAF, LEAF], np.int32), np.array([0.5, 1.5, 0, 0, 0]), shares,
        np.array([8.0, 4, 4, 1, 3]), np.zeros(5), np.zeros(2), 3, "mean",
    )  # fmt: skip
    policy = ForestPolicy(forest)
    rows = np.array([[a, b, c] for a in (0.0, 1.0) for b in (1.0,) for c in (1.0, 2.0)])
    assert answers_of(policy_blocks(policy), rows).tobytes() == policy.action_probabilities(rows).tobytes()
    assert numbers_of(policy_blocks(policy)["forest"]["is_leaf"]).tolist() == [0, 0, 1, 1, 1]


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("actions", [(0, 1), (2, 0, 3)])
def test_a_net_comes_back_from_its_blocks(activation, actions):
    policy = fitted(MLPClassifier((5, 4), activation=activation, max_iter=20, random_state=0), actions, 4)
    rows = training_rows(50, seed=3)[0]
    mine = answers_of(policy_blocks(policy), rows)
    np.testing.assert_allclose(mine, policy.action_probabilities(rows), rtol=0, atol=1e-12)
    for layer, weights in zip(policy_blocks(policy)["net"]["weights"], policy.weights, strict=True):
        assert numbers_of(layer).tobytes() == weights.tobytes()


def test_what_a_browser_cannot_evaluate_is_refused_by_name():
    policy = fitted(KNeighborsClassifier(3))
    assert "KNeighborsClassifier" in why_not(policy)
    with pytest.raises(ValueError, match="KNeighborsClassifier"):
        policy_blocks(policy)


def test_a_policy_without_a_command_is_refused():
    policy = fitted(AVERAGED["decision tree"]())
    assert why_not(policy) == ""
    assert "takes no command" in why_not(ForestPolicy(policy.forest, NoCommand()))


@given(arrays(np.float64, st.tuples(st.integers(0, 7), st.integers(1, 3)), elements=st.floats(allow_nan=False)))
def test_a_block_gives_every_bit_back(array):
    for packed in (block(array), short_block(array)):
        back = numbers_of(packed).astype(np.float64)
        assert back.shape == array.shape
        assert back.tobytes() == array.tobytes()


@given(arrays(np.int64, st.integers(0, 9), elements=st.integers(0, 2**32 - 1)))
def test_whole_numbers_take_few_bytes(array):
    packed = whole_block(array)
    assert numbers_of(packed).tolist() == array.tolist()
    assert np.dtype(packed["dtype"]).itemsize <= (1 if array.max(initial=0) < 256 else 4)


def test_a_number_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="do not fit f4"):
        block(np.array([0.1]), "f4")
    with pytest.raises(ValueError, match="holds one of"):
        block(np.array([1]), "i8")


def test_check_rows_lie_on_thresholds_and_are_the_same_every_time(tiny_place):
    run = load_run(tiny_place / "data/CartPole-v0/trees/1")
    ends = plane_ends(fitted_commands(run.training_inputs), run.config.env_name)
    rows = check_rows(run, ends, 0)
    assert rows.shape == (N_ROWS, 6)
    assert rows.tobytes() == check_rows(run, ends, 0).tobytes()
    assert rows.tobytes() != check_rows(run, ends, 1).tobytes()
    assert (rows[:, -1] >= 1).all()
    forest, last = run.policy.forest, run.policy.tree_inputs(rows[-100:])
    edges = float32_below(forest.threshold[~forest.is_leaf])
    feature = forest.feature[~forest.is_leaf]
    beyond = np.nextafter(edges, np.float32(np.inf))
    at = np.array([any(np.isin(row[j], edges[feature == j]) for j in range(6)) for row in last])
    above = np.array([any(np.isin(row[j], beyond[feature == j]) for j in range(6)) for row in last])
    assert (at | above).mean() > 0.9
    assert min(at.mean(), above.mean()) > 0.2


def test_check_rows_of_a_run_without_an_evaluation_are_those_of_training(tiny_place):
    run = replace(load_run(tiny_place / "data/CartPole-v0/net/1"), episodes=())
    ends = plane_ends(fitted_commands(run.training_inputs), run.config.env_name)
    rows = check_rows(run, ends, 0)
    known = {row.tobytes() for row in run.training_inputs}
    assert all(row.tobytes() in known for row in rows[:300])
    low, high = np.array(ends).T
    assert ((rows[300:, -2:] >= low) & (rows[300:, -2:] <= high)).all()


def test_the_plane_has_room_around_training_and_none_beyond_what_can_be_paid():
    support = fitted_commands(np.array([[0, 10.0, 20.0], [0, 195.0, 120.0]]))
    (low, high), (short, long) = plane_ends(support, "CartPole-v0")
    assert (low, high) == (1.0, 200.0)
    assert (short, long) == (5.0, 135.0)
    assert including(((low, high), (short, long)), Command(250.0, 2.0)) == ((1.0, 250.0), (2.0, 135.0))
    assert plane_ends(fitted_commands(np.array([[0, 5.0, 1.0]])), "Other-v0") == ((2.5, 7.5), (1.0, 2.0))


@pytest.mark.parametrize(
    ("run", "rows"),
    [("CartPole-v0/estimator_name-neural", 200), ("Acrobot-v1/estimator_name-neural", 128),
     ("LunarLander-v3/estimator_name-neural", 32), ("LunarLander-v3/base", 200)],
)  # fmt: skip
def test_a_net_of_many_inputs_is_explained_against_fewer_rows(run, rows):
    stored = load_run(Path(__file__).parents[1] / "data" / run / "42")
    background, words = background_of(stored, PlayerOptions((stored.directory,)))
    assert len(background) == rows
    assert words == f"{rows} of the {len(stored.training_inputs)} rows of the last fit, which stand for all"
    assert len(background_of(stored, PlayerOptions((stored.directory,), background=7))[0]) == 7


def test_a_background_is_small_or_whole(tmp_path):
    run = replace(tiny_run(tmp_path), training_inputs=np.random.default_rng(0).normal(size=(3000, 6)))
    with pytest.raises(ValueError, match=r"background must be at most 2048, or all 3000 rows of .*, got 2049"):
        background_of(run, PlayerOptions((tmp_path,), background=2049))
    assert background_of(run, PlayerOptions((tmp_path,), background=3000))[1] == "all 3000 rows of the last fit"
