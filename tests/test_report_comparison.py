"""The section that compares two estimators' policies, on runs made by hand."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from core_helpers import tiny_run
from sklearn.tree import DecisionTreeClassifier

from udrl_explain import policy_from_estimator
from udrl_explain.parallel import Beside
from udrl_explain.report import options
from udrl_explain.report.context import ReportContext
from udrl_explain.report.findings import comparison as finding
from udrl_explain.report.findings.tables import ReportTables
from udrl_explain.report.gather import Experiment, ReportScope
from udrl_explain.report.options import ReportOptions
from udrl_explain.report.questions import QUESTIONS
from udrl_explain.report.sections import comparison
from udrl_explain.tables import read_csv


def experiment(label, run, actions):
    """The run with a tree that was fitted to other actions."""
    estimator = DecisionTreeClassifier(random_state=0).fit(run.training_inputs, actions)
    names = {"feature_names": run.feature_names, "action_names": run.action_names}
    policy = policy_from_estimator(estimator, 2, **names)
    run = dataclasses.replace(run, policy=policy, directory=run.directory.with_name(label))
    return Experiment(label, label, (run,))


@pytest.fixture
def three(tmp_path):
    run = tiny_run(tmp_path / "data")
    flipped = np.where(run.training_inputs[:, 0] > 0, 1 - run.training_actions, run.training_actions)
    kinds = {"one": run.training_actions, "same": run.training_actions, "other": flipped}
    return [experiment(label, run, actions) for label, actions in kinds.items()]


def answered(experiments, folder):
    folder.mkdir()
    scope = ReportScope("tiny", "CartPole-v0", tuple(experiments), (), {})
    with Beside(1) as beside:
        context = ReportContext(scope, ReportOptions(folder, formats="png"), folder, beside)
        return comparison.answer(context)


def test_pairs_that_differ_get_a_picture_and_those_alike_a_line(three, tmp_path):
    section = answered(three, tmp_path / "report")
    summary = read_csv(tmp_path / "report/tables/comparison_summary.csv")
    assert summary[["name_a", "name_b"]].to_numpy().tolist() == [["one", "same"], ["one", "other"], ["same", "other"]]
    one, other = three[0].shown, three[2].shown
    rows = np.concatenate([episode.inputs for episode in one.episodes])
    different = one.policy.action_probabilities(rows).argmax(axis=1) != other.policy.action_probabilities(rows).argmax(
        1
    )
    assert 0 < different.mean() < 1
    np.testing.assert_allclose(summary["share_differing"], [0, different.mean(), different.mean()])
    assert (summary["share_low"] < summary["share_differing"])[1:].all()
    assert section.notes == ["one and same act alike in all 24 rows."]
    assert {path.stem for path in tmp_path.glob("report/figures/*")} == {
        "comparison-one-other",
        "comparison-same-other",
    }
    (found,) = finding.findings(ReportTables(tmp_path / "report/tables", {"one": "one"}))
    share = f"{100 * different.mean():.0f} %"
    assert found.answer == (
        f"One and same act differently in 0 % of rows; one and other act differently in {share} of rows; same and "
        f"other act differently in {share} of rows."
    )
    assert f"one and other {share} (" in found.evidence


def test_policies_of_other_names_are_not_compared_and_one_experiment_has_no_pair(three, tmp_path):
    names = (*(f"s{i}" for i in range(4)), "desired_return", "desired_horizon")
    renamed = dataclasses.replace(three[2].shown, feature_names=names)
    section = answered([three[0], dataclasses.replace(three[2], runs=(renamed,))], tmp_path / "two")
    assert section.notes == ["one and other: not compared, their inputs or actions have other names."]
    assert section.items == ()
    assert answered(three[:1], tmp_path / "one").items == ()


def test_of_many_experiments_each_is_compared_with_the_first():
    pairs = comparison._pairs(tuple("abcd"))
    assert pairs == [("a", "b"), ("a", "c"), ("a", "d")]
    assert len(comparison._pairs(tuple("abc"))) == 3


def test_the_flag_names_every_section():
    text = Path(options.__file__).read_text(encoding="utf-8")
    assert all(name in text for name in QUESTIONS)
