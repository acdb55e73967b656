"""One bad run never costs the report of the good ones: whatever its content raises is caught, named and listed."""

import dataclasses
import json
import re
import shutil
import warnings
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from core_helpers import tiny_run

from udrl_explain.files.reading import write_npz
from udrl_explain.report import build
from udrl_explain.report.gather import gather, one_line
from udrl_explain.report.options import ReportOptions
from udrl_explain.report.questions import QUESTIONS
from udrl_explain.runs import save_run
from udrl_explain.self_check import SelfCheckError
from udrl_explain.tables import read_csv

GOOD, BAD = "data/CartPole-v0/trees/2", "data/CartPole-v0/trees/1"


@pytest.fixture
def copied(tiny_place, tmp_path, monkeypatch):
    shutil.copytree(tiny_place / "data", tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def built(only, **others):
    _, problems = build.build_reports(ReportOptions(Path("data"), only=only, formats="png", n_jobs=1, **others))
    return dict(problems)


def page(folder):
    return (folder / "reports/CartPole-v0/report.html").read_text(encoding="utf-8")


def tables(folder):
    return {path.name for path in (folder / "reports/CartPole-v0/tables").iterdir()}


def fails_for(seed, fault, function):
    """`function`, but it raises `fault` where the run of this seed is among those it is given."""

    def answer(context):
        if any(run.config.seed == seed and "trees" in run.directory.parts for run in context.scope.runs):
            context.data("half_written", pd.DataFrame({"a": [1]}))
            raise fault
        return function(context)

    return answer


def make_scale_absurd(folder):
    """Finite, above 0, equal in both files - and too large for any input that a tree compares."""
    values = json.loads((folder / "conf.json").read_text())
    (folder / "conf.json").write_text(json.dumps(values | {"return_scale": 1e300}))
    with np.load(folder / "policy.npz") as stored:
        arrays = dict(stored) | {"return_scale": np.float64(1e300)}
    write_npz(folder / "policy.npz", arrays)


def test_content_that_only_an_analysis_trips_over_costs_its_own_run_alone(copied):
    make_scale_absurd(copied / BAD)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        problems = built("final_returns,command_map,obedience")
    assert list(problems) == [BAD]
    assert "left out of command_map: a command times its scale does not fit float32" in problems[BAD]
    assert "obedience" not in problems[BAD]
    assert "final_returns" not in problems[BAD]
    text = page(copied)
    assert BAD in text
    assert "left out of command_map" in text
    # The other seed is shown in its place, and what needs no policy still counts both.
    assert "command_map-random_forest-start.csv" in tables(copied)
    assert "random forest, seed 2" in text
    assert read_csv(copied / "reports/CartPole-v0/tables/final_returns_by_seed.csv")["seed"].tolist() == [1, 1, 2]
    manifest = json.loads((copied / "reports/CartPole-v0/manifest.json").read_text())
    assert manifest["problems"] == problems


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (ValueError("odd"), "left out of learning: odd"),
        (IndexError("index 3"), "left out of learning: IndexError: index 3"),
        (MemoryError(), "left out of learning: MemoryError"),
        (
            SelfCheckError("0.1 is not 0.2"),
            "left out of learning: a fault of udrl_explain itself, please report it (0.1",
        ),
    ],
)
def test_an_analysis_over_all_runs_is_made_again_without_the_guilty_one(copied, monkeypatch, fault, words):
    from udrl_explain.report.sections import learning

    monkeypatch.setattr(learning, "answer", fails_for(1, fault, learning.answer))
    problems = built("learning")
    assert list(problems) == [BAD]
    assert words in problems[BAD]
    curves = read_csv(copied / "reports/CartPole-v0/tables/learning_curves_by_seed.csv")
    assert set(zip(curves["label"], curves["seed"], strict=True)) == {("random forest", 2), ("neural net", 1)}
    assert "half_written.csv" not in tables(copied)


def test_a_section_that_no_run_survives_says_so(copied, monkeypatch):
    from udrl_explain.report.sections import learning

    def answer(context):
        raise KeyError("column")

    monkeypatch.setattr(learning, "answer", answer)
    problems = built("learning,final_returns")
    assert set(problems) == {BAD, GOOD, "data/CartPole-v0/net/1"}
    assert "No run is left to answer this." in page(copied)
    assert "final_returns.csv" in tables(copied)


def test_runs_that_fail_only_together_are_named_by_their_common_folder(copied, monkeypatch):
    from udrl_explain.report.sections import learning

    real = learning.answer

    def answer(context):
        if len(context.scope.runs) == 3:
            raise ValueError("three is a crowd")
        return real(context)

    monkeypatch.setattr(learning, "answer", answer)
    assert built("learning") == {"data/CartPole-v0": "left out of learning: three is a crowd"}


def test_a_full_disk_is_no_fault_of_a_run(copied, monkeypatch):
    from udrl_explain.report.sections import learning

    def answer(context):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(learning, "answer", answer)
    with pytest.raises(OSError, match="No space left on device"):
        built("learning")
    assert not (copied / "reports/CartPole-v0").exists()


@pytest.mark.parametrize(
    "fault", [zlib.error("flipped"), EOFError(), RecursionError(), MemoryError(), NotImplementedError("x")]
)
def test_whatever_reading_raises_is_a_problem_of_that_run(copied, monkeypatch, fault):
    from udrl_explain.runs import loading

    real = loading.read_returns

    def read(path):
        if "trees/1" in path.as_posix():
            raise fault
        return real(path)

    monkeypatch.setattr(loading, "read_returns", read)
    (scope,) = gather(copied / "data")
    (problem,) = scope.problems
    assert problem.folder == copied / BAD
    assert type(fault).__name__ in problem.reason
    assert len(scope.runs) == 2


def test_messages_are_one_short_line_without_control_characters():
    assert one_line("a\nb\tc") == "a b c"
    assert one_line("\x1b[31mred\udcff") == r"\x1b[31mred\udcff"
    assert len(one_line("x" * 10**6)) < 700


def test_a_folder_whose_name_cannot_be_printed_is_listed(copied):
    odd = copied / "data/CartPole-v0/trees" / "3\udcff"
    shutil.copytree(copied / GOOD, odd)
    problems = built("final_returns")
    assert problems == {r"data/CartPole-v0/trees/3\udcff": "the name of its folder cannot be printed"}


@pytest.mark.slow
def test_every_section_survives_a_run_it_cannot_explain(copied):
    make_scale_absurd(copied / BAD)
    make_scale_absurd(copied / GOOD)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        problems = built("")
    # Comparisons need several runs: no single one is to blame where each by itself has nothing to compare.
    assert set(problems) == {BAD, GOOD, "data/CartPole-v0"}, problems
    assert set(re.findall(r"left out of (\w+)", problems["data/CartPole-v0"])) == {"comparison", "stability"}
    text = page(copied)
    for name in QUESTIONS:
        assert f'id="{name.replace("_", "-")}"' in text


def test_two_environments_on_one_folder_name_get_a_report_each(tmp_path, monkeypatch):
    """The bug: the second report replaced the first, in one command or in two."""
    monkeypatch.chdir(tmp_path)
    for env_name in ("a/Walk-v0", "a-Walk-v0"):
        run = tiny_run(tmp_path, env_name=env_name)
        save_run(dataclasses.replace(run, directory=tmp_path / "data" / env_name / "base" / "7"), [])
    pages, _ = build.build_reports(ReportOptions(Path("data"), only="final_returns", formats="png", n_jobs=1))
    assert len({page.parent.name for page in pages[:2]}) == 2
    titles = {page.read_text(encoding="utf-8").partition("<title>")[2][:12] for page in pages[:2]}
    assert {title.split(":")[0] for title in titles} == {"a/Walk-v0", "a-Walk-v0"}
    (alone,), _ = build.build_reports(ReportOptions(Path("data/a"), only="final_returns", formats="png", n_jobs=1))
    assert alone in pages


def test_experiments_whose_labels_fall_on_one_name_keep_their_files_apart(tmp_path):
    for experiment in ("x-1", "x_1"):
        run = tiny_run(tmp_path)
        save_run(dataclasses.replace(run, directory=tmp_path / "data" / "CartPole-v0" / experiment / "7"), [])
    (scope,) = gather(tmp_path / "data")
    assert len({experiment.slug for experiment in scope.experiments}) == 2


def test_what_only_drawing_trips_over_costs_its_own_run_alone_in_whatever_process(copied, monkeypatch):
    from udrl_explain.report.sections import final_returns

    real = final_returns.answer

    def answer(context):
        section = real(context)
        if any(run.directory.as_posix() == BAD for run in context.scope.runs):
            context.data("obedience-broken", pd.DataFrame({"a": [1]}))
            section = dataclasses.replace(
                section, items=[*section.items, *context.pictures("obedience-broken", {}, "")]
            )
        return section

    monkeypatch.setattr(final_returns, "answer", answer)
    reports = {}
    for n_jobs in (1, 2):
        _, problems = build.build_reports(
            ReportOptions(Path("data"), only="final_returns", formats="png", n_jobs=n_jobs)
        )
        ((folder, reason),) = problems
        assert folder == BAD
        assert reason.startswith("left out of final_returns: tables/obedience-broken.csv: the frame lacks the columns")
        report = copied / "reports/CartPole-v0"
        assert not list(report.glob(".*")), "no attempt is left behind"
        files = [
            path
            for path in report.rglob("*.*")
            if path.is_file() and path.name not in ("manifest.json", "timings.json")
        ]
        reports[n_jobs] = {path.relative_to(report).as_posix(): path.read_bytes() for path in files}
    assert {"figures/final_returns.png", "report.html"} < set(reports[1])
    assert "tables/obedience-broken.csv" not in reports[1]
    assert reports[1] == reports[2]
