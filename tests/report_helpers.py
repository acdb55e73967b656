"""Two tiny experiments and their report, made once for all tests that look at them."""

import os
import subprocess
import sys

import pytest

from udrl_explain import TrainConfig, train_policy

RUNS = {"trees": ("ensemble.RandomForestClassifier", (1, 2)), "net": ("neural", (1,))}
_MADE = {}


def tiny_training(estimator_name, seed, **changes):
    """Settings of a training that takes a second."""
    small = {
        "recipe": "paper", "max_episode": 3, "collect_episode": 3, "warm_up": 6, "memory_size": 20, "last_few": 4,
        "testing_period": 1, "final_testing_sample": 3,
    }  # fmt: skip
    if estimator_name == "neural":
        small |= {"batch_size": 4, "train_per_iter": 2}
    return TrainConfig(estimator_name=estimator_name, seed=seed, **(small | changes))


def run_module(module, *arguments, folder, environment=None):
    """Run ``python -m <module>`` as a user does."""
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | (environment or {}),
        timeout=300,
    )


@pytest.fixture(scope="session")
def tiny_place(tmp_path_factory):
    """A folder with ``data/CartPole-v0``: a forest with two seeds and a net with one. Only to be read."""
    if "place" not in _MADE:
        place = tmp_path_factory.mktemp("tiny")
        for experiment, (estimator_name, seeds) in RUNS.items():
            for seed in seeds:
                train_policy(tiny_training(estimator_name, seed), place / "data", experiment=experiment)
        _MADE["place"] = place
    return _MADE["place"]


@pytest.fixture(scope="session")
def tiny_report(tiny_place):
    """Its report as the command writes it, ``reports/CartPole-v0``; what the command said is beside it. To be read."""
    if "report" not in _MADE:
        done = run_module("udrl_explain.report", "data", folder=tiny_place)
        _MADE["report"] = (tiny_place / "reports" / "CartPole-v0", done)
    return _MADE["report"]


def modules_after_help(module, folder):
    """Names of the modules that ``python -m <module> --help`` imported."""
    code = (
        "import runpy, sys\n"
        f"sys.argv = ['x', '--help']\n"
        f"try:\n    runpy.run_module({module!r}, run_name='__main__')\n"
        "except SystemExit as stop:\n    assert not stop.code, stop.code\n"
        "sys.stderr.write(' '.join(sorted(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "usage" in done.stdout
    return {name.split(".")[0] for name in done.stderr.split()}
