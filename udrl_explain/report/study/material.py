"""What the page of a study is made of: its table, compared, and how far each planned training is."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pandas as pd

from udrl_explain.analysis.sample_efficiency import SampleEfficiency, sample_efficiency
from udrl_explain.analysis.seed_comparison import SeedComparison, seed_comparison
from udrl_explain.studying.config import Cell, read_study
from udrl_explain.studying.obedience import study_obedience
from udrl_explain.studying.places import TABLE
from udrl_explain.studying.records import DONE, read_curves, read_table
from udrl_explain.studying.states import CellState, states_of
from udrl_explain.studying.table import labelled_curves, runs_of_table

PLAN = "study.toml"


@dataclass(frozen=True, eq=False)
class StudyMaterial:
    """A study as it stands.

    Parameters
    ----------
    table : DataFrame
        ``study.csv``.
    planned : tuple of CellState
        Every training of the plan, ``study.toml`` beside the table; empty where there is none.
    comparison : SeedComparison
        Of all trainings that are done; planned ones that are not stand in it without a return.
    obedience : DataFrame
        Of each experiment with a sweep, columns ``udrl_explain.studying.obedience.COLUMNS``.
    efficiency : SampleEfficiency or None
        None where no tests are known.
    digest : str
        SHA-256 of the table.
    """

    table: pd.DataFrame
    planned: tuple[CellState, ...]
    comparison: SeedComparison
    obedience: pd.DataFrame
    efficiency: SampleEfficiency | None
    digest: str

    @property
    def environments(self) -> tuple[str, ...]:
        """Names of the environments in which a training is done."""
        return tuple(dict.fromkeys(one.group.env_name for one in self.comparison.experiments if one.evaluated))

    @property
    def n_done(self) -> int:
        """Trainings that are done."""
        return int((self.table["status"] == DONE).sum())

    def counted(self) -> str:
        """How far the study is, in a sentence."""
        if not self.planned:
            failed = len(self.table) - self.n_done
            return f"{self.n_done} trainings are done" + (f", {failed} failed." if failed else ".")
        kinds = Counter(state.state for state in self.planned)
        rest = ", ".join(f"{kinds[kind]} {kind}" for kind in ("running", "failed", "missing") if kinds[kind])
        words = f"{kinds[DONE]} of {len(self.planned)} planned trainings are done" + (f", {rest}." if rest else ".")
        more = self.n_done - kinds[DONE]
        return words + (f" {more} more are done that the plan does not name." if more > 0 else "")


def study_material(data: Path, *, seed: int) -> StudyMaterial | None:
    """Read the study of a folder of runs; None where it has none, or nothing in it is done.

    Raises
    ------
    ValueError
        If a file of the study cannot be read.
    """
    path = data / TABLE
    if not path.is_file():
        return None
    table = read_table(data)
    cells: Sequence[Cell] = read_study(data / PLAN).cells() if (data / PLAN).is_file() else ()
    if not (table["status"] == DONE).any():
        return None
    runs = runs_of_table(table, cells)
    curves = labelled_curves(read_curves(data), table, cells)
    return StudyMaterial(
        table,
        states_of(cells, data, table),
        seed_comparison(runs, seed=seed),
        study_obedience(runs),
        sample_efficiency(curves, seed=seed) if len(curves) else None,
        sha256(path.read_bytes()).hexdigest(),
    )
