import numpy as np
import pandas as pd
import pytest
from core_helpers import AVERAGED, BOOSTED, rows_at_thresholds, scaled, training_rows
from hypothesis import given, settings
from hypothesis import strategies as st
from shapley_helpers import digest, stump_forest
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier

from udrl_explain.command_space import influence as module
from udrl_explain.command_space.influence import command_influence, probabilities_under, state_influence
from udrl_explain.command_space.support import CommandSupport, command_support
from udrl_explain.commands import CommandScale, input_rows
from udrl_explain.policies import ForestPolicy, policy_from_estimator

SCALES = (0.02, 0.05)


def fitted(estimator, actions=(0, 1, 2)):
    inputs, taken = training_rows(actions=actions)
    return policy_from_estimator(estimator.fit(scaled(inputs, *SCALES), taken), 3, *SCALES), inputs


def by_loops(policy, inputs, commands):
    """Both influences and flip shares from the definition: one policy call per row, every pair of commands visited."""
    results = []
    for row in inputs:
        here = policy.action_probabilities(row[None])[0]
        under = [policy.action_probabilities(input_rows(row[:-2], command))[0] for command in commands]
        n = len(under)
        results.append((
            sum(abs(there - here).sum() / 2 for there in under) / n,
            sum(there.argmax() != here.argmax() for there in under) / n,
            sum(abs(p - q).sum() / 2 for p in under for q in under) / n**2,
            sum(p.argmax() != q.argmax() for p in under for q in under) / n**2,
        ))  # fmt: skip
    return np.array(results).T


@pytest.mark.parametrize("name", ["random forest", "extra tree", "gradient boosting", "ada boost"])
def test_the_fast_way_agrees_with_the_definition_for_forests(name):
    policy, inputs = fitted((AVERAGED | BOOSTED)[name]())
    commands = np.round(inputs[:25, -2:], -1)
    commands[20:] = commands[0]
    expected = by_loops(policy, inputs[100:106], commands)
    from_command = command_influence(policy, inputs[100:106], commands)
    between = state_influence(policy, inputs[100:106, :-2], commands)
    found = (from_command.influence, from_command.flip_share, between.influence, between.flip_share)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert expected[0].max() > 0.01, "the case must not be trivial"
    assert (from_command.n_commands, from_command.n_distinct) == (25, len(np.unique(commands, axis=0)))


@pytest.mark.parametrize(
    "estimator",
    [MLPClassifier((8,), tol=10.0, max_iter=500, random_state=0), KNeighborsClassifier(7)],
    ids=["net", "neighbours"],
)
def test_other_policies_agree_with_the_definition(estimator):
    policy, inputs = fitted(estimator)
    commands = inputs[:15, -2:]
    expected = by_loops(policy, inputs[100:104], commands)
    from_command = command_influence(policy, inputs[100:104], commands)
    between = state_influence(policy, inputs[100:104, :-2], commands)
    found = (from_command.influence, from_command.flip_share, between.influence, between.flip_share)
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("name", sorted(AVERAGED | BOOSTED))
def test_probabilities_are_the_policy_s_bit_for_bit_also_on_thresholds(name):
    policy, _ = fitted((AVERAGED | BOOSTED)[name](), actions=(0, 2))  # action 1 never seen
    rows = rows_at_thresholds(policy.forest, 6) / policy.scale.factors(6)
    states, commands = rows[:20, :-2], rows[:, -2:]
    for block, there in probabilities_under(policy, states, commands):
        for state, found in zip(states[block], there, strict=True):
            assert np.array_equal(found, policy.action_probabilities(input_rows(state, commands)))


def test_blocks_and_threads_change_no_bit(monkeypatch):
    policy, inputs = fitted(AVERAGED["random forest"]())
    whole = state_influence(policy, inputs[:40, :-2], inputs[:, -2:], n_jobs=1)
    monkeypatch.setattr(module, "VALUES_AT_ONCE", 17 * len(inputs) * 3)
    monkeypatch.setattr(module, "STATES_AT_ONCE", 5)
    parts = state_influence(policy, inputs[:40, :-2], inputs[:, -2:], n_jobs=3)
    assert np.array_equal(whole.influence, parts.influence)
    assert np.array_equal(whole.flip_share, parts.flip_share)


def test_a_policy_blind_to_its_command_scores_exactly_0():
    inputs, taken = training_rows()
    blind = inputs.copy()
    blind[:, -2:] = 10.0
    policy = policy_from_estimator(RandomForestClassifier(20, random_state=0).fit(blind, taken), 2)
    assert not np.isin(policy.forest.feature, (4, 5)).any()
    for result in (
        command_influence(policy, inputs[:50], inputs[:, -2:]),
        state_influence(policy, inputs[:50, :-2], inputs[:, -2:]),
    ):
        assert np.array_equal(result.influence, np.zeros(50))
        assert np.array_equal(result.flip_share, np.zeros(50))


def command_reader():
    """Action 1 with certainty if desired return * 0.02 > 2, else action 0; the state is not read."""
    return ForestPolicy(stump_forest([4], [2.0], [1.0], [0.0], n_features=6).forest, CommandScale(0.02, 0.02))


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 4)), min_size=1, max_size=30), st.integers(0, 200))
def test_a_policy_that_reads_only_its_command_has_the_known_influence(weighted, here):
    """With a share p of training commands above the threshold: p or 1 - p from a command, 2 p (1 - p) between two."""
    commands = np.array([(desired, 50.0) for desired, count in weighted for _ in range(count)])
    p = (commands[:, 0] > 100).mean()
    states = np.arange(8.0).reshape(2, 4)
    from_command = command_influence(command_reader(), input_rows(states, (here, 50.0)), commands)
    expected = 1 - p if here > 100 else p
    np.testing.assert_allclose(from_command.influence, expected, atol=1e-15)
    np.testing.assert_allclose(from_command.flip_share, expected, atol=1e-15)
    between = state_influence(command_reader(), states, commands)
    np.testing.assert_allclose(between.influence, 2 * p * (1 - p), atol=1e-15)
    np.testing.assert_allclose(between.flip_share, 2 * p * (1 - p), atol=1e-15)


def test_the_influence_between_commands_is_the_mean_of_that_from_each():
    policy, inputs = fitted(AVERAGED["random forest"]())
    commands = inputs[:60, -2:]
    state = inputs[200, :-2]
    from_each = command_influence(policy, input_rows(state, commands), commands)
    between = state_influence(policy, state[None], commands)
    assert from_each.influence.mean() == pytest.approx(between.influence[0], abs=1e-12)
    assert from_each.flip_share.mean() == pytest.approx(between.flip_share[0], abs=1e-12)
    assert from_each.influence.std() > 1e-3


def test_repeating_all_training_commands_changes_nothing_and_one_of_them_does():
    policy, inputs = fitted(AVERAGED["random forest"]())
    commands = inputs[:30, -2:]
    once = command_influence(policy, inputs[:20], commands).influence
    twice = command_influence(policy, inputs[:20], np.repeat(commands, 2, axis=0)).influence
    np.testing.assert_allclose(twice, once, atol=1e-15)
    one_heavy = command_influence(policy, inputs[:20], np.concatenate([commands, commands[:1].repeat(20, axis=0)]))
    assert np.abs(one_heavy.influence - once).max() > 1e-3


def test_nothing_passed_in_is_modified():
    policy, inputs = fitted(AVERAGED["random forest"]())
    before, rows = digest(policy), inputs.copy()
    state_influence(policy, inputs[:, :-2], inputs[:, -2:])
    command_influence(policy, inputs, inputs[:, -2:])
    assert digest(policy) == before
    assert np.array_equal(inputs, rows)


@pytest.mark.parametrize(
    ("states", "message"),
    [
        (np.zeros((3, 6)), "leave the two command columns out"),
        (np.zeros(4), r"shape \(n_rows >= 1, 4\), got \(4,\)"),
        (np.zeros((0, 4)), r"got \(0, 4\)"),
        (np.full((1, 4), np.nan), "must be finite"),
    ],
)
def test_states_of_another_form_are_refused(states, message):
    with pytest.raises(ValueError, match=message):
        state_influence(command_reader(), states, [(1.0, 1.0)])


def test_support_counts_what_is_repeated_and_leaves_out_rows_without_a_command():
    frame = pd.DataFrame(
        {"iteration": range(4), "desired_return": [5.0, np.nan, 2.0, 5.0], "desired_horizon": [7.0, 1.0, 3.0, 7.0]}
    )
    support = command_support(frame)
    assert support.commands.tolist() == [[2.0, 3.0], [5.0, 7.0]]
    assert support.counts.tolist() == [1, 2]
    assert support.returns == (2.0, 5.0)
    assert support.horizons == (3.0, 7.0)
    np.testing.assert_allclose(support.spread, (np.std([5, 2, 5]), np.std([7, 3, 7])))
    assert command_support(support) is support


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-50, 50), st.integers(1, 60)), min_size=1, max_size=40),
    st.lists(st.tuples(st.integers(-80, 80), st.integers(-20, 90)), min_size=1, max_size=10),
)
def test_density_is_the_share_of_training_commands_within_a_quarter_spread(trained, asked):
    rows, asked = np.array(trained, dtype=float), np.array(asked, dtype=float)
    spread = [column.std() if np.ptp(column) else 1.0 for column in rows.T]
    distances = np.hypot(*((asked[:, None] - rows[None]) / spread).transpose(2, 0, 1))
    clear = (np.abs(distances - 0.25) > 1e-9).all(axis=1)
    density = (distances <= 0.25).mean(axis=1)
    np.testing.assert_allclose(command_support(rows).density(asked)[clear], density[clear], atol=1e-12)
    assert (command_support(rows).seen(asked) == (density > 0))[clear].all()
    assert command_support(rows).seen(rows).all()


def test_a_command_far_from_all_but_a_few_of_many_is_unseen():
    commands = np.column_stack([np.linspace(0, 100, 5000), np.linspace(0, 100, 5000)])
    with_outlier = np.concatenate([commands, [(300.0, 300.0)]])
    support = command_support(with_outlier)
    assert support.seen([(50.0, 50.0), (300.0, 300.0), (0.0, 100.0)]).tolist() == [True, False, False]
    assert support.density([(300.0, 300.0)])[0] == pytest.approx(1 / 5001)


@pytest.mark.parametrize(
    ("commands", "message"),
    [
        (np.zeros((0, 2)), "at least one command"),
        (np.zeros((3, 6)), r"shape \(n, 2\)"),
        ([(1.0, np.inf)], "row 0 is not"),
        (pd.DataFrame({"desired_return": [1.0]}), "'desired_horizon' is missing"),
        (pd.DataFrame({"desired_return": [np.nan], "desired_horizon": [1.0]}), "at least one command"),
    ],
)
def test_training_commands_that_cannot_be_used_are_refused(commands, message):
    with pytest.raises(ValueError, match=message):
        command_support(commands)


def test_a_support_needs_one_count_per_command():
    with pytest.raises(ValueError, match="one count each"):
        CommandSupport(np.zeros((2, 2)), np.array([1]))
