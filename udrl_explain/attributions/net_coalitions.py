"""Joined rows of a net from their first layer's sums.

The first layer is linear before its activation: the sums of a joined row are what its inputs from the explained row
add, plus what the others from the background row add. Both parts are made once per row and coalition, so that a pair
costs an addition where it would cost a product with the first layer's weights, and no joined row is ever checked,
scaled or multiplied.
"""

import numpy as np
from numpy.typing import NDArray

from udrl_explain.attributions.enumeration import Indices, Join, Members
from udrl_explain.policies import NeuralPolicy


def net_join(policy: NeuralPolicy) -> Join:
    """Join rows of a coalition as first-layer sums, for ``policy.probabilities_of_sums``.

    Returns
    -------
    callable
        Members of the coalition, rows, background rows, and the pairs to join, to sums of shape ``(n_pairs, n_out)``.
    """
    weights, bias = policy.weights[0], policy.biases[0]

    def join(
        members: Members, rows: NDArray[np.float64], background: NDArray[np.float64], row: Indices, partner: Indices
    ) -> NDArray[np.float64]:
        ours = policy.scale.apply(rows)[:, members] @ weights[members]
        theirs = policy.scale.apply(background)[:, ~members] @ weights[~members] + bias
        sums = ours[row]
        sums += theirs[partner]
        return sums

    return join
