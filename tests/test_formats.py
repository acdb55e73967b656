"""Every format ever shipped stays readable; tests/data holds a small run of each kind as its release wrote it."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from udrl_explain.config import TrainConfig
from udrl_explain.files.csv import rounded
from udrl_explain.forest import FOREST_ARRAYS
from udrl_explain.policies import EstimatorPolicy, ForestPolicy, NeuralPolicy
from udrl_explain.runs import load_run
from udrl_explain.runs.formats import config_of_any_format
from udrl_explain.training.loop import train_policy
from udrl_explain.trees.float32_edges import as_float32

FORMAT_1 = Path(__file__).parent / "data" / "format_1"
KINDS = {"forest": ForestPolicy, "neural": NeuralPolicy, "skops": EstimatorPolicy}


@pytest.mark.parametrize("name", KINDS)
def test_a_run_of_format_1_is_read_as_what_it_was_made_with(name):
    run = load_run(FORMAT_1 / name)
    assert isinstance(run.policy, KINDS[name])
    assert "format" not in json.loads((FORMAT_1 / name / "conf.json").read_text())
    config = run.config
    assert (config.recipe, config.max_episode, config.seed) == ("paper", 3, 7)
    found = (config.rows_per_episode, config.diverse_share, config.final_policy, config.estimator_arguments)
    assert found == (1, 0.0, "last", ())
    assert run.return_limit == np.inf
    for episode in run.episodes:
        chosen = run.policy.action_probabilities(episode.inputs).argmax(axis=1)
        np.testing.assert_array_equal(chosen, episode.actions)


@pytest.mark.parametrize("name", KINDS)
def test_recipe_paper_still_makes_what_format_1_holds(name, tmp_path, monkeypatch):
    """Array for array: the schedule of the paper has not moved by a bit (a net's weights: by what processors round)."""
    monkeypatch.setattr("udrl_explain.training.loop.SWEEP_EPISODES", 2)
    old = load_run(FORMAT_1 / name)
    settings = {
        field: getattr(old.config, field)
        for field in (
            "estimator_name", "seed", "max_episode", "collect_episode", "train_per_iter", "batch_size", "warm_up",
            "last_few", "testing_period", "final_testing_sample",
        )
    }  # fmt: skip
    new = train_policy(TrainConfig(recipe="paper", **settings), tmp_path)
    if new.versions != old.versions:
        pytest.skip("made with other versions, which may draw or round otherwise")
    unequal = [
        path.name
        for path in (FORMAT_1 / name).iterdir()
        if path.name not in ("conf.json", "policy.npz", "training_commands.csv")
        and path.read_bytes() != (new.directory / path.name).read_bytes()
    ]
    assert unequal == []
    pd.testing.assert_frame_equal(new.training_commands, rounded(old.training_commands))  # since format 3: 12 digits
    if name == "forest":
        short = replace(old.policy.forest, threshold=as_float32(old.policy.forest.threshold))
        for array in FOREST_ARRAYS:
            np.testing.assert_array_equal(getattr(new.policy.forest, array), getattr(short, array))
    elif name == "neural":
        for array in ("weights", "biases"):
            for made, held in zip(getattr(new.policy, array), getattr(old.policy, array), strict=True):
                np.testing.assert_allclose(made, held, rtol=0, atol=1e-13)
    old_settings = json.loads((FORMAT_1 / name / "conf.json").read_text())
    assert json.loads((new.directory / "conf.json").read_text()) | old_settings == json.loads(
        (new.directory / "conf.json").read_text()
    )


TINY = {
    "estimator_name": "tree.DecisionTreeClassifier", "max_episode": 1, "collect_episode": 2, "warm_up": 5,
    "memory_size": 5, "final_testing_sample": 1,
}  # fmt: skip


@pytest.fixture
def copied(tmp_path):
    return shutil.copytree(FORMAT_1 / "forest", tmp_path / "run")


def changed(folder, **values):
    conf = folder / "conf.json"
    conf.write_text(json.dumps(json.loads(conf.read_text()) | values))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"format": 99}, r"conf\.json: format 99 is newer than this release reads \(4\): update udrl_explain"),
        ({"format": 0}, r"conf\.json: format must be a whole number from 1 on, got 0"),
        ({"format": "2"}, r"conf\.json: format must be a whole number from 1 on, got '2'"),
        ({"format": True}, "format must be a whole number from 1 on, got True"),
        ({"format": 2}, r"conf\.json: setting 'acting_fits' is missing"),
        ({"practice_share": 0.5}, "unknown setting 'practice_share'"),
        ({"return_limit": "high"}, "return_limit must be a finite number or null, got 'high'"),
    ],
)
def test_what_no_release_wrote_is_refused_in_one_line(copied, values, message):
    changed(copied, **values)
    with pytest.raises(ValueError, match=message) as fault:
        load_run(copied)
    assert "\n" not in str(fault.value)


def test_format_2_stored_every_final_episode(tmp_path):
    run = train_policy(TrainConfig(recipe="paper", **TINY), tmp_path)
    conf = run.directory / "conf.json"
    values = json.loads(conf.read_text())
    del values["stored_episodes"]
    conf.write_text(json.dumps(values))
    with pytest.raises(ValueError, match="setting 'stored_episodes' is missing"):
        load_run(run.directory)
    conf.write_text(json.dumps(values | {"format": 2}))
    assert load_run(run.directory).config == run.config


def test_format_3_trained_to_the_end_and_took_the_highest_return(tmp_path):
    run = train_policy(TrainConfig(recipe="paper", **TINY), tmp_path)
    conf = run.directory / "conf.json"
    values = json.loads(conf.read_text())
    assert (values.pop("obedience_allowance"), values.pop("patience")) == (0, 0)
    conf.write_text(json.dumps(values))
    with pytest.raises(ValueError, match="setting 'obedience_allowance' is missing"):
        load_run(run.directory)
    conf.write_text(json.dumps(values | {"format": 3}))
    assert load_run(run.directory).config == run.config
    varied = TrainConfig(reward_kind="varied").resolved().to_dict()
    del varied["obedience_allowance"], varied["patience"]
    old = config_of_any_format(varied | {"format": 3})
    assert (old.obedience_allowance, old.patience) == (0, 0), "whatever a recipe may say one day"


def test_a_run_of_today_says_its_format_and_its_limit(tmp_path):
    run = train_policy(TrainConfig(clip_return=True, **TINY), tmp_path)
    values = json.loads((run.directory / "conf.json").read_text())
    assert values["format"] == 4
    assert values["return_limit"] == run.return_limit == load_run(run.directory).return_limit
    assert 1 <= run.return_limit <= 200
    assert load_run(run.directory).config == run.config
