"""The nearest command of the training range that would have changed the action, and the test that decides it.

The training range is the rectangle from the lowest to the highest desired return and horizon met in training. For a
forest its exact cells are searched; any other policy is asked on a grid. The command in force may lie outside.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from udrl_explain.command_space.cells import command_cells
from udrl_explain.command_space.influence import probabilities_under
from udrl_explain.command_space.support import CommandSupport
from udrl_explain.commands import N_COMMANDS, Command, input_rows
from udrl_explain.parallel import in_threads
from udrl_explain.policies import ForestPolicy, Policy, greedy_actions
from udrl_explain.self_check import SelfCheckError

CELLS_METHOD = "exact cells of the forest over the training range"


@dataclass(frozen=True)
class DecisiveTest:
    """The test of a command at which the most trees' paths part between two commands.

    Parameters
    ----------
    feature : int
        Input column.
    threshold : float
        In natural units.
    n_trees : int
        Trees whose two paths part at this very test.
    n_trees_parting : int
        Trees whose two paths part at all.
    """

    feature: int
    threshold: float
    n_trees: int
    n_trees_parting: int


@dataclass(frozen=True)
class CommandFlip:
    """The nearest command of the training range that changes the greedy action of one row.

    Parameters
    ----------
    command : Command
    action : int
        Greedy action under it; confirmed by the policy.
    distance : float
        From the command in force, in spreads of the training commands (Euclidean).
    n_actions_reachable : int
        Different greedy actions that commands of the training range give in this state.
    decisive : DecisiveTest or None
        None for policies that are no forests.
    """

    command: Command
    action: int
    distance: float
    n_actions_reachable: int
    decisive: DecisiveTest | None


def command_flips(
    policy: Policy,
    inputs: NDArray[np.float64],
    support: CommandSupport,
    grid: tuple[int, int],
    *,
    n_jobs: int | None = None,
) -> tuple[list[CommandFlip | None], str, bool]:
    """Find the nearest flip of every row.

    Parameters
    ----------
    policy : Policy
    inputs : float64 array of shape (n_rows, n_features)
        States with the command in force.
    support : CommandSupport
    grid : (n_returns, n_horizons)
        Commands asked of a policy that is no forest, evenly over the training range, ends included.
    n_jobs : int, optional
        Threads; None takes all cores.

    Returns
    -------
    flips : list of CommandFlip or None
        None where no command of the training range (or of the grid) changes the action.
    method : str
    exact : bool

    Raises
    ------
    SelfCheckError
        If the policy does not confirm a flip found.
    """
    own = greedy_actions(policy.action_probabilities(inputs))
    if isinstance(policy, ForestPolicy):
        forest_policy = policy
        flips = in_threads(
            lambda i: _nearest_cell(forest_policy, inputs[i], int(own[i]), support), range(len(own)), n_jobs
        )
        _confirm(policy, inputs, flips)
        return flips, CELLS_METHOD, True
    axes = [
        np.linspace(low, high, n) if low < high else np.array([low])
        for (low, high), n in zip((support.returns, support.horizons), grid, strict=True)
    ]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, N_COMMANDS)
    flips = []
    for block, there in probabilities_under(policy, inputs[:, :-N_COMMANDS], points, n_jobs):
        for row, here, chosen in zip(inputs[block], own[block], there.argmax(axis=2), strict=True):
            flips.append(_nearest_point(points, row[-N_COMMANDS:], chosen, int(here), support))
    _confirm(policy, inputs, flips)
    return flips, f"grid of {len(axes[0])} x {len(axes[1])} commands over the training range", False


def decisive_test(policy: ForestPolicy, row: NDArray[np.float64], other: NDArray[np.float64]) -> DecisiveTest:
    """Find the test at which the most trees part between two rows; of equals the first input, the lowest threshold.

    Parameters
    ----------
    policy : ForestPolicy
    row, other : float64 arrays of shape (n_features,)

    Raises
    ------
    ValueError
        If no tree parts.
    """
    forest = policy.forest
    pair = policy.tree_inputs(np.stack([row, other]))
    nodes = _parting_nodes(
        pair, forest.roots, forest.children_left, forest.children_right, forest.feature, forest.threshold
    )
    nodes = nodes[nodes >= 0]
    if len(nodes) == 0:
        raise ValueError("decisive_test needs two rows that some tree treats differently, all paths are the same")
    tests = np.column_stack([forest.feature[nodes].astype(np.float64), forest.threshold[nodes]])
    distinct, counts = np.unique(tests, axis=0, return_counts=True)
    most = int(np.argmax(counts))
    feature = int(distinct[most, 0])
    factor = policy.scale.factors(policy.n_features)[feature]
    return DecisiveTest(feature, float(distinct[most, 1] / factor), int(counts[most]), len(nodes))


def _nearest_cell(
    policy: ForestPolicy, row: NDArray[np.float64], own: int, support: CommandSupport
) -> CommandFlip | None:
    planes = [_widened(ends) for ends in (support.returns, support.horizons)]
    cells = command_cells(policy, row[:-N_COMMANDS], planes[0], planes[1], n_jobs=1)  # rows are shared out already
    # Where all training commands agree the plane is one float64 step wide: its first cell alone holds that command.
    n_searched = [
        len(edges) - 1 if low < high else 1
        for edges, (low, high) in zip(
            (cells.return_edges, cells.horizon_edges), (support.returns, support.horizons), strict=True
        )
    ]
    actions = cells.actions[: n_searched[0], : n_searched[1]]
    wanted = actions != own
    if not wanted.any():
        return None
    nearest, steps = [], []
    for axis, (edges, value, (low, high)) in enumerate(
        zip(
            (cells.return_edges, cells.horizon_edges),
            row[-N_COMMANDS:],
            (support.returns, support.horizons),
            strict=True,
        )
    ):
        n = n_searched[axis]
        # A cell holds its upper edge; its lowest command is the next number above its lower edge.
        lowest = np.nextafter(edges[:n], np.inf)
        lowest[0] = low
        reached = np.clip(value, lowest, np.minimum(edges[1 : n + 1], high))
        nearest.append(reached)
        steps.append(np.abs(reached - value) / support.spread[axis])
    # In one line of cells the nearest is the one of the least step along the horizon.
    least = np.where(wanted, steps[1], np.inf).min(axis=1)
    i = int(np.argmin(np.hypot(steps[0], least)))
    j = int(np.argmin(np.where(wanted[i], steps[1], np.inf)))
    command = Command(float(nearest[0][i]), float(nearest[1][j]))
    other = row.copy()
    other[-N_COMMANDS:] = command.desired_return, command.desired_horizon
    return CommandFlip(
        command,
        int(actions[i, j]),
        float(np.hypot(steps[0][i], steps[1][j])),
        _n_reachable(actions, own),
        decisive_test(policy, row, other),
    )


def _nearest_point(
    points: NDArray[np.float64],
    here: NDArray[np.float64],
    chosen: NDArray[np.int64],
    own: int,
    support: CommandSupport,
) -> CommandFlip | None:
    candidates = np.flatnonzero(chosen != own)
    if len(candidates) == 0:
        return None
    distances = np.hypot(*((points[candidates] - here) / np.array(support.spread)).T)
    k = int(np.argmin(distances))
    point = points[candidates[k]]
    n_reachable = _n_reachable(chosen, own)
    return CommandFlip(
        Command(float(point[0]), float(point[1])), int(chosen[candidates[k]]), float(distances[k]), n_reachable, None
    )


def _n_reachable(actions: NDArray[np.int64], own: int) -> int:
    """Different actions, the present one too, which may lie outside the range that was searched."""
    counts = np.bincount(actions.ravel(), minlength=own + 1)
    return int(np.count_nonzero(counts)) + int(counts[own] == 0)


def _confirm(policy: Policy, inputs: NDArray[np.float64], flips: Sequence[CommandFlip | None]) -> None:
    found = [(i, flip) for i, flip in enumerate(flips) if flip is not None]
    if not found:
        return
    commands = np.array([(flip.command.desired_return, flip.command.desired_horizon) for _, flip in found])
    states = inputs[[i for i, _ in found], :-N_COMMANDS]
    theirs = greedy_actions(policy.action_probabilities(input_rows(states, commands)))
    for (i, flip), action in zip(found, theirs, strict=True):
        if action != flip.action:
            raise SelfCheckError(
                f"row {i}: the search gives action {flip.action} at ({flip.command}), the policy {action}"
            )


def _widened(ends: tuple[float, float]) -> tuple[float, float]:
    low, high = ends
    return (low, high) if low < high else (low, float(np.nextafter(low, np.inf)))


@numba.njit(cache=True, nogil=True)
def _parting_nodes(pair, roots, left, right, feature, threshold):  # type: ignore[no-untyped-def]
    """Node of every tree at which two rows part, -1 where they reach the same leaf."""
    nodes = np.full(roots.shape[0], -1, dtype=np.int64)
    for t in range(roots.shape[0]):
        node = roots[t]
        while left[node] >= 0:
            f = feature[node]
            goes_left = pair[0, f] <= threshold[node]
            if goes_left != (pair[1, f] <= threshold[node]):
                nodes[t] = node
                break
            node = left[node] if goes_left else right[node]
    return nodes
