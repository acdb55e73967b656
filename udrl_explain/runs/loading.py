"""Reading a run folder: nothing from it is executed, everything is checked, every fault names its file."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from udrl_explain.commands import COMMAND_NAMES, N_COMMANDS, CommandScale, NoCommand, n_commands
from udrl_explain.environments import known_input_count
from udrl_explain.episodes import Episode
from udrl_explain.files.leftovers import set_aside, words_on
from udrl_explain.files.limits import LARGEST_NUMBER, within_limits
from udrl_explain.files.reading import (
    as_numbers,
    finite_or_nan,
    read_json,
    read_npz,
    read_number_table,
    read_returns,
)
from udrl_explain.runs.formats import config_of_any_format
from udrl_explain.runs.paper_runs import load_paper_run
from udrl_explain.runs.places import CONFIG_FILE, GRID_FILE, PERFORMANCE_FILE, SWEEP_FILE, find_runs
from udrl_explain.runs.policy_files import load_policy
from udrl_explain.runs.run import PERFORMANCE_COLUMNS, SWEEP_COLUMNS, TRAINING_COMMAND_COLUMNS, Run

_LEAST_TRAINED = {"iteration": 1, "desired_horizon": 0, "length": 1}
_LEAST_SWEPT = {"desired_horizon": 0, "environment_seed": 0, "length": 1}
_LONGEST_NAME = 100
_UNKEPT = "unkept_returns"


def load_run(folder: str | Path) -> Run:
    """Read a run folder, written by this package or by the paper's own code.

    Parameters
    ----------
    folder : str or Path
        ``data/<env_name>/<experiment>/<seed>``.

    Raises
    ------
    FileNotFoundError, ValueError
        Naming the file and what is wrong with it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        left = set_aside(folder)
        raise FileNotFoundError(f"{folder}: no such folder" + (f"; {words_on(left)}" if left else ""))
    if not (folder / CONFIG_FILE).exists():
        below = find_runs(folder)
        raise ValueError(f"{folder} is no run; {len(below)} runs lie below it, the first is {below[0]} (see find_runs)")
    values = read_json(folder / CONFIG_FILE)
    if not isinstance(values, dict):
        raise ValueError(f"{folder / CONFIG_FILE}: must hold the settings by name")
    try:
        return load_paper_run(folder, values) if "collect_iter" in values else _load_own(folder, values)
    except (ValueError, OSError):
        raise
    except Exception as fault:  # whatever else a stranger's file can bring about is no reason to stop a report
        raise ValueError(f"{folder}: cannot be read ({type(fault).__name__}: {fault})") from fault


def _load_own(folder: Path, values: dict[str, Any]) -> Run:
    conf = folder / CONFIG_FILE
    try:
        facts = {
            name: values.pop(name) for name in ("feature_names", "action_names", "test_mean", "test_std", "versions")
        }
        limit = finite_or_nan("return_limit", values.pop("return_limit", None))
        notes = _notes(values.pop("notes", []))
        config = config_of_any_format(values)
        feature_names, action_names = _names(facts["feature_names"], 1), _names(facts["action_names"], 2)
        if n_commands(feature_names) == 0 and set(feature_names) & set(COMMAND_NAMES):
            raise ValueError(f"feature_names must end with {COMMAND_NAMES} or hold neither, got {feature_names}")
        versions = facts["versions"]
        if not isinstance(versions, dict) or not all(
            isinstance(text, str) and text.isprintable() for version in versions.items() for text in version
        ):
            raise ValueError("versions must map packages to text without control characters")
        final_mean, final_std = (finite_or_nan(name, facts[name]) for name in ("test_mean", "test_std"))
        if not np.isfinite(final_mean) == np.isfinite(final_std) == config.final_testing:
            rule = (
                "numbers where final_testing is true" if config.final_testing else "null where final_testing is false"
            )
            raise ValueError(f"test_mean and test_std must be {rule}, got {final_mean} and {final_std}")
    except KeyError as fault:
        raise ValueError(f"{conf}: {fault} is missing") from None
    except ValueError as fault:
        raise ValueError(f"{conf}: {fault}") from fault
    n_features, n_actions = len(feature_names), len(action_names)
    _check_input_count(config.env_name, feature_names, conf)
    rows = folder / "training_rows.npz"
    training_inputs, training_actions = _inputs_and_actions(
        read_npz(rows, ("inputs", "actions")), n_features, n_actions, rows
    )
    policy, note = None, "not stored (save_policy was false)"
    if config.save_policy:
        kind = CommandScale if n_commands(feature_names) else NoCommand
        scale = kind(config.return_scale, config.horizon_scale)
        names = {"feature_names": feature_names, "action_names": action_names}
        policy, note = load_policy(folder, n_actions, scale, training_inputs, **names), ""
    tested = config.final_testing
    episodes, unkept = (
        _load_episodes(folder / "episodes.npz", feature_names, n_actions) if tested else ((), np.empty(0))
    )
    sweep = _sweep(folder / SWEEP_FILE) if tested else pd.DataFrame(columns=SWEEP_COLUMNS)
    grid = folder / GRID_FILE
    run = Run(
        config=config,
        directory=folder,
        policy=policy,
        policy_note=note,
        feature_names=feature_names,
        action_names=action_names,
        train_returns=read_returns(folder / "train_rewards.npy"),
        test_returns=read_returns(folder / "test_rewards.npy"),
        training_commands=read_number_table(
            folder / "training_commands.csv",
            TRAINING_COMMAND_COLUMNS,
            _LEAST_TRAINED,
            whole=("iteration", "length"),
            unknown=("achieved_return",),
        ).astype(dict.fromkeys(("desired_return", "desired_horizon", "achieved_return"), np.float64)),
        training_inputs=training_inputs,
        training_actions=training_actions,
        episodes=episodes,
        command_sweep=sweep,
        command_grid=_sweep(grid) if grid.exists() else None,
        final_mean=final_mean,
        final_std=final_std,
        unkept_returns=unkept,
        return_limit=limit if np.isfinite(limit) else np.inf,
        performance=_performance(folder / PERFORMANCE_FILE, n_features),
        versions=versions,
        notes=notes,
    )
    if tested:
        _check_final_returns(run, conf)
    return run


def _notes(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(note, str) and note.isprintable() for note in value):
        raise ValueError("notes must be a list of texts without control characters")
    return tuple(value)


def _sweep(path: Path) -> pd.DataFrame:
    return read_number_table(path, SWEEP_COLUMNS, _LEAST_SWEPT, whole=("environment_seed", "length"))


def _performance(path: Path, n_features: int) -> pd.DataFrame | None:
    if not path.exists():
        return None
    frame = read_number_table(
        path, PERFORMANCE_COLUMNS, {"coalition": 0, "environment_seed": 0, "length": 1},
        whole=("coalition", "environment_seed", "length"),
    )  # fmt: skip
    if len(frame) and frame["coalition"].max() >= 1 << n_features:
        raise ValueError(
            f"{path}: coalition must be below 2**{n_features}, one bit per input, got {frame['coalition'].max()}"
        )
    return frame


def _check_final_returns(run: Run, conf: Path) -> None:
    returns = run.final_returns
    for name, words, stored, found in (
        ("test_mean", "mean", run.final_mean, returns.mean() if len(returns) else np.nan),
        ("test_std", "standard deviation of the", run.final_std, returns.std() if len(returns) else np.nan),
    ):
        if not np.isclose(found, stored, rtol=1e-9, atol=1e-9):
            raise ValueError(f"{conf}: {name} {stored} is not the {words} return of the final episodes, {found}")


def _load_episodes(
    path: Path, feature_names: tuple[str, ...], n_actions: int
) -> tuple[tuple[Episode, ...], NDArray[np.float64]]:
    arrays = read_npz(path, ("inputs", "actions", "rewards", "offsets", "seeds"), (_UNKEPT,))
    inputs, actions = _inputs_and_actions(arrays, len(feature_names), n_actions, path)
    rewards = np.asarray(as_numbers(arrays, "rewards", np.float64, 1, path), dtype=np.float64)
    offsets = np.asarray(as_numbers(arrays, "offsets", np.int64, 1, path), dtype=np.int64)
    seeds = np.asarray(as_numbers(arrays, "seeds", np.int64, 1, path), dtype=np.int64)
    if len(rewards) != len(actions) or not within_limits(rewards):
        raise ValueError(f"{path}: 'rewards' must hold one finite number per action, at most {LARGEST_NUMBER:.2g}")
    if len(offsets) != len(seeds) + 1 or offsets[0] != 0 or offsets[-1] != len(actions) or (np.diff(offsets) < 1).any():
        raise ValueError(f"{path}: array 'offsets' must ascend from 0 to {len(actions)}, one step more than 'seeds'")
    unkept = np.asarray(as_numbers(arrays, _UNKEPT, np.float64, 1, path)) if _UNKEPT in arrays else np.empty(0)
    if not within_limits(unkept):
        raise ValueError(f"{path}: {_UNKEPT!r} must hold finite numbers, at most {LARGEST_NUMBER:.2g}")
    episodes = tuple(
        Episode(inputs[a:b], actions[a:b], rewards[a:b], int(seed), n_commands(feature_names) > 0)
        for a, b, seed in zip(offsets[:-1], offsets[1:], seeds, strict=True)
    )
    return episodes, unkept


def _inputs_and_actions(
    arrays: dict[str, NDArray[np.generic]], n_features: int, n_actions: int, path: Path
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    inputs = np.asarray(as_numbers(arrays, "inputs", np.float64, 2, path), dtype=np.float64)
    actions = np.asarray(as_numbers(arrays, "actions", np.int64, 1, path), dtype=np.int64)
    if inputs.shape != (len(actions), n_features) or not within_limits(inputs):
        raise ValueError(
            f"{path}: 'inputs' must be finite, up to {LARGEST_NUMBER:.2g}, of shape ({len(actions)}, {n_features}), "
            f"got {inputs.shape}"
        )
    if len(actions) and (actions.min() < 0 or actions.max() >= n_actions):
        raise ValueError(f"{path}: 'actions' must lie in 0..{n_actions - 1}")
    return inputs, actions


def _check_input_count(env_name: str, feature_names: tuple[str, ...], path: Path) -> None:
    known = known_input_count(env_name)
    if known is None:
        return
    known += n_commands(feature_names) - N_COMMANDS
    if known != len(feature_names):
        raise ValueError(f"{path}: a policy for {env_name} takes {known} inputs, this run names {len(feature_names)}")


def _names(value: Any, least: int) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) < least or not all(isinstance(name, str) for name in value):
        raise ValueError(f"feature_names and action_names must be lists of at least two texts, got {value!r}")
    if len(set(value)) != len(value):
        raise ValueError(f"a name stands twice in {value!r}")
    for name in value:
        if not name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
            raise ValueError(
                f"a name of an input or action must be printable and have 1 to {_LONGEST_NAME} characters, got {name!r}"
            )
    return tuple(value)
