import numpy as np
import pandas as pd
import pytest

from udrl_explain.analysis.importance.spread import COLUMNS, importance_spread

FEATURES = ["a", "desired_return", "desired_horizon", "command pair"]


def frame_of(**methods):
    parts = [
        pd.DataFrame(
            {
                "method": method,
                "feature": FEATURES,
                "is_command": [False, True, True, True],
                "is_group": [False, False, False, True],
                "importance": values,
            }
        )
        for method, values in methods.items()
    ]
    return pd.concat(parts, ignore_index=True)


def test_mean_spread_and_ranks_of_two_runs():
    spread = importance_spread({"42": frame_of(shap=[3.0, 1.0, 2.0, 9.0]), "43": frame_of(shap=[5.0, 3.0, 2.0, 1.0])})
    frame = spread.to_frame()
    assert tuple(frame.columns) == COLUMNS
    assert frame["mean"].tolist() == [4.0, 2.0, 2.0, 5.0]
    assert frame["std"].to_numpy() == pytest.approx([np.sqrt(2), np.sqrt(2), 0.0, np.sqrt(32)])
    assert frame["min"].tolist() == [3.0, 1.0, 2.0, 1.0]
    assert frame["max"].tolist() == [5.0, 3.0, 2.0, 9.0]
    assert frame["mean_rank"].tolist()[:3] == [1.0, 2.5, 2.5]
    assert np.isnan(frame["mean_rank"].iloc[3])
    # Ranks (1, 3, 2) and (1, 2, 3): Spearman's 1 - 6 * 2 / (3 * 8).
    assert frame["rank_agreement"].to_numpy() == pytest.approx(0.5)
    assert frame["n_runs"].tolist() == [2, 2, 2, 2]


def test_the_group_takes_no_part_in_the_agreement():
    runs = {"1": frame_of(shap=[3.0, 1.0, 2.0, 0.0]), "2": frame_of(shap=[3.0, 1.0, 2.0, 9.0])}
    assert importance_spread(runs).methods[0].rank_agreement == pytest.approx(1.0)


def test_a_measure_that_one_run_lacks_is_summarised_over_the_others():
    runs = {"1": frame_of(shap=[3.0, 1.0, 2.0, 0.0], impurity=[1.0, 2.0, 3.0, 5.0]), "2": frame_of(shap=[1.0] * 4)}
    frame = importance_spread(runs).to_frame().set_index(["method", "feature"])
    assert frame.loc[("impurity", "a"), "n_runs"] == 1
    assert np.isnan(frame.loc[("impurity", "a"), "std"])
    assert np.isnan(frame.loc[("shap", "a"), "rank_agreement"])  # run 2 ranks all inputs equal
    assert frame.loc[("shap", "a"), "mean"] == 2.0


def test_frames_of_other_inputs_are_refused():
    other = frame_of(shap=[1.0] * 4).replace({"feature": {"a": "b"}})
    with pytest.raises(ValueError, match="'2' has"):
        importance_spread({"1": frame_of(shap=[1.0] * 4), "2": other})


def test_nothing_to_summarise_is_refused():
    with pytest.raises(ValueError, match="at least one importance"):
        importance_spread({"1": frame_of(shap=[1.0] * 4).iloc[:0]})
