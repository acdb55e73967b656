"""Which nearest command would have changed the action of each row, and the test that decides it.

Searched is the training range: the rectangle from the lowest to the highest desired return and horizon of the
training commands. It holds commands that no training row came near; so beside the nearest flip of the range stands
the nearest one to a *seen* command. The command in force may lie outside.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from udrl_explain.command_space.cells import command_cells
from udrl_explain.command_space.influence import probabilities_under
from udrl_explain.command_space.nearest_changes import (
    CommandChange,
    marked_change,
    nearest_in_cells,
    nearest_point,
    nearest_seen_in_cells,
)
from udrl_explain.command_space.seen_region import SeenRegion, seen_region
from udrl_explain.command_space.support import CommandSupport
from udrl_explain.commands import N_COMMANDS, Command, input_rows
from udrl_explain.parallel import in_threads
from udrl_explain.policies import ForestPolicy, Policy, greedy_actions
from udrl_explain.self_check import SelfCheckError
from udrl_explain.trees.partings import DecisiveTest, decisive_test

CELLS_METHOD = "exact cells of the forest over the training range"


@dataclass(frozen=True)
class CommandFlip:
    """The nearest commands of the training range that change the greedy action of one row.

    Parameters
    ----------
    nearest : CommandChange
        Of all commands of the training range; confirmed by the policy.
    seen : CommandChange or None
        Of the seen ones; None where none was found.
    seen_infimum : float or None
        No seen command of the range nearer than this flips; infinite where none does. None for policies that are no
        forests: only the training commands themselves were asked.
    n_actions_reachable : int
        Different greedy actions that the commands searched give in this state.
    decisive, seen_decisive : DecisiveTest or None
        Where most trees part between the command in force and the nearest, or the nearest seen; thresholds in natural
        units. None for policies that are no forests, and where there is no such change.
    """

    nearest: CommandChange
    seen: CommandChange | None
    seen_infimum: float | None
    n_actions_reachable: int
    decisive: DecisiveTest | None
    seen_decisive: DecisiveTest | None


def command_flips(
    policy: Policy,
    inputs: NDArray[np.float64],
    support: CommandSupport,
    grid: tuple[int, int],
    *,
    n_jobs: int | None = None,
) -> tuple[list[CommandFlip | None], str, bool]:
    """Find the nearest flips of every row.

    Parameters
    ----------
    policy : Policy
    inputs : float64 array of shape (n_rows, n_features)
        States with the command in force.
    support : CommandSupport
    grid : (n_returns, n_horizons)
        Commands asked of a policy that is no forest, evenly over the training range, ends included; it is asked under
        all training commands too.
    n_jobs : int, optional
        Threads; None takes all cores.

    Returns
    -------
    flips : list of CommandFlip or None
        None where no command searched changes the action.
    method : str
    exact : bool

    Raises
    ------
    SelfCheckError
        If the policy does not confirm a flip found.
    """
    own = greedy_actions(policy.action_probabilities(inputs))
    if isinstance(policy, ForestPolicy):
        forest_policy, region = policy, seen_region(support)
        flips = in_threads(
            lambda i: _flip_in_cells(forest_policy, inputs[i], int(own[i]), support, region), range(len(own)), n_jobs
        )
        method, exact = CELLS_METHOD, True
    else:
        axes = [
            np.linspace(low, high, n) if low < high else np.array([low])
            for (low, high), n in zip((support.returns, support.horizons), grid, strict=True)
        ]
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, N_COMMANDS)
        flips = list(_flips_among_points(policy, inputs, own, support, points, n_jobs))
        shape = f"{len(axes[0])} x {len(axes[1])}"
        method, exact = f"grid of {shape} commands over the training range, and the training commands", False
    _confirm(policy, inputs, flips)
    return _marked(flips, support), method, exact


def _flip_in_cells(
    policy: ForestPolicy, row: NDArray[np.float64], own: int, support: CommandSupport, region: SeenRegion
) -> CommandFlip | None:
    ends = (support.returns, support.horizons)
    # Where all training commands agree the plane is one float64 step wide; that step is outside of the range.
    planes = [(low, high) if low < high else (low, float(np.nextafter(low, np.inf))) for low, high in ends]
    cells = command_cells(policy, row[:-N_COMMANDS], planes[0], planes[1], n_jobs=1)  # rows are shared out already
    here = Command(float(row[-2]), float(row[-1]))
    nearest = nearest_in_cells(cells, here, support.spread, own, within=ends)
    if nearest is None:
        return None
    seen, seen_infimum = nearest_seen_in_cells(
        cells, here, support.spread, own, None, nearest, support, region, within=ends
    )
    searched = cells.actions[tuple(slice(None) if low < high else slice(1) for low, high in ends)]
    tests = [None if change is None else _test_between(policy, row, change.command) for change in (nearest, seen)]
    return CommandFlip(nearest, seen, seen_infimum, _n_reachable(searched, own), tests[0], tests[1])


def _flips_among_points(
    policy: Policy,
    inputs: NDArray[np.float64],
    own: NDArray[np.int64],
    support: CommandSupport,
    points: NDArray[np.float64],
    n_jobs: int | None,
) -> Iterator[CommandFlip | None]:
    seen_points = support.seen_commands
    asked = np.concatenate([points, seen_points])
    for block, there in probabilities_under(policy, inputs[:, :-N_COMMANDS], asked, n_jobs):
        for row, here, chosen in zip(inputs[block], own[block].tolist(), there.argmax(axis=2), strict=True):
            command = Command(float(row[-2]), float(row[-1]))
            nearest = nearest_point(asked, chosen, command, support.spread, here)
            seen = nearest_point(seen_points, chosen[len(points) :], command, support.spread, here)
            if nearest is None:
                yield None
            else:
                yield CommandFlip(nearest, seen, None, _n_reachable(chosen, here), None, None)


def _test_between(policy: ForestPolicy, row: NDArray[np.float64], command: Command) -> DecisiveTest:
    other = row.copy()
    other[-N_COMMANDS:] = command.desired_return, command.desired_horizon
    test = decisive_test(policy.forest, policy.tree_inputs(np.stack([row, other])))
    return test._replace(threshold=test.threshold / float(policy.scale.factors(policy.n_features)[test.feature]))


def _n_reachable(actions: NDArray[np.int64], own: int) -> int:
    """Different actions, the present one too, which may lie outside the range that was searched."""
    counts = np.bincount(actions.ravel(), minlength=own + 1)
    return int(np.count_nonzero(counts)) + int(counts[own] == 0)


def _confirm(policy: Policy, inputs: NDArray[np.float64], flips: list[CommandFlip | None]) -> None:
    found = [
        (i, change)
        for i, flip in enumerate(flips)
        if flip is not None
        for change in (flip.nearest, flip.seen)
        if change is not None
    ]
    if not found:
        return
    commands = np.array([(change.command.desired_return, change.command.desired_horizon) for _, change in found])
    states = inputs[[i for i, _ in found], :-N_COMMANDS]
    theirs = greedy_actions(policy.action_probabilities(input_rows(states, commands)))
    for (i, change), action in zip(found, theirs, strict=True):
        if action != change.action:
            raise SelfCheckError(
                f"row {i}: the search gives action {change.action} at ({change.command}), the policy {action}"
            )


def _marked(flips: list[CommandFlip | None], support: CommandSupport) -> list[CommandFlip | None]:
    """The flips, each change with whether its command is seen."""
    marked: list[CommandFlip | None] = []
    for flip in flips:
        if flip is None:
            marked.append(None)
            continue
        seen = None if flip.seen is None else marked_change(flip.seen, support, must_be_seen=True)
        marked.append(replace(flip, nearest=marked_change(flip.nearest, support), seen=seen))
    return marked
