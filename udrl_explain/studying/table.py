"""The rows of ``study.csv`` as runs, for analyses of final returns: the folders of the runs need not be there."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from udrl_explain.studying.records import DONE


@dataclass(frozen=True)
class RecordedSettings:
    """The settings of a run that its final returns depend on."""

    env_name: str
    estimator_name: str
    seed: int
    final_desired_return: float | None
    final_desired_horizon: float | None
    testing_period: int = 1


def _nothing(*shape: int) -> NDArray[np.float64]:
    return np.empty(shape)


@dataclass(frozen=True, eq=False)
class RecordedRun:
    """What ``study.csv`` says of a run: mean and standard deviation of its final returns; no curves, no episodes."""

    config: RecordedSettings
    directory: Path
    final_mean: float
    final_std: float
    n_final: int
    written_by_paper_code: bool = False
    train_returns: NDArray[np.float64] = field(default_factory=lambda: _nothing(0, 2))
    test_returns: NDArray[np.float64] = field(default_factory=lambda: _nothing(0, 2))
    final_returns: NDArray[np.float64] = field(default_factory=lambda: _nothing(0))


def runs_of_table(table: pd.DataFrame) -> list[RecordedRun]:
    """Runs of the rows of ``study.csv`` that are done; those that failed are no runs."""
    return [
        RecordedRun(
            RecordedSettings(
                row["env_name"],
                row["estimator_name"],
                int(row["seed"]),
                _or_none(row["desired_return"]),
                _or_none(row["desired_horizon"]),
            ),
            Path(row["env_name"], row["experiment"], str(row["seed"])),
            float(row["return_mean"]),
            float(row["return_std"]),
            int(row["n_episodes"]),
        )
        for row in table[table["status"] == DONE].to_dict("records")
    ]


def _or_none(value: float) -> float | None:
    return None if pd.isna(value) else float(value)
