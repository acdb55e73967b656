"""Where a study keeps what: runs where every training puts them, notes about them in a hidden folder beside."""

from pathlib import Path

from udrl_explain.runs import run_directory
from udrl_explain.studying.config import Cell

HIDDEN = ".study"
TABLE = "study.csv"
CURVES = "study_curves.csv"


class CellPlaces:
    """Where one cell of a study leaves its run, and the notes about it.

    Parameters
    ----------
    cell : Cell
    directory : Path
        Of the study.

    Attributes
    ----------
    run : Path
        ``<directory>/<env_name>/<experiment>/<seed>``.
    record : Path
        What came of it, as JSON; it stays when the run is moved away.
    lock : Path
        Locked by the process that trains it.
    progress : Path
        How far that process is.
    """

    def __init__(self, cell: Cell, directory: Path) -> None:
        self.run = run_directory(cell.config, directory, cell.experiment)
        beside = directory / HIDDEN / self.run.relative_to(directory)
        self.record, self.lock, self.progress = (
            beside.with_name(f"{beside.name}.{kind}") for kind in ("json", "lock", "progress")
        )
