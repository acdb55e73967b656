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
from udrl_explain.figures.path_drawing import telling_tree
from udrl_explain.figures.paths import plot_decision_path, plot_path_contrast
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
    assert [axes.get_title().replace("\n", " ") for axes in drawn] == methods
    for axes, method in zip(drawn, methods, strict=True):
        expected = importances.loc[importances["method"] == method, "importance"].to_numpy()[::-1]
        assert np.allclose([bar.get_width() for bar in axes.containers[0]], expected)


def test_a_path_shows_every_test_as_it_was_answered():
    paths = decision_paths(replace(hand_made(), feature_names=("pole_angle", *NAMES[-2:])), [[0.6, 7.0, 20.0]])
    axes = plot_decision_path(read_back(paths.to_frame()))
    shown = texts(axes)
    assert "θ = 0.6 > 0.5 rad" in shown
    assert "desired horizon = 20 ≤ 20 steps" in shown
    assert "0.250 (−0.250)" in shown
    assert "0.500 (+0.250)" in shown
    assert "leaf 3\nvotes action 0" in shown
    strips = [p for p in axes.patches if p.get_width() == pytest.approx(0.016)]
    assert [mpl.colors.to_hex(p.get_facecolor()).upper() for p in strips] == [STATE_COLOUR, COMMAND_COLOUR]
    bars = [p for p in axes.patches if p.get_alpha() == 0.85]
    assert np.allclose([bar.get_width() for bar in bars], [0.15 * 0.25, 0.15 * 0.5])


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
    axes = plot_path_contrast(read_back(contrast.to_frame()), votes=read_back(contrast.commands_frame()))
    heavy = [p for p in axes.patches if isinstance(p, Rectangle) and p.get_linewidth() > 2]
    assert len(heavy) == 2
    shared = [p for p in axes.patches if isinstance(p, Rectangle) and p.get_width() > 0.6]
    assert len(shared) == 1, "the first test is one and the same under both commands"
    assert min(p.get_y() for p in heavy) > shared[0].get_y() + shared[0].get_height()
    shown = texts(axes)
    assert "short:\nreturn 7,\nhorizon 20 steps\n2 of 2 trees\nvote action 0" in shown
    assert "long:\nreturn 7,\nhorizon 21 steps\n1 of 2 trees\nvote action 1" in shown
    assert "desired horizon = 20 ≤ 20 steps" in shown
    assert "desired horizon = 21 > 20 steps" in shown
    assert "P(action 1) = 0.500\nvotes action 0" in shown
    assert "P(action 1) = 1.000\nvotes action 1" in shown


def test_the_tree_shown_votes_as_the_forest_does_and_its_leaves_differ():
    policy, _, inputs, _ = fitted("forest")
    policy = replace(policy, feature_names=NAMES)
    commands = [(10, 10), (60, 60), (190, 190)]
    result = path_contrast(policy, inputs[3, :3], commands)
    row = np.concatenate([inputs[3, :3], commands[1]])
    paths = decision_paths(policy, row[None, :])
    leaves = policy.forest.leaves(policy.tree_inputs(result.rows))
    votes = policy.forest.value[leaves].argmax(axis=2)
    telling = (votes == result.actions[:, None]).all(axis=0) & (np.ptp(leaves, axis=0) > 0)
    assert 0 < telling.sum() < policy.forest.n_trees, "the choice must not be trivial"
    tree = telling_tree(paths.to_frame(), read_back(result.to_frame()))
    assert telling[tree]
    assert telling_tree(result.to_frame(), paths.to_frame()) == tree, "both figures show the same tree"
    assert (
        plot_path_contrast(result).get_title().startswith(f"tree {telling_tree(result.to_frame())} of 12, which votes")
    )
    chosen = result.commands_frame()
    counted = [(votes[label] == action).sum() for label in range(3) for action in range(policy.n_actions)]
    assert chosen["n_votes"].tolist() == counted
    with pytest.raises(ValueError, match="no test of tree 99"):
        plot_path_contrast(result, tree=99)


def test_histograms_are_the_training_values_dark_on_the_side_taken():
    paths = decision_paths(
        replace(hand_made(), feature_names=("pole_angle", *NAMES[-2:])), [[0.6, 7.0, 20.0]]
    ).to_frame()
    bins = pd.DataFrame(
        {"feature": "pole_angle", "low": [0.0, 0.25, 0.75], "high": [0.25, 0.75, 1.0], "count": [4, 2, 0]}
    )
    axes = plot_decision_path(paths, tree=0, values=bins)
    dark, pale = (part for part in axes.collections[:2])
    assert matplotlib_grey(dark) < matplotlib_grey(pale)
    # 0.6 went right of 0.5: half of the middle bin, whose bar is half as high as the first one.
    widths = [np.ptp(path.vertices[:, 0]) for path in (*pale.get_paths(), *dark.get_paths())]
    assert np.allclose(np.array(widths) / widths[0], [1, 1, 1])
    heights = [np.ptp(path.vertices[:, 1]) for path in (*pale.get_paths(), *dark.get_paths())]
    assert np.allclose(np.array(heights) / heights[0], [1, 0.5, 0.5])


def matplotlib_grey(collection):
    return collection.get_facecolor()[0][0]


def test_text_stays_readable_and_inside_its_box():
    policy, _, inputs, _ = fitted("forest")
    policy = replace(policy, feature_names=NAMES)
    contrast = path_contrast(policy, inputs[3, :3], [(10, 10), (60, 60), (190, 190)]).to_frame()
    with paper_style("full"):
        axes = plot_path_contrast(contrast)
        figure = axes.figure
        figure.canvas.draw()
        boxes = [p.get_window_extent() for p in axes.patches if p.get_width() > 0.1]
        for text in axes.texts:
            assert text.get_fontsize() >= 7
            if " > " in text.get_text() or " ≤ " in text.get_text():
                extent = text.get_window_extent()
                assert any(b.x0 <= extent.x0 and extent.x1 <= b.x1 and b.y0 <= extent.y0 <= b.y1 for b in boxes)
