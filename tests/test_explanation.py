"""The sentence about one decision: its numbers against the analyses, its flips against the policy."""

import re

import numpy as np
import pandas as pd
import pytest
from core_helpers import scaled, tiny_run, training_rows
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC

from udrl_explain import explain, policy_from_estimator, shapley_values
from udrl_explain.analysis.explanation import words
from udrl_explain.command_space.influence import command_influence
from udrl_explain.command_space.support import SupportKind, command_support, fitted_commands
from udrl_explain.commands import Command, input_rows
from udrl_explain.policies import greedy_actions

NAMES = ("cart_position", "cart_velocity", "pole_angle", "pole_angular_velocity", "desired_return", "desired_horizon")
ACTIONS = ("push left", "push right")
INPUTS, LABELS = training_rows(300)


def policy_of(estimator):
    fitted = estimator.fit(scaled(INPUTS, 0.02, 0.02), LABELS)
    return policy_from_estimator(fitted, 2, 0.02, 0.02, feature_names=NAMES, action_names=ACTIONS)


@pytest.fixture(scope="module")
def forest():
    return policy_of(RandomForestClassifier(15, random_state=0, n_jobs=1))


@pytest.fixture(scope="module")
def net():
    return policy_of(MLPClassifier((8,), max_iter=300, solver="lbfgs", random_state=0))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return tiny_run(tmp_path_factory.mktemp("run"))


@pytest.mark.parametrize("kind", ["forest", "net"])
def test_the_sentence_holds_the_numbers_of_the_analyses(request, kind):
    policy = request.getfixturevalue(kind)
    background, support = INPUTS[:60], command_support(INPUTS[:60, -2:])
    values = shapley_values(policy, INPUTS[:8], background)
    influence = command_influence(policy, INPUTS[:8], support)
    for i in range(8):
        told = explain(policy, INPUTS[i], background=background)
        action = int(greedy_actions(policy.action_probabilities(INPUTS[i : i + 1]))[0])
        pushes = values.values[i, :, action]
        sentence = told.sentence.replace("−", "-")
        assert told.action == action
        assert sentence.startswith(f"{ACTIONS[action]}, {words.percent(values.outputs[i, action])}: ")
        told_state = sentence[sentence.index(": ") :]
        named = re.findall(r"(?<=[:,] )([a-z ]+) (-?[\d.]+)[^(]*?(?:for|against) it \(([+-][\d.]+)\)", told_state)
        order = np.argsort(-np.abs(pushes[:-2]))
        expected = [k for k in order[:3] if abs(pushes[k]) >= words.LEAST_PUSH]
        assert [name.strip() for name, _, _ in named] == [NAMES[k].replace("_", " ") for k in expected]
        for k, (_, value, push) in zip(expected, named, strict=True):
            assert float(value) == pytest.approx(INPUTS[i, k], rel=5e-3)
            assert float(push) == pytest.approx(pushes[k], abs=0.0051)
        both = re.search(r"the command adds ([+-]?[\d.]+)", sentence).group(1)
        assert float(both) == pytest.approx(pushes[-2:].sum(), abs=0.0051)
        assert f"(influence {influence.influence[i]:.2f}; " in sentence
        assert (told.influence.influence[0], told.influence.flip_share[0]) == (
            pytest.approx(influence.influence[i]),
            pytest.approx(influence.flip_share[i]),
        )


@pytest.mark.parametrize("kind", ["forest", "net"])
def test_the_command_printed_is_seen_and_changes_the_action_and_no_training_command_does_so_nearer(request, kind):
    policy = request.getfixturevalue(kind)
    support = command_support(INPUTS[:, -2:])
    n_flips = 0
    for row in INPUTS[:12]:
        told = explain(policy, row, background=INPUTS[:40], training_commands=support)
        here = Command(row[-2], row[-1])
        if told.told_flip is None:
            assert "asking for" not in told.sentence
            continue
        n_flips += 1
        text = told.sentence.split("asking for ")[1].replace("−", "-")
        asked = {key: float(x) for key, x in re.findall(r"a (return|horizon) of (-?[\d.]+) instead", text)}
        command = (asked.get("return", here.desired_return), asked.get("horizon", here.desired_horizon))
        (action,) = greedy_actions(policy.action_probabilities(input_rows(row[:-2], command)))
        assert action != told.most_probable
        assert f"would change it to {ACTIONS[action]}" in text
        assert support.seen([command])[0]
        seen = support.seen_commands
        others = greedy_actions(policy.action_probabilities(input_rows(row[:-2], seen))) != told.most_probable
        distances = np.hypot(*((seen[others] - row[-2:]) / np.array(support.spread)).T)
        assert told.flip.seen.distance <= distances.min(initial=np.inf) + 1e-9
    assert n_flips >= 5


def test_where_no_command_changes_the_action_the_sentence_says_so():
    labels = (INPUTS[:, 0] > 0).astype(int)
    deaf = INPUTS.copy()
    deaf[:, 1:] = 0.0  # one input decides alone
    estimator = RandomForestClassifier(5, random_state=0).fit(deaf, labels)
    policy = policy_from_estimator(estimator, 2, feature_names=NAMES, action_names=ACTIONS)
    told = explain(policy, INPUTS[0], background=INPUTS[:30])
    assert "the command adds 0.00 and hardly matters here (influence 0.00; no training command" in told.sentence
    assert told.sentence.endswith("no command of the training range would change it.")


def test_a_step_of_an_episode_explains_the_action_taken(run):
    episode = run.episodes[1]
    probabilities = run.policy.action_probabilities(episode.inputs)
    for step in range(len(episode)):
        told = explain(run, (1, step))
        assert told.action == episode.actions[step]
        assert told.probability == pytest.approx(probabilities[step, episode.actions[step]])
        assert ("drawn although" in told.sentence) == (told.action != probabilities[step].argmax())
        assert explain(run.policy, (episode, step), background=run.training_inputs).pushes == pytest.approx(told.pushes)


def test_a_run_gives_background_and_support_and_a_policy_its_own(run):
    row = run.training_inputs[3]
    told = explain(run, row)
    assert told.n_background == len(run.training_inputs)
    assert told.support.kind == SupportKind.FITTED
    assert np.array_equal(told.support.commands, fitted_commands(run.training_inputs).commands)
    alone = explain(run.policy, row)  # the path-dependent game: nothing is known of training
    assert alone.n_background == 0
    assert alone.support is None
    assert "influence" not in alone.sentence
    assert explain(run.policy, row, background=run.training_inputs).support.kind == SupportKind.GIVEN


def test_the_table_is_in_order_and_adds_up(run):
    told = explain(run, run.training_inputs[2])
    frame = told.to_frame()
    sizes = frame["shapley_value"].abs().to_numpy()
    assert (np.diff(sizes) <= 0).all()
    assert frame["base_value"].iloc[0] + frame["shapley_value"].sum() == pytest.approx(told.probability, abs=1e-9)
    pd.testing.assert_frame_equal(told.top(2), frame.head(2))
    assert frame.loc[frame["is_command"], "feature"].isin(("desired_return", "desired_horizon")).all()
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        told.top(0)


def test_it_shows_itself_as_its_sentence(run):
    told = explain(run, run.training_inputs[2])
    assert repr(told) == f"Explanation: {told.sentence}"
    assert f"<p>{told.sentence}</p>" in told._repr_html_().replace("&lt;", "<")


def test_rows_come_in_many_forms(run):
    row = run.training_inputs[5]
    named = pd.Series(dict(zip(run.feature_names, row, strict=True)))[::-1]
    for form in (row, row[None, :], row.tolist(), named, named.to_frame().T):
        assert explain(run, form).sentence == explain(run, row).sentence


def test_one_hot_predictions_are_no_probabilities():
    told = explain(policy_of(LinearSVC(random_state=0)), INPUTS[0], background=INPUTS[:20])
    assert "(its estimator gives no probabilities): " in told.sentence


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (np.zeros((2, 6)), "row must be one row, got 2"),
        (np.zeros(5), "5 columns, the policy takes 6"),
        ((0, 4), r"step must lie in 0\.\.3, got 4"),
        ((3, 0), r"episode must be an Episode or one of 0\.\.2, got 3"),
    ],
)
def test_a_row_that_does_not_fit_is_refused(run, row, message):
    with pytest.raises(ValueError, match=message):
        explain(run, row)


def test_a_policy_has_no_numbered_episodes(run):
    with pytest.raises(ValueError, match="needs the episode itself"):
        explain(run.policy, (0, 0))


def test_a_run_without_policy_says_why(tmp_path):
    run = tiny_run(tmp_path, policy=None, policy_note="it was not stored")
    with pytest.raises(ValueError, match="it was not stored"):
        explain(run, (0, 0))


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0 %"), (0.004, "under 1 %"), (0.996, "over 99 %"), (1.0, "100 %"), (0.5, "50 %")]
)
def test_per_cents_never_round_to_never_or_always(value, text):
    assert words.percent(value) == text


def test_a_command_is_rounded_away_from_the_present_one():
    near = words.rounded_away(Command(99.0, 50.0), Command(np.nextafter(140.25, np.inf), 50.0))
    assert [command.desired_return for command in near[:3]] == [141.0, 140.3, 140.26]
    assert {command.desired_horizon for command in near} == {50.0}
    assert near[-1].desired_return == np.nextafter(140.25, np.inf)
