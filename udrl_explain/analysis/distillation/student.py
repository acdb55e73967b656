"""One tree that imitates a policy: its episodes, and every form in which it can be printed."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from udrl_explain.episodes import Episode
from udrl_explain.policies import ForestPolicy
from udrl_explain.printing.latex import tree_latex
from udrl_explain.printing.rules import tree_python, tree_rules
from udrl_explain.printing.small_trees import COLUMNS, tree_frame
from udrl_explain.results import Drawn, displayed

__all__ = ["COLUMNS", "Student"]


@displayed
@dataclass(frozen=True, eq=False)
class Student(Drawn):
    """One tree and what it did on fresh episodes.

    Parameters
    ----------
    policy : ForestPolicy
        One tree in natural units; `forest` holds its arrays.
    max_leaves : int
        Asked for; it may have fewer.
    episodes : tuple of Episode
        Under the command that returns are judged by; empty where there is no environment to play.
    command_sweep : DataFrame
        One row per episode of the levels; empty without levels.
    method : str
        How it was fitted.
    seed : int
    exact : bool
        True: the table, the rules and the function are the tree, not an estimate of it.
    """

    policy: ForestPolicy
    max_leaves: int
    episodes: tuple[Episode, ...]
    command_sweep: pd.DataFrame
    method: str
    seed: int
    exact: bool = True

    @property
    def n_rows(self) -> int:
        """States of its own episodes."""
        return len(self.visited)

    @property
    def n_leaves(self) -> int:
        """Leaves of the tree."""
        return int(self.policy.forest.is_leaf.sum())

    @property
    def depth(self) -> int:
        """Most tests that a row meets."""
        forest = self.policy.forest
        depth = np.zeros(forest.n_nodes, dtype=np.int64)
        for node in np.flatnonzero(~forest.is_leaf):  # children stand behind their parents
            depth[[forest.children_left[node], forest.children_right[node]]] = depth[node] + 1
        return int(depth.max())

    def to_frame(self) -> pd.DataFrame:
        """One row per node in reading order, columns :data:`COLUMNS`, see ``printing.small_trees``."""
        return tree_frame(self.policy, self.visited)

    def rules(self) -> str:
        """Plain text, one line per test and leaf, with the share of the visited states at each leaf."""
        return tree_rules(self.policy, self.visited)

    def python(self, name: str = "policy") -> str:
        """Source of a Python function of nested ifs that acts as the tree does."""
        return tree_python(self.policy, name)

    def latex(self) -> str:
        """A ``tikzpicture``; the document needs the package ``tikz``."""
        return tree_latex(self.policy, self.visited)

    @property
    def visited(self) -> NDArray[np.float64]:
        """Rows of its episodes, shape ``(n_rows, n_features)``."""
        rows = [episode.inputs for episode in self.episodes]
        return np.concatenate(rows) if rows else np.empty((0, self.policy.n_features))
