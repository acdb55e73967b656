"""One bad run never costs the report of the good ones: find the runs that a section fails on, make it without them."""

import dataclasses
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt

from udrl_explain.report.context import ReportContext
from udrl_explain.report.gather import Problem, one_line
from udrl_explain.report.page.render import Section
from udrl_explain.runs.run import Run
from udrl_explain.self_check import SelfCheckError

Answer = Callable[[ReportContext], Section]
ATTEMPTS = ".attempts"
"""Folder in a report's own, for the files of sections on their way; whoever puts the report together removes it."""


@dataclass(frozen=True, eq=False)
class Attempt:
    """A section that was asked for: its tables stand in a folder of its own, its pictures may still be drawn.

    Parameters
    ----------
    folder : Path
    section : Section or None
    fault : Exception or None
        What it failed on.
    """

    folder: Path
    section: Section | None
    fault: Exception | None


def attempted(answer: Answer, context: ReportContext) -> Attempt:
    """Ask for a section of all runs; a fault is kept for :func:`answered_without_faults`.

    Raises
    ------
    OSError
        If the report cannot be written: no run is to blame for a full disk.
    """
    place = context.folder / ATTEMPTS
    place.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=place))
    try:
        return Attempt(folder, answer(context.only(context.scope.runs, folder)), None)
    except OSError:
        raise
    except Exception as fault:
        return Attempt(folder, None, fault)


def answered_without_faults(
    name: str, answer: Answer, context: ReportContext, first: Attempt | None = None
) -> tuple[Section, list[Problem]]:
    """Make a section; what a run's content raises in an analysis or in drawing costs this run its place in it.

    Parameters
    ----------
    name : str
        Of the question.
    answer : callable
        Makes the section.
    context : ReportContext
    first : Attempt, optional
        With all runs, where that was begun before.

    Returns
    -------
    section : Section
        Of the runs that are left, with a note on each one that is not; empty but for notes where none is left.
    problems : list of Problem
        The runs left out, or their common folder where they fail only together.

    Raises
    ------
    OSError
        If the report cannot be written.
    """
    problems: list[Problem] = []
    runs: Sequence[Run] = context.scope.runs
    while runs:
        attempt, first = first or attempted(answer, context.only(runs)), None
        section, fault = _finished(attempt)
        if section is not None:
            _move_up(attempt.folder, context.folder)
            return _with_notes(section, problems), problems
        assert fault is not None
        guilty = _guilty(answer, context, runs) if len(runs) > 1 else {runs[0].directory: fault}
        if not guilty:
            together = Path(os.path.commonpath([run.directory for run in runs]))
            guilty = {run.directory: fault for run in runs}
            problems.append(Problem(together, _reason(name, fault, context)))
        else:
            problems += [Problem(folder, _reason(name, fault, context)) for folder, fault in guilty.items()]
        runs = [run for run in runs if run.directory not in guilty]
    title = name.replace("_", " ").capitalize()
    return _with_notes(Section(title, name.replace("_", "-"), "No run is left to answer this.", ()), problems), problems


def _finished(attempt: Attempt) -> tuple[Section | None, Exception | None]:
    """Return the section with its pictures, or what it failed on; a failure leaves no open figures."""
    if attempt.section is None:
        plt.close("all")
        return None, attempt.fault
    try:
        return attempt.section.ready(), None
    except OSError:
        raise
    except Exception as fault:
        plt.close("all")
        return None, fault


def _move_up(folder: Path, target: Path) -> None:
    """Put the files of an attempt where the page finds them."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            path.replace(target / path.relative_to(folder))


def _guilty(answer: Answer, context: ReportContext, runs: Sequence[Run]) -> dict[Path, Exception]:
    """Runs on which the section fails without the others, and how; found by halving, as most runs are good."""
    found: dict[Path, Exception] = {}
    middle = len(runs) // 2
    for half in (runs[:middle], runs[middle:]):
        _, fault = _finished(attempted(answer, context.only(half)))
        if fault is not None:
            found |= _guilty(answer, context, half) if len(half) > 1 else {half[0].directory: fault}
    return found


def _reason(name: str, fault: Exception, context: ReportContext) -> str:
    if isinstance(fault, SelfCheckError):
        text = f"a fault of udrl_explain itself, please report it ({fault})"
    else:
        text = str(fault) if isinstance(fault, ValueError) else f"{type(fault).__name__}: {fault}"
    passing = re.compile(rf"{re.escape(str(context.folder / ATTEMPTS))}/[^/]+/")  # where its files stood for a while
    return f"left out of {name}: {one_line(passing.sub('', text))}"


def _with_notes(section: Section, problems: Sequence[Problem]) -> Section:
    notes = [f"`{problem.place}`: {problem.reason}." for problem in problems]
    return dataclasses.replace(section, notes=(*section.notes, *notes)) if notes else section
