from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from udrl_explain.statistics import support_points as module
from udrl_explain.statistics.support_points import support_points


def energy_distance(rows, places):
    """From its definition, of rows in units of their spread; the part of all rows among themselves is left out."""
    spread = rows.std(axis=0)
    scaled = rows / np.where(spread > 0, spread, 1.0)
    apart = np.linalg.norm(scaled[:, None] - scaled, axis=-1)
    places = list(places)
    return 2 * apart[places].mean() - apart[np.ix_(places, places)].mean()


@given(arrays(np.float64, (9, 2), elements=st.integers(-20, 20).map(float)), st.integers(1, 9))
def test_no_swap_of_one_row_brings_the_energy_distance_down(rows, n):
    places = support_points(rows, n)
    assert places.tolist() == sorted(set(places.tolist()))
    assert len(places) == n
    found = energy_distance(rows, places)
    for out in places:
        for new in set(range(len(rows))) - set(places.tolist()):
            swapped = [*(set(places.tolist()) - {out}), new]
            assert energy_distance(rows, swapped) >= found - 1e-6


def test_it_finds_the_best_of_all_choices_or_nearly():
    rows = np.random.default_rng(0).normal(size=(12, 3))
    every = [energy_distance(rows, places) for places in combinations(range(12), 4)]
    assert energy_distance(rows, support_points(rows, 4)) <= np.quantile(every, 0.01)


@pytest.mark.parametrize("n", [1, 2, 4, 10])
def test_in_one_dimension_they_are_the_middles_of_equal_parts(n):
    """Closed form: the energy distance of a uniform distribution is least at (2 i + 1) / 2 n."""
    rows = np.linspace(0, 1, 2001)[:, None]
    np.testing.assert_allclose(rows[support_points(rows, n), 0], (np.arange(n) + 0.5) / n, atol=0.02 / n + 0.001)


def test_means_are_nearer_to_the_truth_than_those_of_sixteen_times_as_many_random_rows():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(1500, 3)) * [1.0, 1e4, 1e-3]  # units must not matter
    value = np.tanh(rows[:, 0]) + np.tanh(rows[:, 1] / 1e4) * (rows[:, 2] > 0)
    drawn = [np.random.default_rng(seed).choice(1500, 512, replace=False) for seed in range(40)]
    at_random = np.sqrt(np.mean([(value[chosen].mean() - value.mean()) ** 2 for chosen in drawn]))
    assert abs(value[support_points(rows, 32)].mean() - value.mean()) < at_random


def test_units_change_nothing():
    rows = np.random.default_rng(1).normal(size=(60, 4))
    in_other_units = support_points(rows * [2.0**20, 1.0, 2.0**-30, 4.0], 9)
    np.testing.assert_array_equal(in_other_units, support_points(rows, 9))


def test_of_very_many_rows_the_seed_draws_the_candidates(monkeypatch):
    monkeypatch.setattr(module, "MOST_CANDIDATES", 50)
    rows = np.random.default_rng(2).normal(size=(400, 2))
    first = support_points(rows, 8, seed=0)
    np.testing.assert_array_equal(support_points(rows, 8, seed=0), first)
    assert not np.array_equal(support_points(rows, 8, seed=1), first)
    with pytest.raises(ValueError, match="from 1 to 50, got 51"):
        support_points(rows, 51)


def test_constant_columns_and_all_rows_pass_and_too_many_are_refused():
    rows = np.ones((5, 2))
    np.testing.assert_array_equal(support_points(rows, 5), np.arange(5))
    for n in (0, 6):
        with pytest.raises(ValueError, match=f"from 1 to 5, got {n}"):
            support_points(rows, n)
