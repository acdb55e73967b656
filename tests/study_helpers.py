"""Tiny studies, and what a study left, to be compared."""

import json
import os
import subprocess
import sys

from udrl_explain.studying.config import StudyConfig
from udrl_explain.studying.records import read_curves, read_table

TINY = {
    "max_episode": 2, "collect_episode": 2, "warm_up": 5, "memory_size": 10, "last_few": 3, "testing_period": 1,
    "final_testing_sample": 2, "estimator_arguments": ("n_estimators=2",),
}  # fmt: skip


def tiny_study(seeds=(1, 2), **changes):
    """A study of which every training takes a moment."""
    settings = TINY | changes.pop("settings", {})
    return StudyConfig(**({"recipes": ("paper",), "seeds": seeds, "settings": settings} | changes))


def study_flags(config):
    """The flags of the same study."""
    settings = [f"{name}={' '.join(value) if isinstance(value, tuple) else value}" for name, value in config.settings]
    return [
        "--environments", *config.environments, "--estimators", *config.estimators, "--recipes", *config.recipes,
        "--seeds", *map(str, config.seeds), "--settings", *settings,
    ]  # fmt: skip


def row_of(cell, **values):
    """What ``study.csv`` says of a training, as far as the cell knows it, and `values`."""
    config = cell.config
    return {
        "env_name": config.env_name, "experiment": cell.experiment, "estimator_name": config.estimator_name,
        "recipe": config.recipe, "seed": config.seed, "config_hash": cell.config_hash,
    } | values  # fmt: skip


def left_behind(directory):
    """Every byte of the runs of a directory, and its tables without the seconds."""
    files = {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and ".study" not in path.parts and path.suffix != ".csv"
    }
    assert any(name.endswith("conf.json") for name in files)
    table = json.dumps(read_table(directory).drop(columns="seconds").to_dict("list"))
    return files, table, json.dumps(read_curves(directory).to_dict("list"))


def start_study(*arguments, folder):
    """Start ``python -m udrl_explain.study`` in a session of its own, as a shell does."""
    return subprocess.Popen(
        [sys.executable, "-m", "udrl_explain.study", *map(str, arguments)],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
