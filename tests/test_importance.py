import numpy as np
import pytest
from path_helpers import ESTIMATORS, FACTORS, fingerprint, fitted, hand_made, rows_and_actions
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier, RandomForestClassifier
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from udrl_explain.analysis.importance.measures import ACCURACY, IMPURITY, METHODS, PATH_IMPURITY, PROBABILITY, SHAP
from udrl_explain.analysis.importance.result import (
    ACTION_COLUMNS,
    COLUMNS,
    REPEAT_COLUMNS,
    feature_importance,
)
from udrl_explain.attributions import attribute
from udrl_explain.attributions.pair import PAIR_NAME
from udrl_explain.command_space.collinearity import command_collinearity
from udrl_explain.commands import CommandScale
from udrl_explain.policies import ForestPolicy, NeuralPolicy, policy_from_estimator
from udrl_explain.trees.walks import path_impurity

QUICK = {"n_repeats": 3, "n_resamples": 50}


class Columns:
    """Another policy whose state columns stand in another order."""

    def __init__(self, policy, order):
        self.policy, self.order = policy, order
        self.n_features, self.n_actions, self.scale = policy.n_features, policy.n_actions, policy.scale
        self.probability_source = policy.probability_source
        self.feature_names = tuple(policy.feature_names[column] for column in np.argsort(order))
        self.action_names = policy.action_names

    def action_probabilities(self, inputs):
        return self.policy.action_probabilities(np.asarray(inputs)[:, self.order])


def linear_policy(weights):
    """Two actions; the logit is linear in the inputs."""
    weights = np.asarray(weights, dtype=np.float64)[:, None]
    return NeuralPolicy((weights,), (np.zeros(1),), np.array([0, 1]), 2, "identity", CommandScale())


def by_feature(result, method):
    frame = result.to_frame()
    return frame[frame["method"] == method].set_index("feature")["importance"]


@pytest.mark.parametrize(
    "estimator",
    [
        *ESTIMATORS.values(),
        RandomForestClassifier(6, max_depth=1, max_features=1, random_state=0),
        RandomForestClassifier(9, criterion="entropy", random_state=4),
        # Nodes of many rows only: some trees are a single leaf, which scikit-learn leaves out of the mean.
        ExtraTreesClassifier(9, min_impurity_decrease=0.06, random_state=5),
        RandomForestClassifier(3, min_samples_split=10_000, random_state=0),
    ],
)
def test_impurity_is_sklearns(estimator):
    inputs, actions = rows_and_actions()
    policy = policy_from_estimator(estimator.fit(inputs * FACTORS, actions), 3, 0.02, 0.02)
    score = feature_importance(policy, inputs, actions, methods=[IMPURITY]).score(IMPURITY)
    importance = score.importance
    assert np.allclose(importance[:-1], estimator.feature_importances_, rtol=0, atol=1e-12)
    assert importance[-1] == pytest.approx(estimator.feature_importances_[-2:].sum(), abs=1e-12)
    trees = [tree for tree in getattr(estimator, "estimators_", [estimator]) if tree.tree_.node_count > 1]
    if len(trees) > 1:  # trees of a single leaf have no importances and would widen the spread
        spread = np.std([tree.feature_importances_ for tree in trees], axis=0, ddof=1)
        assert np.allclose(score.std[:-1], spread, rtol=0, atol=1e-12)


def test_some_of_the_forests_above_have_trees_of_a_single_leaf():
    inputs, actions = rows_and_actions()
    forest = ExtraTreesClassifier(9, min_impurity_decrease=0.06, random_state=5).fit(inputs * FACTORS, actions)
    depths = [tree.get_depth() for tree in forest.estimators_]
    assert min(depths) == 0 < max(depths)


def test_permutation_is_the_loop_over_columns():
    policy, estimator, inputs, actions = fitted("forest")
    seed, n_repeats = 5, 4
    result = feature_importance(policy, inputs, actions, seed=seed, n_repeats=n_repeats, n_resamples=20)
    generator = np.random.default_rng(np.random.SeedSequence(seed).spawn(2)[0])
    orders = [generator.permutation(len(inputs)) for _ in range(n_repeats)]

    def measures(rows):
        probabilities = estimator.predict_proba(rows * FACTORS)
        return np.array(
            [(probabilities.argmax(axis=1) == actions).mean(), probabilities[np.arange(len(rows)), actions].mean()]
        )

    assert [result.accuracy, result.taken_probability] == pytest.approx(measures(inputs).tolist(), abs=1e-12)
    for position, columns in enumerate([[0], [1], [2], [3], [4], [3, 4]]):
        drops = []
        for order in orders:
            changed = inputs.copy()
            for column in columns:
                changed[:, column] = inputs[order, column]
            drops.append(measures(inputs) - measures(changed))
        for k, method in enumerate((ACCURACY, PROBABILITY)):
            score = result.score(method)
            assert np.allclose(score.repeats[:, position], np.array(drops)[:, k], rtol=0, atol=1e-12)
            assert score.importance[position] == pytest.approx(np.mean(drops, axis=0)[k], abs=1e-12)
            assert score.std[position] == pytest.approx(np.std(drops, axis=0, ddof=1)[k], abs=1e-12)


def test_shap_and_path_impurity_are_means_over_rows():
    policy, _, inputs, actions = fitted("forest")
    rows, taken = inputs[:40], actions[:40]
    result = feature_importance(policy, rows, taken, background=inputs[100:120], **QUICK)
    values = attribute(policy, rows, inputs[100:120]).values
    expected = np.abs(values).mean(axis=(0, 2))
    pair = np.abs(values[:, 3] + values[:, 4]).mean()
    assert np.allclose(result.score(SHAP).importance, [*expected, pair], rtol=0, atol=1e-12)
    impurity = path_impurity(policy.forest, policy.tree_inputs(rows)).mean(axis=0)
    assert np.allclose(result.score(PATH_IMPURITY).importance, [*impurity, impurity[3:].sum()])
    actions_frame = result.action_frame()
    assert tuple(actions_frame.columns) == ACTION_COLUMNS
    by_action = actions_frame.set_index(["feature", "action"])["importance"]
    assert by_action["state_0", 2] == pytest.approx(np.abs(values[:, 0, 2]).mean())


def test_frames_have_their_columns_and_say_how_they_were_made():
    policy, _, inputs, actions = fitted("forest")
    result = feature_importance(policy, inputs[:50], actions[:50], background=inputs[:9], seed=7, **QUICK)
    frame = result.to_frame()
    assert tuple(frame.columns) == COLUMNS
    assert list(dict.fromkeys(frame["method"])) == list(METHODS)
    assert (frame.groupby("method").size() == 6).all()
    pair = frame[frame["is_group"]]
    assert (pair["feature"] == PAIR_NAME).all()
    assert pair["is_command"].all()
    assert frame["is_command"].sum() == 3 * len(METHODS)
    about = frame.drop_duplicates("method").set_index("method")
    assert about["n_rows"].tolist() == [0, 50, 50, 50, 50]
    assert about["n_repeats"].tolist() == [0, 0, 3, 3, 0]
    assert about["exact"].tolist() == [True, True, False, False, True]
    assert about["n_background"].tolist() == [0, 0, 0, 0, 9]
    assert about["std_over"].tolist() == ["trees", "rows", "repeats", "repeats", "rows"]
    assert (frame["seed"] == 7).all()
    assert frame.loc[frame["method"] == IMPURITY, "low"].isna().all()
    resampled = frame[frame["method"] != IMPURITY]
    assert (resampled["low"] <= resampled["high"]).all()
    assert frame["low"].dtype == np.float64
    repeats = result.repeats_frame()
    assert tuple(repeats.columns) == REPEAT_COLUMNS
    means = repeats.groupby(["method", "feature"])["importance"].mean()
    stored = frame.set_index(["method", "feature"])["importance"]
    assert np.allclose(means, stored[means.index])


def test_a_column_that_no_tree_splits_on_has_exactly_0():
    inputs, actions = rows_and_actions()
    blind = inputs.copy()
    blind[:, [1, 3]] = 1.0
    estimator = RandomForestClassifier(10, max_depth=5, random_state=0).fit(blind * FACTORS, actions)
    policy = policy_from_estimator(estimator, 3, 0.02, 0.02)
    for background in (None, inputs[:20]):
        frame = feature_importance(policy, inputs[:60], actions[:60], background=background, **QUICK).to_frame()
        unused = frame[frame["feature"].isin(["state_1", "desired_return"])]
        assert len(unused) == 2 * len(METHODS)
        assert (unused[["importance", "std"]] == 0).all(axis=None)
        used = frame[frame["feature"] == "state_0"]
        assert (used["importance"] > 0).all()


def test_a_constant_policy_has_exactly_0_everywhere():
    inputs, _ = rows_and_actions(50)
    policy = linear_policy(np.zeros(5))
    frame = feature_importance(policy, inputs, np.zeros(50, dtype=int), background=inputs[:5], **QUICK).to_frame()
    assert set(frame["method"]) == {ACCURACY, PROBABILITY, SHAP}
    numbers = frame.set_index("method")[["importance", "std"]]
    assert (numbers.loc[[ACCURACY, PROBABILITY]] == 0).all(axis=None)
    assert (numbers.loc[SHAP].abs() < 1e-15).all(axis=None)
    # Rows that are all 0 say nothing about how much others would differ.
    permuted = frame[frame["method"] != SHAP]
    assert permuted[["low", "high"]].isna().all(axis=None)
    assert set(permuted["interval"]) == {"no variation seen"}


def test_a_linear_policy_ranks_its_inputs_by_weight():
    inputs = np.random.default_rng(0).normal(size=(300, 5))
    policy = linear_policy([3.0, -1.0, 0.0, 0.3, 2.0])
    actions = policy.action_probabilities(inputs).argmax(axis=1)
    result = feature_importance(policy, inputs, actions, background=inputs[:30], **QUICK)
    for method in (PROBABILITY, SHAP):
        importance = by_feature(result, method)
        ranking = importance.drop(PAIR_NAME).sort_values(ascending=False).index.tolist()
        assert ranking == ["state_0", "desired_horizon", "state_1", "desired_return", "state_2"]
        assert importance["state_2"] == pytest.approx(0, abs=0 if method == PROBABILITY else 1e-15)


def test_commands_that_cancel_leave_the_pair_nothing():
    """Each command matters alone, but with equal commands the pair always sums to 0 and cannot be told apart."""
    inputs = np.random.default_rng(1).normal(size=(200, 4))
    inputs[:, 3] = inputs[:, 2]
    policy = linear_policy([1.0, 0.0, 4.0, -4.0])
    actions = policy.action_probabilities(inputs).argmax(axis=1)
    result = feature_importance(policy, inputs, actions, background=inputs[:40], **QUICK)
    assert by_feature(result, PROBABILITY)[PAIR_NAME] == pytest.approx(0, abs=1e-12)
    assert by_feature(result, PROBABILITY)["desired_return"] > 0.1
    assert by_feature(result, SHAP)[PAIR_NAME] < 0.5 * by_feature(result, SHAP)["desired_return"]
    assert result.collinearity.collinear


def test_impurity_praises_noise_of_many_values_and_permutation_does_not():
    generator = np.random.default_rng(3)
    n_rows = 600
    signal = generator.integers(2, size=(2 * n_rows, 1)).astype(float)
    inputs = np.column_stack([signal, generator.normal(size=(2 * n_rows, 1)), np.ones((2 * n_rows, 2))])
    flipped = generator.random(2 * n_rows) < 0.2
    actions = np.where(flipped, 1 - signal[:, 0], signal[:, 0]).astype(int)
    policy = policy_from_estimator(DecisionTreeClassifier(random_state=0).fit(inputs[:n_rows], actions[:n_rows]), 2)
    result = feature_importance(policy, inputs[n_rows:], actions[n_rows:], methods=[IMPURITY, ACCURACY])
    impurity, permutation = by_feature(result, IMPURITY), by_feature(result, ACCURACY)
    assert impurity["state_1"] > impurity["state_0"]
    assert permutation["state_0"] > 0.1
    assert abs(permutation["state_1"]) < 0.2 * permutation["state_0"]


def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not():
    policy, _, inputs, actions = fitted("forest")

    def bytes_of(seed):
        frame = feature_importance(policy, inputs[:80], actions[:80], seed=seed, **QUICK).to_frame()
        return frame.drop(columns="seed").to_csv()

    state = np.random.get_state()[1].copy()  # noqa: NPY002 - the global state must stay as it is
    assert bytes_of(1) == bytes_of(1)
    assert bytes_of(1) != bytes_of(2)
    assert np.array_equal(state, np.random.get_state()[1])  # noqa: NPY002


def test_results_do_not_depend_on_the_order_of_the_inputs():
    policy, _, inputs, actions = fitted("forest")
    order = np.array([2, 0, 1, 3, 4])
    swapped = Columns(policy, np.argsort(order))
    methods = [ACCURACY, PROBABILITY]
    plain = feature_importance(policy, inputs, actions, methods=methods, **QUICK)
    other = feature_importance(swapped, inputs[:, order], actions, methods=methods, **QUICK)
    columns = ["importance", "std", "low", "high"]
    index = plain.to_frame().set_index(["method", "feature"])[columns]
    assert np.array_equal(index.sort_index(), other.to_frame().set_index(["method", "feature"])[columns].sort_index())


def test_asking_for_fewer_methods_changes_no_number():
    policy, _, inputs, actions = fitted("forest")
    everything = feature_importance(policy, inputs[:80], actions[:80], **QUICK).to_frame()
    one = feature_importance(policy, inputs[:80], actions[:80], methods=[PROBABILITY], **QUICK).to_frame()
    assert everything[everything["method"] == PROBABILITY].reset_index(drop=True).equals(one)


def test_the_interval_covers_the_mean_of_new_rows():
    """95 % intervals of a known mean must hold it about 95 times of 100."""
    generator = np.random.default_rng(0)
    policy = hand_made()
    truth_rows = np.column_stack([generator.uniform(0, 1, 20_000), np.zeros(20_000), generator.uniform(0, 40, 20_000)])
    truth = path_impurity(policy.forest, policy.tree_inputs(truth_rows)).mean(axis=0)
    covered = 0
    for trial in range(200):
        rows = truth_rows[generator.integers(20_000, size=60)]
        score = feature_importance(
            policy, rows, np.zeros(60, dtype=int), methods=[PATH_IMPURITY], n_resamples=200, seed=trial
        ).score(PATH_IMPURITY)
        covered += score.low[0] <= truth[0] <= score.high[0]
    assert 180 <= covered <= 199


def test_with_episodes_the_interval_covers_the_mean_of_new_episodes_and_without_it_does_not():
    """Rows of an episode that are nearly alike: 6 episodes of 20 rows are 6 pieces of evidence, not 120."""
    generator = np.random.default_rng(1)
    policy = hand_made()
    starts = generator.uniform(0, 1, 4000)
    values = path_impurity(
        policy.forest, policy.tree_inputs(np.column_stack([starts, np.zeros(4000), np.full(4000, 20.0)]))
    )[:, 0]
    truth = values.mean()
    covered = {True: 0, False: 0}
    for trial in range(200):
        episodes = np.repeat(np.arange(6), 20)
        rows = np.column_stack([starts[generator.integers(4000, size=6)][episodes], np.zeros(120), np.full(120, 20.0)])
        for known in covered:
            score = feature_importance(
                policy, rows, np.zeros(120, dtype=int), methods=[PATH_IMPURITY], n_resamples=200,
                episodes=episodes if known else None, seed=trial,
            ).score(PATH_IMPURITY)  # fmt: skip
            covered[known] += score.low[0] <= truth <= score.high[0]
    assert 180 <= covered[True] <= 199
    assert covered[False] <= 100


def test_the_frame_says_of_what_the_interval_is():
    policy, _, inputs, actions = fitted("forest")
    episodes = np.repeat([4, 7, 9], [30, 40, 10])
    quick = QUICK | {"episodes": episodes}
    frame = feature_importance(policy, inputs[:80], actions[:80], **quick).to_frame().set_index("method")
    words = "95 % for other episodes of this one policy; 3 episodes: t interval, assumes normal"
    assert set(frame.loc[PATH_IMPURITY, "interval"]) <= {words, "no variation seen"}
    assert words in set(frame.loc[PATH_IMPURITY, "interval"])
    assert set(frame.loc[PATH_IMPURITY, "n_episodes"]) == {3}
    assert set(frame.loc[IMPURITY, "interval"]) == {"no interval: this measure uses no rows"}
    assert set(frame.loc[IMPURITY, "n_episodes"]) == {0}
    bare = feature_importance(policy, inputs[:80], actions[:80], **QUICK).to_frame().set_index("method")
    assert any("as if rows were independent" in text for text in bare.loc[PATH_IMPURITY, "interval"])
    assert bare.loc[PATH_IMPURITY, "n_episodes"].isna().all()
    assert bare["importance"].tolist() == frame["importance"].tolist()


@pytest.mark.parametrize("episodes", [np.zeros(79, dtype=int), np.zeros(80), [["a"]]])
def test_episodes_that_are_no_integers_one_per_row_are_refused(episodes):
    policy, _, inputs, actions = fitted("forest")
    with pytest.raises(ValueError, match="episodes must be 80 integers, one per row of inputs, got"):
        feature_importance(policy, inputs[:80], actions[:80], episodes=episodes, **QUICK)


def test_the_policy_and_the_rows_are_not_changed():
    policy, _, inputs, actions = fitted("forest")
    before, rows = fingerprint(policy), inputs.copy()
    feature_importance(policy, rows, actions, background=rows[:10], **QUICK)
    assert fingerprint(policy) == before
    assert np.array_equal(rows, inputs)


def test_what_a_policy_does_not_have_is_listed_with_its_reason():
    inputs, actions = rows_and_actions(80)
    net = feature_importance(linear_policy(np.ones(5)), inputs, (actions > 0).astype(int), **QUICK)
    assert set(net.unavailable) == {IMPURITY, PATH_IMPURITY, SHAP}
    assert "NeuralPolicy has no trees" in net.unavailable[IMPURITY]
    assert "give background" in net.unavailable[SHAP]
    assert set(net.to_frame()["method"]) == {ACCURACY, PROBABILITY}
    with pytest.raises(ValueError, match="NeuralPolicy has no trees"):
        net.score(IMPURITY)
    boosted = GradientBoostingClassifier(n_estimators=3, random_state=0).fit(inputs * FACTORS, actions)
    policy = policy_from_estimator(boosted, 3, 0.02, 0.02)
    assert isinstance(policy, ForestPolicy)
    result = feature_importance(policy, inputs, actions, background=inputs[:5], **QUICK)
    assert set(result.unavailable) == {IMPURITY, PATH_IMPURITY}
    assert "boosted" in result.unavailable[PATH_IMPURITY]
    assert by_feature(result, SHAP)["state_0"] > 0


def test_one_hot_predictions_are_named():
    inputs, actions = rows_and_actions(80)
    policy = policy_from_estimator(LinearSVC(max_iter=20000).fit(inputs * FACTORS, actions), 3, 0.02, 0.02)
    frame = feature_importance(policy, inputs, actions, methods=[ACCURACY, PROBABILITY], **QUICK).to_frame()
    assert (frame["probability_source"] == "one-hot predictions").all()
    # With certain predictions the probability of the taken action is the accuracy.
    values = frame["importance"].to_numpy().reshape(2, -1)
    assert np.allclose(values[0], values[1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"actions": [0]}, "actions must be 2 integers"),
        ({"actions": [0, 2]}, r"actions must lie in 0\.\.1, got 0\.\.2"),
        ({"actions": [0.0, 1.0]}, "actions must be 2 integers"),
        ({"n_repeats": 0}, "n_repeats must be at least 1, got 0"),
        ({"n_resamples": 0}, "n_resamples must be at least 1, got 0"),
        ({"methods": ["gain"]}, "methods must be some of"),
        ({"inputs": np.empty((0, 3)), "actions": []}, "inputs must hold at least one row"),
    ],
)
def test_impossible_arguments_are_refused(arguments, message):
    arguments = {"inputs": [[0.1, 1.0, 2.0], [0.7, 1.0, 2.0]], "actions": [0, 1], **arguments}
    with pytest.raises(ValueError, match=message):
        feature_importance(hand_made(), arguments.pop("inputs"), arguments.pop("actions"), **arguments)


@pytest.mark.parametrize(
    ("returns", "horizons", "collinear"),
    [([1, 2, 3.0], [2, 4, 6.1], True), ([1, 2, 3], [-1, -2, -3], True), ([1, 2, 3, 4], [1, 3, 2, 4], False)],
)
def test_collinear_commands_are_noted(returns, horizons, collinear):
    rows = np.column_stack([np.zeros(len(returns)), returns, horizons])
    found = command_collinearity(rows)
    assert found.collinear is collinear
    assert found.correlation == pytest.approx(np.corrcoef(returns, horizons)[0, 1])
    assert ("read the command pair" in found.note) is collinear


def test_a_command_that_does_not_vary_has_no_correlation():
    found = command_collinearity([[0.0, 5.0, 1.0], [0.0, 5.0, 2.0]])
    assert np.isnan(found.correlation)
    assert not found.collinear
    assert "does not vary" in found.note
