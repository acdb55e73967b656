"""Shares of actions against counts by hand, and what is called degenerate."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from figure_table_helpers import fake_runs

from udrl_explain.analysis.action_shares import action_shares
from udrl_explain.episodes import Episode
from udrl_explain.figures.action_shares import plot_action_shares
from udrl_explain.figures.alt_text import alt_text
from udrl_explain.figures.catalogue import draw
from udrl_explain.tables import write_csv


def runs_that_took(*actions_of_runs, names=("left", "right")):
    """Fake runs of one experiment; each took these actions, in two episodes."""
    runs = fake_runs("CartPole-v0")[: len(actions_of_runs)]
    for run, actions in zip(runs, actions_of_runs, strict=True):
        halves = np.array_split(np.array(actions), 2)
        run.episodes = tuple(Episode(np.ones((len(half), 6)), half, np.ones(len(half)), seed=0) for half in halves)
        run.action_names = names
    return runs


def test_shares_are_counts_and_each_seed_weighs_the_same():
    result = action_shares(runs_that_took([0, 0, 0, 1], [1] * 50, [0, 1, 1, 1]))
    frame = result.to_frame().set_index("action_name")
    np.testing.assert_allclose(frame["share"], [1 / 3, 2 / 3])
    assert frame["n_degenerate"].tolist() == [0, 1]
    assert (frame["n_seeds"] == 3).all()
    assert frame["interval"].str.contains("other training seeds; 3 seeds").all()
    assert (frame["low"] < frame["share"]).all()
    assert result.n_rows == 58
    by_seed = result.by_seed()
    assert by_seed["share"].tolist() == [0.75, 0.25, 0.0, 1.0, 0.25, 0.75]
    assert by_seed["n_steps"].tolist() == [4, 4, 50, 50, 4, 4]
    assert by_seed["n_episodes"].tolist() == [2] * 6
    assert by_seed["is_degenerate"].tolist() == [False, False, False, True, False, False]


@pytest.mark.parametrize(("n_other", "degenerate"), [(5, True), (6, False)])
def test_from_95_percent_on_a_policy_is_degenerate(n_other, degenerate):
    result = action_shares(runs_that_took([0] * (100 - n_other) + [1] * n_other))
    assert result.by_seed()["is_degenerate"].tolist() == [degenerate, False]
    assert result.to_frame()["n_degenerate"].tolist() == [int(degenerate), 0]
    assert result.to_frame()["low"].isna().all()


def test_actions_that_nobody_took_have_a_share_of_none_and_runs_without_episodes_are_left_out():
    runs = runs_that_took([0, 2], [0, 2], names=("a", "b", "c", "d"))
    runs[1].episodes = ()
    frame = action_shares(runs).to_frame()
    assert frame["share"].tolist() == [0.5, 0.0, 0.5, 0.0]
    assert frame["n_seeds"].unique().tolist() == [1]
    runs[0].episodes = ()
    assert len(action_shares(runs).to_frame()) == len(action_shares(runs).by_seed()) == 0


def test_runs_of_one_group_must_have_the_same_actions():
    runs = runs_that_took([0, 1], [0, 1])
    runs[1].action_names = ("up", "down")
    with pytest.raises(ValueError, match="must have the same actions"):
        action_shares(runs)


def test_the_figure_shows_the_shares_and_its_text_says_them():
    result = action_shares(runs_that_took([0, 0, 0, 1], [1, 1, 1, 1]))
    axes = plot_action_shares(result)
    bars = sorted((bar.get_y(), bar.get_x(), bar.get_width()) for bar in axes.patches)
    assert [(x, width) for _, x, width in bars] == [(0.0, 0.75), (0.75, 0.25), (0.0, 0.0), (0.0, 1.0)]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["random forest 1", "2"]
    assert "random forest, seed 1: left 75 %, right 25 %; random forest, seed 2: left 0 %" in alt_text(axes)
    plt.close(axes.figure)


def test_many_seeds_are_drawn_as_their_means(tmp_path):
    result = action_shares(runs_that_took([0, 0, 0, 1], [1, 1, 1, 1]))
    by_seed, means = result.by_seed(), result.to_frame()
    write_csv(means, tmp_path / "action_shares.csv")
    for n_copies, n_bars in ((1, 2), (20, 1)):
        copies = [by_seed.assign(seed=by_seed["seed"] + 10 * copy) for copy in range(n_copies)]
        write_csv(pd.concat(copies, ignore_index=True), tmp_path / "action_shares_by_seed.csv")
        (figure,) = draw(tmp_path / "action_shares_by_seed.csv").values()
        assert len(figure.axes[0].get_yticks()) == n_bars
        plt.close(figure)
