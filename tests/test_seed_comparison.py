import numpy as np
import pandas as pd
import pytest

from udrl_explain import seed_comparison
from udrl_explain.analysis.sample_efficiency import sample_efficiency
from udrl_explain.analysis.seed_comparison import COLUMNS, IMPROVEMENT_COLUMNS, PROFILE_COLUMNS
from udrl_explain.statistics.intervals import SEEDS, mean_interval
from udrl_explain.statistics.pairs import difference_of_means, holm, probability_of_improvement
from udrl_explain.studying.records import table_of
from udrl_explain.studying.table import runs_of_table

FOREST, EXTRA = "ensemble.RandomForestClassifier", "ensemble.ExtraTreesClassifier"


def row(env_name, estimator_name, seed, mean, std=2.0, experiment=None, status="done"):
    return {
        "env_name": env_name, "experiment": experiment or estimator_name, "estimator_name": estimator_name,
        "recipe": "robust", "seed": seed, "status": status, "return_mean": mean, "return_std": std, "n_episodes": 100,
        "desired_return": 200.0, "desired_horizon": 200.0,
    }  # fmt: skip


def compared(scores, env_name="CartPole-v0", **options):
    """Comparison of experiments, each a list of its seeds' returns."""
    rows = [row(env_name, name, seed, mean) for name, means in scores.items() for seed, mean in enumerate(means)]
    return seed_comparison(runs_of_table(table_of(rows)), **options)


def test_a_row_says_of_an_experiment_what_its_seeds_say():
    scores = [180.0, 199.0, 200.0, 190.0]
    frame = compared({FOREST: scores, "neural": [199.0]}).to_frame()
    assert tuple(frame.columns) == COLUMNS
    forest = frame.set_index("label").loc["random forest"]
    interval = mean_interval(scores, SEEDS, seed=0)
    expected = {
        "n_seeds": 4, "mean": 192.25, "median": 194.5, "iqm": 194.5, "low": interval.low, "high": interval.high,
        "std_between": np.std(scores, ddof=1), "std_within": 2.0, "lowest": 180, "highest": 200,
        "published_mean": 188.25,
    }  # fmt: skip
    assert forest[list(expected)].to_dict() == pytest.approx(expected)
    assert round(forest["covered_share"], 3) == 0.249
    assert "held the true mean" in forest["coverage"]
    net = frame.set_index("label").loc["neural net"]
    assert net[["low", "high", "std_between"]].isna().all()
    assert net["method"] == "no interval: one seed says nothing about others"


def test_every_pair_stands_there_both_ways_corrected_over_the_table():
    samples = {FOREST: [1.0, 2.0, 3.0, 4.0], "neural": [3.0, 5.0, 6.0, 7.0], EXTRA: [0.0, 2.0, 2.5, 9.0]}
    comparison = compared(samples)
    frame = comparison.improvement_frame()
    assert tuple(frame.columns) == IMPROVEMENT_COLUMNS
    assert len(frame) == 6
    means = {"random forest": samples[FOREST], "neural net": samples["neural"], "extra trees": samples[EXTRA]}
    for _, one in frame.iterrows():
        a, b = means[one["label_a"]], means[one["label_b"]]
        better, more = probability_of_improvement(a, b), difference_of_means(a, b)
        assert one[["probability", "low", "high", "p"]].tolist() == pytest.approx(list(better))
        found = one[["difference", "difference_low", "difference_high", "difference_p"]].tolist()
        assert found == pytest.approx(list(more))
    once = frame.iloc[::2]
    assert once["p_holm"].tolist() == pytest.approx(holm(once["p"]).tolist())
    assert once["difference_p_holm"].tolist() == pytest.approx(holm(once["difference_p"]).tolist())
    assert (frame["n_comparisons"] == 3).all()


def test_best_is_only_what_the_corrected_comparison_carries():
    apart = {FOREST: np.arange(10.0), "neural": 100 + np.arange(10.0), EXTRA: 50 + np.arange(10.0)}
    comparison = compared(apart)
    assert comparison.best("CartPole-v0") == "neural net"
    assert comparison.to_frame().set_index("label")["best"].to_dict() == {
        "extra trees": False, "neural net": True, "random forest": False,
    }  # fmt: skip
    # The same distances, three seeds: no p below 0.1.
    assert compared({name: scores[:3] for name, scores in apart.items()}).best("CartPole-v0") is None
    # One rival with a single seed, of whose distribution nothing is known.
    assert compared(apart | {"svm.SVC": [0.0]}).best("CartPole-v0") is None
    assert compared({FOREST: np.arange(10.0)}).best("CartPole-v0") is None, "better than what?"


def test_what_one_table_carries_a_larger_one_may_not():
    """Five seeds a side have p = 2/252 at best: enough for six comparisons, not for seven or more."""
    two = {FOREST: [1.0, 2.0, 3.0, 4.0, 5.0], "neural": [11.0, 12.0, 13.0, 14.0, 15.0]}
    assert compared(two).best("CartPole-v0") == "neural net"
    others = {f"svm.SVC{i}": [1.5 + i / 100, 2.5, 3.5, 4.5, 5.5] for i in range(3)}
    assert compared(two | others).n_comparisons == 10
    assert compared(two | others).best("CartPole-v0") is None


def test_pairs_stay_within_their_environment_and_failures_are_no_runs():
    rows = [row(env, FOREST, seed, seed) for env in ("CartPole-v0", "Acrobot-v1") for seed in range(3)]
    rows += [row("CartPole-v0", "neural", 0, np.nan, status="failed")]
    comparison = seed_comparison(runs_of_table(table_of(rows)))
    assert comparison.pairs == ()
    assert comparison.n_rows == 6
    assert comparison.improvement_frame().empty


def test_an_experiment_that_was_not_evaluated_has_a_row_without_numbers():
    table = table_of([row("CartPole-v0", FOREST, 0, 1.0), row("CartPole-v0", "neural", 0, np.nan)])
    table.loc[table["estimator_name"] == "neural", "n_episodes"] = 0
    frame = seed_comparison(runs_of_table(table)).to_frame().set_index("label")
    assert frame.loc["neural net", "n_seeds"] == 0
    assert np.isnan(frame.loc["neural net", "mean"])
    assert frame.loc["neural net", "method"] == "no final evaluation"


def test_profiles_of_one_environment_share_their_levels():
    frame = compared({FOREST: [1.0, 3.0], "neural": [2.0, 3.0]}).profile_frame()
    assert tuple(frame.columns) == PROFILE_COLUMNS
    shares = frame.pivot(index="level", columns="label", values="share")
    assert shares["random forest"].to_dict() == {1.0: 0.5, 2.0: 0.5, 3.0: 0.0}
    assert shares["neural net"].to_dict() == {1.0: 1.0, 2.0: 0.5, 3.0: 0.0}


def test_the_order_of_the_runs_changes_nothing():
    rows = [row("CartPole-v0", name, seed, seed % 7 + len(name)) for name in (FOREST, "neural") for seed in range(11)]
    runs = runs_of_table(table_of(rows))
    one, other = seed_comparison(runs), seed_comparison(runs[::-1])
    pd.testing.assert_frame_equal(one.to_frame(), other.to_frame())
    pd.testing.assert_frame_equal(one.improvement_frame(), other.improvement_frame())


def curves_of(*runs):
    return pd.concat(
        [
            pd.DataFrame({"env_name": "E", "label": "net", "seed": seed, "steps": steps, "test_mean": means})
            for seed, (steps, means) in enumerate(runs)
        ]
    )


def test_tests_of_several_seeds_stand_on_one_axis_of_steps():
    frame = sample_efficiency(curves_of(([10, 20, 40], [1.0, 2.0, 3.0]), ([12, 30, 36], [5.0, 7.0, 9.0]))).to_frame()
    assert frame["steps"].iloc[[0, -1]].tolist() == [12, 36]
    mean = frame.set_index("steps")["mean"]
    # Each seed counts with its latest test: 1 and 5 at first, 2 and 5 from 20 on, then 2 and 7, then 2 and 9.
    assert mean.loc[12] == 3
    assert mean.loc[19] == 3
    assert mean.loc[20] == 3.5
    assert mean.loc[29] == 3.5
    assert mean.loc[30] == 4.5
    assert mean.loc[36] == 5.5


def test_without_a_common_number_of_steps_there_is_no_curve():
    result = sample_efficiency(curves_of(([10, 20], [1.0, 2.0]), ([30, 40], [5.0, 7.0])))
    assert result.to_frame().empty
    assert result.method == "no common number of steps"
    with pytest.raises(ValueError, match="missing: test_mean"):
        sample_efficiency(curves_of(([10], [1.0])).drop(columns="test_mean"))
