import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_1samp, ttest_ind

from udrl_explain.statistics.clusters import cluster_values
from udrl_explain.statistics.intervals import (
    COVERAGE,
    EPISODES,
    SEEDS,
    coverage_note,
    mean_interval,
    strata_interval,
)

VALUES = st.lists(st.integers(-1000, 1000).map(float), min_size=2, max_size=14)


def test_three_seeds_get_students_t_by_hand():
    # Mean 3, standard deviation 2, t of two degrees of freedom 4.302653.
    interval = mean_interval([1.0, 3.0, 5.0], SEEDS, seed=0)
    reach = 4.302653 * 2 / math.sqrt(3)
    assert (interval.low, interval.high) == pytest.approx((3 - reach, 3 + reach), rel=1e-6)
    assert interval.words == "95 % for other training seeds; 3 seeds: t interval, assumes normal"


def test_one_unit_gives_no_interval_and_says_so():
    interval = mean_interval([[3.0, 4.0]], SEEDS, seed=0)
    assert np.isnan([interval.low, interval.high]).all()
    assert interval.words.tolist() == ["no interval: one seed says nothing about others"] * 2


@pytest.mark.parametrize("n", [2, 3, 10, 40])
@pytest.mark.parametrize("value", [200.0, 0.0, 0.1])
def test_equal_values_show_no_variation_and_claim_no_certainty(n, value):
    interval = mean_interval([value] * n, SEEDS, seed=0)
    assert math.isnan(interval.low)
    assert math.isnan(interval.high)
    assert interval.words == "no variation seen"


def test_values_that_differ_by_rounding_alone_are_equal():
    assert mean_interval([0.3, 0.1 + 0.2, 0.3], SEEDS, seed=0).words == "no variation seen"
    assert math.isfinite(mean_interval([0.3, 0.3 + 1e-9, 0.3], SEEDS, seed=0).low)


def test_columns_stand_for_themselves():
    values = np.column_stack([[1.0, 3.0, 5.0], [7.0, 7.0, 7.0]])
    interval = mean_interval(values, SEEDS, seed=0)
    assert interval.low[0] == mean_interval([1.0, 3.0, 5.0], SEEDS, seed=0).low
    assert math.isnan(interval.low[1])
    assert interval.words.tolist()[1] == "no variation seen"
    many = np.random.default_rng(0).normal(size=(12, 150))
    whole = mean_interval(many, SEEDS, n_resamples=300, seed=2)
    for column in (0, 70, 149):
        alone = mean_interval(many[:, column], SEEDS, n_resamples=300, seed=2)
        assert (alone.low, alone.high) == pytest.approx((whole.low[column], whole.high[column]), rel=1e-12)


def test_from_ten_seeds_on_the_bootstrap_serves():
    values = np.random.default_rng(3).normal(size=10)
    assert "t interval" in mean_interval(values[:9], SEEDS, seed=0).words
    interval = mean_interval(values, SEEDS, seed=0)
    assert interval.words == "95 % for other training seeds; 10 seeds: studentised bootstrap"
    assert interval != mean_interval(values, SEEDS, seed=1)
    assert interval == mean_interval(values, SEEDS, seed=0)


def test_seeds_that_are_mostly_alike_get_bca_and_the_words_say_so():
    interval = mean_interval([200.0] * 11 + [180.0], SEEDS, seed=0)
    assert interval.words == "95 % for other training seeds; 12 seeds: BCa bootstrap, most are alike"
    assert 180 < interval.low < 200 - 20 / 12 < interval.high <= 200


def test_two_strata_have_welchs_degrees_of_freedom():
    a, b = [1.0, 4.0, 2.0, 8.0], [10.0, 11.0, 19.0]
    interval = strata_interval([a, b], EPISODES, seed=0)
    # The mean of two strata is half the difference of one and the negative other.
    ends = ttest_ind(a, [-value for value in b], equal_var=False).confidence_interval(0.95)
    assert (interval.low, interval.high) == pytest.approx((ends.low / 2, ends.high / 2), rel=1e-12)
    assert interval.words == (
        "95 % for other episodes of these policies; 3 to 4 episodes of each of 2: t interval, assumes normal"
    )


@given(VALUES)
def test_students_interval_is_scipys(values):
    values = values[:9]
    assume(len(set(values)) > 1)
    ends = ttest_1samp(values, 0.0).confidence_interval(0.9)
    interval = mean_interval(values, SEEDS, level=0.9, seed=0)
    assert (interval.low, interval.high) == pytest.approx((ends.low, ends.high), rel=1e-9, abs=1e-9)
    assert interval.words.startswith("90 % for")


@settings(max_examples=40, deadline=None)
@given(VALUES, st.sampled_from([-50.0, 3.0, 1000.0]), st.sampled_from([0.125, 2.0, 64.0]))
def test_intervals_hold_the_mean_and_follow_shift_and_scale(values, shift, scale):
    assume(len(set(values)) > 1)
    interval = mean_interval(values, SEEDS, n_resamples=400, seed=1)
    assert interval.low < np.mean(values) < interval.high
    moved = mean_interval(scale * np.array(values) + shift, SEEDS, n_resamples=400, seed=1)
    size = scale * max(map(abs, values)) + abs(shift)
    assert (moved.low, moved.high) == pytest.approx(
        (scale * interval.low + shift, scale * interval.high + shift), abs=1e-9 * size
    )
    assert moved.words == interval.words


@given(VALUES)
def test_turning_the_values_round_turns_a_t_interval_round(values):
    values = values[:9]
    assume(len(set(values)) > 1)
    one, other = (mean_interval(sign * np.array(values), SEEDS, seed=0) for sign in (1, -1))
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))


def coverage(values, truth):
    interval = mean_interval(values, SEEDS, n_resamples=1000, seed=0)
    return np.mean((interval.low <= truth) & (truth <= interval.high))


@pytest.mark.parametrize("n", [3, 5, 10, 20])
def test_coverage_is_as_stated(n):
    """Seeded; 2,000 trials have a standard error of half a per cent near 95, one per cent near 75."""
    generator = np.random.default_rng(n)
    shape = (n, 2000)
    normal, skewed, mixed, top = COVERAGE[n]
    assert coverage(generator.normal(size=shape), 0.0) == pytest.approx(normal, abs=0.02)
    assert abs(normal - 0.95) <= 0.02
    assert coverage(generator.lognormal(size=shape), math.exp(0.5)) == pytest.approx(skewed, abs=0.03)
    works = 5.0 * (generator.random(shape) < 0.5) + 0.5 * generator.normal(size=shape)
    assert coverage(works, 2.5) == pytest.approx(mixed, abs=0.03)
    cut = np.minimum(200.0, generator.normal(210.0, 20.0, size=shape))
    cut = cut[:, np.ptp(cut, axis=0) > 0]
    # E min(200, X) = 200 - E (200 - X)+, with -0.5 standard deviations: 20 * (phi(0.5) - 0.5 * Phi(-0.5)).
    assert coverage(cut, 200 - 20 * (0.3520653 - 0.5 * 0.3085375)) == pytest.approx(top, abs=0.03)


def test_the_percentile_interval_of_three_seeds_would_not_do():
    """What was used before: with three the percentile interval is about their range."""
    values = np.random.default_rng(0).normal(size=(3, 4000))
    assert np.mean((values.min(axis=0) <= 0) & (values.max(axis=0) >= 0)) < 0.8
    assert coverage(values, 0.0) == pytest.approx(0.95, abs=0.02)


def test_the_note_states_the_coverage_of_the_next_smaller_number():
    assert coverage_note(1, SEEDS) == coverage_note(2, SEEDS) == ""
    assert "intervals of 5 seeds held the true mean in 95 % of cases" in coverage_note(7, SEEDS)
    assert "intervals of 20 seeds" in coverage_note(100, SEEDS)


def test_clusters_have_the_mean_of_the_rows_and_their_ratio_error():
    generator = np.random.default_rng(0)
    clusters = np.repeat(np.arange(40), generator.integers(1, 9, size=40))
    rows = (generator.normal(size=40)[clusters] + generator.normal(size=len(clusters)))[:, None]
    values = cluster_values(rows, clusters)
    assert values.mean() == pytest.approx(rows.mean(), abs=1e-12)
    # Against the bootstrap that really redraws whole clusters.
    totals, sizes = np.bincount(clusters, rows[:, 0]), np.bincount(clusters)
    draws = generator.integers(40, size=(20_000, 40))
    means = totals[draws].sum(axis=1) / sizes[draws].sum(axis=1)
    assert means.std() == pytest.approx(values.std() / math.sqrt(40), rel=0.05)


def test_rows_that_are_their_own_clusters_stay_as_they_are():
    rows = np.random.default_rng(1).normal(size=(8, 3))
    np.testing.assert_allclose(cluster_values(rows, np.arange(8)), rows, atol=1e-12)
    constant = cluster_values(np.full((5, 1), 0.1), [0, 0, 0, 1, 1])
    assert constant.tolist() == [[0.1], [0.1]]


def test_clusters_must_name_every_row():
    with pytest.raises(ValueError, match=r"one cluster for each of 3 rows, got shape \(2,\)"):
        cluster_values(np.zeros((3, 1)), [0, 1])


@pytest.mark.parametrize(
    ("strata", "settings", "message"),
    [
        ([], {}, "at least one group of samples, got none"),
        ([[]], {}, "at least one value"),
        ([[1.0, math.inf]], {}, "samples must be finite, got inf"),
        ([[1.0, 2.0], [[1.0], [2.0]]], {}, "strata must have the same columns"),
        ([[1.0, 2.0]], {"level": 95}, "level must lie between 0 and 1, for instance 0.95, got 95"),
        ([[1.0, 2.0]], {"n_resamples": 0}, "n_resamples must be at least 1, got 0"),
    ],
)
def test_impossible_arguments_are_refused(strata, settings, message):
    with pytest.raises(ValueError, match=message):
        strata_interval(strata, EPISODES, seed=0, **settings)
