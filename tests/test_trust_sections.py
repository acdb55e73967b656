"""The sections on trust hold the analyses' own numbers, and say what is missing and how it is made."""

import numpy as np
import pandas as pd
import pytest
from report_helpers import made_returns

from udrl_explain import find_runs, load_run
from udrl_explain.analysis.faithfulness.methods import METHODS
from udrl_explain.analysis.performance import command_worths, performance
from udrl_explain.analysis.stability import by_group
from udrl_explain.tables import read_csv


@pytest.fixture(scope="module")
def read(tiny_report):
    return lambda stem: read_csv(tiny_report[0] / "tables" / f"{stem}.csv")


def page(tiny_report):
    return (tiny_report[0] / "report.html").read_text(encoding="utf-8")


def test_every_method_of_every_policy_is_judged(read, tiny_report):
    frame = read("faithfulness")
    assert frame[frame["label"] == "random forest"]["method"].tolist() == list(METHODS)
    assert set(frame["label"]) == {"random forest", "neural net"}
    assert (frame["score"].dropna() <= 1 + 1e-9).all()
    assert frame["sanity_correlation"].notna().any()
    assert (frame["n_episodes"] == 3).all()
    assert "fitted on the last fit" in page(tiny_report)
    for label in ("random_forest", "neural_net"):
        curves = read(f"faithfulness_curves-{label}")
        assert (curves[curves["n_known"] == 6]["same_action"] == 1).all()
    assert (tiny_report[0] / "tables" / "faithfulness.tex").read_text().count("Shapley, interventional") == 2


def test_returns_are_divided_where_they_were_played_and_the_rest_is_told_how(read, tiny_report, tiny_place):
    run = load_run(tiny_place / "data/CartPole-v0/trees/1")
    own = performance(run.performance, feature_names=run.feature_names).to_frame()
    frame = read("performance-random_forest")
    np.testing.assert_allclose(frame["value"], own["value"])
    assert (frame["run"] == "seed 1").all()
    assert not (tiny_report[0] / "tables" / "performance-neural_net.csv").exists()
    assert "python -m udrl_explain.performance data/CartPole-v0/net" in page(tiny_report)
    (worth,) = read("performance_command").itertuples()
    assert worth.command_worth == pytest.approx(10.0)  # two inputs of 5 each


def test_the_command_is_worth_the_mean_over_seeds_with_their_interval():
    names = ("a", "b", "c", "d", "desired_return", "desired_horizon")
    results = {
        f"seed {k}": performance(made_returns().assign(achieved_return=lambda f, k=k: k * f["achieved_return"]),
                                 feature_names=names)
        for k in (1, 2, 3)
    }  # fmt: skip
    frame = command_worths(results)
    alone = [result.command_worth[0] for result in results.values()]
    assert frame["run"].tolist() == ["seed 1", "seed 2", "seed 3", "all seeds"]
    assert frame["command_worth"].tolist() == pytest.approx([*alone, np.mean(alone)])
    last = frame.iloc[-1]
    assert last["low"] < last["command_worth"] < last["high"]
    assert "other training seeds" in last["interval"]
    assert len(command_worths({"seed 1": results["seed 1"]})) == 1


def test_all_runs_are_compared_pair_by_pair(read, tiny_place):
    frame, summary = read("stability"), read("stability_summary")
    assert len(frame) == 3
    assert len(find_runs(tiny_place / "data")) == 3
    runs = dict.fromkeys([*frame["run_a"], *frame["run_b"]])
    groups = {name: name.partition(",")[0] for name in runs}
    assert set(groups) == {"neural net, seed 1", "random forest, seed 1", "random forest, seed 2"}
    again = by_group(frame, groups)
    pd.testing.assert_frame_equal(again, summary, check_dtype=False)
    within = summary[summary["group_a"] == summary["group_b"]]
    assert within["n_pairs"].tolist() == [1]
    mixed = frame[frame["run_a"].str.startswith("neural") != frame["run_b"].str.startswith("neural")]
    between = summary[summary["group_a"] != summary["group_b"]].iloc[0]
    assert between["rank_correlation"] == pytest.approx(mixed["rank_correlation"].mean())
    assert between["n_different_reasons"] == mixed["different_reasons"].sum()
