import dataclasses
import json
import pickle
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
from core_helpers import everything, tiny_run
from sklearn.tree import DecisionTreeClassifier

from udrl_explain.config import TrainConfig
from udrl_explain.policies import policy_from_estimator
from udrl_explain.runs import find_runs, load_run, run_directory, save_run, store_sweep
from udrl_explain.runs.policy_files import save_policy

INFOS = [{"metric": 0.5}, {"metric": 1.0}]


@pytest.fixture
def folder(tmp_path):
    run = tiny_run(tmp_path / "data")
    save_run(run, INFOS)
    return run.directory


def refused(folder, message, kind=ValueError):
    with pytest.raises(kind, match=message) as fault:
        load_run(folder)
    return str(fault.value)


def test_a_run_comes_back_as_it_was(tmp_path):
    run = tiny_run(tmp_path)
    save_run(run, INFOS)
    loaded = load_run(run.directory)
    for field in dataclasses.fields(run):
        mine, theirs = getattr(run, field.name), getattr(loaded, field.name)
        if isinstance(mine, np.ndarray):
            np.testing.assert_array_equal(theirs, mine)
        elif isinstance(mine, pd.DataFrame):
            pd.testing.assert_frame_equal(theirs, mine)
        elif field.name not in ("policy", "episodes"):
            assert theirs == mine
    for mine, theirs in zip(run.episodes, loaded.episodes, strict=True):
        np.testing.assert_array_equal(theirs.inputs, mine.inputs)
        np.testing.assert_array_equal(theirs.rewards, mine.rewards)
        assert theirs.seed == mine.seed
    assert json.loads((run.directory / "learning_infos.json").read_text()) == INFOS
    assert (loaded.experiment, loaded.n_final) == ("tiny", 3)
    assert "final return" in repr(loaded)


def test_tables_come_back_to_the_last_bit(folder):
    """The bug: pandas reads decimal numbers a last bit off unless it is told not to."""
    loaded = load_run(folder)
    assert loaded.training_commands["desired_return"].tolist() == [10.1, 1 / 3, 12.0, 1e-9]
    assert loaded.command_sweep["achieved_return"].tolist() == [1.1, 2.2, 3.3, 0.1 + 0.2]
    values = np.random.default_rng(0).normal(size=2000)
    frame = pd.DataFrame(
        {
            "desired_return": values,
            "desired_horizon": 2.0,
            "environment_seed": 1,
            "achieved_return": values,
            "length": 1,
        }
    )
    store_sweep(loaded, frame, grid=False)
    np.testing.assert_array_equal(load_run(folder).command_sweep["desired_return"], values)


def test_whole_numbers_of_the_training_commands_are_short_and_come_back_as_floats(tmp_path):
    run = tiny_run(tmp_path)
    commands = run.training_commands.assign(
        desired_horizon=[5.0, 2.0**60, 3.0, 2.0], achieved_return=[24.0, 1.0, -7.0, 0.0]
    )
    save_run(dataclasses.replace(run, training_commands=commands), INFOS)
    lines = (run.directory / "training_commands.csv").read_text().splitlines()
    assert [line.split(",")[2:4] for line in lines[1:3]] == [["5.0", "24"], [str(2.0**60), "1"]]
    pd.testing.assert_frame_equal(load_run(run.directory).training_commands, commands)


def test_the_same_run_is_stored_as_the_same_bytes(tmp_path):
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        save_run(tiny_run(folder), INFOS)
    first, second = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in folders
    )
    assert first == second


def test_saving_does_not_replace_unless_asked(folder):
    run = load_run(folder)
    with pytest.raises(FileExistsError, match="exists; give --overwrite"):
        save_run(run, INFOS)
    save_run(run, [], overwrite=True)
    assert json.loads((folder / "learning_infos.json").read_text()) == []


def test_the_place_of_a_run_is_environment_experiment_seed(tmp_path):
    config = TrainConfig(env_name="worlds:Walk-v0", seed=3, epsilon=0.5)
    assert run_directory(config, tmp_path) == tmp_path / "worlds-Walk-v0" / "epsilon-0.5" / "3"
    assert run_directory(config, tmp_path, "../mine") == tmp_path / "worlds-Walk-v0" / "mine" / "3"


def test_runs_are_found_sorted_and_without_hidden_folders(tmp_path):
    for seed in (10, 9, 2):
        save_run(tiny_run(tmp_path, seed=seed), INFOS)
    shutil.copytree(tmp_path / "CartPole-v0" / "tiny" / "2", tmp_path / "CartPole-v0" / "tiny" / ".2.abcd.partial")
    expected = [tmp_path / "CartPole-v0" / "tiny" / name for name in ("10", "2", "9")]
    assert find_runs(tmp_path) == sorted(expected)
    assert find_runs(str(expected[0])) == [expected[0]]


def test_where_there_is_no_run_the_message_says_so(tmp_path, folder):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        find_runs(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"holds no run \(a folder with conf.json\)"):
        find_runs(tmp_path / "empty")
    refused(tmp_path / "nowhere", "no such folder", FileNotFoundError)
    refused(tmp_path / "empty", "holds no run", FileNotFoundError)
    refused(folder.parent, f"is no run; 1 runs lie below it, the first is {folder}")
    refused(folder / "conf.json", "no such folder", FileNotFoundError)


def test_loading_imports_nothing_that_the_folder_names(tmp_path, monkeypatch):
    (tmp_path / "evil_worlds.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    run = tiny_run(tmp_path, env_name="evil_worlds:Env-v0")
    save_run(run, INFOS)
    before = set(sys.modules)
    assert load_run(run.directory).config.env_name == "evil_worlds:Env-v0"
    assert "evil_worlds" not in sys.modules
    assert not {name for name in set(sys.modules) - before if not name.startswith(("sklearn", "udrl_explain"))}


def test_loading_a_forest_makes_no_environment(folder, monkeypatch):
    monkeypatch.setattr("gymnasium.make", lambda *_, **__: pytest.fail("made an environment"))
    assert load_run(folder).policy.n_features == 6


CONF_FAULTS = {
    "cut short": (lambda text: text[: len(text) // 2], "not readable as JSON"),
    "empty": (lambda text: "", "not readable as JSON"),
    "a list": (lambda text: "[1, 2]", "must hold the settings by name"),
    "a number": (lambda text: "3", "must hold the settings by name"),
    "no JSON": (lambda text: "seed: 3", "not readable as JSON"),
    "deeply nested": (lambda text: "[" * 100_000, "not readable as JSON"),
    "not UTF-8": (lambda text: b"\xff\xfe", "not readable as JSON"),
}
CONF_CHANGES = {
    "no seed": ({"seed": ...}, "setting 'seed' is missing"),
    "no names": ({"feature_names": ...}, "'feature_names' is missing"),
    "no versions": ({"versions": ...}, "'versions' is missing"),
    "an unknown setting": ({"learning_rate": 3}, "unknown setting 'learning_rate'"),
    "a negative size": ({"memory_size": -1}, "memory_size must be at least 1, got -1"),
    "a text for a number": ({"seed": "42"}, "seed must be a whole number, got '42'"),
    "not a number": ({"return_scale": float("nan")}, "return_scale must be a finite number, got nan"),
    "a number without end": ({"return_scale": 10**400}, "return_scale must be a finite number"),
    "a mean that is none": ({"test_mean": float("inf")}, "test_mean must be a finite number or null, got inf"),
    "a mean without end": ({"test_mean": 10**400}, "test_mean must be a finite number or null"),
    "a mean in words": ({"test_mean": "high"}, "test_mean must be a finite number or null, got 'high'"),
    "a spread in words": ({"test_std": True}, "test_std must be a finite number or null, got True"),
    "names in one text": ({"action_names": "left right"}, "must be lists of at least two texts"),
    "names that are numbers": ({"action_names": [1, 2]}, "must be lists of at least two texts"),
    "a name twice": ({"action_names": ["left", "left"]}, "a name stands twice"),
    "commands in front": (
        {"feature_names": ["desired_return", "desired_horizon", "a", "b", "c", "d"]},
        "feature_names must end with",
    ),
    "too few inputs": (
        {"feature_names": ["a", "desired_return", "desired_horizon"]},
        "a policy for CartPole-v0 takes 6 inputs, this run names 3",
    ),
    "versions in one text": ({"versions": "1.0"}, "versions must map packages to text"),
    "versions as numbers": ({"versions": {"numpy": 2}}, "versions must map packages to text"),
}


@pytest.mark.parametrize("case", CONF_FAULTS)
def test_a_conf_json_that_is_damaged_is_refused_by_name(folder, case):
    change, message = CONF_FAULTS[case]
    path = folder / "conf.json"
    changed = change(path.read_text())
    path.write_bytes(changed if isinstance(changed, bytes) else changed.encode())
    assert str(path) in refused(folder, message)


@pytest.mark.parametrize("case", CONF_CHANGES)
def test_a_conf_json_that_is_wrong_is_refused_by_name(folder, case):
    changes, message = CONF_CHANGES[case]
    path = folder / "conf.json"
    values = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({name: value for name, value in values.items() if value is not ...}))
    assert str(path) in refused(folder, message)


def test_a_folder_instead_of_a_file_is_refused_by_name(folder):
    """The bug: a folder called conf.json or train_rewards.npy came out as an error of the system."""
    for name in ("train_rewards.npy", "policy.npz", "command_sweep.csv", "conf.json"):
        whole = (folder / name).read_bytes()
        (folder / name).unlink()
        (folder / name).mkdir()
        assert name in refused(folder, name, (ValueError, FileNotFoundError))
        (folder / name).rmdir()
        (folder / name).write_bytes(whole)
    load_run(folder)


@pytest.mark.parametrize(
    "name",
    [
        "policy.npz", "train_rewards.npy", "test_rewards.npy", "training_commands.csv", "training_rows.npz",
        "episodes.npz", "command_sweep.csv",
    ],
)  # fmt: skip
def test_a_file_that_is_missing_or_cut_short_is_refused_by_name(folder, name):
    path = folder / name
    whole = path.read_bytes()
    for share in (0, 0.3, 0.9):
        path.write_bytes(whole[: int(share * len(whole))])
        if name.endswith(".csv") and share:
            continue  # fewer lines are a shorter table
        assert name in refused(folder, name)
    path.unlink()
    refused(folder, "policy.npz" if name == "policy.npz" else f"{name}: file not found", FileNotFoundError)


def test_a_table_cut_within_a_line_is_refused(folder):
    path = folder / "training_commands.csv"
    path.write_text(path.read_text()[:-4])
    refused(folder, r"training_commands\.csv: ")


def write_npz(path, **changes):
    with np.load(path) as stored:
        arrays = dict(stored) | changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})


ARRAY_FAULTS = {
    "rows without actions": ("training_rows.npz", {"actions": None}, "array 'actions' is missing"),
    "rows with extras": ("training_rows.npz", {"code": np.zeros(2)}, "array 'code' is unknown"),
    "rows of objects": ("training_rows.npz", {"inputs": np.array([[{}]])}, "not a readable archive"),
    "rows of text": ("training_rows.npz", {"inputs": np.array([["a"]])}, "must hold numbers"),
    "rows that are not finite": ("training_rows.npz", {"inputs": np.full((40, 6), np.nan)}, "must be finite"),
    "rows too narrow": ("training_rows.npz", {"inputs": np.zeros((40, 5))}, r"of shape \(40, 6\), got \(40, 5\)"),
    "rows too few": ("training_rows.npz", {"inputs": np.zeros((39, 6))}, r"of shape \(40, 6\)"),
    "actions too high": ("training_rows.npz", {"actions": np.full(40, 2)}, r"'actions' must lie in 0\.\.1"),
    "actions below 0": ("training_rows.npz", {"actions": np.full(40, -1)}, r"'actions' must lie in 0\.\.1"),
    "actions between": ("training_rows.npz", {"actions": np.full(40, 0.5)}, "'actions' must hold whole numbers"),
    "rewards too few": ("episodes.npz", {"rewards": np.zeros(3)}, "one finite number per action"),
    "rewards without end": ("episodes.npz", {"rewards": np.full(12, np.inf)}, "one finite number per action"),
    "unkept without end": ("episodes.npz", {"unkept_returns": np.array([np.inf])}, "'unkept_returns' must hold finite"),
    "offsets that fall": ("episodes.npz", {"offsets": np.array([0, 8, 4, 12])}, "'offsets' must ascend"),
    "offsets beyond": ("episodes.npz", {"offsets": np.array([0, 4, 8, 99])}, "'offsets' must ascend from 0 to 12"),
    "offsets that start late": ("episodes.npz", {"offsets": np.array([1, 4, 8, 12])}, "'offsets' must ascend"),
    "an empty episode": ("episodes.npz", {"offsets": np.array([0, 4, 4, 12])}, "'offsets' must ascend"),
    "no offsets": ("episodes.npz", {"offsets": np.array([], dtype=int)}, "'offsets' must ascend"),
    "too many seeds": ("episodes.npz", {"seeds": np.arange(4)}, "one step more than 'seeds'"),
    "seeds as objects": ("episodes.npz", {"seeds": np.array([{}, {}, {}])}, "not a readable archive"),
}


@pytest.mark.parametrize("case", ARRAY_FAULTS)
def test_arrays_that_do_not_fit_are_refused_by_name(folder, case):
    name, changes, message = ARRAY_FAULTS[case]
    write_npz(folder / name, **changes)
    assert name in refused(folder, message)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(3),
        np.zeros((2, 3)),
        np.full((2, 2), np.nan),
        np.array([["a", "b"]]),
        np.array([[{}, {}]], dtype=object),
    ],
)
@pytest.mark.parametrize("name", ["train_rewards.npy", "test_rewards.npy"])
def test_returns_are_finite_pairs(folder, name, array):
    np.save(folder / name, array, allow_pickle=True)
    assert name in refused(folder, "must hold finite numbers|not a readable array of numbers")


@pytest.mark.parametrize("name", ["training_commands.csv", "command_sweep.csv"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("desired_return", "desired_reward"), "columns must be"),
        (lambda text: text.replace("9,", "nine,").replace(",1\n", ",one\n"), "must hold finite numbers"),
        (lambda text: text.replace("12.5", "inf").replace("7.0", "inf"), "must hold finite numbers"),
        (lambda text: text.replace("12.5", "").replace("7.0", ""), "must hold finite numbers"),
        (lambda text: "\x00" * 50, "columns must be|not a CSV"),
        (lambda text: "", "not a CSV"),
    ],
)
def test_tables_hold_finite_numbers_under_their_names(folder, name, change, message):
    path = folder / name
    path.write_text(change(path.read_text()))
    assert name in refused(folder, message)


def test_a_policy_for_other_inputs_is_refused(folder):
    inputs = np.random.default_rng(0).normal(size=(20, 7))
    estimator = DecisionTreeClassifier().fit(inputs, (inputs[:, 0] > 0).astype(int))
    save_policy(policy_from_estimator(estimator, 2, 0.02, 0.02), folder)
    refused(folder, "the policy takes 7 inputs, its environment has 6")


def test_a_run_whose_result_is_missing_is_refused(folder):
    """The bug: with `test_mean` taken out, a run that was tested loaded as one that was not."""
    path = folder / "conf.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps(values | {"test_mean": None, "test_std": None}))
    refused(folder, "conf.json: test_mean and test_std must be numbers where final_testing is true")
    path.write_text(json.dumps(values | {"final_testing": False}))
    refused(folder, "conf.json: test_mean and test_std must be null where final_testing is false")
    path.write_text(json.dumps(values | {"test_mean": values["test_mean"] + 1}))
    refused(folder, "test_mean .* is not the mean return of the final episodes")


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize(
    "name", ["train_rewards.npy", "episodes.npz", "training_rows.npz", "policy.npz", "policy.skops"]
)
def test_no_pickle_is_ever_run(tmp_path, folder, name):
    exploded = tmp_path / "exploded"
    if name == "policy.skops":
        (folder / "policy.npz").unlink()
    (folder / name).write_bytes(pickle.dumps(Bomb(exploded)))
    refused(folder, name)
    if name.endswith(".npy"):
        np.save(folder / name, np.array([Bomb(exploded)], dtype=object), allow_pickle=True)
        refused(folder, name)
    assert not exploded.exists()


def test_flipped_bytes_are_refused_or_harmless(folder):
    """The bug: a damaged header of an array failed in numpy's parser with an error that nobody caught."""
    generator = np.random.default_rng(0)
    n_refused = 0
    for path in sorted(folder.iterdir()):
        whole = path.read_bytes()
        for where in generator.integers(len(whole), size=25):
            path.write_bytes(
                whole[:where] + bytes([whole[where] ^ int(generator.integers(1, 256))]) + whole[where + 1 :]
            )
            try:
                load_run(folder)
            except (ValueError, FileNotFoundError) as fault:
                n_refused += 1
                assert str(folder) in str(fault), str(fault)  # noqa: PT017 - most flips, not all, are refused
        path.write_bytes(whole)
    assert n_refused > 60
    load_run(folder)


def test_a_grid_is_stored_beside_the_sweep(folder):
    run = load_run(folder)
    assert run.command_grid is None
    path = store_sweep(run, run.command_sweep.iloc[:2], grid=True)
    assert path == folder / "command_grid.csv"
    again = load_run(folder)
    pd.testing.assert_frame_equal(again.command_grid, run.command_sweep.iloc[:2])
    pd.testing.assert_frame_equal(again.command_sweep, run.command_sweep)
    assert not [name for name in everything(folder) if "partial" in name]
