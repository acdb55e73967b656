"""Command maps of 100-tree forests: time per state, and commands at which map and policy differ (there must be none).

Takes the forests of the stored runs below ``data`` where there are any, and forests fitted to rows like those of
CartPole, Acrobot and LunarLander. Run: ``python benchmarks/command_map.py``.
"""

import argparse
import platform
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier, RandomForestClassifier

from udrl_explain import find_runs, load_run
from udrl_explain.analysis.command_map import command_map
from udrl_explain.command_space.cells import command_cells
from udrl_explain.commands import N_COMMANDS, input_rows
from udrl_explain.policies import ForestPolicy, greedy_actions, policy_from_estimator

SCALE = 0.02
# Observations, actions, lowest and highest return, longest horizon.
LIKE = {"CartPole": (4, 2, None, 200), "Acrobot": (6, 3, (-500, -60), 500), "LunarLander": (8, 4, (-400, 280), 1000)}
ESTIMATORS: dict[str, Callable[[int], Any]] = {
    "random forest": lambda seed: RandomForestClassifier(random_state=seed, n_jobs=-1),
    "extra trees": lambda seed: ExtraTreesClassifier(random_state=seed, n_jobs=-1),
    "boosting": lambda seed: GradientBoostingClassifier(random_state=seed),
}
Case = tuple[str, ForestPolicy, NDArray[np.float64]]


def fitted_cases(n_rows: int, seed: int) -> Iterator[Case]:
    """Forests fitted to rows with noisy actions, so that trees grow as deep as on a replay buffer."""
    for like, (n_observations, n_actions, returns, longest) in LIKE.items():
        generator = np.random.default_rng(seed)
        state = generator.normal(size=(n_rows, n_observations))
        horizon = generator.integers(1, longest, size=n_rows).astype(np.float64)
        wanted = horizon if returns is None else generator.uniform(*returns, size=n_rows)
        urge = state[:, 0] + 0.5 * state[:, 1] + wanted / np.ptp(wanted) - horizon / longest
        urge += generator.normal(scale=0.4, size=n_rows)
        actions = np.argsort(np.argsort(urge)) * n_actions // n_rows
        rows = input_rows(state, np.column_stack([wanted, horizon]))
        for name, make in ESTIMATORS.items():
            scaled = rows.copy()
            scaled[:, -N_COMMANDS:] *= SCALE
            policy = policy_from_estimator(make(seed).fit(scaled, actions), n_actions, SCALE, SCALE)
            assert isinstance(policy, ForestPolicy)
            yield f"{like}-like, {name}", policy, rows


def stored_cases(folder: Path) -> Iterator[Case]:
    """Forests of the stored runs, with the rows of their final episodes."""
    for path in find_runs(folder) if folder.is_dir() else []:
        run = load_run(path)
        if isinstance(run.policy, ForestPolicy):
            rows = np.concatenate([run.training_inputs, *(episode.inputs for episode in run.episodes)])
            yield str(Path(path).relative_to(folder)), run.policy, rows


def measure(case: Case, n_states: int, n_commands: int, seed: int) -> str:
    """One line of the table."""
    name, policy, rows = case
    generator = np.random.default_rng(seed)
    # LunarLander's policies were given one horizon only: a plane must have some width all the same.
    planes = [
        (low, max(low + 1.0, float(column.max())))
        for column in rows[:, -N_COMMANDS:].T
        for low in [float(column.min())]
    ]
    spread = (float(rows[:, -2].std()), float(rows[:, -1].std()) or 1.0)
    states = rows[generator.integers(len(rows), size=n_states), :-N_COMMANDS]
    command_map(policy, states[0], *planes).nearest_change(rows[0, -N_COMMANDS:], spread)  # compiles
    seconds: list[list[float]] = [[], [], [], []]
    n_wrong, n_cells, n_rectangles = 0, [], []
    for state in states:
        start = time.perf_counter()
        command_cells(policy, state, *planes)
        cells_done = time.perf_counter()
        result = command_map(policy, state, *planes)
        map_done = time.perf_counter()
        result.nearest_change(rows[generator.integers(len(rows)), -N_COMMANDS:], spread)
        change_done = time.perf_counter()
        frame = result.to_frame()
        frame_done = time.perf_counter()
        marks = (start, cells_done, map_done, change_done, frame_done)
        for column, (before, after) in zip(seconds, pairwise(marks), strict=True):
            column.append(after - before)
        commands = np.column_stack([generator.uniform(*ends, size=n_commands) for ends in planes])
        theirs = policy.action_probabilities(input_rows(state, commands))
        ours = result.probabilities_at(commands[:, 0], commands[:, 1])
        n_wrong += int((greedy_actions(theirs) != result.action_at(commands[:, 0], commands[:, 1])).sum())
        n_wrong += int((theirs != ours).any(axis=1).sum())
        n_cells.append(result.n_cells)
        n_rectangles.append(len(frame))
    times = " ".join(f"{1e3 * float(np.median(column)):8.1f}" for column in seconds)
    slowest = 1e3 * max(seconds[1])
    return (
        f"{name:48} {policy.forest.n_trees:6d} {int(np.median(n_cells)):9d} {int(np.median(n_rectangles)):6d} "
        f"{times} {slowest:9.1f} {n_wrong:9d}"
    )


def main() -> None:
    """Print one line per forest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--n_states", type=int, default=50)
    parser.add_argument("--n_commands", type=int, default=10_000, help="random commands asked of map and policy")
    parser.add_argument("--n_rows", type=int, default=700, help="rows that the fitted forests learn from")
    parser.add_argument("--seed", type=int, default=42)
    arguments = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}")
    print("medians over states; ms for the cells, the checked map, the nearest change, the frame; the slowest map")
    print(
        f"{'forest':48} {'trees':>6} {'cells':>9} {'rows':>6} {'cells':>8} {'map':>8} {'nearest':>8} {'frame':>8} "
        f"{'slowest':>9} {'different':>9}"
    )
    for cases in (stored_cases(arguments.data), fitted_cases(arguments.n_rows, arguments.seed)):
        for case in cases:
            print(measure(case, arguments.n_states, arguments.n_commands, arguments.seed), flush=True)


if __name__ == "__main__":
    main()
