import io
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba
from shapley_helpers import fitted_policy
from sklearn.ensemble import RandomForestClassifier

from udrl_explain.analysis.shapley import shapley_values
from udrl_explain.figures.shapley import plot_mean_abs_shapley, plot_shapley_summary
from udrl_explain.figures.style import ACTION_COLOURS, ACTION_HATCHES, COMMAND_COLOUR, paper_style

NAMES = ("cart_position", "b", "c", "desired_return", "desired_horizon")


@pytest.fixture(scope="module")
def values():
    policy, inputs = fitted_policy(RandomForestClassifier(8, random_state=0))
    named = replace(policy, feature_names=NAMES, action_names=("left", "stay", "right"))
    return shapley_values(named, inputs[:40])


def through_csv(frame):
    return pd.read_csv(io.StringIO(frame.to_csv(index=False)))


def labels(axes):
    return [text.get_text() for text in axes.get_yticklabels()]


def test_the_summary_shows_every_value_at_its_place(values):
    axes = plot_shapley_summary(through_csv(values.to_frame()), action="right")
    order = np.argsort(np.abs(values.values[:, :, 2]).sum(axis=0))
    strips = axes.collections
    assert len(strips) == 5
    for height, (strip, column) in enumerate(zip(strips, order, strict=True)):
        x, y = strip.get_offsets().T
        np.testing.assert_allclose(x, values.values[:, column, 2], rtol=0, atol=1e-12)
        assert (np.abs(y - height) < 0.5).all()
        assert strip.get_rasterized()
        ranks = np.asarray(strip.get_array())
        assert ranks[values.inputs[:, column].argmax()] == 1.0
        assert ranks[values.inputs[:, column].argmin()] == 0.0
    assert "right" in axes.get_xlabel()
    assert "probability" in axes.get_xlabel()


def test_commands_are_marked_and_units_shown(values):
    for axes in (
        plot_shapley_summary(values.to_frame(), action=0),
        plot_mean_abs_shapley(values.mean_abs_frame()),
    ):
        marked = {text.get_text() for text in axes.get_yticklabels() if text.get_color() == COMMAND_COLOUR}
        assert marked == {"desired return (reward) ◆", "desired horizon (steps) ◆"}
        assert "x (m)" in labels(axes)


def test_points_of_one_place_are_spread_apart():
    frame = pd.DataFrame(
        {
            "row": np.arange(30), "feature": "b", "is_command": False, "feature_value": 1.0, "action": 0,
            "action_name": "go", "shapley_value": 0.25, "quantity": "probability",
        }
    )  # fmt: skip
    axes = plot_shapley_summary(frame)
    heights = axes.collections[0].get_offsets()[:, 1]
    assert len(np.unique(heights)) == 30
    assert np.abs(heights).max() < 0.5
    np.testing.assert_array_equal(np.asarray(axes.collections[0].get_array()), 0.5)


def test_a_group_without_input_values_is_drawn(values):
    grouped = values.group({"command": ["desired_return", "desired_horizon"]})
    axes = plot_shapley_summary(through_csv(grouped.to_frame()), action="left")
    assert "command ◆" in labels(axes)


def test_the_action_must_be_one_of_the_frames(values):
    with pytest.raises(ValueError, match=r"action must be one of those in the frame, .*got None"):
        plot_shapley_summary(values.to_frame())
    with pytest.raises(ValueError, match=r"got 3"):
        plot_shapley_summary(values.to_frame(), action=3)


def test_bars_are_the_means_in_the_actions_colours_and_hatches(values):
    frame = values.mean_abs_frame()
    _, own = plt.subplots()
    axes = plot_mean_abs_shapley(through_csv(frame), ax=own)
    assert axes is own
    means = np.abs(values.values).mean(axis=0)
    order = np.argsort(means.sum(axis=1))
    assert len(axes.containers) == 3
    for action, bars in enumerate(axes.containers):
        np.testing.assert_allclose([bar.get_width() for bar in bars], means[order, action], rtol=1e-12)
        assert {bar.get_hatch() for bar in bars} == {ACTION_HATCHES[action]}
        assert {bar.get_facecolor() for bar in bars} == {to_rgba(ACTION_COLOURS[action])}
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["left", "stay", "right"]


def test_the_bars_ask_for_their_own_frame(values):
    with pytest.raises(ValueError, match=r"frame must be that of ShapleyValues.mean_abs_frame\(\)"):
        plot_mean_abs_shapley(values.to_frame())


@pytest.mark.parametrize("style", ["icml", "text"])
def test_labels_stay_inside_the_figure(values, style):
    with paper_style(style):
        for draw, frame in (
            (lambda f: plot_shapley_summary(f, action=1), values.to_frame()),
            (plot_mean_abs_shapley, values.mean_abs_frame()),
        ):
            axes = draw(frame)
            axes.figure.canvas.draw()
            box = axes.xaxis.label.get_window_extent()
            assert box.x0 >= 0
            assert box.x1 <= axes.figure.bbox.x1
