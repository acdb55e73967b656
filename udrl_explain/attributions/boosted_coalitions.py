"""Worth of every coalition for a boosted forest's probabilities, without a walk per coalition.

Probabilities are no sum over trees, so there is no table per leaf; but the scores before the softmax are. Take a row x
and a background row b. A leaf is reached by the coalitions that hold A, the inputs in which only x lies inside its
box, and nothing of B, those in which only b does; with an input in which neither lies inside, by none. As a function
of the coalition S this is the sum over T within B of (-1)^|T| [A + T within S]. All leaves' coefficients go into one
array over coalitions, one zeta transform turns them into the scores of all coalitions at once, and the softmax follows.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from udrl_explain.attributions.leaf_boxes import LeafBoxes, leaf_boxes
from udrl_explain.compiled import compiled
from udrl_explain.forest import Forest
from udrl_explain.parallel import blocks_of, in_threads

WORTH_FLOATS = 1 << 23  # of a block of rows
BACKGROUND_AT_ONCE = 256


def boosted_coalitions(
    forest: Forest, rows: NDArray[np.float32], background: NDArray[np.float32], n_jobs: int | None
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Worth of all coalitions, one block of rows after the other.

    Parameters
    ----------
    forest : Forest
        With the link "softmax" or "logistic".
    rows, background : float32 arrays of shape (n_rows, n_features), (n_background, n_features)
        As the trees compare them.
    n_jobs : int or None

    Yields
    ------
    block : slice
        Of `rows`.
    worths : float64 array of shape (2**n_features, n_block, n_actions)
        Bit j of the first index says whether input j belongs to the coalition.
    """
    boxes = leaf_boxes(forest)
    used = np.flatnonzero(boxes.value.any(axis=1))
    value = boxes.value[used]
    # To the trees, background rows of equal ranks are the same row.
    ranks, counts = np.unique(boxes.ranks(background), axis=1, return_counts=True)
    shares = counts / len(background)
    size = 1 << forest.n_features
    n_block = max(1, WORTH_FLOATS // (size * forest.n_actions))
    for block in blocks_of(len(rows), n_block):
        inside = _inside(boxes, used, boxes.ranks(rows[block]))
        worths = np.zeros((len(inside), size, forest.n_actions))
        for part in blocks_of(len(shares), BACKGROUND_AT_ONCE):
            partners = _inside(boxes, used, np.ascontiguousarray(ranks[:, part]))

            def add(
                i: int,
                inside: NDArray[np.uint16] = inside,
                partners: NDArray[np.uint16] = partners,
                part: slice = part,
                worths: NDArray[np.float64] = worths,
            ) -> None:
                scores = np.empty(size * forest.n_actions)
                _add_row(i, inside, partners, shares[part], value, forest.base, forest.n_features, scores, worths)

            in_threads(add, range(len(inside)), n_jobs)
        yield block, np.moveaxis(worths, 0, 1)


def _inside(
    boxes: LeafBoxes, used: NDArray[np.intp], ranks: NDArray[np.uint16] | NDArray[np.uint32]
) -> NDArray[np.uint16]:
    """Inputs (as bits) in which each row lies inside each leaf's box, shape ``(n_rows, n_leaves)``."""
    masks = np.zeros((ranks.shape[1], len(used)), dtype=np.uint16)
    for j, line in enumerate(ranks):
        rank = line[:, None].astype(np.int32)
        held = (boxes.lower[used, j] <= rank) & (rank <= boxes.upper[used, j])
        masks |= held.astype(np.uint16) << np.uint16(j)
    return masks


@compiled
def _add_row(row, inside, partners, shares, value, base, n_features, scores, worths):  # type: ignore[no-untyped-def]
    n_actions = value.shape[1]
    zero, one = np.uint64(0), np.uint64(1)
    full = np.uint64((1 << n_features) - 1)
    size = np.uint64(1 << n_features)
    width = np.uint64(n_actions)
    for b in range(partners.shape[0]):
        for x in range(size * width):
            scores[x] = 0.0
        for leaf in range(inside.shape[1]):
            p, q = np.uint64(inside[row, leaf]), np.uint64(partners[b, leaf])
            if p | q != full:
                continue
            needed, barred = p & ~q, q & ~p
            subset = barred
            while True:
                at = (needed | subset) * width
                odd = subset ^ subset >> np.uint64(8)
                odd ^= odd >> np.uint64(4)
                odd ^= odd >> np.uint64(2)
                odd ^= odd >> one
                sign = -1.0 if odd & one else 1.0
                for a in range(n_actions):
                    scores[at + np.uint64(a)] += sign * value[leaf, a]
                if subset == zero:
                    break
                subset = (subset - one) & barred
        for j in range(n_features):
            half = width << np.uint64(j)
            for block in range(zero, size * width, half + half):
                for s in range(block, block + half):
                    scores[s + half] += scores[s]
        for s in range(size):
            at = s * width
            highest = -np.inf
            for a in range(n_actions):
                scores[at + np.uint64(a)] += base[a]
                highest = max(highest, scores[at + np.uint64(a)])
            total = 0.0
            for a in range(n_actions):
                scores[at + np.uint64(a)] = np.exp(scores[at + np.uint64(a)] - highest)
                total += scores[at + np.uint64(a)]
            for a in range(n_actions):
                worths[row, s, a] += shares[b] * scores[at + np.uint64(a)] / total
