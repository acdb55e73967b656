"""The commands that a policy met in training, and which other commands are like them.

A forest answers every command, also those that no training row came near. Such answers are extrapolation, and every
table of this package that varies the command marks them. A command is *seen* if at least 0.1 % of the training
commands, and at least one, lie within a quarter of a spread of it: the Euclidean distance, with desired return and
desired horizon each divided by its standard deviation over the training commands.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from udrl_explain.commands import COMMAND_NAMES, N_COMMANDS

RADIUS = 0.25
SEEN_SHARE = 0.001
PAIR_NAME = "command pair"
_DISTANCES_AT_ONCE = 1 << 22


@dataclass(frozen=True, eq=False)
class CommandSupport:
    """The training commands, each distinct one once.

    Parameters
    ----------
    commands : float64 array of shape (n_distinct, 2)
        Desired return (reward) and desired horizon (steps), sorted.
    counts : int64 array of shape (n_distinct,)
        How often each was met.

    Raises
    ------
    ValueError
        If the shapes do not fit, there is no command, or a number is not finite.
    """

    commands: NDArray[np.float64]
    counts: NDArray[np.int64]

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

    def density(self, commands: ArrayLike) -> NDArray[np.float64]:
        """Share of the training commands within a quarter of a spread of `commands`, shape ``(n, 2)`` -> ``(n,)``."""
        return np.asarray(self._n_near(commands) / self.n_commands)

    def seen(self, commands: ArrayLike) -> NDArray[np.bool_]:
        """Whether each of `commands`, shape ``(n, 2)``, is like those met in training; shape ``(n,)``."""
        return np.asarray(self._n_near(commands) >= max(1.0, SEEN_SHARE * self.n_commands))

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
        A frame needs the columns ``desired_return`` and ``desired_horizon`` (``Run.training_commands``); rows
        without a command are left out. An array holds the two columns, as ``Run.training_inputs[:, -2:]`` does.

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
        missing = [name for name in COMMAND_NAMES if name not in training_commands.columns]
        if missing:
            raise ValueError(f"training_commands must have the columns {COMMAND_NAMES}, {missing[0]!r} is missing")
        training_commands = training_commands[list(COMMAND_NAMES)].dropna().to_numpy(dtype=np.float64)
    commands = _checked_commands(training_commands, "training_commands")
    if len(commands) == 0:
        raise ValueError("training_commands must hold at least one command, got none")
    distinct, counts = np.unique(commands, axis=0, return_counts=True)
    return CommandSupport(distinct, counts.astype(np.int64))


def _checked_commands(commands: ArrayLike, name: str) -> NDArray[np.float64]:
    values = np.asarray(commands, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != N_COMMANDS:
        raise ValueError(f"{name} must have shape (n, {N_COMMANDS}), return and horizon, got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"{name} must be finite, row {int(np.argwhere(~np.isfinite(values))[0, 0])} is not")
    return values
