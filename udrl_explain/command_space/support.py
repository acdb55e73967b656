"""The commands that a policy met in training, and which other commands are like them.

A forest answers every command, also those that no training row came near. Such answers are extrapolation, and every
table of this package that varies the command marks them. A command is *seen* if at least 0.1 % of the commands of a
support, and at least one, lie within a quarter of a spread of it: the Euclidean distance, with desired return and
desired horizon each divided by its standard deviation over that support.

Three sets of commands can be a support, and they differ much: see :class:`SupportKind`. What a policy answers is
judged by the fitted one. Every support carries its kind, and every table that marks commands says which it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from udrl_explain.commands import COMMAND_NAMES, N_COMMANDS

RADIUS = 0.25
SEEN_SHARE = 0.001
_DISTANCES_AT_ONCE = 1 << 22


class SupportKind(StrEnum):
    """Which commands a support holds; the word that stands in the column ``support`` of the tables.

    - ``fitted``: those of the rows that the policy was last fitted on. An estimator has met no others.
    - ``achieved``: what every training episode achieved, in hindsight, and in how many steps. Early episodes have
      often left the buffer before the last fit.
    - ``asked``: those that the exploring agent was given. They are no training rows.
    - ``given``: an array of the caller's, of which nothing more is known.
    """

    FITTED = "fitted"
    ACHIEVED = "achieved"
    ASKED = "asked"
    GIVEN = "given"

    @property
    def words(self) -> str:
        """What the support holds, for a caption."""
        return _WORDS[self]


_WORDS = {
    SupportKind.FITTED: "the rows of the last fit",
    SupportKind.ACHIEVED: "what all training episodes achieved, in hindsight",
    SupportKind.ASKED: "the commands given to the exploring agent",
    SupportKind.GIVEN: "the commands given to the analysis",
}


@dataclass(frozen=True, eq=False)
class CommandSupport:
    """The training commands, each distinct one once.

    Parameters
    ----------
    commands : float64 array of shape (n_distinct, 2)
        Desired return (reward) and desired horizon (steps), sorted.
    counts : int64 array of shape (n_distinct,)
        How often each was met.
    kind : SupportKind

    Raises
    ------
    ValueError
        If the shapes do not fit, there is no command, or a number is not finite.
    """

    commands: NDArray[np.float64]
    counts: NDArray[np.int64]
    kind: SupportKind = SupportKind.GIVEN

    def __post_init__(self) -> None:
        if self.commands.shape != (len(self.counts), N_COMMANDS) or len(self.counts) == 0:
            raise ValueError(
                f"training commands must have shape (n_distinct >= 1, {N_COMMANDS}) with one count each, "
                f"got {self.commands.shape} and {self.counts.shape}"
            )
        if not np.isfinite(self.commands).all() or (self.counts < 1).any():
            raise ValueError("training commands must be finite and their counts at least 1")
        self.commands.setflags(write=False)
        self.counts.setflags(write=False)

    @property
    def n_commands(self) -> int:
        """Training commands, repeated ones counted as often as they were met."""
        return int(self.counts.sum())

    @property
    def weights(self) -> NDArray[np.float64]:
        """Share of each distinct command, shape ``(n_distinct,)``; adds up to 1."""
        return np.asarray(self.counts / self.n_commands)

    @cached_property
    def spread(self) -> tuple[float, float]:
        """Standard deviation of desired return (reward) and desired horizon (steps); 1 where all are equal."""
        deviations = []
        for column in self.commands.T:
            mean = np.average(column, weights=self.counts)
            deviation = float(np.sqrt(np.average((column - mean) ** 2, weights=self.counts)))
            deviations.append(deviation if np.ptp(column) > 0 else 1.0)
        return deviations[0], deviations[1]

    @property
    def returns(self) -> tuple[float, float]:
        """Lowest and highest desired return."""
        return float(self.commands[:, 0].min()), float(self.commands[:, 0].max())

    @property
    def horizons(self) -> tuple[float, float]:
        """Lowest and highest desired horizon."""
        return float(self.commands[:, 1].min()), float(self.commands[:, 1].max())

    @property
    def n_needed(self) -> float:
        """Training commands that must lie near a command for it to be seen."""
        return max(1.0, SEEN_SHARE * self.n_commands)

    def levels(self, n_levels: int = 15) -> NDArray[np.float64]:
        """Commands of this support with rising return, at most `n_levels`, shape ``(n, 2)``.

        The commands are cut into shares of equal weight by their desired return; of each the one of middle horizon.
        """
        order = np.lexsort((self.commands[:, 1], self.commands[:, 0]))
        commands, share = self.commands[order], np.cumsum(self.counts[order]) / self.counts.sum()
        levels = []
        cuts = np.searchsorted(share, np.arange(1, n_levels) / n_levels)
        for part in np.array_split(np.arange(len(commands)), cuts):
            if len(part):
                ranked = part[np.argsort(commands[part, 1], kind="stable")]
                levels.append(commands[ranked[len(ranked) // 2]])
        rising = np.array(levels)
        return np.asarray(rising[np.unique(rising[:, 0], return_index=True)[1]])

    def density(self, commands: ArrayLike) -> NDArray[np.float64]:
        """Share of the training commands within a quarter of a spread of `commands`, shape ``(n, 2)`` -> ``(n,)``."""
        return np.asarray(self._n_near(commands) / self.n_commands)

    def seen(self, commands: ArrayLike) -> NDArray[np.bool_]:
        """Whether each of `commands`, shape ``(n, 2)``, is like those met in training; shape ``(n,)``."""
        return np.asarray(self._n_near(commands) >= self.n_needed)

    @cached_property
    def seen_commands(self) -> NDArray[np.float64]:
        """The distinct training commands that are themselves seen: all but a few outliers, shape ``(n, 2)``."""
        return self.commands[self.seen(self.commands)]

    def _n_near(self, commands: ArrayLike) -> NDArray[np.int64]:
        asked = _checked_commands(commands, "commands")
        near = np.empty(len(asked), dtype=np.int64)
        spread = np.array(self.spread)
        n_at_once = max(1, _DISTANCES_AT_ONCE // len(self.counts))
        for start in range(0, len(asked), n_at_once):
            block = slice(start, start + n_at_once)
            steps = (asked[block, None, :] - self.commands[None, :, :]) / spread
            near[block] = ((steps**2).sum(axis=2) <= RADIUS**2) @ self.counts
        return near


def command_support(training_commands: "CommandSupport | pd.DataFrame | ArrayLike") -> CommandSupport:
    """Gather training commands.

    Parameters
    ----------
    training_commands : CommandSupport, DataFrame or array_like of shape (n, 2)
        A support is returned as it is: :func:`fitted_commands` and its neighbours make one that knows its kind. A
        frame needs the columns ``desired_return`` and ``desired_horizon`` (``Run.training_commands``): the commands
        asked; rows without a command are left out. An array holds the two columns.

    Returns
    -------
    CommandSupport

    Raises
    ------
    ValueError
        If no command is left, or the argument has another form.
    """
    if isinstance(training_commands, CommandSupport):
        return training_commands
    if isinstance(training_commands, pd.DataFrame):
        return asked_commands(training_commands)
    return _support(training_commands, SupportKind.GIVEN)


def fitted_commands(training_inputs: ArrayLike) -> CommandSupport:
    """Commands of the rows of the last fit.

    Parameters
    ----------
    training_inputs : array_like of shape (n_rows, n_features)
        ``Run.training_inputs``: whole input rows, the commands are their last two columns.

    Raises
    ------
    ValueError
        If there is no row, or there are no observation columns before the commands.
    """
    rows = np.asarray(training_inputs, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] <= N_COMMANDS:
        raise ValueError(
            f"training_inputs must have shape (n_rows, n_features > {N_COMMANDS}), whole input rows, got {rows.shape}"
        )
    return _support(rows[:, -N_COMMANDS:], SupportKind.FITTED)


def achieved_commands(training_commands: pd.DataFrame) -> CommandSupport:
    """Commands that the episodes of training turned out to fulfil: the return achieved, in the steps it took.

    A row that starts at an episode's first step carries this command, whatever the agent was asked for.

    Parameters
    ----------
    training_commands : DataFrame
        ``Run.training_commands``: ``achieved_return`` and ``length``; rows without them are left out.

    Raises
    ------
    ValueError
        If a column is missing, or no episode is left.
    """
    return _support(_columns(training_commands, ("achieved_return", "length")), SupportKind.ACHIEVED)


def asked_commands(training_commands: pd.DataFrame) -> CommandSupport:
    """Commands that the exploring agent was given in training.

    Parameters
    ----------
    training_commands : DataFrame
        ``Run.training_commands``: ``desired_return`` and ``desired_horizon``; rows without them (the warm-up) are
        left out.

    Raises
    ------
    ValueError
        If a column is missing, or no command is left.
    """
    return _support(_columns(training_commands, COMMAND_NAMES), SupportKind.ASKED)


def _columns(frame: pd.DataFrame, names: Sequence[str]) -> NDArray[np.float64]:
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise ValueError(f"training_commands must have the columns {', '.join(names)}, {missing[0]!r} is missing")
    return frame[list(names)].dropna().to_numpy(dtype=np.float64)


def _support(commands: ArrayLike, kind: SupportKind) -> CommandSupport:
    checked = _checked_commands(commands, "training_commands")
    if len(checked) == 0:
        raise ValueError("training_commands must hold at least one command, got none")
    distinct, counts = np.unique(checked, axis=0, return_counts=True)
    return CommandSupport(distinct, counts.astype(np.int64), kind)


def _checked_commands(commands: ArrayLike, name: str) -> NDArray[np.float64]:
    values = np.asarray(commands, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != N_COMMANDS:
        raise ValueError(f"{name} must have shape (n, {N_COMMANDS}), return and horizon, got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"{name} must be finite, row {int(np.argwhere(~np.isfinite(values))[0, 0])} is not")
    return values
