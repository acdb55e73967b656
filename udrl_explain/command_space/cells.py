"""Exact cells of a forest policy over the plane of commands, with the state held fixed.

With the state fixed, every leaf whose tests of the state hold is a rectangle over (desired return, desired horizon),
and the rectangles of one tree tile the plane. The edges of all rectangles cut the plane into cells within which the
policy is constant. Trees are added to the cells in the forest's own order, so a cell's probabilities are the
policy's, bit for bit, and ties fall as the policy itself decides. Edges are exact in natural units (see
``float32_edges``).

No sampling. Only forests have such cells; any other policy can be looked at on a grid, which is not exact.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udrl_explain.command_space.rectangles import add_rectangles, find_rectangles, mark_command_tests
from udrl_explain.commands import N_COMMANDS, checked_state, input_rows
from udrl_explain.forest import Forest
from udrl_explain.parallel import blocks_of, in_threads
from udrl_explain.policies import ForestPolicy, Policy, greedy_actions
from udrl_explain.trees.float32_edges import last_input_left

MAX_VALUES = 50_000_000  # probabilities of one plane: 400 MB
BATCH_ROWS = 1 << 16
BLOCK_VALUES = 1 << 14  # probabilities worked on at a time: 128 KB stay in the cache while all trees are added


@dataclass(frozen=True, eq=False)
class CommandCells:
    """Cells of the command plane, each with one action.

    Cell ``(i, j)`` holds the commands with ``return_edges[i] < desired_return <= return_edges[i + 1]`` and
    ``horizon_edges[j] < desired_horizon <= horizon_edges[j + 1]``; the lowest edge belongs to the first cell. The first
    two edges are equal where the policy changes directly above the lower end of the plane.

    Parameters
    ----------
    return_edges : float64 array of shape (n_r + 1,)
        In reward, ascending; the first and the last are the range asked for.
    horizon_edges : float64 array of shape (n_h + 1,)
        In steps, ascending.
    probabilities : float64 array of shape (n_r, n_h, n_actions)
    actions : int64 array of shape (n_r, n_h)
        Most probable action; ties to the lowest.

    Raises
    ------
    ValueError
        If shapes do not fit or edges do not ascend.
    """

    return_edges: NDArray[np.float64]
    horizon_edges: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    actions: NDArray[np.int64]

    def __post_init__(self) -> None:
        shape = (len(self.return_edges) - 1, len(self.horizon_edges) - 1)
        if self.actions.shape != shape or self.probabilities.shape[:2] != shape:
            raise ValueError(
                f"edges make {shape} cells, got actions {self.actions.shape} and probabilities "
                f"{self.probabilities.shape}"
            )
        for name in ("return_edges", "horizon_edges"):
            edges = getattr(self, name)
            if not ((np.diff(edges[1:]) > 0).all() and edges[0] <= edges[1] and edges[0] < edges[-1]):
                raise ValueError(f"{name} must ascend, got {edges}")
        for array in (self.return_edges, self.horizon_edges, self.probabilities, self.actions):
            array.setflags(write=False)

    @property
    def n_actions(self) -> int:
        """Actions of the environment."""
        return int(self.probabilities.shape[2])

    @property
    def return_centres(self) -> NDArray[np.float64]:
        """Middle of every cell along desired return, shape ``(n_r,)``."""
        return np.asarray(self.return_edges[:-1] + np.diff(self.return_edges) / 2)

    @property
    def horizon_centres(self) -> NDArray[np.float64]:
        """Middle of every cell along desired horizon, shape ``(n_h,)``."""
        return np.asarray(self.horizon_edges[:-1] + np.diff(self.horizon_edges) / 2)

    @property
    def areas(self) -> NDArray[np.float64]:
        """Area of every cell, shape ``(n_r, n_h)``, in reward x steps."""
        return np.outer(np.diff(self.return_edges), np.diff(self.horizon_edges))

    @property
    def margin(self) -> NDArray[np.float64]:
        """Probability of the most probable action less that of the second, shape ``(n_r, n_h)``."""
        if self.n_actions == 1:
            return self.probabilities[:, :, 0].copy()
        top = np.partition(self.probabilities, self.n_actions - 2, axis=2)
        return np.asarray(top[:, :, -1] - top[:, :, -2])

    def cell_at(
        self, desired_return: ArrayLike, desired_horizon: ArrayLike
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Cell ``(i, j)`` of commands; the two arguments broadcast.

        Raises
        ------
        ValueError
            If a command lies outside the plane.
        """
        values = np.broadcast_arrays(
            np.asarray(desired_return, dtype=np.float64), np.asarray(desired_horizon, dtype=np.float64)
        )
        cells = []
        for name, value, edges in zip(
            ("desired_return", "desired_horizon"), values, (self.return_edges, self.horizon_edges), strict=True
        ):
            outside = ~((value >= edges[0]) & (value <= edges[-1]))
            if outside.any():
                raise ValueError(
                    f"{name} must lie in the plane's range [{edges[0]:g}, {edges[-1]:g}], "
                    f"got {float(value[outside][0])!r}"
                )
            cells.append(np.searchsorted(edges[1:-1], value, side="left"))
        return cells[0], cells[1]

    def actions_at(self, desired_return: ArrayLike, desired_horizon: ArrayLike) -> NDArray[np.int64]:
        """Return the action of commands, of the broadcast shape of the two arguments."""
        return self.actions[self.cell_at(desired_return, desired_horizon)]

    def probabilities_at(self, desired_return: ArrayLike, desired_horizon: ArrayLike) -> NDArray[np.float64]:
        """Return the probabilities of commands, of the broadcast shape with ``n_actions`` behind it."""
        return self.probabilities[self.cell_at(desired_return, desired_horizon)]


def command_cells(
    policy: Policy,
    state: ArrayLike,
    returns: tuple[float, float],
    horizons: tuple[float, float],
    *,
    n_jobs: int | None = None,
) -> CommandCells:
    """Cut the command plane at one state into the cells within which a forest policy is constant.

    Parameters
    ----------
    policy : ForestPolicy
        Never modified.
    state : array_like of shape (n_observations,)
        Held fixed.
    returns, horizons : (low, high)
        The plane, ends included, in reward and steps; `low` below `high`.
    n_jobs : int, optional
        Threads; None takes all cores.

    Returns
    -------
    CommandCells
        Agrees with ``policy.action_probabilities`` bit for bit everywhere in the plane, on edges too.

    Raises
    ------
    ValueError
        If the policy is no forest, an argument does not fit it, or the plane has more cells than memory should hold.
    """
    if not isinstance(policy, ForestPolicy):
        raise ValueError(
            f"command_cells needs a forest policy, got {type(policy).__name__}, which has no cells; "
            "command_map(..., grid=(n_returns, n_horizons)) looks at any policy on a grid"
        )
    returns, horizons = checked_range("returns", returns), checked_range("horizons", horizons)
    corners = policy.tree_inputs(
        input_rows(checked_state(state, policy.feature_names), np.column_stack([returns, horizons]))
    )
    forest, row = policy.forest, corners[0]
    depth_first = np.empty((forest.n_nodes + 1, 5), dtype=np.int64)
    met = np.zeros(forest.n_nodes, dtype=np.bool_)
    mark_command_tests(row, forest.n_features - N_COMMANDS, forest.splits, depth_first, met)
    split = np.zeros(forest.n_nodes, dtype=np.int64)
    factors = policy.scale.factors(policy.n_features)
    edges = [
        _edges_and_splits(forest, np.flatnonzero(met & (forest.feature == column)), factors[column], ends, split)
        for column, ends in ((forest.n_features - 2, returns), (forest.n_features - 1, horizons))
    ]
    shape = (len(edges[0]) - 1, len(edges[1]) - 1)
    if shape[0] * shape[1] * forest.n_actions > MAX_VALUES:
        raise ValueError(
            f"the plane has {shape[0]} x {shape[1]} cells of {forest.n_actions} actions, more than the "
            f"{MAX_VALUES:,} probabilities kept at once: narrow returns or horizons"
        )
    rectangles = np.empty((int(np.count_nonzero(forest.is_leaf)), 5), dtype=np.int64)
    n_rectangles = find_rectangles(
        row, forest.n_features - N_COMMANDS, forest.splits, split, shape[0], shape[1], depth_first, rectangles
    )
    probabilities = _cell_probabilities(forest, rectangles[:n_rectangles], shape, n_jobs)
    return CommandCells(edges[0], edges[1], probabilities, np.argmax(probabilities, axis=2).astype(np.int64))


def grid_cells(
    policy: Policy,
    state: ArrayLike,
    returns: tuple[float, float],
    horizons: tuple[float, float],
    grid: tuple[int, int],
) -> CommandCells:
    """Equal cells that hold what any policy does at their centres: not exact.

    Parameters
    ----------
    policy, state, returns, horizons
        As for :func:`command_cells`, but any policy.
    grid : (n_returns, n_horizons)
        Number of cells along each axis.

    Raises
    ------
    ValueError
        If an argument does not fit the policy.
    """
    n_cells = np.asarray(grid)
    if n_cells.shape != (2,) or n_cells.dtype.kind not in "iu" or (n_cells < 1).any():
        raise ValueError(f"grid must be (n_returns, n_horizons), two integers of at least 1, got {grid!r}")
    state = checked_state(state, policy.feature_names)
    edges = [
        np.linspace(*checked_range(name, ends), int(n) + 1)
        for name, ends, n in zip(("returns", "horizons"), (returns, horizons), n_cells, strict=True)
    ]
    r, h = (line[:-1] + np.diff(line) / 2 for line in edges)
    points = np.column_stack([np.repeat(r, len(h)), np.tile(h, len(r))])
    probabilities = np.concatenate(
        [
            policy.action_probabilities(input_rows(state, points[start : start + BATCH_ROWS]))
            for start in range(0, len(points), BATCH_ROWS)
        ]
    )
    actions = greedy_actions(probabilities).reshape(len(r), len(h))
    return CommandCells(edges[0], edges[1], probabilities.reshape(*actions.shape, -1), actions)


def checked_range(name: str, ends: tuple[float, float]) -> tuple[float, float]:
    """Return ``(low, high)`` as floats, or raise ValueError naming the range."""
    values = np.asarray(ends, dtype=np.float64)
    if values.shape != (2,) or not np.isfinite(values).all() or not values[0] < values[1]:
        raise ValueError(f"{name} must be (low, high), two finite numbers with low below high, got {ends!r}")
    return float(values[0]), float(values[1])


def _edges_and_splits(
    forest: Forest, nodes: NDArray[np.intp], factor: float, ends: tuple[float, float], split: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Edges of one axis; writes to `split` how many of its cells each of `nodes` sends left."""
    thresholds, which = np.unique(forest.threshold[nodes], return_inverse=True)
    last_left = last_input_left(thresholds, factor)
    # Two thresholds between the same float32 neighbours are one edge.
    inner = np.unique(last_left[(last_left >= ends[0]) & (last_left < ends[1])])
    edges = np.concatenate([[ends[0]], inner, [ends[1]]])
    # Cells end at edges[1:]. An edge at or above the upper end sends all of them left.
    n_left = np.searchsorted(edges[1:], np.minimum(last_left, ends[1]), side="right")
    split[nodes] = n_left[which]
    return edges


def _cell_probabilities(
    forest: Forest, rectangles: NDArray[np.int64], shape: tuple[int, int], n_jobs: int | None
) -> NDArray[np.float64]:
    totals = np.empty((forest.n_actions, *shape))
    rows = max(1, BLOCK_VALUES // (forest.n_actions * shape[1]))

    def work(block: slice) -> None:
        add_rectangles(rectangles, forest.value, forest.base, block.start, block.stop, totals)

    in_threads(work, blocks_of(shape[0], rows), n_jobs)
    if forest.link == "mean":
        totals /= forest.n_trees
        return np.moveaxis(totals, 0, 2)
    raw = np.ascontiguousarray(np.moveaxis(totals, 0, 2)).reshape(-1, forest.n_actions)
    return forest.link_outputs(raw).reshape(*shape, forest.n_actions)
