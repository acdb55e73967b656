"""The seen part of the command plane, enclosed from both sides by small rectangles.

Where a command is seen (``CommandSupport.seen``) is a union of pieces of discs: the points that lie within a quarter
of a spread of enough training commands. The plane is cut into tiles, and for each tile it is certain that every
command in it is seen (`inner`), that none is (not `outer`), or neither. Areas and least distances over the seen part
so have certified bounds, whatever its shape; a finer cut brings them closer together.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udrl_explain.command_space.cells import CommandCells
from udrl_explain.command_space.support import RADIUS, CommandSupport

TILES_PER_SPREAD = 32
FINE_TILES_PER_SPREAD = 96
TILES_METHOD = f"seen part enclosed by tiles of 1/{TILES_PER_SPREAD} spread"
MOST_TILES = 2048  # along each axis: outliers stretch the range, and the tiles with it
_ROUNDING = 1e-9  # share of the radius left out, far above what rounding does to a distance


@dataclass(frozen=True, eq=False)
class SeenRegion:
    """Tiles that are surely seen, and tiles that may hold a seen command.

    Parameters
    ----------
    return_edges : float64 array of shape (n_r + 1,)
        Of the tiles, in reward; no command beyond them is seen.
    horizon_edges : float64 array of shape (n_h + 1,)
        In steps.
    inner, outer : bool array of shape (n_r, n_h)
        Every command of the tile is seen; some command of the tile, its border included, may be.
    """

    return_edges: NDArray[np.float64]
    horizon_edges: NDArray[np.float64]
    inner: NDArray[np.bool_]
    outer: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Overlay:
    """Cells of the plane cut further by the tiles: both the policy and the tile are constant in each piece.

    Parameters
    ----------
    return_edges, horizon_edges : float64 arrays
        As those of ``CommandCells``: a piece holds its upper edge, the first one its lower edge too.
    return_cell, horizon_cell : int64 arrays
        The cell that each piece lies in.
    return_tile, horizon_tile : int64 arrays
        The tile, counted from 1: a place in marks of tiles padded by one, as 0 and the last lie beyond the tiles.
    """

    return_edges: NDArray[np.float64]
    horizon_edges: NDArray[np.float64]
    return_cell: NDArray[np.int64]
    horizon_cell: NDArray[np.int64]
    return_tile: NDArray[np.int64]
    horizon_tile: NDArray[np.int64]


def seen_region(support: CommandSupport, tiles_per_spread: int = TILES_PER_SPREAD) -> SeenRegion:
    """Enclose where commands are seen.

    Parameters
    ----------
    support : CommandSupport
    tiles_per_spread : int
        Tiles along one spread of each command; at most 2048 tiles along each axis are made.

    Returns
    -------
    SeenRegion
        Agrees with ``support.seen`` in every tile that is `inner` or not `outer`.
    """
    # In units of the spread, counted from the lowest command: the radius is the same along both axes.
    lowest, spread = support.commands.min(axis=0), np.array(support.spread)
    points = (support.commands - lowest) / spread
    side = 1.0 / tiles_per_spread
    side = max(side, float(points.max() + 2 * RADIUS) / (MOST_TILES - 2))
    n_tiles = [int(np.ceil((points[:, axis].max() + 2 * RADIUS) / side)) + 2 for axis in (0, 1)]
    edges = [(np.arange(n + 1) - 1) * side - RADIUS for n in n_tiles]
    surely, maybe = np.zeros((2, *n_tiles), dtype=np.int64)
    reach = int(np.ceil(RADIUS / side)) + 2
    # Commands far from 0 with a small spread are known less exactly in spreads.
    room = RADIUS * _ROUNDING + 8 * np.finfo(np.float64).eps * float((np.abs(support.commands) / spread).max())
    least, most = max(RADIUS - room, 0.0), RADIUS + room
    for point, count in zip(points, support.counts, strict=True):
        window, nearest, farthest = [], [], []
        for line, n, value in zip(edges, n_tiles, point, strict=True):
            at = int((value + RADIUS) / side) + 1
            window.append(slice(max(at - reach, 0), min(at + reach + 1, n)))
            low, high = line[:-1][window[-1]] - value, value - line[1:][window[-1]]
            nearest.append(np.maximum(np.maximum(low, high), 0.0) ** 2)
            farthest.append(np.maximum(-low, -high) ** 2)
        place = (window[0], window[1])
        surely[place] += count * (np.add.outer(*farthest) <= least**2)
        maybe[place] += count * (np.add.outer(*nearest) <= most**2)
    natural = [lowest[axis] + edges[axis] * spread[axis] for axis in (0, 1)]
    return SeenRegion(natural[0], natural[1], surely >= support.n_needed, maybe >= support.n_needed)


def overlay(cells: CommandCells, region: SeenRegion) -> Overlay:
    """Cut the cells of a plane by the tiles."""
    axes = [
        _cut(cells.return_edges, region.return_edges),
        _cut(cells.horizon_edges, region.horizon_edges),
    ]
    return Overlay(axes[0][0], axes[1][0], axes[0][1], axes[1][1], axes[0][2], axes[1][2])


def seen_areas(cells: CommandCells, region: SeenRegion) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bounds of the seen area in which each action wins.

    Returns
    -------
    low, high : float64 arrays of shape (n_actions,)
        In reward x steps: the area of the inner tiles, and that of the outer ones.
    """
    pieces = overlay(cells, region)
    actions = cells.actions[np.ix_(pieces.return_cell, pieces.horizon_cell)].ravel()
    areas = np.outer(np.diff(pieces.return_edges), np.diff(pieces.horizon_edges))
    tiles = np.ix_(pieces.return_tile, pieces.horizon_tile)
    low, high = (
        np.asarray(np.bincount(actions, (areas * np.pad(marks, 1)[tiles]).ravel(), cells.n_actions), dtype=np.float64)
        for marks in (region.inner, region.outer)
    )
    return low, high


def _cut(
    edges: NDArray[np.float64], tiles: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Edges of the pieces along one axis, and the cell and the tile that each lies in."""
    within = tiles[(tiles > edges[0]) & (tiles < edges[-1])]
    # The first two edges of cells may be equal: that cell holds one command and stays.
    pieces = np.concatenate([edges[:1], np.unique(np.concatenate([edges[1:], within]))])
    ends = pieces[1:]
    cell = np.searchsorted(edges[1:], ends, side="left").astype(np.int64)
    tile = np.searchsorted(tiles, ends, side="left").astype(np.int64)
    return pieces, cell, tile
