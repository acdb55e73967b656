"""The compiled loop over one part (lane) of a forest: build tables while they fit the cache, then read all rows."""

import hashlib
from pathlib import Path

import numba
import numpy as np

from udrl_explain.attributions.group_tables import fill_group_table, most_patterns
from udrl_explain.attributions.leaf_groups import cells_of_rows, leaf_groups

MAX_CELLS = 256  # of a group that holds more than one leaf
TABLE_FLOATS = 1 << 16  # tables built before rows are read again; they stay in the core's cache
ROW_BLOCK = 512
N_WORK = 9
KERNEL_SOURCES = ("leaf_groups.py", "leaf_tables.py", "group_tables.py", "lane_kernel.py")


def _source_stamp() -> int:
    """Digest of the sources that are compiled into the kernel below."""
    digest = hashlib.sha256()
    for name in KERNEL_SOURCES:
        digest.update((Path(__file__).parent / name).read_bytes())
    return int.from_bytes(digest.digest()[:7])


def _compiled(stamp: int):  # type: ignore[no-untyped-def]
    # numba's cache on disk notices changes of a function's own file only. What a closure holds is part of the cache's
    # key, and so no kernel that was compiled from other sources is ever loaded.
    @numba.njit(cache=True, nogil=True)
    def compiled_add_lane(  # type: ignore[no-untyped-def]
        lower, upper, share, value, n_cuts, ranks, background, path_dependent, order, columns, nodes, weights, total,
        base,
    ):  # fmt: skip
        _ = stamp
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

    return compiled_add_lane


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


add_lane = _compiled(_source_stamp())
