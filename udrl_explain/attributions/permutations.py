"""Sampled Shapley values with their standard error, for policies of too many inputs to enumerate."""

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from udrl_explain.attributions.enumeration import Outputs, evaluated
from udrl_explain.parallel import blocks_of

JOINED_AT_ONCE = 1 << 16
KNOWN_FLOATS = 1 << 23  # worths kept, so that a coalition that comes back is not evaluated again


def sampled_values(
    outputs: Outputs,
    rows: NDArray[np.float64],
    background: NDArray[np.float64],
    n_actions: int,
    n_pairs: int,
    seed: int,
    n_jobs: int | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean gain of every input over random orders in which the inputs join, each order also taken backwards.

    Castro, Gómez and Tejada (2009), "Polynomial calculation of the Shapley value based on sampling", with the
    antithetic orders of Mitchell et al. (2022), "Sampling permutations for Shapley value estimation", section 4.1.

    Parameters
    ----------
    outputs : callable
        Rows of shape ``(n, n_features)`` to outputs of shape ``(n, n_actions)``.
    rows : float64 array of shape (n_rows, n_features)
    background : float64 array of shape (n_background, n_features)
        All rows are averaged over in every coalition.
    n_actions : int
    n_pairs : int
        Orders drawn; the same for all rows.
    seed : int
    n_jobs : int or None
        As for :func:`~udrl_explain.attributions.enumeration.coalition_worths`.

    Returns
    -------
    values, standard_error : float64 arrays of shape (n_rows, n_features, n_actions)
        The standard error is that of the mean over the pairs of orders.
    """
    n_features = rows.shape[1]
    generator = np.random.default_rng(seed)
    orders = [generator.permutation(n_features) for _ in range(n_pairs)]
    mean = np.zeros((len(rows), n_features, n_actions))
    squares = np.zeros_like(mean)
    with threadpool_limits(1):
        known: dict[bytes, NDArray[np.float64]] = {}

        def worth(members: NDArray[np.bool_]) -> NDArray[np.float64]:
            key = members.tobytes()
            if key in known:
                return known[key]
            result = _worth(outputs, rows, background, members, n_jobs)
            if (len(known) + 1) * result.size <= KNOWN_FLOATS or members.all() or not members.any():
                known[key] = result
            return result

        for count, order in enumerate(orders, start=1):
            gains = np.zeros_like(mean)
            for line in (order, order[::-1]):
                members = np.zeros(n_features, dtype=bool)
                before = worth(members)
                for j in line:
                    members[j] = True
                    after = worth(members)
                    gains[:, j] += (after - before) / 2
                    before = after
            # Welford's update: gains of all orders need not be kept.
            difference = gains - mean
            mean += difference / count
            squares += difference * (gains - mean)
    return mean, np.sqrt(squares / (n_pairs - 1) / n_pairs)


def _worth(
    outputs: Outputs,
    rows: NDArray[np.float64],
    background: NDArray[np.float64],
    members: NDArray[np.bool_],
    n_jobs: int | None,
) -> NDArray[np.float64]:
    """Mean output of rows whose other inputs come from each background row, shape ``(n_rows, n_actions)``."""
    if members.all():
        return evaluated(outputs, rows, n_jobs)
    if not members.any() and len(rows) > 1:  # nothing of a row is used
        return np.repeat(_worth(outputs, rows[:1], background, members, n_jobs), len(rows), axis=0)
    blocks = []
    for block in blocks_of(len(rows), max(1, JOINED_AT_ONCE // len(background))):
        own = rows[block, None, :]
        total = np.zeros((len(own), 1))
        for part in blocks_of(len(background), JOINED_AT_ONCE):
            joined = np.where(members, own, background[part])
            flat = evaluated(outputs, joined.reshape(-1, rows.shape[1]), n_jobs)
            total = total + flat.reshape(*joined.shape[:2], -1).sum(axis=1)
        blocks.append(total / len(background))
    return np.concatenate(blocks)
