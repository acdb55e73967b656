"""Faithfulness: worths, scores and infidelity against brute force, closed forms and policies whose order is known."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from core_helpers import tiny_run
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import t as student
from shapley_helpers import BOOSTED, FORESTS, OTHERS, all_coalitions, background_worths, fitted_policy

from udrl_explain.analysis.faithfulness.methods import INTERVENTIONAL, PATH_IMPURITY, PERMUTATION, SAABAS
from udrl_explain.analysis.faithfulness.orders import (
    best_gain,
    best_orders,
    best_scale,
    gain_of,
    gains,
    infidelity,
    mean_gain,
    prefixes,
)
from udrl_explain.analysis.faithfulness.result import faithfulness
from udrl_explain.analysis.faithfulness.scores import BEST, COLUMNS, CURVE_COLUMNS, MEAN
from udrl_explain.attributions import attribute
from udrl_explain.attributions.worths import all_worths, coalitions
from udrl_explain.commands import CommandScale
from udrl_explain.policies import NeuralPolicy
from udrl_explain.training.permuted import permuted_policy

KINDS = FORESTS | BOOSTED | OTHERS


class FunctionPolicy:
    """Two actions; the second has the probability that a function of the rows gives."""

    probability_source = "probabilities"
    scale = CommandScale()
    n_actions = 2
    action_names = ("left", "right")

    def __init__(self, function, n_features=4):
        self.function = function
        self.n_features = n_features
        self.feature_names = (*(f"state_{i}" for i in range(n_features - 2)), "desired_return", "desired_horizon")

    def action_probabilities(self, inputs):
        second = self.function(np.asarray(inputs, dtype=np.float64))
        return np.column_stack([1.0 - second, second])


def some_rows(n_rows, n_features=4, seed=0):
    rows = np.random.default_rng(seed).uniform(0, 1, size=(n_rows, n_features))
    rows[:, -2:] = np.abs(rows[:, -2:])
    return rows


def numbered(worths, n_features):
    """Worths by tuple of members, as an array by the bits of the coalition."""
    return np.array([worths[tuple(bool(s >> j & 1) for j in range(n_features))] for s in range(1 << n_features)])


@pytest.mark.parametrize("kind", KINDS)
def test_worths_are_those_of_the_definition(kind):
    policy, inputs = fitted_policy(KINDS[kind]())
    rows, background = inputs[:4], inputs[20:47]
    got = all_worths(policy, rows, background, n_jobs=2)
    for row, worths in zip(rows, got, strict=True):
        expected = numbered(background_worths(policy.action_probabilities, row, background), 5)
        np.testing.assert_allclose(worths, expected, rtol=0, atol=1e-12)
    assert len(all_coalitions(5)) == got.shape[1]


def test_worths_of_rows_on_thresholds_are_exact():
    policy, inputs = fitted_policy(FORESTS["deep random forest"]())
    inner = np.flatnonzero(~policy.forest.is_leaf)[:30]
    rows = np.repeat(inputs[:1], len(inner), axis=0)
    for row, node in zip(rows, inner, strict=True):
        feature, threshold = policy.forest.feature[node], policy.forest.threshold[node]
        row[feature] = threshold / (0.02 if feature >= 3 else 1.0)
    background = np.concatenate([inputs[:9], rows[:9]])
    got = all_worths(policy, rows, background)
    for row, worths in zip(rows, got, strict=True):
        expected = numbered(background_worths(policy.action_probabilities, row, background), 5)
        np.testing.assert_allclose(worths, expected, rtol=0, atol=1e-12)


def test_worths_do_not_depend_on_threads_or_on_the_other_rows():
    policy, inputs = fitted_policy(FORESTS["random forest"]())
    whole = all_worths(policy, inputs[:40], inputs, n_jobs=1)
    assert whole.tobytes() == all_worths(policy, inputs[:40], inputs, n_jobs=2).tobytes()
    assert whole[7].tobytes() == all_worths(policy, inputs[7:8], inputs, n_jobs=1)[0].tobytes()


WORTHS = arrays(np.float64, (3, 16), elements=st.floats(-1, 1, width=32))


def brute(gain):
    """Sum along the proper prefixes of every order, ``(n_orders, n_rows)``."""
    orders = np.array(list(permutations(range(4))))
    return np.array([gain[:, prefixes(order[None])[0, 1:-1]].sum(axis=1) for order in orders])


@given(worths=WORTHS, kind=st.sampled_from(["both", "insertion", "deletion"]))
def test_mean_and_best_order_are_those_of_all_orders(worths, kind):
    gain = gains(worths)[kind]
    every = brute(gain)
    np.testing.assert_allclose(mean_gain(gain), every.mean(axis=0), rtol=0, atol=1e-12)
    np.testing.assert_allclose(best_gain(gain), every.max(axis=0), rtol=0, atol=1e-12)
    chosen = prefixes(best_orders(gain))[:, 1:-1]
    np.testing.assert_allclose(np.take_along_axis(gain, chosen, axis=1).sum(axis=1), every.max(axis=0), atol=1e-12)


@given(worths=WORTHS)
def test_the_mean_of_all_orders_gains_nothing_between_the_curves(worths):
    np.testing.assert_allclose(mean_gain(gains(worths)["both"]), 0.0, atol=1e-12)


@given(worths=WORTHS, ties=arrays(np.int64, (3, 4), elements=st.integers(0, 2)))
def test_ties_count_as_the_mean_over_their_orders(worths, ties):
    gain = gains(worths)["both"]
    got = gain_of(gain, ties.astype(float))
    orders = np.array(list(permutations(range(4))))
    for row in range(3):
        fitting = [i for i, order in enumerate(orders) if (np.diff(ties[row][order]) <= 0).all()]
        np.testing.assert_allclose(got[row], brute(gain)[fitting, row].mean(), rtol=0, atol=1e-12)


@given(worths=WORTHS, values=arrays(np.float64, (3, 4), elements=st.floats(-1, 1, width=32)))
def test_infidelity_is_the_sum_over_all_sets_of_removed_inputs(worths, values):
    got = infidelity(worths, values)
    for row in range(3):
        gaps = []
        for removed in range(1, 16):
            summed = sum(values[row, j] for j in range(4) if removed >> j & 1)
            gaps.append((summed - (worths[row, 15] - worths[row, 15 ^ removed])) ** 2)
        np.testing.assert_allclose(got[row], np.mean(gaps), rtol=1e-9, atol=1e-12)
    scale = best_scale(worths, values)
    assert infidelity(worths, values, scale).mean() <= infidelity(worths, values).mean() + 1e-12


def test_an_additive_policy_is_described_perfectly_by_its_shapley_values():
    policy = FunctionPolicy(lambda x: 0.1 + x @ [0.3, 0.05, 0.2, 0.1])
    result = faithfulness(policy, some_rows(12), some_rows(30, seed=1))
    line = result.to_frame().set_index("method").loc[INTERVENTIONAL]
    assert line["score"] == pytest.approx(1.0, abs=1e-12)
    assert line["insertion_score"] == pytest.approx(1.0, abs=1e-12)
    assert line["deletion_score"] == pytest.approx(1.0, abs=1e-12)
    assert line["infidelity"] == pytest.approx(0.0, abs=1e-24)
    assert line["scale"] == pytest.approx(1.0, abs=1e-9)


def test_a_policy_of_one_input_needs_that_input_only():
    policy = FunctionPolicy(lambda x: 0.5 + 0.4 * np.sign(x[:, 1] - 0.5))
    rows, background = some_rows(20), some_rows(50, seed=1)
    wrong = np.tile([3.0, 0.0, 2.0, 1.0], (20, 1))
    result = faithfulness(policy, rows, background, attributions={"all but the input": wrong})
    assert result.score(INTERVENTIONAL) == pytest.approx(1.0, abs=1e-12)
    assert result.score("all but the input") == pytest.approx(-1.0, abs=1e-12)
    curve = result.curve_frame().set_index(["method", "n_known"]).loc[INTERVENTIONAL]
    assert (curve.loc[1:, "same_action"] == 1.0).all()
    np.testing.assert_allclose(curve.loc[1:, "insertion"], 0.9, atol=1e-12)
    np.testing.assert_allclose(curve.loc[1:, "deletion"], curve.loc[0, "insertion"], atol=1e-12)


def test_of_an_exclusive_or_both_inputs_are_needed():
    policy = FunctionPolicy(lambda x: ((x[:, 0] > 0.5) ^ (x[:, 1] > 0.5)) * 0.8 + 0.1)
    corners = np.array([[0.0, 0.0, 1, 1], [0, 1, 1, 1], [1, 0, 1, 1], [1, 1, 1, 1]])
    result = faithfulness(policy, corners, corners)
    curve = result.curve_frame().set_index(["method", "n_known"]).loc[INTERVENTIONAL]
    np.testing.assert_allclose(curve.loc[[0, 1], "insertion"], 0.5, atol=1e-12)
    np.testing.assert_allclose(curve.loc[2:, "insertion"], 0.9, atol=1e-12)
    # Inputs known together first is best: {0, 1} of the two that matter before the two that do not.
    assert result.score(INTERVENTIONAL) == pytest.approx(1.0, abs=1e-12)


def test_a_method_that_tells_no_input_from_another_scores_0_and_the_best_order_1():
    policy, inputs = fitted_policy(FORESTS["random forest"]())
    rows = inputs[:15]
    first = faithfulness(policy, rows, inputs)
    order = best_orders(gains(first.worths)["both"])
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(5)[::-1][None], axis=1)
    own = {"nothing": np.zeros((15, 5)), "best": ranks.astype(float), "worst": -ranks.astype(float)}
    result = faithfulness(policy, rows, inputs, attributions=own)
    assert result.score("nothing") == pytest.approx(0.0, abs=1e-12)
    assert result.score("best") == pytest.approx(1.0, abs=1e-12)
    # Backwards, an order gains between the curves exactly what it gained forwards, with the other sign.
    assert result.score("worst") == pytest.approx(-1.0, abs=1e-12)
    for method in result.attributions:
        assert -1.0 - 1e-12 <= result.score(method) <= 1.0 + 1e-12


def test_the_numbers_of_a_small_forest_are_those_of_brute_force():
    policy, inputs = fitted_policy(FORESTS["extra trees"](), n_features=4)
    rows, background = inputs[:6], inputs[50:90]
    taken = policy.action_probabilities(rows).argmax(axis=1)
    result = faithfulness(policy, rows, background)
    worths = np.array(
        [
            numbered(background_worths(policy.action_probabilities, row, background), 4)[:, action]
            for row, action in zip(rows, taken, strict=True)
        ]
    )
    np.testing.assert_allclose(result.worths, worths, rtol=0, atol=1e-12)
    shapley = attribute(policy, rows, background).values[np.arange(6), :, taken]
    every = brute(gains(worths)["both"])
    own = np.array([gains(worths)["both"][i, prefixes(np.argsort(-shapley[i])[None])[0, 1:-1]].sum() for i in range(6)])
    expected = (own.sum() - every.mean(axis=0).sum()) / (every.max(axis=0) - every.mean(axis=0)).sum()
    assert result.score(INTERVENTIONAL) == pytest.approx(expected, abs=1e-12)
    np.testing.assert_allclose(result.attributions[INTERVENTIONAL], shapley, rtol=0, atol=1e-12)


def test_areas_are_those_under_the_curves():
    """With no ties the curves of the table are those that the areas are about."""
    policy, inputs = fitted_policy(FORESTS["random forest"]())
    result = faithfulness(policy, inputs[:9], inputs)
    curves, table = result.curve_frame().groupby("method"), result.to_frame().set_index("method")
    for method in (INTERVENTIONAL, PERMUTATION):
        curve = curves.get_group(method)
        for kind in ("insertion", "deletion"):
            assert table.loc[method, f"{kind}_area"] == pytest.approx(np.trapezoid(curve[kind]) / 5, abs=1e-12)


def test_coalitions_that_are_there_are_used_and_those_of_other_rows_refused():
    policy, inputs = fitted_policy(OTHERS["net"]())
    known = coalitions(policy, inputs[:6], inputs[20:40])
    result = faithfulness(policy, inputs[:6], known)
    pd.testing.assert_frame_equal(result.to_frame(), faithfulness(policy, inputs[:6], inputs[20:40]).to_frame())
    assert result.n_background == 20
    with pytest.raises(ValueError, match="those of other rows"):
        faithfulness(policy, inputs[:5], known)


def test_permuting_the_actions_of_a_run_leaves_what_it_learned_behind(tmp_path):
    run = tiny_run(tmp_path)
    forest = replace(run.config, estimator_name="ensemble.RandomForestClassifier", estimator_arguments=("max_depth=3",))
    run = replace(run, config=forest)
    control = permuted_policy(run, n_trees=7, seed=1)
    assert (control.forest.n_trees, control.feature_names) == (7, run.feature_names)
    again = permuted_policy(run, n_trees=7, seed=1).action_probabilities(run.training_inputs)
    np.testing.assert_array_equal(control.action_probabilities(run.training_inputs), again)
    agreement = (again.argmax(axis=1) == run.training_actions).mean()
    assert (
        agreement < (run.policy.action_probabilities(run.training_inputs).argmax(axis=1) == run.training_actions).mean()
    )
    net = permuted_policy(replace(run, config=replace(forest, estimator_name="neural", estimator_arguments=())))
    assert isinstance(net, NeuralPolicy)
    with pytest.raises(ValueError, match="no training rows to permute"):
        permuted_policy(replace(run, training_inputs=run.training_inputs[:0]))


def test_a_policy_fitted_on_permuted_actions_is_told_apart():
    policy, inputs = fitted_policy(FORESTS["random forest"]())
    shuffled, _ = fitted_policy(FORESTS["random forest"](), seed=9)
    same = faithfulness(policy, inputs[:20], inputs, randomised=policy).to_frame().set_index("method")
    other = faithfulness(policy, inputs[:20], inputs, randomised=shuffled).to_frame().set_index("method")
    np.testing.assert_allclose(same["sanity_correlation"], 1.0)
    assert other.loc[INTERVENTIONAL, "sanity_correlation"] < 0.8
    assert faithfulness(policy, inputs[:5], inputs).to_frame()["sanity_correlation"].isna().all()


def test_intervals_are_for_other_episodes():
    policy, inputs = fitted_policy(FORESTS["random forest"]())
    rows = np.repeat(inputs[:6], 10, axis=0)
    episodes = np.repeat(np.arange(6), 10)
    by_episode = faithfulness(policy, rows, inputs, episodes=episodes).to_frame().iloc[0]
    alone = faithfulness(policy, inputs[:6], inputs).to_frame().iloc[0]
    # Ten copies of a row are one episode: no more is known than from one copy.
    assert by_episode["score_low"] == pytest.approx(alone["score_low"], abs=1e-9)
    assert by_episode["score_low"] < by_episode["score"] < by_episode["score_high"]
    assert by_episode["n_episodes"] == 6
    assert "other episodes of this one policy" in by_episode["interval"]
    single = faithfulness(policy, rows[:10], inputs, episodes=np.zeros(10, dtype=int)).to_frame().iloc[0]
    assert np.isnan(single["score_low"])


def test_the_interval_of_a_score_is_students_t_of_its_episodes_shares():
    """With equally much to gain in every episode the score is the mean of the episodes' scores."""
    policy = FunctionPolicy(lambda x: 0.5 + 0.4 * np.sign(x[:, 1] - 0.5))
    rows, background = some_rows(5), some_rows(50, seed=1)
    rows[:, 1] = 0.9
    values = np.tile([0.0, 1.0, 0.0, 0.0], (5, 1))
    values[0] = [1.0, 0.0, 0.5, 0.5]
    result = faithfulness(policy, rows, background, attributions={"own": values}).to_frame().set_index("method")
    scores = np.array([-1.0, 1.0, 1.0, 1.0, 1.0])
    half = student.ppf(0.975, 4) * scores.std(ddof=1) / np.sqrt(5)
    assert result.loc["own", "score"] == pytest.approx(0.6, abs=1e-12)
    assert result.loc["own", "score_high"] - 0.6 == pytest.approx(half, abs=1e-9)


def test_the_tables_hold_every_method_once():
    policy, inputs = fitted_policy(FORESTS["random forest"]())
    result = faithfulness(policy, inputs[:8], inputs)
    frame, curves = result.to_frame(), result.curve_frame()
    assert tuple(frame.columns) == COLUMNS
    assert tuple(curves.columns) == CURVE_COLUMNS
    assert len(frame) == 6
    assert set(curves["method"]) == {*frame["method"], BEST, MEAN}
    ends = curves[curves["n_known"].isin([0, 5])].groupby("n_known")
    assert ends["insertion"].std().max() < 1e-12, "all orders begin and end alike"
    assert not frame.set_index("method").loc[PATH_IMPURITY, "is_signed"]
    assert frame.set_index("method").loc[SAABAS, "is_signed"]
    assert not frame.set_index("method").loc[PERMUTATION, "exact"]


def test_a_constant_policy_has_no_score():
    policy = FunctionPolicy(lambda x: np.full(len(x), 0.25))
    result = faithfulness(policy, some_rows(5), some_rows(9))
    assert np.isnan(result.to_frame()["score"]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": some_rows(0)}, "at least one row"),
        ({"background": some_rows(0)}, "at least one row"),
        ({"actions": [0, 5, 0]}, r"actions must lie in 0\.\.1, got 0\.\.5"),
        ({"actions": [0, 1]}, r"shape \(3,\), got \(2,\)"),
        ({"episodes": [1]}, r"episodes must hold one entry per row"),
        ({"attributions": {"own": np.zeros((3, 3))}}, r"attributions 'own' must be finite, of shape \(3, 4\)"),
        ({"attributions": {"Saabas": np.zeros((3, 4))}}, None),
        ({"attributions": {INTERVENTIONAL: np.zeros((3, 4))}}, "names of their own"),
        (
            {
                "policy": FunctionPolicy(lambda x: x[:, 0] * 0, 13),
                "inputs": some_rows(2, 13),
                "background": some_rows(2, 13),
            },
            "at most 12 inputs can be valued, this policy takes 13: use shapley_values",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(change, message):
    arguments = {
        "policy": FunctionPolicy(lambda x: x[:, 0]), "inputs": some_rows(3), "background": some_rows(5),
    } | change  # fmt: skip
    if message is None:  # no method of this policy has that name
        faithfulness(**arguments)
        return
    with pytest.raises(ValueError, match=message):
        faithfulness(**arguments)
