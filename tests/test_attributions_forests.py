import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapley_helpers import (
    BOOSTED,
    FORESTS,
    SCALE,
    cover_worths,
    fitted_policy,
    interactions_by_definition,
    rows_and_actions,
    shapley_by_definition,
    split_by_definition,
    stump_forest,
    worths_of,
)
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from udrl_explain.attributions import attribute, attribute_pairs
from udrl_explain.attributions.lanes import count_cells
from udrl_explain.attributions.leaf_boxes import leaf_boxes
from udrl_explain.attributions.leaf_groups import leaf_groups
from udrl_explain.forest import Forest
from udrl_explain.policies import ForestPolicy, policy_from_estimator

EXACT = {"rtol": 0, "atol": 1e-12}


def threshold_rows(policy, inputs, n_rows, seed=0):
    """Rows of which every input lies exactly on a float32-rounded threshold, or one float32 step beside it."""
    generator = np.random.default_rng(seed)
    forest, rows = policy.forest, inputs[:n_rows].copy()
    factors = policy.scale.factors(policy.n_features)
    for j in range(policy.n_features):
        thresholds = forest.threshold[forest.feature == j]
        if len(thresholds):
            near = generator.choice(thresholds, n_rows).astype(np.float32)
            step = generator.integers(-1, 2, n_rows)
            near = np.where(step == 0, near, np.nextafter(near, np.where(step > 0, np.float32(9e9), np.float32(-9e9))))
            rows[:, j] = near.astype(np.float64) / factors[j]
    return rows


@pytest.mark.parametrize("background_rows", [None, 1, 7])
@pytest.mark.parametrize("name", FORESTS)
def test_values_pairs_and_split_are_those_of_the_definition(name, background_rows):
    policy, inputs = fitted_policy(FORESTS[name](), n_features=4)
    background = None if background_rows is None else inputs[60 : 60 + background_rows]
    rows = inputs[:4]
    values = attribute(policy, rows, background)
    pairs = attribute_pairs(policy, rows, background)
    assert values.exact
    assert values.method == pairs.method
    assert values.method == ("leaf boxes, path-dependent" if background is None else "leaf boxes, interventional")
    assert values.n_background == (background_rows or 0)
    for i, row in enumerate(rows):
        worths = worths_of(policy, row, background)
        np.testing.assert_allclose(values.values[i], shapley_by_definition(worths), **EXACT)
        np.testing.assert_allclose(values.base_values, worths[(False,) * 4], **EXACT)
        index = interactions_by_definition(worths)
        off_diagonal = pairs.values[i] * (1 - np.eye(4))[:, :, None]
        np.testing.assert_allclose(off_diagonal, index / 2, **EXACT)
        np.testing.assert_allclose(pairs.values[i].sum(axis=1), values.values[i], **EXACT)
        np.testing.assert_allclose(pairs.split[i], split_by_definition(worths), **EXACT)


@pytest.mark.parametrize("n_actions", [2, 3, 4])
@pytest.mark.parametrize("with_background", [False, True])
def test_rows_and_background_on_thresholds_follow_the_trees(n_actions, with_background):
    policy, inputs = fitted_policy(RandomForestClassifier(4, max_depth=6, random_state=1), 4, n_actions)
    rows = threshold_rows(policy, inputs, 12)
    background = threshold_rows(policy, inputs, 9, seed=1) if with_background else None
    result = attribute(policy, rows, background)
    for i, row in enumerate(rows):
        expected = shapley_by_definition(worths_of(policy, row, background))
        np.testing.assert_allclose(result.values[i], expected, **EXACT)


@pytest.mark.parametrize("name", BOOSTED)
@pytest.mark.parametrize("n_actions", [2, 3])
def test_raw_scores_of_boosted_forests_are_exact_in_both_games(name, n_actions):
    policy, inputs = fitted_policy(BOOSTED[name](), 4, n_actions)
    rows, background = inputs[:3], inputs[50:57]

    def scores(joined):
        return policy.forest.raw_outputs(policy.tree_inputs(joined))

    by_cover = attribute(policy, rows, quantity="raw score")
    by_background = attribute(policy, rows, background, quantity="raw score")
    assert by_cover.quantity == "raw score"
    np.testing.assert_array_equal(by_cover.outputs, scores(rows))
    for i, row in enumerate(rows):
        worths = cover_worths(policy.forest, policy.tree_inputs(rows)[i])
        np.testing.assert_allclose(by_cover.values[i], shapley_by_definition(worths), **EXACT)
        worths = {
            coalition: scores(np.where(coalition, row, background)).mean(axis=0)
            for coalition in cover_worths(policy.forest, row)
        }
        np.testing.assert_allclose(by_background.values[i], shapley_by_definition(worths), **EXACT)


def test_the_tree_engine_agrees_with_the_enumeration_on_a_whole_forest():
    policy, inputs = fitted_policy(ExtraTreesClassifier(30, random_state=0), 6, 4, 300)

    class Opaque:
        n_features, n_actions, scale = policy.n_features, policy.n_actions, policy.scale
        feature_names, action_names = policy.feature_names, policy.action_names
        probability_source = "probabilities"
        action_probabilities = staticmethod(policy.action_probabilities)

    by_trees = attribute_pairs(policy, inputs[:6], inputs[100:120])
    enumerated = attribute_pairs(Opaque(), inputs[:6], inputs[100:120])
    assert by_trees.method != enumerated.method
    np.testing.assert_allclose(by_trees.values, enumerated.values, **EXACT)
    np.testing.assert_allclose(by_trees.split, enumerated.split, **EXACT)
    assert np.abs(by_trees.values).max() > 0.01


@pytest.mark.parametrize("with_background", [False, True])
def test_an_action_never_seen_has_zero_values(with_background):
    inputs, actions = rows_and_actions(4, 2)
    estimator = RandomForestClassifier(5, random_state=0).fit(inputs, actions * 2 + 1)
    policy = policy_from_estimator(estimator, 5)
    result = attribute(policy, inputs[:5], inputs[50:60] if with_background else None)
    np.testing.assert_array_equal(result.values[:, :, [0, 2, 4]], 0.0)
    assert np.abs(result.values[:, :, [1, 3]]).max() > 0.01


def test_a_constant_policy_has_zero_values_and_its_output_as_base():
    inputs, _ = rows_and_actions(4)
    policy = policy_from_estimator(DecisionTreeClassifier().fit(inputs, np.full(len(inputs), 1)), 3)
    for background in (None, inputs[:3]):
        result = attribute(policy, inputs[:5], background)
        np.testing.assert_array_equal(result.values, 0.0)
        np.testing.assert_array_equal(result.base_values, [0.0, 1.0, 0.0])


def test_an_input_that_no_tree_tests_gets_exactly_zero():
    inputs, actions = rows_and_actions(5)
    without = inputs.copy()
    without[:, 1] = 0.0
    policy = policy_from_estimator(RandomForestClassifier(6, random_state=0).fit(without, actions), 3)
    for background in (None, inputs[50:70]):
        np.testing.assert_array_equal(attribute(policy, inputs[:9], background).values[:, 1], 0.0)


def test_duplicated_rows_have_equal_values_and_a_duplicated_background_changes_nothing():
    policy, inputs = fitted_policy(RandomForestClassifier(5, random_state=0))
    rows, background = inputs[[3, 8, 3, 3]], inputs[20:30]
    once = attribute(policy, rows, background)
    np.testing.assert_array_equal(once.values[0], once.values[2])
    np.testing.assert_array_equal(once.values[0], once.values[3])
    twice = attribute(policy, rows, np.repeat(background, 2, axis=0))
    np.testing.assert_allclose(twice.values, once.values, **EXACT)
    assert (once.n_background, twice.n_background) == (10, 20)


def test_results_do_not_depend_on_threads_or_on_the_other_rows():
    policy, inputs = fitted_policy(RandomForestClassifier(30, random_state=0), 6, 3, 400)
    for background in (None, inputs[100:300]):
        one = attribute(policy, inputs, background, n_jobs=1)
        three = attribute(policy, inputs, background, n_jobs=3)
        np.testing.assert_array_equal(one.values, three.values)
        alone = attribute(policy, inputs[7:8], background)
        np.testing.assert_array_equal(alone.values, one.values[7:8])


def test_many_rows_are_explained_in_blocks(monkeypatch):
    policy, inputs = fitted_policy(RandomForestClassifier(10, random_state=0), 6, 3, 700)
    rows = np.tile(inputs, (2, 1))
    whole = attribute(policy, rows)
    monkeypatch.setattr("udrl_explain.attributions.forest_games.LANE_FLOATS", 1)
    np.testing.assert_array_equal(attribute(policy, rows).values, whole.values)


def test_more_thresholds_than_16_bits_can_number():
    n_trees = 70_000
    generator = np.random.default_rng(0)
    thresholds = np.sort(generator.normal(size=n_trees).astype(np.float32)).astype(np.float64)
    assert len(np.unique(thresholds)) > 2**16
    policy = stump_forest(0, thresholds, 1.0, 0.0, n_features=3)
    rows = np.zeros((2, 3))
    rows[1, 0] = 0.5
    result = attribute(policy, rows)
    expected = (rows[:, :1] <= thresholds).mean(axis=1) - 0.5
    np.testing.assert_allclose(result.values[:, 0, 0], expected, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(result.values[:, 1:], 0.0)


def test_float64_thresholds_that_round_to_one_float32_make_an_empty_box():
    # Between 1 and the next float32 lie float64 numbers: no float32 row is in the leaf between two of them.
    low, high = 1.0 + 1e-9, 1.0 + 2e-9
    forest = Forest(
        roots=np.array([0], dtype=np.int32),
        children_left=np.array([1, -1, 3, -1, -1], dtype=np.int32),
        children_right=np.array([2, -1, 4, -1, -1], dtype=np.int32),
        feature=np.array([0, -1, 0, -1, -1], dtype=np.int32),
        threshold=np.array([low, 0.0, high, 0.0, 0.0]),
        value=np.array([[0.5, 0.5], [1.0, 0.0], [0.25, 0.75], [0.0, 1.0], [0.4, 0.6]]),
        cover=np.array([4.0, 2.0, 2.0, 1.0, 1.0]),
        impurity=np.zeros(5),
        base=np.zeros(2),
        n_features=3,
        link="mean",
    )
    policy = ForestPolicy(forest)
    rows = np.zeros((3, 3))
    rows[:, 0] = [1.0, (low + high) / 2, np.nextafter(np.float32(1), np.float32(2))]
    result = attribute(policy, rows)
    for i in range(3):
        expected = shapley_by_definition(cover_worths(forest, rows[i].astype(np.float32)))
        np.testing.assert_allclose(result.values[i], expected, **EXACT)


def chain_policy(n_features, cover=None):
    """One tree that asks every input in turn and ends where the answer is no."""
    inner = np.arange(n_features, dtype=np.int32) * 2
    n_nodes = 2 * n_features + 1
    left, right = np.full((2, n_nodes), -1, dtype=np.int32)
    left[inner], right[inner] = inner + 1, inner + 2
    feature = np.full(n_nodes, -1, dtype=np.int32)
    feature[inner] = np.arange(n_features)
    first = np.linspace(0.1, 0.9, n_nodes)
    forest = Forest(
        roots=np.array([0], dtype=np.int32),
        children_left=left,
        children_right=right,
        feature=feature,
        threshold=np.zeros(n_nodes),
        value=np.column_stack([first, 1 - first]),
        cover=np.repeat(np.arange(n_features + 1, 0, -1.0), 2)[1:] if cover is None else cover,
        impurity=np.zeros(n_nodes),
        base=np.zeros(2),
        n_features=n_features,
        link="mean",
    )
    return ForestPolicy(forest)


def test_covers_that_do_not_add_up_still_define_a_game():
    # Bug: the last action's values were taken as minus the others', which holds only where covers add up.
    policy = chain_policy(4, np.array([9.0, 5, 8, 1, 6, 2, 2, 1, 3]))
    row = np.ones((1, 4))
    expected = shapley_by_definition(cover_worths(policy.forest, row[0]))
    np.testing.assert_allclose(attribute(policy, row).values[0], expected, **EXACT)


def test_a_path_of_fifteen_inputs_is_explained_and_of_sixteen_refused_with_the_alternative():
    rows = np.ones((2, 15))
    rows[0, 4] = -1
    rows[1, 9] = -1
    result = attribute(chain_policy(15), rows)
    assert (result.values[0, 5:] != 0).all()
    with pytest.raises(ValueError, match="at most 15 inputs, one here tests 16: use method='permutation'"):
        attribute(chain_policy(16), np.ones((2, 16)))


@pytest.mark.parametrize("max_cells", [1, 40, 300])
def test_a_cell_tells_in_which_boxes_of_its_group_a_row_lies(max_cells):
    policy, inputs = fitted_policy(RandomForestClassifier(4, random_state=0), 5, 3)
    boxes = leaf_boxes(policy.forest)
    rows = policy.tree_inputs(threshold_rows(policy, inputs, 100))
    ranks = boxes.ranks(rows)
    groups = leaf_groups(boxes.lower, boxes.upper, boxes.n_cuts, max_cells)
    inside = (boxes.lower[:, :, None] <= ranks) & (ranks <= boxes.upper[:, :, None])
    sizes = np.diff(groups.first_leaf)
    assert sizes.sum() == len(boxes.lower)
    assert (groups.n_cells[sizes > 1] <= max_cells).all()
    assert (sizes.max() > 1) == (max_cells > 1)
    for g in range(len(groups.n_cells)):
        cells = np.empty(len(rows), dtype=np.uint16)
        counts = np.empty(groups.n_cells[g])
        count_cells(groups, g, g + 1, ranks, cells, counts)
        np.testing.assert_array_equal(counts, np.bincount(cells, minlength=len(counts)))
        assert cells.max() < groups.n_cells[g]
        digits = cells.astype(np.int64)
        for j in range(5):
            first, last = groups.first_class[g, j], groups.first_class[g, j + 1]
            masks = groups.class_mask[first + digits % (last - first)]
            digits //= last - first
            for k, leaf in enumerate(range(groups.first_leaf[g], groups.first_leaf[g + 1])):
                np.testing.assert_array_equal(masks >> np.uint64(k) & np.uint64(1), inside[leaf, j])


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n_actions=st.integers(2, 4),
    depth=st.integers(1, 7),
    n_background=st.integers(0, 5),
)
def test_efficiency_dummy_and_definition_on_random_forests(seed, n_actions, depth, n_background):
    policy, inputs = fitted_policy(
        RandomForestClassifier(2, max_depth=depth, random_state=seed), 4, n_actions, 40, seed
    )
    background = inputs[10 : 10 + n_background] if n_background else None
    result = attribute(policy, inputs[:2], background)
    np.testing.assert_allclose(
        result.base_values + result.values.sum(axis=1), policy.action_probabilities(inputs[:2]), **EXACT
    )
    unused = np.setdiff1d(np.arange(4), policy.forest.feature)
    np.testing.assert_array_equal(result.values[:, unused], 0.0)
    expected = shapley_by_definition(worths_of(policy, inputs[1], background))
    np.testing.assert_allclose(result.values[1], expected, **EXACT)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), with_background=st.booleans())
def test_symmetry_of_inputs_that_trees_treat_alike(seed, with_background):
    policy, inputs = fitted_policy(RandomForestClassifier(2, max_depth=4, random_state=seed), 4, 3, 60, seed)
    forest = policy.forest
    swap = np.array([1, 0, 2, 3, -1])
    shift = np.int32(forest.n_nodes)

    def doubled(array):
        return np.concatenate([array, array])

    def doubled_children(children):
        return np.concatenate([children, np.where(children < 0, children, children + shift)])

    both = ForestPolicy(
        Forest(
            roots=np.concatenate([forest.roots, forest.roots + shift]),
            children_left=doubled_children(forest.children_left),
            children_right=doubled_children(forest.children_right),
            feature=np.concatenate([forest.feature, swap[forest.feature].astype(np.int32)]),
            threshold=doubled(forest.threshold),
            value=doubled(forest.value),
            cover=doubled(forest.cover),
            impurity=doubled(forest.impurity),
            base=forest.base,
            n_features=4,
            link="mean",
        ),
        policy.scale,
    )
    rows = inputs[:3].copy()
    rows[:, 1] = rows[:, 0]
    background = None
    if with_background:
        background = np.concatenate([inputs[5:9], inputs[5:9][:, [1, 0, 2, 3]]])
    values = attribute(both, rows, background).values
    np.testing.assert_allclose(values[:, 0], values[:, 1], **EXACT)


def test_scales_reach_the_trees_once():
    # With the scale inside the estimator's rows or inside the policy, the same trees see the same rows.
    policy, inputs = fitted_policy(RandomForestClassifier(5, random_state=0))
    unscaled = ForestPolicy(policy.forest)
    rows = inputs[:6].copy()
    rows[:, -2:] *= SCALE
    np.testing.assert_array_equal(attribute(policy, inputs[:6]).values, attribute(unscaled, rows).values)
