"""The exact engine for forests of few inputs: both games, any number of rows, bounded memory, all cores.

Leaves are packed into groups (``leaf_groups``); a group's table holds, for every cell of its grid, the summed
contributions of its leaves (``group_tables``, ``leaf_tables``). A row then costs one cell number and one line of a
table per group (``lanes``). The background enters a table through its counts per cell only, so a row's cost
does not depend on its size.
"""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from udrl_explain.attributions.group_tables import Leaves
from udrl_explain.attributions.lanes import ROW_BLOCK, lane_contributions
from udrl_explain.attributions.leaf_boxes import LeafBoxes, leaf_boxes
from udrl_explain.attributions.leaf_tables import MAX_TESTED, n_columns
from udrl_explain.forest import Forest
from udrl_explain.parallel import blocks_of, in_threads

N_LANES = 8  # parts of the forest with sums of their own: a constant, so that threads cannot change a result
LANE_FLOATS = 1 << 19  # of a lane's sums, and so how many rows are explained at a time


def forest_contributions(
    forest: Forest,
    rows: NDArray[np.float32],
    background: NDArray[np.float32] | None,
    order: int,
    n_jobs: int | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Exact contributions to the raw outputs of a forest.

    Parameters
    ----------
    forest : Forest
    rows : float32 array of shape (n_rows, n_features)
        As the trees compare them.
    background : float32 array of shape (n_background, n_features) or None
        None for the path-dependent game.
    order : {VALUES, INTERACTIONS}
        See :func:`~udrl_explain.attributions.leaf_tables.n_columns`.
    n_jobs : int, optional
        Threads; None takes all cores.

    Returns
    -------
    contributions : float64 array of shape (n_rows, n_columns, n_actions)
    base : float64 array of shape (n_actions,)
        Raw output when no input is known.

    Raises
    ------
    ValueError
        If a path tests more than 15 inputs.
    """
    boxes = leaf_boxes(forest)
    n_tested = int(boxes.tested.sum(axis=1).max())
    if n_tested > MAX_TESTED:
        raise ValueError(
            f"method='exact' takes forests whose paths test at most {MAX_TESTED} inputs, one here tests {n_tested}: "
            "use method='permutation'"
        )
    divisor = forest.n_trees if forest.link == "mean" else 1
    background_ranks = boxes.ranks(rows[:0] if background is None else background)
    same_total = background is not None or _covers_add_up(forest)
    base = forest.base.copy()
    contributions = np.zeros((len(rows), n_columns(forest.n_features, order), forest.n_actions))
    for trees, outputs in _tree_sets(forest, boxes):
        chosen = np.flatnonzero(trees[boxes.tree])
        value = boxes.value[np.ix_(chosen, outputs)] / divisor
        derived = _derived_output(value) if same_total else None
        kept = [k for k in range(len(outputs)) if k != derived]
        counts = value[:, kept].any(axis=1)
        sums, expected = _summed(boxes, chosen[counts], value[counts][:, kept], rows, background_ranks, order, n_jobs)
        contributions[:, :, outputs[kept]] += sums
        base[outputs[kept]] += expected
        if derived is not None:
            contributions[:, :, outputs[derived]] -= sums.sum(axis=2)
            base[outputs[derived]] += trees.sum() * value[0].sum() - expected.sum()
    return contributions, base


def _tree_sets(forest: Forest, boxes: LeafBoxes) -> list[tuple[NDArray[np.bool_], NDArray[np.intp]]]:
    """Trees that add to the same outputs, as a mask over trees, and these outputs."""
    first_leaves = np.searchsorted(boxes.tree, np.arange(forest.n_trees))
    touched = np.logical_or.reduceat(boxes.value != 0, first_leaves)
    if forest.link == "mean":
        touched[:] = touched.any(axis=0)
    return [
        ((touched == outputs).all(axis=1), np.flatnonzero(outputs))
        for outputs in np.unique(touched, axis=0)
        if outputs.any()
    ]


def _covers_add_up(forest: Forest) -> bool:
    """Whether every split hands all its training rows on, so that the shares of a tree's leaves sum to 1."""
    inner = ~forest.is_leaf
    handed_on = forest.cover[forest.children_left[inner]] + forest.cover[forest.children_right[inner]]
    return bool(np.allclose(handed_on, forest.cover[inner], rtol=1e-12, atol=0.0))


def _derived_output(value: NDArray[np.float64]) -> int | None:
    """Output to take as minus the others, where all leaves' values have one sum: the busiest one."""
    sums = value.sum(axis=1)
    if value.shape[1] < 2 or np.ptp(sums) > 1e-14 * np.abs(value).max():
        return None
    return int(np.argmax((value != 0).sum(axis=0)))


def _summed(
    boxes: LeafBoxes,
    leaves: NDArray[np.intp],
    value: NDArray[np.float64],
    rows: NDArray[np.float32],
    background_ranks: NDArray[np.uint16] | NDArray[np.uint32],
    order: int,
    n_jobs: int | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum over `leaves` of what they contribute, ``(n_rows, n_columns, n_outputs)``, and of their worth unknown."""
    n_outputs = value.shape[1]
    columns = n_columns(rows.shape[1], order)
    sums, expected = np.zeros((len(rows), columns, n_outputs)), np.zeros(n_outputs)
    if len(leaves) == 0 or len(rows) == 0 or n_outputs == 0:
        return sums, expected
    width = -(-n_outputs * columns // 8) * 8  # whole vector registers
    rows_at_once = max(ROW_BLOCK, LANE_FLOATS // width)
    lanes = [
        Leaves(boxes.lower[part], boxes.upper[part], boxes.share[part], np.ascontiguousarray(values), boxes.n_cuts)
        for part, values in zip(np.array_split(leaves, N_LANES), np.array_split(value, N_LANES), strict=True)
        if len(part)
    ]

    for chosen in blocks_of(len(rows), rows_at_once):
        ranks = boxes.ranks(rows[chosen])
        add_lane = partial(lane_contributions, ranks=ranks, background=background_ranks, order=order, width=width)
        total, expected = np.zeros((ranks.shape[1], width)), np.zeros(n_outputs)
        for part, base in in_threads(add_lane, lanes, n_jobs):
            total += part
            expected += base
        block = total[:, : n_outputs * columns].reshape(-1, n_outputs, columns)
        sums[chosen] = block.transpose(0, 2, 1)
    return sums, expected
