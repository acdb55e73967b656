"""One tree line by line: what every other form of it is made from."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from udrl_explain.commands import checked_inputs, n_observations
from udrl_explain.names import feature
from udrl_explain.policies import ForestPolicy

COLUMNS = (
    "line", "node", "parent", "branch", "depth", "is_leaf", "feature", "is_command", "threshold", "unit", "action",
    "action_name", "probability", "share", "n_rows",
)  # fmt: skip
ROOT, YES, NO = "root", "yes", "no"


@dataclass(frozen=True)
class Line:
    """A node of the tree, parents before their children, the side that says yes first.

    Parameters
    ----------
    node, parent : int
        Of the policy's forest; -1 above the root.
    branch : {"root", "yes", "no"}
        The parent's answer that leads here.
    depth : int
        Tests above it.
    column : int
        Input tested; -1 at a leaf.
    threshold : float
        In natural units: an input at most this says yes.
    action : int
        The most probable one here.
    probability : float
        Of that action.
    """

    node: int
    parent: int
    branch: str
    depth: int
    column: int
    threshold: float
    action: int
    probability: float

    @property
    def is_leaf(self) -> bool:
        """Whether nothing is tested here."""
        return self.column < 0


def lines_of(policy: ForestPolicy) -> list[Line]:
    """Nodes of a policy of one tree, in the order in which they are read.

    Raises
    ------
    ValueError
        If the policy is no single tree whose leaves hold probabilities.
    """
    if not isinstance(policy, ForestPolicy) or policy.forest.n_trees != 1 or policy.forest.link != "mean":
        kind = policy.forest if isinstance(policy, ForestPolicy) else type(policy).__name__
        raise ValueError(f"only a policy of a single tree can be printed, got {kind}: distill(...) makes one")
    forest = policy.forest
    factors = policy.scale.factors(policy.n_features)
    lines: list[Line] = []
    stack = [(0, -1, ROOT, 0)]
    while stack:
        node, parent, branch, depth = stack.pop()
        column = int(forest.feature[node])
        threshold = float(forest.threshold[node] / factors[column]) if column >= 0 else np.nan
        action = int(forest.value[node].argmax())
        lines.append(Line(node, parent, branch, depth, column, threshold, action, float(forest.value[node, action])))
        if column >= 0:
            stack.append((int(forest.children_right[node]), node, NO, depth + 1))
            stack.append((int(forest.children_left[node]), node, YES, depth + 1))
    return lines


def tree_frame(policy: ForestPolicy, rows: ArrayLike | None = None) -> pd.DataFrame:
    """One row per node in reading order, columns :data:`COLUMNS`.

    Parameters
    ----------
    policy : ForestPolicy
        Of one tree.
    rows : array_like of shape (n_rows, n_features), optional
        States that it visited: `share` is the part of them that reaches a node, NaN without any.

    Raises
    ------
    ValueError
        If the policy is no single tree, or the rows do not fit it.
    """
    lines = lines_of(policy)
    n_rows, shares = 0, np.full(policy.forest.n_nodes, np.nan)
    if rows is not None:
        visited = checked_inputs(rows, policy.feature_names)
        n_rows = len(visited)
        if n_rows:
            shares = _reached(policy, visited) / n_rows
    n_state = n_observations(policy.feature_names)
    return pd.DataFrame(
        [
            {
                "line": number,
                "node": line.node,
                "parent": line.parent,
                "branch": line.branch,
                "depth": line.depth,
                "is_leaf": line.is_leaf,
                "feature": "" if line.is_leaf else policy.feature_names[line.column],
                "is_command": line.column >= n_state,
                "threshold": line.threshold,
                "unit": "" if line.is_leaf else feature(policy.feature_names[line.column]).unit,
                "action": line.action,
                "action_name": policy.action_names[line.action],
                "probability": line.probability,
                "share": shares[line.node],
                "n_rows": n_rows,
            }
            for number, line in enumerate(lines)
        ],
        columns=list(COLUMNS),
    )


def digits_of(threshold: float) -> str:
    """The threshold with as few digits as say it exactly."""
    short = f"{threshold:.6g}"
    return short if float(short) == threshold else repr(float(threshold))


def _reached(policy: ForestPolicy, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows that reach each node, shape ``(n_nodes,)``."""
    forest = policy.forest
    counts = np.bincount(forest.leaves(policy.tree_inputs(rows))[:, 0], minlength=forest.n_nodes).astype(np.float64)
    for node in np.flatnonzero(~forest.is_leaf)[::-1]:  # children stand behind their parents
        counts[node] = counts[forest.children_left[node]] + counts[forest.children_right[node]]
    return counts
