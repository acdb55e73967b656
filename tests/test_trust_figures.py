"""Figures on trust show the numbers of their tables: artists read back."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from report_helpers import made_returns

from udrl_explain.analysis.performance import performance
from udrl_explain.figures.faithfulness import plot_faithfulness, plot_faithfulness_curves
from udrl_explain.figures.performance import plot_performance
from udrl_explain.figures.stability import plot_stability

SCORES = pd.DataFrame(
    {
        "label": ["forest", "forest", "net"], "method": ["impurity", "Shapley", "Shapley"], "score": [-0.2, 0.9, 0.7],
        "score_low": [-0.4, 0.8, np.nan], "score_high": [0.1, 0.95, np.nan],
    }
)  # fmt: skip
PAIRS = pd.DataFrame(
    {
        "run_a": ["a", "a", "b"], "run_b": ["b", "c", "c"], "rank_correlation": [0.5, -0.25, 0.75],
        "same_action": [0.9, 0.6, 1.0], "different_reasons": [True, False, False],
    }
)  # fmt: skip


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def test_scores_stand_where_they_are_and_the_best_method_on_top():
    ax = plot_faithfulness(SCORES)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["Shapley", "impurity"]
    points = {line.get_label(): line for line in ax.lines if line.get_label() in ("forest", "net")}
    assert points["forest"].get_xdata().tolist() == [-0.2, 0.9]
    assert points["net"].get_xdata().tolist() == [0.7]
    assert points["forest"].get_ydata()[1] < points["net"].get_ydata()[0] < 0.5, "side by side on one row"
    bars = [path.vertices[:, 0].tolist() for group in ax.collections for path in group.get_paths()]
    assert bars == [[-0.4, 0.1], [0.8, 0.95]]
    assert ax.get_xlim()[0] < -0.4
    assert {0.0, 1.0} <= {line.get_xdata()[0] for line in ax.lines if len(set(line.get_xdata())) == 1}


def test_a_frame_without_scores_is_refused():
    with pytest.raises(ValueError, match="no method has a score"):
        plot_faithfulness(SCORES.assign(score=np.nan))
    with pytest.raises(ValueError, match="curve must be one of"):
        plot_faithfulness_curves(SCORES, curve="area")


def test_what_is_owed_and_what_is_lost_stand_on_their_input():
    names = ("x", "y", "z", "w", "desired_return", "desired_horizon")
    table = performance(made_returns(), feature_names=names).to_frame()
    frame = pd.concat([table.assign(run="seed 1"), table.assign(run="seed 2", value=2 * table["value"])])
    ax = plot_performance(frame)
    drawn = {group.get_label(): group.get_offsets() for group in ax.collections if group.get_label().startswith("_")}
    np.testing.assert_allclose(drawn["_value seed 2"][:, 0], 2 * table["value"])
    np.testing.assert_allclose(drawn["_lost_without seed 1"][:, 0], table["lost_without"])
    rows = np.round([drawn[f"_{kind} seed {k}"][:, 1] for kind in ("value", "lost_without") for k in (1, 2)])
    np.testing.assert_array_equal(rows, np.tile(np.arange(8), (4, 1)))
    assert ax.get_yticklabels()[-1].get_text() == "all of the command"


def test_the_map_holds_actions_above_and_reasons_below_the_diagonal():
    ax = plot_stability(PAIRS)
    shown = np.ma.filled(ax.collections[0].get_array().reshape(3, 3), np.nan)
    expected = [[np.nan, 0.9, 0.6], [0.5, np.nan, 1.0], [-0.25, 0.75, np.nan]]
    np.testing.assert_array_equal(shown, expected)
    written = {text.get_position(): text.get_text() for text in ax.texts}
    assert written[0, 1] == ".50×"
    assert written[0, 2] == "−.25"
    assert written[2, 1] == "1.0"
    with pytest.raises(ValueError, match="each of the 3 pairs"):
        plot_stability(PAIRS.iloc[:2])
