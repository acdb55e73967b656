"""What is seen: the three supports, the part of the plane they cover, and the nearest seen change on a map."""

import numpy as np
import pandas as pd
import pytest
from command_plane_helpers import (
    EDGE_30,
    EDGE_40,
    HORIZON,
    RETURN,
    asked,
    commands_around,
    corner_policy,
    forest_policy,
)
from core_helpers import scaled, training_rows
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier

from udrl_explain.analysis.command_map import SHARE_COLUMNS, command_map
from udrl_explain.command_space.cells import CommandCells
from udrl_explain.command_space.plane_changes import SURE_WITHIN
from udrl_explain.command_space.seen_region import seen_areas, seen_region
from udrl_explain.command_space.support import (
    CommandSupport,
    SupportKind,
    achieved_commands,
    asked_commands,
    command_support,
    fitted_commands,
)
from udrl_explain.commands import CommandScale
from udrl_explain.figures.command_map import plot_command_map
from udrl_explain.policies import NeuralPolicy, greedy_actions, policy_from_estimator
from udrl_explain.tables import read_csv, write_csv

TRAINING = pd.DataFrame(
    {
        "desired_return": [np.nan, 90.0, 95.0],
        "desired_horizon": [np.nan, 20.0, 21.0],
        "achieved_return": [10.0, 12.0, np.nan],
        "length": [7.0, 8.0, np.nan],
    }
)


def test_each_support_knows_which_commands_it_holds():
    assert asked_commands(TRAINING).commands.tolist() == [[90.0, 20.0], [95.0, 21.0]]
    assert achieved_commands(TRAINING).commands.tolist() == [[10.0, 7.0], [12.0, 8.0]]
    fitted = fitted_commands([[0.5, 3.0, 4.0], [0.1, 3.0, 4.0]])
    assert (fitted.commands.tolist(), fitted.counts.tolist()) == ([[3.0, 4.0]], [2])
    kinds = [asked_commands(TRAINING), achieved_commands(TRAINING), fitted, command_support([(1.0, 2.0)])]
    assert [support.kind for support in kinds] == ["asked", "achieved", "fitted", "given"]
    assert command_support(TRAINING).kind is SupportKind.ASKED
    assert command_support(fitted) is fitted
    assert "last fit" in fitted.kind.words
    assert len({kind.words for kind in SupportKind}) == len(SupportKind)


def test_supports_of_the_wrong_form_are_refused():
    with pytest.raises(ValueError, match=r"whole input rows, got \(3, 2\)"):
        fitted_commands(np.zeros((3, 2)))
    with pytest.raises(ValueError, match="'length' is missing"):
        achieved_commands(TRAINING.drop(columns="length"))
    with pytest.raises(ValueError, match="at least one command, got none"):
        fitted_commands(np.zeros((0, 6)))


def clusters(seed, n=40, repeat=1):
    generator = np.random.default_rng(seed)
    points = np.concatenate([generator.normal(60, 20, (n, 2)), generator.normal((150, 30), 6, (n, 2))])
    return command_support(np.repeat(points, repeat, axis=0))


@pytest.mark.parametrize("repeat", [1, 40])  # 3200 commands: four must lie near
def test_tiles_agree_with_what_is_seen_inside_and_on_their_borders(repeat):
    support = clusters(1, repeat=repeat)
    if repeat > 1:  # most of them alone
        counts = np.ones_like(support.counts)
        counts[::7] = 500
        support = CommandSupport(support.commands, counts)
        assert support.n_needed > 4
    region = seen_region(support, 16)
    generator = np.random.default_rng(2)
    lines = (region.return_edges, region.horizon_edges)
    inside = np.column_stack([generator.uniform(edges[0], edges[-1], 20_000) for edges in lines])
    borders = np.column_stack([generator.choice(edges, 5000) for edges in lines])
    for commands in (inside, borders):
        seen = support.seen(commands)
        for move in (-np.inf, np.inf):
            i, j = (
                np.clip(np.searchsorted(edges, np.nextafter(commands[:, axis], move), side="right") - 1, 0, n - 1)
                for axis, (edges, n) in enumerate(zip(lines, region.inner.shape, strict=True))
            )
            assert seen[region.inner[i, j]].all()
            assert not seen[~region.outer[i, j]].any()
    assert (region.inner <= region.outer).all()
    assert region.inner.any()
    beyond = np.array([(lines[0][-1] + 1e-6, 30.0), (60.0, lines[1][0] - 1e-6)])
    assert not support.seen(beyond).any()


def one_colour(width, height):
    actions = np.zeros((1, 1), dtype=np.int64)
    return CommandCells(np.array([-width, width]), np.array([-height, height]), np.ones((1, 1, 1)), actions)


def test_the_area_of_one_disc_is_that_of_a_circle():
    support = command_support([(0.0, 0.0)])  # both spreads are 1
    for n_tiles in (32, 96):
        low, high = seen_areas(one_colour(3.0, 2.0), seen_region(support, n_tiles))
        assert low[0] < np.pi * 0.25**2 < high[0]
        assert high[0] - low[0] < 1.6 * 2 * np.pi * 0.25 / n_tiles  # a border one to two tiles thick
        half_low, half_high = seen_areas(
            CommandCells(np.array([0.0, 3.0]), np.array([-2.0, 2.0]), np.ones((1, 1, 1)), np.zeros((1, 1), np.int64)),
            seen_region(support, n_tiles),
        )
        assert half_low[0] < np.pi * 0.25**2 / 2 < half_high[0]


def test_shares_of_the_seen_part_are_bounded_and_met_by_samples():
    inputs, actions = training_rows(actions=(0, 1, 2))
    policy = policy_from_estimator(
        RandomForestClassifier(15, random_state=0).fit(scaled(inputs, 0.02, 0.02), actions), 3, 0.02, 0.02
    )
    result = command_map(
        policy, inputs[0, :-2], (0.0, 220.0), (1.0, 200.0), training_commands=fitted_commands(inputs[::6])
    )
    frame = result.share_frame()
    assert tuple(frame.columns) == SHARE_COLUMNS
    assert set(frame["support"]) == {"fitted"}
    commands = np.random.default_rng(3).uniform((0, 1), (220, 200), (40_000, 2))
    seen = result.support.seen(commands)
    assert 0.05 < seen.mean() < 0.95
    assert frame["seen_plane_share"].iloc[0] == pytest.approx(seen.mean(), abs=0.02)
    sampled = np.bincount(result.action_at(*commands[seen].T), minlength=3) / seen.sum()
    assert (frame["seen_area_share_low"] - 0.01 <= sampled).all()
    assert (sampled <= frame["seen_area_share_high"] + 0.01).all()
    assert frame["seen_area_share"].sum() == pytest.approx(1.0)
    assert frame["seen_area_share"].between(frame["seen_area_share_low"], frame["seen_area_share_high"]).all()
    assert not np.allclose(frame["seen_area_share"], frame["area_share"], atol=0.01)


def test_without_training_commands_nothing_is_said_of_the_seen_part():
    result = command_map(corner_policy(), [0.0], (0, 100), (0, 50))
    assert result.share_frame()[["seen_area_share", "seen_area_share_low", "seen_plane_share"]].isna().all(axis=None)
    frame = result.nearest_frame((60.0, 40.0), (10.0, 5.0))
    assert frame["seen"].isna().all()
    assert "seen" not in frame["change"].tolist()
    assert result.nearest_change((60.0, 40.0), (10.0, 5.0)).seen is None
    with pytest.raises(ValueError, match="metric must be"):
        result.nearest_change((60.0, 40.0))


def test_the_nearest_change_is_unseen_and_the_nearest_seen_one_is_known():
    """Action 1 above return 40 at horizons up to 30; training met only returns about 20 and about 80."""
    support = command_support([(20.0, 10.0), (80.0, 10.0), (20.0, 30.0), (80.0, 30.0)])
    assert support.spread == (30.0, 10.0)
    result = command_map(corner_policy(), [0.0], (0, 100), (0, 50), training_commands=support)
    change = result.nearest_change((20.0, 10.0))
    assert (change.command_to.desired_return, change.both.seen) == (np.nextafter(EDGE_40, np.inf), False)
    # The disc of (80, 10) begins a quarter of 30 before it.
    assert change.seen.seen
    assert change.seen.action == 1
    assert change.seen_infimum <= (72.5 - 20) / 30 <= change.seen.distance
    assert change.seen.distance - change.seen_infimum < 2.5 / 32
    assert change.seen.infimum == change.seen_infimum
    frame = result.nearest_frame((20.0, 10.0))
    assert frame["change"].tolist() == ["both", "desired_return", "desired_horizon", "seen"]
    assert frame["seen"].tolist() == [False, False, pd.NA, True]
    assert set(frame["support"]) == {"given"}
    assert frame["exact"].tolist() == [True, True, True, False]
    assert "tiles of 1/32 spread" in frame["method"].iloc[3]


def test_a_nearest_change_that_is_seen_is_the_nearest_seen_one_to_the_bit():
    support = command_support([(38.0, 20.0), (42.0, 20.0), (90.0, 45.0)])
    result = command_map(corner_policy(), [0.0], (0, 100), (0, 50), training_commands=support)
    change = result.nearest_change((38.0, 20.0))
    assert change.seen == change.both
    assert change.seen_infimum == change.infimum
    assert change.seen.distance - change.infimum < SURE_WITHIN
    assert result.nearest_frame((38.0, 20.0))["exact"].all()
    # Straight down the horizon: the closed edge is reached exactly.
    down = command_map(corner_policy(), [0.0], (0, 100), (0, 50), training_commands=[(60.0, EDGE_30), (70.0, 40.0)])
    assert down.nearest_change((60.0, 30.5)).seen.command.desired_horizon == EDGE_30


def test_where_no_seen_command_flips_that_is_certain():
    result = command_map(
        corner_policy(), [0.0], (0, 100), (0, 50), training_commands=[(10.0, 10.0), (20.0, 20.0), (25.0, 35.0)]
    )
    change = result.nearest_change((20.0, 20.0))
    assert change.seen is None
    assert change.seen_infimum == np.inf
    row = result.nearest_frame((20.0, 20.0)).iloc[3]
    assert (row["found"], row["infimum"], row["exact"]) == (False, np.inf, True)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 30), st.floats(0, 220), st.floats(1, 200), st.sampled_from([1, 12]))
def test_no_sampled_seen_command_flips_nearer_than_the_certificate(seed, r, h, n_trees):
    inputs, actions = training_rows(actions=(0, 1, 2), seed=seed % 3)
    policy = policy_from_estimator(
        RandomForestClassifier(n_trees, max_depth=6, random_state=seed).fit(scaled(inputs, 0.02, 0.02), actions),
        3, 0.02, 0.02,
    )  # fmt: skip
    support = fitted_commands(inputs[seed::9])
    result = command_map(policy, inputs[seed, :-2], (0.0, 220.0), (1.0, 200.0), training_commands=support)
    change = result.nearest_change((r, h))
    generator = np.random.default_rng(seed)
    tried = np.concatenate(
        [
            generator.uniform((0, 1), (220, 200), (4000, 2)),
            commands_around(result.cells, generator, 0, 2000),
            support.commands[(support.commands <= (220, 200)).all(axis=1) & (support.commands >= (0, 1)).all(axis=1)],
        ]
    )
    tried = tried[support.seen(tried)]
    own = greedy_actions(asked(policy, inputs[seed, :-2], [[r, h]]))[0]
    flips = greedy_actions(asked(policy, inputs[seed, :-2], tried)) != own
    distances = np.hypot(*((tried - (r, h)) / support.spread).T)[flips]
    if change is None:
        assert not flips.any()
        return
    assert (distances >= change.seen_infimum - 1e-12).all()
    assert change.seen_infimum >= change.infimum - 1e-15
    if change.seen is None:
        assert np.isinf(change.seen_infimum) or not (distances < np.inf).any()
        return
    to = (change.seen.command.desired_return, change.seen.command.desired_horizon)
    assert support.seen([to])[0]
    assert greedy_actions(asked(policy, inputs[seed, :-2], [to]))[0] == change.seen.action != own
    assert change.seen.distance == pytest.approx(np.hypot(*((np.array(to) - (r, h)) / support.spread)), rel=1e-12)
    trained = support.seen_commands
    trained = trained[(trained <= (220, 200)).all(axis=1) & (trained >= (0, 1)).all(axis=1)]
    flips = greedy_actions(asked(policy, inputs[seed, :-2], trained)) != own
    distances = np.hypot(*((trained - (r, h)) / support.spread).T)[flips]
    assert (distances >= change.seen.distance - 1e-12).all()


def test_a_net_is_asked_under_the_training_commands_themselves():
    weights = np.array([[0.0], [1.0], [-1.0]])  # action 1 where desired return is above desired horizon
    net = NeuralPolicy((weights,), (np.zeros(1),), np.array([0, 1]), 2, "identity", CommandScale())
    support = command_support([(20.0, 60.0), (61.0, 60.0), (90.0, 10.0)])
    result = command_map(net, [0.0], (0, 100), (1, 101), grid=(3, 3), training_commands=support)
    change = result.nearest_change((20.0, 60.0), (10.0, 10.0))
    assert (change.seen.command.desired_return, change.seen.command.desired_horizon) == (61.0, 60.0)
    assert change.both.distance <= change.seen.distance
    assert change.seen_infimum is None
    row = result.nearest_frame((20.0, 60.0), (10.0, 10.0)).iloc[3]
    assert not row["exact"]
    assert "training commands" in row["method"]


def test_the_figure_leads_to_the_seen_change_too(tmp_path):
    support = command_support([(20.0, 10.0), (80.0, 10.0), (20.0, 30.0), (80.0, 30.0)])
    result = command_map(corner_policy(), [0.0], (0, 100), (0, 50), training_commands=support)
    nearest = read_csv(write_csv(result.nearest_frame((20.0, 10.0)), tmp_path / "nearest.csv"))
    axes = plot_command_map(result.to_frame(), nearest=nearest)
    to = nearest.set_index("change")
    ends = [text.xy for text in axes.texts]
    assert (to.loc["seen", "to_return"], to.loc["seen", "to_horizon"]) in ends
    assert len(ends) == 2
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert "nearest change in this plane (unseen)" in legend
    assert "nearest seen change" in legend
    same = nearest.assign(seen=True)
    same.loc[3, ["to_return", "to_horizon"]] = same.loc[0, ["to_return", "to_horizon"]].to_numpy()
    axes = plot_command_map(result.to_frame(), nearest=same)
    assert len(axes.texts) == 1
    assert "nearest change in this plane (seen)" in [text.get_text() for text in axes.get_legend().get_texts()]


def test_an_edge_of_a_cell_on_the_border_of_a_tile_belongs_to_the_right_cell():
    """The plane begins on an edge of the policy, its first cell holds one return alone."""
    policy = forest_policy([(RETURN, 40.0, [1.0, 0.0], (HORIZON, 30.0, [0.0, 1.0], [1.0, 0.0]))])
    support = command_support([(EDGE_40, 10.0), (60.0, 40.0)])
    result = command_map(policy, [0.0], (EDGE_40, 100.0), (1.0, 50.0), training_commands=support)
    assert result.return_edges[0] == result.return_edges[1]
    change = result.nearest_change((60.0, 40.0))
    assert support.seen([(change.seen.command.desired_return, change.seen.command.desired_horizon)])[0]
    assert change.seen.action == 1
    back = result.nearest_change((np.nextafter(EDGE_40, np.inf), 10.0))
    assert (back.seen.command.desired_return, back.seen.action) == (EDGE_40, 0)


def test_levels_are_commands_of_the_support_with_rising_return():
    commands = np.array([[float(r), float(h)] for r in range(30) for h in (3, 1, 2)])
    levels = command_support(commands).levels(10)
    assert len(levels) == 10
    assert (np.diff(levels[:, 0]) > 0).all()
    assert {tuple(level) for level in levels} <= {tuple(command) for command in commands}
    assert (levels[:, 1] == 2).all(), "of every share the middle horizon"
    # Weights count: nine rows in ten ask for 5, so most shares are of that one command.
    heavy = np.concatenate([np.tile([[5.0, 5.0]], (90, 1)), np.arange(20.0).reshape(10, 2)])
    assert len(command_support(heavy).levels(10)) < 10
    assert command_support([[7.0, 3.0]]).levels().tolist() == [[7.0, 3.0]]
