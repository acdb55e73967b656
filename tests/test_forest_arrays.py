"""Forests stored as few arrays come back to the last bit, whatever they were fitted with."""

import numpy as np
import pytest
from core_helpers import AVERAGED, BOOSTED, scaled, training_rows
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from udrl_explain.commands import CommandScale
from udrl_explain.forest import FOREST_ARRAYS, Forest
from udrl_explain.policies import policy_from_estimator
from udrl_explain.runs.forest_arrays import LAYOUTS, layout_of, packed_forest, unpacked_arrays
from udrl_explain.runs.policy_files import ARRAY_FILE, load_policy, save_policy

SCALE = CommandScale(0.02, 0.5)
COUNTS, VALUES, WHOLE = LAYOUTS


def fitted(estimator, n_rows=120, weights=None, seed=0):
    inputs, labels = training_rows(n_rows, seed=seed)
    fit = estimator.fit(scaled(inputs, SCALE.return_scale, SCALE.horizon_scale), labels, sample_weight=weights)
    return policy_from_estimator(fit, 3, SCALE.return_scale, SCALE.horizon_scale)


def assert_comes_back(forest, layout):
    arrays = packed_forest(forest)
    assert layout_of(arrays) == layout
    assert set(arrays) == set(layout)
    back = unpacked_arrays(arrays, forest.link)
    for name in FOREST_ARRAYS:
        assert back[name].dtype == getattr(forest, name).dtype
        assert back[name].tobytes() == getattr(forest, name).tobytes()
    Forest(**back, n_features=forest.n_features, link=forest.link)


@given(
    n_rows=st.integers(6, 60), seed=st.integers(0, 10**6), depth=st.sampled_from([None, 1, 4]), leaf=st.integers(1, 8),
    trees=st.integers(1, 5), kind=st.sampled_from([RandomForestClassifier, ExtraTreesClassifier]),
)  # fmt: skip
@settings(max_examples=25)
def test_forests_of_equal_rows_are_counts_in_leaves(n_rows, seed, depth, leaf, trees, kind):
    estimator = kind(trees, max_depth=depth, min_samples_leaf=leaf, random_state=seed % 2**32)
    assert_comes_back(fitted(estimator, n_rows, seed=seed).forest, COUNTS)


@pytest.mark.parametrize("kind", AVERAGED | BOOSTED)
def test_every_ensemble_comes_back(kind):
    forest = fitted((AVERAGED | BOOSTED)[kind]()).forest
    assert_comes_back(forest, layout_of(packed_forest(forest)))


@pytest.mark.parametrize(
    ("estimator", "weighted", "layout"),
    [
        (DecisionTreeClassifier(random_state=0), False, COUNTS),
        (DecisionTreeClassifier(random_state=0), True, VALUES),  # shares of weights are no counts
        (DecisionTreeClassifier(criterion="entropy", random_state=0), False, VALUES),  # another impurity
        (DecisionTreeClassifier(max_leaf_nodes=9, random_state=0), False, WHOLE),  # grown, and numbered, best first
    ],
)
def test_what_cannot_be_rebuilt_is_stored_as_it_is(tmp_path, estimator, weighted, layout):
    weights = np.random.default_rng(0).random(120) + 0.1 if weighted else None
    policy = fitted(estimator, weights=weights)
    assert_comes_back(policy.forest, layout)
    save_policy(policy, tmp_path)
    rows = training_rows(50, seed=9)[0]
    np.testing.assert_array_equal(
        load_policy(tmp_path, 3, SCALE).action_probabilities(rows), policy.action_probabilities(rows)
    )


def test_shape_and_shares_of_a_known_tree():
    """By hand: the root tests input 1, its left branch is a leaf, its right one tests input 0."""
    back = unpacked_arrays(
        {
            "is_leaf": np.array([0, 1, 0, 1, 1, 1]), "inner_feature": np.array([1, 0]),
            "inner_threshold": np.array([0.5, -2.0]), "base": np.zeros(2),
            "leaf_counts": np.array([[1, 0], [2, 1], [0, 4], [5, 3]]),
        },
        "mean",
    )  # fmt: skip
    np.testing.assert_array_equal(back["roots"], [0, 5])  # the last leaf is a tree of its own
    np.testing.assert_array_equal(back["children_left"], [1, -1, 3, -1, -1, -1])
    np.testing.assert_array_equal(back["children_right"], [2, -1, 4, -1, -1, -1])
    np.testing.assert_array_equal(back["feature"], [1, -1, 0, -1, -1, -1])
    np.testing.assert_array_equal(back["threshold"], [0.5, 0, -2, 0, 0, 0])
    np.testing.assert_array_equal(back["cover"], [8, 1, 7, 3, 4, 8])
    np.testing.assert_array_equal(back["value"][:3], [[3 / 8, 5 / 8], [1, 0], [2 / 7, 5 / 7]])
    np.testing.assert_array_equal(back["impurity"][[0, 1, 5]], [1 - (9 + 25) / 64, 0, 1 - (25 + 9) / 64])


ATTACKS = {
    "an open branch": ({"is_leaf": np.array([0, 1])}, "'is_leaf' must hold whole trees"),
    "nothing": ({"is_leaf": np.zeros(0, dtype=bool)}, "'is_leaf' must hold whole trees"),
    "no leaf": ({"is_leaf": np.zeros(3, dtype=bool)}, "'is_leaf' must hold whole trees"),
    "a tree begun": ({"is_leaf": np.array([1, 0])}, "'is_leaf' must hold whole trees"),
    "twos": ({"is_leaf": np.array([2])}, "'is_leaf' must hold 0 and 1"),
    "fractions": ({"is_leaf": np.array([0.5])}, "'is_leaf' must hold whole numbers"),
    "a single leaf": ({"is_leaf": np.array([1])}, "'inner_feature' has .* entries for 0 inner nodes"),
    "a threshold missing": ({"inner_threshold": np.zeros(1)}, "'inner_threshold' has 1 entries"),
    "a feature out of range": ({"inner_feature": 6}, "features must lie in 0..5"),
    "NaN threshold": ({"inner_threshold": np.nan}, "'threshold' holds a value that is not finite"),
    "a leaf missing": ({"leaf_counts": np.ones((2, 3), dtype=int)}, "'leaf_counts' has 2 entries"),
    "an empty leaf": ({"leaf_counts": 0}, "at least one row in each leaf"),
    "below 0": ({"leaf_counts": -1}, "'leaf_counts' must hold counts"),
    "beyond counting": ({"leaf_counts": 2**40}, "'leaf_counts' must hold counts below 4294967296"),
    "flat": ({"leaf_counts": np.ones(3, dtype=int)}, "'leaf_counts' must have 2 dimensions"),
    "another link": ({"link": np.str_("softmax")}, "'leaf_counts' needs the link 'mean'"),
    "both": ({"value": np.ones((1, 3))}, "array 'value' is unknown"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_damaged_or_hostile_arrays_are_refused_by_name(tmp_path, attack):
    changes, message = ATTACKS[attack]
    save_policy(fitted(RandomForestClassifier(3, random_state=0)), tmp_path)
    with np.load(tmp_path / ARRAY_FILE) as stored:
        arrays = dict(stored)
    for name, value in changes.items():
        arrays[name] = np.full_like(arrays[name], value, dtype=type(value)) if np.isscalar(value) else value
    np.savez(tmp_path / ARRAY_FILE, **arrays)
    with pytest.raises(ValueError, match=message) as fault:
        load_policy(tmp_path, 3, SCALE)
    assert str(tmp_path / ARRAY_FILE) in str(fault.value)


def test_more_nodes_than_memory_holds_are_refused(tmp_path, monkeypatch):
    save_policy(fitted(RandomForestClassifier(3, random_state=0)), tmp_path)
    monkeypatch.setattr("udrl_explain.runs.forest_arrays._MOST_NODES", 10)
    with pytest.raises(ValueError, match="'is_leaf' must hold at most 10 nodes"):
        load_policy(tmp_path, 3, SCALE)
