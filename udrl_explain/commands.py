"""The command and the input row: column order, names, units and scaling are defined here and nowhere else.

An *input row* is what a UDRL policy sees: the observation columns first, then ``desired_return`` (reward),
then ``desired_horizon`` (steps). Everything outside a policy holds rows in these natural units; only a policy
multiplies the two command columns by its :class:`CommandScale`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

COMMAND_NAMES = ("desired_return", "desired_horizon")
COMMAND_SYMBOLS = ("desired return", "desired horizon")
COMMAND_UNITS = ("reward", "steps")
N_COMMANDS = len(COMMAND_NAMES)
RETURN_COLUMN = -2
HORIZON_COLUMN = -1


@dataclass(frozen=True)
class Command:
    """How much return is wanted, within how many steps.

    Parameters
    ----------
    desired_return : float
        Return still wanted, in reward.
    desired_horizon : float
        Steps within which it is wanted; at least 1.
    """

    desired_return: float
    desired_horizon: float

    def after(self, reward: float) -> "Command":
        """Command that remains after one step that paid `reward` (Srivastava et al. 2019, Algorithm 2)."""
        return Command(self.desired_return - reward, max(self.desired_horizon - 1.0, 1.0))

    def __str__(self) -> str:
        return f"return {self.desired_return:.4g}, horizon {self.desired_horizon:.4g} steps"


@dataclass(frozen=True)
class CommandScale:
    """The factors by which a policy multiplies the command columns before its estimator sees them.

    Parameters
    ----------
    return_scale, horizon_scale : float
        Finite and positive.

    Raises
    ------
    ValueError
        If a factor is not finite or not positive.
    """

    return_scale: float = 1.0
    horizon_scale: float = 1.0

    def __post_init__(self) -> None:
        for name in ("return_scale", "horizon_scale"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be a finite number above 0, got {value!r}")

    def factors(self, n_features: int) -> NDArray[np.float64]:
        """One factor per input column, shape ``(n_features,)``: 1 for observation columns."""
        factors = np.ones(n_features)
        factors[RETURN_COLUMN] = self.return_scale
        factors[HORIZON_COLUMN] = self.horizon_scale
        return factors

    def apply(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scaled copy of `inputs`, shape ``(n_rows, n_features)``."""
        scaled = inputs.copy()
        scaled[:, RETURN_COLUMN] *= self.return_scale
        scaled[:, HORIZON_COLUMN] *= self.horizon_scale
        return scaled


def input_rows(states: ArrayLike, commands: ArrayLike) -> NDArray[np.float64]:
    """Put commands behind states.

    Parameters
    ----------
    states : array_like of shape (n_rows, n_observations) or (n_observations,)
        A single state is repeated for every command.
    commands : array_like of shape (n_rows, 2) or (2,)
        ``(desired_return, desired_horizon)`` in reward and steps; a single command is repeated for every state.

    Returns
    -------
    ndarray of shape (n_rows, n_observations + 2)

    Raises
    ------
    ValueError
        If the two row counts differ or a command does not have two columns.
    """
    states = np.atleast_2d(np.asarray(states, dtype=np.float64))
    commands = np.atleast_2d(np.asarray(commands, dtype=np.float64))
    if commands.ndim != 2 or commands.shape[1] != N_COMMANDS:
        raise ValueError(f"commands must have the two columns {COMMAND_NAMES}, got an array of shape {commands.shape}")
    n_rows = max(len(states), len(commands))
    if len(states) not in (1, n_rows) or len(commands) not in (1, n_rows):
        raise ValueError(f"{len(states)} states cannot be paired with {len(commands)} commands")
    rows = np.empty((n_rows, states.shape[1] + N_COMMANDS))
    rows[:, :-N_COMMANDS] = states
    rows[:, -N_COMMANDS:] = commands
    return rows


def checked_inputs(inputs: ArrayLike, n_features: int) -> NDArray[np.float64]:
    """Return `inputs` as a float64 array of shape ``(n_rows, n_features)``, or say what is wrong with it.

    Raises
    ------
    ValueError
        If `inputs` is not two-dimensional, has another number of columns, or holds a value that is not finite
        or does not fit float32 (scikit-learn's trees compare in float32).
    """
    _refuse_what_holds_rows(inputs)
    rows = np.asarray(inputs, dtype=np.float64)
    if rows.ndim == 1:
        raise ValueError(
            f"inputs must have shape (n_rows, {n_features}), got one row of shape {rows.shape}: "
            "write inputs[None, :] or inputs[i : i + 1]"
        )
    if rows.ndim != 2:
        raise ValueError(f"inputs must have shape (n_rows, {n_features}), got {rows.shape}")
    if rows.shape[1] == n_features - N_COMMANDS:
        raise ValueError(
            f"inputs have {rows.shape[1]} columns, the policy takes {n_features}: the command is missing; "
            "input_rows(states, commands) puts desired_return and desired_horizon behind the state"
        )
    if rows.shape[1] != n_features:
        raise ValueError(f"inputs have {rows.shape[1]} columns, the policy takes {n_features}")
    fits = np.abs(rows) <= np.finfo(np.float32).max
    if not fits.all():
        row, column = np.argwhere(~fits)[0]
        raise ValueError(f"inputs must be finite and fit float32; row {row}, column {column} holds {rows[row, column]}")
    return rows


def _refuse_what_holds_rows(value: object) -> None:
    """Say what to pass in place of an episode, several of them, probes or a run."""
    one = value[0] if isinstance(value, (list, tuple)) and value else value
    for name in ("inputs", "training_inputs"):
        if hasattr(one, name):
            which = "its" if one is value else "their"
            raise ValueError(f"inputs must be rows of numbers, got {type(one).__name__}: pass {which} .{name}")
