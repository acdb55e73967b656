import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from udrl_explain.statistics.bootstrap import (
    bootstrap_draws,
    bootstrap_interval,
    hierarchical_draws,
    hierarchical_interval,
    percentile_interval,
)


def median(resamples):
    return np.median(resamples, axis=1)


@pytest.mark.parametrize("n_samples", [2, 5, 6, 40])
def test_constant_samples_give_an_interval_of_zero_width(n_samples):
    low, high = bootstrap_interval([200.0] * n_samples, seed=0)
    assert low == high == 200.0


def test_one_sample_gives_no_interval_rather_than_zero_width():
    low, high = bootstrap_interval([3.0], seed=0)
    assert math.isnan(low)
    assert math.isnan(high)
    low, high = bootstrap_interval([[3.0, 4.0]], seed=0)
    assert low.shape == (2,)
    assert np.isnan([low, high]).all()


def test_one_group_gives_no_interval_however_many_episodes_it_has():
    low, high = hierarchical_interval([[1.0, 2.0, 3.0, 4.0]], seed=0)
    assert math.isnan(low)
    assert math.isnan(high)


def test_interval_of_many_normal_samples_agrees_with_the_analytic_standard_error():
    samples = np.random.default_rng(1).normal(10.0, 3.0, size=400)
    low, high = bootstrap_interval(samples, seed=0)
    error = samples.std() / math.sqrt(400)  # The bootstrap's own standard error of a mean has ddof 0.
    assert low == pytest.approx(samples.mean() - 1.96 * error, abs=0.08 * error)
    assert high == pytest.approx(samples.mean() + 1.96 * error, abs=0.08 * error)


def test_draws_of_a_mean_have_the_analytic_spread():
    samples = np.random.default_rng(2).exponential(size=30)
    assert bootstrap_draws(samples, seed=5).std() == pytest.approx(samples.std() / math.sqrt(30), rel=0.03)


def test_coverage_of_normal_means_is_near_nominal():
    generator = np.random.default_rng(3)
    hits = 0
    for trial in range(300):
        low, high = bootstrap_interval(generator.normal(size=40), n_resamples=500, seed=trial)
        hits += low <= 0 <= high
    assert 0.90 <= hits / 300 <= 0.98


def test_interval_of_three_samples_is_their_range():
    low, high = bootstrap_interval([5.0, 1.0, 3.0], seed=0)
    assert (low, high) == (1.0, 5.0)


def test_few_samples_are_enumerated_completely():
    draws = bootstrap_draws([0.0, 1.0], seed=0)
    assert sorted(draws) == [0.0, 0.5, 0.5, 1.0]
    four = bootstrap_draws([1.0, 2.0, 3.0, 4.0], seed=0)
    assert len(four) == 256
    assert four.mean() == pytest.approx(2.5, abs=1e-12)
    assert four.var() == pytest.approx(1.25 / 4, abs=1e-12)


@given(st.permutations([0.3, 1.7, 2.2, 9.0]), st.integers(0, 100))
def test_an_enumerated_interval_depends_on_neither_order_nor_seed(samples, seed):
    assert bootstrap_interval(samples, seed=seed) == pytest.approx(
        bootstrap_interval([0.3, 1.7, 2.2, 9.0], seed=0), abs=1e-12
    )


def test_same_seed_same_interval_other_seed_another():
    samples = np.random.default_rng(4).normal(size=25)
    assert bootstrap_interval(samples, seed=7) == bootstrap_interval(samples, seed=7)
    assert bootstrap_interval(samples, seed=7) != bootstrap_interval(samples, seed=8)
    groups = [samples[:10], samples[10:]]
    assert hierarchical_interval(groups, seed=7) == hierarchical_interval(groups, seed=7)
    assert hierarchical_interval(groups, seed=7) != hierarchical_interval(groups, seed=8)


def test_global_random_state_plays_no_part_and_is_left_alone():
    samples = np.random.default_rng(4).normal(size=25)
    np.random.seed(1)  # noqa: NPY002 - the global state is the subject
    first = bootstrap_interval(samples, seed=0)
    np.random.seed(2)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert bootstrap_interval(samples, seed=0) == first
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_samples_are_not_modified():
    samples = np.arange(10.0)
    bootstrap_interval(samples, seed=0)
    hierarchical_interval([samples, samples], seed=0)
    assert (samples == np.arange(10.0)).all()


def test_columns_of_a_row_are_drawn_together():
    first = np.random.default_rng(5).normal(size=20)
    draws = bootstrap_draws(np.column_stack([first, 10 - 2 * first]), n_resamples=200, seed=0)
    np.testing.assert_allclose(draws[:, 1], 10 - 2 * draws[:, 0], atol=1e-12)


def test_other_statistics_and_levels():
    samples = np.arange(101.0)
    low, high = bootstrap_interval(samples, median, seed=0)
    assert low < 50 < high
    wide = bootstrap_interval(samples, level=0.99, seed=0)
    narrow = bootstrap_interval(samples, level=0.5, seed=0)
    assert wide.low < narrow.low < 50 < narrow.high < wide.high


def test_blocks_change_nothing_but_memory(monkeypatch):
    samples = np.random.default_rng(6).normal(size=30)
    whole = bootstrap_draws(samples, n_resamples=1000, seed=0)
    monkeypatch.setattr("udrl_explain.statistics.bootstrap._BLOCK", 30 * 64)
    np.testing.assert_array_equal(bootstrap_draws(samples, n_resamples=1000, seed=0), whole)


def test_percentiles_are_values_that_were_drawn():
    draws = np.arange(1.0, 101.0)
    assert percentile_interval(draws, n_units=2, level=0.9) == (5.0, 95.0)


def test_hierarchical_draws_of_a_mean_have_the_two_stage_variance():
    generator = np.random.default_rng(7)
    groups = [generator.normal(centre, 2.0, size=25) for centre in (0.0, 1.0, 5.0, 6.0)]
    means = np.array([group.mean() for group in groups])
    within = np.mean([group.var() / 25 for group in groups])
    draws = hierarchical_draws(groups, seed=0)
    assert draws.mean() == pytest.approx(means.mean(), abs=0.05)
    assert draws.var() == pytest.approx((means.var() + within) / 4, rel=0.05)


def test_groups_of_different_size_weigh_the_same():
    draws = hierarchical_draws([[0.0] * 99, [1.0]], seed=0)
    assert set(draws) == {0.0, 0.5, 1.0}
    assert np.mean(draws == 0.5) == pytest.approx(0.5, abs=0.02)


def test_groups_without_spread_inside_give_the_interval_over_groups():
    groups = [[1.0] * 10, [3.0] * 10, [5.0] * 10]
    assert hierarchical_interval(groups, seed=0) == bootstrap_interval([1.0, 3.0, 5.0], seed=0) == (1.0, 5.0)


def test_a_group_that_no_resample_drew_does_no_harm():
    assert hierarchical_draws([[0.0], [1.0]], n_resamples=1, seed=0).shape == (1,)
    assert hierarchical_draws([[0.0, 0.0]] * 8, n_resamples=1, seed=0).tolist() == [0.0]


@pytest.mark.parametrize(
    ("samples", "settings", "message"),
    [
        ([], {}, r"at least one value.*got shape \(0,\)"),
        (3.0, {}, r"at least one value.*got shape \(\)"),
        ([1.0, math.nan], {}, "samples must be finite, got nan"),
        ([1.0, 2.0], {"level": 95}, "level must lie between 0 and 1, for instance 0.95, got 95"),
        ([1.0, 2.0], {"n_resamples": 0}, "n_resamples must be at least 1, got 0"),
    ],
)
def test_impossible_arguments_are_refused(samples, settings, message):
    with pytest.raises(ValueError, match=message):
        bootstrap_interval(samples, seed=0, **settings)


def test_no_groups_are_refused():
    with pytest.raises(ValueError, match="at least one group"):
        hierarchical_interval([], seed=0)
