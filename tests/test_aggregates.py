"""Statistics over seeds against closed forms, brute force, scipy, and rliable where it is installed."""

import importlib
import math
import warnings
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, mannwhitneyu, rankdata, ttest_ind

from udrl_explain.statistics.aggregates import covered_share, interquartile_mean, performance_profile
from udrl_explain.statistics.pairs import difference_of_means, holm, probability_of_improvement, rank_sum_p

SCORES = st.lists(st.integers(-3, 3).map(float), min_size=2, max_size=6)


@pytest.mark.parametrize(("n", "percent"), [(3, 14), (10, 61), (20, 78)])
def test_the_band_from_least_to_greatest_covers_what_the_issue_of_it_says(n, percent):
    assert round(100 * covered_share(n)) == percent


@given(st.integers(2, 200), st.floats(0.5, 0.999))
def test_the_covered_share_solves_its_equation(n, confidence):
    p = covered_share(n, confidence)
    assert 1 - n * p ** (n - 1) + (n - 1) * p**n == pytest.approx(confidence, abs=1e-9)


def test_one_run_covers_nothing_and_impossible_numbers_are_refused():
    assert covered_share(1) == 0
    for arguments in ((0,), (3, 1.0), (3, 0.0)):
        with pytest.raises(ValueError, match="must"):
            covered_share(*arguments)


def test_the_interquartile_mean_by_hand():
    assert interquartile_mean([0, 1, 2, 3, 4, 5, 6, 1000]) == 3.5  # 2, 3, 4, 5 are left
    assert interquartile_mean([1, 2, 6]) == 3  # a quarter of three, rounded down, is none
    assert interquartile_mean([-1000, 1, 2, 1000]) == 1.5


@given(SCORES)
def test_a_profile_is_counted_and_its_interval_is_the_binomial_one(scores):
    levels = np.arange(-4.0, 5.0)
    profile = performance_profile(scores, levels)
    n = len(scores)
    for level, share, low, high in zip(*profile, strict=True):
        above = sum(score > level for score in scores)
        assert share == above / n
        # Clopper and Pearson: at either end, what was seen or more extreme has a chance of 2.5 %.
        assert (low == 0) if above == 0 else binom.sf(above - 1, n, low) == pytest.approx(0.025)
        assert (high == 1) if above == n else binom.cdf(above, n, high) == pytest.approx(0.025)


@given(SCORES, SCORES)
def test_the_probability_of_improvement_is_counted_and_turns_with_its_samples(a, b):
    counted = sum(Fraction(1) if x > y else Fraction(1, 2) if x == y else 0 for x in a for y in b)
    result, back = probability_of_improvement(a, b), probability_of_improvement(b, a)
    assert result.value == pytest.approx(float(counted / (len(a) * len(b))), abs=1e-12)
    assert 0 <= result.low <= result.value <= result.high <= 1
    assert result.low < result.high
    assert (1 - back.high, 1 - back.low) == pytest.approx((result.low, result.high), abs=1e-9)
    assert result.p == back.p


def test_newcombes_interval_solves_its_equation():
    """(seen - truth)^2 = z^2 V(truth) at both ends; V is Hanley and McNeil's with the mean sample size."""
    a, b = [1.0, 4.0, 5.0, 9.0], [0.0, 2.0, 3.0, 6.0, 7.0]
    result = probability_of_improvement(a, b)
    assert result.value == 12 / 20
    for truth in (result.low, result.high):
        more = 4.5 - 1
        variance = truth * (1 - truth) * (1 + more * (1 - truth) / (2 - truth) + more * truth / (1 + truth)) / 20
        assert (result.value - truth) ** 2 == pytest.approx(1.959963984540054**2 * variance, rel=1e-6)
    apart = probability_of_improvement([3, 4, 5], [0, 1, 2])
    assert apart.value == apart.high == 1
    assert 0.4 < apart.low < 0.6, "three against three say little, however far apart"


def test_one_run_has_no_interval():
    for result in (probability_of_improvement([1], [0, 2]), difference_of_means([1], [0, 2])):
        assert math.isnan(result.low)
        assert math.isnan(result.p)
    assert difference_of_means([1], [0, 2]).value == 0


@given(SCORES, SCORES)
def test_the_p_value_is_the_share_of_all_splits_that_lie_as_far_out(a, b):
    ranks = rankdata(a + b)
    centre = len(a) * (len(ranks) + 1) / 2
    sums = [ranks[list(split)].sum() for split in combinations(range(len(ranks)), len(a))]
    seen = abs(ranks[: len(a)].sum() - centre)
    assert rank_sum_p(a, b) == pytest.approx(np.mean([abs(one - centre) >= seen - 1e-9 for one in sums]), abs=1e-12)


def test_p_values_agree_with_scipy():
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=10), generator.normal(1, 2, size=8)
    assert rank_sum_p(a, b) == pytest.approx(mannwhitneyu(a, b, method="exact").pvalue)
    many, more = generator.integers(0, 9, 40), generator.integers(1, 11, 30)
    asymptotic = mannwhitneyu(many, more, use_continuity=False, method="asymptotic").pvalue
    assert rank_sum_p(many, more) == pytest.approx(asymptotic)
    assert rank_sum_p(many[:30], more) == pytest.approx(
        mannwhitneyu(many[:30], more, use_continuity=False).pvalue, abs=0.01
    )
    welch = ttest_ind(a, b, equal_var=False)
    result = difference_of_means(a, b)
    assert result.p == pytest.approx(welch.pvalue)
    assert (result.low, result.high) == pytest.approx(tuple(welch.confidence_interval(0.95)))
    assert rank_sum_p([7.0] * 31, [7.0] * 31) == 1
    assert rank_sum_p([3, 4, 5], [0, 1, 2]) == pytest.approx(0.1)


def test_equal_scores_have_no_difference_that_could_be_judged():
    equal = difference_of_means([0.1 + 0.2] * 3, [0.3] * 3)
    assert math.isnan(equal.p)
    assert rank_sum_p([200, 200, 200], [200, 200, 200]) == 1
    assert probability_of_improvement([200] * 3, [200] * 3).value == 0.5


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_by_its_steps(p):
    adjusted = holm([*p, math.nan])
    assert math.isnan(adjusted[-1])
    for alpha in (0.01, 0.05, 0.3):
        rejected = set()
        for step, place in enumerate(sorted(range(len(p)), key=p.__getitem__)):
            if p[place] * (len(p) - step) > alpha:
                break
            rejected.add(place)
        assert {place for place in range(len(p)) if adjusted[place] <= alpha} == rejected


def test_rliable_has_the_same_numbers():
    pytest.importorskip("rliable")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = importlib.import_module("rliable.metrics")
        library = importlib.import_module("rliable.library")
    generator = np.random.default_rng(1)
    a, b = generator.integers(0, 6, (9, 1)).astype(float), generator.integers(1, 7, (7, 1)).astype(float)
    assert interquartile_mean(a[:, 0]) == pytest.approx(theirs.aggregate_iqm(a))
    assert a.mean() == theirs.aggregate_mean(a)
    assert probability_of_improvement(a[:, 0], b[:, 0]).value == pytest.approx(theirs.probability_of_improvement(a, b))
    levels = np.linspace(-1, 7, 17)
    expected = [library.run_score_deviation(a, level) for level in levels]
    assert performance_profile(a[:, 0], levels).share == pytest.approx(expected)
