"""The usual slips where a policy is asked for (a run, a path, an estimator, None), each answered with what to write."""

from os import PathLike

from udrl_explain.policies import Policy


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
            "pass policy_from_estimator(estimator, n_actions)"
        )
    raise ValueError(f"policy must be a policy, got {type(policy).__name__}")
