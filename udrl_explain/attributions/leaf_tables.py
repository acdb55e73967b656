"""What one leaf contributes, for every pattern of a row: inside or outside its box, input by input.

Let bit j of p say whether the explained row lies inside the leaf's box in its j-th tested input, bit j of q the same
for a background row, and c(q) the share of the background with pattern q (or, in the path-dependent game, the product
of the covers' shares). With every input taken from the row with probability t, independently, the leaf is reached with
the probability E_t(p) = sum_q c(q) prod_j (t p_j + (1 - t) q_j): this is the multilinear extension of the game on its
diagonal. Shapley values are the integral over t in [0, 1] of its first derivatives (Owen 1972, "Multilinear extensions
of games", section 4), Shapley interaction indices that of its second derivatives (Grabisch and Roubens 1999, "An
axiomatic approach to the concept of interaction", section 5). The integrands are polynomials of degree below m, the
number of tested inputs, so ceil(m / 2) Gauss-Legendre nodes integrate them exactly.

Derivatives follow from E itself. E at p_j = 0 is (1 - t) G1 and at p_j = 1 it is t G0 + G1, where G1 and G0 hold the
background rows inside and outside in input j; the derivative is -G1 for p_j = 0 and G0 for p_j = 1.
"""

import numba
import numpy as np
from numpy.typing import NDArray

MAX_TESTED = 15  # inputs on one path: the cell numbers are 16 bits wide
VALUES, INTERACTIONS = 1, 2


def n_columns(n_features: int, order: int) -> int:
    """Columns of a leaf's table: one per input; for interactions also one per pair, and two for the split."""
    return n_features if order == VALUES else n_features + n_features * (n_features - 1) // 2 + 2


def quadrature() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gauss-Legendre nodes and weights on [0, 1]: line k holds the rule of k nodes."""
    size = (MAX_TESTED + 1) // 2 + 1
    nodes, weights = np.full((size, size), 0.5), np.zeros((size, size))
    for k in range(1, size):
        x, w = np.polynomial.legendre.leggauss(k)
        nodes[k, :k], weights[k, :k] = (x + 1) / 2, w / 2
    return nodes, weights


@numba.njit(cache=True, nogil=True)
def product_pattern_shares(shares, m, c):  # type: ignore[no-untyped-def]
    """Fill c(q), shape ``(2**m,)``, with the product of ``shares[j]`` (bit set) or one minus it (bit clear)."""
    c[0] = 1.0
    for j in range(m):
        half = 1 << j
        inside, outside = shares[j], 1.0 - shares[j]
        for q in range(half):
            c[q + half] = c[q] * inside
            c[q] *= outside


@numba.njit(cache=True, nogil=True)
def fill_leaf_table(c, features, m, order, n_features, nodes, weights, work, table):  # type: ignore[no-untyped-def]
    """Fill the contributions of a leaf of value 1.

    Parameters
    ----------
    c : float64 array of shape (2**m,)
        Pattern shares of the background.
    features : int array of shape (m,)
        The tested inputs, ascending.
    m, order, n_features : int
    nodes, weights : float64 arrays
        From :func:`quadrature`.
    work : float64 array of shape (9, at least 2**m)
    table : float64 array of shape (at least 2**m, n_columns)
        Filled: values, then pairs (i < j, line by line of the upper triangle), then what {state} alone and what
        {command} alone add to the worth of no input. Columns of inputs that are not tested become 0.
    """
    size = 1 << m
    k_nodes = max((m + 1) // 2, 1)
    n_sums = 3 if order == VALUES else 8
    for i in range(n_sums):
        work[i, :size] = 0.0
    e = work[8]
    for k in range(k_nodes):
        t, w = nodes[k_nodes, k], weights[k_nodes, k]
        s = 1.0 - t
        _fill_reach(c, m, t, e)
        if order == VALUES:
            _add_three(e, w / t, w / (t * s), w / s, work[0], work[1], work[2], size)
        else:
            _add_three(e, w / t, w / (t * s), w / s, work[0], work[1], work[2], size)
            _add_three(e, w / (t * t), w / (t * t * s), w / (t * t * s * s), work[3], work[4], work[5], size)
            _add_three(e, w / (t * s * s), w / (s * s), 0.0, work[6], work[7], e, size)
    table[:size] = 0.0
    for j in range(m):
        _fill_value(work[0], work[1], work[2], j, size, table[:, features[j]])
    if order != VALUES:
        _fill_pairs(features, m, n_features, work, table)
        _fill_split(c, features, m, n_features, table)


# Indices are unsigned below: numba checks signed ones for negative values, which keeps loops from being vectorised.


@numba.njit(cache=True, nogil=True)
def _fill_reach(c, m, t, e):  # type: ignore[no-untyped-def]
    # E_t(p) for all patterns p, one input after the other: the two ends of its axis become (s c1, t c0 + c1).
    s = 1.0 - t
    size = np.uint64(1) << np.uint64(m)
    one, two, three = np.uint64(1), np.uint64(2), np.uint64(3)
    if m >= 2:
        for q in range(np.uint64(0), size, np.uint64(4)):
            c0, c1, c2, c3 = c[q], c[q + one], c[q + two], c[q + three]
            a0, a1, a2, a3 = s * c1, t * c0 + c1, s * c3, t * c2 + c3
            e[q], e[q + one], e[q + two], e[q + three] = s * a2, s * a3, t * a0 + a2, t * a1 + a3
    elif m == 1:
        e[0], e[1] = s * c[1], t * c[0] + c[1]
    else:
        e[0] = c[0]
    for j in range(2, m):
        half = one << np.uint64(j)
        for block in range(np.uint64(0), size, two * half):
            for q in range(block, block + half):
                inside = e[q + half]
                e[q + half] = t * e[q] + inside
                e[q] = s * inside


@numba.njit(cache=True, nogil=True)
def _add_three(e, fx, fy, fz, x, y, z, size):  # type: ignore[no-untyped-def]
    for p in range(size):
        x[p] += fx * e[p]
        y[p] += fy * e[p]
        z[p] += fz * e[p]


@numba.njit(cache=True, nogil=True)
def _fill_value(in_row, in_both, in_background, j, size, column):  # type: ignore[no-untyped-def]
    half = np.uint64(1) << np.uint64(j)
    for block in range(np.uint64(0), np.uint64(size), np.uint64(2) * half):
        for p in range(block, block + half):
            column[p] = -in_background[p]
            column[p + half] = in_row[p + half] - in_both[p]


@numba.njit(cache=True, nogil=True)
def _fill_pairs(features, m, n_features, work, table):  # type: ignore[no-untyped-def]
    # Second derivatives, from E as in the module's docstring: with (t p + s q) undone in both inputs.
    # Both bits set: G00 = E11/t^2 - (E01 + E10)/(t^2 s) + E00/(t s)^2. One set: -G10 = -E/(t s) + E00/(t s^2).
    # None set: G11 = E00/s^2.
    for p in range(1 << m):
        for i in range(m):
            for j in range(i + 1, m):
                a, b = features[i], features[j]
                column = n_features + a * n_features - a * (a + 1) // 2 + b - a - 1
                u, v = 1 << i, 1 << j
                if p & u and p & v:
                    index = work[3, p] - work[4, p ^ u] - work[4, p ^ v] + work[5, p ^ u ^ v]
                elif p & u:
                    index = work[6, p ^ u] - work[1, p]
                elif p & v:
                    index = work[6, p ^ v] - work[1, p]
                else:
                    index = work[7, p]
                table[p, column] = index


@numba.njit(cache=True, nogil=True)
def _fill_split(c, features, m, n_features, table):  # type: ignore[no-untyped-def]
    full = (1 << m) - 1
    state = 0
    for j in range(m):
        if features[j] < n_features - 2:
            state |= 1 << j
    command = full ^ state
    share_state, share_command = 0.0, 0.0  # of background rows inside in all state, in all command inputs
    for q in range(1 << m):
        if q & state == state:
            share_state += c[q]
        if q & command == command:
            share_command += c[q]
    columns = table.shape[1]
    for p in range(1 << m):
        table[p, columns - 2] = (share_command if p & state == state else 0.0) - c[full]
        table[p, columns - 1] = (share_state if p & command == command else 0.0) - c[full]
