import math
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex

from udrl_explain.analysis.obedience.measures import obeyed_range, upper_saturation
from udrl_explain.analysis.obedience.result import COLUMNS, SUMMARY_COLUMNS, obedience
from udrl_explain.command_space.support import command_support, fitted_commands
from udrl_explain.figures.obedience import plot_obedience, plot_obedience_map
from udrl_explain.tables import read_csv, write_csv

LEVELS = np.linspace(-17.3, 211.9, 12)


def a_sweep(agent, levels=LEVELS, n_episodes=4, first_seed=0, **columns):
    """Episodes of an agent: a function of desired return, horizon and environment seed."""
    commands = [level if np.ndim(level) else (level, 50.0) for level in levels]
    rows = [
        (desired, horizon, seed, agent(desired, horizon, seed), 30)
        for desired, horizon in commands
        for seed in range(first_seed, first_seed + n_episodes)
    ]
    names = ["desired_return", "desired_horizon", "environment_seed", "achieved_return", "length"]
    return pd.DataFrame(rows, columns=names).assign(**columns)


def obedient(desired, horizon, seed):
    return desired


def noisy(desired, horizon, seed):
    return desired + 3.0 * np.sin(7.0 * seed + desired)


def summary_of(result):
    frame = result.summary_frame()
    assert tuple(frame.columns) == SUMMARY_COLUMNS
    assert len(frame) == 1
    return frame.iloc[0]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.floats(-1e4, 1e4), min_size=2, max_size=20, unique=True).filter(lambda x: np.ptp(x) > 1e-3),
    st.integers(1, 7),
)
def test_a_perfectly_obedient_agent_makes_no_error_whatever_it_is_asked(levels, n_episodes):
    result = obedience(a_sweep(obedient, levels, n_episodes))
    row = summary_of(result)
    assert row["mae"] == 0.0
    assert row["slope"] == pytest.approx(1.0, abs=1e-12)
    assert row["spearman"] == pytest.approx(1.0, abs=1e-12)
    assert (row["obeyed_low"], row["obeyed_high"], row["n_obeyed"]) == (min(levels), max(levels), len(levels))
    assert result.to_frame()["within_tolerance"].all()
    assert row["note"] == ""


def test_a_perfectly_obedient_agent_never_saturates_and_has_no_intervals_for_want_of_variation():
    result = obedience(a_sweep(obedient, n_episodes=20))
    frame = result.to_frame()
    assert tuple(frame.columns) == COLUMNS
    assert frame["mean"].tolist() == frame["desired_return"].tolist() == LEVELS.tolist()
    assert frame[["low", "high", "low_over_seeds", "high_over_seeds"]].isna().all(axis=None)
    assert set(frame["interval"]) == {"no variation seen"}
    assert set(frame["interval_over_seeds"]) == {"no interval: one seed says nothing about others"}
    assert frame["n_episodes"].tolist() == [20] * 12
    assert frame["n_rows"].tolist() == [240] * 12
    assert all(math.isnan(end) for end in result.saturation)
    assert result.tolerance == pytest.approx(0.1 * (LEVELS[-1] - LEVELS[0]))


def test_an_agent_blind_to_its_command_has_slope_zero_and_is_saturated_from_end_to_end():
    row = summary_of(obedience(a_sweep(lambda desired, horizon, seed: 54.3, n_episodes=7)))
    assert row["slope"] == 0.0
    assert math.isnan(row["spearman"])
    assert row["note"] == "no rank correlation: every level achieves the same return"
    assert (row["saturation_low"], row["saturation_high"]) == (LEVELS[-1], LEVELS[0])
    assert row["mae"] == pytest.approx(np.abs(LEVELS - 54.3).mean(), abs=1e-12)


def test_an_agent_blind_to_its_command_but_not_to_chance_has_slope_zero():
    row = summary_of(obedience(a_sweep(lambda desired, horizon, seed: 10.0 * seed)))
    assert row["slope"] == 0.0
    assert math.isnan(row["slope_low"])
    assert row["slope_interval"] == "no variation seen"


def test_saturation_is_found_where_the_agent_stops_following():
    levels = np.arange(0.0, 201.0, 10.0)
    result = obedience(a_sweep(lambda desired, horizon, seed: np.clip(desired, 40.0, 150.0), levels), tolerance=5.0)
    assert result.saturation == (40.0, 150.0)
    assert result.obeyed == (40.0, 150.0, 12)
    # A knee is met up to one tolerance early.
    early = obedience(a_sweep(lambda desired, horizon, seed: min(desired, 150.0), levels), tolerance=10.0)
    assert early.saturation[1] == 140.0
    assert math.isnan(early.saturation[0])


def test_a_flat_end_within_two_tolerances_is_no_saturation():
    desired = np.arange(0.0, 101.0, 10.0)
    assert math.isnan(upper_saturation(desired, np.minimum(desired, 90.0), 9.0))
    assert upper_saturation(desired, np.minimum(desired, 80.0), 9.0) == 80.0


def test_returns_that_collapse_at_high_commands_are_no_saturation():
    desired = np.arange(0.0, 101.0, 10.0)
    achieved = np.where(desired > 80.0, 0.0, desired)
    assert math.isnan(upper_saturation(desired, achieved, 5.0))


def test_the_widest_range_is_obeyed_not_the_one_with_most_levels():
    desired = np.array([0.0, 1.0, 2.0, 3.0, 10.0, 50.0, 60.0])
    achieved = desired + np.array([0.0, 0.0, 0.0, 9.0, 0.0, 0.0, 9.0])
    assert obeyed_range(desired, achieved, 1.0) == (10.0, 50.0, 2)
    assert obeyed_range(desired, achieved + 100.0, 1.0).n_levels == 0


def test_numbers_agree_with_a_hand_made_sweep():
    sweep = pd.DataFrame(
        {
            "desired_return": [10.0, 10.0, 20.0, 20.0, 30.0, 30.0],
            "desired_horizon": [5.0, 5.0, 6.0, 6.0, 7.0, 7.0],
            "environment_seed": [8, 9, 8, 9, 8, 9],
            "achieved_return": [12.0, 14.0, 18.0, 20.0, 30.0, 38.0],
            "length": [3, 5, 4, 4, 9, 10],
        }
    )
    # The order of the rows says nothing.
    result = obedience(sweep.sample(frac=1.0, random_state=3))
    frame = result.to_frame()
    assert frame["mean"].tolist() == [13.0, 19.0, 34.0]
    assert frame["desired_horizon"].tolist() == [5.0, 6.0, 7.0]
    assert frame["mean_length"].tolist() == [4.0, 4.0, 9.5]
    # Two episodes: Student's t with one degree of freedom is 12.706205, times half their distance.
    assert (frame["high"] - frame["mean"]).tolist() == pytest.approx([12.706205, 12.706205, 4 * 12.706205], rel=1e-6)
    assert (frame["mean"] - frame["low"]).tolist() == pytest.approx([12.706205, 12.706205, 4 * 12.706205], rel=1e-6)
    assert set(frame["interval"]) == {
        "95 % for other episodes of these policies; 2 episodes: t interval, assumes normal"
    }
    row = summary_of(result)
    assert row["mae"] == pytest.approx((3 + 1 + 4) / 3)
    assert row["slope"] == pytest.approx((34.0 - 13.0) / 20.0)
    # Whole environment seeds: 8 alone has slope 18/20, 9 alone 24/20.
    reach = 0.15 * 12.706205
    assert (row["slope_low"], row["slope_high"]) == pytest.approx((1.05 - reach, 1.05 + reach), rel=1e-6)
    assert row["tolerance"] == pytest.approx(2.0)
    assert frame["within_tolerance"].tolist() == [False, True, False]


def test_runs_with_levels_of_their_own_are_put_together_by_rank():
    one = a_sweep(lambda desired, horizon, seed: desired + 2.0, [0.0, 10.0, 20.0], seed=1)
    other = a_sweep(lambda desired, horizon, seed: desired - 4.0, [8.0, 14.0, 40.0], seed=2)
    result = obedience(pd.concat([other, one]))
    frame = result.to_frame()
    assert frame["desired_return"].tolist() == [4.0, 12.0, 30.0]
    assert frame["desired_return_low"].tolist() == [0.0, 10.0, 20.0]
    assert frame["desired_return_high"].tolist() == [8.0, 14.0, 40.0]
    assert frame["mean"].tolist() == pytest.approx([3.0, 11.0, 29.0])
    assert frame["n_seeds"].tolist() == [2, 2, 2]
    assert frame["n_episodes"].tolist() == [8, 8, 8]
    # Only the runs differ, by +2 and -4 around what is asked.
    assert frame["low"].isna().all()
    assert set(frame["interval"]) == {"no variation seen"}
    assert (frame["high_over_seeds"] - frame["mean"]).tolist() == pytest.approx([3 * 12.706205] * 3, rel=1e-6)
    assert (frame["mean"] - frame["low_over_seeds"]).tolist() == pytest.approx([3 * 12.706205] * 3, rel=1e-6)


def test_obedient_runs_that_are_asked_for_different_returns_are_all_obedient():
    sweep = pd.concat([a_sweep(obedient, LEVELS * factor, seed=k) for k, factor in enumerate((0.7, 1.0, 1.3))])
    result = obedience(sweep)
    frame = result.to_frame()
    assert result.mae == 0.0
    assert frame["low_over_seeds"].isna().all()
    assert set(frame["interval_over_seeds"]) == {"no variation seen"}
    assert result.slope == pytest.approx(1.0, abs=1e-12)


def test_intervals_repeat_with_their_seed_and_change_with_another():
    sweep = pd.concat([a_sweep(noisy, n_episodes=10, first_seed=10 * k, seed=k) for k in range(11)])
    first, again, other = (obedience(sweep, seed=seed).to_frame() for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first, again)
    assert (first["low"] != other["low"]).any()
    assert (first["low_over_seeds"] != other["low_over_seeds"]).any()
    inside = first[["low", "mean", "high"]].to_numpy()
    assert (np.diff(inside, axis=1) > 0).all()


def test_episode_intervals_of_several_runs_redraw_the_episodes_of_each():
    """Two runs of two episodes at -1 and +1: each mean has standard error 1; two degrees of freedom together."""
    agent = {0: -1.0, 1: 1.0}
    sweep = pd.concat([a_sweep(lambda desired, horizon, k: desired + agent[k], n_episodes=2, seed=k) for k in (1, 2)])
    frame = obedience(sweep).to_frame()
    np.testing.assert_allclose(frame["mean"] - frame["low"], 4.302653 / math.sqrt(2), rtol=1e-6)
    np.testing.assert_allclose(frame["high"] - frame["mean"], 4.302653 / math.sqrt(2), rtol=1e-6)
    # The means of the two seeds do not differ.
    assert set(frame["interval_over_seeds"]) == {"no variation seen"}


def test_levels_with_different_numbers_of_episodes_have_intervals_but_no_slope_interval():
    sweep = a_sweep(noisy, n_episodes=6).iloc[:-1]
    result = obedience(sweep)
    assert result.to_frame()["n_episodes"].tolist() == [6] * 11 + [5]
    assert np.isfinite(result.to_frame()["low"]).all()
    assert math.isnan(summary_of(result)["slope_low"])
    assert summary_of(result)["slope_interval"] == "no interval: the levels have different numbers of episodes"


def test_one_episode_a_level_has_no_interval():
    frame = obedience(a_sweep(obedient, n_episodes=1)).to_frame()
    assert frame["low"].isna().all()


def test_seen_levels_are_those_that_training_episodes_achieved_not_those_asked_for():
    """What the agent was ordered to do in training is no training row; what it then did is."""
    training = pd.DataFrame(
        {
            "iteration": 1,
            "desired_return": 1000.0,
            "desired_horizon": 1000.0,
            "achieved_return": np.repeat([0.0, 50.0, 100.0], 40),
            "length": np.repeat([5.0, 10.0, 15.0], 40),
        }
    )
    commands = [(0.0, 5.0), (50.0, 10.0), (50.0, 15.0), (100.0, 15.0), (1000.0, 1000.0)]
    result = obedience(a_sweep(obedient, commands), training_commands=training)
    frame = result.to_frame()
    assert frame["seen"].tolist() == [True, True, False, True, False]
    assert frame["density"].tolist() == pytest.approx([1 / 3, 1 / 3, 0, 1 / 3, 0])
    assert result.tolerance == pytest.approx(10.0)
    half = obedience(a_sweep(lambda desired, horizon, seed: min(desired, 100.0), commands), training_commands=training)
    assert (half.mae_seen, half.mae) == (0.0, 180.0)
    assert summary_of(half)["n_seen"] == 3


def test_each_run_is_judged_by_its_own_rows_of_the_last_fit():
    sweep = pd.concat(
        [a_sweep(obedient, [(0.0, 5.0), (50.0, 10.0)], seed=1), a_sweep(obedient, [(2.0, 5.0), (60.0, 10.0)], seed=2)]
    )
    rows = [
        np.repeat([[0.3, 0.0, 5.0], [0.1, 50.0, 10.0]], 30, axis=0),
        np.repeat([[0.3, 2.0, 5.0], [0.1, 20.0, 5.0]], 10, axis=0),
    ]
    result = obedience(sweep, training_commands=[fitted_commands(part) for part in rows])
    frame = result.to_frame()
    assert frame["seen"].tolist() == [True, False]
    assert frame["n_seeds_seen"].tolist() == [2, 1]
    assert frame["density"].tolist() == [0.5, 0.25]
    assert set(frame["support"]) == {"fitted"}
    assert summary_of(result)["support"] == "fitted"
    assert summary_of(result)["n_seen"] == 1
    # Returns 0..50 in the one run, 2..20 in the other.
    assert result.tolerance == pytest.approx(0.1 * (50 + 18) / 2)
    assert set(obedience(sweep, training_commands=TRAINING).to_frame()["support"]) == {"achieved"}
    with pytest.raises(ValueError, match="one support per run, 2, got 1"):
        obedience(sweep, training_commands=[fitted_commands(rows[0])])
    with pytest.raises(ValueError, match="must be of one kind"):
        obedience(sweep, training_commands=[fitted_commands(rows[0]), command_support([(1.0, 2.0)])])


def test_nothing_is_marked_where_the_training_commands_are_not_given():
    result = obedience(a_sweep(obedient))
    assert result.to_frame()["seen"].isna().all()
    assert result.to_frame()["density"].isna().all()
    assert math.isnan(result.mae_seen)


GRID = [(desired, horizon) for desired in (10.0, 20.0, 40.0) for horizon in (15.0, 30.0)]


def test_a_grid_has_pairs_as_levels_and_no_line_to_read_saturation_from():
    result = obedience(a_sweep(lambda desired, horizon, seed: min(desired, horizon), GRID))
    assert result.is_grid
    frame = result.to_frame()
    assert list(zip(frame["desired_return"], frame["desired_horizon"], strict=True)) == GRID
    assert frame["mean"].tolist() == [10.0, 10.0, 15.0, 20.0, 15.0, 30.0]
    row = summary_of(result)
    assert row["mae"] == pytest.approx((5 + 25 + 10) / 6)
    assert math.isnan(row["saturation_high"])
    assert row["n_obeyed"] == 0
    assert "grid" in row["note"]
    assert not obedience(a_sweep(obedient)).is_grid


def test_a_sweep_that_always_asks_for_the_same_return_says_what_is_missing():
    row = summary_of(obedience(a_sweep(obedient, [(30.0, 5.0), (30.0, 9.0)])))
    assert math.isnan(row["slope"])
    assert math.isnan(row["spearman"])
    assert row["mae"] == 0.0
    assert row["note"].startswith("no slope, rank correlation, saturation and range obeyed: every level asks")
    assert not row["is_grid"]


@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        (SimpleNamespace(command_sweep=None), "must be a frame with one row per episode, or runs, got SimpleNamespace"),
        ([1, 2], "must be a frame with one row per episode, or at least one run, got a list of int"),
        (a_sweep(obedient).drop(columns="achieved_return"), "missing: achieved_return"),
        (a_sweep(obedient).iloc[:0], "at least one episode, got none"),
        (a_sweep(lambda *_: math.nan), "column achieved_return of sweep must be finite, got nan in row 0"),
        (a_sweep(obedient, desired_horizon=math.inf), "column desired_horizon of sweep must be finite"),
        (a_sweep(obedient, length="long"), "column length of sweep must hold numbers"),
        (pd.concat([a_sweep(obedient)] * 2), "environment seed 0 twice under return -17.3, horizon 50"),
        (
            pd.concat([a_sweep(obedient, seed=1), a_sweep(obedient, LEVELS[1:], seed=2)]),
            r"equally many command levels, got \[11, 12\]",
        ),
        (
            pd.concat([a_sweep(obedient, GRID, seed=1), a_sweep(obedient, LEVELS[:6], seed=2)]),
            "must all be grids",
        ),
    ],
)
def test_what_is_no_sweep_is_refused(sweep, message):
    with pytest.raises(ValueError, match=message):
        obedience(sweep)


@pytest.mark.parametrize(
    ("training_commands", "message"),
    [
        (pd.DataFrame({"achieved_return": [1.0]}), "'length' is missing"),
        (pd.DataFrame({"achieved_return": [math.nan], "length": [3.0]}), "leave it out"),
        (SimpleNamespace(), "must be a frame"),
    ],
)
def test_what_are_no_training_commands_is_refused(training_commands, message):
    with pytest.raises(ValueError, match=message):
        obedience(a_sweep(obedient), training_commands=training_commands)


def test_a_tolerance_below_zero_is_refused():
    with pytest.raises(ValueError, match="tolerance must be a finite number of at least 0, got -1"):
        obedience(a_sweep(obedient), tolerance=-1)


def test_the_sweep_is_left_as_it_was():
    sweep = a_sweep(noisy)
    before = sweep.copy()
    obedience(sweep)
    pd.testing.assert_frame_equal(sweep, before)


TRAINING = pd.DataFrame({"achieved_return": np.linspace(-20.0, 120.0, 200), "length": 50.0})


@pytest.fixture
def frames(tmp_path):
    """Tables of two experiments as their CSV gives them back: one run, and two runs."""
    one = obedience(a_sweep(noisy), training_commands=TRAINING).to_frame()
    two = obedience(
        pd.concat([a_sweep(noisy, seed=1), a_sweep(noisy, first_seed=9, seed=2)]), training_commands=TRAINING
    ).to_frame()
    one.insert(0, "label", "forest")
    two.insert(0, "label", "net")
    return read_csv(write_csv(pd.concat([one, two], ignore_index=True), tmp_path / "obedience.csv"))


def lines_called(ax, name):
    return [line for line in ax.lines if line.get_label() == name]


def test_the_figure_shows_means_diagonal_and_unseen_levels(frames):
    ax = plot_obedience(frames)
    (diagonal,) = lines_called(ax, "y = x")
    np.testing.assert_array_equal(diagonal.get_xydata(), [[LEVELS[0]] * 2, [LEVELS[-1]] * 2])
    for name, line in zip(("forest", "net"), lines_called(ax, "_line"), strict=True):
        part = frames[frames["label"] == name]
        np.testing.assert_array_equal(line.get_xydata(), part[["desired_return", "mean"]])
    part = frames[frames["label"] == "forest"]
    (filled,) = lines_called(ax, "forest")
    hollow = lines_called(ax, "_hollow")[0]
    np.testing.assert_array_equal(filled.get_xdata(), part.loc[part["seen"], "desired_return"])
    np.testing.assert_array_equal(hollow.get_xdata(), part.loc[~part["seen"], "desired_return"])
    assert 0 < len(hollow.get_xdata()) < len(part)
    assert to_hex(hollow.get_markerfacecolor()) == "#ffffff"
    assert ax.get_xlabel() == "desired return (reward)"
    assert ax.get_ylabel() == "achieved return (reward)"
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts[1:3] == ["forest (1 seed)", "net (2 seeds)"]
    assert "95 % for other seeds or episodes" in texts


def test_the_bands_are_over_seeds_where_there_are_several(frames):
    ax = plot_obedience(frames)
    bands = lines_called(ax, "_band")
    forest, net = (frames[frames["label"] == name] for name in ("forest", "net"))
    expected = (forest["low"], forest["high"], net["low_over_seeds"], net["high_over_seeds"])
    for line, bound in zip(bands, expected, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), bound)


def test_densities_have_a_strip_with_an_axis_of_their_own(frames):
    ax = plot_obedience(frames)
    (strip,) = ax.child_axes
    assert strip.get_ylabel() == "asked"
    for stairs, name in zip(strip.patches, ("forest", "net"), strict=True):
        density = frames.loc[frames["label"] == name, "density"].to_numpy()
        np.testing.assert_array_equal(stairs.get_data().values, density)
    assert strip.get_ylim()[0] == 0
    assert strip.get_ylim()[1] >= frames["density"].max()


def test_a_frame_without_densities_has_no_strip_and_can_be_given_another(frames):
    bare = frames[frames["label"] == "forest"].drop(columns="label").assign(density=np.nan)
    assert not plot_obedience(bare).child_axes
    support = pd.DataFrame({"desired_return": [0.0, 50.0, 100.0], "density": [0.2, 0.6, 0.2]})
    (strip,) = plot_obedience(bare, support=support).child_axes
    (stairs,) = strip.patches
    assert stairs.get_data().values.tolist() == [0.2, 0.6, 0.2]
    assert stairs.get_data().edges.tolist() == [-25.0, 25.0, 75.0, 125.0]


def test_nothing_is_drawn_beyond_the_possible_returns(frames):
    """The bug: an axis of CartPole's returns began at -28, and bands went past 200."""
    wild = frames.assign(env_name="CartPole-v0", desired_return=np.linspace(-50, 300, len(frames)))
    wild = wild.assign(mean=wild["mean"].clip(1, 200), low_over_seeds=-40.0, high_over_seeds=260.0)
    ax = plot_obedience(wild)
    assert ax.get_ylim() == (1, 200)
    for line in ax.get_lines():
        assert line.get_ydata().min() >= 1
        assert line.get_ydata().max() <= 200


def test_the_map_has_a_cell_for_each_command(tmp_path):
    training = pd.DataFrame({"achieved_return": [10.0, 20.0, 20.0, 40.0], "length": [15.0, 15.0, 30.0, 30.0]})
    result = obedience(a_sweep(lambda desired, horizon, seed: desired + horizon, GRID), training_commands=training)
    ax = plot_obedience_map(read_csv(write_csv(result.to_frame(), tmp_path / "obedience_map.csv")))
    (mesh,) = ax.collections
    np.testing.assert_array_equal(mesh.get_array(), [[25.0, 35.0, 55.0], [40.0, 50.0, 70.0]])
    np.testing.assert_array_equal(mesh.get_coordinates()[0, :, 0], [5.0, 15.0, 30.0, 50.0])
    np.testing.assert_array_equal(mesh.get_coordinates()[:, 0, 1], [7.5, 22.5, 37.5])
    hatched = {(patch.get_x(), patch.get_y()) for patch in ax.patches}
    assert hatched == {(5.0, 22.5), (30.0, 7.5)}
    assert ax.figure.axes[1].get_ylabel() == "achieved return (reward)"


@pytest.mark.parametrize(
    ("plot", "frame", "message"),
    [
        (plot_obedience, pd.DataFrame({"mean": [1.0]}), "lacks the columns desired_return"),
        (plot_obedience, obedience(a_sweep(obedient)).to_frame().iloc[:0], "no rows"),
        (plot_obedience, obedience(a_sweep(obedient, GRID)).to_frame(), "plot_obedience_map"),
        (plot_obedience_map, obedience(a_sweep(obedient)).to_frame(), "with plot_obedience$"),
        (plot_obedience_map, pd.concat([obedience(a_sweep(obedient, GRID)).to_frame()] * 2), "every command once"),
    ],
)
def test_frames_that_cannot_be_drawn_are_refused_before_a_figure_is_made(plot, frame, message):
    before = plt.get_fignums()
    with pytest.raises(ValueError, match=message):
        plot(frame)
    assert plt.get_fignums() == before
