"""Neighbouring leaves packed into groups that share one table.

Cut every input at the bounds of a group's boxes. Within one cell of that grid all rows are inside or outside of the
same boxes, so a group needs one number per cell where single leaves would need one per leaf and pattern. Cells that
no box tells apart are merged, and a row's cell is found by adding a step for every cut that it passes.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from udrl_explain.compiled import compiled

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


class _Parts(NamedTuple):
    """Parts of each input's axis in the group so far, and with one more leaf.

    `start` is the lowest rank of a part and `mask` the leaves of the group (as bits) whose box holds it, both of shape
    ``(n_features, 2 * MAX_GROUP + 1)``; `n_parts` and `n_classes` (different masks) count them.
    """

    start: NDArray[np.int64]
    mask: NDArray[np.uint64]
    n_parts: NDArray[np.int64]
    n_classes: NDArray[np.int64]


def leaf_groups(
    lower: NDArray[np.int32], upper: NDArray[np.int32], n_cuts: NDArray[np.int32], max_cells: int
) -> LeafGroups:
    """Pack leaves, in their order, into groups of at most `max_cells` cells (a lone leaf may need more).

    Parameters
    ----------
    lower, upper : int32 arrays of shape (n_leaves, n_features)
        See :class:`~udrl_explain.attributions.leaf_boxes.LeafBoxes`.
    n_cuts : int32 array of shape (n_features,)
    max_cells : int
    """
    n_leaves, n_features = lower.shape
    n_bounds = int(np.count_nonzero(lower > 0) + np.count_nonzero(upper < n_cuts))
    room = LeafGroups(
        np.zeros(n_leaves + 1, dtype=np.int64),
        np.zeros(n_leaves + 1, dtype=np.int64),
        np.empty(n_bounds, dtype=np.uint8),
        np.empty(n_bounds, dtype=np.int64),
        np.empty(n_bounds, dtype=np.uint16),
        np.zeros((n_leaves, n_features + 1), dtype=np.int64),
        np.empty(n_bounds + n_leaves * n_features, dtype=np.uint64),
        np.empty(n_leaves, dtype=np.int64),
    )
    now, after = _parts(n_features), _parts(n_features)
    n = _pack(lower, upper, n_cuts, max_cells, MAX_GROUP, now, after, room)
    n_cuts_kept, n_classes = int(room.first_cut[n]), int(room.first_class[n - 1, n_features]) if n else 0
    return LeafGroups(
        room.first_leaf[: n + 1], room.first_cut[: n + 1],
        room.cut_feature[:n_cuts_kept], room.cut_rank[:n_cuts_kept], room.cut_step[:n_cuts_kept],
        room.first_class[:n], room.class_mask[:n_classes], room.n_cells[:n],
    )  # fmt: skip


def _parts(n_features: int) -> _Parts:
    shape = (n_features, 2 * MAX_GROUP + 1)
    ones = np.ones(n_features, dtype=np.int64)
    return _Parts(np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.uint64), ones, ones.copy())


@compiled
def _pack(lower, upper, n_cuts, max_cells, max_group, now, after, out):  # type: ignore[no-untyped-def]
    n_leaves, n_features = lower.shape
    n_groups, cut_end, class_end, leaf, size = 0, 0, 0, 0, 0
    while leaf < n_leaves:
        bit = np.uint64(1) << np.uint64(size)
        cells = 1
        for j in range(n_features):
            low, high, last = lower[leaf, j], upper[leaf, j], n_cuts[j]
            if low > 0 or high < last:
                # Split the parts at both bounds of the leaf and give its bit to the parts between them.
                low_edge = low if low > 0 else -1
                high_edge = high + 1 if high < last else -1
                first, second = min(low_edge, high_edge), max(low_edge, high_edge)
                n, classes = 0, 0
                for d in range(now.n_parts[j]):
                    begin, mask = now.start[j, d], now.mask[j, d]
                    end = now.start[j, d + 1] if d + 1 < now.n_parts[j] else last + 1
                    for k in range(3):
                        at = begin if k == 0 else (first if k == 1 else second)
                        if k > 0 and not (begin < at < end):
                            continue
                        if k == 2 and second == first:
                            continue
                        held = mask | bit if low <= at <= high else mask
                        after.start[j, n], after.mask[j, n] = at, held
                        is_new = 1
                        for e in range(n):
                            if after.mask[j, e] == held:
                                is_new = 0
                                break
                        classes += is_new
                        n += 1
                after.n_parts[j], after.n_classes[j] = n, classes
                cells *= classes
            else:  # an input that the leaf does not test keeps its parts
                cells *= now.n_classes[j]
            if cells > max_cells and size > 0:
                break
        fits = size == 0 or (size < max_group and cells <= max_cells)
        if fits:
            for j in range(n_features):
                if lower[leaf, j] > 0 or upper[leaf, j] < n_cuts[j]:
                    now.n_parts[j], now.n_classes[j] = after.n_parts[j], after.n_classes[j]
                    for d in range(now.n_parts[j]):
                        now.start[j, d], now.mask[j, d] = after.start[j, d], after.mask[j, d]
                else:
                    for d in range(now.n_parts[j]):
                        now.mask[j, d] |= bit
            size += 1
            leaf += 1
        if not fits or leaf == n_leaves:
            cells = 1
            for j in range(n_features):
                first_class = class_end
                out.first_class[n_groups, j] = first_class
                previous = 0
                for d in range(now.n_parts[j]):
                    number = 0
                    while first_class + number < class_end and out.class_mask[first_class + number] != now.mask[j, d]:
                        number += 1
                    if first_class + number == class_end:
                        out.class_mask[class_end] = now.mask[j, d]
                        class_end += 1
                    if d > 0 and number != previous:
                        out.cut_feature[cut_end] = j
                        out.cut_rank[cut_end] = now.start[j, d] - 1
                        out.cut_step[cut_end] = ((number - previous) * cells) & 0xFFFF
                        cut_end += 1
                    previous = number
                cells *= class_end - first_class
                now.n_parts[j], now.n_classes[j], now.mask[j, 0] = 1, 1, 0
            out.first_class[n_groups, n_features] = class_end
            out.n_cells[n_groups] = cells
            n_groups += 1
            out.first_leaf[n_groups], out.first_cut[n_groups] = leaf, cut_end
            size = 0
    return n_groups
