import numpy as np
import pandas as pd
import pytest
from core_helpers import tiny_run
from environment_helpers import small_worlds  # noqa: F401 - fixture

from udrl_explain.config import TrainConfig
from udrl_explain.environments import Lockstep
from udrl_explain.playing.sweep import redo_sweep
from udrl_explain.playing.sweep_options import SweepOptions
from udrl_explain.rollouts.sweeps import command_levels, horizons_for, sweep_commands
from udrl_explain.runs import load_run, save_run
from udrl_explain.training.loop import train_policy

SMALL = {"recipe": "paper", "max_episode": 2, "collect_episode": 4, "warm_up": 20, "final_testing_sample": 2}


def training_commands(achieved, lengths):
    return pd.DataFrame({"achieved_return": achieved, "length": lengths})


@pytest.mark.parametrize("name", ["tree.DecisionTreeClassifier", "neural", "neighbors.KNeighborsClassifier"])
def test_doing_it_again_gives_the_stored_bytes(tmp_path, name):
    config = TrainConfig(estimator_name=name, **SMALL, batch_size=20 if name == "neural" else None)
    run = train_policy(config, tmp_path)
    stored = (run.directory / "command_sweep.csv").read_bytes()
    path = redo_sweep(SweepOptions(run.directory))
    assert path == run.directory / "command_sweep.csv"
    assert path.read_bytes() == stored
    redo_sweep(SweepOptions(run.directory, seed=run.config.seed + 1, episodes=3))
    other = load_run(run.directory).command_sweep
    assert len(other) == 15 * 3
    assert not set(other["environment_seed"]) & set(run.command_sweep["environment_seed"])


def test_returns_with_broken_numbers_are_asked_for_again_to_the_last_bit(tmp_path):
    """The bug: levels were made of returns read back a last bit off, so a redone sweep differed from the stored one."""
    config = TrainConfig(env_name="LunarLander-v3", estimator_name="tree.DecisionTreeClassifier", **SMALL)
    run = train_policy(config, tmp_path)
    stored = (run.directory / "command_sweep.csv").read_bytes()
    assert redo_sweep(SweepOptions(run.directory)).read_bytes() == stored


@pytest.fixture
def run(tmp_path):
    run = tiny_run(tmp_path)
    save_run(run, [])
    return run


def test_a_grid_has_a_row_per_return_horizon_and_episode(run):
    before = (run.directory / "command_sweep.csv").read_bytes()
    path = redo_sweep(SweepOptions(run.directory, returns=(10, 20, 3), horizons=(5, 8, 2), episodes=4))
    assert path == run.directory / "command_grid.csv"
    grid = load_run(run.directory).command_grid
    assert list(grid.columns) == ["desired_return", "desired_horizon", "environment_seed", "achieved_return", "length"]
    cells = grid.groupby(["desired_return", "desired_horizon"]).size()
    assert cells.to_dict() == {(r, h): 4 for r in (10.0, 15.0, 20.0) for h in (5.0, 8.0)}
    assert grid["environment_seed"].nunique() == 4
    assert (run.directory / "command_sweep.csv").read_bytes() == before


def test_given_returns_take_the_horizon_of_the_training_episodes_near_them(run):
    redo_sweep(SweepOptions(run.directory, returns=(0, 100, 2), episodes=1))
    sweep = load_run(run.directory).command_sweep
    assert sweep["desired_return"].tolist() == [0.0, 100.0]
    assert sweep["desired_horizon"].tolist() == [11.5, 11.5]  # the median length of all four


def test_levels_reach_from_the_low_returns_to_beyond_the_best():
    achieved = np.arange(1.0, 101.0)
    levels = command_levels(training_commands(achieved, 2 * achieved), n_levels=5)
    low, high = np.quantile(achieved, 0.05), 100.0
    np.testing.assert_allclose(levels[:, 0], np.linspace(low, high + (high - low) / 4, 5))
    # Horizons: the median length of the 51 episodes nearest in return.
    nearest = np.sort(np.argsort(np.abs(achieved - levels[2, 0]), kind="stable")[:51])
    assert levels[2, 1] == np.median(2 * achieved[nearest])
    assert levels[-1, 1] == np.median(2 * achieved[-51:])


@pytest.mark.parametrize("value", [0.0, -500.0, 200.0])
def test_levels_spread_also_where_every_return_is_the_same(value):
    levels = command_levels(training_commands([value] * 9, [7] * 9))
    assert len(np.unique(levels[:, 0])) == 15
    assert levels[0, 0] < value < levels[-1, 0]
    assert (levels[:, 1] == 7).all()


def test_the_horizon_of_few_episodes_is_the_median_of_all():
    assert horizons_for(np.array([3.0]), training_commands([1.0, 9.0], [4, 10])).tolist() == [7.0]


class Constant:
    n_features, n_actions = 4, 2

    def __init__(self, action):
        self.action = action

    def action_probabilities(self, inputs):
        return np.tile(np.eye(2)[self.action], (len(inputs), 1))


@pytest.mark.usefixtures("small_worlds")
def test_every_command_is_played_on_the_same_seeds():
    commands = np.array([[1.0 + i, 5.0] for i in range(60)])
    frame = sweep_commands(Constant(1), Lockstep("Walk-v0"), commands, [1, 3, 5])
    assert frame["desired_return"].tolist() == [1.0 + i for i in range(60) for _ in range(3)]
    assert frame["environment_seed"].tolist() == [1, 3, 5] * 60
    # The actions do not depend on the command, so neither does what is achieved on a seed.
    assert (frame.groupby("environment_seed")["achieved_return"].nunique() == 1).all()
    assert (frame["achieved_return"] == 0.25 * frame["length"]).all()
    assert (sweep_commands(Constant(0), Lockstep("Walk-v0"), commands[:1], [1])["achieved_return"] == 0).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"episodes": 0}, "episodes must be at least 1, got 0"),
        ({"returns": (5, 5, 3)}, r"returns must be: lowest < highest, both finite, .* got \(5, 5, 3\)"),
        ({"returns": (9, 5, 3)}, "returns must be: lowest < highest"),
        ({"returns": (0, float("inf"), 3)}, "returns must be: lowest < highest, both finite"),
        ({"returns": (0, 9, 1)}, "at least 2 levels"),
        ({"horizons": (0.5, 9, 3)}, "horizons must be at least 1 step, got 0.5"),
        ({"horizons": (9, 1, 3)}, "horizons must be: lowest < highest"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
    ],
)
def test_impossible_numbers_are_refused_and_change_nothing(run, options, message):
    before = {path.name: path.read_bytes() for path in run.directory.iterdir()}
    with pytest.raises(ValueError, match=message):
        redo_sweep(SweepOptions(run.directory, **options))
    assert {path.name: path.read_bytes() for path in run.directory.iterdir()} == before


def test_a_run_without_a_policy_cannot_be_asked(tmp_path):
    config = TrainConfig(max_episode=2, collect_episode=2, save_policy=False).resolved()
    run = tiny_run(tmp_path, config=config, policy=None, policy_note="not stored (save_policy was false)")
    save_run(run, [])
    with pytest.raises(ValueError, match=r"there is no policy to ask: not stored \(save_policy was false\)"):
        redo_sweep(SweepOptions(run.directory))


def test_a_run_that_is_not_there_cannot_be_asked(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        redo_sweep(SweepOptions(tmp_path / "nowhere"))


def test_a_run_whose_environment_takes_other_inputs_is_refused(tmp_path):
    """The bug: the policy complained about its rows in the middle of the sweep, without naming the run."""
    run = tiny_run(tmp_path, env_name="MountainCar-v0", n_features=4)
    save_run(run, [])
    with pytest.raises(ValueError, match=r"MountainCar-v0 has 3 actions, the policy of .*/7 has 2"):
        redo_sweep(SweepOptions(run.directory))
