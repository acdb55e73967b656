"""Large parts of many runs: read again where they were let go, and never another run's."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from udrl_explain import find_runs, load_run
from udrl_explain.runs import stored_run
from udrl_explain.runs.places import folder_hash
from udrl_explain.runs.stored_run import LARGE, HeldRuns


def test_a_run_that_was_let_go_is_the_run_as_it_was_read(tiny_place):
    held = HeldRuns(most=1)
    folders = find_runs(tiny_place)
    runs = [held.read(folder)[0] for folder in folders]
    for _ in range(2):
        for run, folder in zip(runs, folders, strict=True):
            expected = load_run(folder)
            assert repr(run) == repr(expected)
            assert run.n_final == expected.n_final
            np.testing.assert_array_equal(run.training_inputs, expected.training_inputs)
            np.testing.assert_array_equal(run.training_actions, expected.training_actions)
            pd.testing.assert_frame_equal(run.training_commands, expected.training_commands)
            rows = run.training_inputs
            np.testing.assert_array_equal(
                run.policy.action_probabilities(rows), expected.policy.action_probabilities(rows)
            )
            assert run.policy is run.policy, "held as long as no other run is asked for"
            for one, other in zip(run.episodes, expected.episodes, strict=True):
                np.testing.assert_array_equal(one.inputs, other.inputs)
            assert len(held._parts) == 1


def test_small_parts_are_had_without_reading(tiny_place, monkeypatch):
    held = HeldRuns(most=1)
    (first, digest), (second, _) = [held.read(folder) for folder in find_runs(tiny_place)[:2]]
    assert digest == folder_hash(first.directory)
    monkeypatch.setattr(stored_run, "load_run", None)
    assert first.has_policy
    assert first.n_final == len(first.final_returns) == 3
    assert len(first.command_sweep) > 0
    assert "policy loaded" in repr(first)
    assert second.policy is not None
    with pytest.raises(AttributeError, match="no attribute 'polcy'"):
        _ = first.polcy


def test_a_run_without_a_policy_holds_none(tiny_place, tmp_path):
    folder = tmp_path / "data/CartPole-v0/bare/1"
    shutil.copytree(tiny_place / "data/CartPole-v0/trees/1", folder)
    settings = json.loads((folder / "conf.json").read_text())
    (folder / "conf.json").write_text(json.dumps(settings | {"save_policy": False}))
    run, _ = HeldRuns().read(folder)
    assert not run.has_policy
    assert run.policy is None
    assert "save_policy was false" in run.policy_note
    assert set(LARGE) - set(vars(run)) == set(LARGE) - {"policy"}


def test_a_folder_that_changed_meanwhile_is_refused(tiny_place, tmp_path):
    shutil.copytree(tiny_place / "data", tmp_path / "data")
    held = HeldRuns(most=1)
    first, _, last = [held.read(folder)[0] for folder in find_runs(tmp_path)]
    (first.directory / "learning_infos.json").write_text("[]")
    assert last.policy is not None
    with pytest.raises(ValueError, match=r"net/1: was changed while it was looked at"):
        _ = first.policy
