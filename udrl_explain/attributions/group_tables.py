"""The table of a group of leaves: for every cell of its grid, what its leaves contribute to a row in that cell."""

import numba
import numpy as np

from udrl_explain.attributions.leaf_tables import fill_leaf_table, product_pattern_shares


@numba.njit(cache=True, nogil=True)
def most_patterns(lower, upper, n_cuts):  # type: ignore[no-untyped-def]
    """Give the number of patterns of the leaf that tests the most inputs."""
    most = 0
    for leaf in range(lower.shape[0]):
        m = 0
        for j in range(lower.shape[1]):
            m += lower[leaf, j] > 0 or upper[leaf, j] < n_cuts[j]
        most = max(most, m)
    return 1 << most


# Not cached by itself: it calls another file's functions, whose changes numba would not notice (see lane_kernel).
@numba.njit(nogil=True)
def fill_group_table(  # type: ignore[no-untyped-def]
    groups, g, lower, upper, share, value, n_cuts, counts, path_dependent, n_background, order, nodes, weights,
    pattern, c, work, leaf_table, table, width, base,
):  # fmt: skip
    """Fill the table of group `g`.

    Parameters
    ----------
    groups : LeafGroups
    g : int
    lower, upper, share : arrays of shape (n_leaves, n_features)
        Of all leaves; see :class:`~udrl_explain.attributions.leaf_boxes.LeafBoxes`.
    value : float64 array of shape (n_leaves, n_outputs)
    n_cuts : int32 array of shape (n_features,)
    counts : float64 array of shape (n_cells,)
        Background rows in every cell; not read in the path-dependent game.
    path_dependent : bool
    n_background, order : int
    nodes, weights : float64 arrays
        See :func:`~udrl_explain.attributions.leaf_tables.quadrature`.
    pattern, c, work, leaf_table : arrays
        Room to work in.
    table : float64 array of shape (n_cells * width,)
        Filled: a line per cell, in it the columns of each output.
    width : int
    base : float64 array of shape (n_outputs,)
        What the leaves are worth when no input is known is added here.
    """
    n_features, columns, n_cells = lower.shape[1], leaf_table.shape[1], groups.n_cells[g]
    features = np.empty(n_features, dtype=np.int64)
    shares = np.empty(n_features)
    table[:] = 0.0
    for leaf in range(groups.first_leaf[g], groups.first_leaf[g + 1]):
        m = 0
        for j in range(n_features):
            if lower[leaf, j] > 0 or upper[leaf, j] < n_cuts[j]:
                features[m] = j
                shares[m] = share[leaf, j]
                m += 1
        _fill_patterns(groups, g, leaf, features, m, pattern)
        if path_dependent:
            product_pattern_shares(shares, m, c)
        else:
            c[: 1 << m] = 0.0
            for s in range(n_cells):
                c[pattern[s]] += counts[s]
            for q in range(1 << m):
                c[q] /= n_background
        base += value[leaf] * c[(1 << m) - 1]
        fill_leaf_table(c, features, m, order, n_features, nodes, weights, work, leaf_table)
        for k in range(value.shape[1]):
            if value[leaf, k] != 0.0:
                _add_leaf_table(value[leaf, k], leaf_table, pattern, n_cells, width, k * columns, table)


# Indices are unsigned below: numba checks signed ones for negative values, which keeps loops from being vectorised.


@numba.njit(cache=True, nogil=True)
def _add_leaf_table(v, leaf_table, pattern, n_cells, width, shift, table):  # type: ignore[no-untyped-def]
    lines = leaf_table.reshape(-1)
    columns = np.uint64(leaf_table.shape[1])
    at = np.uint64(shift)
    for s in range(n_cells):
        line = np.uint64(pattern[s]) * columns
        for j in range(columns):
            table[at + j] += v * lines[line + j]
        at += np.uint64(width)


@numba.njit(cache=True, nogil=True)
def _fill_patterns(groups, g, leaf, features, m, pattern):  # type: ignore[no-untyped-def]
    # For every cell of the group: in which of the leaf's tested inputs it lies inside the box.
    bit = np.uint64(1) << np.uint64(leaf - groups.first_leaf[g])
    pattern[0] = 0
    known, i = 1, 0
    for j in range(groups.first_class.shape[1] - 1):
        first, n_classes = groups.first_class[g, j], groups.first_class[g, j + 1] - groups.first_class[g, j]
        mine = np.uint16(0)
        if i < m and features[i] == j:
            mine = np.uint16(1 << i)
            i += 1
        for k in range(n_classes - 1, -1, -1):  # the first part is written last: the others copy it
            inside = mine if groups.class_mask[first + k] & bit else np.uint16(0)
            for s in range(known):
                pattern[k * known + s] = pattern[s] | inside
        known *= n_classes
