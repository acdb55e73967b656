"""Shapley values and interactions as objects of the package shapiq, for the plots you know there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def interaction_values(
    tables: Sequence[dict[tuple[int, ...], float]], *, index: str, order: int, n_players: int, estimated: bool
) -> list[Any]:
    """One ``shapiq.InteractionValues`` per table of values by subset of the inputs; the empty one is the base value.

    Raises
    ------
    ImportError
        If shapiq is not installed.
    """
    try:
        import shapiq  # needed for this alone, and no dependency
    except ImportError as fault:
        raise ImportError(f"to_shapiq needs the package shapiq (pip install shapiq): {fault}") from fault
    return [
        shapiq.InteractionValues(
            values=np.array(list(table.values())),
            interaction_lookup={subset: place for place, subset in enumerate(table)},
            index=index,
            max_order=order,
            min_order=0,
            n_players=n_players,
            estimated=estimated,
            baseline_value=table[()],
        )
        for table in tables
    ]


def chosen_action(action: int | str | None, action_names: Sequence[str]) -> int:
    """Return the action's number.

    Raises
    ------
    ValueError
        If there is no such action, or none is given and there are several.
    """
    if action is None and len(action_names) == 1:
        return 0
    if isinstance(action, str) and action in action_names:
        return list(action_names).index(action)
    if action is None or isinstance(action, str) or not 0 <= action < len(action_names):
        raise ValueError(f"action must be 0..{len(action_names) - 1} or one of {tuple(action_names)}, got {action!r}")
    return int(action)


def tables_of_values(values: NDArray[np.float64], base: float) -> list[dict[tuple[int, ...], float]]:
    """By subset, of values of shape ``(n_rows, n_features)``."""
    return [{(): base} | {(j,): float(value) for j, value in enumerate(row)} for row in values]


def tables_of_pairs(values: NDArray[np.float64], base: float) -> list[dict[tuple[int, ...], float]]:
    """By subset, of halved pairs and main effects of shape ``(n_rows, n_features, n_features)``."""
    pairs = [(int(i), int(j)) for i, j in zip(*np.triu_indices(values.shape[1], k=1), strict=True)]
    return [
        {(): base}
        | {(j,): float(row[j, j]) for j in range(len(row))}
        | {(i, j): float(row[i, j] + row[j, i]) for i, j in pairs}
        for row in values
    ]
