"""Policies made of functions: what is refused on the way in, column order, actions, and policies without a command."""

import numpy as np
import pandas as pd
import pytest
from callable_helpers import ACTIONS, STATE, Agent, rule, rule_episodes, rule_policy
from sklearn.tree import DecisionTreeClassifier

from udrl_explain import (
    collect,
    command_map,
    command_response,
    compare,
    decision_paths,
    episode_timeline,
    explain,
    faithfulness,
    feature_importance,
    performance,
    policy_from_callable,
    policy_from_estimator,
    shapley_interactions,
    shapley_values,
)
from udrl_explain.attributions.pair import PAIR_NAME
from udrl_explain.commands import COMMAND_NAMES, NoCommand
from udrl_explain.policies import ForestPolicy
from udrl_explain.rollouts.coalitions import play_coalitions
from udrl_explain.trees.ensembles import forest_from_estimator

NAMES = ("a", "b", *COMMAND_NAMES)


def of(answer):
    """Policy of two states and a command whose function gives what `answer(rows)` does."""
    return policy_from_callable(answer, NAMES, ("left", "right"))


def even(rows):
    return np.full((len(rows), 2), 0.5)


def changing(rows):
    rows[:, 0] = 0
    return even(rows)


def drawn():
    generator = np.random.default_rng(0)
    return lambda rows: generator.dirichlet([1, 1], size=len(rows))


def failing(rows):
    raise RuntimeError("no such net")


BAD = {
    "another shape": (lambda rows: np.full((len(rows), 3), 1 / 3), r"shape \(32, 2\) or whole-numbered actions"),
    "no batch": (lambda rows: even(rows)[0], r"got float64 of shape \(2,\)"),
    "one row squeezed": (lambda rows: even(rows).squeeze(), r"shape \(1, 2\)"),
    "float actions": (lambda rows: np.zeros(len(rows)), "whole-numbered actions"),
    "no such action": (lambda rows: np.full(len(rows), 2), r"actions in 0\.\.1, got 2\.\.2"),
    "not a number": (lambda rows: even(rows) * np.nan, "finite probabilities, got nan"),
    "logits": (lambda rows: np.tile([2.0, -1.0], (len(rows), 1)), "none below 0 and 1 in all; row 0"),
    "sums of 1.1": (lambda rows: even(rows) * 1.1, "in all 1.1"),
    "sampled": (drawn(), "must be deterministic"),
    "changes its rows": (changing, "must not change the rows"),
    "normalised over the batch": (
        lambda rows: np.column_stack([p := rows[:, 2] / rows[:, 2].max(), 1 - p]), "each row by itself, one by one",
    ),
    "by place in the batch": (
        lambda rows: np.column_stack([p := np.linspace(0, 1, len(rows)), 1 - p]), "by itself, in reverse order",
    ),
    "fails": (failing, "failed on 32 rows of 4 columns: RuntimeError: no such net"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_a_function_that_is_no_policy_is_refused_on_the_way_in(kind):
    function, message = BAD[kind]
    with pytest.raises(ValueError, match=message) as caught:
        of(function)
    assert "\n" not in str(caught.value)


def test_names_are_checked():
    for arguments, message in (
        ((even, ("a", "b"), ("l", "r")), "command's column 'desired_return'.*command=None"),
        ((even, NAMES, ("l",)), "at least 2"),
        ((even, ("a", "a", *COMMAND_NAMES), ("l", "r")), "different names"),
        (("even", NAMES, ("l", "r")), "must be callable"),
    ):
        with pytest.raises(ValueError, match=message):
            policy_from_callable(*arguments)
    with pytest.raises(ValueError, match="must not name one"):
        policy_from_callable(even, NAMES, ("l", "r"), command=None)
    with pytest.raises(ValueError, match="command must name the columns"):
        policy_from_callable(even, NAMES, ("l", "r"), command=("desired_return",))
    with pytest.raises(ValueError, match="pass policy_from_callable"):
        shapley_values(even, np.zeros((1, 4)), np.zeros((1, 4)))


def test_the_function_gets_its_own_columns_in_natural_units_wherever_the_command_stands():
    met = []

    def function(rows):
        met.append(rows.copy())
        return even(rows)

    policy = policy_from_callable(function, ("steps", "a", "wanted", "b"), ("l", "r"), command=("wanted", "steps"))
    assert policy.feature_names == ("a", "b", *COMMAND_NAMES)
    policy.action_probabilities(np.array([[1.0, 2.0, 30.0, 40.0]]))
    assert met[-1].tolist() == [[40.0, 1.0, 30.0, 2.0]]
    frame = pd.DataFrame({"desired_horizon": [40.0], "b": [2.0], "desired_return": [30.0], "a": [1.0]})
    policy.action_probabilities(frame)
    assert met[-1].tolist() == [[40.0, 1.0, 30.0, 2.0]]


def test_examples_are_in_the_functions_own_order_and_may_be_what_it_needs():
    def picky(rows):
        if (rows[:, 0] < 100).any():
            raise ValueError("too small")
        return even(rows)

    names = ("wanted", "a", "steps")
    with pytest.raises(ValueError, match="too small"):
        policy_from_callable(picky, names, ("l", "r"), command=("wanted", "steps"))
    policy = policy_from_callable(picky, names, ("l", "r"), command=("wanted", "steps"), examples=[[100, 0, 1]])
    assert policy.action_probabilities([[0, 120, 5]]).tolist() == [[0.5, 0.5]]


def test_a_function_that_turns_bad_later_is_caught_then():
    answers = []
    policy = of(lambda rows: np.zeros(len(rows), dtype=int) if answers else even(rows))
    answers.append(1)
    with pytest.raises(ValueError, match="gave probabilities at first and now one-hot predictions"):
        policy.action_probabilities(np.ones((2, 4)))


def test_single_precision_sums_are_divided_out_and_actions_become_one_hot():
    third = np.float32(1 / 3)
    policy = policy_from_callable(
        lambda rows: np.full((len(rows), 3), third, dtype=np.float32), ("a",), ("x", "y", "z"), command=None
    )
    assert np.abs(policy.action_probabilities([[1.0]]).sum(axis=1) - 1).max() < 1e-15
    assert policy.probability_source == "probabilities"
    agent = Agent()
    by_action = rule_policy(lambda rows: agent.predict(rows, deterministic=True)[0])
    rows = np.random.default_rng(0).normal(size=(50, 4))
    assert by_action.action_probabilities(rows).tolist() == np.eye(2)[rule(rows).argmax(axis=1)].tolist()
    values = shapley_values(by_action, rows[:3], rows)
    assert set(values.to_frame()["probability_source"]) == {"one-hot predictions"}


def test_shapley_values_of_a_function_are_those_of_the_same_tree_without_a_command():
    generator = np.random.default_rng(1)
    rows = generator.normal(size=(200, 4))
    tree = DecisionTreeClassifier(max_leaf_nodes=12, random_state=0).fit(rows, (rows @ [1, 2, 3, 4] > 0).astype(int))
    forest = ForestPolicy(forest_from_estimator(tree, 2), NoCommand(), feature_names=STATE, action_names=ACTIONS)
    function = rule_policy(tree.predict_proba)
    ours, theirs = (shapley_values(policy, rows[:20], rows[:50]) for policy in (forest, function))
    assert np.abs(ours.values - theirs.values).max() < 1e-12
    exact, slow = (shapley_interactions(policy, rows[:5], rows[:50]) for policy in (forest, function))
    assert np.abs(exact.values - slow.values).max() < 1e-12
    assert np.abs(exact.split - slow.split).max() < 1e-12
    assert not exact.split[:, 1:].any()  # all is the state's
    assert not decision_paths(forest, rows[:5]).to_frame()["is_command"].any()


def test_everything_that_needs_no_command_works_without_one():
    episodes, policy = rule_episodes(), rule_policy()
    rows = np.concatenate([episode.inputs for episode in episodes])
    assert rows.shape[1] == 4
    importance = feature_importance(policy, rows[:60], episodes[0].actions[:60], background=rows[:40])
    assert PAIR_NAME not in set(importance.to_frame()["feature"])
    assert importance.collinearity.note == "This policy takes no command."
    timeline = episode_timeline(policy, episodes[0], rows[:30])
    frame = timeline.to_frame()
    assert frame["desired_return"].isna().all()
    assert PAIR_NAME not in set(frame["name"])
    parts = frame[frame["part"] != "probability"].groupby("step")["value"].sum().to_numpy()
    taken = timeline.probabilities[np.arange(len(episodes[0])), episodes[0].actions]
    assert np.abs(parts - taken).max() < 1e-6
    told = explain(policy, rows[3], background=rows[:50])
    assert "command" not in told.sentence
    assert "%" in told.sentence
    assert faithfulness(policy, rows[:5], rows[:20]).n_rows == 5
    assert compare(policy, policy, rows[:5], background=rows[:20]).variation.max() == 0
    played = pd.concat(play_coalitions(policy, rows[:20], "CartPole-v0", range(16), None, [1, 3], n_jobs=1))
    owed = performance(played, feature_names=policy.feature_names).to_frame()
    assert owed["feature"].tolist() == list(STATE)
    whole = played[played["coalition"] == 15]["achieved_return"].mean()
    nothing = played[played["coalition"] == 0]["achieved_return"].mean()
    assert owed["value"].sum() == pytest.approx(whole - nothing)


def test_what_asks_about_commands_says_that_there_is_none():
    policy, episode = rule_policy(), rule_episodes(1)[0]
    state = episode.inputs[0]
    for ask in (
        lambda: command_response(policy, episode.inputs[:2], [1, 2], [1, 1], training_commands=[[1, 1]]),
        lambda: command_map(policy, state, returns=(0, 1), horizons=(1, 2)),
        lambda: episode_timeline(policy, episode, episode.inputs, training_commands=[[1, 1], [2, 2]]),
        lambda: explain(policy, state, background=episode.inputs, training_commands=[[1, 1]]),
        lambda: explain(policy, state, background=episode.inputs).command,
        lambda: collect(policy, "CartPole-v0", (200, 200), [1]),
        lambda: episode.hindsight_inputs(),
    ):
        with pytest.raises(ValueError, match=r"no command|takes none") as caught:
            ask()
        assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="none of them a command"):
        policy.action_probabilities(np.zeros((1, 6)))
    with pytest.raises(ValueError, match="given for a policy that takes a command"):
        collect(policy_from_callable(even, (*STATE, *COMMAND_NAMES), ACTIONS), "CartPole-v0", None, [1])


def test_an_estimator_fitted_on_states_alone_is_still_refused_as_one_with_a_command():
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 4)), columns=list(STATE))
    tree = DecisionTreeClassifier(random_state=0).fit(frame, np.arange(20) % 2)
    with pytest.raises(ValueError, match="policy_from_callable"):
        policy_from_estimator(tree, 2)
