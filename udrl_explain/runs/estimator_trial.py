"""Try a foreign estimator in a process of its own, which may crash: ``python -m udrl_explain.runs.estimator_trial``."""

import hashlib
import io
import json
import os
import signal
import subprocess
import sys

import numpy as np
from numpy.typing import NDArray

from udrl_explain.commands import CommandScale
from udrl_explain.policies import policy_from_estimator
from udrl_explain.runs.answers import N_ASKED, check_answers
from udrl_explain.runs.estimator_files import load_estimator

MOST_SECONDS = 120.0
"""After which a trial counts as failed; an honest one takes two or three."""
_REFUSED = 3
_LONGEST_REASON = 500
_MODULE = "udrl_explain.runs.estimator_trial"
_passed: set[bytes] = set()


def try_estimator(
    stored: bytes,
    n_actions: int,
    scale: CommandScale,
    rows: NDArray[np.float64],
    feature_names: tuple[str, ...] | None = None,
) -> None:
    """Load an estimator and let it predict, out of harm's way; what has passed in this process is not tried again.

    Parameters
    ----------
    stored : bytes
        Contents of a ``.skops`` file.
    n_actions : int
    scale : CommandScale
    rows : float64 array of shape (n_rows, n_features)
        Of which it is asked the first few; a row of zeros where there are none.
    feature_names : tuple of str, optional
        What its columns are called.

    Raises
    ------
    ValueError
        If it is damaged, crashes, answers nothing in time, or answers what are no probabilities.
    """
    packed = io.BytesIO()
    np.save(packed, rows[:N_ASKED], allow_pickle=False)
    head = {
        "n_actions": n_actions,
        "return_scale": scale.return_scale,
        "horizon_scale": scale.horizon_scale,
        "feature_names": feature_names,
        "n_bytes_of_rows": len(packed.getvalue()),
    }
    asked = json.dumps(head).encode() + b"\n" + packed.getvalue() + stored
    digest = hashlib.sha256(asked).digest()
    if digest in _passed:
        return
    # It finds the package where this process found it, and one thread is enough.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-W", "ignore", "-m", _MODULE],
            input=asked,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=MOST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ValueError(f"the estimator did not answer within {MOST_SECONDS:g} seconds") from None
    if done.returncode == _REFUSED:
        raise ValueError(done.stdout.decode("utf-8", "replace")[:_LONGEST_REASON])
    if done.returncode < 0:
        raise ValueError(f"the estimator crashes scikit-learn ({signal.Signals(-done.returncode).name})")
    if done.returncode != 0:
        raise ValueError(f"the process that tried the estimator ended with status {done.returncode}")
    _passed.add(digest)


def main() -> int:
    """Try what arrives on stdin; say on stdout why it is refused."""
    head = json.loads(sys.stdin.buffer.readline())
    rows = np.load(io.BytesIO(sys.stdin.buffer.read(head["n_bytes_of_rows"])), allow_pickle=False)
    try:
        estimator = load_estimator(sys.stdin.buffer.read())
        scales = head["return_scale"], head["horizon_scale"]
        policy = policy_from_estimator(estimator, head["n_actions"], *scales, feature_names=head["feature_names"])
        if len(rows) == 0:
            rows = np.zeros((1, policy.n_features))
        if rows.shape[1] == policy.n_features:  # the caller says what is wrong if not
            check_answers(policy, rows)
    except ValueError as fault:
        sys.stdout.buffer.write(str(fault).encode("utf-8", "backslashreplace"))
        return _REFUSED
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
