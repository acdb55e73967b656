"""Rows spread over all rows: equal probabilities, no row twice, less error than as many drawn at random."""

import numpy as np
import pytest

from udrl_explain.statistics.spread_sample import spread_sample


def test_every_row_is_as_likely_as_any_other_and_none_stands_twice():
    rows = np.random.default_rng(1).integers(0, 4, (7, 3)).astype(float)  # 7 = 2 + 2 + 3: cells of two sizes
    samples = np.array([spread_sample(rows, 3, seed) for seed in range(4000)])
    assert (np.diff(samples, axis=1) > 0).all()
    shares = np.bincount(samples.ravel(), minlength=7) / len(samples)
    assert np.abs(shares - 3 / 7).max() < 4 * np.sqrt(3 / 7 * 4 / 7 / len(samples))


def test_clusters_are_taken_in_proportion():
    rows = np.repeat([[0, 0], [0, 5], [5, 0], [5, 5]], 24, axis=0) + np.random.default_rng(0).normal(
        scale=0.01, size=(96, 2)
    )
    counts = np.array([np.bincount(spread_sample(rows, 48, seed) // 24, minlength=4) for seed in range(50)])
    assert np.abs(counts - 12).max() <= 2  # only cells at its ends hold rows of two clusters


def test_means_are_nearer_to_the_truth_than_those_of_random_rows():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(700, 3)) * [1.0, 1e4, 1e-3]  # units must not matter
    value = np.tanh(rows[:, 0]) + np.tanh(rows[:, 1] / 1e4) * (rows[:, 2] > 0)

    def error(choose):
        return np.sqrt(np.mean([(value[choose(seed)].mean() - value.mean()) ** 2 for seed in range(40)]))

    at_random = error(lambda seed: np.random.default_rng(seed).choice(len(rows), 128, replace=False))
    assert error(lambda seed: spread_sample(rows, 128, seed)) < 0.75 * at_random


def test_constant_columns_and_all_rows_pass_and_too_many_are_refused():
    rows = np.ones((5, 2))
    np.testing.assert_array_equal(spread_sample(rows, 5, 3), np.arange(5))
    with pytest.raises(ValueError, match="from 1 to 5, the number of rows, got 6"):
        spread_sample(rows, 6, 0)
