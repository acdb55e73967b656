"""Put the report of one environment together and write it whole."""

import html
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pandas as pd
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from udrl_explain.commands import n_commands
from udrl_explain.files.atomic import folder_written_whole, write_text_whole
from udrl_explain.parallel import Beside
from udrl_explain.report.answers import answer_of
from udrl_explain.report.context import TABLES, ReportContext
from udrl_explain.report.faults import ATTEMPTS, Attempt, answered_without_faults, attempted
from udrl_explain.report.findings.finding import listed
from udrl_explain.report.findings.overview import CAPTION as OVERVIEW_CAPTION
from udrl_explain.report.findings.overview import overview
from udrl_explain.report.findings.registry import find
from udrl_explain.report.findings.tables import ReportTables
from udrl_explain.report.gather import Problem, ReportScope, by_place, gather, one_line
from udrl_explain.report.options import ReportOptions
from udrl_explain.report.page.index import IndexEntry, render_index
from udrl_explain.report.page.render import Page, Section, TableBlock, render
from udrl_explain.report.questions import NEED_SHAPLEY
from udrl_explain.report.study.build import build_study
from udrl_explain.report.study.material import study_material
from udrl_explain.studying.places import TABLE
from udrl_explain.versions import versions_of

MANIFEST = "manifest.json"
TIMINGS = "timings.json"
PAGE = "report.html"
PLAYER = "player.html"
"""A page that may lie beside the report, where it is made before; it names the hashes of its runs."""
_HASH_IN_PLAYER = re.compile(r'"hash":"([0-9a-f]{64})"')
_ANCHOR = re.compile('<h2 id="([^"]+)"')
_LEAD = re.compile('<p class="lead">(.*?)</p>')
_TAG = re.compile("<[^>]*>")
_PACKAGES = ("numpy", "pandas", "matplotlib", "scikit-learn", "shap", "gymnasium", "udrl_explain")


def build_reports(options: ReportOptions) -> tuple[list[Path], list[tuple[str, str]]]:
    """Write one report per environment, and an index where there are several; where there is a study, its page.

    Parameters
    ----------
    options : ReportOptions

    Returns
    -------
    pages : list of Path
        What was written.
    problems : list of (str, str)
        Folder and reason of every run that could not be read, or that a section was made without.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no run, or none that can be read.
    """
    pages: list[Path] = []
    problems: list[Problem] = []
    # BLAS sums depend on the number of threads; one gives the same bytes everywhere.
    with threadpool_limits(1), _kernel_compiling(options) as kernel, Beside(options.n_jobs) as beside:
        scopes = gather(options.runs)
        for scope in scopes if options.sections else ():
            page, found = _build(scope, options, kernel, beside)
            pages.append(page)
            problems += found
        # A run that cannot be read may be listed in several reports.
        listed = list(by_place(dict.fromkeys(problems)).items())
        material = study_material(options.runs, seed=options.seed) if options.runs.is_dir() else None
        if material is not None:
            provenance = {"command": _command_line(options)} | _versions()
            entries = _entries(scopes, options, with_findings=False)
            pages.append(build_study(material, options, entries, beside=beside, problems=listed, provenance=provenance))
        elif not options.sections:
            raise ValueError(f"{options.runs / TABLE}: holds no training that is done, and only was {options.only!r}")
        elif len(scopes) > 1:
            pages.append(_write_index(scopes, options, listed))
    return pages, listed


@contextmanager
def _kernel_compiling(options: ReportOptions) -> Iterator["subprocess.Popen[bytes] | None"]:
    """Compile the kernel of the Shapley values on another core; where that fails, it is compiled when used."""
    if options.n_jobs == 1 or not NEED_SHAPLEY.intersection(options.sections):
        yield None
        return
    command = [sys.executable, "-m", "udrl_explain.attributions.warm_up"]
    kernel = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield kernel
    finally:
        kernel.kill()
        kernel.wait()


def _build(
    scope: ReportScope, options: ReportOptions, kernel: "subprocess.Popen[bytes] | None", beside: Beside
) -> tuple[Path, list[Problem]]:
    problems = list(scope.problems)
    target = options.output / scope.name
    with folder_written_whole(target, overwrite=True, marker=MANIFEST, keep=(PLAYER,)) as folder:
        context = ReportContext(scope, options, folder, beside)
        answers, found = _answers(context, kernel)
        problems += found
        start = time.perf_counter()
        sections = [section for section in answers if section.items or section.notes]
        tables = _tables(scope, folder)
        player, about_player = _player(scope, folder)
        page = Page(
            f"{scope.env_name}: what the policies learned, and why they act as they do",
            _lead(scope),
            sections,
            _settings(options),
            list(by_place(problems).items()),
            {"command": _command_line(options), "runs": context.run_hashes} | _versions(),
            find(tables, {section.anchor for section in sections}),
            _overview(context, tables),
            _notes(scope) + about_player,
            player,
        )
        (folder / PAGE).write_text(render(page, folder, n_jobs=options.n_jobs), encoding="utf-8")
        context.timings["page"] = time.perf_counter() - start
        context.record_runs()
        manifest = {
            "command": _command_line(options),
            "seed": options.seed,
            "style": options.style,
            "runs": scope.hashes,
            "problems": by_place(problems),
            "versions": _versions(),
            "files": sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()),
        }
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        # Apart from the manifest, which is the same every time.
        seconds = {name: round(seconds, 2) for name, seconds in context.timings.items()}
        (folder / TIMINGS).write_text(json.dumps({"seconds": seconds}, indent=2) + "\n", encoding="utf-8")
    return target / PAGE, problems


def _answers(context: ReportContext, kernel: "subprocess.Popen[bytes] | None") -> tuple[list[Section], list[Problem]]:
    """All sections in the order of the page; figures are drawn while the analyses go on."""
    questions = context.options.sections
    begun: dict[str, Attempt] = {}
    problems: list[Problem] = []
    try:
        # What needs no Shapley values comes first: their kernel may still be compiling.
        order = sorted(questions, key=NEED_SHAPLEY.__contains__)
        for name in tqdm(order, desc=context.scope.name, unit="section"):
            if name in NEED_SHAPLEY and kernel is not None:
                kernel.wait()
            with context.timed(name):
                begun[name] = attempted(partial(answer_of, name), context)
        sections = []
        for name in questions:
            with context.timed("figures"):
                section, found = answered_without_faults(name, partial(answer_of, name), context, begun[name])
            sections.append(section)
            problems += found
    finally:
        context.beside.leave()  # nobody writes there any more
        shutil.rmtree(context.folder / ATTEMPTS, ignore_errors=True)
    return sections, problems


def _tables(scope: ReportScope, folder: Path) -> ReportTables:
    slugs = {experiment.label: experiment.slug for experiment in scope.experiments}
    return ReportTables(folder / TABLES, slugs, scope.env_name)


def _overview(context: ReportContext, tables: ReportTables) -> TableBlock | None:
    """One row per experiment, written as ``overview.csv``; None where nothing is known."""
    rows = overview(tables)
    if not rows:
        return None
    path = context.data("overview", pd.DataFrame([row.numbers for row in rows]))
    shown = pd.DataFrame([row.words for row in rows])
    return TableBlock(shown, "The policies at a glance", OVERVIEW_CAPTION, (path,), len(rows))


def _notes(scope: ReportScope) -> list[str]:
    """What the runs' own notes say; equal ones of one experiment once, with its seeds."""
    said = []
    for experiment in scope.experiments:
        seeds: dict[str, list[str]] = {}
        for run in experiment.runs:
            for note in run.notes:
                seeds.setdefault(one_line(note), []).append(str(run.config.seed))
        for note, which in seeds.items():
            said.append(f"{experiment.label}, seed{'s' if len(which) > 1 else ''} {', '.join(which)}: {note}")
    return said


def _player(scope: ReportScope, folder: Path) -> tuple[str, list[str]]:
    """Name of the player to link, and what readers must know of one that is not linked."""
    path = folder / PLAYER
    if not path.is_file():
        return "", []
    if set(_HASH_IN_PLAYER.findall(path.read_text(encoding="utf-8"))) <= set(scope.hashes.values()):
        return PLAYER, []
    return "", [f"`{PLAYER}` shows runs that are not those of this report, and is not linked; make it again."]


def _entries(scopes: list[ReportScope], options: ReportOptions, *, with_findings: bool) -> list[IndexEntry]:
    """Reports to lead to: those just made, or, where only the study is asked for, those that are there."""
    entries = []
    for scope in scopes:
        folder = options.output / scope.name
        if not (folder / PAGE).is_file():
            continue
        picture = f"{scope.name}/figures/final_returns.png"
        shown = picture if (options.output / picture).exists() else ""
        page = (folder / PAGE).read_text(encoding="utf-8")
        # A page that was there may hold other runs than those of today's folder: its own words say which.
        lead = html.unescape(_TAG.sub("", "".join(_LEAD.findall(page)[:1])))
        findings = find(_tables(scope, folder), set(_ANCHOR.findall(page))) if with_findings else ()
        entries.append(IndexEntry(scope.env_name, f"{scope.name}/{PAGE}", lead, shown, findings))
    return entries


def _write_index(scopes: list[ReportScope], options: ReportOptions, problems: list[tuple[str, str]]) -> Path:
    entries = _entries(scopes, options, with_findings=True)
    text = render_index(
        entries, options.output, title="Reports of udrl_explain", problems=problems, n_jobs=options.n_jobs
    )
    return write_text_whole(text, options.output / "index.html")


def _lead(scope: ReportScope) -> str:
    seeds = dict[str, list[str]]()  # experiments of the same seeds are named together
    for experiment in scope.experiments:
        numbers = [str(run.config.seed) for run in experiment.runs]
        words = f"seed{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}"
        seeds.setdefault(words, []).append(experiment.label)
    parts = [f"{listed(labels)} ({words})" for words, labels in seeds.items()]
    commanded = all(n_commands(run.feature_names) for run in scope.runs)
    what = "Upside-Down RL policies trained" if commanded else "Policies"
    return f"{what} on {scope.env_name}: {'; '.join(parts)}."


def _settings(options: ReportOptions) -> dict[str, str]:
    return {
        "seed of probes, permutations and bootstrap": str(options.seed),
        "figures": f"{options.style} style, {', '.join(options.suffixes)}",
        "sections": ", ".join(options.sections),
        "run whose single decisions are shown": "the lowest seed of each experiment",
    }


def _command_line(options: ReportOptions) -> str:
    flags = {
        "only": options.only,
        "formats": options.formats if options.formats != ReportOptions.formats else "",
        "style": options.style if options.style != ReportOptions.style else "",
        "seed": str(options.seed) if options.seed else "",
    }
    words = [f"--{flag} {value}" for flag, value in flags.items() if value]
    return " ".join(["python -m udrl_explain.report", options.runs.as_posix(), *words])


def _versions() -> dict[str, str]:
    versions = versions_of(_PACKAGES)
    return {"python": versions["python"], "platform": sys.platform} | versions
