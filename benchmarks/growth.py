"""How time and memory grow with rows, trees, background rows, runs and episodes: exponents and peaks, in one table.

Each point is a process of its own. Seconds are of its processor, both cores if two are used, without imports and
compiling; the peak is the memory taken beyond what the process held before, and beside it what the answer itself
holds. The exponent of a line is that of the power law between its point and the one before: 1 is proportional.
Shapley values: 100 trees, 6 inputs, 1,000 rows and no background unless varied. Runs are copies of one stored run.
Run: ``python benchmarks/growth.py`` (about four minutes).
"""

import argparse
import json
import math
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from udrl_explain.config import TrainConfig
from udrl_explain.episodes import Episode
from udrl_explain.runs import find_runs, load_run
from udrl_explain.runs.run import Run
from udrl_explain.runs.saving import save_run

STORED_RUN = Path(__file__).parents[1] / "data" / "CartPole-v0" / "base" / "42"
POINTS = {
    "rows": (100, 1_000, 10_000, 100_000, 1_000_000),
    "trees": (10, 100, 1_000),
    "background rows": (1, 100, 10_000, 100_000),
    "net rows": (10, 100, 1_000),
    "runs gathered": (1, 10, 100),
    "folders found": (50, 500, 5_000),
    "episodes loaded": (100, 1_000, 10_000, 100_000),
}
STEPS = 10  # of an episode


def explaining(what: str, n: int) -> tuple[Callable[[], object], Callable[[], object]]:
    """A small call that compiles, and the one to measure."""
    # Only here: the other points need no scikit-learn.
    from shapley import made_up_case, made_up_rows
    from sklearn.neural_network import MLPClassifier

    from udrl_explain.analysis.shapley import shapley_values
    from udrl_explain.policies import Policy, policy_from_estimator

    case = made_up_case(6, 2, n_trees=n if what == "trees" else 100)
    policy: Policy = case.policy
    rows, background = case.rows[:1_000], None
    if what == "rows":
        rows = np.resize(case.rows, (n, 6))
    if what == "background rows":
        background = np.resize(case.background, (n, 6))
    if what == "net rows":
        training, actions = made_up_rows(6, 2, 700, 0)
        policy = policy_from_estimator(MLPClassifier((64, 64), max_iter=500, random_state=0).fit(training, actions), 2)
        rows, background = rows[:n], case.background[:256]
    few = None if background is None else background[:1]
    return lambda: shapley_values(policy, rows[:2], few), lambda: shapley_values(policy, rows, background)


def with_episodes(run: Run, folder: Path, n: int) -> None:
    """Store a copy of the run with so many short episodes."""
    inputs = [episode.inputs[:STEPS] for episode in run.episodes]
    actions = [episode.actions[:STEPS] for episode in run.episodes]
    episodes = tuple(Episode(inputs[k % len(inputs)], actions[k % len(inputs)], np.ones(STEPS), k) for k in range(n))
    final = {"unkept_returns": np.empty(0), "final_mean": float(STEPS), "final_std": 0.0}
    changed = replace(run, directory=folder, episodes=episodes, **final)
    save_run(changed, [])


def reading(what: str, n: int, folder: Path) -> tuple[Callable[[], object], Callable[[], object]]:
    """As :func:`explaining`, for stored runs."""
    from udrl_explain.report.gather import gather

    if what == "episodes loaded":
        # Another process makes it, or its memory would count.
        subprocess.run([sys.executable, __file__, "--prepare", str(n), str(folder / "many")], check=True)
        return lambda: load_run(STORED_RUN), lambda: load_run(folder / "many")
    if what == "folders found":
        for k in range(n):
            place = folder / f"experiment-{k // 100}" / str(k % 100)
            place.mkdir(parents=True)
            shutil.copy(STORED_RUN / "conf.json", place)
        return lambda: None, lambda: find_runs(folder)
    run = load_run(STORED_RUN)
    for k in range(n):
        place = folder / "base" / str(k)
        shutil.copytree(STORED_RUN, place)
        values = json.loads((place / "conf.json").read_text()) | {"seed": k}
        (place / "conf.json").write_text(json.dumps(values))
    assert isinstance(run.config, TrainConfig)
    return lambda: load_run(STORED_RUN), lambda: gather(folder)


def peak() -> float:
    """Largest memory of this process so far, in MB."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def measure(what: str, n: int) -> None:
    """Measure one point in this process and print it as JSON."""
    with tempfile.TemporaryDirectory() as name:
        if what in ("runs gathered", "folders found", "episodes loaded"):
            small, call = reading(what, n, Path(name))
        else:
            small, call = explaining(what, n)
        small()
        before, start = peak(), time.process_time()
        answer = call()
        seconds = time.process_time() - start
        held = sum(array.nbytes for array in vars(answer).values() if isinstance(array, np.ndarray)) / (1 << 20) \
            if hasattr(answer, "values") else math.nan  # fmt: skip
        print(json.dumps({"seconds": seconds, "peak": peak() - before, "held": held}))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=tuple(POINTS), default=tuple(POINTS), help="what to vary")
    parser.add_argument("--output", type=Path, help="also write the table to this CSV file")
    parser.add_argument("--point", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--prepare", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.prepare:
        with_episodes(load_run(STORED_RUN), Path(arguments.prepare[1]), int(arguments.prepare[0]))
        return
    if arguments.point:
        measure(arguments.point[0], int(arguments.point[1]))
        return
    lines: list[dict[str, object]] = []
    for what in arguments.only:
        last = None
        for n in POINTS[what]:
            command = [sys.executable, __file__, "--point", what, str(n)]
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
            found = json.loads(done.stdout.splitlines()[-1])
            line = {
                "varied": what, "value": n, "CPU s": found["seconds"], "peak MB": found["peak"],
                "of it the answer MB": found["held"],
            }  # fmt: skip
            if last is not None:
                line["exponent"] = math.log(found["seconds"] / last[1]) / math.log(n / last[0])
            last = n, found["seconds"]
            lines.append(line)
    table = pd.DataFrame(lines)
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}")
    print(table.to_string(index=False, na_rep="", float_format="{:.3g}".format))
    if arguments.output is not None:
        table.to_csv(arguments.output, index=False)


if __name__ == "__main__":
    main()
