"""How far each training of a study is: done, running, failed or missing, read from what lies on disk."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from udrl_explain.files.leftovers import set_aside, words_on
from udrl_explain.files.locks import is_locked
from udrl_explain.files.reading import read_json
from udrl_explain.runs.formats import config_of_any_format
from udrl_explain.runs.places import CONFIG_FILE
from udrl_explain.studying.config import Cell
from udrl_explain.studying.places import TABLE, CellPlaces
from udrl_explain.studying.records import DONE, FAILED, Row, read_record, rows_by_key, run_hash

RUNNING, MISSING = "running", "missing"
STATES = (DONE, RUNNING, FAILED, MISSING)
_FACTS = ("feature_names", "action_names", "test_mean", "test_std", "versions", "return_limit", "notes")


@dataclass(frozen=True)
class CellState:
    """How far one training is.

    Parameters
    ----------
    cell : Cell
    state : {"done", "running", "failed", "missing"}
    words : str
        What came of it, how far it is, or why it failed.
    has_run : bool
        Whether its run folder is there and is what the cell asks for.
    can_be_retried : bool
        Whether it failed in training, and could be trained again.
    """

    cell: Cell
    state: str
    words: str = ""
    has_run: bool = False
    can_be_retried: bool = False


def states_of(cells: Sequence[Cell], directory: Path, table: pd.DataFrame) -> tuple[CellState, ...]:
    """Look at every cell of a study.

    Parameters
    ----------
    cells : sequence of Cell
    directory : Path
    table : DataFrame
        ``study.csv`` of the directory, whose rows stand for runs that are not kept.
    """
    rows = rows_by_key(table)
    return tuple(
        state_of(cell, directory, rows.get((cell.config.env_name, cell.experiment, cell.config.seed))) for cell in cells
    )


def state_of(cell: Cell, directory: Path, row: Row | None = None) -> CellState:
    """Look at one cell; `row` is what ``study.csv`` holds of it.

    A run folder that is there decides; then the lock; then what the table and the note of a study say.
    """
    places = CellPlaces(cell, directory)
    if places.run.exists():
        return _state_of_folder(cell, places)
    if is_locked(places.lock):
        return CellState(cell, RUNNING, _progress_words(places))
    if (left := set_aside(places.run)) is not None:
        return CellState(cell, FAILED, f"{places.run}: {words_on(left)}")
    same = row is not None and row["config_hash"] == cell.config_hash
    if row is not None and same and row["status"] == DONE:
        return CellState(cell, DONE, f"{_return_words(row['return_mean'], row['return_std'])} (the run is not kept)")
    record = read_record(cell, places)
    if record is not None and record.row["status"] == FAILED:
        return CellState(cell, FAILED, record.row["reason"], can_be_retried=True)
    if row is not None and same:
        return CellState(cell, FAILED, str(row["reason"]), can_be_retried=True)
    if row is not None:
        words = f"{directory / TABLE} holds a row of other settings under this name"
        return CellState(cell, FAILED, f"{words} ({row['settings'] or 'the recipe alone'}): give another directory")
    return CellState(cell, MISSING)


def _state_of_folder(cell: Cell, places: CellPlaces) -> CellState:
    path = places.run / CONFIG_FILE
    try:
        values = read_json(path)
        if not isinstance(values, dict):
            raise ValueError(f"{path}: must hold the settings by name")
        facts = {name: values.pop(name, None) for name in _FACTS}
        try:
            stored = config_of_any_format(values)
        except ValueError as fault:
            raise ValueError(f"{path}: {fault}") from None
    except (ValueError, OSError) as fault:
        return CellState(cell, FAILED, str(fault))
    other = cell.disagreement(stored)
    if other:
        return CellState(cell, FAILED, f"{places.run} holds a run of other settings: {other}")
    record = read_record(cell, places)
    if record is not None and record.row["status"] == FAILED and record.run_hash == run_hash(places):
        return CellState(cell, FAILED, record.row["reason"])
    return CellState(cell, DONE, _return_words(facts["test_mean"], facts["test_std"]), has_run=True)


def _progress_words(places: CellPlaces) -> str:
    iterations, steps = progress_of(places)
    return f"iteration {iterations}, {steps:,} steps" if steps else "just begun"


def progress_of(places: CellPlaces) -> tuple[int, int]:
    """Iterations and environment steps that a running training has noted; zeros where it has not."""
    try:
        values = read_json(places.progress)
        return int(values["iterations"]), int(values["steps"])
    except (ValueError, OSError, KeyError, TypeError):
        return 0, 0


def _return_words(mean: object, std: object) -> str:
    if isinstance(mean, (int, float)) and isinstance(std, (int, float)) and mean == mean:
        return f"return {mean:.4g} ± {std:.3g}"
    return "no final evaluation"
