"""Runs of policies that were not trained here: stored, read again, and reported as far as they can be."""

import numpy as np
import pandas as pd
import pytest
from callable_helpers import ACTIONS, STATE, rule_episodes, rule_policy
from sklearn.tree import DecisionTreeClassifier

from udrl_explain import collect, load_run, policy_from_callable, run_from_episodes, save_run
from udrl_explain.commands import COMMAND_NAMES, NoCommand
from udrl_explain.policies import EstimatorPolicy, ForestPolicy
from udrl_explain.report.build import build_reports
from udrl_explain.report.options import ReportOptions
from udrl_explain.trees.ensembles import forest_from_estimator


def tree_policy(episodes):
    rows, actions = (np.concatenate([getattr(e, part) for e in episodes]) for part in ("inputs", "actions"))
    tree = DecisionTreeClassifier(max_leaf_nodes=6, random_state=0).fit(rows, actions)
    return ForestPolicy(forest_from_estimator(tree, 2), NoCommand(), feature_names=STATE, action_names=ACTIONS)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """``data`` with the rule as a function and as a tree, and the report of both."""
    place = tmp_path_factory.mktemp("brought")
    episodes = rule_episodes()
    tree = tree_policy(episodes)
    data = place / "data"
    save_run(run_from_episodes(rule_policy(), "CartPole-v0", episodes, name="rule", directory=data))
    played = collect(tree, "CartPole-v0", None, [1, 3, 5])
    save_run(run_from_episodes(tree, "CartPole-v0", played, name="small tree", directory=data, note="Read me."))
    asked = "learning,final_returns,importance,command_map,timeline"
    _, problems = build_reports(ReportOptions(data, place / "reports", asked, "png", n_jobs=1))
    return place, problems


def test_a_function_leaves_its_episodes_and_says_why_not_itself(place):
    run = load_run(place[0] / "data" / "CartPole-v0" / "rule" / "0")
    assert run.policy is None
    assert "No file holds its policy" in " ".join(run.notes)
    assert [e.seed for e in run.episodes] == [1, 3, 5, 7]
    assert run.feature_names == STATE
    assert not run.episodes[0].takes_command
    assert run.final_mean == np.mean([e.total_return for e in rule_episodes()])


def test_a_tree_without_a_command_comes_back_as_it_was(place):
    run = load_run(place[0] / "data" / "CartPole-v0" / "small-tree" / "0")
    rows = run.training_inputs
    assert np.array_equal(
        run.policy.action_probabilities(rows), tree_policy(rule_episodes()).action_probabilities(rows)
    )
    assert not run.policy.scale.takes_command
    assert run.notes[-1] == "Read me."


def test_the_report_answers_what_can_be_asked_and_says_what_cannot(place):
    folder, problems = place
    assert problems == []
    report = folder / "reports" / "CartPole-v0"
    page = (report / "report.html").read_text(encoding="utf-8")
    for words in (
        "its policy takes no command",
        "No file holds its policy",
        "No run stored the returns",
    ):
        assert words in page
    assert set(pd.read_csv(report / "tables" / "final_returns.csv")["label"]) == {"rule", "small tree"}
    for stem in ("importance-small_tree", "timeline-small_tree"):
        assert (report / "tables" / f"{stem}.csv").is_file()
        assert list((report / "figures").glob(f"{stem}*.png"))
    assert not list((report / "tables").glob("command_map*"))


def test_a_function_with_a_command_keeps_it_in_its_run(tmp_path):
    def function(rows):
        right = (rows[:, 2] + rows[:, 3] > 0).astype(float)
        return np.column_stack([1 - right, right])

    policy = policy_from_callable(function, (*STATE, *COMMAND_NAMES), ACTIONS)
    episodes = collect(policy, "CartPole-v0", (150, 180), [1, 3])
    run = run_from_episodes(policy, "CartPole-v0", episodes, name="rule", background=episodes[0].inputs[:9],
                            directory=tmp_path)  # fmt: skip
    assert (run.config.final_desired_return, run.config.final_desired_horizon) == (150, 180)
    assert len(run.training_inputs) == 9
    again = load_run(save_run(run))
    assert again.episodes[0].hindsight_inputs()[0, -2:].tolist() == [episodes[0].total_return, len(episodes[0])]


def test_what_does_not_fit_is_refused_and_nothing_is_stored(tmp_path):
    policy, episodes = rule_policy(), rule_episodes(1)
    with pytest.raises(ValueError, match="at least one episode"):
        run_from_episodes(policy, "CartPole-v0", [], name="rule")
    with pytest.raises(ValueError, match="got ndarray"):
        run_from_episodes(policy, "CartPole-v0", [episodes[0].inputs], name="rule")
    with pytest.raises(ValueError, match="background have 3 columns"):
        run_from_episodes(policy, "CartPole-v0", episodes, name="rule", background=np.zeros((2, 3)))
    with pytest.raises(ValueError, match="estimator_name must be a printable name"):
        run_from_episodes(policy, "CartPole-v0", episodes, name="")
    classifier = DecisionTreeClassifier().fit(episodes[0].inputs, episodes[0].actions)
    held = EstimatorPolicy(classifier, 2, NoCommand(), STATE, ACTIONS)
    run = run_from_episodes(held, "CartPole-v0", episodes, name="held", directory=tmp_path)
    assert load_run(save_run(run)).policy is None
    names = (*STATE[:3], COMMAND_NAMES[0])
    conf = run.directory / "conf.json"
    conf.write_text(conf.read_text().replace(f'"{STATE[3]}"', f'"{names[3]}"'))
    with pytest.raises(ValueError, match=r"must end with .* or hold neither"):
        load_run(run.directory)
