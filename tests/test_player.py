import json
import os
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from environment_helpers import small_worlds  # noqa: F401 - fixture
from player_helpers import answers_of, data_of, numbers_of
from report_helpers import modules_after_help, run_module

from udrl_explain import load_run, policy_from_estimator, train_policy
from udrl_explain.command_line import run_main
from udrl_explain.command_space.support import fitted_commands
from udrl_explain.player.__main__ import PROG, main
from udrl_explain.player.build import build_players
from udrl_explain.player.options import PlayerOptions
from udrl_explain.player.simulated import is_simulated, kind_of, start_states

DATA = Path(__file__).parents[1] / "data"


def command(monkeypatch, capsys, *arguments):
    """What the command line does: status, standard output, standard error."""
    monkeypatch.setattr(sys, "argv", ["player", *map(str, arguments)])
    status = run_main(PROG, main)
    return status, *capsys.readouterr()


@pytest.fixture(scope="module")
def pages(tiny_place, tmp_path_factory):
    """The player of the tiny runs, made by a process of its own and by this one."""
    folder = tmp_path_factory.mktemp("player")
    done = run_module("udrl_explain", "player", "data", "--output", folder, folder=tiny_place)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(folder / "CartPole-v0/player.html")]
    first = (folder / "CartPole-v0/player.html").read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tiny_place)
        build_players(PlayerOptions((Path("data"),), output=folder))
    return first, (folder / "CartPole-v0/player.html").read_bytes()


def test_a_second_run_writes_the_same_bytes(pages):
    assert pages[0] == pages[1]


def test_the_page_holds_one_run_of_each_experiment_and_what_it_needs(pages, tiny_place):
    data = data_of(pages[0].decode())
    assert [run["folder"] for run in data["runs"]] == ["CartPole-v0/net/1", "CartPole-v0/trees/1"]
    assert data["simulated"]
    assert data["environment"]["kind"] == "CartPole"
    assert data["environment"]["most_steps"] == 200
    assert data["environment"]["return_bounds"] == [1.0, 200.0]
    assert [f["symbol"] for f in data["environment"]["features"]][:2] == ["x", "ẋ"]
    assert data["starts"]["seeds"] == list(range(100))
    np.testing.assert_array_equal(numbers_of(data["starts"]["states"]), start_states("CartPole-v0", range(100)))
    assert data["made_by"]["command"] == "python -m udrl_explain.player data"
    for entry in data["runs"]:
        run = load_run(tiny_place / "data" / entry["folder"])
        rows, probabilities = (numbers_of(entry["check"][part]) for part in ("rows", "probabilities"))
        assert probabilities.tobytes() == run.policy.action_probabilities(rows).tobytes()
        few = slice(None, None, 7)
        np.testing.assert_allclose(answers_of(entry, rows[few]), probabilities[few], rtol=0, atol=1e-12)
        support = fitted_commands(run.training_inputs)
        seen = entry["seen"]
        assert numbers_of(seen["commands"]).tobytes() == support.commands.tobytes()
        assert numbers_of(seen["counts"]).tolist() == support.counts.tolist()
        assert (tuple(seen["spread"]), seen["n_needed"]) == (support.spread, support.n_needed)
        known = {row.tobytes() for row in run.training_inputs}
        assert all(row.tobytes() in known for row in numbers_of(entry["background"]))
        assert entry["final_return"] == {"mean": run.final_mean, "std": run.final_std, "n": 3}
        assert entry["command"]["desired_return"] == run.config.final_desired_return
        assert entry["most_return"] is None  # the paper's recipe sets no limit
        low, high = entry["command_range"]["return"]
        assert low <= entry["command"]["desired_return"] <= high
        assert entry["recorded"] == []


def test_no_path_of_this_machine_is_in_the_page(pages, tiny_place):
    assert str(tiny_place).encode() not in pages[0]


def test_the_shipped_runs_of_cartpole_fit_a_megabyte_and_a_half(tmp_path):
    (path,), left_out = build_players(PlayerOptions((DATA / "CartPole-v0",), output=tmp_path))
    data = data_of(path.read_text(encoding="utf-8"))
    assert path.stat().st_size < 1_500_000
    assert left_out == []
    assert len(data["runs"]) == 3
    for entry in data["runs"]:
        rows, probabilities = (numbers_of(entry["check"][part])[::50] for part in ("rows", "probabilities"))
        np.testing.assert_allclose(answers_of(entry, rows), probabilities, rtol=0, atol=1e-12)


def test_runs_that_are_named_are_all_held(tiny_place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tiny_place)
    runs = [f"data/CartPole-v0/{name}" for name in ("trees/2", "trees/1", "net/1")]
    status, out, err = command(monkeypatch, capsys, *runs, "--output", tmp_path / "x.html", "--most-runs", 1)
    assert (status, out.split()) == (0, [str(tmp_path / "x.html")])
    assert "x.html (0." in err
    data = data_of((tmp_path / "x.html").read_text(encoding="utf-8"))
    labels = ["random forest, seed 2", "random forest, seed 1", "neural net, seed 1"]
    assert [run["label"] for run in data["runs"]] == labels
    assert data["left_out"] == []


def test_runs_beyond_the_most_are_left_out_by_name(tiny_place, tmp_path, monkeypatch, capsys):
    folder = tiny_place / "data/CartPole-v0"
    status, _, err = command(
        monkeypatch, capsys, folder, "--output", tmp_path, "--runs-per-experiment", 2, "--most-runs", 2
    )
    assert status == 0
    assert re.search(r"left out .*trees/2: random forest, seed 2: the page holds at most 2 runs", err)
    (left,) = data_of((tmp_path / "CartPole-v0/player.html").read_text(encoding="utf-8"))["left_out"]
    assert left["folder"] == "CartPole-v0/trees/2"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere: no such folder"),
        (["."], "holds no run"),
        ([], "runs must name at least one"),
        (["data", "--background", "0"], "background must be at least 1, got 0"),
        (["data", "--seed", "-1"], "seed must be at least 0, got -1"),
        (["data", "--start-seeds", "many"], "many"),
        (["data", "--gif", "episode.mp4"], "gif must name a file that ends in .gif, got episode.mp4"),
        (["data", "--gif", "episode.gif"], "gif shows one run"),
        (["data/CartPole-v0/broken/1"], "none of its 1 runs can be read"),
        (["data/CartPole-v0/empty/1"], "it has no policy"),
        (["data/CartPole-v0/empty/1", "--gif", "e.gif"], "there is no policy to watch"),
        (["data/CartPole-v0/foreign/1"], "would import the module 'evil'"),
        (["data/CartPole-v0/foreign/1", "--gif", "e.gif"], "would import the module 'evil'"),
        (["data/CartPole-v0/trees/1", "--output", "data/CartPole-v0"], "is a folder"),
    ],
)
def test_a_mistake_takes_one_line_and_writes_nothing(tiny_place, tmp_path, monkeypatch, capsys, arguments, message):
    home = tmp_path / "home"
    place = home / "data/CartPole-v0"
    shutil.copytree(tiny_place / "data/CartPole-v0/trees/1", place / "trees/1")
    for name in ("broken", "empty", "foreign"):
        shutil.copytree(place / "trees/1", place / name / "1")
    (place / "broken/1/conf.json").write_text("{")
    (place / "empty/1/policy.npz").unlink()
    for name, change in (("empty", {"save_policy": False}), ("foreign", {"env_name": "evil:CartPole-v0"})):
        settings = json.loads((place / name / "1/conf.json").read_text())
        (place / name / "1/conf.json").write_text(json.dumps(settings | change))
    monkeypatch.chdir(home)
    if "is a folder" in message:
        (home / "data/CartPole-v0/taken.html").mkdir()
        arguments = [*arguments[:-1], "data/CartPole-v0/taken.html"]
    monkeypatch.chdir(home if arguments != ["."] else _empty(tmp_path))
    before = sorted(os.walk(home))
    status, out, err = command(monkeypatch, capsys, *arguments)
    lines = [line for line in err.replace("\r", "\n").splitlines() if line.startswith(PROG)]
    assert (status, out) == (2, ""), err
    assert len(lines) == 1
    assert message in lines[0]
    assert sorted(os.walk(home)) == before


def _empty(folder):
    (folder / "empty").mkdir()
    return folder / "empty"


def test_one_bad_run_does_not_cost_the_page_of_the_others(tiny_place, tmp_path, monkeypatch, capsys):
    place = tmp_path / "data/CartPole-v0"
    shutil.copytree(tiny_place / "data/CartPole-v0", place)
    (place / "net/1/policy.npz").write_bytes(b"PK\x03\x04 no archive")
    shutil.copytree(place / "trees/1", place / "<b>broken/3")
    (place / "<b>broken/3/conf.json").write_text("{")
    status, out, err = command(monkeypatch, capsys, place, "--output", tmp_path / "out")
    assert status == 0
    (page,) = map(Path, out.split())
    data = data_of(page.read_text(encoding="utf-8"))
    assert [run["folder"] for run in data["runs"]] == ["CartPole-v0/trees/1"]
    assert {left["folder"] for left in data["left_out"]} == {"CartPole-v0/net/1", "CartPole-v0/<b>broken/3"}
    assert err.count("left out") == 2


def test_a_page_that_stood_there_stays_where_the_next_one_cannot_be_made(tiny_place, tmp_path, monkeypatch, capsys):
    target = tmp_path / "CartPole-v0/player.html"
    target.parent.mkdir()
    target.write_text("old")
    empty = tmp_path / "none"
    empty.mkdir()
    assert command(monkeypatch, capsys, empty, "--output", tmp_path)[0] == 2
    assert target.read_text() == "old"
    run = tiny_place / "data/CartPole-v0/trees/1"
    assert command(monkeypatch, capsys, run, "--output", target)[0] == 0
    assert data_of(target.read_text(encoding="utf-8"))["format"] == 1
    assert [path.name for path in target.parent.iterdir()] == ["player.html"]


def test_several_environments_make_several_pages(tiny_place, tmp_path, monkeypatch, capsys):
    shutil.copytree(tiny_place / "data/CartPole-v0/trees/1", tmp_path / "data/CartPole-v0/trees/1")
    shutil.copytree(tiny_place / "data/CartPole-v0/trees/1", tmp_path / "data/CartPole-v1/trees/1")
    conf = tmp_path / "data/CartPole-v1/trees/1/conf.json"
    conf.write_text(json.dumps(json.loads(conf.read_text()) | {"env_name": "CartPole-v1"}))
    status, out, _ = command(monkeypatch, capsys, tmp_path / "data", "--output", tmp_path / "out")
    assert status == 0
    assert out.split() == [str(tmp_path / f"out/CartPole-v{n}/player.html") for n in (0, 1)]
    status, _, err = command(monkeypatch, capsys, tmp_path / "data", "--output", tmp_path / "one.html")
    assert status == 2
    assert "output must be a folder where there are several environments (CartPole-v0, CartPole-v1)" in err


def walking_run(small_place, **changes):
    """A run in an environment that nobody simulates."""
    from report_helpers import tiny_training

    config = tiny_training("ensemble.RandomForestClassifier", 1, env_name="Walk-v0", **changes)
    return train_policy(config, small_place, experiment="trees")


def test_what_is_not_simulated_is_recorded(small_worlds, tmp_path):  # noqa: F811
    run = walking_run(tmp_path)
    options = PlayerOptions((run.directory,), output=tmp_path, returns=3, horizons=2, recorded_seeds=2)
    (path,), _ = build_players(options)
    data = data_of(path.read_text(encoding="utf-8"))
    assert not data["simulated"]
    assert data["starts"] is None
    assert data["environment"]["kind"] == "other"
    assert data["environment"]["most_steps"] == 12
    assert data["environment"]["return_bounds"] == [None, None]
    (entry,) = data["runs"]
    recorded = entry["recorded"]
    asked = {tuple(episode["command"].values()) for episode in recorded}
    assert tuple(entry["command"].values()) in asked
    assert len(recorded) == 2 * len(asked)
    assert {episode["seed"] for episode in recorded} == {0, 1}
    for episode in recorded:
        observations, actions, rewards = (numbers_of(episode[part]) for part in ("observations", "actions", "rewards"))
        command = list(episode["command"].values())
        assert len(observations) == len(actions) == len(rewards) <= 12
        assert episode["total_return"] == rewards.sum()
        for state, action, reward in zip(observations, actions, rewards, strict=True):
            row = np.array([[*state.astype(float), *command]])
            assert action == run.policy.action_probabilities(row)[0].argmax()
            command = [command[0] - float(reward), max(command[1] - 1.0, 1.0)]


def test_where_the_environment_is_gone_the_final_episodes_are_shown(small_worlds, tmp_path):  # noqa: F811
    import gymnasium as gym

    run = walking_run(tmp_path)
    spec = gym.registry.pop("Walk-v0")
    try:
        (path,), _ = build_players(PlayerOptions((run.directory,), output=tmp_path))
    finally:
        gym.registry["Walk-v0"] = spec
    data = data_of(path.read_text(encoding="utf-8"))
    assert "could not be made" in data["recorded_words"]
    assert [e["seed"] for e in data["runs"][0]["recorded"]] == [e.seed for e in run.episodes]


def test_a_run_without_an_evaluation_starts_with_the_best_return_that_was_seen(small_worlds, tmp_path):  # noqa: F811
    run = walking_run(tmp_path, final_testing=False)
    (path,), _ = build_players(PlayerOptions((run.directory,), output=tmp_path))
    (entry,) = data_of(path.read_text(encoding="utf-8"))["runs"]
    assert entry["final_return"] is None
    seen = fitted_commands(run.training_inputs).seen_commands
    if run.config.final_desired_return is None:
        assert entry["command"]["desired_return"] == seen[:, 0].max()


def test_only_unchanged_environments_are_simulated():
    names = ("CartPole-v0", "CartPole-v1", "Acrobot-v1", "MountainCar-v0", "LunarLander-v3", "Other-v0")
    assert [is_simulated(name) for name in names] == [True] * 4 + [False] * 2
    assert [kind_of(name, n) for name, n in zip(names, (6, 6, 8, 4, 10, 6), strict=True)] == [
        "CartPole", "CartPole", "Acrobot", "MountainCar", "LunarLander", "other",
    ]  # fmt: skip
    assert kind_of("CartPole-v7", 9) == kind_of("evil:CartPole-v0", 6) == "other"
    with pytest.raises(ValueError, match="env_name must be one of CartPole-v0"):
        start_states("LunarLander-v3", [0])


@pytest.mark.parametrize(("name", "n"), [("CartPole-v1", 4), ("Acrobot-v1", 4), ("MountainCar-v0", 2)])
def test_starts_are_those_of_gymnasium(name, n):
    import gymnasium as gym

    states = start_states(name, [5, 6])
    assert states.shape == (2, n)
    environment = gym.make(name)
    for seed, state in zip((5, 6), states, strict=True):
        observation, _ = environment.reset(seed=seed)
        shown = [np.cos(state[0]), np.sin(state[0]), np.cos(state[1]), np.sin(state[1]), *state[2:]]
        np.testing.assert_allclose(observation, shown if name == "Acrobot-v1" else state, rtol=1e-6)
    environment.close()


def test_help_waits_for_nothing_heavy(tmp_path):
    assert not modules_after_help("udrl_explain.player", tmp_path) & {"numpy", "pandas", "gymnasium", "matplotlib"}


def test_a_notebook_shows_the_page_of_a_run(tiny_place, tmp_path):
    from html import unescape

    run = load_run(tiny_place / "data/CartPole-v0/net/1")
    view = run.player(height=700, start_seeds=5)
    (shown,) = re.findall(r'^<iframe srcdoc="([^"]*)" ', view._repr_html_())
    assert unescape(shown) == view.html
    assert 'height="700"' in view._repr_html_()
    assert 'sandbox="allow-scripts allow-downloads"' in view._repr_html_()
    data = data_of(view.html)
    assert data["starts"]["seeds"] == [0, 1, 2, 3, 4]
    assert [entry["label"] for entry in data["runs"]] == ["neural net"]
    assert view.save(tmp_path / "p.html").read_text(encoding="utf-8") == view.html
    assert "MB" in repr(view)


def test_a_run_that_cannot_be_played_says_so(tiny_place):
    run = load_run(tiny_place / "data/CartPole-v0/net/1")
    with pytest.raises(ValueError, match="it has no policy: gone"):
        replace(run, policy=None, policy_note="gone").player()
    with pytest.raises(ValueError, match="background must be at least 1"):
        run.player(background=0)
    with pytest.raises(ValueError, match="height must be at least 1"):
        run.player(height=0)
    with pytest.raises(ValueError, match="no training rows"):
        replace(run, training_inputs=run.training_inputs[:0]).player()
    from sklearn.dummy import DummyClassifier

    stranger = policy_from_estimator(DummyClassifier().fit(np.zeros((2, 5)), [0, 1]), 2)
    with pytest.raises(ValueError, match="DummyClassifier has no form as arrays"):
        replace(run, policy=stranger).player()
