"""Find and read the runs that a report is about; what cannot be read is listed, not averaged away."""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from udrl_explain.config import safe_folder_name
from udrl_explain.files.leftovers import all_set_aside, words_on
from udrl_explain.runs import find_runs
from udrl_explain.runs.places import CONFIG_FILE
from udrl_explain.runs.run import Run
from udrl_explain.runs.stored_run import HeldRuns
from udrl_explain.statistics.run_groups import grouped_runs

_LONGEST_REASON = 600


@dataclass(frozen=True)
class Problem:
    """A run that could not be read, or not be explained.

    Parameters
    ----------
    folder : Path
    reason : str
        One line.
    """

    folder: Path
    reason: str

    @property
    def place(self) -> str:
        """The folder as text that can be printed, whatever its name is made of."""
        return one_line(str(self.folder))


def one_line(text: str) -> str:
    """Put a message of a stranger's making on one line of bearable length, without control characters."""
    line = " ".join(text[: 10 * _LONGEST_REASON].split())
    line = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line)
    return line if len(line) <= _LONGEST_REASON else f"{line[:_LONGEST_REASON]} ..."


def by_place(problems: Iterable[Problem]) -> dict[str, str]:
    """Return the reasons by folder; several of one folder stand behind each other."""
    reasons: dict[str, str] = {}
    for problem in problems:
        reasons[problem.place] = "; ".join(filter(None, (reasons.get(problem.place), problem.reason)))
    return reasons


@dataclass(frozen=True, eq=False)
class Experiment:
    """The runs of one experiment: equal settings, different seeds.

    Parameters
    ----------
    label : str
        Short, for figures and headings.
    slug : str
        For file names.
    runs : tuple of Run
        By ascending seed.
    """

    label: str
    slug: str
    runs: tuple[Run, ...]

    @property
    def shown(self) -> Run:
        """The run whose single decisions are shown: the lowest seed that has a policy, never picked by result."""
        return next((run for run in self.runs if run.has_policy), self.runs[0])


@dataclass(frozen=True, eq=False)
class ReportScope:
    """What one report is about.

    Parameters
    ----------
    name : str
        Of the report's folder.
    env_name : str
    experiments : tuple of Experiment
    problems : tuple of Problem
    hashes : dict
        SHA-256 of each run folder's files, by folder.
    """

    name: str
    env_name: str
    experiments: tuple[Experiment, ...]
    problems: tuple[Problem, ...]
    hashes: dict[str, str]

    @property
    def runs(self) -> tuple[Run, ...]:
        """All runs of the report."""
        return tuple(run for experiment in self.experiments for run in experiment.runs)

    def only(self, runs: Collection[Run]) -> "ReportScope":
        """Return the scope with some of its runs; experiments keep their names, those without runs go."""
        kept = {run.directory for run in runs}
        experiments = [
            replace(experiment, runs=tuple(run for run in experiment.runs if run.directory in kept))
            for experiment in self.experiments
        ]
        hashes = {folder: digest for folder, digest in self.hashes.items() if Path(folder) in kept}
        return replace(self, experiments=tuple(e for e in experiments if e.runs), hashes=hashes)


def gather(place: Path) -> list[ReportScope]:
    """Read all runs at or below `place`, one scope per environment; the large parts of a few are held at a time.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no run, or none that can be read.
    """
    runs: list[Run] = []
    problems: list[Problem] = []
    hashes: dict[Path, str] = {}
    held = HeldRuns()
    folders = find_runs(place)
    for folder in tqdm(folders, desc="reading runs", unit="run", leave=False, disable=len(folders) < 4):
        try:
            if not str(folder).isprintable():
                raise ValueError("the name of its folder cannot be printed")
            run, hashes[folder] = held.read(folder)
            runs.append(run)
        except (ValueError, OSError) as fault:
            problems.append(Problem(folder, one_line(str(fault))))
    problems += [
        Problem(folder, f"not there; {words_on(left)}")
        for folder, left in all_set_aside(place).items()
        if (left / CONFIG_FILE).is_file()
    ]
    if not runs:
        raise ValueError(f"{place}: none of its {len(folders)} runs can be read; the first: {problems[0].reason}")
    scopes = []
    for env_name in sorted({run.config.env_name for run in runs}):
        own = [run for run in runs if run.config.env_name == env_name]
        # A run that cannot be read has no known environment: it is listed where its folder says, or everywhere.
        folder_name = safe_folder_name(env_name)
        listed = [
            problem
            for problem in problems
            if folder_name in problem.folder.resolve().parts or not _belongs_to_another(problem, runs, env_name)
        ]
        own_hashes = {run.directory.as_posix(): hashes[run.directory] for run in own}
        scopes.append(ReportScope(_report_name(place, own), env_name, _experiments(own), tuple(listed), own_hashes))
    return scopes


def _belongs_to_another(problem: Problem, runs: Sequence[Run], env_name: str) -> bool:
    others = {safe_folder_name(run.config.env_name) for run in runs if run.config.env_name != env_name}
    return bool(others & set(problem.folder.resolve().parts))


def _report_name(place: Path, runs: Sequence[Run]) -> str:
    """Name after what was asked for: the environment, or also the experiment and the seed."""
    parts = [runs[0].config.env_name]
    place = place.resolve()
    if all(run.directory.resolve().parent == place for run in runs) or len(runs) == 1 == len(find_runs(place)):
        if place in (runs[0].directory.resolve().parent, runs[0].directory.resolve()):
            parts.append(runs[0].experiment)
        if place == runs[0].directory.resolve():
            parts.append(str(runs[0].config.seed))
    name, env_name = safe_folder_name("-".join(parts)), parts[0]
    if safe_folder_name(env_name) == env_name:
        return name
    # a/Walk-v0 and a-Walk-v0 would fall on one folder, and one report replace the other.
    return f"{name}-{hashlib.sha256(env_name.encode()).hexdigest()[:6]}"


def _experiments(runs: Sequence[Run]) -> tuple[Experiment, ...]:
    by_folder = {run.directory: run for run in runs}
    experiments: list[Experiment] = []
    for group in grouped_runs(runs):
        slug = stem = safe_folder_name(group.label.lower()).replace("-", "_")
        number = 2
        while slug in {experiment.slug for experiment in experiments}:  # labels may differ in nothing but signs
            slug, number = f"{stem}_{number}", number + 1
        experiments.append(Experiment(group.label, slug, tuple(by_folder[run.directory] for run in group.runs)))
    return tuple(experiments)
