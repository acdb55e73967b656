"""The return owed to inputs: the game against brute force, and playing it as a user does."""

import dataclasses
import shutil
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from report_helpers import run_module, tiny_training

from udrl_explain import load_run, train_policy
from udrl_explain.analysis.performance import COALITION_COLUMNS, COLUMNS, performance
from udrl_explain.environments import Lockstep
from udrl_explain.episodes import collect_episodes
from udrl_explain.playing import performance as play
from udrl_explain.playing.performance import play_performance, players_of
from udrl_explain.playing.performance_options import PerformanceOptions
from udrl_explain.rollouts.actors import greedy
from udrl_explain.statistics.support_points import support_points

NAMES = ("x", "v", "desired_return", "desired_horizon")


def table(n_inputs=4, n_episodes=6, seed=0, masks=None):
    random = np.random.default_rng(seed)
    masks = range(1 << n_inputs) if masks is None else masks
    return pd.DataFrame(
        [
            {"coalition": mask, "environment_seed": 2 * episode + 1, "achieved_return": random.normal(), "length": 3}
            for mask in masks
            for episode in range(n_episodes)
        ]
    ).sample(frac=1.0, random_state=1)


def by_orders(worths, n_players):
    """Shapley values as the mean over all orders of what each player brings along."""
    values = np.zeros(n_players)
    orders = list(permutations(range(n_players)))
    for order in orders:
        known = 0
        for player in order:
            values[player] += worths[known | 1 << player] - worths[known]
            known |= 1 << player
    return values / len(orders)


def test_values_are_those_of_all_orders_and_add_up():
    frame = table()
    result = performance(frame, feature_names=NAMES)
    worths = frame.groupby("coalition")["achieved_return"].mean().to_numpy()
    lines = result.to_frame().set_index("feature")
    np.testing.assert_allclose(lines.loc[list(NAMES), "value"], by_orders(worths, 4), rtol=0, atol=1e-12)
    assert lines.loc[list(NAMES), "value"].sum() == pytest.approx(result.whole - result.nothing, abs=1e-12)
    pair = by_orders(worths[[0b0000, 0b0011, 0b1100, 0b1111]], 2)
    np.testing.assert_allclose(lines.loc[["state", "command"], "value"], pair, rtol=0, atol=1e-12)
    np.testing.assert_allclose(lines.loc["v", "lost_without"], worths[15] - worths[13], rtol=0, atol=1e-12)
    assert result.command_worth[0] == pytest.approx(worths[15] - worths[3], abs=1e-12)
    assert tuple(result.to_frame().columns) == COLUMNS
    assert tuple(result.coalition_frame().columns) == COALITION_COLUMNS
    assert result.coalition_frame()["known"].tolist()[5] == "x + desired_return"
    assert (lines["low"] < lines["value"]).all()
    assert (lines["value"] < lines["high"]).all()


def test_groups_are_known_by_their_coalitions():
    frame = table(masks=[0, 0b0011, 0b1100, 0b1111])
    result = performance(frame, feature_names=NAMES)
    assert result.players == ("x + v", "desired_return + desired_horizon")
    worths = frame.groupby("coalition")["achieved_return"].mean().to_numpy()
    np.testing.assert_allclose(result.to_frame()["value"], by_orders(worths, 2), rtol=0, atol=1e-12)
    assert result.command_worth[0] == pytest.approx(worths[3] - worths[1], abs=1e-12)
    mixed = performance(table(masks=[0, 1, 0b1110, 0b1111]), feature_names=NAMES)
    assert mixed.players == ("x", "v + desired_return + desired_horizon")
    assert np.isnan(mixed.command_worth).all()


def test_an_input_that_changes_nothing_is_owed_nothing():
    frame = table()
    frame["achieved_return"] = (frame["coalition"] & 2) * 5.0 + frame["environment_seed"]
    lines = performance(frame, feature_names=NAMES).to_frame().set_index("feature")
    np.testing.assert_allclose(lines.loc[list(NAMES), "value"], [0.0, 10.0, 0.0, 0.0], atol=1e-12)
    # Every episode owes "v" the same: nothing varies, so there is no interval, and the table says why.
    assert lines.loc[list(NAMES), ["low", "high"]].isna().all(axis=None)
    assert (lines.loc[list(NAMES), "interval"] == "no variation seen").all()
    varied = performance(table(), feature_names=NAMES)
    assert varied.to_frame()["interval"].str.contains("other episodes of this one policy").all()
    assert varied.coalition_frame()["interval"].str.contains("other episodes of this one policy").all()


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (table().drop(columns="length"), "'length' is missing"),
        (table().iloc[:0], "got no row"),
        (table(masks=[0, 1, 2, 3, 4, 5, 7]), "not all unions of the 3 inputs or groups"),
        (table(masks=[1, 2, 3]), "not all unions"),
        (table().iloc[1:], "same environment seeds"),
        (table().assign(achieved_return=np.nan), "finite"),
    ],
)
def test_a_frame_that_is_no_whole_game_is_refused(frame, message):
    with pytest.raises(ValueError, match=message):
        performance(frame)


@pytest.mark.parametrize(
    ("groups", "players"),
    [
        ((), [1, 2, 4, 8]),
        (("state", "command"), [3, 12]),
        (("command",), [1, 2, 12]),
        (("v,desired_return",), [1, 6, 8]),
    ],
)
def test_groups_by_name(groups, players):
    assert players_of(groups, NAMES) == players


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (("speed",), "'speed' is neither state nor command nor one of x, v"),
        (("state", "x"), "'x' stands in two groups"),
    ],
)
def test_a_group_that_does_not_fit_is_refused(groups, message):
    with pytest.raises(ValueError, match=message):
        players_of(groups, NAMES)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train_policy(tiny_training("tree.DecisionTreeClassifier", 3), tmp_path_factory.mktemp("performance"))


def played(run, **options):
    (path,), left_out = play_performance(PerformanceOptions(run.directory, **({"episodes": 3, "n_jobs": 1} | options)))
    assert left_out == []
    return path


def test_the_agent_that_knows_everything_is_the_agent(run):
    path = played(run)
    stored = load_run(run.directory).performance
    assert path == run.directory / "performance.csv"
    whole = stored[stored["coalition"] == 63]
    environments = Lockstep("CartPole-v0")
    commands = np.tile([run.config.final_desired_return, run.config.final_desired_horizon], (3, 1))
    episodes = collect_episodes(environments, greedy(run.policy), commands, whole["environment_seed"].tolist())
    assert whole["achieved_return"].tolist() == [episode.total_return for episode in episodes]
    assert len(stored) == 64 * 3
    assert performance(stored, feature_names=run.feature_names).n_episodes == 3


def test_the_number_of_processes_changes_nothing(run):
    first = played(run, n_jobs=1).read_bytes()
    assert played(run, n_jobs=2).read_bytes() == first


def test_an_interrupted_game_goes_on_where_it_stopped(run, monkeypatch):
    whole = played(run).read_bytes()
    (run.directory / "performance.csv").unlink()
    asked = []

    def counting(policy, background, env_name, coalitions, *rest, **options):
        asked.append(len(coalitions))
        for number, part in enumerate(real(policy, background, env_name, coalitions, *rest, **options)):
            if number == 5 and len(asked) == 1:
                raise KeyboardInterrupt
            yield part

    real = play.play_coalitions
    monkeypatch.setattr(play, "play_coalitions", counting)
    with pytest.raises(KeyboardInterrupt):
        played(run)
    assert not (run.directory / "performance.csv").exists()
    assert len(list(run.directory.glob("performance-*-unfinished.csv"))) == 1
    assert load_run(run.directory).performance is None
    assert played(run).read_bytes() == whole
    assert asked == [64, 54]
    assert list(run.directory.glob("performance-*")) == []


def test_other_settings_never_go_on_from_what_is_there(run, monkeypatch):
    def interrupted(*arguments, **options):
        yield next(iter(real(*arguments, **options)))
        raise KeyboardInterrupt

    real = play.play_coalitions
    monkeypatch.setattr(play, "play_coalitions", interrupted)
    with pytest.raises(KeyboardInterrupt):
        played(run, seed=5)
    monkeypatch.setattr(play, "play_coalitions", real)
    other = played(run, seed=6)
    assert set(pd.read_csv(other)["coalition"]) == set(range(64))
    for left in run.directory.glob("performance-*"):
        left.unlink()


def test_as_a_user_runs_it(run, tmp_path):
    done = run_module(
        "udrl_explain.performance", run.directory, "--groups", "state", "command", "--episodes", 2, "--n-jobs", 1,
        folder=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "performance.csv" in done.stdout
    assert len(load_run(run.directory).performance) == 4 * 2
    wrong = run_module("udrl_explain.performance", run.directory, "--episodes", 0, folder=tmp_path)
    assert wrong.returncode == 2
    assert "episodes must be at least 1, got 0" in wrong.stderr


@pytest.mark.parametrize(("wanted", "most"), [(4, 2048), (4, 3)])
def test_the_background_stands_for_all_rows_or_is_drawn_where_too_many_are_asked_for(run, monkeypatch, wanted, most):
    taken = []
    monkeypatch.setattr(play, "MOST_CANDIDATES", most)
    monkeypatch.setattr(play, "play_coalitions", lambda policy, rows, *_, **__: taken.append(rows) or iter(()))
    monkeypatch.setattr(play, "store_performance", lambda run, done: run.directory)
    for seed in (0, 1):
        play_performance(PerformanceOptions(run.directory, background=wanted, seed=seed))
    rows = run.training_inputs
    standing = rows[support_points(rows, wanted)]
    assert [len(chosen) for chosen in taken] == [wanted, wanted]
    assert [np.array_equal(chosen, standing) for chosen in taken] == [wanted <= most] * 2
    assert np.array_equal(*taken) == (wanted <= most)


def test_of_a_folder_the_runs_are_played_that_are_not_yet(run, tmp_path):
    for seed in ("1", "2", "3"):
        shutil.copytree(run.directory, tmp_path / "runs" / seed, ignore=shutil.ignore_patterns("performance*"))
    asked = {"groups": ("state", "command"), "episodes": 2, "n_jobs": 1}
    (tmp_path / "runs" / "2" / "policy.npz").unlink()
    own = b"coalition,environment_seed,achieved_return,length\n0,1,2.0,3\n63,1,2.0,3\n"
    third = tmp_path / "runs" / "3" / "performance.csv"
    third.write_bytes(own)
    done = run_module(
        "udrl_explain.performance", "runs", "--groups", "state", "command", "--episodes", 2, "--n-jobs", 1,
        folder=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout.split() == ["runs/1/performance.csv"]
    assert "left out runs/2: holds neither policy.npz" in done.stderr
    assert third.read_bytes() == own
    shutil.rmtree(tmp_path / "runs" / "2")
    assert play_performance(PerformanceOptions(tmp_path / "runs", **asked)) == ([], [])
    again, _ = play_performance(PerformanceOptions(tmp_path / "runs", overwrite=True, **asked))
    assert again == [tmp_path / "runs" / seed / "performance.csv" for seed in "13"]
    assert third.read_bytes() == again[0].read_bytes() != own


def test_a_folder_of_which_nothing_can_be_played_is_refused(run, tmp_path):
    for seed in ("1", "2"):
        shutil.copytree(run.directory, tmp_path / "runs" / seed, ignore=shutil.ignore_patterns("performance*"))
        (tmp_path / "runs" / seed / "training_rows.npz").unlink()
    with pytest.raises(ValueError, match=r"none of its 2 runs can be played; the first: .*training_rows"):
        play_performance(PerformanceOptions(tmp_path / "runs"))


def test_a_policy_that_does_not_fit_its_environment_is_refused(run, monkeypatch):
    other = dataclasses.replace(run, config=dataclasses.replace(run.config, env_name="MountainCar-v0"))
    monkeypatch.setattr(play, "load_run", lambda folder: other)
    with pytest.raises(ValueError, match=r"MountainCar-v0 has 4 inputs, the policy of .* has 6"):
        played(run)


def test_a_damaged_table_of_a_run_is_refused(run):
    path = run.directory / "performance.csv"
    path.write_text("coalition,environment_seed,achieved_return,length\n64,1,2.0,3\n")
    with pytest.raises(ValueError, match=r"performance\.csv: coalition must be below 2\*\*6"):
        load_run(run.directory)
    path.unlink()
