"""The exact engine for forests of few inputs: both games, any number of rows, bounded memory, all cores.

Leaves are packed into groups (``leaf_groups``); a group's table holds, for every cell of its grid, the summed
contributions of its leaves (``group_tables``, ``leaf_tables``). A row then costs one cell number and one line of a
table per group. The background enters a table through its counts per cell only, so a row's cost does not depend on
its size.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from numpy.typing import NDArray

from udrl_explain.attributions.group_tables import fill_group_table, most_patterns
from udrl_explain.attributions.leaf_boxes import LeafBoxes, leaf_boxes
from udrl_explain.attributions.leaf_groups import cells_of_rows, leaf_groups
from udrl_explain.attributions.leaf_tables import MAX_TESTED, n_columns, quadrature
from udrl_explain.forest import Forest

MAX_CELLS = 256  # of a group that holds more than one leaf
N_LANES = 8  # parts of the forest with sums of their own: a constant, so that threads cannot change a result
LANE_FLOATS = 1 << 19  # of a lane's sums, and so how many rows are explained at a time
TABLE_FLOATS = 1 << 16  # tables built before rows are read again; they stay in the core's cache
ROW_BLOCK = 512
N_WORK = 9


def forest_contributions(
    forest: Forest,
    rows: NDArray[np.float32],
    background: NDArray[np.float32] | None,
    order: int,
    n_jobs: int | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Exact contributions to the raw outputs of a forest.

    Parameters
    ----------
    forest : Forest
    rows : float32 array of shape (n_rows, n_features)
        As the trees compare them.
    background : float32 array of shape (n_background, n_features) or None
        None for the path-dependent game.
    order : {VALUES, INTERACTIONS}
        See :func:`~udrl_explain.attributions.leaf_tables.n_columns`.
    n_jobs : int, optional
        Threads; None takes all cores.

    Returns
    -------
    contributions : float64 array of shape (n_rows, n_columns, n_actions)
    base : float64 array of shape (n_actions,)
        Raw output when no input is known.

    Raises
    ------
    ValueError
        If a path tests more than 15 inputs.
    """
    boxes = leaf_boxes(forest)
    n_tested = int(boxes.tested.sum(axis=1).max())
    if n_tested > MAX_TESTED:
        raise ValueError(
            f"method='exact' takes forests whose paths test at most {MAX_TESTED} inputs, one here tests {n_tested}: "
            "use method='permutation'"
        )
    divisor = forest.n_trees if forest.link == "mean" else 1
    background_ranks = boxes.ranks(rows[:0] if background is None else background)
    same_total = background is not None or _covers_add_up(forest)
    base = forest.base.copy()
    contributions = np.zeros((len(rows), n_columns(forest.n_features, order), forest.n_actions))
    for trees, outputs in _tree_sets(forest, boxes):
        chosen = np.flatnonzero(trees[boxes.tree])
        value = boxes.value[np.ix_(chosen, outputs)] / divisor
        derived = _derived_output(value) if same_total else None
        kept = [k for k in range(len(outputs)) if k != derived]
        counts = value[:, kept].any(axis=1)
        sums, expected = _summed(
            boxes, chosen[counts], value[counts][:, kept], rows, background_ranks, background is None, order, n_jobs
        )
        contributions[:, :, outputs[kept]] += sums
        base[outputs[kept]] += expected
        if derived is not None:
            contributions[:, :, outputs[derived]] -= sums.sum(axis=2)
            base[outputs[derived]] += trees.sum() * value[0].sum() - expected.sum()
    return contributions, base


def _tree_sets(forest: Forest, boxes: LeafBoxes) -> list[tuple[NDArray[np.bool_], NDArray[np.intp]]]:
    """Trees that add to the same outputs, as a mask over trees, and these outputs."""
    first_leaves = np.searchsorted(boxes.tree, np.arange(forest.n_trees))
    touched = np.logical_or.reduceat(boxes.value != 0, first_leaves)
    if forest.link == "mean":
        touched[:] = touched.any(axis=0)
    return [
        ((touched == outputs).all(axis=1), np.flatnonzero(outputs))
        for outputs in np.unique(touched, axis=0)
        if outputs.any()
    ]


def _covers_add_up(forest: Forest) -> bool:
    """Whether every split hands all its training rows on, so that the shares of a tree's leaves sum to 1."""
    inner = ~forest.is_leaf
    handed_on = forest.cover[forest.children_left[inner]] + forest.cover[forest.children_right[inner]]
    return bool(np.allclose(handed_on, forest.cover[inner], rtol=1e-12, atol=0.0))


def _derived_output(value: NDArray[np.float64]) -> int | None:
    """Output to take as minus the others, where all leaves' values have one sum: the busiest one."""
    sums = value.sum(axis=1)
    if value.shape[1] < 2 or np.ptp(sums) > 1e-14 * np.abs(value).max():
        return None
    return int(np.argmax((value != 0).sum(axis=0)))


def _summed(
    boxes: LeafBoxes,
    leaves: NDArray[np.intp],
    value: NDArray[np.float64],
    rows: NDArray[np.float32],
    background_ranks: NDArray[np.uint16] | NDArray[np.uint32],
    path_dependent: bool,
    order: int,
    n_jobs: int | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum over `leaves` of what they contribute, ``(n_rows, n_columns, n_outputs)``, and of their worth unknown."""
    n_outputs = value.shape[1]
    columns = n_columns(rows.shape[1], order)
    sums, expected = np.zeros((len(rows), columns, n_outputs)), np.zeros(n_outputs)
    if len(leaves) == 0 or len(rows) == 0 or n_outputs == 0:
        return sums, expected
    width = -(-n_outputs * columns // 8) * 8  # whole vector registers
    rows_at_once = max(ROW_BLOCK, LANE_FLOATS // width)
    nodes, weights = quadrature()
    lanes = [lane for lane in np.array_split(leaves, N_LANES) if len(lane)]
    lane_values = [np.ascontiguousarray(part) for part in np.array_split(value, N_LANES) if len(part)]
    n_cuts = boxes.n_cuts

    def lane_total(
        i: int, ranks: NDArray[np.uint16] | NDArray[np.uint32]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        total, base = np.zeros((ranks.shape[1], width)), np.zeros(n_outputs)
        lane = lanes[i]
        _add_lane(
            boxes.lower[lane], boxes.upper[lane], boxes.share[lane], lane_values[i], n_cuts, ranks,
            background_ranks, path_dependent, order, columns, nodes, weights, total,
            base,
        )  # fmt: skip
        return total, base

    with ThreadPoolExecutor(n_jobs or os.cpu_count()) as pool:
        for first in range(0, len(rows), rows_at_once):
            ranks = boxes.ranks(rows[first : first + rows_at_once])
            total, expected = np.zeros((ranks.shape[1], width)), np.zeros(n_outputs)
            for part, base in pool.map(lane_total, range(len(lanes)), [ranks] * len(lanes)):
                total += part
                expected += base
            block = total[:, : n_outputs * columns].reshape(-1, n_outputs, columns)
            sums[first : first + rows_at_once] = block.transpose(0, 2, 1)
    return sums, expected


@numba.njit(cache=True, nogil=True)
def _add_lane(  # type: ignore[no-untyped-def]
    lower, upper, share, value, n_cuts, ranks, background, path_dependent, order, columns, nodes, weights, total,
    base,
):  # fmt: skip
    width = total.shape[1]
    groups = leaf_groups(lower, upper, n_cuts, MAX_CELLS)
    n_groups = groups.n_cells.shape[0]
    largest = groups.n_cells.max()
    tables = np.empty(max(TABLE_FLOATS, largest * width))
    counts = np.zeros(largest)
    pattern = np.empty(largest, dtype=np.uint16)
    patterns = most_patterns(lower, upper, n_cuts)  # may exceed the cells, where no row can enter a box
    c = np.empty(patterns)
    work = np.empty((N_WORK, patterns + 8))  # lines a power of two apart would share the cache's sets
    leaf_table = np.empty((patterns, columns))
    background_cells = np.empty(background.shape[1], dtype=np.uint16)
    offset = np.zeros(n_groups, dtype=np.int64)
    begin = 0
    while begin < n_groups:
        end, used = begin, 0
        while end < n_groups and (end == begin or used + groups.n_cells[end] * width <= tables.shape[0]):
            offset[end] = used
            n_cells = groups.n_cells[end]
            used += n_cells * width
            if not path_dependent:
                cells_of_rows(groups, end, background, 0, background_cells)
                counts[:n_cells] = 0.0
                for b in range(background_cells.shape[0]):
                    counts[background_cells[b]] += 1.0
            fill_group_table(
                groups, end, lower, upper, share, value, n_cuts, counts, path_dependent,
                background_cells.shape[0], order, nodes, weights, pattern, c, work, leaf_table,
                tables[offset[end] : used], width, base,
            )  # fmt: skip
            end += 1
        _add_rows(groups, begin, end, offset, tables, ranks, total)
        begin = end


# Indices are unsigned below: numba checks signed ones for negative values, which keeps loops from being vectorised.


@numba.njit(cache=True, nogil=True)
def _add_rows(groups, begin, end, offset, tables, ranks, total):  # type: ignore[no-untyped-def]
    n_rows, width = total.shape
    cells = np.empty((4, ROW_BLOCK), dtype=np.uint16)
    for first in range(0, n_rows, ROW_BLOCK):
        n = min(ROW_BLOCK, n_rows - first)
        lines = total[first : first + n].reshape(-1)
        # Four groups at a time: the sums are read and written once for all four.
        fours = begin + (end - begin) // 4 * 4
        for g in range(begin, fours, 4):
            for i in range(4):
                cells_of_rows(groups, g + i, ranks, first, cells[i, :n])
            _add_four(
                tables[offset[g] :], tables[offset[g + 1] :], tables[offset[g + 2] :], tables[offset[g + 3] :],
                cells, n, np.uint64(width), lines,
            )  # fmt: skip
        for g in range(fours, end):
            cells_of_rows(groups, g, ranks, first, cells[0, :n])
            _add_one(tables[offset[g] :], cells, n, np.uint64(width), lines)


@numba.njit(cache=True, nogil=True)
def _add_four(a, b, c, d, cells, n, width, lines):  # type: ignore[no-untyped-def]
    at = np.uint64(0)
    for r in range(n):
        i, j = np.uint64(cells[0, r]) * width, np.uint64(cells[1, r]) * width
        k, m = np.uint64(cells[2, r]) * width, np.uint64(cells[3, r]) * width
        for x in range(width):
            lines[at + x] += (a[i + x] + b[j + x]) + (c[k + x] + d[m + x])
        at += width


@numba.njit(cache=True, nogil=True)
def _add_one(a, cells, n, width, lines):  # type: ignore[no-untyped-def]
    at = np.uint64(0)
    for r in range(n):
        i = np.uint64(cells[0, r]) * width
        for x in range(width):
            lines[at + x] += a[i + x]
        at += width
