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

from functools import cache

import numpy as np
from numpy.typing import NDArray

MAX_TESTED = 15  # inputs on one path: the cell numbers are 16 bits wide
VALUES, INTERACTIONS = 1, 2


def n_columns(n_features: int, order: int) -> int:
    """Columns of a leaf's table: one per input; for interactions also one per pair, and two for the split."""
    return n_features if order == VALUES else n_features + n_features * (n_features - 1) // 2 + 2


@cache
def quadrature() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gauss-Legendre nodes and weights on [0, 1]: line k holds the rule of k nodes."""
    size = (MAX_TESTED + 1) // 2 + 1
    nodes, weights = np.full((size, size), 0.5), np.zeros((size, size))
    for k in range(1, size):
        x, w = np.polynomial.legendre.leggauss(k)
        nodes[k, :k], weights[k, :k] = (x + 1) / 2, w / 2
    return nodes, weights
