"""What came of a training, as a row of the study's table: kept as a small file each, and put together as a table."""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from udrl_explain.analysis.obedience.result import obedience
from udrl_explain.environments import Lockstep
from udrl_explain.files.atomic import write_text_whole
from udrl_explain.files.reading import read_json
from udrl_explain.rollouts.streams import streams
from udrl_explain.runs import Run, load_run
from udrl_explain.runs.places import CONFIG_FILE
from udrl_explain.studying.config import Cell
from udrl_explain.studying.places import CURVES, TABLE, CellPlaces
from udrl_explain.tables import read_csv
from udrl_explain.training.warm_up import warm_up_episodes

DONE, FAILED = "done", "failed"
COLUMNS = (
    "env_name", "experiment", "estimator_name", "recipe", "seed", "status", "reason", "settings", "iterations", "steps",
    "seconds", "return_mean", "return_std", "n_episodes", "desired_return", "desired_horizon", "obedience_slope",
    "obedience_mae", "config_hash", "versions",
)  # fmt: skip
"""Of ``study.csv``, one row per training that ended. `steps`: environment steps of all training episodes, warm-up
included, not those of tests; `seconds`: from start to end on the wall clock, empty where another command trained;
`return_std`: of the final episodes (ddof 0); `desired_return` and `desired_horizon`: the command of that evaluation;
`config_hash` names the settings that were asked for."""
CURVE_COLUMNS = ("env_name", "experiment", "seed", "iteration", "steps", "test_mean")
"""Of ``study_curves.csv``: the mean return of each test without exploration, and the steps taken until then. The first
three name a row of ``study.csv``, which says what was trained; older files repeat its `estimator_name`."""
CURVE_DIGITS = 6
"""Of a mean return in ``study_curves.csv``: finer than any picture, and small enough for a repository."""
_TEXTS = (
    "env_name",
    "experiment",
    "estimator_name",
    "recipe",
    "status",
    "reason",
    "settings",
    "config_hash",
    "versions",
)

Row = dict[str, Any]
Key = tuple[str, str, int]


@dataclass(frozen=True)
class Record:
    """What came of one cell.

    Parameters
    ----------
    row : dict
        By :data:`COLUMNS`.
    curve : tuple of (int, int, float)
        Iteration, steps so far and mean return of each test.
    run_hash : str
        SHA-256 of the ``conf.json`` of the run that was measured, or could not be; empty where there is none.
    """

    row: Row
    curve: tuple[tuple[int, int, float], ...] = ()
    run_hash: str = ""

    @property
    def key(self) -> Key:
        """Environment, experiment and seed: one row of the table."""
        return self.row["env_name"], self.row["experiment"], self.row["seed"]


def record_of_run(cell: Cell, places: CellPlaces, seconds: float = math.nan) -> Record:
    """Measure a finished run.

    Parameters
    ----------
    cell : Cell
    places : CellPlaces
    seconds : float
        How long the training took.

    Raises
    ------
    FileNotFoundError, ValueError
        If the run cannot be read.
    """
    run = load_run(places.run)
    per_iteration = run.training_commands.groupby("iteration", sort=True)["length"].sum().to_numpy()
    steps = _warm_up_steps(run) + np.cumsum(per_iteration)
    tested = run.config.testing_period * np.arange(1, len(run.test_returns) + 1)
    curve = tuple(
        (int(iteration), int(steps[iteration - 1]), float(mean))
        for iteration, (mean, _) in zip(tested, run.test_returns, strict=True)
    )
    sweep = obedience(run.command_sweep) if len(run.command_sweep) else None
    row = _head(cell) | {
        "status": DONE,
        "iterations": len(per_iteration),
        "steps": int(steps[-1]),
        "seconds": round(seconds, 1),
        "return_mean": run.final_mean,
        "return_std": run.final_std,
        "n_episodes": run.n_final,
        "desired_return": run.config.final_desired_return,
        "desired_horizon": run.config.final_desired_horizon,
        "obedience_slope": sweep.slope if sweep else math.nan,
        "obedience_mae": sweep.mae if sweep else math.nan,
        "versions": ", ".join(f"{name} {version}" for name, version in run.versions.items()),
    }
    return Record(_complete(row), curve, run_hash(places))


def record_of_failure(
    cell: Cell,
    reason: str,
    seconds: float = math.nan,
    iterations: int = 0,
    steps: int = 0,
    hash_of_run: str = "",
) -> Record:
    """Say why a training came to nothing, or why its run cannot be measured."""
    row = _head(cell) | {
        "status": FAILED, "reason": reason, "iterations": iterations, "steps": steps, "seconds": round(seconds, 1),
    }  # fmt: skip
    return Record(_complete(row), run_hash=hash_of_run)


def run_hash(places: CellPlaces) -> str:
    """SHA-256 of the run's ``conf.json``; empty where there is none."""
    path = places.run / CONFIG_FILE
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def write_record(record: Record, places: CellPlaces) -> None:
    """Keep a record beside its study, whole or not at all."""
    values = {"row": record.row, "curve": record.curve, "run_hash": record.run_hash}
    places.record.parent.mkdir(parents=True, exist_ok=True)
    write_text_whole(json.dumps(values, indent=1, ensure_ascii=False) + "\n", places.record)


def read_record(cell: Cell, places: CellPlaces) -> Record | None:
    """Read what came of a cell; None where nothing is known, or it is of other settings."""
    try:
        values = read_json(places.record)
        record = Record(
            _complete({name: values["row"].get(name) for name in COLUMNS}),
            tuple((int(i), int(n), float(mean)) for i, n, mean in values["curve"]),
            str(values["run_hash"]),
        )
    except (ValueError, OSError, KeyError, TypeError, AttributeError):
        return None  # a note that can be made again
    return record if record.row["config_hash"] == cell.config_hash else None


def read_curves(directory: Path) -> pd.DataFrame:
    """``study_curves.csv`` of a directory; without rows where there is none.

    Raises
    ------
    ValueError
        If it has other columns.
    """
    return _read(directory / CURVES, CURVE_COLUMNS, repeated="estimator_name")


def read_table(directory: Path) -> pd.DataFrame:
    """``study.csv`` of a directory; without rows where there is none.

    Raises
    ------
    ValueError
        If it has other columns.
    """
    frame = _read(directory / TABLE, COLUMNS)
    for name in _TEXTS:
        frame[name] = frame[name].astype(object).where(frame[name].notna(), "").astype(str)
    return frame


def _read(path: Path, columns: tuple[str, ...], repeated: str = "") -> pd.DataFrame:
    if not path.exists():
        return pd.DataFrame(columns=list(columns))
    frame = read_csv(path).drop(columns=repeated, errors="ignore")
    if tuple(frame.columns) != columns:
        raise ValueError(f"{path}: columns must be {', '.join(columns)}, got {', '.join(map(str, frame.columns))}")
    return frame


def rows_by_key(table: pd.DataFrame) -> dict[Key, Row]:
    """Rows of the study's table by environment, experiment and seed."""
    return {
        (row["env_name"], row["experiment"], row["seed"]): {str(name): value for name, value in row.items()}
        for row in table.to_dict("records")
    }


def table_of(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows of the study's table, sorted by environment, experiment and seed."""
    ordered = sorted(rows, key=lambda row: (row["env_name"], row["experiment"], row["seed"]))
    frame = pd.DataFrame([_complete(row) for row in ordered], columns=list(COLUMNS))
    for name in ("seed", "iterations", "steps", "n_episodes"):
        frame[name] = frame[name].astype("int64")
    return frame


def _head(cell: Cell) -> Row:
    config = cell.config
    return {
        "env_name": config.env_name,
        "experiment": cell.experiment,
        "estimator_name": config.estimator_name,
        "recipe": config.recipe,
        "seed": config.seed,
        "settings": _settings_text(cell),
        "config_hash": cell.config_hash,
    }


def _settings_text(cell: Cell) -> str:
    """Settings that differ from what the recipe gives, as on a command line."""
    given = cell.settings
    names = ("env_name", "estimator_name", "recipe", "seed")
    usual = Cell(type(cell.config)(**{name: given[name] for name in names})).settings
    return " ".join(
        f"{name}={'+'.join(value) if isinstance(value, tuple) else value}"
        for name, value in given.items()
        if value != usual[name]
    )


def _complete(row: Mapping[str, Any]) -> Row:
    """Fill in what a row leaves out: nothing, 0 or NaN."""
    empty: Row = dict.fromkeys(COLUMNS, math.nan)
    empty |= dict.fromkeys(_TEXTS, "") | dict.fromkeys(("iterations", "steps", "n_episodes"), 0)
    return empty | {name: value for name, value in row.items() if value is not None}


def _warm_up_steps(run: Run) -> int:
    """Environment steps of the warm-up, which a run does not store: played again, as its seed says it went."""
    environments = Lockstep(run.config.env_name)
    episodes = warm_up_episodes(environments, run.config, streams(run.config.seed))
    environments.close()
    return sum(map(len, episodes))
