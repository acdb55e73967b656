"""Train one cell of a study, in whatever process the study's engine puts it, and leave a note of what came of it."""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from udrl_explain.files.atomic import write_text_whole
from udrl_explain.files.locks import locked
from udrl_explain.studying.config import Cell
from udrl_explain.studying.places import CellPlaces
from udrl_explain.studying.records import record_of_failure, record_of_run, run_hash, write_record
from udrl_explain.training.loop import train_policy

_NOTED_EVERY = 1.0  # seconds


class Stopped(Exception):
    """A training that was stopped before its end, and why."""


@dataclass(frozen=True)
class CellWork:
    """What a process needs to train one cell.

    Parameters
    ----------
    cell : Cell
    directory : Path
        Absolute: another process may stand in another folder.
    parent : int or None
        The process without which the training is to end; None where it may go on.
    """

    cell: Cell
    directory: Path
    parent: int | None = None


def train_cell(work: CellWork) -> bool:
    """Train a cell unless it is there, or another process has it; a failure is noted and not raised.

    Returns
    -------
    bool
        False where another process has the cell.
    """
    places = CellPlaces(work.cell, work.directory)
    with locked(places.lock) as free:
        if not free:
            return False
        watch = _Watch(work, places)
        watch.note()
        try:
            if not places.run.exists():
                train_policy(work.cell.config, work.directory, experiment=work.cell.experiment, watch=watch, n_jobs=1)
            record = record_of_run(work.cell, places, watch.seconds if watch.steps else float("nan"))
        except Exception as fault:
            record = record_of_failure(
                work.cell, _reason(fault), watch.seconds, watch.iterations, watch.steps, run_hash(places)
            )
        finally:
            places.progress.unlink(missing_ok=True)
        write_record(record, places)
    return True


class _Watch:
    """Notes the progress of a training and ends it when its time is over or the study that wanted it is gone."""

    def __init__(self, work: CellWork, places: CellPlaces) -> None:
        self._work, self._places = work, places
        self._start = self._noted = time.monotonic()
        self.iterations = self.steps = 0

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start

    def __call__(self, iterations: int, steps: int) -> None:
        self.iterations, self.steps = iterations, steps
        limit, parent = self._work.cell.limit_hours, self._work.parent
        if limit is not None and self.seconds > 3600 * limit and iterations < self._work.cell.config.max_episode:
            raise Stopped(
                f"stopped after {limit:g} h: {iterations} of {self._work.cell.config.max_episode} iterations, "
                f"{steps:,} steps"
            )
        if parent not in (None, os.getpid(), os.getppid()):
            os._exit(1)
        if time.monotonic() - self._noted > _NOTED_EVERY or iterations == 0:
            self.note()

    def note(self) -> None:
        self._noted = time.monotonic()
        text = json.dumps({"iterations": self.iterations, "steps": self.steps})
        write_text_whole(text, self._places.progress)


def _reason(fault: Exception) -> str:
    words = " ".join(str(fault).split())
    return words if isinstance(fault, (Stopped, ValueError, OSError)) and words else f"{type(fault).__name__}: {words}"
