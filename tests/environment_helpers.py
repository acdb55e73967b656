"""Small environments, registered with Gymnasium while a test runs."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete


class Walk(gym.Env):
    """Walk along a line until `goal`; action `start` steps back, the next one forward. Pays 0.25 per step forward."""

    def __init__(self, start=0, goal=3, observation_space=None, action_space=None):
        self.observation_space = observation_space or Box(-np.inf, np.inf, (2,), np.float32)
        self.action_space = action_space or Discrete(2, start=start)
        self.start, self.goal, self.place = start, goal, 0.0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place = float(self.np_random.uniform(-1, 1))
        return np.array([self.place, 1.0], np.float32), {}

    def step(self, action):
        assert self.action_space.contains(np.int64(action))
        forward = action - self.start
        self.place += 2 * forward - 1
        done = self.goal is not None and self.place >= self.goal
        return np.array([self.place, 1.0], np.float32), 0.25 * forward, done, False, {}


ODD_SPACES = {
    "Pixels-v0": {"observation_space": Box(0, 255, (8, 8, 3), np.uint8)},
    "Words-v0": {"observation_space": Dict({"a": Discrete(2)})},
    "Places-v0": {"observation_space": Discrete(5)},
    "Nothing-v0": {"observation_space": Box(0, 1, (0,))},
    "Steering-v0": {"action_space": Box(-1, 1, (1,))},
    "OneWay-v0": {"action_space": Discrete(1)},
}


@pytest.fixture
def small_worlds():
    """Walk-v0 (limit 12 steps), Shifted-v0 (actions 1 and 2), Endless-v0 (no end, no limit) and the odd ones."""
    ids = {
        "Walk-v0": {"max_episode_steps": 12},
        "Shifted-v0": {"max_episode_steps": 12, "kwargs": {"start": 1}},
        "Endless-v0": {"kwargs": {"goal": None}},
    } | {name: {"kwargs": spaces} for name, spaces in ODD_SPACES.items()}
    for name, options in ids.items():
        gym.register(name, entry_point=Walk, **options)
    yield
    for name in ids:
        del gym.registry[name]


@pytest.fixture
def outside_package(tmp_path, monkeypatch):
    """A third-party package that registers outside/Walk-v0 when it is imported; yields its name."""
    import sys

    folder = tmp_path / "packages"
    folder.mkdir()
    (folder / "outside_worlds.py").write_text(
        "import gymnasium\n"
        "from environment_helpers import Walk\n"
        "gymnasium.register('OutsideWalk-v0', entry_point=Walk, max_episode_steps=12, kwargs={'start': 1})\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    yield "outside_worlds"
    sys.modules.pop("outside_worlds", None)
    gym.registry.pop("OutsideWalk-v0", None)
