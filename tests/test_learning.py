import math
from dataclasses import dataclass, field, replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from udrl_explain.analysis.final_returns import COLUMNS as FINAL_COLUMNS
from udrl_explain.analysis.final_returns import SEED_COLUMNS as FINAL_SEED_COLUMNS
from udrl_explain.analysis.final_returns import final_returns
from udrl_explain.analysis.learning import COLUMNS, SEED_COLUMNS, learning_curves
from udrl_explain.config import TrainConfig
from udrl_explain.environments import Lockstep
from udrl_explain.episodes import collect_episodes
from udrl_explain.figures.final_returns import plot_final_returns
from udrl_explain.figures.learning import plot_learning_curves
from udrl_explain.figures.style import paper_style
from udrl_explain.names import estimator_label
from udrl_explain.statistics.intervals import SEEDS, mean_interval
from udrl_explain.statistics.published_returns import published_return
from udrl_explain.statistics.random_returns import random_return


@dataclass(frozen=True)
class StoredRun:
    config: TrainConfig
    directory: Path
    train_returns: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))
    test_returns: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))
    final_returns: np.ndarray = field(default_factory=lambda: np.empty(0))
    final_mean: float = math.nan
    final_std: float = math.nan
    n_final: int = 0
    written_by_paper_code: bool = False


def a_run(seed=42, experiment="base", train=(), test=(), final=(), mean_only=None, paper=False, **settings):
    settings = {"final_desired_return": 200.0, "final_desired_horizon": 200.0, "testing_period": 2} | settings
    config = TrainConfig(seed=seed, **settings)
    final = np.array(final, dtype=float)
    mean, std, n_final = (final.mean(), final.std(), len(final)) if len(final) else (math.nan, math.nan, 0)
    if mean_only is not None:
        mean, std, n_final = mean_only
    return StoredRun(
        config,
        Path("data") / config.env_name / experiment / str(seed),
        np.array([(value, 1.0) for value in train]).reshape(-1, 2),
        np.array([(value, 0.5) for value in test]).reshape(-1, 2),
        final,
        mean,
        std,
        n_final,
        paper,
    )


@pytest.fixture
def three_seeds():
    return [
        a_run(42, train=[10, 20, 30, 40], test=[5, 50], final=[100, 110]),
        a_run(43, train=[14, 20, 33, 44], test=[7, 70], final=[130, 130]),
        a_run(44, train=[12, 26], test=[9], final=[90, 100]),
    ]


def test_curves_agree_with_hand_numbers_also_where_runs_end_early(three_seeds):
    frame = learning_curves(three_seeds).to_frame()
    assert tuple(frame.columns) == COLUMNS
    training = frame[frame["kind"] == "training"]
    assert training["iteration"].tolist() == [1, 2, 3, 4]
    assert training["mean_return"].tolist() == [12.0, 22.0, 31.5, 42.0]
    assert training["n_seeds"].tolist() == [3, 3, 2, 2]
    # Student's t: 4.302653 for two degrees of freedom, 12.706205 for one, times the standard error of the mean.
    errors = [2 / math.sqrt(3), math.sqrt(12) / math.sqrt(3), 1.5, 2.0]
    reach = np.array(errors) * [4.302653, 4.302653, 12.706205, 12.706205]
    np.testing.assert_allclose(training["high"] - training["mean_return"], reach, rtol=1e-6)
    np.testing.assert_allclose(training["mean_return"] - training["low"], reach, rtol=1e-6)
    test = frame[frame["kind"] == "test"]
    assert test["iteration"].tolist() == [2, 4]
    assert test["mean_return"].tolist() == [7.0, 60.0]
    assert test["n_seeds"].tolist() == [3, 2]


def test_curve_of_one_seed_has_no_interval_and_says_so():
    curves = learning_curves([a_run(train=[1, 2]), a_run(43, train=[3])])
    frame = curves.to_frame()
    assert math.isfinite(frame["low"].tolist()[0])
    assert math.isnan(frame["low"].tolist()[1])
    assert math.isnan(frame["high"].tolist()[1])
    words = [
        "95 % for other training seeds; 2 seeds: t interval, assumes normal",
        "no interval: one seed says nothing about others",
    ]
    assert frame["method"].tolist() == words
    assert curves.method == "; ".join(words)


def test_an_iteration_in_which_all_seeds_agree_has_no_interval_and_says_so():
    frame = learning_curves([a_run(k, train=[200, k]) for k in range(3)]).to_frame()
    assert frame["low"].isna().tolist() == frame["high"].isna().tolist() == [True, False]
    assert frame["method"][0] == "no variation seen"


def test_every_seed_is_listed_with_the_iterations_it_has(three_seeds):
    frame = learning_curves(three_seeds).by_seed()
    assert tuple(frame.columns) == SEED_COLUMNS
    training = frame[frame["kind"] == "training"]
    assert training.groupby("seed")["mean_return"].apply(list).to_dict() == {
        42: [10.0, 20.0, 30.0, 40.0],
        43: [14.0, 20.0, 33.0, 44.0],
        44: [12.0, 26.0],
    }
    assert set(training["std_return"]) == {1.0}
    assert not frame.isna().any().any()


def test_the_papers_own_code_tests_after_the_first_iteration():
    # Its loop counts from 0 and tests where the count is a multiple of the period.
    runs = [a_run(test=[1, 2, 3], testing_period=10, paper=True)]
    assert learning_curves(runs).to_frame()["iteration"].tolist() == [1, 11, 21]
    runs = [a_run(test=[1, 2, 3], testing_period=10)]
    assert learning_curves(runs).to_frame()["iteration"].tolist() == [10, 20, 30]


def test_results_depend_on_neither_the_order_of_runs_nor_on_other_groups(three_seeds):
    alone = learning_curves(three_seeds).to_frame()
    other = a_run(7, train=[1, 2], final=[3], estimator_name="neural")
    mixed = learning_curves([other, *reversed(three_seeds)]).to_frame()
    pd.testing.assert_frame_equal(mixed[mixed["label"] == "random forest"].reset_index(drop=True), alone)
    finals = final_returns([other, *reversed(three_seeds)]).to_frame()
    pd.testing.assert_frame_equal(
        finals[finals["label"] == "random forest"].reset_index(drop=True), final_returns(three_seeds).to_frame()
    )


def test_many_seeds_same_seed_same_band_other_seed_another():
    values = np.random.default_rng(0).normal(size=(12, 3))
    runs = [a_run(seed, train=row) for seed, row in enumerate(values)]
    frame = learning_curves(runs, seed=1).to_frame()
    pd.testing.assert_frame_equal(frame, learning_curves(runs, seed=1).to_frame())
    assert (frame["low"] != learning_curves(runs, seed=2).to_frame()["low"]).any()
    assert (frame["bootstrap_seed"] == 1).all()
    # Whole curves are drawn: the columns share their resamples.
    whole = mean_interval(values, SEEDS, seed=1)
    assert frame["low"].tolist() == whole.low.tolist()
    assert frame["high"].tolist() == whole.high.tolist()
    assert set(frame["method"]) == {"95 % for other training seeds; 12 seeds: studentised bootstrap"}


def test_runs_without_returns_give_empty_frames_with_the_columns():
    curves = learning_curves([a_run()])
    assert curves.to_frame().empty
    assert tuple(curves.to_frame().columns) == COLUMNS
    assert tuple(curves.by_seed().columns) == SEED_COLUMNS


def test_final_returns_agree_with_hand_numbers(three_seeds):
    frame = final_returns(three_seeds).to_frame()
    assert tuple(frame.columns) == FINAL_COLUMNS
    row = frame.iloc[0]
    episodes = np.array([100, 110, 130, 130, 90, 100.0])
    assert row["mean"] == pytest.approx((105 + 130 + 95) / 3)
    assert row["std"] == pytest.approx(episodes.std())
    # The middle half of six, as scipy and rliable cut it: one from either end.
    assert row["iqm"] == pytest.approx((100 + 100 + 110 + 130) / 4)
    assert (row["n_seeds"], row["n_episodes"], row["episodes_per_seed"]) == (3, 6, "2")
    # Student's t with two degrees of freedom, by hand; the variance of 105, 130, 95 is 325.
    assert row["high"] - row["mean"] == pytest.approx(4.302653 * math.sqrt(325 / 3), rel=1e-6)
    assert row["mean"] - row["low"] == pytest.approx(4.302653 * math.sqrt(325 / 3), rel=1e-6)
    assert (row["low"], row["high"], row["method"]) == mean_interval([105, 130, 95], SEEDS, seed=5)
    assert row["method"] == "95 % for other training seeds; 3 seeds: t interval, assumes normal"
    assert (row["final_command"], row["desired_return"], row["desired_horizon"]) == ("200 / 200", 200.0, 200.0)


def test_iqm_is_the_mean_of_the_middle_half_of_all_episodes_of_all_seeds():
    row = final_returns([a_run(1, final=[0.0, 10.0, 20.0, 1000.0]), a_run(2, final=[1.0, 2.0, 30.0, 900.0])])
    # Of 0, 1, 2, 10, 20, 30, 900, 1000 the middle half is 2, 10, 20, 30.
    assert row.to_frame()["iqm"].tolist() == [15.5]


def test_seeds_of_unequal_episode_numbers_weigh_the_same_in_the_mean():
    row = final_returns([a_run(1, final=[0.0] * 9), a_run(2, final=[10.0])]).to_frame().iloc[0]
    assert row["mean"] == 5.0
    assert row["std"] == pytest.approx(np.std([0.0] * 9 + [10.0]))
    assert row["episodes_per_seed"] == "1 to 9"


def test_seeds_are_listed_in_the_second_frame(three_seeds):
    frame = final_returns([*three_seeds, a_run(45)]).by_seed()
    assert tuple(frame.columns) == FINAL_SEED_COLUMNS
    assert frame["seed"].tolist() == [42, 43, 44, 45]
    assert frame["mean"].tolist()[:3] == [105.0, 130.0, 95.0]
    assert frame["std"].tolist()[:3] == [5.0, 0.0, 5.0]
    assert frame["n_episodes"].tolist() == [2, 2, 2, 0]
    assert math.isnan(frame["mean"].tolist()[3])


def test_one_seed_has_a_mean_but_no_interval():
    row = final_returns([a_run(final=[1.0, 2.0, 3.0])]).to_frame().iloc[0]
    assert row["mean"] == 2.0
    assert math.isnan(row["low"])
    assert math.isnan(row["high"])
    assert row["method"] == "no interval: one seed says nothing about others"


def test_runs_that_stored_only_means_are_reported_from_their_means():
    runs = [a_run(seed, mean_only=(mean, 3.0, 20)) for seed, mean in ((1, 10.0), (2, 14.0))]
    row = final_returns(runs).to_frame().iloc[0]
    assert row["mean"] == 12.0
    assert (row["low"], row["high"]) == pytest.approx((12 - 2 * 12.706205, 12 + 2 * 12.706205), rel=1e-6)
    assert row["std"] == pytest.approx(math.sqrt(3.0**2 + 2.0**2))
    assert math.isnan(row["iqm"])
    assert row["n_episodes"] == 40


def test_seeds_that_all_achieve_the_same_have_no_interval_and_no_bar(ax):
    finals = final_returns([a_run(k, final=[200.0] * 5) for k in range(3)])
    row = finals.to_frame().iloc[0]
    assert (row["mean"], row["method"]) == (200.0, "no variation seen")
    assert math.isnan(row["low"])
    assert math.isnan(row["high"])
    plot_final_returns(finals.to_frame(), ax=ax)
    assert not any(len(bars.get_segments()) for bars in ax.collections)
    assert "95 % for other seeds" not in [line.get_label() for line in ax.get_lines()]


def test_a_group_without_final_evaluation_stays_in_the_table():
    row = final_returns([a_run(train=[1, 2])]).to_frame().iloc[0]
    assert math.isnan(row["mean"])
    assert (row["n_seeds"], row["n_episodes"], row["method"]) == (0, 0, "no final evaluation")
    assert row["final_command"] == "unknown / unknown"


def test_commands_that_differ_between_seeds_are_given_with_their_range():
    commands = ((1, -80.0, 80.0), (2, -70.0, 80.0))
    runs = [
        a_run(seed, final=[1.0], env_name="Acrobot-v1", final_desired_return=ret, final_desired_horizon=steps)
        for seed, ret, steps in commands
    ]
    row = final_returns(runs).to_frame().iloc[0]
    assert row["final_command"] == "-75 (-80 to -70) / 80"
    assert row[["desired_return", "desired_return_low", "desired_return_high"]].tolist() == [-75.0, -80.0, -70.0]
    assert row["published_mean"] == -100.05


@pytest.mark.parametrize("env_name", ["CartPole-v0", "Acrobot-v1", "LunarLander-v3", "MountainCar-v0"])
def test_what_a_random_policy_gets_is_measured_again(env_name):
    pytest.importorskip("Box2D" if env_name.startswith("Lunar") else "gymnasium")
    known = random_return(env_name)
    environments = Lockstep(env_name)
    rng = np.random.default_rng(1)
    played = collect_episodes(
        environments, lambda rows: rng.integers(environments.n_actions, size=len(rows)), [(0.0, 1.0)] * 10, range(10)
    )
    returns = np.array([episode.total_return for episode in played])
    assert abs(returns.mean() - known.mean) <= 4 * max(known.std, returns.std()) / np.sqrt(len(returns))
    row = final_returns([a_run(final=[1.0], env_name=env_name)]).to_frame().iloc[0]
    assert (row["random_mean"], row["random_std"]) == (known.mean, known.std)
    assert random_return("Walk-v9") is None


def test_published_figures_stand_beside_ours_with_what_to_know():
    def found(env_name, estimator_name="neural", command=None):
        figure = published_return(env_name, estimator_name, command)
        return figure.mean, figure.std, figure.note

    assert found("CartPole-v0", "ensemble.RandomForestClassifier", (200.0, 200.0)) == (188.25, 13.82, "")
    assert found("CartPole-v0", "ensemble.RandomForestClassifier", (150.0, 200.0)) == (
        188.25, 13.82, "published at command 200 / 200",
    )  # fmt: skip
    assert "XGBoost" in found("CartPole-v0", "ensemble.GradientBoostingClassifier")[2]
    mean, std, note = found("LunarLander-v3", "ensemble.RandomForestClassifier")
    assert (mean, std) == (-54.74, 96.22)
    assert "LunarLander-v2" in note
    assert published_return("CartPole-v1", "neural") is None
    assert published_return("CartPole-v0", "svm.SVC") is None
    row = final_returns([a_run(final=[200.0], estimator_name="neural")]).to_frame().iloc[0]
    assert (row["published_mean"], row["published_std"]) == (199.93, 0.255)
    assert row["published_source"] == "arXiv 2411.11457, CartPole-v0"


def test_labels_are_short_and_unique_within_an_environment():
    assert estimator_label("ensemble.ExtraTreesClassifier") == "extra trees"
    assert estimator_label("linear_model.RidgeClassifierCV") == "ridge classifier CV"
    long = "x" * 40
    runs = [
        a_run(1, final=[1.0]),
        a_run(1, "wide", final=[1.0]),
        a_run(1, long + "a", final=[1.0]),
        a_run(1, long + "b", final=[1.0]),
        a_run(1, final=[1.0], estimator_name="neural"),
        a_run(1, final=[1.0], env_name="CartPole-v1"),
    ]
    frame = final_returns(runs).to_frame()
    labels = set(frame[frame["env_name"] == "CartPole-v0"]["label"])
    assert labels == {
        "neural net",
        "random forest (base)",
        "random forest (wide)",
        f"random forest ({long}a)",
        f"random forest ({long}b)",
    }
    assert set(frame[frame["env_name"] == "CartPole-v1"]["label"]) == {"random forest"}


@pytest.mark.parametrize("function", [learning_curves, final_returns])
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([], "at least one run, got none; load them first"),
        ("data/CartPole-v0", r"got the path 'data/CartPole-v0'; load them first.*load_run\(folder\)"),
        (Path("data"), "got the path 'data'; load them first"),
        (["data/CartPole-v0/base/42"], "got str 'data/CartPole-v0/base/42'; load them first"),
        (42, "must be a list of loaded runs, got int"),
        ([a_run(42), a_run(43), a_run(42)], "CartPole-v0/base holds seed 42 twice"),
    ],
)
def test_wrong_use_is_answered_with_what_to_do(function, wrong, message):
    with pytest.raises(ValueError, match=message):
        function(wrong)


def test_runs_are_not_modified(three_seeds):
    before = [(run.train_returns.copy(), run.final_returns.copy()) for run in three_seeds]
    learning_curves(three_seeds)
    final_returns(three_seeds)
    for run, (train, final) in zip(three_seeds, before, strict=True):
        np.testing.assert_array_equal(run.train_returns, train)
        np.testing.assert_array_equal(run.final_returns, final)


def through_csv(frame, tmp_path):
    frame.to_csv(tmp_path / "frame.csv", index=False)
    return pd.read_csv(tmp_path / "frame.csv")


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


def test_learning_figure_draws_the_table_as_it_reads_back(three_seeds, tmp_path, ax):
    other = [a_run(seed, train=[1, 2, 3], estimator_name="neural") for seed in (1, 2)]
    curves = learning_curves([*three_seeds, *other])
    frame, seeds = through_csv(curves.to_frame(), tmp_path), through_csv(curves.by_seed(), tmp_path)
    assert plot_learning_curves(frame, ax=ax, by_seed=seeds) is ax
    lines = {line.get_label(): line for line in ax.get_lines()}
    forest, net = lines["random forest (3 seeds)"], lines["neural net (2 seeds)"]
    assert forest.get_xdata().tolist() == [1, 2, 3, 4]
    assert forest.get_ydata().tolist() == [12.0, 22.0, 31.5, 42.0]
    assert net.get_ydata().tolist() == [1.0, 2.0, 3.0]
    assert forest.get_color() != net.get_color()
    assert forest.get_linestyle() != net.get_linestyle()
    band = ax.collections[1].get_paths()[0].vertices
    assert {(1, 10), (1, 14), (4, 40), (4, 44)} <= {tuple(vertex) for vertex in band.tolist()}
    assert len(ax.get_lines()) == 2 * 3
    assert ax.get_xlabel() == "training iteration"
    assert ax.get_ylabel() == "mean return in training (reward)"


def test_learning_figure_of_tests_marks_them(three_seeds, ax):
    plot_learning_curves(learning_curves(three_seeds).to_frame(), ax=ax, kind="test")
    line = ax.get_lines()[-1]
    assert line.get_xdata().tolist() == [2, 4]
    assert line.get_marker() != "None"
    assert ax.get_ylabel() == "mean return in tests (reward)"


def test_learning_figures_refuse_what_they_cannot_show(three_seeds, ax):
    frame = learning_curves(three_seeds).to_frame()
    with pytest.raises(ValueError, match="kind must be 'training' or 'test', got 'final'"):
        plot_learning_curves(frame, ax=ax, kind="final")
    two = pd.concat([frame, frame.assign(env_name="Acrobot-v1")])
    with pytest.raises(ValueError, match="one environment, got CartPole-v0, Acrobot-v1"):
        plot_learning_curves(two, ax=ax)
    with pytest.raises(ValueError, match="no rows"):
        plot_learning_curves(frame[frame["kind"] == "training"], ax=ax, kind="test")
    with pytest.raises(ValueError, match="lacks the columns kind"):
        plot_learning_curves(frame.drop(columns="kind"), ax=ax)


def test_final_figure_shows_mean_interval_seeds_and_published_figure(three_seeds, tmp_path, ax):
    finals = final_returns([*three_seeds, a_run(1, final=[50.0, 60.0], estimator_name="svm.SVC")])
    frame, seeds = through_csv(finals.to_frame(), tmp_path), through_csv(finals.by_seed(), tmp_path)
    assert plot_final_returns(frame, seeds, ax=ax) is ax
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["random forest", "support vector machine"]
    lines = {line.get_label(): line for line in ax.get_lines()}
    assert lines["mean"].get_xdata().tolist() == frame["mean"].tolist()
    published = lines["published mean (arXiv 2411.11457)"]
    assert published.get_xdata().tolist() == [188.25]
    assert published.get_marker() != lines["mean"].get_marker()
    assert sorted(lines["one seed"].get_xdata()) == [55.0, 95.0, 105.0, 130.0]
    (interval,) = ax.collections
    segments = [segment[:, 0].tolist() for segment in interval.get_segments()]
    # One seed has no interval: nothing may be drawn that looks like one.
    assert segments == [[frame["low"][0], frame["high"][0]]]
    assert ax.get_xlabel() == "final return (reward)"


def test_final_figure_says_where_the_published_task_was_another(ax):
    runs = [a_run(seed, final=[1.0, 2.0], env_name="LunarLander-v3") for seed in (1, 2)]
    plot_final_returns(final_returns(runs).to_frame(), ax=ax)
    assert "published mean (arXiv 2411.11457, LunarLander-v2)" in [line.get_label() for line in ax.get_lines()]


@pytest.mark.parametrize("env_name", ["CartPole-v0", "LunarLander-v3"])
def test_legends_fit_into_a_narrow_column(env_name):
    # The legend of the final returns once ran over both edges of a column of 3.25 inches.
    names = ("ensemble.RandomForestClassifier", "neural", "ensemble.GradientBoostingClassifier")
    runs = [
        a_run(seed, train=[1, 2, 3], final=[1.0, 2.0], env_name=env_name, estimator_name=name)
        for name in names
        for seed in (1, 2)
    ]
    curves, finals = learning_curves(runs), final_returns(runs)
    with paper_style("icml"):
        for draw in (
            lambda: plot_learning_curves(curves.to_frame(), by_seed=curves.by_seed()),
            lambda: plot_final_returns(finals.to_frame(), finals.by_seed()),
        ):
            ax = draw()
            ax.figure.canvas.draw()
            legend, page = ax.get_legend().get_window_extent(), ax.figure.bbox
            assert page.x0 <= legend.x0 < legend.x1 <= page.x1
            assert legend.y0 >= ax.get_window_extent().y1
            assert legend.y1 <= page.y1
            plt.close(ax.figure)


def test_shapes_of_a_curve_are_checked(three_seeds):
    (curve, *_) = learning_curves(three_seeds).curves
    with pytest.raises(ValueError, match=r"mean must have shape \(4,\), got \(3,\)"):
        replace(curve, mean=curve.mean[:3])
    with pytest.raises(ValueError, match=r"seed_means must have shape \(3, 4\)"):
        replace(curve, seed_means=curve.seed_means[:2])
