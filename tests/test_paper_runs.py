import json
import math
import pickle

import numpy as np
import pytest
from core_helpers import everything

from udrl_explain.runs import find_runs, load_run

PAPER_CONF = {
    "env_name": "CartPole-v0",
    "estimator_name": "ensemble.RandomForestClassifier",
    "seed": 42,
    "max_episode": 3,
    "collect_iter": 2,
    "train_per_iter": 1,
    "batch_size": 0,
    "warm_up": 50,
    "memory_size": 700,
    "last_few": 75,
    "testing_period": 10,
    "horizon_scale": 0.02,
    "return_scale": 0.02,
    "epsilon": 0.2,
    "save_desired": False,
    "final_testing": True,
    "final_testing_sample": 20,
    "final_desired_return": 200,
    "final_desired_horizon": 200,
    "save_policy": True,
    "save_learning_infos": True,
    "test_mean": 58.5,
    "test_std": 23.47,
}
# Two episodes per iteration: first command and length.
EPISODES = [(37.0, 25.88, 10), (27.7, 25.57, 9), (26.9, 3.25, 14), (35.7, 25.04, 1), (29.4, 24.76, 2), (26.0, 24.6, 26)]


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.fixture
def exploded(tmp_path):
    return tmp_path / "exploded"


@pytest.fixture
def folder(tmp_path, exploded):
    """A run folder as the paper's trainer writes it, its policy a pickle that would leave a file behind."""
    folder = tmp_path / "CartPole-v0" / "max_episode3" / "42"
    folder.mkdir(parents=True)
    (folder / "conf.json").write_text(json.dumps(PAPER_CONF, indent=4))
    returns, horizons = [], []
    for desired_return, horizon, length in EPISODES:
        for step in range(length):
            returns.append(desired_return - step)
            horizons.append(max(horizon - step, 1.0))
    np.save(folder / "desired_returns.npy", returns)
    np.save(folder / "desired_horizons.npy", horizons)
    np.save(folder / "train_rewards.npy", [[9.5, 0.5], [7.5, 6.5], [14.0, 12.0]])
    np.save(folder / "test_rewards.npy", np.empty((0, 2)))
    (folder / "learning_infos.json").write_text(json.dumps([{"0": {"precision": 1.0}}]))
    (folder / "policy.pkl").write_bytes(pickle.dumps(Bomb(exploded)))
    return folder


def test_the_fixture_s_pickle_would_go_off(folder, exploded):
    with (folder / "policy.pkl").open("rb") as file:
        pickle.load(file).close()
    assert exploded.exists()


def test_curves_commands_and_result_are_read_and_the_pickle_is_not(folder, exploded):
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert find_runs(folder.parents[1]) == [folder]
    run = load_run(folder)
    assert not exploded.exists()
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert run.written_by_paper_code
    assert run.policy is None
    assert run.policy_note == "policy.pkl is a pickle: loading it could run code hidden inside, so it is not loaded"
    assert (run.config.collect_episode, run.config.max_episode, run.config.exploration) == (2, 3, "epsilon")
    assert (run.final_mean, run.final_std, run.n_final) == (58.5, 23.47, 20)
    assert run.train_returns.tolist() == [[9.5, 0.5], [7.5, 6.5], [14.0, 12.0]]
    assert run.test_returns.shape == (0, 2)
    assert run.episodes == ()
    assert run.feature_names[0] == "cart_position"
    assert run.training_inputs.shape == (0, 6)
    assert run.command_sweep.empty


def test_commands_are_taken_apart_into_episodes(folder):
    """The bug: iterations counted from 0 here and from 1 in the runs of this package."""
    frame = load_run(folder).training_commands
    assert frame["desired_return"].tolist() == [episode[0] for episode in EPISODES]
    assert frame["desired_horizon"].tolist() == [episode[1] for episode in EPISODES]
    assert frame["length"].tolist() == [episode[2] for episode in EPISODES]
    assert frame["achieved_return"].isna().all()
    assert frame["iteration"].tolist() == [1, 1, 2, 2, 3, 3]


def test_a_run_that_stored_no_commands_has_none(folder):
    for name in ("desired_returns.npy", "desired_horizons.npy", "policy.pkl"):
        (folder / name).unlink()
    run = load_run(folder)
    assert run.training_commands.empty
    assert "iteration" in run.training_commands
    assert run.policy_note == "no policy is stored"


@pytest.mark.parametrize("name", ["policy.pth", "policy.pt"])
def test_a_pytorch_file_is_not_loaded_either(folder, exploded, name):
    (folder / "policy.pkl").rename(folder / name)
    run = load_run(folder)
    assert run.policy_note.startswith(f"{name} is a PyTorch file, which holds a pickle")
    assert not exploded.exists()


def test_a_run_without_final_test(folder):
    values = {name: value for name, value in PAPER_CONF.items() if not name.startswith("test_")}
    (folder / "conf.json").write_text(json.dumps(values | {"final_testing": False}))
    run = load_run(folder)
    assert math.isnan(run.final_mean)
    assert run.n_final == 0


def test_a_run_in_another_environment(folder):
    (folder / "conf.json").write_text(json.dumps(PAPER_CONF | {"env_name": "LunarLander-v2"}))
    assert load_run(folder).feature_names[0] == "horizontal_position"
    (folder / "conf.json").write_text(json.dumps(PAPER_CONF | {"env_name": "worlds:Walk-v0"}))
    assert load_run(folder).feature_names == ("desired_return", "desired_horizon")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"collect_iter": 0}, "collect_episode must be at least 1, got 0"),
        ({"test_mean": "58"}, "test_mean must be a finite number or null, got '58'"),
        ({"optimizer": "adam"}, "unknown setting 'optimizer'"),
        ({"test_std": -1.0}, "test_std must be at least 0, got -1.0"),
        ({"test_mean": 1e300}, "test_mean must be a finite number or null"),
        ({"horizon_scale": 0}, "horizon_scale must be above 0"),
    ],
)
def test_a_wrong_conf_json_is_refused_by_name(folder, changes, message):
    (folder / "conf.json").write_text(json.dumps(PAPER_CONF | changes))
    with pytest.raises(ValueError, match=message) as fault:
        load_run(folder)
    assert str(folder / "conf.json") in str(fault.value)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("desired_returns.npy", np.zeros(3), "must hold as many finite numbers as desired_horizons.npy"),
        ("desired_returns.npy", np.zeros((62, 1)), "must hold as many finite numbers as desired_horizons.npy"),
        ("desired_horizons.npy", np.full(62, np.nan), "must hold as many finite numbers"),
        ("desired_horizons.npy", np.array([{}] * 62), "not a readable array of numbers"),
        ("train_rewards.npy", np.zeros(3), "must hold finite numbers of shape"),
    ],
)
def test_wrong_arrays_are_refused_by_name(folder, name, array, message):
    np.save(folder / name, array, allow_pickle=True)
    with pytest.raises(ValueError, match=message):
        load_run(folder)


@pytest.mark.parametrize("name", ["train_rewards.npy", "test_rewards.npy", "desired_horizons.npy"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{name}: file not found"):
        load_run(folder)


@pytest.mark.parametrize("name", ["train_rewards.npy", "desired_returns.npy"])
def test_arrays_that_are_pickles_never_run(folder, exploded, name):
    np.save(folder / name, np.array([Bomb(exploded)], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match=name):
        load_run(folder)
    (folder / name).write_bytes(pickle.dumps(Bomb(exploded)))
    with pytest.raises(ValueError, match=name):
        load_run(folder)
    assert not exploded.exists()
    assert not [path for path in everything(folder) if "exploded" in path]
