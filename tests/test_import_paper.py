"""Folders of the paper's own code become ordinary runs; episodes of any policy are collected."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from paper_pickle_helpers import paper_pickle
from report_helpers import run_module
from sklearn.ensemble import ExtraTreesClassifier
from test_paper_runs import PAPER_CONF

from udrl_explain import collect, load_run
from udrl_explain.playing.import_options import ImportOptions
from udrl_explain.playing.import_paper import import_paper_run


@pytest.fixture(scope="module")
def paper_folder(tmp_path_factory):
    """A folder as the paper's trainer writes it, with a forest that pushes towards the side where the pole leans."""
    random = np.random.default_rng(0)
    rows = random.normal(size=(200, 6)) * (1, 1, 0.1, 1, 1, 1)
    rows[:, 4:] = np.abs(rows[:, 4:])
    estimator = ExtraTreesClassifier(5, max_depth=6, random_state=0).fit(
        rows, (rows[:, 2] + rows[:, 3] > 0).astype(int)
    )
    folder = tmp_path_factory.mktemp("paper") / "CartPole-v0" / "base" / "42"
    folder.mkdir(parents=True)
    conf = PAPER_CONF | {"estimator_name": "ensemble.ExtraTreesClassifier"}
    (folder / "conf.json").write_text(json.dumps(conf), encoding="utf-8")
    lengths = [12, 30, 9, 25, 40, 8]
    np.save(folder / "desired_horizons.npy", np.concatenate([np.maximum(30.5 - np.arange(n), 1) for n in lengths]))
    np.save(folder / "desired_returns.npy", np.concatenate([33.25 - np.arange(n, dtype=float) for n in lengths]))
    np.save(folder / "train_rewards.npy", np.array([[20.0, 5.0], [21.0, 4.0], [22.0, 3.0]]))
    np.save(folder / "test_rewards.npy", np.empty((0, 2)))
    (folder / "learning_infos.json").write_text("[]", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        (folder / "policy.pkl").write_bytes(paper_pickle(estimator, patch, name="ensemble.ExtraTreesClassifier"))
    return folder, estimator


@pytest.fixture(scope="module")
def imported(paper_folder, tmp_path_factory):
    folder, _ = paper_folder
    return import_paper_run(ImportOptions(folder, directory=tmp_path_factory.mktemp("data"), episodes=10))


def test_the_policy_acts_as_the_pickled_estimator_would(imported, paper_folder):
    _, estimator = paper_folder
    stored = load_run(imported.directory)
    rows = np.concatenate([episode.inputs for episode in stored.episodes])
    scaled = rows * (1, 1, 1, 1, 0.02, 0.02)
    np.testing.assert_array_equal(stored.policy.action_probabilities(rows), estimator.predict_proba(scaled))
    taken = np.concatenate([episode.actions for episode in stored.episodes])
    np.testing.assert_array_equal(taken, estimator.predict(scaled))
    assert stored.policy.feature_names[:4] == ("cart_position", "cart_velocity", "pole_angle", "pole_angular_velocity")


def test_the_run_is_whole_and_says_what_was_played_here(imported):
    stored = load_run(imported.directory)
    assert stored.directory.name == "42"
    assert len(stored.episodes) == 10
    assert all(episode.inputs[0, -2:].tolist() == [200.0, 200.0] for episode in stored.episodes)
    assert stored.final_mean == np.mean(stored.final_returns)
    assert len(stored.command_sweep) == 15 * 20
    assert stored.train_returns.tolist() == [[20.0, 5.0], [21.0, 4.0], [22.0, 3.0]]
    assert stored.training_commands["desired_return"].tolist() == [33.25] * 6
    assert stored.training_commands["achieved_return"].isna().all()
    assert "the final test gave 58.5 over 20 episodes" in stored.notes[0]
    assert f"stand {len(stored.training_inputs)} rows of 6 episodes" in stored.notes[1]
    # In CartPole every step is worth 1: what the rest of an episode fulfilled is as long as it is worth.
    np.testing.assert_array_equal(stored.training_inputs[:, -2], stored.training_inputs[:, -1])


def test_the_same_folder_gives_the_same_bytes(imported, paper_folder, tmp_path):
    again = import_paper_run(ImportOptions(paper_folder[0], directory=tmp_path, episodes=10))
    names = sorted(path.name for path in again.directory.iterdir())
    assert names == sorted(path.name for path in imported.directory.iterdir())
    for name in names:
        assert (again.directory / name).read_bytes() == (imported.directory / name).read_bytes()


@pytest.mark.slow
def test_its_report_is_complete(imported, tmp_path):
    done = run_module(
        "udrl_explain.report", imported.directory, "--formats", "png", "--output", tmp_path, folder=tmp_path
    )
    assert done.returncode == 0, done.stderr
    (page,) = tmp_path.glob("*/report.html")
    text = page.read_text(encoding="utf-8")
    for anchor in ("obedience", "shapley", "command-map", "paths", "timeline"):
        assert f'id="{anchor}"' in text


def test_as_a_user_runs_it_and_hostile_folders_are_one_line(paper_folder, tmp_path):
    folder, _ = paper_folder
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    done = run_module("udrl_explain.import_paper", copy, "--directory", "data", "--episodes", 2, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert load_run(tmp_path / done.stdout.split()[0]).policy is not None
    (copy / "policy.pkl").write_bytes(b"\x80\x04cposix\nsystem\n\x8c\x0btouch owned\x85R.")
    done = run_module(
        "udrl_explain.import_paper", copy, "--directory", "data", "--overwrite", folder=tmp_path
    )  # fmt: skip
    assert done.returncode == 2
    assert (
        done.stderr.strip()
        .splitlines()[-1]
        .endswith("policy.pkl: offset 2: the name 'posix.system' has no place in such a file; nothing of it was run")
    )
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("name", ["policy.pth", "policy.pt"])
def test_a_net_is_refused_with_the_reason(name, paper_folder, tmp_path):
    shutil.copytree(paper_folder[0], tmp_path / "net")
    (tmp_path / "net" / "policy.pkl").rename(tmp_path / "net" / name)
    with pytest.raises(ValueError, match="holds a net, which is not read: the paper's net multiplies"):
        import_paper_run(ImportOptions(tmp_path / "net", directory=tmp_path / "data"))


def test_what_is_no_folder_of_the_paper_is_refused(imported, tmp_path):
    with pytest.raises(ValueError, match="is no folder of the paper's own code"):
        import_paper_run(ImportOptions(imported.directory, directory=tmp_path))
    with pytest.raises(FileNotFoundError, match="no such folder"):
        import_paper_run(ImportOptions(tmp_path / "nowhere"))


def test_a_run_that_is_there_is_kept(imported, paper_folder):
    directory = imported.directory.parents[2]
    with pytest.raises(FileExistsError):
        import_paper_run(ImportOptions(paper_folder[0], directory=directory))


def test_without_stored_commands_those_played_here_stand_in_their_place(paper_folder, tmp_path):
    shutil.copytree(paper_folder[0], tmp_path / "bare")
    for name in ("desired_returns.npy", "desired_horizons.npy"):
        (tmp_path / "bare" / name).unlink()
    run = import_paper_run(ImportOptions(tmp_path / "bare", directory=tmp_path / "data", episodes=2))
    assert "No training commands were stored there" in run.notes[2]
    assert isinstance(load_run(run.directory).training_commands, pd.DataFrame)
    assert (run.training_commands["desired_return"] == 200).all()


def test_collected_episodes_are_greedy_and_repeat(imported):
    first = collect(imported.policy, "CartPole-v0", (60.0, 50.0), [3, 5])
    again = collect(imported.policy, "CartPole-v0", [(60.0, 50.0), (60.0, 50.0)], [3, 5])
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.inputs, other.inputs)
        greedy = imported.policy.action_probabilities(one.inputs).argmax(axis=1)
        np.testing.assert_array_equal(one.actions, greedy)
        np.testing.assert_array_equal(one.inputs[:, -2], 60.0 - np.arange(len(one)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"commands": (60.0, 0.0)}, "horizons of at least 1"),
        ({"commands": [(60.0, 5.0)]}, r"shape \(2, 2\) or \(2,\)"),
        ({"seeds": [1, -2]}, "seeds must be whole numbers of at least 0"),
        ({"env_name": "Acrobot-v1"}, "Acrobot-v1 has 8 inputs, the policy has 6"),
        ({"env_name": "NoSuch-v0"}, "is no Gymnasium environment"),
        ({"policy": "a policy"}, "policy must be a policy"),
    ],
)
def test_what_cannot_be_played_is_refused(imported, change, message):
    arguments = {"policy": imported.policy, "env_name": "CartPole-v0", "commands": (60.0, 50.0), "seeds": [1, 2]}
    with pytest.raises(ValueError, match=message):
        collect(**(arguments | change))
