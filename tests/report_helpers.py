"""Two tiny experiments and their report, made once for all tests that look at them."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from udrl_explain import TrainConfig, load_run, train_policy
from udrl_explain.files.atomic import write_text_whole
from udrl_explain.runs import store_performance

RUNS = {"trees": ("ensemble.RandomForestClassifier", (1, 2)), "net": ("neural", (1,))}


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
        timeout=900,  # a busy machine must not fail a test
    )


def made_once(name, tmp_path_factory, make):
    """A folder that ``make(folder)`` fills once in a test run; other workers wait until it is whole."""
    own = tmp_path_factory.getbasetemp()
    root = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder, end = root / name, root / f"{name}.end"
    try:
        folder.mkdir()
    except FileExistsError:
        last = time.monotonic() + 900
        while not end.exists():
            assert time.monotonic() < last, f"{folder} is not whole after fifteen minutes"
            time.sleep(0.05)
    else:
        fault = "never ended"
        try:
            make(folder)
            fault = ""
        finally:
            write_text_whole(fault, end)
    assert end.read_text() == "", f"{folder} could not be made: see the worker that failed first"
    return folder


def _train(place):
    for experiment, (estimator_name, seeds) in RUNS.items():
        for seed in seeds:
            train_policy(tiny_training(estimator_name, seed), place / "data", experiment=experiment)
    store_performance(load_run(place / "data/CartPole-v0/trees/1"), made_returns())


@pytest.fixture(scope="session")
def tiny_place(tmp_path_factory):
    """A folder with ``data/CartPole-v0``, to be read: a net, and two forests, one with returns of coalitions."""
    return made_once("tiny", tmp_path_factory, _train)


def made_returns(n_features=6, n_episodes=3):
    """Returns of all coalitions that grow with the number of inputs known, as if they had been played."""
    masks = np.arange(1 << n_features)
    known = np.array([int(mask).bit_count() for mask in masks])
    returns = 10.0 + 5.0 * known[:, None] + 2.0 * (masks[:, None] & 1) + np.arange(n_episodes) * (known[:, None] > 3)
    return pd.DataFrame(
        {
            "coalition": np.repeat(masks, n_episodes), "environment_seed": np.tile(np.arange(n_episodes), len(masks)),
            "achieved_return": returns.ravel(), "length": 10,
        }
    )  # fmt: skip


@pytest.fixture(scope="session")
def tiny_report(tiny_place, tmp_path_factory):
    """Its report as the command writes it, ``reports/CartPole-v0``; what the command said is beside it. To be read."""

    def make(folder):
        done = run_module("udrl_explain.report", "data", "--output", folder, folder=tiny_place)
        said = {"args": [], "returncode": done.returncode, "stdout": done.stdout, "stderr": done.stderr}
        (folder / "said.json").write_text(json.dumps(said))

    folder = made_once("tiny-reports", tmp_path_factory, make)
    return folder / "CartPole-v0", subprocess.CompletedProcess(**json.loads((folder / "said.json").read_text()))


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
