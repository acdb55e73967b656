"""Evenly chosen places of a sequence, its ends among them."""

import numpy as np
from numpy.typing import NDArray


def even_places(n: int, most: int) -> NDArray[np.intp]:
    """Choose at most `most` of the places 0 to ``n - 1``, evenly and in order: all where there are no more."""
    return np.unique(np.linspace(0, n - 1, min(most, n)).round().astype(np.intp))
