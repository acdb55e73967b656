"""Compile the engine's kernel into numba's cache: ``python -m udrl_explain.attributions.warm_up``.

Compiling takes a dozen seconds once after an installation. A command that needs the kernel later starts this in a
process of its own and goes on with other work.
"""

import numpy as np

from udrl_explain.attributions.dispatch import attribute
from udrl_explain.forest import Forest
from udrl_explain.policies import ForestPolicy


def main() -> None:
    """Explain one row of the smallest forest."""
    forest = Forest(
        roots=np.array([0], dtype=np.int32),
        children_left=np.array([1, -1, -1], dtype=np.int32),
        children_right=np.array([2, -1, -1], dtype=np.int32),
        feature=np.array([0, -1, -1], dtype=np.int32),
        threshold=np.zeros(3),
        value=np.array([[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]]),
        cover=np.array([2.0, 1.0, 1.0]),
        impurity=np.array([0.5, 0.0, 0.0]),
        base=np.zeros(2),
        n_features=3,
        link="mean",
    )
    rows = np.zeros((1, 3))
    attribute(ForestPolicy(forest), rows, rows)


if __name__ == "__main__":
    main()
