import json
import os
import shutil
import signal
import sys
import time
from dataclasses import replace

import distributed
import joblib
import pytest
from study_helpers import left_behind, start_study, study_flags, tiny_study

from udrl_explain import study as command
from udrl_explain import train_policy
from udrl_explain.files.locks import locked
from udrl_explain.parallel import WorkerDiedError
from udrl_explain.report.build import build_reports
from udrl_explain.report.options import ReportOptions
from udrl_explain.studying import study as studying
from udrl_explain.studying import training
from udrl_explain.studying.places import CellPlaces
from udrl_explain.studying.records import COLUMNS, CURVE_DIGITS, read_record, write_record
from udrl_explain.studying.study import look_at_study, run_study
from udrl_explain.tables import read_csv, write_csv

STUDY = tiny_study(seeds=(1, 2, 3))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What the study leaves that nothing disturbed. Only to be read."""
    directory = tmp_path_factory.mktemp("undisturbed") / "data"
    assert run_study(STUDY, directory, n_jobs=1).method == "3 done, 0 running, 0 failed, 0 missing"
    return directory


def test_a_study_is_ordinary_runs_and_one_table(undisturbed, tmp_path):
    cell = STUDY.cells()[0]
    run = train_policy(cell.config, tmp_path, experiment=cell.experiment)
    for path in sorted(run.directory.iterdir()):
        assert (CellPlaces(cell, undisturbed).run / path.name).read_bytes() == path.read_bytes()
    study = run_study(STUDY, undisturbed, n_jobs=1)
    frame = study.to_frame()
    assert tuple(frame.columns) == COLUMNS
    assert frame["seed"].tolist() == [1, 2, 3]
    row = frame.iloc[0]
    assert row["return_mean"] == pytest.approx(run.final_mean, rel=1e-11)
    assert row["return_std"] == pytest.approx(run.final_std, rel=1e-11)
    assert row["config_hash"] == cell.config_hash
    curve = study.curves.query("seed == 1")
    assert curve["iteration"].tolist() == [1, 2]
    assert curve["test_mean"].tolist() == [float(f"{mean:.{CURVE_DIGITS}g}") for mean in run.test_returns[:, 0]]
    assert curve["steps"].iloc[-1] == row["steps"]


def test_steps_are_those_of_all_training_episodes_warm_up_included(undisturbed, tmp_path):
    told = []
    cell = STUDY.cells()[1]
    train_policy(cell.config, tmp_path, watch=lambda iterations, steps: told.append((iterations, steps)))
    frame = run_study(STUDY, undisturbed, n_jobs=1).table
    assert [iterations for iterations, _ in told] == [0, 1, 2]
    assert told[-1][1] == frame.query("seed == 2")["steps"].item()
    assert told[0][1] > 0


def test_a_report_of_its_folder_opens_with_the_study(undisturbed, tmp_path):
    options = ReportOptions(undisturbed, output=tmp_path, only="final_returns", formats="png", n_jobs=1)
    pages, problems = build_reports(options)
    assert pages[-1] == tmp_path / "index.html"
    assert problems == []
    page = pages[-1].read_text(encoding="utf-8")
    assert "3 trainings are done." in page
    assert 'href="CartPole-v0/report.html"' in page


def test_the_page_of_a_study_can_be_made_alone_and_links_the_reports_that_are_there(undisturbed, tmp_path):
    alone = ReportOptions(undisturbed, output=tmp_path, only="study", formats="png", n_jobs=1)
    assert build_reports(alone) == ([tmp_path / "index.html"], [])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index.html", "study"]
    assert "report.html" not in (tmp_path / "index.html").read_text(encoding="utf-8")
    both = ReportOptions(undisturbed, output=tmp_path, only="study,final_returns", formats="png", n_jobs=1)
    build_reports(both)
    made = (tmp_path / "CartPole-v0" / "report.html").stat().st_mtime_ns
    build_reports(alone)
    assert 'href="CartPole-v0/report.html"' in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert (tmp_path / "CartPole-v0" / "report.html").stat().st_mtime_ns == made


def test_a_link_says_what_the_report_holds_that_was_made_before(undisturbed, tmp_path):
    cell, before, output = STUDY.cells()[0], tmp_path / "before", tmp_path / "reports"
    shutil.copytree(CellPlaces(cell, undisturbed).run, CellPlaces(cell, before).run)
    build_reports(ReportOptions(before / "CartPole-v0", output, only="final_returns", formats="png", n_jobs=1))
    build_reports(ReportOptions(undisturbed, output, only="study", formats="png", n_jobs=1))
    page = (output / "index.html").read_text(encoding="utf-8")
    assert 'href="CartPole-v0/report.html"' in page
    assert "(seed 1)." in page
    assert "(seeds 1, 2, 3)." not in page


def test_without_a_study_there_is_no_page_of_one(undisturbed, tmp_path):
    with pytest.raises(ValueError, match=r"study\.csv: holds no training that is done, and only was 'study'"):
        build_reports(ReportOptions(undisturbed / "CartPole-v0", output=tmp_path, only="study", n_jobs=1))
    assert not list(tmp_path.iterdir())


def test_what_is_there_is_not_trained_again(undisturbed, monkeypatch):
    monkeypatch.setattr(training, "train_policy", None)
    before = left_behind(undisturbed)
    assert run_study(STUDY, undisturbed, n_jobs=1).failed == {}
    assert left_behind(undisturbed) == before


def test_the_table_alone_stands_for_runs_that_are_not_kept(undisturbed, tmp_path, monkeypatch):
    for name in ("study.csv", "study_curves.csv"):
        shutil.copy(undisturbed / name, tmp_path / name)
    monkeypatch.setattr(training, "train_policy", None)
    study = run_study(STUDY, tmp_path, n_jobs=1)
    assert study.method == "3 done, 0 running, 0 failed, 0 missing"
    assert (tmp_path / "study.csv").read_bytes() == (undisturbed / "study.csv").read_bytes()
    assert (tmp_path / "study_curves.csv").read_bytes() == (undisturbed / "study_curves.csv").read_bytes()
    other = look_at_study(tiny_study(seeds=(1,), settings={"save_policy": False}), tmp_path)
    assert other[0].state == "done"
    # The name is the same, the settings are not: a table is not silently overruled.
    text = (tmp_path / "study.csv").read_text(encoding="utf-8")
    (tmp_path / "study.csv").write_text(text.replace(STUDY.cells()[0].config_hash, "0" * 16), encoding="utf-8")
    assert "holds a row of other settings" in look_at_study(STUDY, tmp_path)[0].words


def test_curves_that_still_name_their_estimator_are_read_and_written_without_it(undisturbed, tmp_path):
    shutil.copy(undisturbed / "study.csv", tmp_path / "study.csv")
    curves = read_csv(undisturbed / "study_curves.csv")
    curves.insert(2, "estimator_name", "neural")
    write_csv(curves, tmp_path / "study_curves.csv")
    run_study(STUDY, tmp_path, n_jobs=1)
    assert (tmp_path / "study_curves.csv").read_bytes() == (undisturbed / "study_curves.csv").read_bytes()
    write_csv(curves.rename(columns={"test_mean": "mean"}), tmp_path / "study_curves.csv")
    with pytest.raises(ValueError, match=r"study_curves\.csv: columns must be env_name, experiment, seed"):
        run_study(STUDY, tmp_path, n_jobs=1)


def test_mean_returns_of_curves_keep_six_digits(undisturbed, tmp_path):
    shutil.copytree(undisturbed, tmp_path, dirs_exist_ok=True)
    cell = STUDY.cells()[0]
    places = CellPlaces(cell, tmp_path)
    record = read_record(cell, places)
    write_record(replace(record, curve=((1, 40, -1000 / 3), (2, 80, 200 / 3))), places)
    study = run_study(STUDY, tmp_path, n_jobs=1)
    assert "1,1,40,-333.333\n" in (tmp_path / "study_curves.csv").read_text(encoding="utf-8")
    assert study.curves.query("seed == 1")["test_mean"].tolist() == [-333.333, 66.6667]


def test_a_folder_of_other_settings_is_a_failure_and_stays(undisturbed, tmp_path):
    shutil.copytree(undisturbed, tmp_path, dirs_exist_ok=True)
    path = CellPlaces(STUDY.cells()[0], tmp_path).run / "conf.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(values | {"last_few": 2}), encoding="utf-8")
    states = look_at_study(STUDY, tmp_path)
    assert [state.state for state in states] == ["failed", "done", "done"]
    assert states[0].words.endswith("holds a run of other settings: last_few is 2, the study asks for 3")
    assert "last_few" in next(iter(run_study(STUDY, tmp_path, n_jobs=1).failed.values()))
    assert json.loads(path.read_text(encoding="utf-8"))["last_few"] == 2


def test_a_failure_is_listed_and_stops_nothing(tmp_path, monkeypatch, capsys):
    real = training.train_policy

    def refuse(config, *arguments, **options):
        if config.seed == 1:
            raise MemoryError("no room\nleft")
        return real(config, *arguments, **options)

    monkeypatch.setattr(training, "train_policy", refuse)
    monkeypatch.setattr(sys, "argv", ["x", *study_flags(tiny_study()), "--directory", str(tmp_path), "--n-jobs", "1"])
    assert command.main() == 1
    captured = capsys.readouterr()
    assert captured.out == f"{tmp_path / 'study.csv'}\n"
    assert "/1: MemoryError: no room left\n" in captured.err
    assert "2 trainings: 1 done, 0 running, 1 failed, 0 missing" in captured.err
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--list"])
    assert command.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["failed", "done"]
    assert lines[0].endswith("/1  MemoryError: no room left")
    # A failure stays one until it is asked for again.
    monkeypatch.setattr(training, "train_policy", real)
    assert run_study(tiny_study(), tmp_path, n_jobs=1).failed
    study = run_study(tiny_study(), tmp_path, n_jobs=1, retry=True)
    assert study.failed == {}
    assert study.table["status"].tolist() == ["done", "done"]


def test_a_training_is_stopped_at_its_limit(tmp_path, undisturbed):
    study = run_study(tiny_study(seeds=(1,), limit_hours=1e-9), tmp_path, n_jobs=1)
    (reason,) = study.failed.values()
    assert reason.startswith("stopped after 1e-09 h: 0 of 2 iterations, ")
    assert study.table["reason"].tolist() == [reason]
    # Without the limit it is the same training as any other.
    run_study(tiny_study(seeds=(1,)), tmp_path, n_jobs=1, retry=True)
    place = CellPlaces(STUDY.cells()[0], tmp_path).run
    assert (place / "conf.json").read_bytes() == (
        CellPlaces(STUDY.cells()[0], undisturbed).run / "conf.json"
    ).read_bytes()


def test_what_another_process_trains_is_running_and_left_to_it(tmp_path):
    config = tiny_study(seeds=(1,))
    places = CellPlaces(config.cells()[0], tmp_path)
    with locked(places.lock) as free:
        assert free
        assert look_at_study(config, tmp_path)[0].state == "running"
        assert run_study(config, tmp_path, n_jobs=1).method == "0 done, 1 running, 0 failed, 0 missing"
        assert not places.run.exists()
    assert look_at_study(config, tmp_path)[0].state == "missing", "the lock of a process that is gone is no lock"


def test_runs_that_are_there_can_be_collected_without_training(undisturbed, tmp_path, monkeypatch):
    shutil.copytree(undisturbed / "CartPole-v0", tmp_path / "CartPole-v0")
    shutil.rmtree(CellPlaces(STUDY.cells()[2], tmp_path).run)
    monkeypatch.setattr(training, "train_policy", None)
    study = run_study(STUDY, tmp_path, n_jobs=1, train=False)
    assert study.method == "2 done, 0 running, 0 failed, 1 missing"
    assert study.table["seed"].tolist() == [1, 2]
    assert study.table["seconds"].isna().all(), "nobody measured how long they took"


def test_two_shards_leave_what_one_study_does(undisturbed, tmp_path):
    for part in (2, 1):
        run_study(STUDY, tmp_path, n_jobs=1, shard=(part, 2))
    assert left_behind(tmp_path) == left_behind(undisturbed)


def test_processes_leave_what_one_process_does(undisturbed, tmp_path):
    run_study(STUDY, tmp_path, n_jobs=2)
    assert left_behind(tmp_path) == left_behind(undisturbed)


def test_what_kills_its_process_fails_alone(tmp_path, monkeypatch):
    """The engine is a stand-in that dies on seed 1, as the real one does of a process out of memory."""
    apart = []

    def engine(work, items, n_jobs, *, scheduler=None, apart_from=apart, **options):
        apart_from.append(options.get("apart", False))
        for item in items:
            if item.cell.config.seed == 1:
                places = CellPlaces(item.cell, item.directory)
                places.progress.parent.mkdir(parents=True, exist_ok=True)
                places.progress.write_text('{"iterations": 1, "steps": 77}', encoding="utf-8")
                raise WorkerDiedError("a process was killed, or ran out of memory")
            yield work(item)

    monkeypatch.setattr(studying, "in_any_order", engine)
    study = run_study(tiny_study(), tmp_path)
    assert apart == [False, True, False]
    assert study.method == "1 done, 0 running, 1 failed, 0 missing"
    assert list(study.failed.values()) == ["a process was killed, or ran out of memory, twice: after 1 iterations"]
    assert study.table.query("seed == 1")["steps"].item() == 77


def test_a_study_that_is_killed_twice_ends_as_if_it_had_not_been(undisturbed, tmp_path):
    flags = [*study_flags(STUDY), "--directory", tmp_path / "data", "--n-jobs", "1"]
    notes = tmp_path / "data" / ".study"
    for _ in range(2):
        seen = len(list(notes.rglob("*.json")))
        process = start_study(*flags, folder=tmp_path)
        # In the middle of a training: one is over, and the next has begun.
        while process.poll() is None and (
            len(list(notes.rglob("*.json"))) == seen or not list(notes.rglob("*.progress"))
        ):
            time.sleep(0.001)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        states = [state.state for state in look_at_study(STUDY, tmp_path / "data")]
        assert "running" not in states
    assert states.count("done") == 2
    assert run_study(STUDY, tmp_path / "data", n_jobs=1).failed == {}
    assert left_behind(tmp_path / "data") == left_behind(undisturbed)
    assert not list((tmp_path / "data").rglob("*.partial"))


@pytest.mark.slow
def test_dask_leaves_what_one_process_does(undisturbed, tmp_path):
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1", protocol="tcp"
    ) as cluster:
        run_study(STUDY, tmp_path, scheduler=cluster.scheduler_address)
    assert left_behind(tmp_path) == left_behind(undisturbed)
    assert joblib.parallel.get_active_backend()[0].__class__.__name__ == "LokyBackend"
