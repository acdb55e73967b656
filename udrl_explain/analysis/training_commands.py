"""What was asked for during training, and what came of it, iteration by iteration."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from udrl_explain.results import Drawn, displayed
from udrl_explain.statistics.run_groups import GROUP_COLUMNS, LearningRun, RunGroup, grouped_runs

COLUMNS = (
    *GROUP_COLUMNS, "iteration", "desired_return", "desired_horizon", "achieved_return", "length", "n_seeds",
    "n_episodes", "method", "exact", "n_rows",
)  # fmt: skip
_AVERAGED = ("desired_return", "desired_horizon", "achieved_return", "length")
METHOD = "mean over the episodes of an iteration, of all seeds"


class CommandedRun(LearningRun, Protocol):
    """A run that recorded its training commands; a ``Run`` is one."""

    @property
    def training_commands(self) -> pd.DataFrame:
        """One row per training episode."""


@displayed
@dataclass(frozen=True, eq=False)
class TrainingCommands(Drawn):
    """Commands of the training episodes.

    Parameters
    ----------
    groups : tuple of RunGroup
        By environment, experiment and estimator.
    frames : tuple of DataFrame
        The training commands of every run, in the order of the groups and their runs.
    method : str
    exact : bool
    seed : None
        Nothing is drawn.

    Raises
    ------
    ValueError
        If there is not one frame per run.
    """

    groups: tuple[RunGroup, ...]
    frames: tuple[pd.DataFrame, ...]
    method: str = METHOD
    exact: bool = True
    seed: int | None = None

    def __post_init__(self) -> None:
        n_runs = sum(len(group.runs) for group in self.groups)
        if len(self.frames) != n_runs:
            raise ValueError(f"frames must be one per run ({n_runs}), got {len(self.frames)}")

    @property
    def n_rows(self) -> int:
        """Training episodes of all runs."""
        return sum(len(frame) for frame in self.frames)

    def to_frame(self) -> pd.DataFrame:
        """One row per group and iteration, columns :data:`COLUMNS`; achieved returns are NaN where not stored."""
        parts = []
        frames = iter(self.frames)
        for group in self.groups:
            own = [next(frames).assign(seed=seed) for seed in group.seeds]
            joined = pd.concat([frame for frame in own if len(frame)] or own[:1], ignore_index=True)
            grouped = joined.groupby("iteration", sort=True)
            means = grouped[list(_AVERAGED)].mean().reset_index()
            means["n_seeds"] = grouped["seed"].nunique().to_numpy()
            means["n_episodes"] = grouped.size().to_numpy()
            facts = {**group.key, "n_rows": len(joined), "method": self.method}
            front = pd.DataFrame([facts] * len(means), columns=list(facts))
            parts.append(pd.concat([front, means], axis=1).assign(exact=self.exact))
        parts = [part for part in parts if len(part)] or parts[:1]
        return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


def training_commands(runs: Iterable[CommandedRun]) -> TrainingCommands:
    """Average commands, achieved returns and lengths over the episodes of each iteration.

    Parameters
    ----------
    runs : iterable of Run

    Returns
    -------
    TrainingCommands

    Raises
    ------
    ValueError
        If there is no run, or something is no run.
    """
    groups = grouped_runs(runs)
    members: Sequence[CommandedRun] = [run for group in groups for run in group.runs]  # type: ignore[misc]
    return TrainingCommands(groups, tuple(run.training_commands for run in members))
