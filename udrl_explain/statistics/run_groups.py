"""Runs that differ in nothing but their seed, put together; what an analysis over seeds needs of a run.

Runs are duck-typed, so that notebooks and tests need no disk: see :class:`LearningRun`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from udrl_explain.names import estimator_label

GROUP_COLUMNS = ("env_name", "experiment", "estimator_name", "label")
_LONGEST_EXPERIMENT = 28


class RunSettings(Protocol):
    """The settings of a run that its learning curves and final returns depend on."""

    @property
    def env_name(self) -> str: ...  # noqa: D102
    @property
    def estimator_name(self) -> str: ...  # noqa: D102
    @property
    def seed(self) -> int: ...  # noqa: D102
    @property
    def testing_period(self) -> int: ...  # noqa: D102
    @property
    def final_desired_return(self) -> float | None: ...  # noqa: D102
    @property
    def final_desired_horizon(self) -> float | None: ...  # noqa: D102


class LearningRun(Protocol):
    """What a training recorded about its returns; a ``Run`` is one."""

    @property
    def config(self) -> RunSettings:
        """Its settings."""

    @property
    def directory(self) -> Path:
        """``.../<env_name>/<experiment>/<seed>``."""

    @property
    def train_returns(self) -> NDArray[np.float64]:
        """Mean and standard deviation of return per iteration, shape ``(n_iterations, 2)``."""

    @property
    def test_returns(self) -> NDArray[np.float64]:
        """Mean and standard deviation of return per test, shape ``(n_tests, 2)``."""

    @property
    def final_returns(self) -> NDArray[np.float64]:
        """Return of each final episode, shape ``(n_episodes,)``; empty where only mean and std are stored."""

    @property
    def final_mean(self) -> float:
        """Mean of the final returns; NaN where there was no final evaluation."""

    @property
    def final_std(self) -> float:
        """Their standard deviation (ddof 0)."""

    @property
    def n_final(self) -> int:
        """Number of final episodes, also where only their mean is stored."""

    @property
    def written_by_paper_code(self) -> bool:
        """Whether the paper's own code wrote the run; it tests at other iterations."""


@dataclass(frozen=True)
class RunGroup:
    """Runs of one environment, experiment and estimator.

    Parameters
    ----------
    env_name, experiment, estimator_name : str
    label : str
        Readable and unique within the environment.
    runs : tuple of LearningRun
        By ascending seed.
    """

    env_name: str
    experiment: str
    estimator_name: str
    label: str
    runs: tuple[LearningRun, ...]

    @property
    def seeds(self) -> tuple[int, ...]:
        """Training seeds, ascending."""
        return tuple(run.config.seed for run in self.runs)

    @property
    def key(self) -> dict[str, str]:
        """Values of :data:`GROUP_COLUMNS`."""
        return {name: getattr(self, name) for name in GROUP_COLUMNS}


def grouped_runs(runs: Iterable[LearningRun] | LearningRun) -> tuple[RunGroup, ...]:
    """Group runs by environment, experiment (the name of the folder above the seed) and estimator.

    Parameters
    ----------
    runs : iterable of LearningRun, or one of them
        In any order; the groups do not depend on it.

    Returns
    -------
    tuple of RunGroup
        Sorted by environment, label, experiment.

    Raises
    ------
    ValueError
        If there is no run, something is no run, or a group holds a seed twice (it would count as two seeds).
    """
    listed = _checked_runs(runs)
    members: dict[tuple[str, str, str], list[LearningRun]] = {}
    for run in listed:
        experiment = run.directory.absolute().parent.name
        members.setdefault((run.config.env_name, experiment, run.config.estimator_name), []).append(run)
    for (env_name, experiment, _), same in members.items():
        same.sort(key=lambda run: run.config.seed)
        for one, other in pairwise(same):
            if one.config.seed == other.config.seed:
                raise ValueError(
                    f"runs must have different seeds within an experiment, but {env_name}/{experiment} holds seed "
                    f"{one.config.seed} twice: {one.directory} and {other.directory}"
                )
    labels = _labels(list(members))
    groups = [RunGroup(*key, labels[key], tuple(same)) for key, same in members.items()]
    return tuple(sorted(groups, key=lambda group: (group.env_name, group.label, group.experiment)))


def _checked_runs(runs: Iterable[LearningRun] | LearningRun) -> list[LearningRun]:
    how = "load them first: runs = [load_run(folder) for folder in find_runs('data')]"
    if isinstance(runs, (str, Path)):
        raise ValueError(f"runs must be a list of loaded runs, got the path {str(runs)!r}; {how}")
    if hasattr(runs, "train_returns"):
        return [runs]  # type: ignore[list-item] # what has returns is a run
    try:
        listed = list(runs)
    except TypeError:
        raise ValueError(f"runs must be a list of loaded runs, got {type(runs).__name__}; {how}") from None
    if not listed:
        raise ValueError(f"runs must hold at least one run, got none; {how}")
    for run in listed:
        if not hasattr(run, "train_returns"):
            raise ValueError(f"runs must hold loaded runs, got {type(run).__name__} {str(run)!r}; {how}")
    return listed


def _labels(keys: list[tuple[str, str, str]]) -> dict[tuple[str, str, str], str]:
    """Readable labels; the experiment joins them where an environment has two experiments of one estimator."""
    labels = {key: estimator_label(key[2]) for key in keys}
    for make in (_with_short_experiment, _with_experiment, _with_everything):
        taken = [(key[0], labels[key]) for key in keys]
        clashing = [key for key in keys if taken.count((key[0], labels[key])) > 1]
        for key in clashing:
            labels[key] = make(*key)
    return labels


def _with_short_experiment(env_name: str, experiment: str, estimator_name: str) -> str:
    short = experiment if len(experiment) <= _LONGEST_EXPERIMENT else f"{experiment[: _LONGEST_EXPERIMENT - 1]}…"
    return f"{estimator_label(estimator_name)} ({short})"


def _with_experiment(env_name: str, experiment: str, estimator_name: str) -> str:
    return f"{estimator_label(estimator_name)} ({experiment})"


def _with_everything(env_name: str, experiment: str, estimator_name: str) -> str:
    return f"{estimator_name} ({experiment})"
