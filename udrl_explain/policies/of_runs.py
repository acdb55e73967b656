"""Take a run where a policy is asked for: its policy, and the rows of its last fit as the background."""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udrl_explain.policies.protocol import Policy, checked_policy


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


def policy_and_background(
    run_or_policy: object, background: ArrayLike | None
) -> tuple[Policy, ArrayLike | None, PolicyOwner | None]:
    """Return the policy, its background, and the run if it was one.

    Parameters
    ----------
    run_or_policy : Run or Policy
    background : array_like of shape (n_background, n_features), optional
        Of a run, the rows of its last fit by default.

    Raises
    ------
    ValueError
        If it is neither, or the run has no policy; the message names what to pass.
    """
    if isinstance(run_or_policy, PolicyOwner) and run_or_policy.policy is not None:
        known = run_or_policy.training_inputs if background is None else background
        return checked_policy(run_or_policy.policy), known, run_or_policy
    return checked_policy(run_or_policy), background, None
