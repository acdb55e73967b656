"""A policy around any function from rows to probabilities or actions: an agent of another package, a rule, a net."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udrl_explain.commands import COMMAND_NAMES, CommandScale, NoCommand, checked_inputs
from udrl_explain.names import checked_action_names, checked_feature_names

Source = Literal["probabilities", "one-hot predictions"]
SUM_TOLERANCE = 1e-5
"""How far probabilities may miss 1 (a float32 softmax does by 1e-7); they are then divided by their sum."""
BATCH_TOLERANCE = 1e-5
"""How far probabilities of a row may differ between batches: matrix products in float32 round by the batch's size."""
_N_EXAMPLES = 32
_WHERE = "the function of policy_from_callable"


@dataclass(frozen=True, eq=False, repr=False)
class CallablePolicy:
    """A policy around a function; see :func:`policy_from_callable`, which makes it and checks the function.

    Parameters
    ----------
    function : callable
        Rows of shape ``(n_rows, n_features)``, a fresh float64 array each time, to probabilities of shape
        ``(n_rows, n_actions)`` or whole-numbered actions of shape ``(n_rows,)``.
    feature_names, action_names : tuple of str
    scale : CommandScale
        :class:`~udrl_explain.commands.NoCommand` where the rows are observations alone; never a factor.
    columns : tuple of int
        For each column that the function takes, the column of an input row that it is.
    probability_source : {"probabilities", "one-hot predictions"}
    """

    function: Callable[[NDArray[np.float64]], Any]
    feature_names: tuple[str, ...]
    action_names: tuple[str, ...]
    scale: CommandScale
    columns: tuple[int, ...]
    probability_source: Source

    def __repr__(self) -> str:
        name = getattr(self.function, "__qualname__", type(self.function).__name__)
        return f"CallablePolicy({name}, {self.n_features} inputs, {self.n_actions} actions, {self.probability_source})"

    @property
    def n_features(self) -> int:
        """Input columns."""
        return len(self.feature_names)

    @property
    def n_actions(self) -> int:
        """Actions of the environment."""
        return len(self.action_names)

    def action_probabilities(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """Probability of every action, shape ``(n_rows, n_actions)``; one-hot where the function gives actions.

        Raises
        ------
        ValueError
            If the rows do not fit, or the function gives something else than it did at first, or changes its rows.
        """
        rows = checked_inputs(inputs, self.feature_names)
        if len(rows) == 0:
            return np.zeros((0, self.n_actions))
        source, probabilities = _asked(self.function, rows[:, list(self.columns)], self.n_actions)
        if source != self.probability_source:
            raise ValueError(f"{_WHERE} gave {self.probability_source} at first and now {source}")
        return probabilities


def policy_from_callable(
    function: Callable[[NDArray[np.float64]], Any],
    feature_names: Sequence[str],
    action_names: Sequence[str],
    *,
    command: Sequence[str] | None = COMMAND_NAMES,
    examples: ArrayLike | None = None,
) -> CallablePolicy:
    """Make a policy of any function that acts on batches of rows.

    Parameters
    ----------
    function : callable
        Takes a float64 array of shape ``(n_rows, n_features)``, in natural units, and gives either probabilities of
        shape ``(n_rows, n_actions)`` or actions 0..n_actions-1 of shape ``(n_rows,)``, whole numbers. Actions become
        one-hot probabilities, and results say so (``probability_source``). Anything that NumPy reads as an array will
        do, a detached PyTorch tensor for instance. It is asked from one thread at a time.
    feature_names : sequence of str
        Of the columns that the function takes, in its order.
    action_names : sequence of str
        Of the actions, in the order of the environment.
    command : (str, str) or None
        Names of the two columns that hold the desired return (reward) and the desired horizon (steps), wherever they
        stand. None: the policy takes no command. What asks about commands then says so; everything else works.
    examples : array_like of shape (n_rows, n_features), optional
        Rows that the function is tried on, in its own column order; made up from random numbers by default.

    Returns
    -------
    CallablePolicy
        Its input rows hold the observation first, then ``desired_return`` and ``desired_horizon``.

    Raises
    ------
    ValueError
        If names do not fit, or the function fails, gives another shape, numbers that are no probabilities, different
        answers to the same rows, answers that depend on the other rows of a batch, or changes its rows.
    """
    if not callable(function):
        raise ValueError(f"function must be callable, got {type(function).__name__}")
    given = (feature_names,) if isinstance(feature_names, str) else tuple(feature_names)
    actions = checked_action_names(action_names, len(action_names))
    if len(actions) < 2:
        raise ValueError(f"action_names must be at least 2, got {action_names!r}")
    names, columns = _in_house_order(given, command)
    scale = NoCommand() if command is None else CommandScale()
    names = checked_feature_names(names, len(names), scale.takes_command)
    rows = _examples(examples, given, columns, scale.takes_command)
    source = _tried(function, rows, len(actions))
    return CallablePolicy(function, names, actions, scale, columns, source)


def _in_house_order(given: tuple[str, ...], command: Sequence[str] | None) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Names of an input row, and the column of it that each column of the function is."""
    if command is None:
        return given, tuple(range(len(given)))
    pair = tuple(command)
    if isinstance(command, str) or len(pair) != len(COMMAND_NAMES) or len(set(pair)) != len(pair):
        raise ValueError(f"command must name the columns of desired return and horizon, or be None, got {command!r}")
    missing = [name for name in pair if name not in given]
    if missing:
        raise ValueError(
            f"feature_names must hold the command's column {missing[0]!r}, got {given}: name it, or say command=None "
            "for a policy that takes no command"
        )
    state = [name for name in given if name not in pair]
    order = [*state, *pair]
    return (*state, *COMMAND_NAMES), tuple(order.index(name) for name in given)


def _examples(
    examples: ArrayLike | None, given: tuple[str, ...], columns: tuple[int, ...], takes_command: bool
) -> NDArray[np.float64]:
    if examples is not None:
        rows = checked_inputs(examples, given, "examples")
        if len(rows) == 0:
            raise ValueError("examples must hold at least one row, got none")
        return rows
    generator = np.random.default_rng(0)
    made_up = generator.normal(size=(_N_EXAMPLES, len(given)))
    if takes_command:
        made_up[:, -2:] = generator.integers(1, 200, size=(_N_EXAMPLES, 2))
    return made_up[:, list(columns)]


def _tried(function: Callable[[NDArray[np.float64]], Any], rows: NDArray[np.float64], n_actions: int) -> Source:
    """What the function gives, once it has kept its promises on these rows."""
    source, first = _asked(function, rows, n_actions)
    _, again = _asked(function, rows, n_actions)
    if not np.array_equal(first, again):
        raise ValueError(
            f"{_WHERE} must be deterministic, the same rows got other answers (by up to {np.abs(first - again).max():g}"
            "): take the most probable action or the probabilities, and switch dropout off"
        )
    for name, order in (("in reverse order", np.arange(len(rows))[::-1]), ("one by one", np.arange(1))):
        other_source, other = _asked(function, rows[order], n_actions)
        if other_source != source or np.abs(other - first[order]).max() > BATCH_TOLERANCE:
            raise ValueError(f"{_WHERE} must answer each row by itself, {name} the same rows got other answers")
    return source


def _asked(
    function: Callable[[NDArray[np.float64]], Any], rows: NDArray[np.float64], n_actions: int
) -> tuple[Source, NDArray[np.float64]]:
    """Ask the function for checked rows; it gets a copy of its own, and must leave it as it is."""
    handed = np.array(rows, order="C")
    try:
        answer = np.asarray(function(handed))
    except Exception as fault:  # a stranger's function may fail in any way
        raise ValueError(
            f"{_WHERE} failed on {len(rows)} rows of {rows.shape[1]} columns: {type(fault).__name__}: {fault}"
        ) from fault
    if not np.array_equal(handed, rows):
        raise ValueError(f"{_WHERE} must not change the rows that it is given: let it work on a copy")
    if answer.shape == (len(rows),) and answer.dtype.kind in "iu":
        if answer.min() < 0 or answer.max() >= n_actions:
            raise ValueError(f"{_WHERE} must give actions in 0..{n_actions - 1}, got {answer.min()}..{answer.max()}")
        return "one-hot predictions", np.eye(n_actions)[answer.astype(np.intp)]
    if answer.shape != (len(rows), n_actions) or answer.dtype.kind not in "fiu":
        raise ValueError(
            f"{_WHERE} must give probabilities of shape ({len(rows)}, {n_actions}) or whole-numbered actions of shape "
            f"({len(rows)},), got {answer.dtype} of shape {answer.shape}"
        )
    probabilities = answer.astype(np.float64)
    sums = probabilities.sum(axis=1)
    if not np.isfinite(probabilities).all():
        raise ValueError(
            f"{_WHERE} must give finite probabilities, got {probabilities[~np.isfinite(probabilities)][0]}"
        )
    if (probabilities < 0).any() or (np.abs(sums - 1.0) > SUM_TOLERANCE).any():
        wrong = int(np.argmax((probabilities < 0).any(axis=1) | (np.abs(sums - 1.0) > SUM_TOLERANCE)))
        raise ValueError(
            f"{_WHERE} must give probabilities, none below 0 and 1 in all; row {wrong} got {probabilities[wrong]}, "
            f"in all {sums[wrong]:.7g}"
        )
    return "probabilities", probabilities / sums[:, None]
