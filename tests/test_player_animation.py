import sys
from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
from environment_helpers import small_worlds  # noqa: F401 - fixture
from PIL import Image
from report_helpers import tiny_training
from sklearn.tree import DecisionTreeClassifier

from udrl_explain import collect, load_run, shapley_values, train_policy
from udrl_explain.command_line import run_main
from udrl_explain.commands import NoCommand
from udrl_explain.figures.animation import Bars, frames_with_bars, write_gif
from udrl_explain.figures.style import COMMAND_COLOUR, STATE_COLOUR
from udrl_explain.player.__main__ import PROG, main
from udrl_explain.player.animation import bars_of, played
from udrl_explain.player.options import PlayerOptions
from udrl_explain.policies import ForestPolicy
from udrl_explain.rollouts.rendering import render_episode
from udrl_explain.trees.ensembles import forest_from_estimator

PANEL, HEIGHT = 400, 320


def bars(values, **changes):
    values = np.array(values, dtype=float)
    given = {
        "values": values, "names": [f"input {i}" for i in range(values.shape[1])], "colours": ["#ff0000", "#0000ff"],
        "titles": [f"frame {i}\nwords" for i in range(len(values))], "caption": "what they measure",
    }  # fmt: skip
    return Bars(**(given | changes))


def extent(frame, colour):
    """Leftmost and rightmost column that holds a colour."""
    columns = np.flatnonzero((np.asarray(frame) == colour).all(axis=2).any(axis=0))
    return int(columns.min()), int(columns.max())


def test_bars_are_as_long_as_their_values_on_one_scale():
    black = np.zeros((40, 60, 3), np.uint8)
    first, second = frames_with_bars([black, black], bars([[1.0, -0.5], [0.25, 0.5]]))
    assert first.size == (480 + PANEL, HEIGHT)
    assert np.asarray(first)[:, :480].max() == 0
    red, blue, shorter = extent(first, (255, 0, 0)), extent(first, (0, 0, 255)), extent(second, (255, 0, 0))
    zero = red[0]
    assert blue[1] == pytest.approx(zero, abs=2)  # the line between them takes a pixel
    assert blue[1] - blue[0] == pytest.approx(0.5 * (red[1] - red[0]), abs=2)
    assert shorter[1] - shorter[0] == pytest.approx(0.25 * (red[1] - red[0]), abs=2)
    assert extent(second, (0, 0, 255))[0] == pytest.approx(zero, abs=2)


def test_names_that_are_too_long_are_cut_and_all_zeros_are_no_fault():
    black = np.zeros((40, 60, 3), np.uint8)
    (frame,) = frames_with_bars([black], bars([[0.0, 0.0]], names=["a" * 500, "b"], titles=["t" * 500]))
    assert frame.size == (480 + PANEL, HEIGHT)
    pixels = np.asarray(frame)
    assert (pixels[:, -10:] == 255).all(), "words run into the margin"


def test_pictures_and_bars_must_be_as_many():
    with pytest.raises(ValueError, match="2 pictures need as many rows of bars, got 1"):
        frames_with_bars([np.zeros((4, 6, 3), np.uint8)] * 2, bars([[1.0, 2.0]]))


def test_a_gif_shows_every_frame_as_long_as_asked(tmp_path):
    frames = [Image.new("RGB", (20, 10), (number * 40, 255 - number * 40, 90)) for number in range(5)]
    path = write_gif(frames, tmp_path / "a.gif", 37.0)
    again = write_gif(frames, tmp_path / "b.gif", 37.0)
    assert path.read_bytes() == again.read_bytes()
    with Image.open(path) as read:
        assert (read.n_frames, read.size, read.info["loop"]) == (5, (20, 10), 0)
        durations = []
        for number, frame in enumerate(frames):
            read.seek(number)
            durations.append(read.info["duration"])
            shown, meant = (np.asarray(image.convert("RGB"))[0, 0].astype(int) for image in (read, frame))
            assert np.abs(shown - meant).max() < 12
    assert durations == [40] * 4 + [1040]


@pytest.fixture(scope="module")
def tiny_gif(tiny_place, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gif")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            sys, "argv", ["player", str(tiny_place / "data/CartPole-v0/net/1"), "--gif", str(folder / "e.gif")]
        )
        assert run_main(PROG, main) == 0
    return folder / "e.gif"


def test_an_episode_is_drawn_with_its_shapley_values(tiny_gif, tiny_place):
    run = load_run(tiny_place / "data/CartPole-v0/net/1")
    command = (run.config.final_desired_return, run.config.final_desired_horizon)
    (episode,) = collect(run.policy, "CartPole-v0", command, [0], most_return=run.return_limit)
    assert len(episode) <= 100
    assert tiny_gif.stat().st_size < 1_500_000
    rows = run.training_inputs
    if len(rows) > 200:
        rows = rows[np.sort(np.random.default_rng(0).choice(len(rows), 200, replace=False))]
    found = shapley_values(run.policy, episode.inputs, rows, n_jobs=1).values
    taken = found[np.arange(len(episode)), :, episode.actions]
    with Image.open(tiny_gif) as read:
        assert read.n_frames == len(episode)
        assert read.size == (480 + PANEL, HEIGHT)
        step = int(np.abs(taken[:, -2:]).max(axis=1).argmax())
        read.seek(step)
        pixels = np.asarray(read.convert("RGB")).astype(int)
    for colour, values in ((COMMAND_COLOUR, taken[step, -2:]), (STATE_COLOUR, taken[step, :-2])):
        meant = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
        near = np.abs(pixels[:, 480:] - meant).max(axis=2) < 12
        length = near.sum(axis=1).max()  # of the longest bar
        half = (PANEL - 28 - 190) / 2  # about: names take the rest
        assert length == pytest.approx(np.abs(values).max() / np.abs(taken).max() * half, rel=0.35)


def test_the_pictures_are_those_of_the_environment(tiny_place):
    run = load_run(tiny_place / "data/CartPole-v0/net/1")
    episode = run.episodes[0]
    rendered = render_episode(episode, "CartPole-v0", every=7)
    assert rendered.steps.tolist() == sorted({*range(0, len(episode), 7), len(episode) - 1})
    assert rendered.steps_per_second == 50
    environment = gym.make("CartPole-v0", render_mode="rgb_array")
    environment.reset(seed=episode.seed)
    np.testing.assert_array_equal(rendered.pictures[0], environment.render())
    environment.close()


def test_a_policy_without_a_command_is_drawn_too(tiny_place):
    run = load_run(tiny_place / "data/CartPole-v0/trees/1")
    inputs, actions = run.training_inputs[:, :4], run.training_actions
    policy = ForestPolicy(
        forest_from_estimator(DecisionTreeClassifier(max_depth=3).fit(inputs, actions), 2), NoCommand()
    )
    blind = replace(run, policy=policy, feature_names=policy.feature_names, training_inputs=inputs)
    options = PlayerOptions((run.directory,))
    episode = played(blind, 3)
    assert (episode.seed, episode.takes_command) == (3, False)
    shown = bars_of(blind, episode, np.array([0, 1]), options)
    assert shown.values.shape == (2, 4)
    assert set(shown.colours) == {STATE_COLOUR}
    assert shown.titles[1].endswith("\nstep 1")
    assert len(render_episode(episode, "CartPole-v0", every=50).pictures) >= 1


def test_an_episode_of_another_seed_is_not_taken_for_this_one(tiny_place):
    episode = replace(load_run(tiny_place / "data/CartPole-v0/net/1").episodes[0], seed=12345)
    with pytest.raises(ValueError, match="does not repeat the episode of seed 12345"):
        render_episode(episode, "CartPole-v0")


@pytest.mark.usefixtures("small_worlds")
def test_an_environment_without_pictures_is_refused_in_one_line(tmp_path, monkeypatch, capsys):
    run = train_policy(tiny_training("ensemble.RandomForestClassifier", 1, env_name="Walk-v0"), tmp_path)
    monkeypatch.setattr(sys, "argv", ["player", str(run.directory), "--gif", str(tmp_path / "w.gif")])
    capsys.readouterr()
    assert run_main(PROG, main) == 2
    said = capsys.readouterr().err.replace("\r", "\n")
    (line,) = [line for line in said.splitlines() if line.startswith(PROG)]
    assert "'Walk-v0'" in line
    assert "pictures" in line or "cannot be rendered" in line
    assert not (tmp_path / "w.gif").exists()
