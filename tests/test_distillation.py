"""Distillation: what a tree that can be had is found to give up, and what each number of the frontier means."""

import numpy as np
import pandas as pd
import pytest
from callable_helpers import ACTIONS, STATE, rule_policy
from core_helpers import tiny_run
from sklearn.tree import DecisionTreeClassifier

from udrl_explain import collect, distill, load_run, run_from_episodes, save_run
from udrl_explain.analysis.distillation.result import COLUMNS
from udrl_explain.analysis.distillation.students import Teaching, _Pool, imitate
from udrl_explain.commands import COMMAND_NAMES, NoCommand
from udrl_explain.environments import Lockstep
from udrl_explain.episodes import Episode
from udrl_explain.figures.distillation import plot_distillation, plot_distillations
from udrl_explain.policies import ForestPolicy
from udrl_explain.report.findings import distillation as finder
from udrl_explain.report.findings.tables import ReportTables
from udrl_explain.rollouts.side_by_side import play_side_by_side
from udrl_explain.tables import write_csv
from udrl_explain.trees.growing import grow_tree

QUICK = {"max_leaves": [2, 4], "n_rounds": 3, "n_round_episodes": 6, "n_episodes": 12, "n_level_episodes": 2}
NAMES = (*STATE, *COMMAND_NAMES)


def four_leaves():
    """A policy with a command that is a tree of four leaves, sure of what it does."""
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(4000, 6)) * [1, 1, 0.1, 1, 50, 50] + [0, 0, 0, 0, 100, 100]
    right = np.where(rows[:, 3] <= 0, (rows[:, 2] > 0.06) & (rows[:, 4] > 0), rows[:, 2] > -0.06)
    forest = grow_tree(rows, right.astype(np.int64), np.ones(len(rows)), 2, 4, digits=2, seed=0)
    return ForestPolicy(forest, feature_names=NAMES, action_names=ACTIONS)


@pytest.fixture(scope="module")
def found():
    return distill(four_leaves(), "CartPole-v0", commands=[(30, 30), (60, 60)], command=(60, 60), seed=1, **QUICK)


def test_a_policy_that_is_a_small_tree_is_found_again(found):
    frame = found.to_frame()
    assert tuple(frame.columns) == COLUMNS
    assert frame["point"].tolist() == ["tree", "tree", "policy"]
    same = frame.iloc[1]
    assert same["agreement"] > 0.97
    assert same["return"] == pytest.approx(frame["return"].iloc[-1], rel=0.1)
    policy = frame.iloc[-1]
    assert (policy["agreement"], policy["difference"], policy["as_good"]) == (1, 0, True)
    assert not policy["is_smallest"]
    assert policy["n_leaves"] == 4


def test_every_number_is_that_of_the_episodes_kept(found):
    frame, teacher = found.to_frame(), four_leaves()
    own = [
        e.total_return for e in collect(teacher, "CartPole-v0", (60, 60), [e.seed for e in found.students[0].episodes])
    ]
    for student, (_, line) in zip(found.students, frame.iloc[:-1].iterrows(), strict=True):
        episodes = student.episodes
        again = collect(student.policy, "CartPole-v0", (60, 60), [e.seed for e in episodes])
        assert [e.total_return for e in again] == [e.total_return for e in episodes]
        returns = np.array([e.total_return for e in episodes])
        assert line["return"] == pytest.approx(returns.mean())
        assert line["difference"] == pytest.approx((returns - own).mean())
        alike = [(teacher.action_probabilities(e.inputs).argmax(axis=1) == e.actions).mean() for e in episodes]
        assert line["agreement"] == pytest.approx(np.mean(alike))
        sweep = student.command_sweep
        assert line["mae"] == pytest.approx((sweep["achieved_return"] - sweep["desired_return"]).abs().mean())
        assert len(sweep) == 4
        assert all(e.seed % 2 == 1 for e in episodes)  # training takes even seeds
        assert student.n_leaves == student.policy.forest.is_leaf.sum() <= student.max_leaves
    good = [k for k in range(2) if frame["as_good"].iloc[k]]
    assert np.flatnonzero(frame["is_smallest"]).tolist() == good[:1]


def test_the_same_seed_gives_the_same_trees_and_another_other_episodes(found):
    again = distill(four_leaves(), "CartPole-v0", commands=[(30, 30), (60, 60)], command=(60, 60), seed=1, **QUICK)
    pd.testing.assert_frame_equal(again.to_frame(), found.to_frame())
    other = distill(four_leaves(), "CartPole-v0", commands=(60, 60), seed=2, **QUICK)
    assert {e.seed for e in other.students[0].episodes}.isdisjoint(e.seed for e in found.students[0].episodes)
    assert other.to_frame()["mae"].isna().all()  # one command is no line of levels
    assert (other.to_frame()["desired_return"] == 60).all()


def test_the_smallest_and_the_largest_that_fits_are_found_by_their_leaves(found):
    assert found.student(64) is found.students[-1]
    assert found.student(found.students[0].n_leaves) is found.students[0]
    smallest = found.smallest
    assert smallest is None or found.to_frame()["is_smallest"].any()
    with pytest.raises(ValueError, match="no tree has at most 1 leaves"):
        found.student(1)


def test_rows_weigh_the_margin_and_those_of_no_margin_are_left_out():
    class Third:
        n_actions, feature_names = 3, ("a", *COMMAND_NAMES)

        def action_probabilities(self, rows):
            return np.array([[0.5, 0.3, 0.2], [0.4, 0.4, 0.2], [0.1, 0.2, 0.7]])

    pool = _Pool(Third(), weighted=True)
    pool.add(np.arange(9.0).reshape(3, 3))
    rows, actions, weights = pool.drawn(np.random.default_rng(0))
    assert rows[:, 0].tolist() == [0, 6]
    assert actions.tolist() == [0, 2]
    assert weights == pytest.approx([0.2, 0.5])
    even = _Pool(Third(), weighted=False)
    even.add(np.arange(9.0).reshape(3, 3))
    assert even.drawn(np.random.default_rng(0))[2].tolist() == [1, 1, 1]


def test_side_by_side_is_one_after_another():
    policies = [four_leaves(), imitate(four_leaves(), collect_rows(), Teaching((2,), 3, 1, 0))[0]]
    commands, seeds = np.array([[50.0, 50.0], [90.0, 90.0], [20.0, 20.0]]), [3, 5, 7]
    environments = Lockstep("CartPole-v0")
    played = play_side_by_side(policies, environments, commands, seeds)
    environments.close()
    for policy, episodes in zip(policies, played, strict=True):
        alone = collect(policy, "CartPole-v0", commands, seeds)
        for one, other in zip(episodes, alone, strict=True):
            assert np.array_equal(one.inputs, other.inputs)
            assert np.array_equal(one.actions, other.actions)


def collect_rows():
    return np.concatenate([e.inputs for e in collect(four_leaves(), "CartPole-v0", (60, 60), [2, 4])])


def test_episodes_alone_are_imitated_and_nothing_is_played():
    episodes = collect(four_leaves(), "CartPole-v0", (60, 60), range(2, 14, 2))
    found = distill(four_leaves(), episodes, max_leaves=[2, 4])
    frame = found.to_frame()
    assert found.env_name == ""
    assert frame["agreement"].iloc[1] > 0.97
    assert frame["return"].isna().all()
    assert found.smallest is None
    assert found.students[0].episodes == ()
    assert "%" not in found.students[0].rules()


def test_a_function_without_a_command_becomes_a_tree_that_is_stored_whole(tmp_path):
    found = distill(rule_policy(), "CartPole-v0", **QUICK)
    student = found.students[-1]
    assert isinstance(student.policy.scale, NoCommand)
    assert student.policy.feature_names == STATE
    assert found.to_frame()["desired_return"].isna().all()
    run = run_from_episodes(student.policy, "CartPole-v0", student.episodes, name="tree", directory=tmp_path)
    again = load_run(save_run(run))
    rows = student.visited
    assert np.array_equal(again.policy.action_probabilities(rows), student.policy.action_probabilities(rows))


def test_a_run_brings_its_environment_its_commands_and_its_limit(tmp_path):
    run = tiny_run(tmp_path)
    found = distill(run, **QUICK)
    frame = found.to_frame()
    assert (frame["desired_return"] == run.config.final_desired_return).all()
    assert frame["n_levels"].iloc[0] == len(set(found.students[0].command_sweep["desired_return"])) > 1
    assert found.students[0].command_sweep["desired_return"].max() <= run.training_commands["achieved_return"].max()


def test_slips_are_one_line(tmp_path):
    policy = four_leaves()
    for arguments, options, message in (
        ((policy,), {}, "must name the environment"),
        ((policy, "CartPole-v0"), {}, "commands must be given"),
        ((rule_policy(), "CartPole-v0"), {"commands": (1, 1)}, "must be left out for a policy that takes none"),
        ((policy, "CartPole-v0"), {"commands": (1, 0)}, "horizons of at least 1 step, got 0"),
        ((policy, "CartPole-v0"), {"commands": (1, 2, 3)}, "finite pairs"),
        ((policy, "Acrobot-v1"), {"commands": (1, 1)}, "Acrobot-v1 has 8 inputs"),
        ((policy, []), {}, "at least two episodes"),
        ((policy, "CartPole-v0"), {"commands": (1, 1), "max_leaves": [4, 2]}, "ascending"),
        ((policy, "CartPole-v0"), {"commands": (1, 1), "max_leaves": [1]}, "at least 2"),
        ((policy, "CartPole-v0"), {"commands": (1, 1), "n_rounds": 0}, "n_rounds must be at least 1"),
        ((policy, "CartPole-v0"), {"commands": (1, 1), "digits": 0}, "digits must be at least 1"),
        ((tiny_run(tmp_path, env_name="os:Walk-v0"),), {}, "would import the module 'os'"),
    ):
        with pytest.raises(ValueError, match=message) as caught:
            distill(*arguments, **options)
        assert "\n" not in str(caught.value)


def test_the_frontier_draws_its_numbers(found):
    frame = found.to_frame()
    ax = plot_distillation(frame, measure="agreement")
    drawn = np.concatenate([line.get_ydata() for line in ax.get_lines()])
    assert all(np.isclose(drawn, value).any() for value in frame["agreement"])
    figure = plot_distillations(frame)
    assert len(figure.axes) == 3
    with pytest.raises(ValueError, match="knows no mae"):
        plot_distillation(frame.assign(mae=np.nan), measure="mae")
    with pytest.raises(ValueError, match="measure must be one of"):
        plot_distillation(frame, measure="luck")


def test_a_finding_names_the_smallest_tree_or_says_that_there_is_none(tmp_path):
    def line(label, point, leaves, value, difference=0.0, low=None, high=None, smallest=False):
        return {
            "label": label, "point": point, "max_leaves": leaves, "n_leaves": leaves, "return": value,
            "difference": difference, "difference_low": low, "difference_high": high, "is_smallest": smallest,
            "n_episodes": 30,
        }  # fmt: skip

    lines = [
        line("forest", "tree", 7, 199.1, -0.2, -0.5, 0.1, smallest=True), line("forest", "policy", None, 199.3),
        line("net", "tree", 16, 150.0, -49.0, -60.0, -30.0), line("net", "policy", None, 199.0),
    ]  # fmt: skip
    write_csv(pd.DataFrame(lines), tmp_path / "distillation.csv")
    (finding,) = finder.findings(ReportTables(tmp_path, {"forest": "forest", "net": "net"}))
    assert finding.answer == "Forest yes, one of 7 leaves; net not up to 16 leaves."
    assert (
        "forest 7 leaves 199.1, the policy itself 199.3 (difference −0.2, −0.5 to 0.1; 30 episodes)" in finding.evidence
    )
    assert finder.findings(ReportTables(tmp_path / "none", {"forest": "forest"})) == []


def test_two_episodes_are_the_fewest():
    episode = Episode(np.zeros((3, 6)), np.zeros(3, dtype=np.int64), np.ones(3), 0)
    with pytest.raises(ValueError, match="at least two episodes"):
        distill(four_leaves(), [episode])
    tree = DecisionTreeClassifier().fit(np.zeros((2, 6)), [0, 0])
    assert tree.get_n_leaves() == 1  # one action throughout: a student of one leaf is a policy too
    student = imitate(four_leaves(), np.zeros((5, 6)), Teaching((2,), 3, 1, 0))[0]
    assert student.forest.n_nodes == 1
