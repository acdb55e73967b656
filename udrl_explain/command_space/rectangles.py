"""Compiled loops over rectangles of cells: those of a forest's leaves, and those that merge cells of one action.

The plane of commands is cut into cells ``(r, h)`` by the edges of ``command_plane``; a rectangle is a range of cells
along each axis.
"""

import numpy as np
from numpy.typing import NDArray

from udrl_explain.compiled import compiled


def merged_rectangles(actions: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Tile the cells with few rectangles of one action each (greedy, not the fewest possible).

    Parameters
    ----------
    actions : int64 array of shape (n_r, n_h)

    Returns
    -------
    rectangles : int64 array of shape (n_rectangles, 4)
        First and end cell along the returns, first and end cell along the horizons.
    labels : int64 array of shape (n_r, n_h)
        The rectangle that each cell lies in.
    """
    along_horizon = _grow(np.ascontiguousarray(actions))
    along_return = _grow(np.ascontiguousarray(actions.T))
    if len(along_return[0]) < len(along_horizon[0]):
        rectangles, labels = along_return
        return np.ascontiguousarray(rectangles[:, [2, 3, 0, 1]]), np.ascontiguousarray(labels.T)
    return along_horizon


def _grow(actions: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    labels = np.full(actions.shape, -1, dtype=np.int64)
    rectangles = np.empty((actions.size, 4), dtype=np.int64)
    n = _grow_rectangles(actions, labels, rectangles)
    return rectangles[:n].copy(), labels


@compiled
def mark_command_tests(row, n_observations, splits, stack, met):  # type: ignore[no-untyped-def]
    """Mark the tests of a command that some command reaches from this state."""
    for t in range(splits.roots.shape[0]):
        stack[0, 0] = splits.roots[t]
        size = 1
        while size > 0:
            size -= 1
            node = stack[size, 0]
            while splits.left[node] >= 0:
                if splits.feature[node] >= n_observations:
                    met[node] = True
                    stack[size, 0] = splits.right[node]
                    size += 1
                    node = splits.left[node]
                else:
                    goes_left = row[splits.feature[node]] <= splits.threshold[node]
                    node = splits.left[node] if goes_left else splits.right[node]


@compiled
def find_rectangles(  # type: ignore[no-untyped-def]
    row, n_observations, splits, split, n_r, n_h, stack, rectangles
):
    """Write ``(first r, end r, first h, end h, leaf)`` of every leaf that holds a cell, tree by tree."""
    n = 0
    for t in range(splits.roots.shape[0]):
        stack[0, 0], stack[0, 1], stack[0, 2], stack[0, 3], stack[0, 4] = 0, n_r, 0, n_h, splits.roots[t]
        size = 1
        while size > 0:
            size -= 1
            r0, r1, h0, h1 = stack[size, 0], stack[size, 1], stack[size, 2], stack[size, 3]
            node = stack[size, 4]
            while splits.left[node] >= 0:
                f = splits.feature[node]
                if f < n_observations:
                    node = splits.left[node] if row[f] <= splits.threshold[node] else splits.right[node]
                    continue
                on_return = f == n_observations
                low, high = (r0, r1) if on_return else (h0, h1)
                cut = min(max(split[node], low), high)
                if cut == high:
                    node = splits.left[node]
                elif cut == low:
                    node = splits.right[node]
                else:
                    stack[size, 0], stack[size, 1], stack[size, 2], stack[size, 3] = r0, r1, h0, h1
                    stack[size, 4] = splits.right[node]
                    if on_return:
                        stack[size, 0] = cut
                        r1 = cut
                    else:
                        stack[size, 2] = cut
                        h1 = cut
                    size += 1
                    node = splits.left[node]
            rectangles[n, 0], rectangles[n, 1], rectangles[n, 2], rectangles[n, 3] = r0, r1, h0, h1
            rectangles[n, 4] = node
            n += 1
    return n


@compiled
def add_rectangles(rectangles, value, base, start, end, totals):  # type: ignore[no-untyped-def]
    """Add the leaves of `rectangles` to the rows ``start..end`` of `totals`, shape ``(n_actions, n_r, n_h)``."""
    # Rectangles stand tree by tree and those of a tree do not overlap: every cell adds its leaves in the order of
    # the trees, as the policy does. Adding 0 changes no bit and is left out: most leaves are pure.
    for a in range(value.shape[1]):
        for r in range(start, end):
            for h in range(totals.shape[2]):
                totals[a, r, h] = base[a]
    for k in range(rectangles.shape[0]):
        r0, r1 = max(rectangles[k, 0], start), min(rectangles[k, 1], end)
        if r0 >= r1:
            continue
        h0, h1, leaf = rectangles[k, 2], rectangles[k, 3], rectangles[k, 4]
        for a in range(value.shape[1]):
            amount = value[leaf, a]
            if amount != 0.0:
                for r in range(r0, r1):
                    line = totals[a, r]
                    for h in range(h0, h1):
                        line[h] += amount


@compiled
def _grow_rectangles(actions, labels, rectangles):  # type: ignore[no-untyped-def]
    """Grow a rectangle from each free cell: along its line as far as it goes, then line by line."""
    n = 0
    for i in range(actions.shape[0]):
        for j in range(actions.shape[1]):
            if labels[i, j] >= 0:
                continue
            action = actions[i, j]
            end_j = j + 1
            while end_j < actions.shape[1] and actions[i, end_j] == action and labels[i, end_j] < 0:
                end_j += 1
            end_i = i + 1
            while end_i < actions.shape[0]:
                whole = True
                for k in range(j, end_j):
                    if actions[end_i, k] != action or labels[end_i, k] >= 0:
                        whole = False
                        break
                if not whole:
                    break
                end_i += 1
            for k in range(i, end_i):
                for m in range(j, end_j):
                    labels[k, m] = n
            rectangles[n, 0], rectangles[n, 1], rectangles[n, 2], rectangles[n, 3] = i, end_i, j, end_j
            n += 1
    return n
