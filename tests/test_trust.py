"""No command imports a module only because a stored run names it."""

import json

import numpy as np
import pytest
from core_helpers import tiny_run

from udrl_explain.environments import check_trusted
from udrl_explain.playing.import_options import ImportOptions
from udrl_explain.playing.import_paper import import_paper_run
from udrl_explain.playing.performance import play_performance
from udrl_explain.playing.performance_options import PerformanceOptions
from udrl_explain.playing.sweep import redo_sweep
from udrl_explain.playing.sweep_options import SweepOptions
from udrl_explain.runs import load_run, save_run

MODULE = "worlds_of_a_stranger"


@pytest.fixture
def imported(tmp_path, monkeypatch):
    """A module that leaves a file behind when it is imported; yields that file."""
    mark = tmp_path / "imported"
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / f"{MODULE}.py").write_text(f"open({str(mark)!r}, 'w').close()\n")
    monkeypatch.syspath_prepend(str(folder))
    return mark


@pytest.fixture
def run(tmp_path):
    run = tiny_run(tmp_path, env_name=f"{MODULE}:Env-v0")
    save_run(run, [])
    return run


@pytest.mark.parametrize(("command", "options"), [(redo_sweep, SweepOptions), (play_performance, PerformanceOptions)])
def test_a_stored_run_cannot_bring_its_module_along(run, imported, command, options):
    """The bug: Gymnasium imports what stands before the colon, whoever wrote it there."""
    load_run(run.directory)
    with pytest.raises(ValueError, match=rf"would import the module '{MODULE}' .* --trust-environment") as fault:
        command(options(run.directory))
    assert str(run.directory) in str(fault.value)
    assert not imported.exists()


def test_who_is_trusted_is_imported(run, imported):
    with pytest.raises(ValueError, match="env_name"):  # it registers nothing
        redo_sweep(SweepOptions(run.directory, trust_environment=True))
    assert imported.exists()


def test_an_import_of_a_folder_of_the_papers_code_needs_the_name_given(tmp_path, imported, monkeypatch):
    from udrl_explain.playing import import_paper

    folder = tmp_path / "theirs"
    folder.mkdir()
    monkeypatch.setattr(import_paper, "load_paper_forest", lambda *_: pytest.fail("went on"), raising=True)
    settings = {
        "env_name": f"{MODULE}:Env-v0", "estimator_name": "ensemble.RandomForestClassifier", "seed": 42,
        "max_episode": 2, "collect_iter": 2, "train_per_iter": 1, "batch_size": 0, "warm_up": 5, "memory_size": 10,
        "last_few": 2, "testing_period": 1, "horizon_scale": 0.02, "return_scale": 0.02, "epsilon": 0.2,
        "final_testing": False, "final_testing_sample": 20, "final_desired_return": 200,
        "final_desired_horizon": 200, "save_policy": True, "save_learning_infos": True,
    }  # fmt: skip
    (folder / "conf.json").write_text(json.dumps(settings))
    for name in ("train_rewards.npy", "test_rewards.npy"):
        np.save(folder / name, [[9.0, 1.0]])
    with pytest.raises(ValueError, match=rf"would import the module '{MODULE}' .* --env_name {MODULE}:Env-v0"):
        import_paper_run(ImportOptions(folder, directory=tmp_path))
    assert not imported.exists()


def test_an_environment_of_gymnasium_itself_needs_no_trust():
    check_trusted("CartPole-v0", "data/run", False, "")
    check_trusted("ALE/Pong-v5", "data/run", False, "")
