import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udrl_explain import TrainConfig
from udrl_explain.studying.batch_script import slurm_script
from udrl_explain.studying.config import Cell, StudyConfig, read_study, settings_of_texts
from udrl_explain.studying.options import StudyOptions
from udrl_explain.studying.study import in_shard


def write(tmp_path, text):
    path = tmp_path / "study.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_study_is_every_combination_seed_by_seed():
    config = StudyConfig(
        environments=("CartPole-v0", "Acrobot-v1"), estimators=("neural", "svm.SVC"), recipes=("robust", "paper"),
        seeds=("2-3", 0),
    )  # fmt: skip
    cells = config.cells()
    assert config.seeds == (0, 2, 3)
    assert [cell.config.seed for cell in cells] == [0] * 8 + [2] * 8 + [3] * 8
    combinations = {(c.config.env_name, c.config.estimator_name, c.config.recipe, c.config.seed) for c in cells}
    assert len(combinations) == len(cells) == 24


@pytest.mark.parametrize(
    "changes",
    [
        {}, {"estimator_name": "neural"}, {"estimator_name": "ensemble.ExtraTreesClassifier"}, {"recipe": "paper"},
        {"env_name": "LunarLander-v3", "recipe": "paper", "estimator_name": "neural"},
    ],
)  # fmt: skip
def test_a_cell_is_named_as_the_trainer_names_its_folder_whatever_is_stored(changes):
    name = TrainConfig(**changes).experiment()
    quiet = Cell(TrainConfig(save_learning_infos=False, save_policy=False, stored_episodes=1, stored_rows=9, **changes))
    assert Cell(TrainConfig(**changes)).experiment == name == quiet.experiment
    assert Cell(TrainConfig(**changes)).config_hash == quiet.config_hash


def test_the_hash_names_the_settings():
    hashes = [
        Cell(TrainConfig(**changes)).config_hash
        for changes in ({}, {"seed": 1}, {"max_episode": 3}, {"recipe": "paper"}, {"env_name": "Acrobot-v1"})
    ]
    assert len(set(hashes)) == 5
    assert Cell(TrainConfig(max_rows=6000, reward_kind="constant")).config_hash != hashes[0], "the kind is settled"
    assert Cell(TrainConfig(horizon_scale=0.02)).config_hash == hashes[0], "a default written out"


def test_settings_that_came_later_leave_the_rows_of_older_studies_known():
    """The hashes that stand in studies made before there was an allowance."""
    assert Cell(TrainConfig(seed=0)).config_hash == "7d8abe2430203f8a"
    assert Cell(TrainConfig(seed=0, recipe="paper")).config_hash == "51c13461dc5afa8c"
    for changes in ({"obedience_allowance": 0.1}, {"patience": 50}, {"patience": 0}):
        assert Cell(TrainConfig(seed=0, **changes)).config_hash != "7d8abe2430203f8a", "set is set"


def test_a_stored_run_agrees_if_its_settings_do():
    cell = Cell(TrainConfig(env_name="Acrobot-v1"))
    kept = {"save_learning_infos": False, "stored_episodes": 0}  # format 2 kept all episodes
    found = TrainConfig(env_name="Acrobot-v1", reward_kind="varied", **kept).resolved()
    stored = dataclasses.replace(found, final_desired_return=-80.0, final_desired_horizon=1.0)
    assert cell.disagreement(stored) == ""
    assert Cell(dataclasses.replace(cell.config, max_episode=3)).disagreement(stored) == (
        "max_episode is 500, the study asks for 3"
    )
    assert "reward_kind is 'varied'" in Cell(dataclasses.replace(cell.config, reward_kind="constant")).disagreement(
        stored
    )
    asked = dataclasses.replace(cell.config, final_desired_return=-70.0)
    assert "final_desired_return is -80.0" in Cell(asked).disagreement(stored)


def test_a_file_may_hold_one_grid_or_several(tmp_path):
    one = read_study(write(tmp_path, 'estimators = ["neural"]\nseeds = [3]\n[settings]\nmax_episode = 7\n'))
    assert one == StudyConfig(estimators=("neural",), seeds=(3,), settings={"max_episode": 7})
    text = 'limit_hours = 2\nseeds = ["0-1"]\n[[parts]]\n[[parts]]\nestimators = ["neural"]\nlimit_hours = 0.5\n'
    cells = read_study(write(tmp_path, text)).cells()
    assert [(cell.config.seed, cell.config.estimator_name, cell.limit_hours) for cell in cells] == [
        (0, "ensemble.RandomForestClassifier", 2), (0, "neural", 0.5),
        (1, "ensemble.RandomForestClassifier", 2), (1, "neural", 0.5),
    ]  # fmt: skip


def test_a_training_in_two_parts_is_one_training():
    config = StudyConfig(seeds=("0-4",), also=(StudyConfig(seeds=("3-6",), limit_hours=1),))
    assert [cell.config.seed for cell in config.cells()] == [0, 1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("seed = [1]", "study.toml: unknown entry 'seed'; a study has environments"),
        ("seeds = [-1]", "study.toml: seeds must be whole numbers from 0 on"),
        ('seeds = ["9-0"]', "study.toml: seeds must be whole numbers"),
        ("seeds = []", "seeds must be whole numbers .*, got none"),
        ('seeds = ["0-99999999999"]', "seeds must be"),
        ("recipes = []", "study.toml: recipes must hold at least one name"),
        ('recipes = ["fast"]', "study.toml: recipe must be 'robust' or 'paper', got 'fast'"),
        ("settings = 3", "study.toml: settings must be a table"),
        ("settings = {seed = 3}", "study.toml: settings cannot hold 'seed': seeds decides it"),
        ("settings = {speed = 3}", "study.toml: unknown setting 'speed'"),
        ("settings = {max_episode = 0}", "study.toml: max_episode must be at least 1, got 0"),
        ("limit_hours = 0", "study.toml: limit_hours must be a number above 0, got 0"),
        ("parts = []", r"study.toml: parts must be tables, each headed \[\[parts\]\]"),
        ("seeds = [", "study.toml: not readable as TOML"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_one_line(tmp_path, text, rule):
    with pytest.raises(ValueError, match=rule) as fault:
        read_study(write(tmp_path, text))
    assert "\n" not in str(fault.value)


def test_settings_on_the_command_line():
    texts = (
        "max_episode=7",
        "clip_return=true",
        "exploration=sample",
        "estimator_arguments=n_estimators=5 max_depth=3",
    )
    assert settings_of_texts(texts) == {
        "max_episode": 7, "clip_return": True, "exploration": "sample",
        "estimator_arguments": ("n_estimators=5", "max_depth=3"),
    }  # fmt: skip
    with pytest.raises(ValueError, match="settings must be of the form name=value, got 'max_episode'"):
        settings_of_texts(("max_episode",))
    with pytest.raises(ValueError, match="holds 'a' twice"):
        settings_of_texts(("a=1", "a=2"))


@pytest.mark.parametrize(
    ("flags", "rule"),
    [
        ({"config": "x.toml", "seeds": ("1",)}, "--config and --seeds exclude each other"),
        ({"backend": "dask"}, "belong together"),
        ({"scheduler": "tcp://127.0.0.1:1"}, "belong together"),
        ({"shard": "0/3"}, "shard must be k/n"),
        ({"shard": "4/3"}, "shard must be k/n"),
        ({"shard": "third"}, "shard must be k/n"),
        ({"list_states": True, "print_slurm": True}, "--list and --print-slurm exclude each other"),
    ],
)
def test_flags_that_do_not_fit(flags, rule):
    with pytest.raises(ValueError, match=rule):
        StudyOptions(**flags)


@given(st.integers(0, 60), st.integers(1, 20))
def test_shards_are_a_partition(n_cells, parts):
    shards = [in_shard(range(n_cells), (part, parts)) for part in range(1, parts + 1)]
    assert sorted(cell for shard in shards for cell in shard) == list(range(n_cells))
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


def test_the_script_for_slurm_gives_every_task_its_shard():
    options = StudyOptions(seeds=("0-9",), estimators=("neural", "svm.SVC"), limit_hours=1.5, shard="1/6")
    script = slurm_script(options, options.study().cells())
    assert script.startswith("#!/bin/bash\n# 20 trainings in 6 tasks of at most 4.")
    assert "#SBATCH --array=1-6\n" in script
    assert "#SBATCH --time=6:00:00\n" in script, "four trainings of at most an hour and a half"
    assert "--estimators neural svm.SVC --seeds 0-9 --limit-hours 1.5 --directory data" in script
    assert '--shard "$SLURM_ARRAY_TASK_ID/6"' in script
