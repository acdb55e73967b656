"""The nearest command that gives another action, searched over cells of the plane or among points.

Over a forest's exact cells the search is complete, and the answer carries a certificate: nothing nearer flips. The
nearest *seen* command that flips is looked for beside it (``support``): the nearest command may be one that no
training row came near, and what a policy does there is extrapolation.

The seen part of the plane has a curved border. Over cells it is enclosed from both sides (``seen_region``): the answer
is a seen command that flips, with the distance below which none does; where the two differ, the true minimum lies
between them, about a tile (1/32 of a spread) apart. Over a grid the seen commands asked are those of the support.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udrl_explain.command_space.cells import CommandCells
from udrl_explain.command_space.seen_region import SeenRegion, overlay
from udrl_explain.command_space.support import CommandSupport
from udrl_explain.commands import Command
from udrl_explain.compiled import compiled
from udrl_explain.self_check import SelfCheckError

Ask = Callable[[ArrayLike, ArrayLike], NDArray[np.int64]]
Ends = tuple[tuple[float, float], tuple[float, float]]
"""Lowest and highest desired return, lowest and highest desired horizon."""
FloatArray = NDArray[np.float64]


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
        No command of the plane nearer than this has such an action (up to the rounding of the distance, 15 digits);
        of the nearest seen change: no seen command. Cells are open below, so the nearest command of a cell above lies
        one float64 step inside it: `distance` exceeds `infimum` by at most such a step, of a seen change by about a
        tile. None where the plane is a grid: nothing is known between its points.
    disc_in_plane : bool
        True where all commands as near as `infimum` lie in the plane, so that `infimum` holds for any command.
    seen : bool or None
        Whether the command is like the training commands; None where these were not given.
    """

    command: Command
    action: int
    distance: float
    infimum: float | None
    disc_in_plane: bool
    seen: bool | None = None


class SeenChange(NamedTuple):
    """The nearest seen command that flips, None where none was found, and the distance below which none does."""

    change: CommandChange | None
    infimum: float | None


def nearest_in_cells(
    cells: CommandCells,
    command: Command,
    spread: tuple[float, float],
    own: int,
    action: int | None = None,
    *,
    free: tuple[bool, bool] = (True, True),
    within: Ends | None = None,
) -> CommandChange | None:
    """Nearest command of exact cells with another action (or `action`), and its certificate.

    Parameters
    ----------
    cells : CommandCells
    command : Command
        May lie outside the plane where both commands are free.
    spread : (return spread, horizon spread)
    own : int
        Action under `command`.
    action : int, optional
    free : (bool, bool)
        Whether desired return and desired horizon may change.
    within : ((low, high), (low, high)), optional
        Search only these returns and horizons of the plane.

    Returns
    -------
    CommandChange or None
    """
    ends = plane_ends(cells) if within is None else within
    values = (command.desired_return, command.desired_horizon)
    axes = [
        _reach(edges, value, unit, end, may_change)
        for edges, value, unit, end, may_change in zip(
            (cells.return_edges, cells.horizon_edges), values, spread, ends, free, strict=True
        )
    ]
    actions = cells.actions[np.ix_(axes[0].pieces, axes[1].pieces)]
    wanted = _wanted(actions, own, action)
    i, j, distance = _nearest(axes[0].steps, axes[1].steps, wanted)
    if i < 0:
        return None
    infimum = float(_nearest(axes[0].gaps, axes[1].gaps, wanted)[2])
    reached = Command(float(axes[0].reached[i]), float(axes[1].reached[j]))
    room = _room(ends, values, spread, free)
    return CommandChange(reached, int(actions[i, j]), float(distance), infimum, infimum <= room)


def nearest_seen_in_cells(
    cells: CommandCells,
    command: Command,
    spread: tuple[float, float],
    own: int,
    action: int | None,
    nearest: CommandChange,
    support: CommandSupport,
    region: SeenRegion,
    *,
    within: Ends | None = None,
) -> SeenChange:
    """Nearest seen command of exact cells with another action (or `action`), and its certificate.

    Parameters as for :func:`nearest_in_cells`, whose answer is `nearest`: where that command is seen it is the nearest
    seen one too, exactly. Else candidates are the training commands themselves and every command of
    the tiles that are seen throughout; the certificate comes from the tiles that may hold a seen command.
    """
    if marked_change(nearest, support).seen:
        return SeenChange(nearest, nearest.infimum)
    ends = plane_ends(cells) if within is None else within
    values = (command.desired_return, command.desired_horizon)
    points = points_within(support.seen_commands, ends)
    best = nearest_point(points, cells.actions_at(*points.T), command, spread, own, action)
    pieces = overlay(cells, region)
    most = np.inf if best is None else best.distance
    axes = [
        _reach(edges, value, unit, end, True).nearer_than(most)
        for edges, value, unit, end in zip(
            (pieces.return_edges, pieces.horizon_edges), values, spread, ends, strict=True
        )
    ]
    rows, columns = axes[0].pieces, axes[1].pieces
    actions = cells.actions[np.ix_(pieces.return_cell[rows], pieces.horizon_cell[columns])]
    wanted = _wanted(actions, own, action)
    tiles = np.ix_(pieces.return_tile[rows], pieces.horizon_tile[columns])
    i, j, distance = _nearest(axes[0].steps, axes[1].steps, wanted & np.pad(region.inner, 1)[tiles])
    if i >= 0 and distance < most:
        most = float(distance)
        reached = Command(float(axes[0].reached[i]), float(axes[1].reached[j]))
        best = CommandChange(reached, int(actions[i, j]), most, None, False)
    infimum = float(_nearest(axes[0].gaps, axes[1].gaps, wanted & np.pad(region.outer, 1)[tiles])[2])
    infimum = min(max(infimum, nearest.infimum or 0.0), most)
    if best is None:
        return SeenChange(None, infimum)
    room = _room(ends, values, spread, (True, True))
    return SeenChange(replace(best, infimum=infimum, disc_in_plane=infimum <= room), infimum)


def nearest_point(
    points: FloatArray,
    actions: NDArray[np.int64],
    command: Command,
    spread: tuple[float, float],
    own: int,
    action: int | None = None,
) -> CommandChange | None:
    """Nearest of the commands `points`, shape ``(n, 2)``, whose action in `actions` is another; the first of equals."""
    candidates = np.flatnonzero(_wanted(actions, own, action))
    if len(candidates) == 0:
        return None
    steps = (points[candidates] - (command.desired_return, command.desired_horizon)) / np.array(spread)
    distances = np.hypot(*steps.T)
    k = int(np.argmin(distances))
    point = points[candidates[k]]
    reached = Command(float(point[0]), float(point[1]))
    return CommandChange(reached, int(actions[candidates[k]]), float(distances[k]), None, False)


def confirm_change(change: CommandChange, ask: Ask) -> None:
    """Ask the policy itself.

    Raises
    ------
    SelfCheckError
        If it answers otherwise.
    """
    found = int(ask([change.command.desired_return], [change.command.desired_horizon])[0])
    if found != change.action:
        raise SelfCheckError(f"the plane gives action {change.action} at {change.command!r}, the policy {found}")


def marked_change(change: CommandChange, support: CommandSupport, *, must_be_seen: bool = False) -> CommandChange:
    """Say of a change whether its command is seen.

    Raises
    ------
    SelfCheckError
        If it is not, though it was found as such.
    """
    command = change.command
    seen = bool(support.seen([(command.desired_return, command.desired_horizon)])[0])
    if must_be_seen and not seen:
        raise SelfCheckError(f"{command!r} was found as seen and is not")
    return replace(change, seen=seen)


@dataclass(frozen=True, eq=False)
class _Reach:
    """Pieces of one axis: the nearest command of each, and how far it and the piece's closure are, in spreads."""

    pieces: NDArray[np.int64]
    reached: FloatArray
    steps: FloatArray
    gaps: FloatArray

    def nearer_than(self, most: float) -> "_Reach":
        near = self.gaps <= most
        return _Reach(self.pieces[near], self.reached[near], self.steps[near], self.gaps[near])


def _reach(edges: FloatArray, value: float, unit: float, ends: tuple[float, float], may_change: bool) -> _Reach:
    pieces = np.arange(len(edges) - 1)
    if not may_change:
        pieces = pieces[np.searchsorted(edges[1:-1], value, side="left")][None]
    # A piece holds its upper edge; its lowest command is the next number above its lower edge.
    lowest = np.where(pieces > 0, np.nextafter(edges[pieces], np.inf), edges[0])
    lowest, highest = np.maximum(lowest, ends[0]), np.minimum(edges[pieces + 1], ends[1])
    pieces, lowest, highest = (line[lowest <= highest] for line in (pieces, lowest, highest))
    reached = np.clip(value, lowest, highest)
    closure = np.clip(value, np.maximum(edges[pieces], ends[0]), highest)
    return _Reach(pieces, reached, np.abs(reached - value) / unit, np.abs(closure - value) / unit)


def _wanted(actions: NDArray[np.int64], own: int, action: int | None) -> NDArray[np.bool_]:
    return np.ascontiguousarray(actions != own if action is None else actions == action)


def plane_ends(cells: CommandCells) -> Ends:
    """Range of a plane along both commands."""
    return (
        (float(cells.return_edges[0]), float(cells.return_edges[-1])),
        (float(cells.horizon_edges[0]), float(cells.horizon_edges[-1])),
    )


def points_within(points: FloatArray, ends: Ends) -> FloatArray:
    """Those of `points`, shape ``(n, 2)``, that lie in the range."""
    low, high = np.array(ends).T
    return np.asarray(points[((points >= low) & (points <= high)).all(axis=1)])


def _room(ends: Ends, values: tuple[float, float], spread: tuple[float, float], free: tuple[bool, bool]) -> float:
    """Distance from the command to the end of what is searched, over the axes that may change."""
    room = np.inf
    for (low, high), value, unit, may_change in zip(ends, values, spread, free, strict=True):
        if may_change:
            room = min(room, float(min(value - low, high - value)) / unit)
    return room


@compiled
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
