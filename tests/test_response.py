import numpy as np
import pandas as pd
import pytest
from core_helpers import scaled, training_rows
from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.patches import Rectangle
from shapley_helpers import digest, stump_forest
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier

from udrl_explain.analysis.response import (
    COLUMNS,
    IMPORTANCE_COLUMNS,
    SUMMARY_COLUMNS,
    command_response,
)
from udrl_explain.attributions import attribute
from udrl_explain.command_space.influence import state_influence
from udrl_explain.commands import CommandScale, input_rows
from udrl_explain.figures.response import plot_command_response, plot_importance_by_command
from udrl_explain.policies import ForestPolicy, policy_from_estimator
from udrl_explain.statistics.intervals import EPISODES_OF_ONE, mean_interval
from udrl_explain.tables import read_csv, write_csv

LEVELS = np.array([-20.0, 40.0, 100.0, 160.0, 400.0])
NAMES = ("position", "velocity", "angle", "spin", "desired_return", "desired_horizon")


@pytest.fixture(scope="module")
def case():
    inputs, actions = training_rows(actions=(0, 1, 2))
    estimator = RandomForestClassifier(15, random_state=0).fit(scaled(inputs, 0.02, 0.05), actions)
    policy = policy_from_estimator(
        estimator, 3, 0.02, 0.05, feature_names=NAMES, action_names=("left", "none", "right")
    )
    return policy, inputs


@pytest.fixture(scope="module")
def response(case):
    policy, inputs = case
    return command_response(
        policy, inputs[:40, :-2], LEVELS, LEVELS / 2 + 60, training_commands=inputs[:, -2:],
    )  # fmt: skip


def at_level(case, level):
    _, inputs = case
    return input_rows(inputs[:40, :-2], (LEVELS[level], LEVELS[level] / 2 + 60))


def test_each_row_says_what_the_policy_itself_does(case, response):
    policy, _ = case
    frame = response.to_frame()
    assert tuple(frame.columns) == COLUMNS
    assert len(frame) == 15
    before = None
    for level in range(5):
        probabilities = policy.action_probabilities(at_level(case, level))
        greedy = probabilities.argmax(axis=1)
        rows = frame[frame["level"] == level].sort_values("action")
        np.testing.assert_allclose(rows["probability"], probabilities.mean(axis=0), atol=1e-15)
        np.testing.assert_allclose(rows["low"], np.quantile(probabilities, 0.1, axis=0), atol=1e-15)
        np.testing.assert_allclose(rows["high"], np.quantile(probabilities, 0.9, axis=0), atol=1e-15)
        np.testing.assert_allclose(rows["greedy_share"], [(greedy == a).mean() for a in range(3)])
        assert (rows["desired_return"] == LEVELS[level]).all()
        assert (rows["desired_horizon"] == LEVELS[level] / 2 + 60).all()
        expected = np.nan if before is None else (greedy != before).mean()
        np.testing.assert_array_equal(rows["flip_rate"], np.full(3, expected))
        before = greedy
    assert frame["flip_rate"].max() > 0.1
    assert set(frame["action_name"]) == {"left", "none", "right"}


def test_levels_far_from_all_training_commands_are_marked_unseen(response):
    seen = response.to_frame().drop_duplicates("level")["seen"]
    assert seen.dtype == bool
    assert seen.tolist() == [False, True, True, True, False]
    assert (response.density > 0).tolist() == seen.tolist()


def test_without_training_commands_nothing_is_said_about_seen_or_influence(case):
    policy, inputs = case
    plain = command_response(policy, inputs[:5, :-2], LEVELS, 100.0)
    frame = plain.to_frame()
    assert frame["seen"].isna().all()
    assert frame["density"].isna().all()
    assert (frame["desired_horizon"] == 100.0).all()
    assert plain.summary_frame()["quantity"].tolist() == ["any flip"]


def test_importance_is_the_mean_magnitude_of_the_shapley_values_with_the_pair_added_first(case, response):
    policy, _ = case
    frame = response.importance_frame()
    assert tuple(frame.columns) == IMPORTANCE_COLUMNS
    for level in (0, 3):
        values = attribute(policy, at_level(case, level)).values
        rows = frame[frame["level"] == level].set_index("feature")["importance"]
        for column, name in enumerate(NAMES):
            assert rows[name] == pytest.approx(np.abs(values[:, column]).mean(), abs=1e-12)
        assert rows["command pair"] == pytest.approx(np.abs(values[:, 4] + values[:, 5]).mean(), abs=1e-12)
    commands = frame[frame["is_command"]]["feature"].unique().tolist()
    assert commands == ["desired_return", "desired_horizon", "command pair"]
    assert frame[frame["is_group"]]["feature"].unique().tolist() == ["command pair"]
    assert frame["exact"].all()
    assert (frame["n_background"] == 0).all()


def test_a_background_is_used_and_counted(case):
    policy, inputs = case
    background = inputs[50:80]
    frame = command_response(policy, inputs[:6, :-2], LEVELS[:1], 100.0, background=background).importance_frame()
    values = attribute(policy, input_rows(inputs[:6, :-2], (LEVELS[0], 100.0)), background).values
    np.testing.assert_allclose(frame["importance"].to_numpy()[:6], np.abs(values).mean(axis=(0, 2)), atol=1e-12)
    assert (frame["n_background"] == 30).all()


def test_the_summary_says_each_number_with_its_definition(case, response):
    policy, inputs = case
    summary = response.summary_frame()
    assert tuple(summary.columns) == SUMMARY_COLUMNS
    values = summary.set_index("quantity")["value"]
    influence = state_influence(policy, inputs[:40, :-2], inputs[:, -2:])
    assert values["command influence"] == pytest.approx(influence.influence.mean())
    assert values["flip share"] == pytest.approx(influence.flip_share.mean())
    greedy = np.array([policy.action_probabilities(at_level(case, level)).argmax(axis=1) for level in range(5)])
    assert values["any flip"] == (greedy != greedy[0]).any(axis=0).mean()
    assert summary["definition"].str.contains("redrawn from training").tolist() == [True, True, False]


def test_the_summary_has_intervals_over_rows_or_over_their_episodes(response):
    rows, none = response.summary_frame(seed=3), response.summary_frame(episodes=np.zeros(40))
    assert rows["interval"].str.contains("other rows of this one policy").all()
    assert (rows["low"] < rows["value"]).all()
    assert (rows["value"] < rows["high"]).all()
    assert (rows["bootstrap_seed"] == 3).all()
    assert none["low"].isna().all()
    assert none["interval"].str.contains("one episode says nothing").all()
    pairs = response.summary_frame(episodes=np.arange(40) // 2)
    assert pairs["interval"].str.contains("20 episodes").all()
    ends = mean_interval(response.influence.flip_share.reshape(20, 2).mean(axis=1), EPISODES_OF_ONE, seed=0)
    own = pairs[pairs["quantity"] == "flip share"].iloc[0]
    assert (own["low"], own["high"]) == pytest.approx((ends.low, ends.high))


def test_a_policy_that_reads_only_the_return_answers_as_known():
    """Action 1 with certainty above a return of 100: levels on both sides flip every state, the state has value 0."""
    forest = stump_forest([4], [2.0], [1.0], [0.0], n_features=6, cover_left=1.0, cover_right=3.0).forest
    policy = ForestPolicy(forest, CommandScale(0.02, 0.02))
    commands = [(50.0, 10.0)] * 3 + [(150.0, 10.0)]
    result = command_response(
        policy, np.zeros((3, 4)), [100.0, np.nextafter(100.1, 200)], 10.0, training_commands=commands
    )
    frame = result.to_frame()
    assert frame["probability"].tolist() == [1.0, 0.0, 0.0, 1.0]
    assert frame["flip_rate"].tolist()[2:] == [1.0, 1.0]
    assert result.summary_frame().set_index("quantity")["value"].to_dict() == {
        "command influence": pytest.approx(2 * 0.75 * 0.25),
        "flip share": pytest.approx(2 * 0.75 * 0.25),
        "any flip": 1.0,
    }
    importance = result.importance_frame().pivot(index="feature", columns="level", values="importance")
    # Action 0 has probability 1/4 where the return is unknown.
    assert importance.loc["desired_return"].tolist() == pytest.approx([0.75, 0.25])
    assert importance.loc["command pair"].tolist() == pytest.approx([0.75, 0.25])
    assert (importance.drop(["desired_return", "command pair"]) == 0).all(axis=None)


def test_a_boosted_forest_without_background_responds_but_has_no_importance(case):
    _, inputs = case
    estimator = GradientBoostingClassifier(n_estimators=3).fit(inputs, training_rows()[1])
    policy = policy_from_estimator(estimator, 2)
    result = command_response(policy, inputs[:4, :-2], LEVELS, 50.0)
    rows = result.to_frame().query("level == 2").sort_values("action")
    expected = policy.action_probabilities(input_rows(inputs[:4, :-2], (LEVELS[2], 50.0))).mean(axis=0)
    np.testing.assert_allclose(rows["probability"], expected, atol=1e-15)
    with pytest.raises(ValueError, match="give background"):
        result.importance_frame()


def test_the_policy_is_not_modified(case):
    policy, inputs = case
    before = digest(policy)
    command_response(policy, inputs[:4, :-2], LEVELS, 50.0, training_commands=inputs[:, -2:])
    assert digest(policy) == before


@pytest.mark.parametrize(
    ("returns", "horizons", "message"),
    [
        (5.0, 5.0, r"returns must be one desired return per level, shape \(n_levels >= 1,\), got \(\)"),
        ([], 5.0, r"got \(0,\)"),
        ([1.0, 2.0], [1.0, 2.0, 3.0], r"one per level \(2,\), got \(3,\)"),
        ([1.0, np.inf], 5.0, "must be finite"),
    ],
)
def test_levels_of_another_form_are_refused(case, returns, horizons, message):
    policy, inputs = case
    with pytest.raises(ValueError, match=message):
        command_response(policy, inputs[:4, :-2], returns, horizons)


def from_csv(frame, path):
    return read_csv(write_csv(frame, path / "table.csv"))


def test_curves_and_bands_show_the_numbers_of_the_csv(response, tmp_path):
    frame = from_csv(response.to_frame(), tmp_path)
    ax = plot_command_response(frame)
    for action, name in enumerate(("left", "none", "right")):
        rows = frame[frame["action"] == action]
        (line,) = [line for line in ax.get_lines() if line.get_label() == name]
        np.testing.assert_array_equal(line.get_xdata(), LEVELS)
        np.testing.assert_array_equal(line.get_ydata(), rows["probability"])
        outline = ax.collections[action].get_paths()[0].vertices
        for bound in ("low", "high"):
            corners = {tuple(corner) for corner in outline}
            assert set(zip(LEVELS, rows[bound], strict=True)) <= corners
    assert {line.get_linestyle() for line in ax.get_lines() if line.get_label() != "_band"} == {"-", "--", "-."}
    assert ax.get_xlabel().startswith("desired return (reward)")
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == [
        "left",
        "none",
        "right",
        f"mean of {response.n_rows} states",
        "10–90 % of states",
        "unseen in training",
        f"states that flip between levels (in all {100 * response.any_flip_share:.0f} %)",
    ]


def test_single_states_and_flips_show_where_the_means_are_flat(response, tmp_path):
    frame, states = from_csv(response.to_frame(), tmp_path), from_csv(response.states_frame(), tmp_path)
    ax = plot_command_response(frame, states=states)
    chosen = states["state"].unique()
    assert 1 < len(chosen) <= 20
    lines = [artist for artist in ax.collections if isinstance(artist, LineCollection)]
    for action, drawn in enumerate(lines):
        for segment, state in zip(drawn.get_segments(), chosen, strict=True):
            np.testing.assert_array_equal(segment, np.column_stack([LEVELS, response.probabilities[state, :, action]]))
    (strip,) = ax.child_axes
    np.testing.assert_array_equal([bar.get_height() for bar in strip.patches], response.flip_rates[1:])
    np.testing.assert_array_equal([bar.get_x() for bar in strip.patches], LEVELS[:-1])
    assert [axis.get_label() for axis in plot_command_response(response).get_lines()] == [
        line.get_label() for line in ax.get_lines()
    ], "a result draws the same as its tables"


def test_exactly_the_unseen_levels_are_shaded(response, tmp_path):
    ax = plot_command_response(from_csv(response.to_frame(), tmp_path))
    shaded = [(p.get_x(), p.get_x() + p.get_width()) for p in ax.patches if isinstance(p, Rectangle)]
    inside = [any(low < level < high for low, high in shaded) for level in LEVELS]
    assert inside == [True, False, False, False, True]


def test_levels_unknown_to_be_seen_are_not_shaded(case, tmp_path):
    policy, inputs = case
    plain = command_response(policy, inputs[:5, :-2], LEVELS, 100.0)
    ax = plot_command_response(from_csv(plain.to_frame(), tmp_path))
    assert not ax.patches
    assert "at horizon 100 steps" in ax.get_xlabel()


def test_levels_of_one_return_are_drawn_over_the_horizon(case, tmp_path):
    policy, inputs = case
    levels = command_response(policy, inputs[:5, :-2], np.full(3, 70.0), [10.0, 20.0, 40.0])
    ax = plot_command_response(from_csv(levels.to_frame(), tmp_path))
    assert ax.get_xlabel() == "desired horizon (steps)\nat return 70"
    np.testing.assert_array_equal(ax.get_lines()[2].get_xdata(), [10.0, 20.0, 40.0])


def test_the_heat_map_shows_inputs_and_apart_the_pair(response, tmp_path):
    frame = from_csv(response.importance_frame(), tmp_path)
    ax = plot_importance_by_command(frame.sample(frac=1.0, random_state=0).sort_values("level", kind="stable"))
    meshes = [artist for artist in ax.collections if isinstance(artist, QuadMesh)]
    assert [mesh.get_array().shape for mesh in meshes] == [(6, 5), (1, 5)]
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels[-1] == "command pair"
    names = {name.replace("_", " "): name for name in frame["feature"]}
    shown = np.vstack([mesh.get_array() for mesh in meshes])
    expected = frame.pivot(index="feature", columns="level", values="importance")
    for label, values in zip(labels, shown, strict=True):
        np.testing.assert_array_equal(values, expected.loc[names[label]])
    assert meshes[0].norm is meshes[1].norm
    assert meshes[0].norm.vmin == 0
    edges = [mesh.get_coordinates()[:, 0, 1] for mesh in meshes]
    assert edges[1][0] > edges[0][-1], "a gap parts the pair from its members"
    hatched = [(p.get_x() + 0.5, p.get_width()) for p in ax.patches if p.get_hatch()]
    assert hatched == [(0.0, 1), (4.0, 1)]


@pytest.mark.parametrize("plot", [plot_command_response, plot_importance_by_command])
def test_an_empty_frame_is_refused(plot):
    with pytest.raises(ValueError, match="empty frame"):
        plot(pd.DataFrame(columns=list(COLUMNS)))
