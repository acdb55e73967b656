from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from udrl_explain.analysis.training_commands import COLUMNS, training_commands
from udrl_explain.config import TrainConfig
from udrl_explain.figures.training_commands import plot_training_commands
from udrl_explain.runs.run import TRAINING_COMMAND_COLUMNS


@dataclass
class FakeRun:
    config: TrainConfig
    directory: Path
    training_commands: pd.DataFrame
    train_returns: np.ndarray = field(default_factory=lambda: np.zeros((2, 2)))


def fake_run(seed, rows):
    frame = pd.DataFrame(rows, columns=list(TRAINING_COMMAND_COLUMNS))
    return FakeRun(TrainConfig(seed=seed), Path(f"data/CartPole-v0/base/{seed}"), frame)


TWO_SEEDS = [
    fake_run(1, [(1, 10.0, 5.0, 8.0, 8), (1, 20.0, 5.0, 12.0, 12), (2, 30.0, 7.0, 30.0, 30)]),
    fake_run(2, [(1, 30.0, 8.0, 10.0, 10), (2, 50.0, 9.0, np.nan, 20)]),
]


def test_means_run_over_the_episodes_of_an_iteration_of_all_seeds():
    result = training_commands(TWO_SEEDS)
    frame = result.to_frame()
    assert tuple(frame.columns) == COLUMNS
    assert frame["iteration"].tolist() == [1, 2]
    assert frame["desired_return"].tolist() == [20.0, 40.0]
    assert frame["desired_horizon"].tolist() == [6.0, 8.0]
    assert frame["achieved_return"].tolist() == [10.0, 30.0]  # what was not stored does not count
    assert frame["length"].tolist() == [10.0, 25.0]
    assert frame["n_seeds"].tolist() == [2, 2]
    assert frame["n_episodes"].tolist() == [3, 2]
    assert result.n_rows == 5


def test_a_run_without_commands_leaves_an_empty_frame_with_all_columns():
    frame = training_commands([fake_run(1, [])]).to_frame()
    assert len(frame) == 0
    assert tuple(frame.columns) == COLUMNS


def test_a_run_without_commands_does_not_hide_the_others():
    frame = training_commands([*TWO_SEEDS, fake_run(3, [])]).to_frame()
    assert frame["n_seeds"].tolist() == [2, 2]


def test_something_that_is_no_run_is_refused():
    with pytest.raises(ValueError, match="load"):
        training_commands("data/CartPole-v0")


def test_the_figure_draws_what_was_asked_and_what_came_of_it():
    frame = training_commands(TWO_SEEDS).to_frame()
    figure = plot_training_commands(frame)
    assert isinstance(figure, Figure)
    left, right = figure.axes
    asked, achieved = left.lines
    assert asked.get_ydata().tolist() == [20.0, 40.0]
    assert achieved.get_ydata().tolist() == [10.0, 30.0]
    assert right.lines[0].get_ydata().tolist() == [6.0, 8.0]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["random forest: asked", "random forest: achieved"]


def test_series_that_only_one_panel_has_are_named_too():
    """A run of the paper's code stores lengths but no returns; its points had no name in the legend."""
    frame = training_commands(TWO_SEEDS).to_frame().assign(achieved_return=np.nan)
    names = [text.get_text() for text in plot_training_commands(frame).legends[0].get_texts()]
    assert names == ["random forest: asked", "random forest: achieved"]
