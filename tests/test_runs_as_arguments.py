"""A run stands for what an analysis needs of it, where that is unambiguous."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from core_helpers import tiny_run

from udrl_explain import final_returns, learning_curves, obedience, shapley_values
from udrl_explain.command_space.support import fitted_commands
from udrl_explain.episodes import Episode


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return tiny_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def second(run):
    other = dataclasses.replace(run, config=dataclasses.replace(run.config, seed=6))
    return dataclasses.replace(other, command_sweep=run.command_sweep.assign(achieved_return=[2.0, 3.0, 4.0, 5.0]))


def test_a_run_brings_rows_and_background(run):
    rows = np.concatenate([episode.inputs for episode in run.episodes])
    values = shapley_values(run)
    np.testing.assert_array_equal(values.inputs, rows)
    np.testing.assert_array_equal(values.values, shapley_values(run.policy, rows, run.training_inputs).values)
    chosen = shapley_values(run, run.training_inputs[:3])
    assert (chosen.n_rows, chosen.n_background) == (3, len(run.training_inputs))
    assert shapley_values(run, rows[:2], run.training_inputs[:5]).n_background == 5


def test_many_rows_are_chosen_evenly(run):
    long = Episode(np.tile(run.episodes[0].inputs, (200, 1)), np.zeros(800, dtype=np.int64), np.zeros(800), seed=1)
    values = shapley_values(dataclasses.replace(run, episodes=(long,)))
    assert values.n_rows == 200
    np.testing.assert_array_equal(values.inputs[[0, -1]], long.inputs[[0, -1]])


def test_a_policy_or_a_run_without_episodes_needs_rows(run):
    for without in (run.policy, dataclasses.replace(run, episodes=())):
        with pytest.raises(ValueError, match="inputs must be given"):
            shapley_values(without)


def test_one_run_is_a_list_of_one(run):
    pd.testing.assert_frame_equal(learning_curves(run).to_frame(), learning_curves([run]).to_frame())
    pd.testing.assert_frame_equal(final_returns(run).to_frame(), final_returns([run]).to_frame())


def test_obedience_of_runs_is_that_of_their_sweeps_judged_by_their_last_fits(run, second):
    sweep = pd.concat([second.command_sweep.assign(seed=6), run.command_sweep.assign(seed=7)])
    supports = [fitted_commands(each.training_inputs) for each in (second, run)]
    for runs in ([run, second], (second, run)):
        told = obedience(runs)
        pd.testing.assert_frame_equal(told.to_frame(), obedience(sweep, training_commands=supports).to_frame())
    alone = obedience(run.command_sweep, training_commands=supports[1])
    pd.testing.assert_frame_equal(obedience(run).to_frame(), alone.to_frame())


def test_runs_that_do_not_belong_together_are_refused(run, second):
    with pytest.raises(ValueError, match=r"different seeds, got \[7, 7\]"):
        obedience([run, run])
    elsewhere = dataclasses.replace(second, directory=second.directory.parent.parent / "other" / "6")
    with pytest.raises(ValueError, match="runs must be of one experiment"):
        obedience([run, elsewhere])
    with pytest.raises(ValueError, match="at least one run"):
        obedience([])


def test_a_run_without_stored_rows_leaves_its_levels_unmarked(run):
    bare = dataclasses.replace(run, training_inputs=np.empty((0, 6)))
    assert obedience(bare).support is None
