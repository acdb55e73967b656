"""Neighbouring leaves packed into groups that share one table.

Cut every input at the bounds of a group's boxes. Within one cell of that grid all rows are inside or outside of the
same boxes, so a group needs one number per cell where single leaves would need one per leaf and pattern. Cells that
no box tells apart are merged, and a row's cell is found by adding a step for every cut that it passes.
"""

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

MAX_GROUP = 64  # leaves: the bits of one mask


class LeafGroups(NamedTuple):
    """Groups of consecutive leaves; group g holds leaves ``first_leaf[g]`` to ``first_leaf[g + 1]``.

    Parameters
    ----------
    first_leaf : int64 array of shape (n_groups + 1,)
    first_cut : int64 array of shape (n_groups + 1,)
        Range of a group in the three arrays of cuts.
    cut_feature, cut_rank : arrays of shape (n_cuts,)
        The cut is passed by rows of a higher rank in that input.
    cut_step : uint16 array of shape (n_cuts,)
        Added to the cell's number, modulo 2^16, when the cut is passed. No cut passed is cell 0.
    first_class : int64 array of shape (n_groups, n_features + 1)
        Range of each input in `class_mask`.
    class_mask : uint64 array
        For every part of an input's axis: the leaves of the group (as bits) whose box holds it.
    n_cells : int64 array of shape (n_groups,)
    """

    first_leaf: NDArray[np.int64]
    first_cut: NDArray[np.int64]
    cut_feature: NDArray[np.uint8]
    cut_rank: NDArray[np.int64]
    cut_step: NDArray[np.uint16]
    first_class: NDArray[np.int64]
    class_mask: NDArray[np.uint64]
    n_cells: NDArray[np.int64]


@numba.njit(cache=True, nogil=True)
def leaf_groups(lower, upper, n_cuts, max_cells):  # type: ignore[no-untyped-def]
    """Pack leaves, in their order, into groups of at most `max_cells` cells (a lone leaf may need more).

    Parameters
    ----------
    lower, upper : int32 arrays of shape (n_leaves, n_features)
    n_cuts : int32 array of shape (n_features,)
    max_cells : int

    Returns
    -------
    LeafGroups
    """
    n_leaves, n_features = lower.shape
    width = 2 * MAX_GROUP + 1
    first_leaf = np.zeros(n_leaves + 1, dtype=np.int64)
    first_cut = np.zeros(n_leaves + 1, dtype=np.int64)
    n_bounds = 0
    for i in range(n_leaves):
        for j in range(n_features):
            n_bounds += (lower[i, j] > 0) + (upper[i, j] < n_cuts[j])
    cut_feature = np.empty(n_bounds, dtype=np.uint8)
    cut_rank = np.empty(n_bounds, dtype=np.int64)
    cut_step = np.empty(n_bounds, dtype=np.uint16)
    first_class = np.zeros((n_leaves, n_features + 1), dtype=np.int64)
    class_mask = np.empty(n_bounds + n_leaves * n_features, dtype=np.uint64)
    n_cells = np.empty(n_leaves, dtype=np.int64)

    # Parts of each axis in the group so far (start rank, mask of leaves), and with one more leaf.
    start = np.zeros((n_features, width), dtype=np.int64)
    mask = np.zeros((n_features, width), dtype=np.uint64)
    n_parts = np.ones(n_features, dtype=np.int64)
    n_classes = np.ones(n_features, dtype=np.int64)
    new_start, new_mask = np.zeros_like(start), np.zeros_like(mask)
    new_parts, new_classes = np.ones_like(n_parts), np.ones_like(n_classes)

    n_groups, cut_end, class_end, leaf, size = 0, 0, 0, 0, 0
    while leaf < n_leaves:
        bit = np.uint64(1) << np.uint64(size)
        cells = 1
        for j in range(n_features):  # an input that the leaf does not test keeps its parts
            if lower[leaf, j] > 0 or upper[leaf, j] < n_cuts[j]:
                _add_leaf(
                    start[j], mask[j], n_parts[j], lower[leaf, j], upper[leaf, j], n_cuts[j], bit,
                    new_start[j], new_mask[j], new_parts, new_classes, j,
                )  # fmt: skip
                cells *= new_classes[j]
            else:
                cells *= n_classes[j]
            if cells > max_cells and size > 0:
                break
        fits = size == 0 or (size < MAX_GROUP and cells <= max_cells)
        if fits:
            for j in range(n_features):
                if lower[leaf, j] > 0 or upper[leaf, j] < n_cuts[j]:
                    n_parts[j], n_classes[j] = new_parts[j], new_classes[j]
                    for d in range(n_parts[j]):
                        start[j, d], mask[j, d] = new_start[j, d], new_mask[j, d]
                else:
                    for d in range(n_parts[j]):
                        mask[j, d] |= bit
            size += 1
            leaf += 1
        if not fits or leaf == n_leaves:
            cells = 1
            for j in range(n_features):
                first_class[n_groups, j] = class_end
                previous = 0
                for d in range(n_parts[j]):
                    number = _class_number(class_mask, class_end, first_class[n_groups, j], mask[j, d])
                    if first_class[n_groups, j] + number == class_end:
                        class_mask[class_end] = mask[j, d]
                        class_end += 1
                    if d > 0 and number != previous:
                        cut_feature[cut_end] = j
                        cut_rank[cut_end] = start[j, d] - 1
                        cut_step[cut_end] = np.uint16(((number - previous) * cells) & 0xFFFF)
                        cut_end += 1
                    previous = number
                cells *= class_end - first_class[n_groups, j]
                n_parts[j], n_classes[j] = 1, 1
                mask[j, 0] = 0
            first_class[n_groups, n_features] = class_end
            n_cells[n_groups] = cells
            n_groups += 1
            first_leaf[n_groups] = leaf
            first_cut[n_groups] = cut_end
            size = 0
    return LeafGroups(
        first_leaf[: n_groups + 1], first_cut[: n_groups + 1],
        cut_feature[:cut_end], cut_rank[:cut_end], cut_step[:cut_end],
        first_class[:n_groups], class_mask[:class_end], n_cells[:n_groups],
    )  # fmt: skip


@numba.njit(cache=True, nogil=True)
def _add_leaf(start, mask, parts, lower, upper, n_cuts, bit, out_start, out_mask, out_parts, out_classes, j):  # type: ignore[no-untyped-def]
    # Split the parts at both bounds of the leaf and give its bit to the parts between them.
    low_edge = lower if lower > 0 else -1
    high_edge = upper + 1 if upper < n_cuts else -1
    n = 0
    for d in range(parts):
        out_start[n] = start[d]
        out_mask[n] = mask[d]
        n += 1
        end = start[d + 1] if d + 1 < parts else n_cuts + 1
        first, second = min(low_edge, high_edge), max(low_edge, high_edge)
        if start[d] < first < end:
            out_start[n] = first
            out_mask[n] = mask[d]
            n += 1
        if start[d] < second < end and second != first:
            out_start[n] = second
            out_mask[n] = mask[d]
            n += 1
    classes = 0
    for d in range(n):
        if lower <= out_start[d] <= upper:
            out_mask[d] |= bit
        new = 1
        for e in range(d):
            if out_mask[e] == out_mask[d]:
                new = 0
                break
        classes += new
    out_parts[j] = n
    out_classes[j] = classes


@numba.njit(cache=True, nogil=True)
def _class_number(class_mask, end, first, mask):  # type: ignore[no-untyped-def]
    for k in range(first, end):
        if class_mask[k] == mask:
            return k - first
    return end - first


@numba.njit(cache=True, nogil=True)
def cells_of_rows(groups, g, ranks, first_row, cells):  # type: ignore[no-untyped-def]
    """Write the cell of group `g` that each of ``len(cells)`` rows from `first_row` on lies in.

    Parameters
    ----------
    groups : LeafGroups
    g, first_row : int
    ranks : uint array of shape (n_features, n_rows)
    cells : uint16 array
        Filled.
    """
    n = cells.shape[0]
    cells[:] = 0
    for c in range(groups.first_cut[g], groups.first_cut[g + 1]):
        line = ranks[groups.cut_feature[c], first_row : first_row + n]
        cut = ranks.dtype.type(groups.cut_rank[c])
        step, none = groups.cut_step[c], np.uint16(0)
        for r in range(n):
            cells[r] = cells[r] + (step if line[r] > cut else none)
