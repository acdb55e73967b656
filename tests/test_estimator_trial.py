"""Sizes and damage of ``policy.skops``, and the process of its own in which a foreign estimator is tried first."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
from estimator_helpers import ESTIMATORS, ROWS, SCALE, policy_of, refused, rewrite_members, store
from sklearn.svm import SVC

from udrl_explain.runs import estimator_trial
from udrl_explain.runs.policy_files import ESTIMATOR_FILE, load_policy, save_policy


@pytest.fixture(autouse=True)
def _nothing_passed_before(monkeypatch):
    monkeypatch.setattr(estimator_trial, "_passed", set())


@pytest.fixture
def no_trial(monkeypatch):
    monkeypatch.setattr("udrl_explain.runs.estimator_trial.try_estimator", lambda *_: None)


# Sizes before memory is taken -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_trial")
def test_what_unpacks_to_too_much_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    save_policy(policy_of(SVC), tmp_path)
    packed = (tmp_path / ESTIMATOR_FILE).stat().st_size
    monkeypatch.setattr("udrl_explain.runs.estimator_files.MOST_BYTES", packed + 10)
    refused(tmp_path, rf"unpacks to \d+ bytes, the limit is {packed + 10}")
    monkeypatch.setattr("udrl_explain.runs.estimator_files.MOST_BYTES", packed - 10)
    refused(tmp_path, f"holds {packed} bytes, the limit is {packed - 10}")


@pytest.mark.usefixtures("no_trial")
def test_an_array_that_promises_more_than_it_brings_is_refused(tmp_path):
    save_policy(policy_of(SVC), tmp_path)
    promise = io.BytesIO()
    np.lib.format.write_array_header_1_0(promise, {"descr": "<f8", "fortran_order": False, "shape": (10**9, 6)})
    rewrite_members(
        tmp_path / ESTIMATOR_FILE, lambda name, content: promise.getvalue() if name.endswith(".npy") else content
    )
    refused(tmp_path, "its header promises 48000000000 bytes of numbers, 0 are there")


@pytest.mark.usefixtures("no_trial")
@pytest.mark.parametrize("kind", ESTIMATORS)
def test_flipped_bits_are_refused_by_name_or_harmless(tmp_path, kind):
    """The bug: zlib.error, EOFError, NotImplementedError and others came through, and ended a whole report."""
    save_policy(policy_of(ESTIMATORS[kind]), tmp_path)
    path = tmp_path / ESTIMATOR_FILE
    whole = path.read_bytes()
    generator = np.random.default_rng(5)
    n_refused = 0
    for where in generator.choice(len(whole), 30, replace=False):
        path.write_bytes(whole[:where] + bytes([whole[where] ^ int(generator.integers(1, 256))]) + whole[where + 1 :])
        try:
            load_policy(tmp_path, 3, SCALE)
        except ValueError as fault:
            n_refused += 1
            assert str(path) in str(fault)  # noqa: PT017 - most flips, not all, are refused
    assert n_refused > 15


# The process that tries a foreign estimator first -----------------------------------------------------------------


def test_an_honest_estimator_passes_its_trial(tmp_path):
    policy = policy_of(ESTIMATORS["nearest neighbours"])
    save_policy(policy, tmp_path)
    loaded = load_policy(tmp_path, 3, SCALE, ROWS)
    np.testing.assert_array_equal(loaded.action_probabilities(ROWS), policy.action_probabilities(ROWS))


def test_the_same_bytes_are_tried_once_and_others_again(tmp_path, monkeypatch):
    """A report reads a run again when it has let it go; a trial takes seconds."""
    trials = []

    def pass_all(*_, input, **__):
        trials.append(input)
        return subprocess.CompletedProcess([], 0 if len(trials) != 2 else 7)

    save_policy(policy_of(ESTIMATORS["nearest neighbours"]), tmp_path)
    monkeypatch.setattr(estimator_trial.subprocess, "run", pass_all)
    for _ in range(3):
        load_policy(tmp_path, 3, SCALE, ROWS)
    assert len(trials) == 1
    save_policy(policy_of(ESTIMATORS["logistic regression"]), tmp_path)
    refused(tmp_path, "ended with status 7")  # and is tried again, since it did not pass
    load_policy(tmp_path, 3, SCALE, ROWS)
    load_policy(tmp_path, 3, SCALE, ROWS[:2])
    assert len(trials) == len(set(trials)) + 1 == 4


def test_an_answer_that_is_no_distribution_is_refused(tmp_path):
    estimator = policy_of(ESTIMATORS["logistic regression"]).estimator
    estimator.coef_ = estimator.coef_ * np.nan
    store(estimator, tmp_path)
    refused(tmp_path, r"policy\.skops: .*(not probabilities that sum to 1|cannot answer for its own rows)")


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", r"the estimator crashes scikit-learn \(SIGSEGV\)"),
        ("import time; time.sleep(60)", "did not answer within 0.5 seconds"),
        ("raise SystemExit(7)", "ended with status 7"),
    ],
)
def test_a_crash_or_a_silence_costs_one_process_and_is_named(tmp_path, monkeypatch, program, message):
    save_policy(policy_of(ESTIMATORS["nearest neighbours"]), tmp_path)
    monkeypatch.setattr(estimator_trial, "MOST_SECONDS", 0.5 if "sleep" in program else 60.0)
    run = subprocess.run

    def run_instead(command, **others):
        assert command[0] == sys.executable
        return run([sys.executable, "-c", program], **others)

    monkeypatch.setattr(estimator_trial.subprocess, "run", run_instead)
    refused(tmp_path, message)


def test_the_trial_itself_lets_no_crash_of_python_through(tmp_path, monkeypatch, capfdbinary):
    """``main`` with what :func:`try_estimator` sends: whatever a damaged file raises is a reason, not a traceback."""
    save_policy(policy_of(ESTIMATORS["nearest neighbours"]), tmp_path)
    stored = (tmp_path / ESTIMATOR_FILE).read_bytes()
    packed = io.BytesIO()
    np.save(packed, ROWS[:3])
    head = {
        "n_actions": 3,
        "return_scale": 0.02,
        "horizon_scale": 0.5,
        "feature_names": None,
        "n_bytes_of_rows": len(packed.getvalue()),
    }
    for content, status in ((stored, 0), (stored[:-100], 3), (b"", 3)):
        sent = io.TextIOWrapper(io.BytesIO(json.dumps(head).encode() + b"\n" + packed.getvalue() + content))
        monkeypatch.setattr(sys, "stdin", sent)
        assert estimator_trial.main() == status
    sys.stdout.flush()
    assert b"not a readable estimator" in capfdbinary.readouterr().out
