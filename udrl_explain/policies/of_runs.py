"""Take a run where a policy is asked for: its policy, and the rows of its last fit as the background."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from udrl_explain.policies.protocol import Policy, checked_policy

N_ROWS = 200
"""Rows that stand for a run where none are given."""


@runtime_checkable
class PolicyOwner(Protocol):
    """What stands for a policy: a loaded run."""

    @property
    def policy(self) -> Policy | None:
        """None where it cannot be loaded; `policy_note` says why."""

    @property
    def policy_note(self) -> str: ...  # noqa: D102
    @property
    def training_inputs(self) -> NDArray[np.float64]:
        """Rows of the last fit, shape ``(n_rows, n_features)``."""


def policy_and_background(run_or_policy: object, background: Any) -> tuple[Policy, Any, PolicyOwner | None]:
    """Return the policy, its background, and the run if it was one.

    Parameters
    ----------
    run_or_policy : Run or Policy
    background : optional
        Whatever the analysis takes, handed on unread. Of a run, the rows of its last fit by default.

    Raises
    ------
    ValueError
        If it is neither, or the run has no policy; the message names what to pass.
    """
    if isinstance(run_or_policy, PolicyOwner) and run_or_policy.policy is not None:
        known = run_or_policy.training_inputs if background is None else background
        return checked_policy(run_or_policy.policy), known, run_or_policy
    return checked_policy(run_or_policy), background, None


def evenly_chosen(parts: Sequence[NDArray[np.float64]], most: int) -> NDArray[np.float64]:
    """Evenly chosen rows of each part, in order, as many of each and no more than `most` in all."""
    kept = [part for part in parts if len(part)]
    if not kept:
        return np.empty((0, 0))
    each = most // len(kept)
    return np.concatenate(
        [part[np.unique(np.linspace(0, len(part) - 1, min(each, len(part))).astype(int))] for part in kept]
    )


def episode_rows(run: PolicyOwner | None) -> NDArray[np.float64]:
    """All rows of a run's final episodes; none where it has none."""
    episodes = getattr(run, "episodes", ())
    return np.concatenate([episode.inputs for episode in episodes]) if episodes else np.empty((0, 0))
