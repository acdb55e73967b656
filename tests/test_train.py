import dataclasses
import json
import math
import random

import numpy as np
import pandas as pd
import pytest
from core_helpers import everything, scaled
from environment_helpers import outside_package, small_worlds  # noqa: F401 - fixtures
from sklearn.ensemble import RandomForestClassifier

from udrl_explain.commands import Command
from udrl_explain.config import TrainConfig
from udrl_explain.policies import EstimatorPolicy, ForestPolicy, NeuralPolicy
from udrl_explain.rollouts.streams import streams
from udrl_explain.runs import load_run
from udrl_explain.training.loop import train_policy

SMALL = {
    "recipe": "paper",
    "max_episode": 3,
    "collect_episode": 4,
    "warm_up": 12,
    "testing_period": 2,
    "final_testing_sample": 3,
    "last_few": 5,
}
FILES = [
    "command_sweep.csv", "conf.json", "episodes.npz", "learning_infos.json", "policy.npz", "test_rewards.npy",
    "train_rewards.npy", "training_commands.csv", "training_rows.npz",
]  # fmt: skip


def small(**changes):
    return TrainConfig(**(SMALL | changes))


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train_policy(small(seed=5), tmp_path_factory.mktemp("runs"), experiment="small")


def test_a_run_has_its_place_and_every_file(run):
    assert run.directory.parts[-3:] == ("CartPole-v0", "small", "5")
    assert everything(run.directory) == FILES
    assert everything(run.directory.parent) == ["5", *(f"5/{name}" for name in FILES)]


def test_what_training_returns_is_what_loading_returns(run):
    loaded = load_run(run.directory)
    for field in dataclasses.fields(run):
        mine, theirs = getattr(run, field.name), getattr(loaded, field.name)
        if field.name == "policy":
            np.testing.assert_array_equal(
                mine.action_probabilities(run.training_inputs), theirs.action_probabilities(run.training_inputs)
            )
        elif field.name == "episodes":
            assert len(mine) == len(theirs)
            for one, other in zip(mine, theirs, strict=True):
                np.testing.assert_array_equal(one.inputs, other.inputs)
                np.testing.assert_array_equal(one.actions, other.actions)
                np.testing.assert_array_equal(one.rewards, other.rewards)
                assert one.seed == other.seed
        elif isinstance(mine, pd.DataFrame):
            pd.testing.assert_frame_equal(mine, theirs)
        elif isinstance(mine, np.ndarray):
            np.testing.assert_array_equal(mine, theirs)
            assert mine.dtype == theirs.dtype
        else:
            assert mine == theirs, field.name
    assert loaded.final_returns.mean() == loaded.final_mean


def test_the_same_command_twice_gives_the_same_bytes(run, tmp_path):
    again = train_policy(small(seed=5), tmp_path, experiment="small")
    assert contents(again.directory) == contents(run.directory)


def test_another_seed_gives_another_run(run, tmp_path):
    other = contents(train_policy(small(seed=6), tmp_path, experiment="small").directory)
    same = [name for name, content in contents(run.directory).items() if other[name] == content]
    assert set(same) <= {"learning_infos.json"}  # every fit may be perfect


def test_a_progress_bar_changes_nothing_but_the_screen(run, tmp_path, capsys):
    again = train_policy(small(seed=5), tmp_path, experiment="small", progress=True)
    assert contents(again.directory) == contents(run.directory)
    shown = capsys.readouterr()
    assert "mean return" in shown.err
    assert "last test" in shown.err
    assert shown.out == ""


def test_global_random_state_is_left_alone(tmp_path):
    np.random.seed(1)  # noqa: NPY002 - the global state is what is watched
    random.seed(1)
    before = np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    train_policy(small(max_episode=1), tmp_path)
    np.testing.assert_array_equal(np.random.get_state()[1], before[0])  # noqa: NPY002
    assert random.getstate() == before[1]


def test_conf_json_holds_every_setting_resolved(run):
    values = json.loads((run.directory / "conf.json").read_text())
    settings = {field.name for field in dataclasses.fields(TrainConfig)}
    assert settings <= set(values)
    assert not [name for name in settings if values[name] is None]
    found = {name: values[name] for name in ("train_per_iter", "batch_size", "exploration", "final_desired_horizon")}
    assert found == {
        "train_per_iter": 1, "batch_size": 0, "exploration": "epsilon", "final_desired_horizon": 200.0,
    }  # fmt: skip
    assert (values["test_mean"], values["test_std"]) == (run.final_returns.mean(), run.final_returns.std())
    assert set(values["versions"]) == {"python", "numpy", "scikit-learn", "gymnasium", "udrl_explain"}
    assert all(values["versions"].values())


def test_returns_per_iteration_are_those_of_the_episodes(run):
    commands = run.training_commands
    assert commands["iteration"].tolist() == [i for i in (1, 2, 3) for _ in range(4)]
    grouped = commands.groupby("iteration")["achieved_return"]
    np.testing.assert_allclose(run.train_returns[:, 0], grouped.mean(), rtol=1e-15)
    np.testing.assert_allclose(run.train_returns[:, 1], grouped.std(ddof=0), rtol=1e-12, atol=1e-12)
    assert (commands["achieved_return"] == commands["length"]).all()  # CartPole pays 1 per step
    assert commands.groupby("iteration")["desired_horizon"].nunique().tolist() == [1, 1, 1]
    assert run.test_returns.shape == (1, 2)  # after iteration 2 only


def test_there_is_one_record_per_fit(run, tmp_path):
    records = json.loads((run.directory / "learning_infos.json").read_text())
    assert len(records) == 3
    assert all(set(record) >= {"metric"} and 0 <= record["metric"] <= 1 for record in records)
    assert records[-1]["metric"] == pytest.approx(
        (run.policy.action_probabilities(run.training_inputs).argmax(axis=1) == run.training_actions).mean(), abs=1e-6
    )
    more = train_policy(small(train_per_iter=2, max_episode=2), tmp_path)
    assert len(json.loads((more.directory / "learning_infos.json").read_text())) == 4


def test_the_policy_is_the_forest_of_the_last_fit_on_the_stored_rows(run):
    assert run.training_inputs.shape == (12 + 2 * 4, 6)  # one row per episode in the buffer
    seeds = streams(5).estimator.integers(1 << 31, size=3)
    expected = RandomForestClassifier(random_state=int(seeds[-1]))
    expected.fit(scaled(run.training_inputs, 0.02, 0.02), run.training_actions)
    rows = np.concatenate([episode.inputs for episode in run.episodes])
    np.testing.assert_array_equal(
        run.policy.action_probabilities(rows), expected.predict_proba(scaled(rows, 0.02, 0.02))
    )


def test_stored_rows_are_hindsight_rows(run):
    returns, horizons = run.training_inputs[:, -2], run.training_inputs[:, -1]
    np.testing.assert_array_equal(returns, horizons)  # CartPole pays 1 per step
    assert (horizons >= 1).all()
    assert (horizons == horizons.round()).all()


def test_final_episodes_follow_the_final_command_greedily(run):
    assert len(run.episodes) == run.n_final == 3
    for episode in run.episodes:
        command = Command(200.0, 200.0)
        for row, reward in zip(episode.inputs, episode.rewards, strict=True):
            assert (row[-2], row[-1]) == (command.desired_return, command.desired_horizon)
            command = command.after(reward)
        np.testing.assert_array_equal(episode.actions, run.policy.action_probabilities(episode.inputs).argmax(axis=1))
        assert episode.seed % 2 == 1


def test_the_sweep_asks_every_command_on_the_same_seeds(run):
    sweep = run.command_sweep
    assert len(sweep) == 15 * 20
    per_command = sweep.groupby(["desired_return", "desired_horizon"])["environment_seed"].agg(tuple)
    assert len(per_command) == 15
    assert per_command.nunique() == 1
    seeds = per_command.iloc[0]
    assert all(seed % 2 == 1 for seed in seeds)
    assert not set(seeds) & {episode.seed for episode in run.episodes}
    levels = np.unique(sweep["desired_return"])
    achieved = run.training_commands["achieved_return"]
    low, high = np.quantile(achieved, 0.05), achieved.max()
    np.testing.assert_allclose(levels, np.linspace(low, high + 0.25 * (high - low), 15), rtol=1e-12)
    assert (sweep["achieved_return"] == sweep["length"]).all()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ensemble.ExtraTreesClassifier", ForestPolicy),
        ("ensemble.GradientBoostingClassifier", ForestPolicy),
        ("ensemble.AdaBoostClassifier", ForestPolicy),
        ("ensemble.BaggingClassifier", ForestPolicy),
        ("ensemble.HistGradientBoostingClassifier", EstimatorPolicy),
        ("tree.DecisionTreeClassifier", ForestPolicy),
        ("neighbors.KNeighborsClassifier", EstimatorPolicy),
        ("svm.SVC", EstimatorPolicy),
        ("neural", NeuralPolicy),
    ],
)
def test_every_estimator_trains_is_stored_and_comes_back(tmp_path, name, kind):
    config = small(estimator_name=name, max_episode=2, warm_up=20, batch_size=20 if name == "neural" else None)
    run = train_policy(config, tmp_path)
    loaded = load_run(run.directory)
    assert isinstance(loaded.policy, kind)
    rows = np.concatenate([episode.inputs for episode in run.episodes])
    np.testing.assert_array_equal(loaded.policy.action_probabilities(rows), run.policy.action_probabilities(rows))
    assert loaded.directory.parent.name.startswith(f"estimator_name-{name}")
    again = train_policy(config, tmp_path / "again")
    assert contents(run.directory) == contents(again.directory)


@pytest.mark.parametrize("env_name", ["CartPole-v1", "Acrobot-v1", "LunarLander-v3", "MountainCar-v0"])
def test_elsewhere_the_final_command_is_the_last_exploratory_one(tmp_path, monkeypatch, env_name):
    """The bug: the range was taken anew after the last episodes, a command that nobody had explored with."""
    monkeypatch.setattr("udrl_explain.training.loop.SWEEP_EPISODES", 1)
    run = train_policy(
        small(env_name=env_name, max_episode=2, estimator_name="tree.DecisionTreeClassifier", warm_up=8), tmp_path
    )
    last = run.training_commands[run.training_commands["iteration"] == 2]
    assert run.config.final_desired_horizon == last["desired_horizon"].iloc[0]
    lowest, highest = last["desired_return"].min(), last["desired_return"].max()
    assert run.config.final_desired_return <= lowest
    # U(mean, mean + std) of four draws: the lower end is not far below them, unless all returns are equal.
    assert lowest - run.config.final_desired_return <= 4 * (highest - lowest) + 1e-9 or highest == lowest
    for episode in run.episodes:
        assert tuple(episode.inputs[0, -2:]) == (run.config.final_desired_return, run.config.final_desired_horizon)
    loaded = load_run(run.directory)
    pd.testing.assert_frame_equal(loaded.training_commands, run.training_commands)
    assert loaded.config == run.config


@pytest.mark.usefixtures("small_worlds")
def test_any_environment_with_flat_observations_and_discrete_actions_trains(tmp_path):
    run = train_policy(small(env_name="Shifted-v0", epsilon=1.0), tmp_path)
    assert run.feature_names[:2] == ("state_0", "state_1")
    assert run.policy.feature_names == run.feature_names
    assert run.policy.action_names == run.action_names
    assert set(run.training_actions) <= {0, 1}
    assert run.directory.parts[-3] == "Shifted-v0"
    assert load_run(run.directory).training_inputs.shape[1] == 4


def test_an_environment_of_another_package_trains(tmp_path, outside_package):  # noqa: F811
    run = train_policy(small(env_name=f"{outside_package}:OutsideWalk-v0"), tmp_path)
    assert run.directory.parts[-3] == f"{outside_package}-OutsideWalk-v0"
    assert load_run(run.directory).config.env_name == f"{outside_package}:OutsideWalk-v0"


def test_a_run_without_final_test_policy_and_infos(tmp_path):
    run = train_policy(small(final_testing=False, save_policy=False, save_learning_infos=False), tmp_path)
    missing = {"command_sweep.csv", "episodes.npz", "learning_infos.json", "policy.npz"}
    assert everything(run.directory) == sorted(set(FILES) - missing)
    loaded = load_run(run.directory)
    assert loaded.policy is None
    assert loaded.policy_note == "not stored (save_policy was false)"
    assert loaded.episodes == ()
    assert loaded.final_returns.shape == (0,)
    assert math.isnan(loaded.final_mean)
    assert loaded.n_final == 0
    assert list(loaded.command_sweep.columns) == list(run.command_sweep.columns)
    assert "not stored" in repr(loaded)


def test_an_existing_run_is_refused_before_any_training(run, monkeypatch):
    monkeypatch.setattr("udrl_explain.training.loop._train", lambda *_: pytest.fail("trained"))
    before = contents(run.directory)
    with pytest.raises(FileExistsError, match="exists; give --overwrite to replace it"):
        train_policy(small(seed=5), run.directory.parents[2], experiment="small")
    assert contents(run.directory) == before


def test_an_existing_run_is_replaced_when_asked(tmp_path):
    first = train_policy(small(), tmp_path, experiment="mine")
    (first.directory / "notes.txt").write_text("old")
    second = train_policy(small(max_episode=1), tmp_path, experiment="mine", overwrite=True)
    assert second.directory == first.directory
    assert everything(tmp_path) == sorted(
        ["CartPole-v0", "CartPole-v0/mine", "CartPole-v0/mine/42", *(f"CartPole-v0/mine/42/{name}" for name in FILES)]
    )
    assert load_run(second.directory).config.max_episode == 1


def test_a_place_that_cannot_be_written_is_refused_before_any_training(tmp_path, monkeypatch):
    """The bug: a file in the way, or a folder that is no run, was noticed after hours of training."""
    monkeypatch.setattr("udrl_explain.training.loop._train", lambda *_: pytest.fail("trained"))
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotADirectoryError, match="file is a file"):
        train_policy(small(), tmp_path / "file")
    foreign = tmp_path / "CartPole-v0" / "mine" / "42"
    foreign.mkdir(parents=True)
    (foreign / "thesis.tex").write_text("x")
    with pytest.raises(FileExistsError, match="was not written by this command"):
        train_policy(small(), tmp_path, experiment="mine", overwrite=True)
    assert everything(foreign) == ["thesis.tex"]


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("writer", ["write_npz", "write_csv", "json.dumps"])
def test_a_fault_while_storing_leaves_nothing_behind(tmp_path, monkeypatch, fault, writer):
    def fail(*_, **__):
        raise fault

    monkeypatch.setattr(f"udrl_explain.runs.saving.{writer}", fail)
    with pytest.raises(type(fault)):
        train_policy(small(max_episode=1, final_testing=False), tmp_path / "data")
    assert everything(tmp_path) == []


def test_an_interrupted_replacement_leaves_the_old_run(tmp_path, monkeypatch):
    first = train_policy(small(max_episode=1, final_testing=False), tmp_path, experiment="mine")
    before = contents(first.directory)

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("udrl_explain.runs.saving.write_csv", stop)
    with pytest.raises(KeyboardInterrupt):
        train_policy(small(final_testing=False), tmp_path, experiment="mine", overwrite=True)
    assert contents(first.directory) == before
    assert everything(first.directory.parent) == ["42", *sorted(f"42/{name}" for name in before)]
    assert load_run(first.directory).config.max_episode == 1
