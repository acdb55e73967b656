"""What the figures of a comparison of seeds show, read back from their artists."""

from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from overlap_helpers import overlaps
from test_seed_comparison import EXTRA, FOREST, compared, curves_of

from udrl_explain.analysis.sample_efficiency import sample_efficiency
from udrl_explain.figures.alt_text import alt_text
from udrl_explain.figures.sample_efficiency import plot_sample_efficiency
from udrl_explain.figures.seed_comparison import plot_improvement, plot_performance_profiles, plot_seed_comparison
from udrl_explain.figures.series import looks
from udrl_explain.figures.style import STYLES, paper_style


def lines(ax, label):
    return [line for line in ax.lines if str(line.get_label()).startswith(label)]


def test_the_forest_plot_has_every_seed_as_a_dot_and_the_published_mean_as_a_diamond():
    comparison = compared({FOREST: [180.0, 190.0, 199.0], "neural": [199.0], EXTRA: [150.0, 170.0]})
    ax = plot_seed_comparison(comparison)
    rows = [text.get_text() for text in ax.get_yticklabels()]
    assert rows == ["extra trees", "neural net", "random forest"]
    (seeds,) = lines(ax, "one seed")
    assert seeds.get_marker() == "o"
    assert sorted(seeds.get_xdata()) == [150, 170, 180, 190, 199, 199]
    assert np.rint(seeds.get_ydata()).tolist() == [0, 0, 1, 2, 2, 2]
    (mean,) = lines(ax, "mean")
    assert mean.get_xdata().tolist() == pytest.approx([160, 199, 569 / 3])
    (published,) = lines(ax, "published mean")
    assert published.get_marker() == "D"
    assert sorted(published.get_xdata()) == [188.25, 199.93]
    # One seed has no interval.
    assert len(ax.collections[0].get_segments()) == 2


def test_the_matrix_shows_the_chances_and_stars_what_stays_after_correction():
    comparison = compared({FOREST: np.arange(6.0), "neural": 10 + np.arange(6.0), EXTRA: [0.5, 20.0, 1.5]})
    ax = plot_improvement(comparison)
    frame = comparison.improvement_frame()
    labels = [text.get_text().split("  ")[0] for text in ax.get_yticklabels()]
    shown = {text.get_position(): text.get_text() for text in ax.texts}
    assert len(shown) == len(frame) == 6
    for _, row in frame.iterrows():
        place = (labels.index(row["label_b"]), labels.index(row["label_a"]))
        assert shown[place] == f"{100 * row['probability']:.0f}{'*' if row['p_holm'] < 0.05 else ''}"
        assert ax.images[0].get_array()[place[::-1]] == row["probability"]
    assert sum(text.endswith("*") for text in shown.values()) == 2
    assert "neural net over random forest 1" in alt_text(ax)


@pytest.mark.parametrize("style", STYLES)
def test_ten_experiments_have_room_in_the_matrix_of_every_style(style):
    names = ["random forest", "extra trees", "gradient boosting", "AdaBoost", "support vector machine"]
    runs = [(f"{name} ({recipe})", i) for i, (name, recipe) in enumerate(product(names, ("paper", "robust")))]
    rows = [
        ("CartPole-v0", one, other, float(i > j), 0.01) for one, i in runs for other, j in runs if one != other
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["env_name", "label_a", "label_b", "probability", "p_holm"])
    with paper_style(style):
        ax = plot_improvement(frame)
        figure = ax.figure
        assert overlaps(figure) == []
        cell = ax.get_window_extent().width / len(runs)
        assert max(text.get_window_extent().width for text in ax.texts) < cell, "100*"
        texts = {text.get_text() for text in figure.findobj(Text)}
        plt.close(figure)
    for label, i in runs:  # every name once, with its number
        (shown,) = [text for text in texts if label in text]
        assert shown in (f"{label}  {i + 1}", f"{i + 1} {label}")


def test_profiles_are_flights_of_steps_from_one_to_nought():
    comparison = compared({FOREST: [1.0, 3.0], "neural": [2.0, 3.0]})
    ax = plot_performance_profiles(comparison)
    (forest,) = lines(ax, "random forest (2 seeds)")
    assert forest.get_drawstyle() == "steps-post"
    assert forest.get_xdata()[1:-1].tolist() == [1, 2, 3]
    assert forest.get_ydata().tolist() == [1, 0.5, 0.5, 0, 0]
    assert len(ax.collections) == 2, "a band each"
    many = compared({f"svm.SVC{i}": [1.0, 2.0 + i] for i in range(5)})
    assert len(plot_performance_profiles(many).collections) == 0


def test_ten_experiments_are_told_apart_without_colours():
    comparison = compared({f"svm.SVC{i}": [1.0, 2.0 + i] for i in range(10)})
    drawn = plot_performance_profiles(comparison).lines
    assert len({look.line_style for look in looks([str(line.get_label()) for line in drawn]).values()}) == 10
    assert len({line.get_marker() for line in drawn[:8]}) == 8
    # Each has markers of its own along the line, none at another's place.
    assert len({line.get_markevery() for line in drawn}) == 10
    assert {apart for _, apart in (line.get_markevery() for line in drawn)} == {0.25}
    assert all(0 < first < 0.25 for first, _ in (line.get_markevery() for line in drawn))


def test_returns_stand_over_steps():
    result = sample_efficiency(curves_of(([10, 20, 40], [1.0, 2.0, 3.0]), ([10, 20, 40], [3.0, 4.0, 5.0])))
    ax = plot_sample_efficiency(result)
    (net,) = lines(ax, "net (2 seeds)")
    assert net.get_xdata()[[0, -1]].tolist() == [10, 40]
    assert net.get_ydata()[[0, -1]].tolist() == [2, 4]
    assert ax.get_xlabel() == "environment steps of training (warm-up included)"
    assert len(ax.collections) == 1


@pytest.mark.parametrize("plot", [plot_seed_comparison, plot_performance_profiles, plot_improvement])
def test_what_cannot_be_drawn_is_refused(plot):
    with pytest.raises(ValueError, match="lacks the columns"):
        plot(pd.DataFrame({"x": [1]}))
