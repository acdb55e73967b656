import numpy as np
import pandas as pd
import pytest
from core_helpers import scaled, training_rows
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import PolyCollection, QuadMesh
from matplotlib.legend import Legend
from shapley_helpers import digest, stump_forest
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier

from udrl_explain.analysis.timeline.flips import command_flips
from udrl_explain.analysis.timeline.result import COLUMNS, FLIP_COLUMNS, episode_timeline
from udrl_explain.attributions import attribute
from udrl_explain.command_space.influence import command_influence
from udrl_explain.command_space.support import command_support
from udrl_explain.commands import CommandScale, input_rows
from udrl_explain.episodes import Episode
from udrl_explain.figures.timeline import plot_timeline
from udrl_explain.policies import ForestPolicy, policy_from_estimator
from udrl_explain.tables import read_csv, write_csv
from udrl_explain.trees.float32_edges import last_input_left

NAMES = ("position", "velocity", "angle", "spin", "desired_return", "desired_horizon")
ACTIONS = ("left", "none", "right")
LENGTH = 30


def forest_policy(n_trees=12, seed=0):
    inputs, actions = training_rows(actions=(0, 1, 2), seed=seed)
    estimator = RandomForestClassifier(n_trees, random_state=seed).fit(scaled(inputs, 0.02, 0.05), actions)
    return policy_from_estimator(estimator, 3, 0.02, 0.05, feature_names=NAMES, action_names=ACTIONS), inputs


def play(policy, states, desired_return, horizon, reward=3.0):
    """An episode along given states, the command running down as in training."""
    steps = np.arange(len(states))
    inputs = np.column_stack([states, desired_return - reward * steps, np.maximum(horizon - steps, 1.0)])
    actions = policy.action_probabilities(inputs).argmax(axis=1).astype(np.int64)
    return Episode(inputs, actions, np.full(len(states), reward), seed=3)


@pytest.fixture(scope="module")
def case():
    policy, inputs = forest_policy()
    return policy, play(policy, inputs[:LENGTH, :-2], 230.0, 120.0), inputs[:, -2:]


@pytest.fixture(scope="module")
def timeline(case):
    policy, episode, commands = case
    return episode_timeline(policy, episode, training_commands=commands)


@pytest.fixture(scope="module")
def frame(timeline, tmp_path_factory):
    """As the figure gets it: from the CSV."""
    return read_csv(write_csv(timeline.to_frame(), tmp_path_factory.mktemp("timeline") / "timeline.csv"))


def test_the_table_alone_adds_up_to_the_probability_of_the_action_taken(case, frame):
    policy, episode, _ = case
    assert tuple(frame.columns) == COLUMNS
    assert len(frame) == LENGTH * (3 + 1 + 6 + 1)
    probabilities = policy.action_probabilities(episode.inputs)
    for step, rows in frame.groupby("step"):
        taken = rows["action_name"].iloc[0]
        values = rows.set_index("name")["value"]
        assert values["base value"] + values[list(NAMES)].sum() == pytest.approx(values[taken], abs=1e-9)
        assert values["command pair"] == values["desired_return"] + values["desired_horizon"]
        np.testing.assert_array_equal(values[list(ACTIONS)], probabilities[step])
        np.testing.assert_array_equal(rows.set_index("name")["input"][list(NAMES)], episode.inputs[step])


def test_shapley_values_are_those_of_the_action_taken_not_of_the_best(case):
    policy, episode, _ = case
    others = (episode.actions + 1) % 3
    sampled = Episode(episode.inputs, others, episode.rewards, episode.seed)
    timeline = episode_timeline(policy, sampled)
    values = attribute(policy, episode.inputs).values
    np.testing.assert_allclose(timeline.shapley, values[np.arange(LENGTH), :, others], atol=1e-12)
    assert not timeline.to_frame()["is_greedy"].any()
    assert episode_timeline(policy, episode).to_frame()["is_greedy"].all()


def test_each_step_tells_its_command_margin_influence_and_support(case, timeline):
    policy, episode, commands = case
    steps = timeline.to_frame().drop_duplicates("step")
    support = command_support(commands)
    influence = command_influence(policy, episode.inputs, commands)
    np.testing.assert_array_equal(steps["desired_return"], episode.inputs[:, -2])
    np.testing.assert_array_equal(steps["desired_horizon"], episode.inputs[:, -1])
    np.testing.assert_array_equal(steps["command_influence"], influence.influence)
    np.testing.assert_array_equal(steps["flip_share"], influence.flip_share)
    np.testing.assert_array_equal(steps["seen"], support.seen(episode.inputs[:, -2:]))
    assert steps["seen"].nunique() == 2
    for probabilities, margin in zip(policy.action_probabilities(episode.inputs), steps["margin"], strict=True):
        first, second = sorted(probabilities, reverse=True)[:2]
        assert margin == first - second


def test_flips_are_the_policy_s_and_no_training_command_flips_nearer(case, timeline):
    policy, episode, commands = case
    flips = timeline.flips_frame()
    assert tuple(flips.columns) == FLIP_COLUMNS
    assert 5 < len(flips) <= LENGTH
    low, high, spread = commands.min(axis=0), commands.max(axis=0), commands.std(axis=0)
    own = policy.action_probabilities(episode.inputs).argmax(axis=1)
    nearest = dict(zip(flips["step"], flips["distance"], strict=True))
    assert set(flips["support"]) == {"given"}
    for row in flips.itertuples():
        there = input_rows(episode.inputs[row.step, :-2], (row.flip_return, row.flip_horizon))
        assert policy.action_probabilities(there)[0].argmax() == row.flip_action != own[row.step] == row.action
        assert (low <= there[0, -2:]).all()
        assert (there[0, -2:] <= high).all()
        moved = (there[0, -2:] - episode.inputs[row.step, -2:]) / spread
        assert row.distance == pytest.approx(np.hypot(*moved))
        assert (row.return_spread, row.horizon_spread) == pytest.approx(tuple(spread))
        assert row.flip_seen == command_support(commands).seen(there[:, -2:])[0]
    generator = np.random.default_rng(0)
    for step in range(LENGTH):
        tried = generator.uniform(low, high, size=(3000, 2))
        chosen = policy.action_probabilities(input_rows(episode.inputs[step, :-2], tried)).argmax(axis=1)
        distances = np.hypot(*((tried - episode.inputs[step, -2:]) / spread).T)[chosen != own[step]]
        assert (distances >= nearest.get(step, np.inf) - 1e-12).all()
        if step in nearest:
            reached = set(chosen) | {own[step]}
            assert len(reached) <= flips.set_index("step")["n_actions_reachable"][step] <= 3
    table, flips = timeline.to_frame().drop_duplicates("step"), flips.sort_values("step")
    assert table.loc[table["flips"], "step"].tolist() == flips["step"].tolist()
    np.testing.assert_array_equal(table.loc[table["flips"], "flip_distance"], flips["distance"])
    assert table["flips_exact"].all()


def test_no_seen_command_flips_nearer_than_the_seen_flip_s_certificate(case, timeline):
    policy, episode, commands = case
    support, flips = command_support(commands), timeline.flips_frame().set_index("step")
    low, high, spread = commands.min(axis=0), commands.max(axis=0), np.array(support.spread)
    own = policy.action_probabilities(episode.inputs).argmax(axis=1)
    generator = np.random.default_rng(1)
    # Training commands, and points around them: all over the seen part.
    near = commands[generator.integers(len(commands), size=6000)] + generator.uniform(-0.25, 0.25, (6000, 2)) * spread
    tried = np.concatenate([commands, near])
    tried = tried[support.seen(tried) & (tried >= low).all(axis=1) & (tried <= high).all(axis=1)]
    n_found = 0
    for step in range(LENGTH):
        chosen = policy.action_probabilities(input_rows(episode.inputs[step, :-2], tried)).argmax(axis=1)
        distances = np.hypot(*((tried - episode.inputs[step, -2:]) / spread).T)[chosen != own[step]]
        if step not in flips.index:
            assert len(distances) == 0
            continue
        row = flips.loc[step]
        assert (distances >= row["seen_infimum"] - 1e-9).all()
        if np.isnan(row["seen_distance"]):
            continue
        n_found += 1
        there = input_rows(episode.inputs[step, :-2], (row["seen_flip_return"], row["seen_flip_horizon"]))
        assert policy.action_probabilities(there)[0].argmax() == row["seen_flip_action"] != own[step]
        assert support.seen(there[:, -2:])[0]
        moved = (there[0, -2:] - episode.inputs[step, -2:]) / spread
        assert row["seen_distance"] == pytest.approx(np.hypot(*moved), abs=1e-12)
        assert row["distance"] - 1e-12 <= row["seen_infimum"] <= row["seen_distance"]
        if row["flip_seen"]:
            assert row["seen_distance"] <= row["distance"] + 0.1
    assert n_found > 5


def test_no_flip_is_one_float_step_nearer_within_the_training_range(case, timeline):
    policy, episode, commands = case
    low, high = commands.min(axis=0), commands.max(axis=0)
    n_checked = 0
    for row in timeline.flips_frame().itertuples():
        here, to = episode.inputs[row.step, -2:], np.array([row.flip_return, row.flip_horizon])
        for axis in (0, 1):
            nearer = to.copy()
            nearer[axis] = np.nextafter(to[axis], here[axis])
            if to[axis] != here[axis] and (low <= nearer).all() and (nearer <= high).all():
                n_checked += 1
                there = policy.action_probabilities(input_rows(episode.inputs[row.step, :-2], nearer))[0].argmax()
                assert there == row.action
    assert n_checked > 5


def parting_by_hand(policy, row, other):
    """Tests at which the trees' paths part, as (input, threshold), from plain walks."""
    forest, found = policy.forest, []
    rows = policy.tree_inputs(np.stack([row, other]))
    for root in forest.roots:
        node = root
        while forest.children_left[node] >= 0:
            sides = rows[:, forest.feature[node]] <= forest.threshold[node]
            if sides[0] != sides[1]:
                found.append((int(forest.feature[node]), float(forest.threshold[node])))
                break
            node = (forest.children_left if sides[0] else forest.children_right)[node]
    return found


def test_the_decisive_test_parts_the_most_trees(case, timeline):
    policy, episode, _ = case
    for row in timeline.flips_frame().itertuples():
        here = episode.inputs[row.step]
        other = np.append(here[:-2], [row.flip_return, row.flip_horizon])
        parting = parting_by_hand(policy, here, other)
        counts = {test: parting.count(test) for test in parting}
        feature = NAMES.index(row.decisive_feature)
        scale = (0.02, 0.05)[feature - 4]
        (told,) = [
            n for (f, t), n in counts.items() if f == feature and t == pytest.approx(row.decisive_threshold * scale)
        ]
        assert told == row.n_trees_at_test == max(counts.values())
        assert row.n_trees_parting == len(parting)
        assert row.n_trees == 12


def two_readers():
    """Three trees of one test each: two ask for a return above 100, one for a horizon above 40; the mean decides."""
    forest = stump_forest(np.array([4, 4, 5]), np.array([2.0, 2.0, 0.8]), np.ones(3), np.zeros(3), n_features=6).forest
    return ForestPolicy(forest, CommandScale(0.02, 0.02))


def test_the_flip_of_a_policy_that_reads_only_the_return_is_known():
    policy = two_readers()
    support = command_support([(0.0, 10.0), (200.0, 50.0)])
    inputs = np.array([[0, 0, 0, 0, 60.0, 30.0], [0, 0, 0, 0, 260.0, 30.0]])
    (up, down), method, exact = command_flips(policy, inputs, support, (2, 2))
    # float32(v * 0.02) <= 2 holds a little beyond 100: up to the middle of two float32 numbers.
    assert up.nearest.command.desired_return == pytest.approx(100.0, rel=1e-7)
    assert up.nearest.command.desired_return > 100.0
    assert (
        np.float32(up.nearest.command.desired_return * 0.02)
        > 2.0
        >= np.float32(np.nextafter(up.nearest.command.desired_return, 0) * 0.02)
    )
    assert (up.nearest.command.desired_horizon, up.nearest.action, up.n_actions_reachable) == (30.0, 1, 2)
    assert up.nearest.distance == pytest.approx(40.0 / 100.0, rel=1e-6)
    assert (up.decisive.feature, up.decisive.threshold) == (4, 100.0)
    assert (up.decisive.n_trees, up.decisive.n_trees_parting) == (2, 2)
    assert (down.nearest.action, down.n_actions_reachable) == (0, 2)
    assert down.nearest.distance == pytest.approx(160.0 / 100.0, rel=1e-6)
    assert exact
    assert "exact cells" in method


@settings(max_examples=30, deadline=None)
@given(st.floats(-50, 250), st.floats(1, 60), st.booleans(), st.booleans())
def test_training_commands_that_agree_on_an_axis_search_only_that_line(desired, horizon, one_return, one_horizon):
    returns = (150.0, 150.0) if one_return else (50.0, 150.0)
    horizons = (20.0, 20.0) if one_horizon else (20.0, 60.0)
    support = command_support(np.column_stack([returns, horizons]))
    row = np.array([[0, 0, 0, 0, desired, horizon]])
    ((flip,), _, _) = command_flips(two_readers(), row, support, (2, 2))
    own = two_readers().action_probabilities(row)[0].argmax()
    # Action 1 wherever the return is above 100.
    if own == 1 and one_return:
        assert flip is None
        return
    assert flip.nearest.action == 1 - own
    assert returns[0] <= flip.nearest.command.desired_return <= returns[1]
    assert horizons[0] <= flip.nearest.command.desired_horizon <= horizons[1]
    assert flip.nearest.command.desired_horizon == np.clip(horizon, *horizons)


def test_a_flip_one_float_step_beyond_the_only_training_return_is_out_of_range():
    """The plane searched is one float64 step wide then, and the policy changes exactly within that step."""
    only = float(last_input_left(2.0, 0.02))
    inputs = np.array([[0, 0, 0, 0, only, 30.0]])
    beyond = input_rows(inputs[0, :-2], (np.nextafter(only, np.inf), 30.0))
    actions = two_readers().action_probabilities(np.concatenate([inputs, beyond])).argmax(axis=1)
    assert actions.tolist() == [0, 1]
    assert command_flips(two_readers(), inputs, command_support([(only, 30.0), (only, 20.0)]), (2, 2))[0] == [None]


def test_a_policy_without_trees_is_asked_on_a_stated_grid():
    inputs, actions = training_rows(actions=(0, 1, 2))
    policy = policy_from_estimator(KNeighborsClassifier(9).fit(inputs, actions), 3)
    episode = play(policy, inputs[:6, :-2], 100.0, 90.0)
    timeline = episode_timeline(policy, episode, inputs[:10], training_commands=inputs[:, -2:], grid=(5, 7))
    flips = timeline.flips_frame()
    assert len(flips) > 0
    assert set(flips["method"]) == {"grid of 5 x 7 commands over the training range, and the training commands"}
    assert not flips["exact"].any()
    assert flips["decisive_feature"].isna().all()
    assert (flips["n_trees"] == 0).all()
    (low, high), spread = (inputs[:, -2:].min(axis=0), inputs[:, -2:].max(axis=0)), inputs[:, -2:].std(axis=0)
    points = [(r, h) for r in np.linspace(low[0], high[0], 5) for h in np.linspace(low[1], high[1], 7)]
    points = np.concatenate([points, command_support(inputs[:, -2:]).seen_commands])
    for row in flips.itertuples():
        here = episode.inputs[row.step]
        chosen = policy.action_probabilities(input_rows(here[:-2], points)).argmax(axis=1)
        distances = np.hypot(*((points - here[-2:]) / spread).T)[chosen != row.action]
        assert row.distance == pytest.approx(distances.min())
    assert set(timeline.to_frame()["n_background"]) == {0, 10}


def test_a_policy_blind_to_its_command_never_flips():
    inputs, actions = training_rows()
    blind = inputs.copy()
    blind[:, -2:] = 10.0
    policy = policy_from_estimator(RandomForestClassifier(5, random_state=0).fit(blind, actions), 2)
    timeline = episode_timeline(policy, play(policy, inputs[:4, :-2], 50.0, 50.0), training_commands=inputs[:, -2:])
    flips = timeline.flips_frame()
    assert len(flips) == 0
    assert tuple(flips.columns) == FLIP_COLUMNS
    assert not timeline.to_frame()["flips"].any()
    assert (timeline.to_frame()["command_influence"] == 0).all()


def test_without_training_commands_flips_are_unknown_not_none(case):
    policy, episode, _ = case
    timeline = episode_timeline(policy, episode)
    assert timeline.to_frame()["flips"].isna().all()
    assert timeline.to_frame()["command_influence"].isna().all()
    with pytest.raises(ValueError, match="training_commands"):
        timeline.flips_frame()


def test_a_policy_that_needs_a_background_says_so():
    inputs, actions = training_rows()
    policy = policy_from_estimator(GradientBoostingClassifier(n_estimators=2).fit(inputs, actions), 2)
    with pytest.raises(ValueError, match="background"):
        episode_timeline(policy, play(policy, inputs[:3, :-2], 50.0, 50.0))


def test_bad_arguments_are_named(case):
    policy, episode, commands = case
    strange = Episode(episode.inputs, episode.actions + 3, episode.rewards, 1)
    with pytest.raises(ValueError, match=r"actions must lie in 0\.\.2"):
        episode_timeline(policy, strange)
    with pytest.raises(ValueError, match="grid must be"):
        episode_timeline(policy, episode, training_commands=commands, grid=(1, 5))


def test_the_policy_is_not_modified(case):
    policy, episode, commands = case
    before = digest(policy)
    episode_timeline(policy, episode, training_commands=commands)
    assert digest(policy) == before


def strips_of(figure):
    return {axes.get_title(loc="left"): axes for axes in figure.axes if axes.get_title(loc="left")}


def block_steps(collection):
    return [path.vertices[:, 0].min() + 0.5 for path in collection.get_paths()]


def test_the_strips_show_the_numbers_of_the_csv(frame):
    strips = strips_of(plot_timeline(frame))
    steps = frame.drop_duplicates("step")
    assert len(strips) == 7
    for title, column in (
        ("action taken", "action"),
        ("action under the nearest seen command that flips it", "seen_flip_action"),
    ):
        blocks = [artist for artist in strips[title].collections if isinstance(artist, PolyCollection)]
        blocks = [artist for artist in blocks if artist.get_label() != "_unseen"]
        shown = {action: block_steps(blocks[action]) for action in range(3)}
        assert shown == {action: steps.loc[steps[column] == action, "step"].tolist() for action in range(3)}
    for name, unit in (("return", "reward"), ("horizon", "steps")):
        line = strips[f"command in force: desired {name} ({unit})"].get_lines()[0]
        np.testing.assert_array_equal(line.get_ydata(), steps[f"desired_{name}"])
    bars = strips["action probabilities, stacked"].containers
    for action, container in zip(ACTIONS, bars, strict=True):
        expected = frame[(frame["part"] == "probability") & (frame["name"] == action)]["value"]
        np.testing.assert_allclose([bar.get_height() for bar in container], expected, atol=1e-12)
        assert container.get_label() == action
    influence = strips["command influence (expected total variation)"].get_lines()[0]
    np.testing.assert_array_equal(influence.get_ydata(), steps["command_influence"])


def test_steps_that_only_an_unseen_command_flips_are_hatched(frame):
    steps = frame.drop_duplicates("step")
    unseen = frame.assign(seen_flips=False, seen_flip_action=np.nan)
    figure = plot_timeline(unseen)
    axes = strips_of(figure)["action under the nearest seen command that flips it"]
    hatched = [artist for artist in axes.collections if artist.get_label() == "_unseen"]
    shown = [(block_steps(artist)[0], artist.get_paths()[0].vertices[:, 1].min()) for artist in hatched]
    flips = steps[steps["flips"]]
    assert shown == list(zip(flips["step"], flips["flip_action"], strict=True))
    told = [text.get_text() for legend in figure.findobj(Legend) for text in legend.get_texts()]
    assert "only an unseen command flips" in told


def test_the_signed_heat_map_is_centred_at_0_with_the_pair_apart(frame):
    axes = strips_of(plot_timeline(frame))["Shapley values for the action taken"]
    meshes = [artist for artist in axes.collections if isinstance(artist, QuadMesh)]
    assert [mesh.get_array().shape for mesh in meshes] == [(6, LENGTH), (1, LENGTH)]
    values = frame[frame["part"] == "Shapley value"].pivot(index="name", columns="step", values="value")
    shown = np.vstack([mesh.get_array() for mesh in meshes])
    np.testing.assert_array_equal(shown, values.loc[[*NAMES, "command pair"]])
    norm = meshes[0].norm
    assert norm is meshes[1].norm
    assert norm.vmin == -norm.vmax == -np.abs(shown).max()
    (marks,) = [line for line in axes.get_lines() if line.get_label() == "negative"]
    rows, columns = np.nonzero(shown < -0.25 * norm.vmax)
    np.testing.assert_array_equal(marks.get_xdata(), columns)
    assert len(rows) > 0


def test_exactly_the_steps_with_an_unseen_command_are_hatched(frame):
    strips = strips_of(plot_timeline(frame))
    steps = frame.drop_duplicates("step")
    for title in ("command in force: desired return (reward)", "command in force: desired horizon (steps)"):
        spans = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in strips[title].patches]
        hatched = [any(low < step < high for low, high in spans) for step in steps["step"]]
        assert hatched == (~steps["seen"]).tolist()
    (legend,) = strips["action taken"].figure.legends
    assert "unseen in training" in [text.get_text() for text in legend.get_texts()]


def test_without_training_commands_their_strips_are_left_out(case, tmp_path):
    policy, episode, _ = case
    plain = episode_timeline(policy, episode).to_frame()
    strips = strips_of(plot_timeline(read_csv(write_csv(plain, tmp_path / "plain.csv"))))
    assert len(strips) == 5
    assert not any("influence" in title or "flips" in title for title in strips)
    shown = [text.get_text() for legend in strips["action taken"].figure.legends for text in legend.get_texts()]
    assert not any("unseen" in text for text in shown)


def test_with_two_actions_the_distance_to_the_flip_is_shown(frame):
    """The other action is no news where there are two."""
    two = frame[~((frame["part"] == "probability") & (frame["name"] == ACTIONS[2]))]
    strips = strips_of(plot_timeline(two))
    bars = strips["distance to the nearest command that flips the action (spreads)"].containers[0]
    steps = two.drop_duplicates("step")
    seen = steps[steps["seen_flips" if "seen_flips" in steps else "flips"].astype(bool)]
    column = "seen_flip_distance" if "seen_flip_distance" in steps else "flip_distance"
    assert len(seen) > 0
    np.testing.assert_array_equal([bar.get_height() for bar in bars], seen[column])
    np.testing.assert_array_equal([bar.get_x() + 0.5 for bar in bars], seen["step"])


def test_chosen_strips_alone(frame):
    assert list(strips_of(plot_timeline(frame, strips=("return", "influence")))) == [
        "command in force: desired return (reward)",
        "command influence (expected total variation)",
    ]
    with pytest.raises(ValueError, match=r"strips must be some of action, return.* got 'reward'"):
        plot_timeline(frame, strips=("reward",))


def test_an_empty_frame_is_refused():
    with pytest.raises(ValueError, match="empty frame"):
        plot_timeline(pd.DataFrame(columns=list(COLUMNS)))
