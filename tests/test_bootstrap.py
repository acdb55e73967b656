import math

import numpy as np
import pytest
from scipy.stats import bootstrap as scipy_bootstrap

from udrl_explain.statistics.bootstrap import bca_interval, mean_resamples, percentile_interval, studentised_interval
from udrl_explain.statistics.resampling import mean, resampled


def sample(n=25, seed=4, columns=1):
    return np.random.default_rng(seed).lognormal(size=(n, columns))


def test_draws_of_a_mean_have_the_analytic_spread():
    samples = np.random.default_rng(2).exponential(size=30)
    (draws,) = resampled([samples], seed=5)
    assert draws.std() == pytest.approx(samples.std() / math.sqrt(30), rel=0.03)


def test_strata_are_redrawn_within_themselves():
    low, high = resampled([[1.0, 2.0], [10.0, 20.0, 30.0]], n_resamples=400, seed=0)
    assert set(low) == {1.0, 1.5, 2.0}
    assert set(np.round(high * 3)) == {30, 40, 50, 60, 70, 80, 90}
    # Independently: all pairs of extremes occur.
    assert {(a, b) for a, b in zip(low, high, strict=True) if b in (10, 30)} >= {(1.0, 10.0), (2.0, 10.0), (1.0, 30.0)}


def test_columns_of_a_row_are_drawn_together():
    first = np.random.default_rng(5).normal(size=20)
    (draws,) = resampled([np.column_stack([first, 10 - 2 * first])], n_resamples=200, seed=0)
    np.testing.assert_allclose(draws[:, 1], 10 - 2 * draws[:, 0], atol=1e-12)


def test_blocks_change_nothing_but_memory(monkeypatch):
    samples = np.random.default_rng(6).normal(size=30)
    (whole,) = resampled([samples], n_resamples=1000, seed=0)
    monkeypatch.setattr("udrl_explain.statistics.resampling._BLOCK", 30 * 64)
    np.testing.assert_array_equal(resampled([samples], n_resamples=1000, seed=0)[0], whole)


def test_global_random_state_plays_no_part_and_is_left_alone():
    np.random.seed(1)  # noqa: NPY002 - the global state is the subject
    first = resampled([sample()], seed=0)[0]
    np.random.seed(2)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    np.testing.assert_array_equal(resampled([sample()], seed=0)[0], first)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    assert (resampled([sample()], seed=1)[0] != first).any()


def test_other_statistics():
    samples = np.arange(101.0)
    (medians,) = resampled([samples], lambda resamples: np.median(resamples, axis=1), n_resamples=500, seed=0)
    low, high = percentile_interval(medians)
    assert low < 50 < high
    assert set(medians) <= set(samples)


def test_percentiles_are_values_that_were_drawn_also_infinite_ones():
    draws = np.arange(1.0, 101.0)
    assert percentile_interval(draws, level=0.9) == (5.0, 95.0)
    draws[-10:] = np.inf
    assert percentile_interval(draws, level=0.9) == (5.0, np.inf)


def test_bca_is_scipys():
    """With the same resamples: scipy draws them from the generator in the same way."""
    values = sample(23)
    ours = bca_interval(mean_resamples([values], n_resamples=2000, seed=3))
    theirs = scipy_bootstrap(
        (values[:, 0],), np.mean, vectorized=True, n_resamples=2000, method="BCa", rng=np.random.default_rng(3)
    ).confidence_interval
    assert ours.low[0] == pytest.approx(theirs.low, rel=1e-12)
    assert ours.high[0] == pytest.approx(theirs.high, rel=1e-12)


def test_bca_of_a_symmetric_sample_is_nearly_the_percentile_interval():
    half = np.random.default_rng(0).normal(size=(40, 1))
    resamples = mean_resamples([np.concatenate([half, -half])], n_resamples=20_000, seed=0)
    assert resamples.acceleration[0] == pytest.approx(0.0, abs=1e-12)
    for ours, plain in zip(bca_interval(resamples), percentile_interval(resamples.means), strict=True):
        assert ours[0] == pytest.approx(plain[0], abs=0.03 * resamples.error[0])


def test_the_studentised_interval_is_its_definition_in_a_plain_loop():
    values = sample(12)[:, 0]
    generator = np.random.default_rng(7)
    t = []
    for row in generator.integers(12, size=(500, 12)):
        drawn = values[row]
        t.append((drawn.mean() - values.mean()) / (drawn.std(ddof=1) / math.sqrt(12)))
    t.sort()
    error = values.std(ddof=1) / math.sqrt(12)
    # The 13th and the 488th of 500: 2.5 and 97.5 %, rounded up.
    expected = values.mean() - t[487] * error, values.mean() - t[12] * error
    low, high = studentised_interval(mean_resamples([values[:, None]], n_resamples=500, seed=7))
    assert (low[0], high[0]) == pytest.approx(expected, rel=1e-12)


def test_the_mean_of_strata_has_the_error_of_independent_means():
    strata = [sample(12, 1), sample(30, 2)]
    resamples = mean_resamples(strata, n_resamples=20_000, seed=0)
    variances = [s.var(ddof=1) / len(s) for s in strata]
    assert resamples.mean[0] == pytest.approx(np.mean([s.mean() for s in strata]))
    assert resamples.error[0] == pytest.approx(math.sqrt(sum(variances)) / 2)
    shrunk = math.sqrt(sum(s.var() / len(s) for s in strata)) / 2  # a resample's own spread has ddof 0
    assert resamples.means.std() == pytest.approx(shrunk, rel=0.02)


def test_a_sample_of_copies_has_no_studentised_interval():
    values = np.array([200.0] * 11 + [180.0])[:, None]
    low, high = studentised_interval(mean_resamples([values], n_resamples=1000, seed=0))
    assert low[0] == -np.inf
    assert np.isfinite(high[0])


@pytest.mark.parametrize(
    ("samples", "settings", "message"),
    [
        ([], {}, r"at least one value.*got shape \(0,\)"),
        (3.0, {}, r"at least one value.*got shape \(\)"),
        ([1.0, math.nan], {}, "samples must be finite, got nan"),
        ([1.0, 2.0], {"n_resamples": 0}, "n_resamples must be at least 1, got 0"),
    ],
)
def test_impossible_arguments_are_refused(samples, settings, message):
    with pytest.raises(ValueError, match=message):
        resampled([samples], mean, seed=0, **settings)
