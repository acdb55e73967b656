"""Whether what a loaded policy answers are probabilities at all."""

import numpy as np
from numpy.typing import NDArray

from udrl_explain.policies import Policy

N_ASKED = 8
"""Rows that are tried."""
_TOLERANCE = 1e-6


def check_answers(policy: Policy, rows: NDArray[np.float64]) -> None:
    """Ask a policy about the first few rows.

    Raises
    ------
    ValueError
        If it cannot answer, or an answer is no distribution over the actions.
    """
    rows = rows[:N_ASKED]
    try:
        with np.errstate(all="ignore"):
            answers = policy.action_probabilities(rows)
    except Exception as fault:  # its numbers are a stranger's
        raise ValueError(f"the policy cannot answer for its own rows ({type(fault).__name__}: {fault})") from fault
    sums = answers.sum(axis=1)
    if not np.isfinite(answers).all() or (answers < 0).any() or (np.abs(sums - 1.0) > _TOLERANCE).any():
        raise ValueError("what the policy answers for its own rows are not probabilities that sum to 1")
