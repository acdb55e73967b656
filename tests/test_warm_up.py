import numpy as np
import pytest
from environment_helpers import small_worlds  # noqa: F401 - fixture

from udrl_explain.config import TrainConfig
from udrl_explain.environments import Lockstep
from udrl_explain.rollouts.streams import streams
from udrl_explain.training.warm_up import HeldActions, reward_kind, warm_up_episodes


def episodes_of(env_name, seed=0, **settings):
    config = TrainConfig(env_name=env_name, seed=seed, **settings).resolved()
    return warm_up_episodes(Lockstep(env_name), config, streams(seed))


def test_an_action_is_held_for_a_geometric_number_of_steps():
    act = HeldActions(1000, np.array([1.0, 4.0]), np.random.default_rng(0))
    chosen = np.array([act.episode_actions(np.zeros((2, 3)), np.arange(2)) for _ in range(20_000)])
    changes = (np.diff(chosen, axis=0) != 0).mean(axis=0)
    # A new action is the same again once in a thousand times.
    np.testing.assert_allclose(changes, [0.999, 0.999 / 4], atol=0.01)
    runs = np.diff(np.flatnonzero(np.diff(chosen[:, 1]) != 0))
    assert (runs == 1).mean() == pytest.approx(0.25, abs=0.02)  # geometric: a quarter ends after one step
    assert (runs == 2).mean() == pytest.approx(0.1875, abs=0.02)


def test_every_episode_holds_its_own_action_when_others_have_ended():
    act = HeldActions(1000, np.full(5, 1e9), np.random.default_rng(0))
    first = act.episode_actions(np.zeros((5, 3)), np.arange(5))
    assert len(set(first)) == 5
    np.testing.assert_array_equal(act.episode_actions(np.zeros((2, 3)), np.array([1, 4])), first[[1, 4]])


def test_held_actions_reach_goals_that_a_new_action_in_every_step_does_not():
    shares = {}
    for hold in (1.0, 50.0):
        episodes = episodes_of("MountainCar-v0", warm_up=100, warm_up_hold=hold, warm_up_better=0)
        assert len(episodes) == 100
        shares[hold] = np.mean([episode.total_return > -200 for episode in episodes])
    assert shares[1.0] == 0
    assert shares[50.0] > 0.02


def test_the_warm_up_goes_on_until_enough_episodes_beat_the_worst_or_its_limit():
    found = episodes_of("MountainCar-v0", warm_up=20, warm_up_better=3)
    returns = np.array([episode.total_return for episode in found])
    assert len(found) % 20 == 0
    assert (returns > returns.min()).sum() >= 3 > (returns[:-20] > returns.min()).sum()
    limited = episodes_of("MountainCar-v0", warm_up=20, warm_up_hold=1.0, warm_up_better=3, warm_up_limit=50)
    assert len(limited) == 50


@pytest.mark.usefixtures("small_worlds")
def test_warm_up_seeds_are_training_seeds():
    assert all(episode.seed % 2 == 0 for episode in episodes_of("Walk-v0", warm_up=7))


def test_rewards_are_constant_where_one_value_makes_up_nine_tenths():
    assert reward_kind([np.ones(9), np.zeros(1)]) == "constant"
    assert reward_kind([np.ones(8), np.zeros(2)]) == "varied"
    assert reward_kind([np.arange(10.0)]) == "varied"
