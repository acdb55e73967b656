from types import SimpleNamespace

import numpy as np
import pytest
from shapley_helpers import OTHERS, fitted_policy
from sklearn.ensemble import RandomForestClassifier

from udrl_explain.report.context import ReportContext


def background_of(policy, rows, seed=0):
    context = SimpleNamespace(options=SimpleNamespace(seed=seed))
    context.background = lambda run: ReportContext.background(context, run)
    run = SimpleNamespace(policy=policy, training_inputs=rows)
    return ReportContext.background(context, run), ReportContext.background_words(context, run)


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(2000, 5))


def test_forests_use_all_rows_of_the_last_fit(rows):
    policy, _ = fitted_policy(RandomForestClassifier(2, random_state=0))
    found, words = background_of(policy, rows)
    assert found is rows
    assert words == "all 2000 rows"


@pytest.mark.parametrize(("name", "n"), [("net", 256), ("neighbours", 64)])
def test_other_policies_use_rows_that_stand_for_all_not_the_first_ones(name, n, rows):
    policy, _ = fitted_policy(OTHERS[name](), 5)
    found, words = background_of(policy, rows)
    assert words == f"{n} of 2000 rows, which stand for all (support points)"
    places = [int(np.flatnonzero((rows == row).all(axis=1))[0]) for row in found]
    assert places == sorted(set(places))
    assert 0.4 < np.mean(places) / 2000 < 0.6  # the first rows are those of the best episodes
    np.testing.assert_array_equal(background_of(policy, rows)[0], found)
    np.testing.assert_array_equal(background_of(policy, rows, seed=1)[0], found)
    assert background_of(policy, rows[:40])[1] == "all 40 rows"
