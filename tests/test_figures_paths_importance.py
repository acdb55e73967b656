import io
from dataclasses import replace

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle
from path_helpers import fitted, hand_made

from udrl_explain.analysis.importance.result import feature_importance
from udrl_explain.analysis.paths.contrast import path_contrast
from udrl_explain.analysis.paths.steps import decision_paths
from udrl_explain.figures.importance import KINDS, plot_importance, plot_importances
from udrl_explain.figures.paths import path_height, plot_decision_path, plot_path_contrast
from udrl_explain.figures.style import COMMAND_COLOUR, STATE_COLOUR, paper_style

NAMES = ("pole_angle", "state_1", "state_2", "desired_return", "desired_horizon")


def read_back(frame):
    """The frame as a reader of its CSV has it."""
    return pd.read_csv(io.StringIO(frame.to_csv(index=False)))


@pytest.fixture
def importances():
    policy, _, inputs, actions = fitted("forest")
    policy = replace(policy, feature_names=NAMES)
    result = feature_importance(policy, inputs[:60], actions[:60], n_repeats=2, n_resamples=30)
    return read_back(result.to_frame())


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_bars_are_the_importances_sorted_and_marked(importances):
    method = "permutation (probability)"
    axes = plot_importance(importances, method=method)
    chosen = importances[importances["method"] == method].sort_values("importance", kind="stable")
    bars = axes.containers[0]
    assert np.allclose([bar.get_width() for bar in bars], chosen["importance"])
    labels = [tick.get_text() for tick in axes.get_yticklabels()]
    assert labels == [name.replace("_", " ").replace("pole angle", "θ") for name in chosen["feature"]]
    hatch = dict(zip(chosen["feature"], [bar.get_hatch() for bar in bars], strict=True))
    assert hatch["desired_return"] == KINDS["command"][1] != hatch["command pair"] == KINDS["command pair"][1]
    assert not hatch["pole_angle"]
    ends = axes.collections[-1].get_segments()
    assert np.allclose([segment[:, 0] for segment in ends], chosen[["low", "high"]])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["state", "command", "both commands as one"]


def test_impurity_has_no_interval(importances):
    assert not plot_importance(importances, method="impurity").collections


@pytest.mark.parametrize("method", [None, "gain"])
def test_the_method_must_be_in_the_frame(importances, method):
    with pytest.raises(ValueError, match="method must be one of those in the frame"):
        plot_importance(importances, method=method)


def test_a_frame_of_one_method_needs_no_choice(importances):
    one = importances[importances["method"] == "impurity"]
    assert len(plot_importance(one).containers[0]) == 6


def test_small_multiples_share_the_order_of_inputs(importances):
    figure = plot_importances(importances)
    drawn = [axes for axes in figure.axes if axes.axison]
    methods = list(dict.fromkeys(importances["method"]))
    assert [axes.get_title() for axes in drawn] == methods
    for axes, method in zip(drawn, methods, strict=True):
        expected = importances.loc[importances["method"] == method, "importance"].to_numpy()[::-1]
        assert np.allclose([bar.get_width() for bar in axes.containers[0]], expected)


def test_a_path_shows_every_test_as_it_was_answered():
    paths = decision_paths(replace(hand_made(), feature_names=("pole_angle", *NAMES[-2:])), [[0.6, 7.0, 20.0]])
    axes = plot_decision_path(read_back(paths.to_frame()))
    shown = texts(axes)
    assert "θ = 0.6 > 0.5 rad" in shown
    assert "desired horizon = 20 ≤ 20 steps" in shown
    assert shown.count("left") == shown.count("right") == 1
    assert "0.250 (−0.250)" in shown
    assert "0.500 (+0.250)" in shown
    assert "leaf 3" in shown
    strips = [p for p in axes.patches if p.get_width() == pytest.approx(0.016)]
    assert [mpl.colors.to_hex(p.get_facecolor()).upper() for p in strips] == [STATE_COLOUR, COMMAND_COLOUR]
    bars = [p for p in axes.patches if p.get_alpha() == 0.85]
    assert np.allclose([bar.get_width() for bar in bars], [0.2 * 0.25, 0.2 * 0.5])


def test_values_that_round_alike_get_more_digits():
    """A test must never read "0.5 > 0.5"."""
    paths = decision_paths(hand_made(), [[0.500001, 7.0, 20.0]])
    assert "state 0 = 0.500001 > 0.5" in texts(plot_decision_path(paths.to_frame()))


def test_scores_are_shown_as_numbers_without_a_bar():
    paths = decision_paths(hand_made("softmax"), [[0.6, 7.0, 20.0]])
    axes = plot_decision_path(read_back(paths.to_frame()))
    assert not [p for p in axes.patches if p.get_alpha() == 0.85]
    assert any(text.startswith("score of action 0") for text in texts(axes))


def test_a_tree_without_tests_is_refused():
    frame = decision_paths(hand_made(), [[0.6, 7.0, 20.0]]).to_frame()
    with pytest.raises(ValueError, match="no test of row 0, tree 1"):
        plot_decision_path(frame, tree=1)


def test_the_contrast_frames_the_parting_test_of_each_command():
    contrast = path_contrast(hand_made(), [0.6], [(7.0, 20.0), (7.0, 21.0)], labels=("short", "long"))
    axes = plot_path_contrast(read_back(contrast.to_frame()))
    heavy = [p for p in axes.patches if isinstance(p, Rectangle) and p.get_linewidth() > 2]
    assert len(heavy) == 2
    assert all(p.get_y() == pytest.approx(1.16) for p in heavy)  # the second test of each column
    shown = texts(axes)
    assert {"short", "long", "return 7, horizon 20 steps", "return 7, horizon 21 steps"} <= set(shown)
    assert "horizon = 20 ≤ 20" in shown
    assert "horizon = 21 > 20" in shown
    assert "P(action 1) = 0.500" in shown
    assert "P(action 1) = 1.000" in shown


def test_the_contrast_starts_with_a_tree_that_parts():
    policy, _, inputs, _ = fitted("forest")
    policy = replace(policy, feature_names=NAMES)
    contrast = path_contrast(policy, inputs[3, :3], [(10, 10), (60, 60), (190, 190)])
    frame = contrast.to_frame()
    first = int(np.flatnonzero(contrast.parting_step >= 0)[0])
    assert plot_path_contrast(frame).get_title() == f"tree {first} of 12"
    with pytest.raises(ValueError, match="no test of tree 99"):
        plot_path_contrast(frame, tree=99)


def test_text_stays_readable_and_inside_its_box():
    policy, _, inputs, _ = fitted("forest")
    policy = replace(policy, feature_names=NAMES)
    contrast = path_contrast(policy, inputs[3, :3], [(10, 10), (60, 60), (190, 190)]).to_frame()
    with paper_style("full"):
        figure, axes = plt.subplots(figsize=(6.75, path_height(int(contrast["step"].max()) + 1)))
        plot_path_contrast(contrast, ax=axes)
        figure.canvas.draw()
        boxes = [p.get_window_extent() for p in axes.patches if p.get_width() > 0.1]
        for text in axes.texts:
            assert text.get_fontsize() >= 7
            if " > " in text.get_text() or " ≤ " in text.get_text():
                extent = text.get_window_extent()
                assert any(b.x0 <= extent.x0 and extent.x1 <= b.x1 and b.y0 <= extent.y0 <= b.y1 for b in boxes)
