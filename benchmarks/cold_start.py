"""Seconds of processor time before the first answer in a fresh environment, loop by loop.

Every question is asked in a process of its own with an empty cache for compiled loops: 50 rows against 700 background
rows, a random forest of 100 trees fitted to 700 made-up rows of CartPole's size (its fit is not counted). Then all of
them in one process, and the first again with the cache filled. Processor time, so that other work on the machine
disturbs little. Run: ``python benchmarks/cold_start.py``.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

QUESTIONS = (
    "shapley_values", "shapley_interactions", "feature_importance", "decision_paths", "command_map",
    "command_response", "episode_timeline",
)  # fmt: skip
TARGETS = {"shapley_values": 5.0, "all": 8.0}


def ask(questions: tuple[str, ...]) -> None:
    """Ask in this process and print what passed; all imports are part of it."""
    # Only here: what an import costs is measured.
    import numba
    import numpy as np
    from numba.core import event

    import udrl_explain
    from udrl_explain.compiled import LOOPS
    from udrl_explain.episodes import Episode
    from udrl_explain.forest import Forest
    from udrl_explain.policies import ForestPolicy

    seconds: dict[str, float] = {}

    class Watch(event.Listener):  # type: ignore[misc]
        def on_start(self, event: object) -> None:
            dispatcher = event.data["dispatcher"]  # type: ignore[attr-defined]
            if dispatcher in LOOPS:
                self.start = time.process_time()

        def on_end(self, event: object) -> None:
            dispatcher = event.data["dispatcher"]  # type: ignore[attr-defined]
            if dispatcher in LOOPS:
                name = f"{dispatcher.py_func.__module__.removeprefix('udrl_explain.')}.{dispatcher.py_func.__name__}"
                seconds[name] = seconds.get(name, 0.0) + time.process_time() - self.start

    class WatchLlvm(event.Listener):  # type: ignore[misc]
        seconds = 0.0

        def on_start(self, event: object) -> None:
            self.start = time.process_time()

        def on_end(self, event: object) -> None:
            self.seconds += time.process_time() - self.start

    llvm = WatchLlvm()
    event.register("numba:compile", Watch())
    event.register("numba:llvm_lock", llvm)
    stored = np.load(os.environ["COLD_START_FOREST"])
    n_features, rows = int(stored["n_features"]), stored["rows"]
    arrays = {name: stored[name] for name in stored.files if name not in ("n_features", "rows")}
    policy = ForestPolicy(Forest(**arrays, n_features=n_features, link="mean"))
    actions = policy.action_probabilities(rows).argmax(axis=1)
    episode = Episode(rows[:40], actions[:40], np.ones(40), 0)
    returns = horizons = np.linspace(1, 200, 5)
    # What asks the policy first compiles that walk; it is counted like any other loop.
    calls: dict[str, Callable[[], object]] = {
        "shapley_values": lambda: udrl_explain.shapley_values(policy, rows[:50], rows),
        "shapley_interactions": lambda: udrl_explain.shapley_interactions(policy, rows[:50], rows),
        "feature_importance": lambda: udrl_explain.feature_importance(policy, rows, actions),
        "decision_paths": lambda: udrl_explain.decision_paths(policy, rows[:5]),
        "command_map": lambda: udrl_explain.command_map(policy, rows[0, :-2], returns=(0, 200), horizons=(1, 200)),
        "command_response": lambda: udrl_explain.command_response(policy, rows[:50, :-2], returns, horizons),
        "episode_timeline": lambda: udrl_explain.episode_timeline(policy, episode, training_commands=rows[:, -2:]),
    }
    loaded = time.process_time()
    for question in questions:
        calls[question]()
    end = time.process_time()
    for name, taken in sorted(seconds.items(), key=lambda item: -item[1]):
        print(f"  {taken:6.2f}  {name}")
    print(f"  {sum(seconds.values()):6.2f}  compiled, numba {numba.__version__}")
    print(f"  {llvm.seconds:6.2f}  of it in LLVM; the rest are numba's own passes")
    print(f"  {loaded:6.2f}  imported and loaded")
    print(f"  {end - loaded - sum(seconds.values()):6.2f}  everything else")
    print(f"  {end:6.2f}  in all")


def fresh(questions: tuple[str, ...], forest: Path, cache: Path) -> str:
    """What a process with this cache prints."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache), "COLD_START_FOREST": str(forest), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "--ask", *questions]
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout


def store_forest(path: Path) -> None:
    """Fit and store the forest, so that scikit-learn is no part of what is measured."""
    import numpy as np
    from shapley import made_up_case

    from udrl_explain.forest import FOREST_ARRAYS

    case = made_up_case(6, 2)
    forest = case.policy.forest
    arrays = {name: getattr(forest, name) for name in FOREST_ARRAYS}
    scaled = case.policy.tree_inputs(case.background[:700]).astype(np.float64)
    np.savez(path, n_features=6, rows=scaled, **arrays)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ask", nargs="+", choices=QUESTIONS, help=argparse.SUPPRESS)
    parser.add_argument("--only", choices=(*QUESTIONS, "all"), help="one question, or all in one process")
    arguments = parser.parse_args()
    if arguments.ask:
        ask(tuple(arguments.ask))
        return
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}; seconds of CPU")
    with tempfile.TemporaryDirectory() as folder:
        forest = Path(folder) / "forest.npz"
        store_forest(forest)
        for question in QUESTIONS:
            if arguments.only not in (None, question):
                continue
            print(f"{question}, cold; target {TARGETS.get(question, '-')}")
            print(fresh((question,), forest, Path(tempfile.mkdtemp(dir=folder))), end="")
        if arguments.only not in (None, "all"):
            return
        cache = Path(tempfile.mkdtemp(dir=folder))
        print(f"all in one process, cold; target {TARGETS['all']}")
        print(fresh(QUESTIONS, forest, cache), end="")
        print("shapley_values, compiled before")
        print(fresh(("shapley_values",), forest, cache), end="")


if __name__ == "__main__":
    main()
