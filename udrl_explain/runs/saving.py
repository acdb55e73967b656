"""Writing a run folder, whole or not at all."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from udrl_explain.files.atomic import check_folder_can_be_written, folder_written_whole, write_whole
from udrl_explain.files.reading import (
    write_npz,
)
from udrl_explain.runs.formats import CONFIG_FORMAT
from udrl_explain.runs.places import CONFIG_FILE, GRID_FILE, PERFORMANCE_FILE, SWEEP_FILE
from udrl_explain.runs.policy_files import save_policy
from udrl_explain.runs.run import Run
from udrl_explain.tables import write_csv


def check_run_can_be_saved(directory: Path, overwrite: bool) -> None:
    """Find out before a training whether :func:`save_run` will accept its folder.

    Raises
    ------
    FileExistsError, NotADirectoryError, PermissionError
        If it will not.
    """
    check_folder_can_be_written(directory, overwrite=overwrite, marker=CONFIG_FILE)


def save_run(run: Run, learning_infos: Sequence[Mapping[str, Any]] = (), *, overwrite: bool = False) -> Path:
    """Write a run to ``run.directory``, whole or not at all.

    Parameters
    ----------
    run : Run
        Its policy is stored where ``config.save_policy`` is true.
    learning_infos : sequence of dict
        One record per fit.
    overwrite : bool
        Replace a run that is there.

    Returns
    -------
    Path
        The folder, ``run.directory``.

    Raises
    ------
    FileExistsError
        If the folder exists and `overwrite` is False.
    ValueError
        If the policy names its inputs or actions otherwise than the run does.
    """
    for names in ("feature_names", "action_names"):
        if run.policy is not None and getattr(run.policy, names) != getattr(run, names):
            raise ValueError(
                f"{names} of a run and of its policy must be the same, got {getattr(run, names)} and "
                f"{getattr(run.policy, names)}"
            )
    with folder_written_whole(run.directory, overwrite=overwrite, marker=CONFIG_FILE) as folder:
        config = run.config
        if config.save_policy and run.policy is not None:
            save_policy(run.policy, folder)
        np.save(folder / "train_rewards.npy", run.train_returns)
        np.save(folder / "test_rewards.npy", run.test_returns)
        if config.save_learning_infos:
            records = ",\n".join(json.dumps(record, separators=(",", ":")) for record in learning_infos)
            (folder / "learning_infos.json").write_text(f"[\n{records}\n]\n", encoding="utf-8")
        write_csv(_without_points(run.training_commands), folder / "training_commands.csv")
        write_npz(folder / "training_rows.npz", {"inputs": run.training_inputs, "actions": run.training_actions})
        if run.episodes:
            write_npz(folder / "episodes.npz", _episode_arrays(run))
            write_csv(run.command_sweep, folder / SWEEP_FILE)
        facts: dict[str, object] = {
            "feature_names": run.feature_names,
            "action_names": run.action_names,
            "test_mean": _or_none(run.final_mean),
            "test_std": _or_none(run.final_std),
            "return_limit": _or_none(run.return_limit),
            "versions": dict(run.versions),
        }
        if run.notes:
            facts["notes"] = list(run.notes)
        text = json.dumps({"format": CONFIG_FORMAT} | config.to_dict() | facts, indent=4, ensure_ascii=False)
        (folder / CONFIG_FILE).write_text(text + "\n", encoding="utf-8")
    return run.directory


def store_sweep(run: Run, sweep: pd.DataFrame, *, grid: bool) -> Path:
    """Replace the command sweep (or the two-dimensional grid) of a stored run and return the file's path."""
    path = run.directory / (GRID_FILE if grid else SWEEP_FILE)
    with write_whole(path) as partial:
        write_csv(sweep, partial)
    return path


def store_performance(run: Run, performance: pd.DataFrame) -> Path:
    """Replace the returns of coalitions in a stored run and return the file's path."""
    path = run.directory / PERFORMANCE_FILE
    with write_whole(path) as partial:
        write_csv(performance, partial)
    return path


def _without_points(frame: pd.DataFrame) -> pd.DataFrame:
    """Whole numbers as such: 24 is half as long as 24.0, and there are many."""
    whole = [name for name, column in frame.items() if (np.abs(column) < 2**53).all() and (column % 1 == 0).all()]
    return frame.astype({str(name): np.int64 for name in whole})


def _episode_arrays(run: Run) -> dict[str, NDArray[Any]]:
    episodes = run.episodes
    arrays = {
        "inputs": np.concatenate([episode.inputs for episode in episodes]),
        "actions": np.concatenate([episode.actions for episode in episodes]),
        "rewards": np.concatenate([episode.rewards for episode in episodes]),
        "offsets": np.cumsum([0] + [len(episode) for episode in episodes]),
        "seeds": np.array([episode.seed for episode in episodes], dtype=np.int64),
    }
    return arrays | {"unkept_returns": run.unkept_returns} if len(run.unkept_returns) else arrays


def _or_none(value: float) -> float | None:
    return value if np.isfinite(value) else None
