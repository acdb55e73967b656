import dataclasses

import numpy as np
import pytest
from core_helpers import rows_at_thresholds, training_rows
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier

from udrl_explain.forest import FOREST_ARRAYS, Forest
from udrl_explain.trees.ensembles import forest_from_estimator


@pytest.fixture(scope="module")
def estimator():
    inputs, actions = training_rows(120, actions=(0, 1, 2))
    return RandomForestClassifier(7, random_state=0).fit(inputs, actions)


@pytest.fixture(scope="module")
def forest(estimator):
    return forest_from_estimator(estimator, 3)


def hand_made(**changes):
    """Two trees over three inputs: a stump on input 0, and a leaf alone."""
    parts = {
        "roots": np.array([0, 3], dtype=np.int32),
        "children_left": np.array([1, -1, -1, -1], dtype=np.int32),
        "children_right": np.array([2, -1, -1, -1], dtype=np.int32),
        "feature": np.array([0, -1, -1, -1], dtype=np.int32),
        "threshold": np.array([0.5, 0.0, 0.0, 0.0]),
        "value": np.array([[0.5, 0.5], [1.0, 0.0], [0.0, 1.0], [0.25, 0.75]]),
        "cover": np.array([2.0, 1.0, 1.0, 2.0]),
        "impurity": np.array([0.5, 0.0, 0.0, 0.375]),
        "base": np.zeros(2),
        "n_features": 3,
        "link": "mean",
    }
    return Forest(**(parts | changes))


def test_probabilities_are_the_mean_over_the_trees():
    rows = np.array([[0.5, 9, 9], [0.6, 9, 9]], dtype=np.float32)
    found = hand_made().probabilities(rows)
    assert found.tolist() == [[(1.0 + 0.25) / 2, 0.375], [0.125, (1.0 + 0.75) / 2]]


def test_a_softmax_forest_sums_scores_and_gives_unseen_actions_nothing():
    forest = hand_made(
        link="softmax", base=np.array([1.0, -np.inf]), value=np.array([[0.0, 0], [2, 0], [3, 0], [1, 0]])
    )
    rows = np.array([[0.0, 0, 0], [1.0, 0, 0]], dtype=np.float32)
    assert forest.raw_outputs(rows).tolist() == [[4.0, -np.inf], [5.0, -np.inf]]
    assert forest.probabilities(rows).tolist() == [[1.0, 0.0], [1.0, 0.0]]
    two = hand_made(link="softmax", base=np.array([1.0, 0.0]))
    raw = two.raw_outputs(rows)
    np.testing.assert_allclose(two.probabilities(rows)[:, 0], 1 / (1 + np.exp(raw[:, 1] - raw[:, 0])), atol=1e-15)


def test_large_scores_do_not_overflow():
    forest = hand_made(link="softmax", value=np.array([[0.0, 0], [1e4, 0], [0, 1e4], [0, 0]]))
    found = forest.probabilities(np.array([[0.0, 0, 0], [1.0, 0, 0]], dtype=np.float32))
    assert found.tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_leaves_are_those_of_scikit_learn_also_beside_thresholds(estimator, forest):
    rows = np.concatenate([training_rows(50, seed=8)[0], rows_at_thresholds(forest)])
    leaves = forest.leaves(rows.astype(np.float32))
    np.testing.assert_array_equal(leaves - forest.roots, estimator.apply(rows))
    assert forest.is_leaf[leaves].all()
    np.testing.assert_array_equal(forest.tree_of_node[leaves], np.tile(np.arange(7), (len(rows), 1)))


def test_raw_outputs_add_up_the_leaves(forest):
    rows = training_rows(50, seed=8)[0].astype(np.float32)
    total = np.zeros((50, 3))
    for tree in range(forest.n_trees):
        total += forest.value[forest.leaves(rows)[:, tree]]
    np.testing.assert_array_equal(forest.raw_outputs(rows), total / forest.n_trees)


@settings(max_examples=60, deadline=None)
@given(row=st.lists(st.floats(width=32, allow_nan=False), min_size=6, max_size=6))
def test_any_float32_row_answers_like_scikit_learn(estimator, forest, row):
    limited = np.clip(np.array([row]), -3e38, 3e38)
    np.testing.assert_array_equal(forest.probabilities(limited.astype(np.float32)), estimator.predict_proba(limited))


def test_no_rows_give_no_answers(forest):
    empty = np.empty((0, 6), dtype=np.float32)
    assert forest.probabilities(empty).shape == (0, 3)
    assert forest.leaves(empty).shape == (0, 7)


def test_the_arrays_cannot_be_changed(forest):
    for name in FOREST_ARRAYS:
        with pytest.raises(ValueError, match="read-only"):
            getattr(forest, name)[...] = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        forest.link = "softmax"


def test_making_a_forest_leaves_the_callers_arrays_writable():
    """The bug: the forest froze the very arrays that were handed to it."""
    base = np.zeros(2)
    hand_made(base=base)
    base[0] = 1.0
    assert base.flags.writeable


@pytest.mark.parametrize("rows", [np.zeros((2, 3)), np.zeros((2, 2), np.float32), np.zeros(3, np.float32)])
def test_rows_that_do_not_fit_are_refused(rows):
    """The bug: rows with too few columns were read beyond their end, and float64 rows compared as float64."""
    with pytest.raises(ValueError, match=r"rows must be float32 of shape \(n_rows, 3\)"):
        hand_made().leaves(rows)
    with pytest.raises(ValueError, match=r"rows must be float32 of shape \(n_rows, 3\)"):
        hand_made().probabilities(rows)


BREAKS = {
    "no features": ({"n_features": 0}, "n_features must be at least 1, got 0"),
    "roots out of order": ({"roots": np.array([3, 0], dtype=np.int32)}, "roots must ascend"),
    "no tree": ({"roots": np.array([], dtype=np.int32)}, "roots must ascend"),
    "first root not 0": ({"roots": np.array([1, 3], dtype=np.int32)}, "roots must ascend"),
    "root beyond the nodes": ({"roots": np.array([0, 4], dtype=np.int32)}, "roots must ascend"),
    "child out of range": ({"children_right": np.array([9, -1, -1, -1], dtype=np.int32)}, "children_right must point"),
    "child very negative": ({"children_left": np.array([-7, -1, -1, -1], dtype=np.int32)}, "children_left must point"),
    "child in another tree": ({"children_right": np.array([3, -1, -1, -1], dtype=np.int32)}, "stay inside its tree"),
    "cycle": ({"children_left": np.array([0, -1, -1, -1], dtype=np.int32)}, "must point behind the parent"),
    "one child only": ({"children_left": np.array([-1, -1, -1, -1], dtype=np.int32)}, "one child only"),
    "shared child": ({"children_right": np.array([1, -1, -1, -1], dtype=np.int32)}, "child of exactly one node"),
    "orphan": ({"roots": np.array([0], dtype=np.int32)}, "child of exactly one node"),
    "feature too high": ({"feature": np.array([3, -1, -1, -1], dtype=np.int32)}, "features must lie in 0..2"),
    "feature negative": ({"feature": np.array([-1, -1, -1, -1], dtype=np.int32)}, "features must lie in 0..2"),
    "NaN threshold": ({"threshold": np.array([np.nan, 0, 0, 0])}, "'threshold' holds a value that is not finite"),
    "infinite value": ({"value": np.full((4, 2), np.inf)}, "'value' holds a value that is not finite"),
    "NaN cover": ({"cover": np.array([np.nan, 1, 1, 1])}, "'cover' holds a value that is not finite"),
    "no cover": ({"cover": np.array([2.0, 0, 1, 1])}, "covers must be above 0"),
    "NaN base": ({"base": np.array([np.nan, 0])}, "'base' must hold finite numbers"),
    "infinite base": ({"base": np.array([np.inf, 0])}, "'base' must hold finite numbers"),
    "no action left": ({"base": np.array([-np.inf, -np.inf]), "link": "softmax"}, "'base' must hold finite numbers"),
    "base of a mean": ({"base": np.array([0.5, 0])}, "must be 0 where the link is 'mean'"),
    "wrong link": ({"link": "sum"}, "link must be one of .*, got 'sum'"),
    "wrong dtype": ({"feature": np.array([0, -1, -1, -1])}, "'feature' must be 1-dimensional int32"),
    "wrong dimensions": ({"value": np.zeros(4)}, "'value' must be 2-dimensional float64"),
    "no array": ({"cover": [2.0, 1, 1, 2]}, "'cover' must be 1-dimensional float64"),
    "too short": ({"cover": np.ones(3)}, "'cover' has 3 entries for 4 nodes"),
    "too few columns": ({"base": np.zeros(3)}, "value has 2 columns and base 3 entries"),
    "no actions": ({"base": np.zeros(0), "value": np.zeros((4, 0))}, "value has 0 columns"),
}


@pytest.mark.parametrize("case", BREAKS)
def test_arrays_that_are_no_forest_are_refused(case):
    changes, message = BREAKS[case]
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        hand_made(**changes)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_is_written_over_an_index_is_refused_or_harmless(forest, data):
    """No change of an index array may let the compiled loops read outside the arrays or run for ever."""
    name = data.draw(st.sampled_from(["roots", "children_left", "children_right", "feature"]))
    array = np.array(getattr(forest, name))
    where = data.draw(st.integers(0, len(array) - 1))
    array[where] = data.draw(st.one_of(st.integers(-3, forest.n_nodes + 2), st.integers(-(2**31), 2**31 - 1)))
    parts = {field.name: getattr(forest, field.name) for field in dataclasses.fields(forest)}
    try:
        changed = Forest(**(parts | {name: array}))
    except ValueError:
        return
    leaves = changed.leaves(np.zeros((3, 6), dtype=np.float32))
    assert ((leaves >= 0) & (leaves < changed.n_nodes)).all()
    assert changed.is_leaf[leaves].all()
