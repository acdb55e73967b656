"""The rows of ``study.csv`` as runs, for analyses over seeds: the folders of the runs need not be there."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from udrl_explain.statistics.run_groups import grouped_runs
from udrl_explain.studying.config import Cell
from udrl_explain.studying.records import DONE, rows_by_key


@dataclass(frozen=True)
class RecordedSettings:
    """The settings of a run that its final returns depend on."""

    env_name: str
    estimator_name: str
    seed: int
    final_desired_return: float | None = None
    final_desired_horizon: float | None = None
    testing_period: int = 1


def _nothing(*shape: int) -> NDArray[np.float64]:
    return np.empty(shape)


@dataclass(frozen=True, eq=False)
class RecordedRun:
    """What ``study.csv`` says of a run: numbers on its final returns and its sweep; no curves, no episodes.

    Its directory is named ``<env_name>/<name>/<seed>``, with the short name of its experiment.
    """

    config: RecordedSettings
    directory: Path
    final_mean: float = math.nan
    final_std: float = math.nan
    n_final: int = 0
    obedience_slope: float = math.nan
    obedience_mae: float = math.nan
    written_by_paper_code: bool = False
    train_returns: NDArray[np.float64] = field(default_factory=lambda: _nothing(0, 2))
    test_returns: NDArray[np.float64] = field(default_factory=lambda: _nothing(0, 2))
    final_returns: NDArray[np.float64] = field(default_factory=lambda: _nothing(0))


def runs_of_table(table: pd.DataFrame, cells: Sequence[Cell] = ()) -> list[RecordedRun]:
    """Runs of the rows of ``study.csv`` that are done.

    Parameters
    ----------
    table : DataFrame
        As ``udrl_explain.studying.records.read_table`` gives it.
    cells : sequence of Cell
        Trainings that were planned: those which are not done stand there as runs without a final evaluation, so that
        an analysis counts them. Rows that failed are left out otherwise.

    Returns
    -------
    list of RecordedRun
        By environment, experiment and seed.
    """
    names = short_names(table, cells)
    done = {key: row for key, row in rows_by_key(table).items() if row["status"] == DONE}
    estimators = {key: row["estimator_name"] for key, row in done.items()}
    estimators |= {_key(cell): cell.config.estimator_name for cell in cells}
    runs = []
    for key in sorted(estimators):
        env_name, experiment, seed = key
        place = Path(env_name, names[env_name, experiment], str(seed))
        if key not in done:
            runs.append(RecordedRun(RecordedSettings(env_name, estimators[key], seed), place))
            continue
        row = done[key]
        command = (_or_none(row["desired_return"]), _or_none(row["desired_horizon"]))
        settings = RecordedSettings(env_name, estimators[key], seed, *command)
        mean, std, n_episodes = float(row["return_mean"]), float(row["return_std"]), int(row["n_episodes"])
        slope, mae = float(row["obedience_slope"]), float(row["obedience_mae"])
        runs.append(RecordedRun(settings, place, mean, std, n_episodes, slope, mae))
    return runs


def short_names(table: pd.DataFrame, cells: Iterable[Cell] = ()) -> dict[tuple[str, str], str]:
    """Name of each experiment by environment and folder: its recipe where that tells it apart, else the folder's."""
    kinds = {(row["env_name"], row["experiment"]): (row["estimator_name"], row["recipe"]) for row in _rows(table)}
    kinds |= {
        (cell.config.env_name, cell.experiment): (cell.config.estimator_name, cell.config.recipe) for cell in cells
    }
    taken = [(env_name, *kind) for (env_name, _), kind in kinds.items()]
    return {
        (env_name, experiment): recipe if taken.count((env_name, estimator, recipe)) == 1 else experiment
        for (env_name, experiment), (estimator, recipe) in kinds.items()
    }


def labelled_curves(curves: pd.DataFrame, table: pd.DataFrame, cells: Sequence[Cell] = ()) -> pd.DataFrame:
    """``study_curves.csv`` with the labels that its experiments have in a comparison of the same table."""
    names, rows = short_names(table, cells), rows_by_key(table)
    runs = runs_of_table(table, cells)
    labels = {(one.env_name, one.experiment, one.estimator_name): one.label for one in grouped_runs(runs)}
    found = []
    for key in zip(curves["env_name"], curves["experiment"], curves["seed"], strict=True):
        env_name, experiment, _ = key
        estimator = rows[key]["estimator_name"] if key in rows else ""
        found.append(labels.get((env_name, names.get((env_name, experiment), experiment), estimator)))
    return curves.assign(label=pd.Series(found, index=curves.index, dtype=object)).dropna(subset="label")


def _rows(table: pd.DataFrame) -> list[dict[str, str]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _key(cell: Cell) -> tuple[str, str, int]:
    return cell.config.env_name, cell.experiment, cell.config.seed


def _or_none(value: float) -> float | None:
    return None if pd.isna(value) else float(value)
