"""The command and the input row: column order, names, units and scaling are defined here and nowhere else.

An *input row* is what a UDRL policy sees: the observation columns first, then ``desired_return`` (reward),
then ``desired_horizon`` (steps). Everything outside a policy holds rows in these natural units; only a policy
multiplies the two command columns by its :class:`CommandScale`.
"""

from collections.abc import Sequence
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


def n_commands(feature_names: Sequence[str]) -> int:
    """Input columns of the command, which stand last: 2, or 0 where a policy of these inputs takes no command."""
    return N_COMMANDS if tuple(feature_names[-N_COMMANDS:]) == COMMAND_NAMES else 0


def n_observations(feature_names: Sequence[str]) -> int:
    """Input columns before the command's."""
    return len(feature_names) - n_commands(feature_names)


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

    @property
    def takes_command(self) -> bool:
        """Whether the input rows hold a command at all."""
        return True


@dataclass(frozen=True)
class NoCommand(CommandScale):
    """In the place of a scale: the policy takes no command, its input rows are observations."""

    def factors(self, n_features: int) -> NDArray[np.float64]:
        """Ones, shape ``(n_features,)``."""
        return np.ones(n_features)

    def apply(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Copy of `inputs`."""
        return inputs.copy()

    @property
    def takes_command(self) -> bool:
        """False."""
        return False


def input_rows(states: ArrayLike, commands: ArrayLike) -> NDArray[np.float64]:
    """Put commands behind states.

    Parameters
    ----------
    states : array_like of shape (n_rows, n_observations) or (n_observations,)
        A single state is repeated for every command. No frame: which columns a policy takes, only the policy knows.
    commands : array_like of shape (n_rows, 2) or (2,)
        ``(desired_return, desired_horizon)`` in reward and steps; a single command is repeated for every state. A
        frame or series is matched by name.

    Returns
    -------
    ndarray of shape (n_rows, n_observations + 2)

    Raises
    ------
    ValueError
        If the two row counts differ, a command does not have two columns, or `states` is a frame.
    """
    if _labels(states) is not None:
        raise ValueError(
            "states must be an array here, got a frame or series: its columns cannot be matched without a policy; "
            "write states[list(policy.feature_names[:-2])].to_numpy()"
        )
    states = np.atleast_2d(np.asarray(states, dtype=np.float64))
    commands = np.atleast_2d(np.asarray(by_name(commands, COMMAND_NAMES, "commands"), dtype=np.float64))
    if commands.ndim != 2 or commands.shape[1] != N_COMMANDS:
        raise ValueError(f"commands must have the two columns {COMMAND_NAMES}, got an array of shape {commands.shape}")
    n_rows = max(len(states), len(commands))
    if len(states) not in (1, n_rows) or len(commands) not in (1, n_rows):
        raise ValueError(f"{len(states)} states cannot be paired with {len(commands)} commands")
    rows = np.empty((n_rows, states.shape[1] + N_COMMANDS))
    rows[:, :-N_COMMANDS] = states
    rows[:, -N_COMMANDS:] = commands
    return rows


def checked_inputs(inputs: ArrayLike, feature_names: Sequence[str], what: str = "inputs") -> NDArray[np.float64]:
    """Return input rows as a float64 array of shape ``(n_rows, n_features)``, or say what is wrong with them.

    Parameters
    ----------
    inputs : array_like of shape (n_rows, n_features)
        An array is read by position. A frame is matched by column name, in whatever order its columns stand; a series
        whose index holds the names is one row.
    feature_names : sequence of str
        The policy's.
    what : str
        What messages call the rows.

    Raises
    ------
    ValueError
        If a column is missing or there is one more, the shape differs, or a value is no number, not finite or does not
        fit float32 (scikit-learn's trees compare in float32).
    """
    _refuse_what_holds_rows(inputs, what)
    n_features = len(feature_names)
    named = _labels(inputs) is not None
    rows = _numbers(by_name(inputs, feature_names, what), what)
    if named:
        rows = np.atleast_2d(rows)
    if rows.ndim == 1:
        raise ValueError(
            f"{what} must have shape (n_rows, {n_features}), got one row of shape {rows.shape}: "
            f"write {what}[None, :] or {what}[i : i + 1]"
        )
    if rows.ndim != 2:
        raise ValueError(f"{what} must have shape (n_rows, {n_features}), got {rows.shape}")
    if n_commands(feature_names) and rows.shape[1] == n_features - N_COMMANDS:
        raise ValueError(
            f"{what} have {rows.shape[1]} columns, the policy takes {n_features}: the command is missing; "
            "input_rows(states, commands) puts desired_return and desired_horizon behind the state"
        )
    if rows.shape[1] != n_features:
        none = "" if n_commands(feature_names) else ", none of them a command"
        raise ValueError(f"{what} have {rows.shape[1]} columns, the policy takes {n_features}{none}")
    fits = np.abs(rows) <= np.finfo(np.float32).max
    if not fits.all():
        row, column = np.argwhere(~fits)[0]
        raise ValueError(
            f"{what} must be finite and fit float32; row {row}, column {column} ({feature_names[column]}) holds "
            f"{rows[row, column]}"
        )
    return rows


def checked_states(states: ArrayLike, feature_names: Sequence[str]) -> NDArray[np.float64]:
    """Return observations without commands as a float64 array of shape ``(n_rows, n_features - 2)``.

    Parameters
    ----------
    states : array_like of shape (n_rows, n_features - 2)
        Matched as :func:`checked_inputs` matches rows; at least one.
    feature_names : sequence of str
        The policy's, with those of the commands.

    Raises
    ------
    ValueError
        As :func:`checked_inputs` does, or if there is no row.
    """
    n_columns = n_observations(feature_names)
    named = _labels(states) is not None
    values = _numbers(by_name(states, feature_names[:n_columns], "states"), "states")
    if named:
        values = np.atleast_2d(values)
    if values.ndim != 2 or values.shape[1] != n_columns or len(values) == 0:
        hint = ": leave the two command columns out" if values.shape[-1:] == (len(feature_names),) else ""
        raise ValueError(f"states must have shape (n_rows >= 1, {n_columns}), got {values.shape}{hint}")
    if not (np.abs(values) <= np.finfo(np.float32).max).all():
        raise ValueError("states must be finite and fit float32")
    return values


def checked_state(state: ArrayLike, feature_names: Sequence[str]) -> NDArray[np.float64]:
    """Return one observation without command as a float64 array of shape ``(n_features - 2,)``.

    Parameters
    ----------
    state : array_like of shape (n_features - 2,)
        A series is matched by name, an array is read by position.
    feature_names : sequence of str
        The policy's, with those of the commands.

    Raises
    ------
    ValueError
        If a name is missing or there is one more, the shape differs, or a value is no number, not finite or does not
        fit float32.
    """
    n_columns = n_observations(feature_names)
    values = _numbers(by_name(state, feature_names[:n_columns], "state"), "state")
    if values.shape != (n_columns,):
        raise ValueError(
            f"state must be one observation of shape ({n_columns},), without the command, got shape {values.shape}"
        )
    if not (np.abs(values) <= np.finfo(np.float32).max).all():
        raise ValueError("state must be finite and fit float32")
    return values


def by_name(values: ArrayLike, names: Sequence[str], what: str) -> ArrayLike:
    """Put the columns of a frame, or the entries of a series, in the order of `names`; anything else is left as it is.

    Raises
    ------
    ValueError
        If a name is missing, stands twice, or is none of `names`.
    """
    labels = _labels(values)
    if labels is None:
        return values
    kind = "column" if hasattr(values, "columns") else "entry"
    missing = [name for name in names if name not in labels]
    extra = [label for label in labels if label not in names]
    if missing:
        hint = ""
        if not any(isinstance(label, str) for label in labels):
            hint = f"; it has numbers for names: pass {what}.to_numpy() to have it read by position"
        elif extra:
            hint = f"; it has {extra[0]!r}, which is none of {', '.join(names)}"
        raise ValueError(f"{what} must have the {kind} {missing[0]!r}{hint}")
    if extra:
        command = extra[0] in COMMAND_NAMES
        hint = ": leave the two commands out" if command else ": leave it out"
        raise ValueError(f"{what} must not have the {kind} {extra[0]!r}{hint}")
    if len(labels) != len(names):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise ValueError(f"{what} must have the {kind} {twice!r} once, it stands there {labels.count(twice)} times")
    chosen: ArrayLike = values[list(names)]  # type: ignore[index, call-overload]
    return chosen


def _labels(values: object) -> list[object] | None:
    """Column names of a frame, index of a series; None for anything else. No package of frames need be there."""
    if hasattr(values, "columns"):
        return list(values.columns)
    if hasattr(values, "index") and hasattr(values, "to_numpy"):
        return list(values.index)
    return None


def _numbers(values: ArrayLike, what: str) -> NDArray[np.float64]:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as fault:
        raise ValueError(f"{what} must hold numbers in rows of equal length: {fault}") from None


def _refuse_what_holds_rows(value: object, what: str) -> None:
    """Say what to pass in place of an episode, several of them, probes or a run."""
    one = value[0] if isinstance(value, (list, tuple)) and value else value
    for name in ("inputs", "training_inputs"):
        if hasattr(one, name):
            which = "its" if one is value else "their"
            raise ValueError(f"{what} must be rows of numbers, got {type(one).__name__}: pass {which} .{name}")


def checked_actions(actions: ArrayLike, n_rows: int, n_actions: int) -> NDArray[np.int64]:
    """Return one action per row, shape ``(n_rows,)``.

    Raises
    ------
    ValueError
        If there is not one whole number per row, or one is no action.
    """
    taken = np.asarray(actions)
    if taken.shape != (n_rows,) or taken.dtype.kind not in "iu":
        raise ValueError(
            f"actions must be {n_rows} integers, one per row of inputs, shape ({n_rows},), got {taken.shape} "
            f"of {taken.dtype}"
        )
    if n_rows and (taken.min() < 0 or taken.max() >= n_actions):
        raise ValueError(f"actions must lie in 0..{n_actions - 1}, got {taken.min()}..{taken.max()}")
    return taken.astype(np.int64)
