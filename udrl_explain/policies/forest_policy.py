"""A policy whose estimator is a tree ensemble, held as arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udrl_explain.commands import CommandScale, checked_inputs
from udrl_explain.forest import Forest

FLOAT32_MAX = float(np.finfo(np.float32).max)


@dataclass(frozen=True, eq=False)
class ForestPolicy:
    """A policy whose estimator is a tree ensemble.

    Parameters
    ----------
    forest : Forest
        In scaled units.
    scale : CommandScale
    """

    forest: Forest
    scale: CommandScale = CommandScale()
    probability_source: str = "probabilities"

    @property
    def n_features(self) -> int:
        """Input columns."""
        return self.forest.n_features

    @property
    def n_actions(self) -> int:
        """Actions of the environment."""
        return self.forest.n_actions

    def tree_inputs(self, inputs: ArrayLike) -> NDArray[np.float32]:
        """Rows as the trees compare them: scaled, then float32; shape ``(n_rows, n_features)``.

        Raises
        ------
        ValueError
            See :func:`~udrl_explain.commands.checked_inputs`; also if scaling leaves the range of float32.
        """
        scaled = self.scale.apply(checked_inputs(inputs, self.n_features))
        if len(scaled) and np.abs(scaled[:, -2:]).max() > FLOAT32_MAX:
            raise ValueError("a command times its scale does not fit float32")
        return scaled.astype(np.float32)

    def action_probabilities(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """Probability of every action, shape ``(n_rows, n_actions)``."""
        return self.forest.probabilities(self.tree_inputs(inputs))
