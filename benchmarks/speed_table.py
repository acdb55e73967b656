"""README's speed table, remade by one command that says on what machine.

Runs the other benchmarks one after the other, each in a process of its own, takes their figures, and with ``--write``
rewrites the lines between the two marks in README. A line that was not measured stays as it is. ``--quick`` leaves out
what takes more than some minutes. On a machine that does nothing else: ``python benchmarks/speed_table.py --write``.
"""

import argparse
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
START, END = "<!-- speed table: benchmarks/speed_table.py -->", "<!-- end of the speed table -->"
HEAD = "| what | against | measured | target | script |\n| --- | --- | --- | --- | --- |"


@dataclass(frozen=True)
class Line:
    """One line of the table.

    Parameters
    ----------
    what, against, target, script : str
    measure : callable
        Takes nothing and says what was measured.
    long : bool
        Whether it takes more than some minutes.
    """

    what: str
    against: str
    target: str
    script: str
    measure: Callable[[], str]
    long: bool = False

    def text(self, measured: str) -> str:
        """The line as README holds it."""
        return f"| {self.what} | {self.against} | {measured} | {self.target} | {self.script} |"


def said(*arguments: object) -> str:
    """What a benchmark prints."""
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout


def found(pattern: str, text: str) -> tuple[str, ...]:
    """Groups of the last match.

    Raises
    ------
    ValueError
        If the text says no such thing.
    """
    matches = list(re.finditer(pattern, text))
    if not matches:
        raise ValueError(f"no {pattern!r} in\n{text}")
    return matches[-1].groups()


def collection() -> str:
    """Microseconds per step of both sides, and their ratio."""
    text = said("benchmarks/collection.py")
    (ours,), (theirs,) = found(r"flat arrays.* ([\d.]+) µs", text), found(r"predict .* ([\d.]+) µs", text)
    (ratio,) = found(r"ratio per step: (\d+) x", text)
    return f"{ratio} x ({float(ours):.1f} against {float(theirs):,.0f} µs a step)"


def training() -> str:
    """Seconds of both sides of a training."""
    text = said("benchmarks/training.py")
    (ours,), (theirs,), (ratio,) = found(r"ours: ([\d.]+) s", text), found(r"= ([\d.]+) s", text), found(
        r"ratio: ([\d.]+) x", text
    )  # fmt: skip
    return f"{float(ratio):.0f} x ({float(ours):.0f} s against {float(theirs):,.0f} s, extrapolated)"


def training_share() -> str:
    """CPU seconds of the default training, and where they go."""
    text = said("benchmarks/training_share.py")
    (total,) = found(r"steps: ([\d.]+) s", text)
    shares = re.findall(r"^  (\w[\w ]*?) +[\d.]+ s +(\d+)%", text, flags=re.MULTILINE)
    return f"{float(total):.0f} s CPU: " + ", ".join(f"{part} {share} %" for part, share in shares)


def path_importance() -> str:
    """Ratio at 100 trees and 3,000 training rows."""
    last = said("benchmarks/path_importance.py").splitlines()[3].split()
    return f"{last[6]} x ({float(last[4]):.1f} µs against {float(last[3]):.1f} ms a state)"


def shapley() -> str:
    """Ratios to shap by number of inputs and size of the background."""
    with tempfile.TemporaryDirectory() as folder:
        said("benchmarks/shapley.py", "--no_growth", "--output", Path(folder) / "shapley.csv")
        table = pd.read_csv(Path(folder) / "shapley.csv")
    return "; ".join(
        f"{game} {', '.join(f'{ratio:.0f}' for ratio in part['ratio'])} x"
        for game, part in table[table["ratio"].notna()].groupby("game", sort=False)
    )


def map_of_commands() -> str:
    """Milliseconds of one map, the fastest and the slowest forest, and mismatches."""
    lines = [line.split() for line in said("benchmarks/command_map.py").splitlines()[3:]]
    times, wrong = [float(line[-5]) for line in lines], sum(int(line[-1]) for line in lines)
    return f"{min(times):.0f} to {max(times):.0f} ms; {wrong} mismatches on 10,000 commands of each of 50 states"


def cold(question: str) -> str:
    """CPU seconds of one question, or of all, compiled anew."""
    text = said("benchmarks/cold_start.py", *(() if question == "all" else ("--only", question)))
    part = text.split("all in one process, cold" if question == "all" else f"{question}, cold", 1)[1]
    (compiled,), (total,) = re.findall(r"([\d.]+)  compiled", part)[:1], re.findall(r"([\d.]+)  in all", part)[:1]
    return f"{float(total):.1f} s CPU, of it compiling {float(compiled):.1f} s"


def growth(what: str) -> str:
    """CPU seconds, exponents and peaks of one kind of growth."""
    with tempfile.TemporaryDirectory() as folder:
        said("benchmarks/growth.py", "--only", what, "--output", Path(folder) / "growth.csv")
        table = pd.read_csv(Path(folder) / "growth.csv")
    seconds = ", ".join(f"{row['value']:,}: {row['CPU s']:.2g} s" for _, row in table.iterrows())
    return f"{seconds}; last exponent {table['exponent'].iloc[-1]:.2f}, peak {table['peak MB'].iloc[-1]:.0f} MB"


def whole_process(*arguments: object) -> tuple[float, float, float]:
    """Seconds of wall and CPU, and the largest memory in MB, of a command with nothing compiled before."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"NUMBA_CACHE_DIR": cache}
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        command = [sys.executable, "-m", *map(str, arguments)]
        subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
        wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, after.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def report(runs: str) -> str:
    """Wall and CPU seconds of a report."""
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu, peak = whole_process("udrl_explain.report", runs, "--output", folder)
    return f"{wall:.0f} s ({cpu:.0f} s CPU, {peak / 1000:.2f} GB)"


def help_of_report() -> str:
    """CPU seconds of ``--help``, the best of three."""
    return f"{min(whole_process('udrl_explain.report', '--help')[1] for _ in range(3)):.2f} s CPU"


LINES = (
    Line("collecting CartPole-v0 episodes, 100 trees", "one-row `estimator.predict` per step", "100 x",
         "`collection.py`", collection),
    Line("a full default training, CartPole-v0", "the same schedule with one-row predictions", "50 x", "`training.py`",
         training, long=True),
    Line("the same, by part", "", "60 s CPU", "`training_share.py`", training_share, long=True),
    Line("path impurity, 100 trees, 3,000 states", "one `decision_path` call per tree and state", "1,000 x",
         "`path_importance.py`", path_importance),
    Line("Shapley values, 1,000 rows; 6, 8, 10 inputs", "`shap.TreeExplainer`, one thread", "50 x", "`shapley.py`",
         shapley, long=True),
    Line("command map of one state, 100 trees", "", "30 ms", "`command_map.py`", map_of_commands),
    Line("first `shapley_values` of an installation", "", "5 s CPU", "`cold_start.py`", lambda: cold("shapley_values")),
    Line("seven analyses in one process, the first of an installation", "", "8 s CPU", "`cold_start.py`",
         lambda: cold("all")),
    Line("report of the shipped CartPole runs, PDF and PNG, nothing compiled before", "", "25 s", "`speed_table.py`",
         lambda: report("data/CartPole-v0")),
    Line("reports of all shipped runs, likewise", "", "60 s", "`speed_table.py`", lambda: report("data"), long=True),
    Line("`python -m udrl_explain.report --help`", "", "0.6 s CPU", "`speed_table.py`", help_of_report),
    Line("`load_run` by episodes", "", "10,000: 1.0 s", "`growth.py`", lambda: growth("episodes loaded")),
    Line("`find_runs` by folders", "", "5,000: 0.3 s", "`growth.py`", lambda: growth("folders found")),
    Line("runs of a report read, by runs", "", "flat memory", "`growth.py`", lambda: growth("runs gathered")),
)  # fmt: skip


def machine() -> str:
    """What the figures were measured on, and how busy it was."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        models = re.findall(r"model name\s*: (.*)", cpuinfo.read_text())
        name = models[0] if models else name
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    packages = ", ".join(f"{package} {version(package)}" for package in ("numpy", "scikit-learn", "numba", "shap"))
    load = f", load average {os.getloadavg()[0]:.1f} before" if hasattr(os, "getloadavg") else ""
    return f"{name}, {cores} cores{load}; Python {platform.python_version()}, {packages}:"


def remade(readme: str, lines: dict[str, str], where: str) -> str:
    """README with the table's lines that were measured, by what they are about; the others stay.

    Raises
    ------
    ValueError
        If README lacks the marks.
    """
    if readme.count(START) != 1 or readme.count(END) != 1:
        raise ValueError(f"README must hold {START!r} and {END!r} once each")
    before, rest = readme.split(START)
    table, after = rest.split(END)
    old = {line.split(" | ")[0].removeprefix("| "): line for line in table.splitlines() if line.startswith("| ")}
    names = [line.what for line in LINES]
    body = [lines.get(name, old.get(name)) for name in names]
    said_where = next(iter(re.findall(r"Measured on .*", table)), "")
    if set(lines) == set(names):
        said_where = f"Measured on {where}"
    elif lines:
        said_where = f"{said_where.partition(' Measured again')[0]} Measured again on {where} {'; '.join(lines)}."
    parts = [START, said_where, "", HEAD, *(line for line in body if line), END]
    return before + "\n".join(parts) + after


def measured(chosen: tuple[Line, ...]) -> Iterator[tuple[Line, str]]:
    """Measure line after line; a benchmark that fails costs its own line."""
    for line in chosen:
        try:
            yield line, line.text(line.measure())
        except (subprocess.CalledProcessError, ValueError, IndexError) as fault:
            sys.stderr.write(f"{line.what}: {fault}\n")


def main() -> None:
    """Print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="leave out what takes more than some minutes")
    parser.add_argument("--only", nargs="+", help="lines whose first cell holds one of these words")
    parser.add_argument("--write", action="store_true", help="rewrite the table in README")
    arguments = parser.parse_args()
    chosen = tuple(
        line
        for line in LINES
        if not (arguments.quick and line.long)
        and (arguments.only is None or any(word in line.what for word in arguments.only))
    )
    where = machine()
    print(f"{where}\n\n{HEAD}", flush=True)
    lines = {}
    for line, text in measured(chosen):
        print(text, flush=True)
        lines[line.what] = text
    if arguments.write:
        readme = ROOT / "README.md"
        readme.write_text(remade(readme.read_text(encoding="utf-8"), lines, where), encoding="utf-8")


if __name__ == "__main__":
    main()
