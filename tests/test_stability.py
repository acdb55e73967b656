"""Agreement between the policies of several runs, against the definitions and on policies made to agree or not."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from core_helpers import training_rows
from scipy.stats import spearmanr
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier

from udrl_explain.analysis.stability import COLUMNS, stability, top_agreement
from udrl_explain.attributions import attribute
from udrl_explain.episodes import Episode
from udrl_explain.policies import policy_from_estimator
from udrl_explain.statistics.ranks import rank_correlations
from udrl_explain.trees.selection import chosen_trees


def made_run(seed, *, actions=None, estimator=None, shift=0.0, columns=slice(None)):
    inputs, labels = training_rows(200, seed=3)
    labels = labels if actions is None else actions(inputs)
    estimator = RandomForestClassifier(15, max_depth=5, random_state=seed) if estimator is None else estimator
    policy = policy_from_estimator(estimator.fit(inputs, labels), 2)
    episodes = tuple(
        Episode(inputs[20 * i : 20 * i + 20], labels[20 * i : 20 * i + 20], np.ones(20), i) for i in range(6)
    )
    returns = np.random.default_rng(seed).normal(100 + shift, 5, size=20)
    return SimpleNamespace(
        config=SimpleNamespace(seed=seed), experiment="made", policy=policy, episodes=episodes,
        training_inputs=inputs, final_returns=returns,
    )  # fmt: skip


def by_state(inputs):
    return (inputs[:, 0] > 0).astype(int)


def by_other(inputs):
    return (inputs[:, 1] > 0).astype(int)


def test_numbers_are_those_of_the_definitions():
    runs = [
        made_run(1),
        made_run(2),
        made_run(3, estimator=MLPClassifier((8,), random_state=0, max_iter=2000, tol=1e-2)),
    ]
    result = stability(runs, n_rows=60, n_background=12, seed=4, n_jobs=1)
    frame = result.to_frame()
    assert tuple(frame.columns) == COLUMNS
    assert frame[["run_a", "run_b"]].to_numpy().tolist() == [
        ["seed 1", "seed 2"], ["seed 1", "seed 3"], ["seed 2", "seed 3"],
    ]  # fmt: skip
    # Shapley values do not depend on which rows else are explained, so they can be asked for again.
    correlations = [spearmanr(result.values[0, i], result.values[2, i]).statistic for i in range(60)]
    assert frame["rank_correlation"].iloc[1] == pytest.approx(np.nanmean(correlations), abs=1e-12)
    a, b = (run.policy.action_probabilities(result.inputs).argmax(axis=1) for run in runs[:2])
    assert frame["same_action"].iloc[0] == pytest.approx((a == b).mean())
    mean = np.mean([run.policy.action_probabilities(result.inputs) for run in runs], axis=0)
    np.testing.assert_array_equal(result.explained_actions, mean.argmax(axis=1))
    sums = result.values[0].sum(axis=1)
    outputs = runs[0].policy.action_probabilities(result.inputs)[np.arange(60), result.explained_actions]
    assert np.ptp(outputs - sums, axis=0) < np.ptp(outputs), "values add up to the output less one base per action"
    for column in ("rank_correlation", "top_k_overlap", "sign_agreement", "same_action"):
        square = result.matrix(column)
        np.testing.assert_array_equal(square, square.T)
        assert square.loc["seed 1", "seed 3"] == frame[column].iloc[1]


def test_the_same_policy_agrees_with_itself_in_everything():
    first = made_run(1)
    twin = SimpleNamespace(**(vars(first) | {"config": SimpleNamespace(seed=2)}))
    line = stability([first, twin], n_rows=60, n_background=60).to_frame().iloc[0]
    assert line["rank_correlation"] == pytest.approx(1.0)
    assert (line["top_k_overlap"], line["sign_agreement"], line["same_action"]) == (1.0, 1.0, 1.0)
    assert not line["different_reasons"]
    assert line["within_low"] <= line["within"] < 1.0


def test_equal_returns_for_different_reasons_are_flagged():
    same, other = made_run(1, actions=by_state), made_run(2, actions=by_other)
    line = stability([same, other], n_rows=100, n_background=100).to_frame().iloc[0]
    assert line["high"] < line["within_low"]
    assert line["return_low"] < 0 < line["return_high"]
    assert line["different_reasons"]
    better = made_run(2, actions=by_other, shift=40.0)
    line = stability([same, better], n_rows=100, n_background=100).to_frame().iloc[0]
    assert line["return_high"] < 0
    assert not line["different_reasons"], "returns differ, so reasons may"
    alike = stability([made_run(1, actions=by_state), made_run(2, actions=by_state)], n_rows=100, n_background=100)
    assert not alike.to_frame()["different_reasons"].any()


def test_rank_correlations_are_spearmans_row_by_row():
    random = np.random.default_rng(0)
    first, second = random.integers(0, 4, size=(30, 6)).astype(float), random.normal(size=(30, 6))
    first[0] = 2.0
    got = rank_correlations(first, second)
    assert np.isnan(got[0])
    np.testing.assert_allclose(got[1:], [spearmanr(a, b).statistic for a, b in zip(first[1:], second[1:], strict=True)])


def test_top_agreement_by_hand():
    first = np.array([[3.0, -2.0, 1.0, 0.0]])
    second = np.array([[-3.0, 0.0, 1.0, 2.0]])
    assert top_agreement(first, second, 1) == (1.0, 0.0)  # the same input, pushing the other way
    assert top_agreement(first, second, 2) == (0.5, 0.0)
    assert top_agreement(first, second, 3) == (pytest.approx(2 / 3), pytest.approx(1 / 4))


def test_results_repeat_and_do_not_depend_on_threads():
    runs = [made_run(1), made_run(2)]
    first = stability(runs, n_rows=40, n_background=40, seed=1, n_jobs=1)
    assert first.to_frame().equals(stability(runs, n_rows=40, n_background=40, seed=1, n_jobs=2).to_frame())
    assert not first.to_frame().equals(stability(runs, n_rows=40, n_background=40, seed=2, n_jobs=1).to_frame())


def test_chosen_trees_are_a_forest_of_their_own():
    policy = made_run(1).policy
    rows = made_run(1).training_inputs
    picked = replace(policy, forest=chosen_trees(policy.forest, [4, 0, 4]))
    singles = [
        replace(policy, forest=chosen_trees(policy.forest, [tree])).action_probabilities(rows) for tree in (4, 0, 4)
    ]
    np.testing.assert_allclose(picked.action_probabilities(rows), np.mean(singles, axis=0), rtol=0, atol=1e-15)
    whole = replace(policy, forest=chosen_trees(policy.forest, range(policy.forest.n_trees)))
    np.testing.assert_array_equal(whole.action_probabilities(rows), policy.action_probabilities(rows))
    background = rows[:30]
    np.testing.assert_allclose(
        attribute(whole, rows[:5], background).values, attribute(policy, rows[:5], background).values, atol=1e-12
    )
    with pytest.raises(ValueError, match=r"trees must be numbers in 0\.\.14"):
        chosen_trees(policy.forest, [15])


@pytest.mark.parametrize(
    ("runs", "options", "message"),
    [
        ([made_run(1)], {}, "at least two runs, got 1"),
        ([made_run(1), made_run(1)], {}, "a run stands twice"),
        (
            [made_run(1), SimpleNamespace(**(vars(made_run(2)) | {"policy": None}))],
            {},
            "seed 2: stability needs a policy",
        ),
        ([made_run(1), made_run(2)], {"top_k": 7}, r"top_k must lie in 1\.\.6, got 7"),
        ([made_run(1), made_run(2)], {"n_rows": 1}, "n_rows must be at least 2, got 1"),
        ([made_run(1), made_run(2)], {"n_resamples": 1}, "n_resamples must be at least 2"),
        ([made_run(1), made_run(2)], {"labels": ["a"]}, "labels must be one per run, 2, got 1"),
    ],
)
def test_what_does_not_fit_is_refused(runs, options, message):
    with pytest.raises(ValueError, match=message):
        stability(runs, **options)
