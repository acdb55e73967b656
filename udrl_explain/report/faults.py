"""One bad run never costs the report of the good ones: find the runs that a section fails on, make it without them."""

import dataclasses
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib.pyplot as plt

from udrl_explain.report.context import ReportContext
from udrl_explain.report.gather import Problem, one_line
from udrl_explain.report.page.render import Section
from udrl_explain.runs.run import Run
from udrl_explain.self_check import SelfCheckError

Answer = Callable[[ReportContext], Section]


def answered_without_faults(name: str, answer: Answer, context: ReportContext) -> tuple[Section, list[Problem]]:
    """Make a section; what a run's content raises in an analysis or in drawing costs this run its place in it.

    Parameters
    ----------
    name : str
        Of the question.
    answer : callable
        Makes the section.
    context : ReportContext

    Returns
    -------
    section : Section
        Of the runs that are left, with a note on each one that is not; empty but for notes where none is left.
    problems : list of Problem
        The runs left out, or their common folder where they fail only together.

    Raises
    ------
    OSError
        If the report cannot be written: no run is to blame for a full disk.
    """
    problems: list[Problem] = []
    runs: Sequence[Run] = context.scope.runs
    while runs:
        section, fault = _tried(answer, context.only(runs))
        if section is not None:
            return _with_notes(section, problems), problems
        assert fault is not None
        guilty = _guilty(answer, context, runs) if len(runs) > 1 else {runs[0].directory: fault}
        if not guilty:
            together = Path(os.path.commonpath([run.directory for run in runs]))
            guilty = {run.directory: fault for run in runs}
            problems.append(Problem(together, _reason(name, fault)))
        else:
            problems += [Problem(folder, _reason(name, fault)) for folder, fault in guilty.items()]
        runs = [run for run in runs if run.directory not in guilty]
    title = name.replace("_", " ").capitalize()
    return _with_notes(Section(title, name.replace("_", "-"), "No run is left to answer this.", ()), problems), problems


def _tried(answer: Answer, context: ReportContext) -> tuple[Section | None, Exception | None]:
    """Return the section, or what it failed on; a failure leaves no files and no open figures."""
    before = set(context.folder.rglob("*"))
    try:
        return answer(context), None
    except OSError:
        raise
    except Exception as fault:
        plt.close("all")
        for path in set(context.folder.rglob("*")) - before:
            path.unlink()
        return None, fault


def _guilty(answer: Answer, context: ReportContext, runs: Sequence[Run]) -> dict[Path, Exception]:
    """Runs on which the section fails without the others, and how; found by halving, as most runs are good."""
    found: dict[Path, Exception] = {}
    middle = len(runs) // 2
    for half in (runs[:middle], runs[middle:]):
        with tempfile.TemporaryDirectory(prefix="udrl_explain-") as scratch:
            _, fault = _tried(answer, context.only(half, Path(scratch)))
        if fault is not None:
            found |= _guilty(answer, context, half) if len(half) > 1 else {half[0].directory: fault}
    return found


def _reason(name: str, fault: Exception) -> str:
    if isinstance(fault, SelfCheckError):
        text = f"a fault of udrl_explain itself, please report it ({fault})"
    else:
        text = str(fault) if isinstance(fault, ValueError) else f"{type(fault).__name__}: {fault}"
    return f"left out of {name}: {one_line(text)}"


def _with_notes(section: Section, problems: Sequence[Problem]) -> Section:
    notes = [f"`{problem.place}`: {problem.reason}." for problem in problems]
    return dataclasses.replace(section, notes=(*section.notes, *notes)) if notes else section
