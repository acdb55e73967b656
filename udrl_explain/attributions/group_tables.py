"""The tables of groups of leaves: for every cell of a group's grid, what its leaves contribute to a row in that cell.

The formulas of a single leaf are those of ``leaf_tables``.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from udrl_explain.attributions.leaf_groups import LeafGroups
from udrl_explain.attributions.leaf_tables import VALUES, n_columns, quadrature
from udrl_explain.compiled import compiled

N_SUMS = 9


class Leaves(NamedTuple):
    """Leaves as :class:`~udrl_explain.attributions.leaf_boxes.LeafBoxes` holds them, `value` of the outputs asked for.

    Parameters
    ----------
    lower, upper : int32 arrays of shape (n_leaves, n_features)
    share : float64 array of shape (n_leaves, n_features)
    value : float64 array of shape (n_leaves, n_outputs)
    n_cuts : int32 array of shape (n_features,)
    """

    lower: NDArray[np.int32]
    upper: NDArray[np.int32]
    share: NDArray[np.float64]
    value: NDArray[np.float64]
    n_cuts: NDArray[np.int32]


class Room(NamedTuple):
    """The quadrature, and room to work in; see :func:`room_for`."""

    nodes: NDArray[np.float64]
    weights: NDArray[np.float64]
    features: NDArray[np.int64]
    pattern: NDArray[np.uint16]
    c: NDArray[np.float64]
    sums: NDArray[np.float64]
    leaf_table: NDArray[np.float64]


def room_for(groups: LeafGroups, leaves: Leaves, order: int) -> Room:
    """Room to fill the tables of `groups` one after the other."""
    n_features = leaves.lower.shape[1]
    tested = ((leaves.lower > 0) | (leaves.upper < leaves.n_cuts)).sum(axis=1)
    n_patterns = 1 << int(tested.max())  # may exceed the cells, where no row can enter a box
    nodes, weights = quadrature()
    return Room(
        nodes,
        weights,
        np.empty(n_features, dtype=np.int64),
        np.empty(int(groups.n_cells.max()), dtype=np.uint16),
        np.empty(n_patterns),
        np.empty((N_SUMS, n_patterns + 8)),  # lines a power of two apart would share the cache's sets
        np.empty(n_patterns * n_columns(n_features, order)),
    )


def fill_tables(
    groups: LeafGroups,
    batch: slice,
    leaves: Leaves,
    counts: NDArray[np.float64],
    n_background: int,
    order: int,
    width: int,
    room: Room,
    tables: NDArray[np.float64],
    base: NDArray[np.float64],
) -> None:
    """Fill the tables of a batch of groups, one behind the other.

    Parameters
    ----------
    groups : LeafGroups
    batch : slice
        Of the groups.
    leaves : Leaves
        All that the groups are made of.
    counts : float64 array
        Background rows in every cell of the batch; not read in the path-dependent game.
    n_background : int
        Their number; 0 for the path-dependent game.
    order : {VALUES, INTERACTIONS}
    width : int
        Numbers of a cell: the columns of each output, then zeros.
    room : Room
    tables : float64 array of shape (at least n_cells of the batch * width,)
        Filled: a line per cell.
    base : float64 array of shape (n_outputs,)
        What the leaves are worth when no input is known is added here.
    """
    columns = n_columns(leaves.lower.shape[1], order)
    _fill_tables(
        groups, batch.start, batch.stop, leaves, counts, n_background, order != VALUES, columns, width, room, tables,
        base,
    )  # fmt: skip


# Indices are unsigned where loops are to be vectorised: numba checks signed ones for negative values.


@compiled
def _fill_tables(  # type: ignore[no-untyped-def]
    groups, begin, end, leaves, counts, n_background, pairs, columns, width, room, tables, base
):
    n_features = leaves.lower.shape[1]
    features, pattern, c, sums, leaf_table = room.features, room.pattern, room.c, room.sums, room.leaf_table
    zero, one, two = np.uint64(0), np.uint64(1), np.uint64(2)
    u_columns, u_width = np.uint64(columns), np.uint64(width)
    first_cell = zero
    for g in range(begin, end):
        n_cells = np.uint64(groups.n_cells[g])
        for x in range(first_cell * u_width, (first_cell + n_cells) * u_width):
            tables[x] = 0.0
        for leaf in range(groups.first_leaf[g], groups.first_leaf[g + 1]):
            # For every cell of the group: in which of the leaf's tested inputs it lies inside the box.
            bit = one << np.uint64(leaf - groups.first_leaf[g])
            pattern[0] = 0
            known, m = 1, 0
            for j in range(n_features):
                mine = np.uint16(0)
                if leaves.lower[leaf, j] > 0 or leaves.upper[leaf, j] < leaves.n_cuts[j]:
                    features[m] = j
                    mine = np.uint16(1 << m)
                    m += 1
                first = groups.first_class[g, j]
                n_classes = groups.first_class[g, j + 1] - first
                for k in range(n_classes - 1, -1, -1):  # the first part is written last: the others copy it
                    inside = mine if groups.class_mask[first + k] & bit else np.uint16(0)
                    for s in range(known):
                        pattern[k * known + s] = pattern[s] | inside
                known *= n_classes
            size = one << np.uint64(m)

            # c(q): the background's shares by pattern.
            for q in range(size):
                c[q] = 0.0
            if n_background == 0:
                c[0] = 1.0
                for i in range(m):
                    half = one << np.uint64(i)
                    share = leaves.share[leaf, features[i]]
                    rest = 1.0 - share
                    for q in range(half):
                        c[q + half] = c[q] * share
                        c[q] *= rest
            else:
                for s in range(n_cells):
                    c[pattern[s]] += counts[first_cell + s]
                for q in range(size):
                    c[q] /= n_background
            for k in range(leaves.value.shape[1]):
                base[k] += leaves.value[leaf, k] * c[size - one]

            # The integrals over t, one quadrature node after the other.
            for i in range(8 if pairs else 3):
                for q in range(size):
                    sums[i, q] = 0.0
            k_nodes = max((m + 1) // 2, 1)
            for k in range(k_nodes):
                t, w = room.nodes[k_nodes, k], room.weights[k_nodes, k]
                rest = 1.0 - t
                # E_t(p) for all p, one input after the other: the two ends of its axis become (s c1, t c0 + c1).
                for q in range(size):
                    sums[8, q] = c[q]
                for i in range(m):
                    half = one << np.uint64(i)
                    for block in range(zero, size, two * half):
                        for q in range(block, block + half):
                            high = sums[8, q + half]
                            sums[8, q + half] = t * sums[8, q] + high
                            sums[8, q] = rest * high
                f0, f1, f2 = w / t, w / (t * rest), w / rest
                for q in range(size):
                    e = sums[8, q]
                    sums[0, q] += f0 * e
                    sums[1, q] += f1 * e
                    sums[2, q] += f2 * e
                if pairs:
                    f3, f4, f5 = w / (t * t), w / (t * t * rest), w / (t * t * rest * rest)
                    f6, f7 = w / (t * rest * rest), w / (rest * rest)
                    for q in range(size):
                        e = sums[8, q]
                        sums[3, q] += f3 * e
                        sums[4, q] += f4 * e
                        sums[5, q] += f5 * e
                        sums[6, q] += f6 * e
                        sums[7, q] += f7 * e

            # The leaf's table: values, then pairs (i < j, line by line of the upper triangle), then what {state}
            # alone and what {command} alone add to the worth of no input. Inputs that are not tested add 0.
            for x in range(size * u_columns):
                leaf_table[x] = 0.0
            for i in range(m):
                half = one << np.uint64(i)
                at = np.uint64(features[i])
                for block in range(zero, size, two * half):
                    for q in range(block, block + half):
                        leaf_table[q * u_columns + at] = -sums[2, q]
                        leaf_table[(q + half) * u_columns + at] = sums[0, q + half] - sums[1, q]
            if pairs:
                # Second derivatives, from E as in leaf_tables: with (t p + s q) undone in both inputs.
                # Both bits set: G00 = E11/t^2 - (E01 + E10)/(t^2 s) + E00/(t s)^2. One set:
                # -G10 = -E/(t s) + E00/(t s^2). None set: G11 = E00/s^2.
                state = 0
                for i in range(m):
                    if features[i] < n_features - 2:
                        state |= 1 << i
                full = (1 << m) - 1
                command = full ^ state
                share_state, share_command = 0.0, 0.0  # of background rows inside in all state, all command inputs
                for p in range(full + 1):
                    if p & state == state:
                        share_state += c[p]
                    if p & command == command:
                        share_command += c[p]
                for p in range(full + 1):
                    line = p * columns
                    for i in range(m):
                        first_bit, a = 1 << i, features[i]
                        start = line + n_features + a * n_features - a * (a + 1) // 2 - a - 1
                        for j in range(i + 1, m):
                            second_bit = 1 << j
                            low = p & ~(first_bit | second_bit)
                            if p & first_bit and p & second_bit:
                                index = sums[3, p] - sums[4, p ^ first_bit] - sums[4, p ^ second_bit] + sums[5, low]
                            elif p & (first_bit | second_bit):
                                index = sums[6, low] - sums[1, p]
                            else:
                                index = sums[7, p]
                            leaf_table[start + features[j]] = index
                    leaf_table[line + columns - 2] = (share_command if p & state == state else 0.0) - c[full]
                    leaf_table[line + columns - 1] = (share_state if p & command == command else 0.0) - c[full]

            # Into the group's table, output by output.
            for k in range(leaves.value.shape[1]):
                v = leaves.value[leaf, k]
                if v != 0.0:
                    at = first_cell * u_width + np.uint64(k * columns)
                    for s in range(n_cells):
                        line = np.uint64(pattern[s]) * u_columns
                        for j in range(u_columns):
                            tables[at + j] += v * leaf_table[line + j]
                        at += u_width
        first_cell += n_cells
