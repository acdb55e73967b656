"""Worth of every coalition of inputs, for any policy: its rows joined with all background rows, without repeats.

The worth of coalition S for a row x is the mean output over background rows b of the row that takes the inputs in S
from x and the others from b (interventional game). A coalition evaluates no joined row twice, although many pairs
(x, b) share it, and none for members in which x and b agree: the coalition without them has made it already.
"""

from collections.abc import Callable, Iterator
from math import factorial

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from udrl_explain.parallel import blocks_of, in_threads

Outputs = Callable[[NDArray[np.float64]], NDArray[np.float64]]
Members = NDArray[np.bool_]
Indices = NDArray[np.intp]
Join = Callable[[Members, NDArray[np.float64], NDArray[np.float64], Indices, Indices], NDArray[np.float64]]

MAX_ENUMERATED = 12  # inputs: 4096 coalitions
LEAST_BACKGROUND = 64  # rows to draw missing inputs from where every coalition is evaluated with each of them
PAIRS_AT_ONCE = 1 << 18
PAIR_FLOATS = 1 << 21  # joined rows of one coalition: 16 MB
BACKGROUND_AT_ONCE = 1 << 15
ROWS_PER_CALL = 8192
PENDING_FLOATS = 1 << 20
CALL_FLOATS = 1 << 16  # of one call: 512 KB stay in the core's cache
CALLS_AT_ONCE = 4  # of a thread: handing work over takes longer than a call where other work waits for the cores


def joined_rows(
    members: Members, rows: NDArray[np.float64], background: NDArray[np.float64], row: Indices, partner: Indices
) -> NDArray[np.float64]:
    """Inputs in the coalition from ``rows[row]``, the others from ``background[partner]``."""
    return np.where(members, rows[row], background[partner])


def coalition_worths(
    outputs: Outputs,
    rows: NDArray[np.float64],
    background: NDArray[np.float64],
    n_actions: int,
    n_jobs: int | None,
    join: Join = joined_rows,
    width: int | None = None,
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Worth of all coalitions, one block of rows after the other.

    Parameters
    ----------
    outputs : callable
        What `join` makes, one row after the other, to outputs of shape ``(n, n_actions)``.
    rows : float64 array of shape (n_rows, n_features)
    background : float64 array of shape (n_background, n_features)
    n_actions : int
    n_jobs : int or None
        Above 1 only where `outputs` may be called from several threads at once.
    join : callable
        How a coalition's rows are joined with background rows.
    width : int, optional
        Numbers of a joined row; None: one per input.

    Yields
    ------
    block : slice
        Of `rows`.
    worths : float64 array of shape (2**n_features, n_block, n_actions)
        Bit j of the first index says whether input j belongs to the coalition.
    """
    distinct, weights = np.unique(background, axis=0, return_counts=True)
    shares = weights / len(background)
    n_features = rows.shape[1]
    per_row = n_actions * 8 << n_features
    n_pairs = min(PAIRS_AT_ONCE, PAIR_FLOATS // (width or n_features))
    n_block = max(1, min(n_pairs // min(len(distinct), BACKGROUND_AT_ONCE), (1 << 26) // per_row))
    with threadpool_limits(1):
        for block in blocks_of(len(rows), n_block):
            worths = np.zeros((1 << n_features, block.stop - block.start, n_actions))
            for part in blocks_of(len(distinct), BACKGROUND_AT_ONCE):
                _add_block(outputs, join, rows[block], distinct[part], shares[part], n_jobs, worths)
            yield block, worths


def shapley_weights(n_features: int) -> NDArray[np.float64]:
    """Weight of every coalition's worth in every input's Shapley value, shape ``(n_features, 2**n_features)``.

    Shapley (1953): the mean over coalitions S without j of ``|S|! (n - |S| - 1)! / n! (v(S + j) - v(S))``.
    """
    coalitions = np.arange(1 << n_features)
    sizes = np.array([int(s).bit_count() for s in coalitions])
    joining = np.array([factorial(s) * factorial(n_features - s - 1) / factorial(n_features)
                        for s in range(n_features)] + [0.0])  # fmt: skip
    weights = np.empty((n_features, len(coalitions)))
    for j in range(n_features):
        member = (coalitions >> j & 1).astype(bool)
        weights[j] = np.where(member, joining[sizes - 1], -joining[sizes])
    return weights


def interaction_weights(n_features: int) -> NDArray[np.float64]:
    """Weight of every coalition's worth in the interaction index of every pair i < j.

    Shape ``(n_pairs, 2**n_features)``, pairs line by line of the upper triangle. Grabisch and Roubens (1999): the
    sum over coalitions S without both of ``|S|! (n - |S| - 2)! / (n - 1)!`` times the second difference.
    """
    coalitions = np.arange(1 << n_features)
    sizes = np.array([int(s).bit_count() for s in coalitions])
    joining = np.array([factorial(s) * factorial(n_features - s - 2) / factorial(n_features - 1)
                        for s in range(n_features - 1)])  # fmt: skip
    lines = []
    for i in range(n_features):
        for j in range(i + 1, n_features):
            members = (coalitions >> i & 1) + (coalitions >> j & 1)
            lines.append(joining[sizes - members] * np.where(members == 1, -1.0, 1.0))
    return np.array(lines).reshape(-1, len(coalitions))


def evaluated(outputs: Outputs, rows: NDArray[np.float64], n_jobs: int | None) -> NDArray[np.float64]:
    """Outputs of many rows, in calls of bounded size."""
    at_once = min(ROWS_PER_CALL, max(1, CALL_FLOATS // rows.shape[1]))
    calls = blocks_of(len(rows), at_once)

    def evaluate(some: slice) -> NDArray[np.float64]:
        return np.concatenate([outputs(rows[block]) for block in calls[some]])

    return np.concatenate(in_threads(evaluate, blocks_of(len(calls), CALLS_AT_ONCE), n_jobs))


def _add_block(
    outputs: Outputs,
    join: Join,
    rows: NDArray[np.float64],
    background: NDArray[np.float64],
    shares: NDArray[np.float64],
    n_jobs: int | None,
    worths: NDArray[np.float64],
) -> None:
    """Add the outputs of the joined rows of all pairs to the worths of the coalitions that make them."""
    n_rows, n_features = rows.shape
    agree = np.zeros((n_rows, len(background)), dtype=np.int64)
    for j in range(n_features):
        agree |= (rows[:, j, None] == background[:, j]).astype(np.int64) << j
    masks, mask_code = np.unique(agree, return_inverse=True)
    mask_code = mask_code.reshape(agree.shape)
    pending: list[tuple[int, NDArray[np.intp], NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]] = []
    n_pending = 0

    def flush() -> None:
        if not pending:
            return
        results = evaluated(outputs, np.concatenate([entry[4] for entry in pending]), n_jobs)
        start = 0
        for coalition, row, partner, inverse, joined in pending:
            result = results[start : start + len(joined)][inverse] * shares[partner, None]
            start += len(joined)
            # One sum per row and mask; members of a mask may be in the coalition or not.
            keys = mask_code[row, partner] * n_rows + row
            sums = np.stack(
                [np.bincount(keys, result[:, a], len(masks) * n_rows) for a in range(result.shape[1])], axis=1
            ).reshape(len(masks), n_rows, -1)
            for mask, part in zip(masks, sums, strict=True):
                if not mask & coalition:
                    for other in _subsets(int(mask)):
                        worths[coalition | other] += part
        pending.clear()

    for coalition, row_ids, partner_ids in _coalitions(rows, background):
        # A pair that agrees on a member has this joined row without that member already.
        row, partner = np.nonzero((agree & coalition) == 0)
        if len(row) == 0:
            continue
        n_partners = int(partner_ids.max()) + 1
        if n_partners == len(background) and row_ids.max() + 1 == n_rows:
            index = inverse = np.arange(len(row))  # all joined rows differ
        else:
            keys = row_ids[row] * n_partners + partner_ids[partner]
            _, index, inverse = np.unique(keys, return_index=True, return_inverse=True)
        members = np.array([coalition >> j & 1 for j in range(n_features)], dtype=bool)
        joined = join(members, rows, background, row[index], partner[index])
        pending.append((coalition, row, partner, inverse, joined))
        n_pending += joined.size
        if n_pending >= PENDING_FLOATS:
            flush()
            n_pending = 0
    flush()


def _coalitions(
    rows: NDArray[np.float64], background: NDArray[np.float64]
) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.int64]]]:
    """Every coalition, with numbers that tell rows apart on its members and background rows on the others."""
    n_features = rows.shape[1]
    row_codes = [np.unique(rows[:, j], return_inverse=True)[1] for j in range(n_features)]
    partner_codes = [np.unique(background[:, j], return_inverse=True)[1] for j in range(n_features)]

    def visit(j: int, coalition: int, row_ids: NDArray[np.int64], partner_ids: NDArray[np.int64]):  # type: ignore[no-untyped-def]
        if j == n_features:
            yield coalition, row_ids, partner_ids
            return
        yield from visit(j + 1, coalition, row_ids, _refined(partner_ids, partner_codes[j]))
        yield from visit(j + 1, coalition | 1 << j, _refined(row_ids, row_codes[j]), partner_ids)

    yield from visit(0, 0, np.zeros(len(rows), dtype=np.int64), np.zeros(len(background), dtype=np.int64))


def _refined(ids: NDArray[np.int64], codes: NDArray[np.int64]) -> NDArray[np.int64]:
    if len(ids) == 0 or ids.max() + 1 == len(ids):
        return ids  # all different already
    return np.unique(ids * (codes.max() + 1) + codes, return_inverse=True)[1]


def _subsets(mask: int) -> Iterator[int]:
    subset = mask
    while True:
        yield subset
        if subset == 0:
            return
        subset = (subset - 1) & mask
