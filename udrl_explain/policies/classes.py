"""The classes of an estimator are actions of the environment."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def check_classes(classes: NDArray[Any], n_actions: int) -> None:
    """Raise a ValueError unless `classes` are different actions in ascending order."""
    valid = classes.ndim == 1 and classes.size > 0 and classes.dtype.kind in "iuf"
    if valid:
        numbers = classes.astype(np.float64)
        valid = bool((numbers == np.floor(numbers)).all() and (np.diff(numbers) > 0).all())
        valid = valid and bool(numbers[0] >= 0 and numbers[-1] < n_actions)
    if not valid:
        raise ValueError(f"classes must be actions 0..{n_actions - 1} in ascending order, got {classes}")
