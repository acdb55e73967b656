"""Command influence: how much the command changes what a policy does in a state.

The *command influence* of an input row is the expected total variation between the action distribution under the
command in force and the one under a command redrawn from those met in training; that of a state alone is the same
for two commands redrawn independently. Both lie between 0 (the policy ignores its command here) and 1. They are sums
over all training commands, not samples.

A forest is not asked row by row: each tree sends all commands of one state down together and parts them only where it
tests a command, so that its tests of the state are made once.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from udrl_explain.command_space.support import CommandSupport, command_support
from udrl_explain.commands import N_COMMANDS, checked_inputs, checked_states
from udrl_explain.compiled import compiled
from udrl_explain.parallel import blocks_of, in_threads
from udrl_explain.policies import ForestPolicy, Policy, greedy_actions, with_command

FROM_COMMAND = "expected total variation of the action distribution when the command in force is redrawn from training"
BETWEEN_COMMANDS = "expected total variation of the action distribution between two commands redrawn from training"
VALUES_AT_ONCE = 1 << 21  # probabilities held at a time: 16 MB
STATES_AT_ONCE = 16  # of a thread; a state costs about as much as another


@dataclass(frozen=True, eq=False)
class CommandInfluence:
    """Command influence of rows.

    Parameters
    ----------
    influence : float64 array of shape (n_rows,)
        Between 0 and 1; see `definition`.
    flip_share : float64 array of shape (n_rows,)
        Probability that the redrawn command (or two of them) changes the greedy action.
    definition : str
        ``FROM_COMMAND`` or ``BETWEEN_COMMANDS``.
    n_commands, n_distinct : int
        Training commands summed over, and how many of them differ.
    exact : bool
        True: the sums run over all training commands.
    """

    influence: NDArray[np.float64]
    flip_share: NDArray[np.float64]
    definition: str
    n_commands: int
    n_distinct: int
    exact: bool = True

    def __post_init__(self) -> None:
        if self.influence.shape != self.flip_share.shape or self.influence.ndim != 1:
            raise ValueError(
                f"influence and flip_share must have one entry per row, got {self.influence.shape} and "
                f"{self.flip_share.shape}"
            )


def command_influence(
    policy: Policy,
    inputs: ArrayLike,
    training_commands: CommandSupport | pd.DataFrame | ArrayLike,
    *,
    n_jobs: int | None = None,
) -> CommandInfluence:
    """Measure what redrawing the command in force would change, row by row.

    Parameters
    ----------
    policy : Policy
        Never modified.
    inputs : array_like of shape (n_rows, n_features)
        States with the command in force, in natural units.
    training_commands : CommandSupport, DataFrame or array_like of shape (n, 2)
        See :func:`~udrl_explain.command_space.support.command_support`. All are used.
    n_jobs : int, optional
        Threads; None takes all cores.

    Returns
    -------
    CommandInfluence

    Raises
    ------
    ValueError
        If an argument does not fit the policy.
    """
    with_command(policy, "command_influence")
    rows = checked_inputs(inputs, policy.feature_names)
    support = command_support(training_commands)
    here = policy.action_probabilities(rows)
    own = greedy_actions(here)
    influence, flip_share = np.empty((2, len(rows)))
    for block, there in probabilities_under(policy, rows[:, :-N_COMMANDS], support.commands, n_jobs):
        variation = np.abs(there - here[block, None, :]).sum(axis=2) / 2
        influence[block] = variation @ support.counts / support.n_commands
        flips = there.argmax(axis=2) != own[block, None]
        flip_share[block] = flips @ support.counts / support.n_commands
    return CommandInfluence(influence, flip_share, FROM_COMMAND, support.n_commands, len(support.counts))


def state_influence(
    policy: Policy,
    states: ArrayLike,
    training_commands: CommandSupport | pd.DataFrame | ArrayLike,
    *,
    n_jobs: int | None = None,
) -> CommandInfluence:
    """Measure how much the command matters in each state, whatever command is in force.

    Parameters
    ----------
    policy : Policy
        Never modified.
    states : array_like of shape (n_rows, n_features - 2)
        Observations, in natural units.
    training_commands : CommandSupport, DataFrame or array_like of shape (n, 2)
        All are used.
    n_jobs : int, optional
        Threads; None takes all cores.

    Returns
    -------
    CommandInfluence
        Its mean over training commands as the command in force is that of :func:`command_influence`.

    Raises
    ------
    ValueError
        If an argument does not fit the policy.
    """
    with_command(policy, "state_influence")
    observations = checked_states(states, policy.feature_names)
    support = command_support(training_commands)
    influence, flip_share = np.empty((2, len(observations)))
    for block, there in probabilities_under(policy, observations, support.commands, n_jobs):
        influence[block] = _mean_pairwise_variation(there, support.counts)
        chosen = there.argmax(axis=2)
        shares = [(chosen == a) @ support.counts / support.n_commands for a in range(policy.n_actions)]
        # Written so that it is exactly 0 where one action takes all.
        flip_share[block] = sum(share * (1.0 - share) for share in shares)
    return CommandInfluence(influence, flip_share, BETWEEN_COMMANDS, support.n_commands, len(support.counts))


def probabilities_under(
    policy: Policy, states: NDArray[np.float64], commands: NDArray[np.float64], n_jobs: int | None = None
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Ask the policy for every state under every command, in blocks of states that fit memory.

    Parameters
    ----------
    policy : Policy
    states : float64 array of shape (n_states, n_features - 2)
    commands : float64 array of shape (n_commands, 2)
    n_jobs : int, optional
        Threads; None takes all cores.

    Yields
    ------
    block : slice
        Of the states.
    probabilities : float64 array of shape (n_block, n_commands, n_actions)
        For forests equal to ``policy.action_probabilities`` bit for bit.
    """
    n_block = max(1, VALUES_AT_ONCE // (len(commands) * policy.n_actions))
    for block in blocks_of(len(states), n_block):
        if isinstance(policy, ForestPolicy):
            yield block, _forest_probabilities(policy, states[block], commands, n_jobs)
            continue
        rows = np.empty((len(states[block]), len(commands), policy.n_features))
        rows[:, :, :-N_COMMANDS] = states[block, None, :]
        rows[:, :, -N_COMMANDS:] = commands
        flat = policy.action_probabilities(rows.reshape(-1, policy.n_features))
        yield block, flat.reshape(*rows.shape[:2], policy.n_actions)


def _mean_pairwise_variation(probabilities: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean total variation over all ordered pairs of commands, with themselves too; shape ``(n_states,)``.

    Per action, the mean absolute difference of two draws is twice the integral of F (1 - F) over the sorted
    values: no pairs are formed, and equal values give exactly 0.
    """
    order = np.argsort(probabilities, axis=1)
    gaps = np.diff(np.take_along_axis(probabilities, order, axis=1), axis=1)
    below = np.cumsum(counts[order], axis=1)[:, :-1] / counts.sum()
    return np.asarray((gaps * below * (1.0 - below)).sum(axis=(1, 2)))


def _forest_probabilities(
    policy: ForestPolicy, states: NDArray[np.float64], commands: NDArray[np.float64], n_jobs: int | None
) -> NDArray[np.float64]:
    forest = policy.forest
    rows = np.zeros((max(len(states), len(commands)), policy.n_features))
    rows[: len(states), :-N_COMMANDS] = states
    rows[: len(commands), -N_COMMANDS:] = commands
    tree_rows = policy.tree_inputs(rows)
    tree_commands = np.ascontiguousarray(tree_rows[: len(commands), -N_COMMANDS:])
    totals = np.empty((len(states), len(commands), forest.n_actions))
    totals[:] = forest.base

    def work(part: slice) -> None:
        _add_trees(
            tree_rows[: len(states)][part], tree_commands, forest.splits, forest.value,
            np.arange(len(commands)), np.empty((forest.n_nodes + 1, 3), dtype=np.int64), totals[part],
        )  # fmt: skip

    in_threads(work, blocks_of(len(states), STATES_AT_ONCE), n_jobs)
    if forest.link == "mean":
        totals /= forest.n_trees
        return totals
    return forest.link_outputs(totals.reshape(-1, forest.n_actions)).reshape(totals.shape)


@compiled
def _add_trees(  # type: ignore[no-untyped-def]
    rows, commands, splits, value, order, stack, totals
):
    """Send all commands of each state down every tree; the commands of one node stand together in `order`."""
    n_observations = rows.shape[1] - commands.shape[1]
    n_commands = commands.shape[0]
    for i in range(rows.shape[0]):
        for t in range(splits.roots.shape[0]):
            stack[0, 0], stack[0, 1], stack[0, 2] = splits.roots[t], 0, n_commands
            size = 1
            while size > 0:
                size -= 1
                node, start, end = stack[size, 0], stack[size, 1], stack[size, 2]
                while splits.left[node] >= 0:
                    f = splits.feature[node]
                    if f < n_observations:
                        node = splits.left[node] if rows[i, f] <= splits.threshold[node] else splits.right[node]
                        continue
                    column = f - n_observations
                    # Parting in place; the order within a side does not matter.
                    low, high = start, end
                    while low < high:
                        if commands[order[low], column] <= splits.threshold[node]:
                            low += 1
                        else:
                            high -= 1
                            order[low], order[high] = order[high], order[low]
                    if low == start:
                        node = splits.right[node]
                    else:
                        if low < end:
                            stack[size, 0], stack[size, 1], stack[size, 2] = splits.right[node], low, end
                            size += 1
                        node = splits.left[node]
                        end = low
                # Each command adds its leaves in the order of the trees, as the policy does. Adding 0 changes no bit
                # and is left out: most leaves are pure.
                for a in range(value.shape[1]):
                    amount = value[node, a]
                    if amount != 0.0:
                        for k in range(start, end):
                            totals[i, order[k], a] += amount
