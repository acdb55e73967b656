"""A policy whose estimator is a tree ensemble, held as arrays."""

from dataclasses import dataclass
from typing import TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udrl_explain.commands import CommandScale, checked_inputs
from udrl_explain.forest import Forest
from udrl_explain.names import checked_action_names, checked_feature_names

FLOAT32_MAX = float(np.finfo(np.float32).max)


@dataclass(frozen=True, eq=False)
class ForestPolicy:
    """A policy whose estimator is a tree ensemble.

    Parameters
    ----------
    forest : Forest
        In scaled units.
    scale : CommandScale
        :class:`~udrl_explain.commands.NoCommand` for a policy whose rows are observations.
    feature_names, action_names : tuple of str
        Where none are given, ``state_0 ...`` and the two commands, and ``action 0 ...``.

    Raises
    ------
    ValueError
        If the names do not fit inputs and actions.
    """

    forest: Forest
    scale: CommandScale = CommandScale()
    probability_source: str = "probabilities"
    feature_names: tuple[str, ...] = ()
    action_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        features = checked_feature_names(self.feature_names, self.n_features, self.scale.takes_command)
        object.__setattr__(self, "feature_names", features)
        object.__setattr__(self, "action_names", checked_action_names(self.action_names, self.n_actions))

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
        scaled = self.scale.apply(checked_inputs(inputs, self.feature_names))
        if len(scaled) and self.scale.takes_command and np.abs(scaled[:, -2:]).max() > FLOAT32_MAX:
            raise ValueError("a command times its scale does not fit float32")
        return scaled.astype(np.float32, order="C")

    def action_probabilities(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """Probability of every action, shape ``(n_rows, n_actions)``."""
        return self.forest.probabilities(self.tree_inputs(inputs))


def is_mean_of_trees(policy: object) -> TypeGuard[ForestPolicy]:
    """Whether a policy's probabilities are the mean of its trees', so that a forest's games are sums over trees."""
    return isinstance(policy, ForestPolicy) and policy.forest.link == "mean"
