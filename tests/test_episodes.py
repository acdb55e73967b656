import gymnasium as gym
import numpy as np
import pytest
from core_helpers import episode as made_episode
from core_helpers import scaled, training_rows
from sklearn.ensemble import RandomForestClassifier

from udrl_explain.commands import Command
from udrl_explain.environments import Lockstep
from udrl_explain.episodes import Episode, collect_episodes
from udrl_explain.policies import policy_from_estimator
from udrl_explain.rollouts.actors import exploring, greedy, uniform
from udrl_explain.rollouts.streams import evaluation_seeds, streams, training_seeds


def forest_policy(n_observations, n_actions):
    inputs, actions = training_rows(300, n_observations + 2, actions=tuple(range(n_actions)))
    inputs[:, -2:] /= 4
    estimator = RandomForestClassifier(10, random_state=0).fit(scaled(inputs, 0.02, 0.02), actions)
    return policy_from_estimator(estimator, n_actions, 0.02, 0.02)


def plain_loop(env_name, policy, command, seed):
    """The slow twin: one environment, one row at a time, the command as an object."""
    environment = gym.make(env_name)
    observation, _ = environment.reset(seed=seed)
    inputs, actions, rewards = [], [], []
    while True:
        row = [*map(float, observation), command.desired_return, command.desired_horizon]
        probabilities = policy.action_probabilities([row])[0]
        action = int(np.flatnonzero(probabilities == probabilities.max())[0])
        observation, reward, terminated, truncated, _ = environment.step(action)
        inputs.append(row)
        actions.append(action)
        rewards.append(float(reward))
        command = command.after(float(reward))
        if terminated or truncated:
            return np.array(inputs), np.array(actions), np.array(rewards)


@pytest.mark.parametrize(
    ("env_name", "n_observations", "n_actions"),
    [("CartPole-v0", 4, 2), ("Acrobot-v1", 6, 3), ("LunarLander-v3", 8, 4), ("MountainCar-v0", 2, 3)],
)
def test_lockstep_collection_equals_a_plain_loop(env_name, n_observations, n_actions):
    policy = forest_policy(n_observations, n_actions)
    commands = np.array([[30.5, 20.0], [-100.0, 1.0], [200.0, 200.0], [15.25, 7.5]])
    seeds = [11, 12, 11, 14]
    episodes = collect_episodes(Lockstep(env_name), greedy(policy), commands, seeds)
    assert len({len(episode) for episode in episodes}) > 1 or env_name in ("MountainCar-v0", "Acrobot-v1")
    for episode, command, seed in zip(episodes[:3], commands, seeds, strict=False):
        inputs, actions, rewards = plain_loop(env_name, policy, Command(*command), seed)
        np.testing.assert_array_equal(episode.inputs, inputs)
        np.testing.assert_array_equal(episode.actions, actions)
        np.testing.assert_array_equal(episode.rewards, rewards)
        assert episode.seed == seed


def test_an_episode_does_not_depend_on_its_company():
    policy = forest_policy(4, 2)
    commands = np.array([[20.0 + i, 15.0 + i] for i in range(8)])
    together = collect_episodes(Lockstep("CartPole-v0"), greedy(policy), commands, range(8))
    lockstep = Lockstep("CartPole-v0")
    for i in (5, 0):
        (alone,) = collect_episodes(lockstep, greedy(policy), commands[i : i + 1], [i])
        np.testing.assert_array_equal(alone.inputs, together[i].inputs)
        np.testing.assert_array_equal(alone.actions, together[i].actions)


def test_commands_follow_the_rule_within_an_episode():
    rows = collect_episodes(Lockstep("CartPole-v0"), uniform(2, np.random.default_rng(0)), np.array([[5.0, 3.5]]), [4])
    inputs, rewards = rows[0].inputs, rows[0].rewards
    assert len(inputs) > 6
    np.testing.assert_array_equal(inputs[:, 4], 5.0 - np.arange(len(inputs)))
    np.testing.assert_array_equal(inputs[:5, 5], [3.5, 2.5, 1.5, 1.0, 1.0])
    assert (rewards == 1).all()


def test_hindsight_commands_are_what_was_achieved_from_each_step_on():
    original = made_episode([1.0, -2.0, 0.5, 4.0], marker=7.0)
    rows = original.hindsight_inputs()
    assert rows.tolist() == [[7, 3.5, 4], [7, 2.5, 3], [7, 4.5, 2], [7, 4.0, 1]]
    assert (original.inputs == 7).all()  # left as it was


def test_an_episode_has_equal_lengths_and_at_least_one_step():
    with pytest.raises(ValueError, match=r"as many inputs \(2\) as actions \(3\) and rewards \(3\)"):
        Episode(np.zeros((2, 3)), np.zeros(3, int), np.zeros(3), 0)
    with pytest.raises(ValueError, match="at least one"):
        Episode(np.zeros((0, 3)), np.zeros(0, int), np.zeros(0), 0)


class Fixed:
    """A policy with the probabilities that a test wants."""

    def __init__(self, *probabilities):
        self.row = np.array(probabilities)
        self.n_actions = len(self.row)

    def action_probabilities(self, inputs):
        return np.tile(self.row, (len(inputs), 1))


def test_epsilon_exploration_mixes_the_best_action_with_uniform_ones():
    actor = exploring(Fixed(0.2, 0.5, 0.3), "epsilon", 0.3, np.random.default_rng(0))
    shares = np.bincount(actor(np.zeros((30_000, 4))), minlength=3) / 30_000
    np.testing.assert_allclose(shares, [0.1, 0.8, 0.1], atol=0.01)
    never = exploring(Fixed(0.2, 0.5, 0.3), "epsilon", 0.0, np.random.default_rng(0))
    assert (never(np.zeros((100, 4))) == 1).all()


def test_sampled_exploration_follows_the_probabilities():
    actor = exploring(Fixed(0.0, 0.7, 0.0, 0.3, 0.0), "sample", 0.2, np.random.default_rng(0))
    shares = np.bincount(actor(np.zeros((30_000, 4))), minlength=5) / 30_000
    np.testing.assert_allclose(shares, [0, 0.7, 0, 0.3, 0], atol=0.01)
    assert shares[[0, 2, 4]].tolist() == [0, 0, 0]  # impossible actions are never taken


class Always:
    """Draws one and the same number."""

    def __init__(self, number):
        self.number = number

    def random(self, n):
        return np.full(n, self.number)


def test_sampling_stays_inside_where_probabilities_miss_one_by_rounding():
    largest = Always(np.nextafter(1.0, 0.0))
    actor = exploring(Fixed(0.1, 0.2, 0.7 - 1e-12), "sample", 0.2, largest)
    assert actor(np.zeros((5, 4))).tolist() == [2] * 5


def test_sampling_at_the_edges_never_takes_an_impossible_action():
    first = exploring(Fixed(0.0, 0.6, 0.4, 0.0), "sample", 0.2, Always(0.0))
    assert first(np.zeros((1, 4))).tolist() == [1]
    last = exploring(Fixed(0.0, 0.5, 0.5, 0.0), "sample", 0.2, Always(np.nextafter(1.0, 0.0)))
    assert last(np.zeros((1, 4))).tolist() == [2]
    edge = exploring(Fixed(0.5, 0.5), "sample", 0.2, Always(0.5))
    assert edge(np.zeros((1, 4))).tolist() == [1]


def test_greedy_takes_the_lowest_of_the_best():
    assert greedy(Fixed(0.4, 0.4, 0.2))(np.zeros((2, 4))).tolist() == [0, 0]


def test_the_warm_up_takes_every_action_equally_often():
    shares = np.bincount(uniform(4, np.random.default_rng(0))(np.zeros((20_000, 3)))) / 20_000
    np.testing.assert_allclose(shares, 0.25, atol=0.015)


def test_no_evaluation_replays_a_training_episode():
    one = streams(42)
    training = training_seeds(one.environments, 5000)
    evaluation = [
        *evaluation_seeds(one.tests, 3000),
        *evaluation_seeds(one.final, 1000),
        *evaluation_seeds(one.sweep, 50),
    ]
    assert all(seed % 2 == 0 for seed in training)
    assert all(seed % 2 == 1 for seed in evaluation)
    assert min(training + evaluation) >= 0
    assert max(training + evaluation) < 2**31


def test_streams_are_separate_and_repeatable():
    names = ("environments", "exploration", "estimator", "tests", "final", "sweep")
    draws = {name: tuple(getattr(streams(7), name).integers(1 << 30, size=4)) for name in names}
    assert len(set(draws.values())) == 6
    assert draws == {name: tuple(getattr(streams(7), name).integers(1 << 30, size=4)) for name in names}
    assert draws != {name: tuple(getattr(streams(8), name).integers(1 << 30, size=4)) for name in names}
