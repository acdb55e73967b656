"""The sweeps of loaded runs in one frame, and the training commands that each run's levels are judged by."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from udrl_explain.command_space.support import CommandSupport, fitted_commands
from udrl_explain.statistics.run_groups import RunSettings


@runtime_checkable
class SweepOwner(Protocol):
    """What obedience needs of a loaded run."""

    @property
    def config(self) -> RunSettings: ...  # noqa: D102
    @property
    def directory(self) -> Path: ...  # noqa: D102
    @property
    def command_sweep(self) -> pd.DataFrame: ...  # noqa: D102
    @property
    def training_inputs(self) -> NDArray[np.float64]: ...  # noqa: D102


def sweep_of_runs(runs: Sequence[SweepOwner]) -> tuple[pd.DataFrame, tuple[CommandSupport, ...] | None]:
    """Put the sweeps of runs of one experiment under one another, by ascending seed, with the support of each.

    Returns
    -------
    sweep : DataFrame
        With a column ``seed``.
    supports : tuple of CommandSupport, or None
        Commands of the rows of each run's last fit; None where a run did not store these.

    Raises
    ------
    ValueError
        If there is no run, a seed stands twice, or the runs are not of one environment, estimator and experiment.
    """
    if not runs or not all(isinstance(run, SweepOwner) for run in runs):
        found = type(runs[0]).__name__ if runs else "none"
        raise ValueError(f"sweep must be a frame with one row per episode, or at least one run, got a list of {found}")
    kinds = {(run.config.env_name, run.config.estimator_name, run.directory.absolute().parent.name) for run in runs}
    if len(kinds) > 1:
        raise ValueError(f"runs must be of one experiment, got {', '.join('/'.join(kind) for kind in sorted(kinds))}")
    ordered = sorted(runs, key=lambda run: run.config.seed)
    seeds = [run.config.seed for run in ordered]
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"runs must have different seeds, got {seeds}")
    sweep = pd.concat([run.command_sweep.assign(seed=run.config.seed) for run in ordered], ignore_index=True)
    if any(len(run.training_inputs) == 0 for run in ordered):
        return sweep, None
    return sweep, tuple(fitted_commands(run.training_inputs) for run in ordered)
