"""Run a study: train what is missing, note what came of it, write the table."""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pandas as pd
from tqdm import tqdm

from udrl_explain.files.csv import PORTABLE_DIGITS
from udrl_explain.files.locks import is_locked
from udrl_explain.parallel import WorkerDiedError, every, in_any_order, thread_count
from udrl_explain.results import displayed
from udrl_explain.studying.config import Cell, StudyConfig
from udrl_explain.studying.places import CURVES, TABLE, CellPlaces
from udrl_explain.studying.records import (
    CURVE_COLUMNS,
    CURVE_DIGITS,
    DONE,
    FAILED,
    Record,
    read_curves,
    read_record,
    read_table,
    record_of_failure,
    rows_by_key,
    run_hash,
    table_of,
    write_record,
)
from udrl_explain.studying.states import MISSING, CellState, progress_of, states_of
from udrl_explain.studying.training import CellWork, train_cell
from udrl_explain.tables import write_csv

Item = TypeVar("Item")
_SHOWN_EVERY, _LOGGED_EVERY, _WRITTEN_EVERY = 1.0, 60.0, 60.0  # seconds; logged: where no terminal shows the bar
_MOST_DEATHS = 3
"""Deaths of processes that had not begun a training, after which it is not the trainings' fault."""
STATE_COLUMNS = ("env_name", "experiment", "seed", "state", "words")


@displayed
@dataclass(frozen=True, eq=False)
class Study:
    """How far a study is, and its table.

    Parameters
    ----------
    directory : Path
    states : tuple of CellState
        One per training that was asked for.
    table : DataFrame
        One row per training that ended, columns ``udrl_explain.studying.records.COLUMNS``: all of ``study.csv``, also
        those of other studies in the same directory.
    curves : DataFrame
        Mean return of each test against environment steps, columns ``CURVE_COLUMNS`` of the same module.
    """

    directory: Path
    states: tuple[CellState, ...]
    table: pd.DataFrame
    curves: pd.DataFrame

    @property
    def n_rows(self) -> int:
        """Trainings that were asked for."""
        return len(self.states)

    @property
    def failed(self) -> dict[str, str]:
        """Reason by ``<env_name>/<experiment>/<seed>`` of every training that failed."""
        return {state.cell.name: state.words for state in self.states if state.state == FAILED}

    @property
    def method(self) -> str:
        """How many of the trainings are done, running, failed, missing."""
        return counted(self.states)

    def to_frame(self) -> pd.DataFrame:
        """The table of those trainings that were asked for and have ended."""
        asked = {(state.cell.config.env_name, state.cell.experiment, state.cell.config.seed) for state in self.states}
        keys = zip(self.table["env_name"], self.table["experiment"], self.table["seed"], strict=True)
        return self.table[[key in asked for key in keys]].reset_index(drop=True)

    def states_frame(self) -> pd.DataFrame:
        """One row per training that was asked for, columns :data:`STATE_COLUMNS`."""
        rows = [
            (one.cell.config.env_name, one.cell.experiment, one.cell.config.seed, one.state, one.words)
            for one in self.states
        ]
        return pd.DataFrame(rows, columns=list(STATE_COLUMNS))


def counted(states: Sequence[CellState]) -> str:
    """``12 done, 1 running, 0 failed, 7 missing``."""
    kinds = [state.state for state in states]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in ("done", "running", "failed", "missing"))


def look_at_study(config: StudyConfig, directory: str | Path = "data") -> tuple[CellState, ...]:
    """How far each training of a study is; nothing is trained and nothing written."""
    place = Path(directory)
    return states_of(config.cells(), place, read_table(place))


def run_study(
    config: StudyConfig,
    directory: str | Path = "data",
    *,
    n_jobs: int | None = None,
    scheduler: str | None = None,
    shard: tuple[int, int] = (1, 1),
    retry: bool = False,
    train: bool = True,
    progress: bool = False,
) -> Study:
    """Train what is missing of a study, and write ``study.csv`` and ``study_curves.csv`` into its directory.

    Every training is an ordinary run, ``directory/<env_name>/<experiment>/<seed>``, written whole or not at all. What
    is there is left alone, so the same call goes on where an earlier one, however it ended, stopped. Two calls may
    work on one directory at the same time: they share the work.

    Parameters
    ----------
    config : StudyConfig
    directory : str or Path
        Seen by every process and machine that takes part.
    n_jobs : int, optional
        Processes; by default one per core.
    scheduler : str, optional
        Address of a Dask scheduler, ``tcp://...``: its workers train, as many at a time as they have threads.
    shard : (int, int)
        ``(3, 16)``: only the third of sixteen parts, every sixteenth training.
    retry : bool
        Train again what failed, or was stopped at its limit, in an earlier call.
    train : bool
        False: write the tables of the runs that are there, and train nothing.
    progress : bool
        Show a progress bar on stderr.

    Returns
    -------
    Study
        Trainings that failed are among its states, with the reason; they do not stop the others.

    Raises
    ------
    ValueError
        If `config` is no StudyConfig, a number is impossible, or ``study.csv`` is another table.
    OSError
        If the directory cannot be written to, or no scheduler answers.
    """
    if not isinstance(config, StudyConfig):
        raise ValueError(f"config must be a StudyConfig, got {config!r}: write StudyConfig(environments=..., ...)")
    place = Path(directory).resolve()
    thread_count(n_jobs)
    cells = in_shard(config.cells(), shard)
    try:
        _train_all(cells, place, n_jobs=n_jobs, scheduler=scheduler, retry=retry, train=train, progress=progress)
    finally:
        table, curves = _write_tables(cells, place)
    return Study(Path(directory), states_of(cells, place, table), table, curves)


def in_shard(cells: Sequence[Item], shard: tuple[int, int]) -> tuple[Item, ...]:
    """Every n-th cell from the k-th on, for a shard ``(k, n)``: what is done does not change who does what.

    Raises
    ------
    ValueError
        Unless 1 <= k <= n.
    """
    part, parts = shard
    if not 1 <= part <= parts:
        raise ValueError(f"shard must be k/n with 1 <= k <= n, got {part}/{parts}")
    return tuple(cells[part - 1 :: parts])


def _train_all(
    cells: tuple[Cell, ...],
    place: Path,
    *,
    n_jobs: int | None,
    scheduler: str | None,
    retry: bool,
    train: bool,
    progress: bool,
) -> None:
    """Train until nothing is left that can be; what another process has taken meanwhile is looked at again."""
    left = _left(cells, place, retry=retry, train=train)
    for cell in left:
        places = CellPlaces(cell, place)
        if not is_locked(places.lock):
            places.progress.unlink(missing_ok=True)
            if not places.run.exists():
                places.record.unlink(missing_ok=True)
    deaths = 0
    with _progress_bar(left, place, shown=progress and bool(left)):
        while left:
            mine, written = 0, time.monotonic()
            work = [CellWork(cell, place, _parent(scheduler)) for cell in left]
            try:
                for trained in in_any_order(train_cell, work, n_jobs, scheduler=scheduler):
                    mine += trained
                    if time.monotonic() - written > _WRITTEN_EVERY:
                        _write_tables(cells, place)
                        written = time.monotonic()
            except WorkerDiedError:
                suspects = [cell for cell in left if _has_begun(cell, place)]
                deaths += not suspects
                if deaths > _MOST_DEATHS:
                    raise
                _alone(suspects, place, scheduler)
                mine += 1
            left = _left(left, place, retry=False, train=train) if mine else ()


def _parent(scheduler: str | None) -> int | None:
    """Without whom the processes of this machine are to end; a scheduler's workers are nobody's children."""
    return os.getpid() if scheduler is None else None


def _left(cells: tuple[Cell, ...], place: Path, *, retry: bool, train: bool) -> tuple[Cell, ...]:
    """Cells to train, and those whose run is there but not measured."""
    states = states_of(cells, place, read_table(place))
    return tuple(
        state.cell
        for state in states
        if (train and (state.state == MISSING or (retry and state.can_be_retried)))
        or (state.has_run and not _measured(state, place))
    )


def _measured(state: CellState, place: Path) -> bool:
    places = CellPlaces(state.cell, place)
    record = read_record(state.cell, places)
    return record is not None and record.run_hash == run_hash(places)


def _has_begun(cell: Cell, place: Path) -> bool:
    places = CellPlaces(cell, place)
    return places.progress.exists() and not is_locked(places.lock)


def _alone(suspects: list[Cell], place: Path, scheduler: str | None) -> None:
    """Train one by one what was under way when a process died; what dies alone as well has failed."""
    for cell in suspects:
        try:
            work = [CellWork(cell, place, _parent(scheduler))]
            list(in_any_order(train_cell, work, n_jobs=1, scheduler=scheduler, apart=True))
        except WorkerDiedError as fault:
            places = CellPlaces(cell, place)
            iterations, steps = progress_of(places)
            places.progress.unlink(missing_ok=True)
            write_record(
                record_of_failure(cell, f"{fault}, twice: after {iterations} iterations", iterations=iterations,
                                  steps=steps),
                places,
            )  # fmt: skip


def _write_tables(cells: tuple[Cell, ...], place: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put what is known of these cells into the tables of the directory; rows of others stay."""
    table, curves = read_table(place), read_curves(place)
    rows = rows_by_key(table)
    new: list[Record] = []
    for cell in cells:
        record = read_record(cell, CellPlaces(cell, place))
        if record is None:
            continue
        known = rows.get(record.key)
        if record.row["status"] == DONE or known is None or known["status"] != DONE:
            rows[record.key] = record.row
            new.append(record)
    replaced = {record.key for record in new}
    kept = [key not in replaced for key in zip(curves["env_name"], curves["experiment"], curves["seed"], strict=True)]
    points = [tuple(row) for row in curves[kept].itertuples(index=False)] + [
        (*record.key, *point) for record in new for point in record.curve
    ]
    curves = pd.DataFrame(sorted(points), columns=list(CURVE_COLUMNS))
    table = table_of(rows.values())
    if rows:
        write_csv(table, place / TABLE, digits=PORTABLE_DIGITS)
        write_csv(curves, place / CURVES, digits=CURVE_DIGITS)
        table, curves = read_table(place), read_curves(place)
    return table, curves


@contextmanager
def _progress_bar(cells: tuple[Cell, ...], place: Path, *, shown: bool) -> Iterator[None]:
    """Count runs, iterations and steps of the cells while the block runs."""
    if not shown:
        yield
        return
    every_cell = [(cell, CellPlaces(cell, place)) for cell in cells]
    ended: dict[str, int] = {}
    total = sum(cell.config.max_episode for cell in cells)
    with tqdm(total=total, desc="study", unit="it", smoothing=0.05) as bar:

        def show() -> None:
            iterations = steps = 0
            for cell, places in every_cell:
                if cell.name not in ended and (record := read_record(cell, places)) is not None:
                    ended[cell.name] = record.row["steps"]
                if cell.name in ended:
                    iterations, steps = iterations + cell.config.max_episode, steps + ended[cell.name]
                else:
                    done, taken = progress_of(places)
                    iterations, steps = iterations + done, steps + taken
            bar.set_postfix_str(f"{len(ended)} of {len(cells)} runs, {steps:,} steps", refresh=False)
            bar.update(iterations - bar.n)
            bar.refresh()

        with every(_SHOWN_EVERY if sys.stderr.isatty() else _LOGGED_EVERY, show):
            yield
