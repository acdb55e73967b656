"""``result.plot()`` of every result that has a figure draws what its plot function draws."""

import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from core_helpers import tiny_run
from matplotlib.figure import Figure
from overlap_helpers import overlaps
from test_result_protocol import MADE

from udrl_explain import command_map, explain, obedience, shapley_values
from udrl_explain.command_space.support import fitted_commands
from udrl_explain.figures.alt_text import alt_text
from udrl_explain.figures.explanation import plot_explanation
from udrl_explain.figures.of_results import FIGURES
from udrl_explain.figures.shapley import plot_shapley_summary
from udrl_explain.figures.style import STYLES, figure_of, paper_style
from udrl_explain.names import feature


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return tiny_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


@pytest.mark.parametrize("name", MADE)
def test_a_result_has_plot_where_a_figure_shows_it(run, name):
    result = MADE[name][0](run)
    assert hasattr(result, "plot") == (name in FIGURES)
    if name in FIGURES:
        drawn = result.plot()
        figure = drawn if isinstance(drawn, Figure) else figure_of(drawn)
        assert alt_text(figure)


def test_every_figure_of_the_list_belongs_to_a_result():
    assert set(FIGURES) <= set(MADE)


def test_options_reach_the_plot_function(run):
    values = shapley_values(run.policy, run.training_inputs[:9], run.training_inputs)
    ax = plt.subplots()[1]
    assert values.plot(ax=ax, action="right") is ax
    other = plot_shapley_summary(values, action="right")
    assert alt_text(ax) == alt_text(other)
    assert "mean absolute" in values.plot().get_xlabel()
    assert "right − left" in values.contrast("right", "left").plot().get_xlabel()


def test_a_map_with_training_commands_shows_them_and_the_nearest_change(run):
    support = fitted_commands(run.training_inputs)
    regions = command_map(run.policy, run.training_inputs[0, :-2], (0, 200), (1, 200), training_commands=support)
    command = tuple(run.training_inputs[0, -2:])
    labels = [text.get_text() for text in regions.plot(command=command).get_legend().get_texts()]
    assert any("last fit" in label or "training" in label for label in labels)
    assert len(labels) > len(regions.plot().get_legend().get_texts())


def test_a_grid_of_commands_is_drawn_as_a_map(run):
    sweep = run.command_sweep.assign(desired_horizon=[5.0, 7.0, 5.0, 7.0], environment_seed=1)
    assert obedience(sweep).is_grid
    assert obedience(sweep).plot().get_ylabel() == feature("desired_horizon").label


@pytest.mark.parametrize("style", STYLES)
def test_the_bars_of_an_explanation_are_its_pushes(run, style):
    told = explain(run, run.training_inputs[4])
    with paper_style(style):
        ax = told.plot()
        assert overlaps(figure_of(ax)) == []
    frame = told.to_frame()
    bars = sorted(ax.patches, key=lambda bar: -bar.get_y())
    assert [bar.get_width() for bar in bars] == pytest.approx(frame["shapley_value"].tolist())
    assert [bool(bar.get_hatch()) for bar in bars] == frame["is_command"].tolist()
    ticks = dict(zip(ax.get_yticks(), (text.get_text() for text in ax.get_yticklabels()), strict=True))
    for height, name in zip(np.arange(len(frame))[::-1], frame["feature"], strict=True):
        assert ticks[height].startswith(f"{feature(name).symbol} = ")
    assert f"“{frame['action_name'].iloc[0]}”" in ax.get_xlabel()


def test_an_explanation_is_drawn_again_from_its_table(run):
    told = explain(run, run.training_inputs[4])
    assert alt_text(plot_explanation(told.to_frame())) == alt_text(told.plot())
    with pytest.raises(ValueError, match="lacks the columns shapley_value"):
        plot_explanation(told.to_frame().drop(columns="shapley_value"))


def test_results_load_without_matplotlib():
    script = (
        "import sys, pkgutil, importlib, udrl_explain.analysis\n"
        "for each in pkgutil.walk_packages(udrl_explain.analysis.__path__, 'udrl_explain.analysis.'):\n"
        "    importlib.import_module(each.name)\n"
        "print('matplotlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"
