"""The smallest change of command that gives another action in one state, over a plane of cells or a grid."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from udrl_explain.command_space.cells import CommandCells
from udrl_explain.command_space.nearest_changes import (
    Ask,
    CommandChange,
    SeenChange,
    confirm_change,
    marked_change,
    nearest_in_cells,
    nearest_point,
    nearest_seen_in_cells,
    plane_ends,
    points_within,
)
from udrl_explain.command_space.seen_region import TILES_METHOD, SeenRegion
from udrl_explain.command_space.support import CommandSupport
from udrl_explain.commands import COMMAND_NAMES, Command, by_name

COLUMNS = (
    "change", "found", "from_return", "from_horizon", "action_from", "action_from_name", "to_return", "to_horizon",
    "action_to", "action_to_name", "distance", "infimum", "disc_in_plane", "seen", "support", "return_spread",
    "horizon_spread", "method", "exact",
)  # fmt: skip
SEEN = "seen"
"""Word of the column ``change`` for the nearest seen command."""
SURE_WITHIN = 1e-9  # spreads: a command inside the open edge of its cell is that much farther than the edge


@dataclass(frozen=True)
class NearestChange:
    """The smallest change of command that gives another action.

    Distances are Euclidean, with desired return and desired horizon each divided by their `spread`.

    Parameters
    ----------
    command_from, action_from : Command, int
        The present command and its action.
    both : CommandChange
        The nearest with both commands free.
    along_return, along_horizon : CommandChange or None
        The nearest with the other command held; None where no flip lies in the plane.
    seen : CommandChange or None
        The nearest seen command that flips, both commands free; None where none was found, or the training commands
        were not given.
    seen_infimum : float or None
        No seen command nearer than this flips; infinite where certainly none does in the plane. None where that is
        not known.
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
    seen: CommandChange | None
    seen_infimum: float | None
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
    support: CommandSupport | None = None,
    region: SeenRegion | None = None,
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
    support, region : CommandSupport and SeenRegion, or None
        What is seen; both or neither.

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
    known = SeenChange(None, None)
    if exact:
        search = partial(nearest_in_cells, cells, command, spread, own, action)
        both, along_return, along_horizon = search(), search(free=(True, False)), search(free=(False, True))
        if both is not None and support is not None and region is not None:
            known = nearest_seen_in_cells(cells, command, spread, own, action, both, support, region)
    else:
        both, along_return, along_horizon = _over_grid(cells, ask, command, spread, own, action)
        if support is not None:
            points = points_within(support.seen_commands, plane_ends(cells))
            known = SeenChange(nearest_point(points, ask(*points.T), command, spread, own, action), None)
        # Neither the lines through the command nor the training commands are points of the grid.
        found = [change for change in (both, along_return, along_horizon, known.change) if change is not None]
        both = min(found, key=lambda change: change.distance, default=None)
    if both is None:
        return None
    seen = known.change
    changes = [both, along_return, along_horizon, seen]
    for change in changes:
        if change is not None:
            confirm_change(change, ask)
    if support is not None:
        both = marked_change(both, support)
        along_return, along_horizon = (
            None if change is None else marked_change(change, support) for change in (along_return, along_horizon)
        )
        seen = None if seen is None else marked_change(seen, support, must_be_seen=True)
    return NearestChange(
        command, own, both, along_return, along_horizon, seen, known.infimum, spread, method, exact
    )  # fmt: skip


def change_frame(
    command: Command,
    action_from: int,
    spread: tuple[float, float],
    nearest: NearestChange | None,
    action_names: Sequence[str],
    method: str,
    exact: bool,
    support: CommandSupport | None = None,
) -> pd.DataFrame:
    """Rows for both commands free, return alone, horizon alone and, with a support, the nearest seen; :data:`COLUMNS`.

    Where nothing flips, `found` is False and what was looked for is empty; the `infimum` of the seen row then says
    below which distance no seen command flips, infinite where none does in the whole plane.
    """
    changes: dict[str, CommandChange | None] = dict.fromkeys(("both", *COMMAND_NAMES))
    if nearest is not None:
        changes = dict(zip(changes, (nearest.both, nearest.along_return, nearest.along_horizon), strict=True))
    if support is not None:
        changes[SEEN] = None if nearest is None else nearest.seen
    rows = []
    for name, change in changes.items():
        row = {
            "change": name,
            "found": change is not None,
            "from_return": command.desired_return,
            "from_horizon": command.desired_horizon,
            "action_from": action_from,
            "action_from_name": action_names[action_from],
            "disc_in_plane": change is not None and change.disc_in_plane,
            "support": "" if support is None else str(support.kind),
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
                "seen": change.seen,
            }
        if name == SEEN:
            row |= _certainty(nearest, method, exact)
        rows.append(row)
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    numbers = dict.fromkeys(("to_return", "to_horizon", "distance", "infimum"), "float64")
    return frame.astype({"action_to": "Int64", "action_to_name": object, "seen": "boolean", **numbers})


def _certainty(nearest: NearestChange | None, method: str, exact: bool) -> dict[str, object]:
    """What is sure of the seen row: exact where the command found is as near as the certificate."""
    if not exact:
        return {"method": f"{method}, training commands", "infimum": np.nan}
    infimum = np.inf if nearest is None or nearest.seen_infimum is None else nearest.seen_infimum
    found = np.inf if nearest is None or nearest.seen is None else nearest.seen.distance
    sure = bool(found == infimum or found - infimum <= SURE_WITHIN)
    return {"method": f"{method}, {TILES_METHOD}", "infimum": infimum, "exact": sure}


def _over_grid(
    cells: CommandCells, ask: Ask, command: Command, spread: tuple[float, float], own: int, action: int | None
) -> tuple[CommandChange | None, CommandChange | None, CommandChange | None]:
    """Nearest of the grid's points, and of those of its lines moved onto the command."""
    returns, horizons = cells.return_centres, cells.horizon_centres
    points = np.column_stack([np.repeat(returns, len(horizons)), np.tile(horizons, len(returns))])
    found = [nearest_point(points, cells.actions.ravel(), command, spread, own, action)]
    for line in (
        np.column_stack([returns, np.full(len(returns), command.desired_horizon)]),
        np.column_stack([np.full(len(horizons), command.desired_return), horizons]),
    ):
        found.append(nearest_point(line, ask(*line.T), command, spread, own, action))
    return found[0], found[1], found[2]


def checked_command(command: Command | ArrayLike) -> Command:
    """Return a command given as such or as two numbers, or raise ValueError."""
    if isinstance(command, Command):
        return command
    values = np.asarray(by_name(command, COMMAND_NAMES, "command"), dtype=np.float64)
    if values.shape != (2,):
        raise ValueError(f"command must be (desired_return, desired_horizon), got {command!r}")
    return Command(float(values[0]), float(values[1]))


def checked_spread(metric: ArrayLike) -> tuple[float, float]:
    """Return ``(return spread, horizon spread)`` as floats, or raise ValueError."""
    values = np.asarray(by_name(metric, COMMAND_NAMES, "metric"), dtype=np.float64)
    if values.shape != (2,) or not (np.isfinite(values) & (values > 0)).all():
        raise ValueError(f"metric must be (return spread, horizon spread), both finite and above 0, got {metric!r}")
    return float(values[0]), float(values[1])
