import numpy as np
import pytest
from path_helpers import ESTIMATORS, FACTORS, fingerprint, fitted, hand_made, rows_and_actions, rows_on_thresholds
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.svm import LinearSVC

from udrl_explain.analysis.paths.box import COLUMNS, VOTE_COLUMNS, decision_box
from udrl_explain.policies import policy_from_estimator


@pytest.mark.parametrize("name", ESTIMATORS)
def test_no_leaf_changes_inside_and_one_changes_at_every_step_outside(name):
    policy, estimator, inputs, _ = fitted(name)
    rows = np.concatenate([inputs[:15], rows_on_thresholds(policy, inputs, 25)])
    box = decision_box(policy, rows)
    generator = np.random.default_rng(0)

    def leaves(points):
        return estimator.apply(points * FACTORS).reshape(len(points), -1)  # scikit-learn's own walk

    n_sides = 0
    for row, low, high in zip(rows, box.lower, box.upper, strict=True):
        here = leaves(row[None, :])[0]
        inside = generator.uniform(np.maximum(low, -1e3), np.minimum(high, 1e3), size=(50, 5))
        corners = np.where(generator.random((50, 5)) < 0.5, low, high)
        inside = np.concatenate([inside, np.where(np.isfinite(corners), corners, row)])
        assert (leaves(inside) == here).all()
        for side, away in ((low, -np.inf), (high, np.inf)):
            for column in np.flatnonzero(np.isfinite(side)):
                outside = row.copy()
                outside[column] = np.nextafter(side[column], away)
                assert (leaves(outside[None, :])[0] != here).any()
                n_sides += 1
    assert n_sides > 100


def test_hand_made_box_counts_and_votes():
    policy = hand_made()
    box = decision_box(policy, [[0.6, 7.0, 15.0]], spread=[1.0, 1.0, 100.0])
    frame = box.to_frame()
    assert tuple(frame.columns) == COLUMNS
    assert frame["direction"].tolist() == ["below", "none", "above"]
    assert np.allclose(frame["distance"], [0.1, np.inf, 5.0], atol=1e-5)
    assert np.allclose(frame["relative_distance"], [0.1, np.inf, 0.05], atol=1e-5)
    assert frame["is_nearest"].tolist() == [False, False, True]
    assert frame["share_of_tests"].tolist() == [0.5, 0.0, 0.5]
    assert frame["n_trees_asking"].tolist() == [1, 0, 1]
    votes = box.votes_frame()
    assert tuple(votes.columns) == VOTE_COLUMNS
    assert votes["n_votes"].tolist() == [2, 0]  # tree 0 is tied at (0.5, 0.5): the lowest action
    assert votes["probability"].tolist() == [0.625, 0.375]


def test_without_spread_the_absolute_distance_decides():
    frame = decision_box(hand_made(), [[0.6, 7.0, 15.0]]).to_frame()
    assert frame["is_nearest"].tolist() == [True, False, False]
    assert frame["nearest_by"].unique().tolist() == ["distance"]
    assert frame["relative_distance"].isna().all()


def test_an_input_without_spread_is_never_nearest():
    box = decision_box(hand_made(), [[0.5, 7.0, 20.0]], spread=[0.0, 1.0, 1.0])
    assert box.nearest.tolist() == [-1]  # on the left of the first test the horizon is not asked


@pytest.mark.parametrize("name", ESTIMATORS)
def test_votes_are_those_of_sklearns_trees(name):
    policy, estimator, inputs, _ = fitted(name)
    box = decision_box(policy, inputs[:60])
    trees = getattr(estimator, "estimators_", [estimator])
    predictions = np.stack([t.predict((inputs[:60] * FACTORS).astype(np.float32)) for t in trees], axis=1)
    expected = np.stack([(predictions == a).sum(axis=1) for a in range(3)], axis=1)
    assert np.array_equal(box.votes, expected)


def test_boosted_ensembles_have_a_box_and_no_votes():
    inputs, actions = rows_and_actions(200)
    estimator = GradientBoostingClassifier(n_estimators=4, random_state=0).fit(inputs * FACTORS, actions)
    box = decision_box(policy_from_estimator(estimator, 3, 0.02, 0.02), inputs[:5])
    assert np.isfinite(box.lower).any()
    with pytest.raises(ValueError, match="do not vote"):
        box.votes_frame()


def test_the_policy_is_not_changed():
    policy, _, inputs, _ = fitted("forest")
    before = fingerprint(policy)
    decision_box(policy, inputs[:20]).to_frame()
    assert fingerprint(policy) == before


@pytest.mark.parametrize("spread", [[1.0, 1.0], [1.0, -1.0, 1.0], [1.0, np.nan, 1.0]])
def test_impossible_spreads_are_refused(spread):
    with pytest.raises(ValueError, match="spread must be 3 finite numbers"):
        decision_box(hand_made(), [[0.6, 7.0, 15.0]], spread=spread)


def test_a_policy_without_leaves_is_refused():
    inputs, actions = rows_and_actions(60)
    policy = policy_from_estimator(LinearSVC(max_iter=20000).fit(inputs * FACTORS, actions), 3, 0.02, 0.02)
    with pytest.raises(ValueError, match="needs a forest policy, got EstimatorPolicy"):
        decision_box(policy, inputs)
