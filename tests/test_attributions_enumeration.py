import numpy as np
import pytest
from shapley_helpers import (
    BOOSTED,
    OTHERS,
    all_coalitions,
    background_worths,
    digest,
    fitted_policy,
    interactions_by_definition,
    shapley_by_definition,
    split_by_definition,
)
from sklearn.ensemble import AdaBoostClassifier, GradientBoostingClassifier, RandomForestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

from udrl_explain.attributions import attribute, attribute_pairs
from udrl_explain.attributions.enumeration import interaction_weights, shapley_weights
from udrl_explain.commands import CommandScale
from udrl_explain.names import checked_feature_names
from udrl_explain.self_check import SelfCheckError

EXACT = {"rtol": 0, "atol": 1e-12}


class Counting:
    """A policy of the user's own: keeps the rows that it is asked for."""

    probability_source = "probabilities"
    scale = CommandScale()

    def __init__(self, n_features, function):
        self.n_features, self.function, self.n_actions = n_features, function, 2
        self.feature_names, self.action_names = checked_feature_names(None, n_features), ("no", "yes")
        self.asked = []

    def action_probabilities(self, inputs):
        self.asked.append(np.array(inputs))
        first = self.function(np.asarray(inputs))
        return np.column_stack([first, 1 - first])


def smooth(rows):
    return 1 / (1 + np.exp(-rows[:, 0] * rows[:, 1] - np.sin(rows[:, 2]) * rows[:, -1]))


@pytest.mark.parametrize("n_background", [1, 9])
@pytest.mark.parametrize("name", [*OTHERS, *BOOSTED])
def test_values_pairs_and_split_are_those_of_the_definition(name, n_background):
    policy, inputs = fitted_policy({**OTHERS, **BOOSTED}[name](), n_features=4)
    rows, background = inputs[:4], inputs[70 : 70 + n_background]
    values, pairs = attribute(policy, rows, background), attribute_pairs(policy, rows, background)
    assert values.exact
    assert values.method == pairs.method == "coalition enumeration, interventional"
    assert values.quantity == "probability"
    assert values.n_background == n_background
    for i, row in enumerate(rows):
        worths = background_worths(policy.action_probabilities, row, background)
        np.testing.assert_allclose(values.values[i], shapley_by_definition(worths), **EXACT)
        np.testing.assert_allclose(values.base_values, worths[(False,) * 4], **EXACT)
        index = interactions_by_definition(worths)
        np.testing.assert_allclose(pairs.values[i] * (1 - np.eye(4))[:, :, None], index / 2, **EXACT)
        np.testing.assert_allclose(pairs.values[i].sum(axis=1), values.values[i], **EXACT)
        np.testing.assert_allclose(pairs.split[i], split_by_definition(worths), **EXACT)
    assert np.abs(values.values).max() > 1e-3


def test_a_linear_policy_has_the_known_values():
    weights = np.array([0.01, -0.02, 0.0, 0.005])
    policy = Counting(4, lambda rows: 0.5 + rows @ weights)
    generator = np.random.default_rng(0)
    rows, background = generator.normal(size=(5, 4)), generator.normal(size=(30, 4))
    result = attribute(policy, rows, background)
    np.testing.assert_allclose(result.values[:, :, 0], weights * (rows - background.mean(axis=0)), **EXACT)
    pairs = attribute_pairs(policy, rows, background)
    np.testing.assert_allclose(pairs.values[:, ~np.eye(4, dtype=bool)], 0.0, **EXACT)


def test_a_coalition_evaluates_no_joined_row_twice_and_none_that_a_smaller_one_makes():
    generator = np.random.default_rng(0)
    # A command sweep in one state, against rows whose first column is mostly the state's.
    rows = np.repeat(generator.normal(size=(1, 5)), 20, axis=0)
    rows[:, -2:] = generator.integers(0, 4, size=(20, 2))
    background = generator.normal(size=(15, 5))
    background[:12, 0] = rows[0, 0]
    background[:5] = background[5:10]
    background[:, -1] = generator.integers(0, 4, size=15)
    policy = Counting(5, smooth)
    result = attribute(policy, rows, background)
    asked = np.concatenate(policy.asked[1:])  # the first call is for the outputs of the rows themselves
    expected = 0
    for coalition in all_coalitions(5):
        differs = (rows[:, None] != background) | ~np.array(coalition)
        joined = np.where(coalition, rows[:, None], background)[differs.all(axis=2)]
        expected += len(np.unique(joined, axis=0))
    assert len(asked) == expected
    assert expected < 32 * 20 * 15 / 9
    for i in (0, 19):
        worths = background_worths(policy.action_probabilities, rows[i], background)
        np.testing.assert_allclose(result.values[i], shapley_by_definition(worths), **EXACT)


def test_a_row_equal_to_its_only_background_row_has_zero_values():
    rows = np.random.default_rng(0).normal(size=(1, 4))
    policy = Counting(4, smooth)
    np.testing.assert_allclose(attribute(policy, rows, rows).values, 0.0, **EXACT)
    assert sum(map(len, policy.asked)) == 2  # the output itself, and one joined row


def test_blocks_of_rows_and_background_change_nothing(monkeypatch):
    generator = np.random.default_rng(0)
    rows, background = generator.normal(size=(7, 4)), generator.normal(size=(11, 4))
    whole = attribute(Counting(4, smooth), rows, background)
    for name, size in (("PAIRS_AT_ONCE", 8), ("BACKGROUND_AT_ONCE", 4), ("ROWS_PER_CALL", 3), ("PENDING_FLOATS", 1)):
        monkeypatch.setattr(f"udrl_explain.attributions.enumeration.{name}", size)
    policy = Counting(4, smooth)
    blocks = attribute(policy, rows, background)
    assert max(len(asked) for asked in policy.asked[1:]) == 3
    np.testing.assert_allclose(blocks.values, whole.values, **EXACT)
    np.testing.assert_allclose(blocks.base_values, whole.base_values, **EXACT)


def test_threads_change_nothing():
    policy, inputs = fitted_policy(OTHERS["net"]())
    one = attribute(policy, inputs[:30], inputs[50:90], n_jobs=1)
    three = attribute(policy, inputs[:30], inputs[50:90], n_jobs=3)
    np.testing.assert_array_equal(one.values, three.values)


@pytest.mark.parametrize(("n_features", "n_actions"), [(6, 2), (7, 4)])
def test_boosted_probabilities_agree_with_the_walked_enumeration(n_features, n_actions, monkeypatch):
    monkeypatch.setattr("udrl_explain.attributions.boosted_coalitions.BACKGROUND_AT_ONCE", 5)
    monkeypatch.setattr("udrl_explain.attributions.boosted_coalitions.WORTH_FLOATS", 4000)
    for estimator in (
        GradientBoostingClassifier(n_estimators=20, max_depth=5, random_state=0),
        AdaBoostClassifier(DecisionTreeClassifier(max_depth=8), n_estimators=10, random_state=0),
    ):
        policy, inputs = fitted_policy(estimator, n_features, n_actions, 300)
        rows, background = inputs[:9], inputs[[100, 101, 102, 103, 104, 105, 106, 103, 3]]

        class Opaque:
            n_features, n_actions, scale = policy.n_features, policy.n_actions, policy.scale
            feature_names, action_names = policy.feature_names, policy.action_names
            probability_source = "probabilities"
            action_probabilities = staticmethod(policy.action_probabilities)

        by_boxes, walked = attribute_pairs(policy, rows, background), attribute_pairs(Opaque(), rows, background)
        np.testing.assert_allclose(by_boxes.values, walked.values, rtol=0, atol=1e-11)
        np.testing.assert_allclose(by_boxes.split, walked.split, rtol=0, atol=1e-11)
        assert np.abs(by_boxes.values).max() > 0.01
        one = attribute(policy, rows, background, n_jobs=1)
        np.testing.assert_array_equal(one.values, attribute(policy, rows, background, n_jobs=3).values)


def test_weights_are_the_definitions():
    generator = np.random.default_rng(0)
    worths = {tuple(bool(c >> j & 1) for j in range(4)): generator.normal(size=1) for c in range(16)}
    ordered = np.array(list(worths.values()))
    np.testing.assert_allclose(shapley_weights(4) @ ordered, shapley_by_definition(worths), **EXACT)
    index = interactions_by_definition(worths)[np.triu_indices(4, k=1)]
    np.testing.assert_allclose(interaction_weights(4) @ ordered, index, **EXACT)


def test_sampled_values_add_up_and_lie_within_their_errors_of_the_exact_ones():
    policy, inputs = fitted_policy(RandomForestClassifier(10, max_depth=6, random_state=0), 6, 3, 300)
    rows, background = inputs[:20], inputs[100:130]
    exact = attribute(policy, rows, background)
    sampled = attribute(policy, rows, background, method="permutation", seed=3, n_permutation_pairs=100)
    assert not sampled.exact
    assert sampled.method == "permutation sampling, interventional"
    np.testing.assert_allclose(sampled.base_values + sampled.values.sum(axis=1), sampled.outputs, **EXACT)
    error = np.abs(sampled.values - exact.values)
    assert error.max() > 1e-6
    known = sampled.standard_error > 1e-12
    assert (error[~known] < 1e-9).all()
    ratio = error[known] / sampled.standard_error[known]
    assert 0.9 < (ratio < 2).mean() < 1.0
    # A quarter of the orders, twice the error.
    fewer = attribute(policy, rows, background, method="permutation", seed=4, n_permutation_pairs=25)
    assert 1.6 < fewer.standard_error.mean() / sampled.standard_error.mean() < 2.5


def test_orders_taken_both_ways_are_exact_where_only_pairs_interact():
    def pairs_only(rows):
        return 0.5 + 0.01 * (rows[:, 0] * rows[:, 1] + rows[:, 1] * rows[:, 3] - rows[:, 2])

    generator = np.random.default_rng(0)
    rows, background = generator.normal(size=(3, 4)), generator.normal(size=(6, 4))
    policy = Counting(4, pairs_only)
    sampled = attribute(policy, rows, background, method="permutation", n_permutation_pairs=2)
    np.testing.assert_allclose(sampled.values, attribute(policy, rows, background).values, **EXACT)
    np.testing.assert_allclose(sampled.standard_error, 0.0, **EXACT)


def test_sampling_is_repeatable_and_its_seed_matters():
    policy, inputs = fitted_policy(OTHERS["net"]())
    options = {"method": "permutation", "n_permutation_pairs": 4}
    first = attribute(policy, inputs[:3], inputs[50:60], seed=1, **options)
    again = attribute(policy, inputs[:3], inputs[50:60], seed=1, n_jobs=1, **options)
    other = attribute(policy, inputs[:3], inputs[50:60], seed=2, **options)
    np.testing.assert_array_equal(first.values, again.values)
    np.testing.assert_array_equal(first.standard_error, again.standard_error)
    assert np.abs(first.values - other.values).max() > 1e-6


def test_more_than_twelve_inputs_are_refused_with_the_alternative_and_can_be_sampled():
    policy = Counting(13, smooth)
    generator = np.random.default_rng(0)
    rows, background = generator.normal(size=(2, 13)), generator.normal(size=(5, 13))
    with pytest.raises(ValueError, match="at most 12 inputs, this policy takes 13: use method='permutation'"):
        attribute(policy, rows, background)
    with pytest.raises(ValueError, match="at most 12 inputs"):
        attribute_pairs(policy, rows, background)
    sampled = attribute(policy, rows, background, method="permutation", n_permutation_pairs=200)
    for i in range(2):
        # Only four inputs matter: the exact values are those of the small game.
        used = [0, 1, 2, 12]
        worths = background_worths(
            lambda part: np.column_stack([smooth(part), 1 - smooth(part)]), rows[i, used], background[:, used]
        )
        error = np.abs(sampled.values[i, used] - shapley_by_definition(worths))
        assert (error < 4 * sampled.standard_error[i, used] + 1e-12).all()
    np.testing.assert_allclose(sampled.values[:, 3:12], 0.0, **EXACT)


@pytest.mark.parametrize("name", ["net", "one-hot SVC", "gradient boosting"])
def test_a_background_is_asked_for_where_there_is_no_other_game(name):
    policy, inputs = fitted_policy({**OTHERS, **BOOSTED}[name]())
    with pytest.raises(ValueError, match="background must be an array of input rows"):
        attribute(policy, inputs[:2])
    with pytest.raises(ValueError, match="background must be an array of input rows"):
        attribute_pairs(policy, inputs[:2])
    with pytest.raises(ValueError, match="background must be an array of input rows"):
        attribute(policy, inputs[:2], method="permutation")


def test_raw_scores_are_refused_where_there_are_none():
    forest, inputs = fitted_policy(RandomForestClassifier(2, random_state=0))
    with pytest.raises(ValueError, match="quantity='raw score' needs a boosted forest"):
        attribute(forest, inputs[:2], quantity="raw score")
    boosted, inputs = fitted_policy(GradientBoostingClassifier(n_estimators=2, random_state=0), n_actions=2)
    unseen = type(boosted)(
        type(boosted.forest)(
            **{
                name: getattr(boosted.forest, name)
                for name in ("roots", "children_left", "children_right", "feature", "threshold", "cover", "impurity")
            },
            value=np.column_stack([boosted.forest.value, np.zeros(boosted.forest.n_nodes)]),
            base=np.append(boosted.forest.base, -np.inf),
            n_features=boosted.n_features,
            link="softmax",
        ),
        boosted.scale,
    )
    with pytest.raises(ValueError, match="no finite score for action 2"):
        attribute(unseen, inputs[:2], quantity="raw score")
    probabilities = attribute(unseen, inputs[:2], inputs[50:60])
    np.testing.assert_array_equal(probabilities.values[:, :, 2], 0.0)
    np.testing.assert_allclose(
        probabilities.values[:, :, :2], attribute(boosted, inputs[:2], inputs[50:60]).values, **EXACT
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_rows_that_are_not_finite_are_refused(value):
    policy, inputs = fitted_policy(RandomForestClassifier(2, random_state=0))
    bad = inputs[:3].copy()
    bad[1, 2] = value
    with pytest.raises(ValueError, match=r"inputs must be finite.* row 1, column 2 \(state_2\)"):
        attribute(policy, bad)
    with pytest.raises(ValueError, match=r"background must be finite.* row 1, column 2"):
        attribute(policy, inputs[:2], bad)


def test_arguments_are_checked():
    policy, inputs = fitted_policy(RandomForestClassifier(2, random_state=0))
    with pytest.raises(ValueError, match="inputs must hold at least one row"):
        attribute(policy, inputs[:0])
    with pytest.raises(ValueError, match="background must hold at least one row"):
        attribute(policy, inputs[:2], inputs[:0])
    with pytest.raises(ValueError, match="method must be 'exact' or 'permutation', got 'kernel'"):
        attribute(policy, inputs[:2], method="kernel")
    with pytest.raises(ValueError, match="quantity must be"):
        attribute(policy, inputs[:2], quantity="log odds")
    with pytest.raises(ValueError, match="n_jobs must be a whole number of at least 1"):
        attribute(policy, inputs[:2], n_jobs=0)
    with pytest.raises(ValueError, match="n_permutation_pairs must be at least 2, got 1"):
        attribute(policy, inputs[:2], inputs, method="permutation", n_permutation_pairs=1)


def test_the_sum_is_checked_against_the_policy_itself(monkeypatch):
    policy, inputs = fitted_policy(RandomForestClassifier(2, random_state=0))
    right = attribute(policy, inputs[:3])

    def wrong(*_):
        contributions = right.values.copy()
        contributions[2, 0, 1] += 2e-9
        return contributions, right.base_values

    monkeypatch.setattr("udrl_explain.attributions.dispatch.forest_contributions", wrong)
    with pytest.raises(SelfCheckError, match=r"row 2, action 1 add up to \S+e-09, the policy gives 0$"):
        attribute(policy, inputs[:3])


@pytest.mark.parametrize("name", ["net", "one-hot SVC", "gradient boosting", "random forest"])
def test_no_policy_and_no_array_is_modified(name):
    estimators = {**OTHERS, **BOOSTED, "random forest": lambda: RandomForestClassifier(3, random_state=0)}
    policy, inputs = fitted_policy(estimators[name]())
    rows, background = inputs[:4].copy(), inputs[50:60].copy()
    before = digest(policy)
    attribute(policy, rows, background)
    attribute_pairs(policy, rows, background)
    attribute(policy, rows, background, method="permutation", n_permutation_pairs=2)
    assert digest(policy) == before
    np.testing.assert_array_equal(rows, inputs[:4])
    np.testing.assert_array_equal(background, inputs[50:60])


def test_the_hash_sees_a_changed_weight():
    policy, _ = fitted_policy(MLPClassifier((4,), solver="lbfgs", max_iter=20_000, tol=1e-2, alpha=1.0, random_state=0))
    before = digest(policy)
    policy.weights[0][0, 0] += 1e-9
    assert digest(policy) != before
