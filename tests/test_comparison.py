"""Two policies on the same rows: what differs, what explains it, and what they return."""

import dataclasses

import matplotlib.pyplot as plt
import numpy as np
import pytest
from core_helpers import scaled, tiny_run, training_rows
from overlap_helpers import overlaps
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from udrl_explain import compare, policy_from_estimator, shapley_values
from udrl_explain.figures.comparison import plot_comparison
from udrl_explain.figures.style import STYLES, figure_of, paper_style
from udrl_explain.statistics.support_points import support_points

INPUTS, LABELS = training_rows(200, actions=(0, 1, 2))


def policy_of(estimator, labels=LABELS, **names):
    return policy_from_estimator(estimator.fit(scaled(INPUTS, 0.02, 0.02), labels), 3, 0.02, 0.02, **names)


@pytest.fixture(scope="module")
def forest():
    return policy_of(RandomForestClassifier(10, random_state=0, n_jobs=1))


@pytest.fixture(scope="module")
def linear():
    return policy_of(LogisticRegression())


@pytest.fixture(scope="module")
def both(forest, linear):
    return compare(forest, linear, INPUTS[:60], background=INPUTS[::10])


def test_where_they_differ_is_what_the_policies_do(forest, linear, both):
    mine, theirs = (policy.action_probabilities(INPUTS[:60]) for policy in (forest, linear))
    assert np.array_equal(both.differs, mine.argmax(axis=1) != theirs.argmax(axis=1))
    assert 3 < both.differs.sum() < 60
    assert both.variation == pytest.approx(np.abs(mine - theirs).sum(axis=1) / 2)
    line = both.summary_frame().iloc[0]
    assert line["share_differing"] == pytest.approx(both.differs.mean())
    assert f"act differently in {both.differs.sum()} of 60 rows" in both.sentence


def test_leads_add_up_to_the_difference_of_probabilities_and_have_their_signs(forest, linear, both):
    rows = np.arange(60)
    mine, theirs = both.actions
    for policy, values, lead in zip((forest, linear), (both.a, both.b), both.leads, strict=True):
        probabilities = policy.action_probabilities(INPUTS[:60])
        base = values.base_values[mine] - values.base_values[theirs]
        total = probabilities[rows, mine] - probabilities[rows, theirs]
        assert base + lead.sum(axis=1) == pytest.approx(total, abs=1e-9)
        sign = 1 if policy is forest else -1
        assert (sign * total >= 0).all()
    alike = ~both.differs
    assert (both.leads[0][alike] == 0).all()


def test_leads_are_contrasts_of_the_policies_own_shapley_values(linear, both):
    values = shapley_values(linear, INPUTS[:60], INPUTS[::10])
    row = int(np.flatnonzero(both.differs)[0])
    i, j = both.actions[0][row], both.actions[1][row]
    assert both.leads[1][row] == pytest.approx(values.values[row, :, i] - values.values[row, :, j])


def test_the_tables_agree(both):
    frame, why = both.to_frame(), both.why_frame()
    assert len(frame) == 60 * 6
    differing = frame[frame["differs"]]
    by_input = differing.groupby("feature")[["lead_a", "lead_b", "difference"]].mean()
    for line in why.itertuples():
        assert (line.lead_a, line.lead_b, line.difference) == pytest.approx(tuple(by_input.loc[line.feature]))
    sizes = differing["difference"].abs().groupby(differing["feature"]).mean()
    assert why["mean_abs_difference"].tolist() == pytest.approx(sizes.sort_values(ascending=False).tolist())
    assert both.top(2)["feature"].tolist() == why["feature"].tolist()[:2]
    first = why.iloc[0]
    assert f"{first['feature'].replace('_', ' ')} ({first['mean_abs_difference']:.2f})" in both.sentence


def test_a_policy_does_not_differ_from_itself(forest):
    same = compare(forest, forest, INPUTS[:20])
    assert not same.differs.any()
    assert same.variation == pytest.approx(0.0)
    assert same.sentence == "a and b act differently in 0 of 20 rows."
    assert same.why_frame().empty
    with pytest.raises(ValueError, match="no rows to draw"):
        same.plot()


def test_an_input_that_one_policy_ignores_sets_them_apart():
    by_first, by_second = (INPUTS[:, 0] > 0).astype(int), (INPUTS[:, 1] > 0).astype(int)
    a, b = (policy_of(RandomForestClassifier(10, max_depth=2, random_state=0), by) for by in (by_first, by_second))
    assert set(compare(a, b, INPUTS[:50], background=INPUTS[:50]).top(2)["feature"]) == {"state_0", "state_1"}


def test_two_forests_are_compared_against_all_rows_and_others_against_those_that_stand_for_all(tmp_path):
    run = dataclasses.replace(tiny_run(tmp_path), training_inputs=np.random.default_rng(0).normal(size=(300, 6)))
    rows = run.training_inputs[:4]
    assert compare(run, run, rows).n_background == 600
    fitted = LogisticRegression().fit(run.training_inputs, (run.training_inputs[:, 0] > 0).astype(int))
    named = {"feature_names": run.feature_names, "action_names": run.action_names}
    linear = dataclasses.replace(run, policy=policy_from_estimator(fitted, 2, **named))
    both = compare(linear, run, rows, names=("a", "b"))
    chosen = run.training_inputs[support_points(run.training_inputs, 64)]
    assert both.n_background == 128
    expected = shapley_values(linear.policy, rows, np.concatenate([chosen, chosen]))
    np.testing.assert_array_equal(both.a.values, expected.values)


def test_runs_bring_rows_background_names_and_returns(tmp_path):
    run = tiny_run(tmp_path)
    other = dataclasses.replace(
        run, episodes=tuple(dataclasses.replace(e, rewards=e.rewards + 5) for e in run.episodes)
    )
    both = compare(run, other)
    line = both.summary_frame().iloc[0]
    assert both.n_rows == 24
    assert both.n_background == 80
    assert line["return_difference"] == pytest.approx(-20.0)
    assert len(set(both.names)) == 2


def test_the_interval_of_the_difference_holds_it_and_is_about_as_wide_as_theory_says(tmp_path):
    run = tiny_run(tmp_path)
    generator = np.random.default_rng(0)
    mine, theirs = generator.normal(100, 10, 80), generator.normal(90, 20, 50)
    both = dataclasses.replace(compare(run, run), returns_a=mine, returns_b=theirs)
    line = both.summary_frame().iloc[0]
    error = np.sqrt(mine.var(ddof=1) / 80 + theirs.var(ddof=1) / 50)
    assert line["return_difference"] == pytest.approx(mine.mean() - theirs.mean())
    assert line["return_low"] < line["return_difference"] < line["return_high"]
    assert line["return_high"] - line["return_low"] == pytest.approx(2 * 1.98 * error, rel=0.15)
    assert "95 % interval over episodes" in both.sentence


def test_what_cannot_be_compared_is_refused(forest, linear):
    names = ("push", "pull", "wait")
    with pytest.raises(ValueError, match="must have the same action_names"):
        compare(forest, policy_of(RandomForestClassifier(2, random_state=0), action_names=names), INPUTS[:2])
    with pytest.raises(ValueError, match="inputs must be given"):
        compare(forest, linear)
    with pytest.raises(ValueError, match="names must be two different ones"):
        compare(forest, forest, INPUTS[:2], names=("x", "x"))


@pytest.mark.parametrize("style", STYLES)
def test_the_bars_are_the_leads(both, style):
    with paper_style(style):
        ax = plot_comparison(both)
        assert overlaps(figure_of(ax)) == []
    why = both.why_frame()
    widths = [bar.get_width() for bar in ax.patches]
    assert widths == pytest.approx([*why["lead_a"], *why["lead_b"]])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]
    plt.close("all")
