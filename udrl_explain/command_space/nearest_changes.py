"""The smallest change of command that gives another action, searched over a plane of cells or a grid.

Over a forest's exact cells the search is complete, and the answer carries a certificate: nothing nearer flips.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numba
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from udrl_explain.command_space.cells import CommandCells
from udrl_explain.commands import COMMAND_NAMES, Command
from udrl_explain.self_check import SelfCheckError

COLUMNS = (
    "change", "found", "from_return", "from_horizon", "action_from", "action_from_name", "to_return", "to_horizon",
    "action_to", "action_to_name", "distance", "infimum", "disc_in_plane", "return_spread", "horizon_spread",
    "method", "exact",
)  # fmt: skip
Ask = Callable[[ArrayLike, ArrayLike], NDArray[np.int64]]


@dataclass(frozen=True)
class CommandChange:
    """The nearest command that a search found.

    Parameters
    ----------
    command : Command
        The nearest float64 command with the new action.
    action : int
        Its action.
    distance : float
        From the present command to this one, in spreads of the training commands.
    infimum : float or None
        No command of the plane nearer than this has such an action (up to the rounding of the distance, 15 digits).
        Cells are open below, so the nearest command of a cell above lies one float64 step inside it: `distance`
        exceeds `infimum` by at most such a step. None where the plane is a grid: nothing is known between its points.
    disc_in_plane : bool
        True where all commands as near as `infimum` lie in the plane, so that `infimum` holds for any command.
    """

    command: Command
    action: int
    distance: float
    infimum: float | None
    disc_in_plane: bool


@dataclass(frozen=True)
class NearestChange:
    """The smallest change of command that gives another action.

    Distances are Euclidean, with desired return and desired horizon each divided by their `spread`.

    Parameters
    ----------
    command_from, action_from : Command, int
        The present command and its action.
    both : CommandChange or None
        The nearest with both commands free.
    along_return, along_horizon : CommandChange or None
        The nearest with the other command held; None where no flip lies in the plane.
    spread : (return spread, horizon spread)
        In reward and steps.
    method : str
    exact : bool
    """

    command_from: Command
    action_from: int
    both: CommandChange
    along_return: CommandChange | None
    along_horizon: CommandChange | None
    spread: tuple[float, float]
    method: str
    exact: bool

    @property
    def command_to(self) -> Command:
        """The nearest float64 command that has another action."""
        return self.both.command

    @property
    def action_to(self) -> int:
        """Its action, asked of the policy itself."""
        return self.both.action

    @property
    def distance(self) -> float:
        """Distance from one command to the other, in spreads."""
        return self.both.distance

    @property
    def infimum(self) -> float | None:
        """The certificate: no command of the plane nearer than this flips (see :class:`CommandChange`)."""
        return self.both.infimum

    @property
    def disc_in_plane(self) -> bool:
        """Whether the certificate holds beyond the plane too (see :class:`CommandChange`)."""
        return self.both.disc_in_plane


def nearest_change(
    cells: CommandCells,
    ask: Ask,
    command: Command,
    spread: tuple[float, float],
    *,
    action: int | None,
    method: str,
    exact: bool,
) -> NearestChange | None:
    """Find the smallest change of command that gives another action.

    Parameters
    ----------
    cells : CommandCells
        Exact cells of a forest, or a grid of which only the centres are known (`exact` False).
    ask : callable (returns, horizons) -> actions
        The policy at the state, one action per command.
    command : Command
        In the plane.
    spread : (return spread, horizon spread)
    action : int or None
        The action looked for; None for any other than the present one.
    method, exact
        How the cells were made.

    Returns
    -------
    NearestChange or None
        None where no command of the plane has such an action.

    Raises
    ------
    ValueError
        If the command lies outside the plane, or `action` is no other action.
    SelfCheckError
        If the policy does not confirm an action found.
    """
    cells.cell_at(command.desired_return, command.desired_horizon)
    own = int(ask([command.desired_return], [command.desired_horizon])[0])
    if action is not None and not (0 <= action < cells.n_actions and action != own):
        raise ValueError(
            f"action must be one of 0..{cells.n_actions - 1} other than the present action {own}, got {action}"
        )
    search = _over_cells if exact else _over_points
    along_return = search(cells, ask, command, own, action, spread, (True, False))
    along_horizon = search(cells, ask, command, own, action, spread, (False, True))
    both = search(cells, ask, command, own, action, spread, (True, True))
    if not exact:
        # The lines through the command are no lines of the grid.
        found = [change for change in (both, along_return, along_horizon) if change is not None]
        both = min(found, key=lambda change: change.distance, default=None)
    if both is None:
        return None
    for change in (both, along_return, along_horizon):
        if change is not None:
            _confirm(change, ask)
    return NearestChange(command, own, both, along_return, along_horizon, spread, method, exact)


def change_frame(
    command: Command,
    action_from: int,
    spread: tuple[float, float],
    nearest: NearestChange | None,
    action_names: Sequence[str],
    method: str,
    exact: bool,
) -> pd.DataFrame:
    """Three rows (both commands free, return alone, horizon alone), columns :data:`COLUMNS`.

    Where nothing flips, `found` is False and what was looked for is empty.
    """
    changes: list[CommandChange | None] = [None, None, None]
    if nearest is not None:
        changes = [nearest.both, nearest.along_return, nearest.along_horizon]
    rows = []
    for name, change in zip(("both", *COMMAND_NAMES), changes, strict=True):
        row = {
            "change": name,
            "found": change is not None,
            "from_return": command.desired_return,
            "from_horizon": command.desired_horizon,
            "action_from": action_from,
            "action_from_name": action_names[action_from],
            "disc_in_plane": change is not None and change.disc_in_plane,
            "return_spread": spread[0],
            "horizon_spread": spread[1],
            "method": method,
            "exact": exact,
        }
        if change is not None:
            row |= {
                "to_return": change.command.desired_return,
                "to_horizon": change.command.desired_horizon,
                "action_to": change.action,
                "action_to_name": action_names[change.action],
                "distance": change.distance,
                "infimum": np.nan if change.infimum is None else change.infimum,
            }
        rows.append(row)
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    numbers = dict.fromkeys(("to_return", "to_horizon", "distance", "infimum"), "float64")
    return frame.astype({"action_to": "Int64", "action_to_name": object, **numbers})


def _over_cells(
    cells: CommandCells,
    ask: Ask,
    command: Command,
    own: int,
    action: int | None,
    spread: tuple[float, float],
    free: tuple[bool, bool],
) -> CommandChange | None:
    here = cells.cell_at(command.desired_return, command.desired_horizon)
    axes = zip(
        (cells.return_edges, cells.horizon_edges),
        (command.desired_return, command.desired_horizon),
        (int(here[0]), int(here[1])),
        spread,
        free,
        strict=True,
    )
    lines, reached, steps, gaps = [], [], [], []
    for edges, value, home, unit, may_change in axes:
        k = np.arange(len(edges) - 1) if may_change else np.array([home])
        # A cell holds its upper edge; its lowest command is the next number above its lower edge.
        up = np.where(k > home, np.nextafter(edges[k], np.inf), value)
        lines.append(k)
        reached.append(np.where(k < home, edges[k + 1], up))
        steps.append(np.abs(reached[-1] - value) / unit)
        closure = np.where(k < home, edges[k + 1], np.where(k > home, edges[k], value))
        gaps.append(np.abs(closure - value) / unit)
    actions = cells.actions[np.ix_(*lines)]
    wanted = _wanted(actions, own, action)
    i, j, distance = _nearest(*steps, wanted)
    if i < 0:
        return None
    infimum = float(_nearest(*gaps, wanted)[2])
    room = _room(cells, command, spread, free)
    return CommandChange(
        Command(float(reached[0][i]), float(reached[1][j])),
        int(actions[i, j]),
        float(distance),
        infimum,
        infimum <= room,
    )


def _over_points(
    cells: CommandCells,
    ask: Ask,
    command: Command,
    own: int,
    action: int | None,
    spread: tuple[float, float],
    free: tuple[bool, bool],
) -> CommandChange | None:
    returns, horizons, actions = cells.return_centres, cells.horizon_centres, cells.actions
    if not free[0]:
        returns = np.array([command.desired_return])
    if not free[1]:
        horizons = np.array([command.desired_horizon])
    if not all(free):
        actions = ask(*np.broadcast_arrays(returns, horizons)).reshape(len(returns), len(horizons))
    i, j, distance = _nearest(
        np.abs(returns - command.desired_return) / spread[0],
        np.abs(horizons - command.desired_horizon) / spread[1],
        _wanted(actions, own, action),
    )
    if i < 0:
        return None
    return CommandChange(
        Command(float(returns[i]), float(horizons[j])), int(actions[i, j]), float(distance), None, False
    )


def _wanted(actions: NDArray[np.int64], own: int, action: int | None) -> NDArray[np.bool_]:
    return np.ascontiguousarray(actions != own if action is None else actions == action)


def _room(cells: CommandCells, command: Command, spread: tuple[float, float], free: tuple[bool, bool]) -> float:
    """Distance from the command to the end of the plane, over the axes that may change."""
    room = np.inf
    values = (command.desired_return, command.desired_horizon)
    for edges, value, unit, may_change in zip(
        (cells.return_edges, cells.horizon_edges), values, spread, free, strict=True
    ):
        if may_change:
            room = min(room, float(min(value - edges[0], edges[-1] - value)) / unit)
    return room


def _confirm(change: CommandChange, ask: Ask) -> None:
    found = int(ask([change.command.desired_return], [change.command.desired_horizon])[0])
    if found != change.action:
        raise SelfCheckError(f"the plane gives action {change.action} at {change.command!r}, the policy {found}")


@numba.njit(cache=True, nogil=True)
def _nearest(rows, columns, wanted):  # type: ignore[no-untyped-def]
    """Wanted cell with the least ``hypot(rows[i], columns[j])``, the first of equals; ``(-1, -1, inf)`` if none."""
    best_i, best_j, best = -1, -1, np.inf
    for i in range(rows.shape[0]):
        if rows[i] > best:
            continue
        for j in range(columns.shape[0]):
            if wanted[i, j]:
                distance = np.hypot(rows[i], columns[j])
                if distance < best or best_i < 0:
                    best_i, best_j, best = i, j, distance
    return best_i, best_j, best
