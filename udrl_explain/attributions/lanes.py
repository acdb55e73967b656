"""One part (lane) of a forest: build tables while they fit the cache, then read all rows."""

import numpy as np
from numpy.typing import NDArray

from udrl_explain.attributions.group_tables import Leaves, fill_tables, room_for
from udrl_explain.attributions.leaf_groups import leaf_groups
from udrl_explain.compiled import compiled

MAX_CELLS = 256  # of a group that holds more than one leaf
TABLE_FLOATS = 1 << 18  # tables built before rows are read again: 2 MB, near the core while they are read
ROW_BLOCK = 512
TOGETHER = 4  # groups whose tables are read at a time


def lane_contributions(
    leaves: Leaves,
    ranks: NDArray[np.uint16] | NDArray[np.uint32],
    background: NDArray[np.uint16] | NDArray[np.uint32],
    order: int,
    width: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum over leaves of what they contribute.

    Parameters
    ----------
    leaves : Leaves
        At least one.
    ranks, background : uint arrays of shape (n_features, n_rows), (n_features, n_background)
        No background rows for the path-dependent game.
    order : {VALUES, INTERACTIONS}
    width : int
        Numbers of a row: at least the columns of all outputs.

    Returns
    -------
    total : float64 array of shape (n_rows, width)
        The columns of each output, then zeros.
    base : float64 array of shape (n_outputs,)
        What the leaves are worth when no input is known.
    """
    n_rows, n_background = ranks.shape[1], background.shape[1]
    total, base = np.zeros(n_rows * width), np.zeros(leaves.value.shape[1])
    groups = leaf_groups(leaves.lower, leaves.upper, leaves.n_cuts, MAX_CELLS)
    room = room_for(groups, leaves, order)
    ends = np.cumsum(groups.n_cells)
    largest = int(groups.n_cells.max())
    tables = np.empty(max(TABLE_FLOATS, largest * width) + width)
    starts = np.empty(TOGETHER, dtype=np.uint64)
    counts = np.zeros(max(TABLE_FLOATS // width, largest))
    cells, background_cells = np.empty(TOGETHER * ROW_BLOCK, dtype=np.uint16), np.empty(n_background, dtype=np.uint16)
    begin = 0
    while begin < len(ends):
        built = int(ends[begin - 1]) if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, built + TABLE_FLOATS // width, side="right")))
        if n_background:
            count_cells(groups, begin, end, background, background_cells, counts)
        fill_tables(groups, slice(begin, end), leaves, counts, n_background, order, width, room, tables, base)
        behind = int(ends[end - 1] - built) * width
        tables[behind : behind + width] = 0.0
        _add_rows(groups, begin, end, tables, ranks, ROW_BLOCK, TOGETHER, starts, cells, width, total)
        begin = end
    return total.reshape(n_rows, width), base


# Indices are unsigned below: numba checks signed ones for negative values, which keeps loops from being vectorised.


@compiled
def count_cells(groups, begin, end, ranks, cells, counts):  # type: ignore[no-untyped-def]
    """Count rows in the cells of the groups `begin` to `end`, one behind the other.

    Parameters
    ----------
    groups : LeafGroups
    begin, end : int
    ranks : uint array of shape (n_features, n_rows)
    cells : uint16 array of shape (n_rows,)
        Filled with the rows' cells of the last group.
    counts : float64 array
        Filled.
    """
    n = np.uint64(ranks.shape[1])
    at = np.uint64(0)
    for g in range(begin, end):
        for r in range(n):
            cells[r] = 0
        for k in range(groups.first_cut[g], groups.first_cut[g + 1]):
            j = np.uint64(groups.cut_feature[k])
            cut, step, none = ranks.dtype.type(groups.cut_rank[k]), groups.cut_step[k], np.uint16(0)
            for r in range(n):
                cells[r] = cells[r] + (step if ranks[j, r] > cut else none)
        n_cells = np.uint64(groups.n_cells[g])
        for s in range(n_cells):
            counts[at + s] = 0.0
        for r in range(n):
            counts[at + np.uint64(cells[r])] += 1.0
        at += n_cells


@compiled
def _add_rows(groups, begin, end, tables, ranks, row_block, together, starts, cells, width, total):  # type: ignore[no-untyped-def]
    zero, block, w = np.uint64(0), np.uint64(row_block), np.uint64(width)
    n_rows = np.uint64(ranks.shape[1])
    for first in range(zero, n_rows, block):
        n = min(block, n_rows - first)
        table = zero
        for g in range(begin, end, together):
            # Four groups at a time: the sums are read and written once for all four. Where fewer are left, the others
            # are the empty table behind the last one.
            for i in range(together):
                at = np.uint64(i) * block
                for r in range(n):
                    cells[at + r] = 0
                starts[i] = table
                if g + i < end:
                    for k in range(groups.first_cut[g + i], groups.first_cut[g + i + 1]):
                        j = np.uint64(groups.cut_feature[k])
                        cut, step, none = ranks.dtype.type(groups.cut_rank[k]), groups.cut_step[k], np.uint16(0)
                        for r in range(n):
                            cells[at + r] = cells[at + r] + (step if ranks[j, first + r] > cut else none)
                    table += np.uint64(groups.n_cells[g + i]) * w
            line = first * w
            a, b, c, d = starts[0], starts[1], starts[2], starts[3]
            for r in range(n):
                i0 = a + np.uint64(cells[r]) * w
                i1 = b + np.uint64(cells[block + r]) * w
                i2 = c + np.uint64(cells[block + block + r]) * w
                i3 = d + np.uint64(cells[block + block + block + r]) * w
                for x in range(w):
                    total[line + x] += (tables[i0 + x] + tables[i1 + x]) + (tables[i2 + x] + tables[i3 + x])
                line += w
