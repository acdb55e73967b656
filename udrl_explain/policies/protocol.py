"""What every analysis asks of a policy; ties between actions go to the lowest."""

from os import PathLike
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udrl_explain.commands import CommandScale, n_commands


class GivesProbabilities(Protocol):
    """Whatever can choose actions; see :class:`Policy`."""

    def action_probabilities(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """Probability of every action, shape ``(n_rows, n_actions)``, for rows of shape ``(n_rows, n_features)``."""
        ...


@runtime_checkable
class Policy(Protocol):
    """What every analysis asks of a policy.

    Attributes
    ----------
    n_features : int
        Input columns: the observation, then desired return and desired horizon.
    n_actions : int
        Actions of the environment, also those that the estimator never saw.
    feature_names : tuple of str
        One per input column, the two commands last. A frame of inputs is matched by them.
    action_names : tuple of str
    scale : CommandScale
        Applied to the command columns inside the policy, and nowhere else; ``scale.takes_command`` is False, and no
        feature is a command, for a policy whose rows are observations alone.
    probability_source : str
        "probabilities", or "one-hot predictions" for an estimator without ``predict_proba``.
    """

    @property
    def n_features(self) -> int: ...  # noqa: D102 - the class docstring describes the attributes
    @property
    def n_actions(self) -> int: ...  # noqa: D102
    @property
    def feature_names(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def action_names(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def scale(self) -> CommandScale: ...  # noqa: D102
    @property
    def probability_source(self) -> str: ...  # noqa: D102

    def action_probabilities(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """Probability of every action, shape ``(n_rows, n_actions)``, for rows of shape ``(n_rows, n_features)``.

        A frame is matched by column name, an array read by position.
        """
        ...


def greedy_actions(probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
    """Most probable action of each row, shape ``(n_rows,)``; ties go to the lowest action."""
    return np.asarray(np.argmax(probabilities, axis=1), dtype=np.int64)


def checked_policy(policy: object) -> Policy:
    """Return `policy`, or say what to pass instead.

    Raises
    ------
    ValueError
        If it is no policy.
    """
    if isinstance(policy, Policy):
        return policy
    if hasattr(policy, "policy_note"):
        note = str(policy.policy_note)
        instead = f"which has none: {note}" if getattr(policy, "policy", None) is None else "pass run.policy"
        raise ValueError(f"policy must be a policy, got a run: {instead}")
    if policy is None:
        raise ValueError(
            "policy must be a policy, got None: the run's policy was not stored or cannot be loaded safely, "
            "run.policy_note says which"
        )
    if isinstance(policy, (str, PathLike)):
        raise ValueError(f"policy must be a policy, got the path {str(policy)!r}: pass load_run(folder).policy")
    if hasattr(policy, "predict"):
        raise ValueError(
            f"policy must be a policy, got the estimator {type(policy).__name__}: "
            "pass policy_from_estimator(estimator, n_actions), or policy_from_callable for what is no classifier"
        )
    if callable(policy) and not isinstance(policy, type) and not hasattr(policy, "action_probabilities"):
        raise ValueError(
            f"policy must be a policy, got the function {getattr(policy, '__name__', type(policy).__name__)}: "
            "pass policy_from_callable(function, feature_names, action_names)"
        )
    if hasattr(policy, "action_probabilities"):
        parts = ("n_features", "n_actions", "feature_names", "action_names", "scale", "probability_source")
        missing = [part for part in parts if not hasattr(policy, part)]
        raise ValueError(f"policy must be a policy, got {type(policy).__name__} without {', '.join(missing)}")
    raise ValueError(f"policy must be a policy, got {type(policy).__name__}")


def with_command(policy: object, asker: str) -> Policy:
    """Return `policy` if it takes a command; `asker` names what needs one.

    Raises
    ------
    ValueError
        If it is no policy, or takes no command.
    """
    checked = checked_policy(policy)
    if n_commands(checked.feature_names) == 0:
        raise ValueError(f"{asker} asks what the command does, and this policy takes none (command=None)")
    return checked
