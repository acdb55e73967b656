"""What killed processes leave is cleared away or put back by the next one; what a living one writes is not touched."""

import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from core_helpers import everything, tiny_run

from udrl_explain.files import leftovers
from udrl_explain.files.atomic import check_folder_can_be_written, folder_written_whole, write_text_whole, write_whole
from udrl_explain.files.leftovers import OLD, PARTIAL, all_set_aside, hidden_name
from udrl_explain.report.gather import gather
from udrl_explain.runs import load_run, save_run
from udrl_explain.runs.places import folder_hash

WRITE = """
import sys, time
from pathlib import Path
from udrl_explain.files.atomic import folder_written_whole, write_whole
with {call} as partial:
    {fill}
    print("writing", flush=True)
    time.sleep(60)
"""


def writer(call, fill):
    """A process in the middle of writing; killed or left to write by the caller."""
    process = subprocess.Popen([sys.executable, "-c", WRITE.format(call=call, fill=fill)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"writing\n"
    return process


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()


def dead_name(stem, kind, monkeypatch):
    """A hidden name that a process of this machine made that no longer runs."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: ended.pid)
        return hidden_name(stem, kind)


def test_the_leftovers_of_a_killed_writer_are_cleared_by_the_next(tmp_path):
    """The bug: they stayed for ever."""
    file, folder = tmp_path / "rows.csv", tmp_path / "0.5" / "42"
    for call, fill in (
        (f"write_whole({str(file)!r})", "partial.write_text('half')"),
        (f"folder_written_whole({str(folder)!r})", "(partial / 'a').write_text('half')"),
    ):
        kill(writer(call, fill))
    assert len([name for name in everything(tmp_path) if name.endswith((".partial", ".partial.csv"))]) == 2
    write_text_whole("whole", file)
    with folder_written_whole(folder) as partial:
        (partial / "a").write_text("whole")
    assert everything(tmp_path) == ["0.5", "0.5/42", "0.5/42/a", "rows.csv"]


def test_what_another_process_is_writing_is_left_alone(tmp_path):
    file = tmp_path / "rows.csv"
    process = writer(f"write_whole({str(file)!r})", "partial.write_text('theirs')")
    try:
        write_text_whole("mine", file)
        (theirs,) = [path for path in tmp_path.iterdir() if path != file]
        assert theirs.read_text() == "theirs"
    finally:
        kill(process)
    write_text_whole("mine", file)
    assert everything(tmp_path) == ["rows.csv"]


def test_leftovers_of_other_targets_and_machines_are_left_alone(tmp_path, monkeypatch):
    other = tmp_path / dead_name("rows2", PARTIAL, monkeypatch)
    monkeypatch.setattr(leftovers, "_host", lambda: "ffffff")
    elsewhere = tmp_path / (hidden_name("rows", PARTIAL) + ".csv")
    monkeypatch.undo()
    unsigned = tmp_path / ".rows.0123abcd.partial.csv"  # as earlier releases named them
    for path in (other, elsewhere, unsigned):
        path.write_text("half")
    write_text_whole("whole", tmp_path / "rows.csv")
    assert all(path.exists() for path in (other, elsewhere, unsigned))
    week_ago = time.time() - 8 * 24 * 3600
    for path in (elsewhere, unsigned):
        os.utime(path, (week_ago, week_ago))
    write_text_whole("whole", tmp_path / "rows.csv")
    assert everything(tmp_path) == sorted([other.name, "rows.csv"])


class TestAnInterruptedOverwrite:
    @pytest.fixture
    def aside(self, tmp_path, monkeypatch):
        """A run that was set aside, and the process killed before the new one stood in its place."""
        run = tiny_run(tmp_path / "data")
        save_run(run, [])
        left = run.directory.with_name(dead_name("7", OLD, monkeypatch))
        run.directory.rename(left)
        return run, left

    def test_loading_names_it(self, aside):
        run, left = aside
        with pytest.raises(FileNotFoundError, match="no such folder; an interrupted overwrite set it aside") as fault:
            load_run(run.directory)
        assert left.name in str(fault.value)

    def test_the_next_writer_puts_it_back_and_refuses_to_replace_it(self, aside):
        run, left = aside
        with pytest.raises(FileExistsError, match="give --overwrite"):
            save_run(run, [])
        assert not left.exists()
        assert load_run(run.directory).policy is not None

    def test_a_check_before_long_work_puts_it_back_too(self, aside):
        run, left = aside
        check_folder_can_be_written(run.directory, overwrite=True, marker="conf.json")
        assert not left.exists()
        assert load_run(run.directory).policy is not None

    def test_a_report_names_it_among_its_problems(self, aside, tmp_path):
        """The bug: the run was gone from the report without a word."""
        run, left = aside
        save_run(tiny_run(tmp_path / "data", seed=8), [])
        (scope,) = gather(tmp_path / "data")
        (problem,) = scope.problems
        assert problem.folder == run.directory
        assert left.name in problem.reason

    def test_one_whose_successor_stands_is_cleared(self, aside):
        run, left = aside
        shutil.copytree(left, run.directory)
        assert all_set_aside(run.directory.parents[2]) == {}
        save_run(run, [], overwrite=True)
        assert [path.name for path in run.directory.parent.iterdir()] == ["7"]


def test_leftovers_are_never_hashed(tmp_path):
    run = tiny_run(tmp_path)
    save_run(run, [])
    before = folder_hash(run.directory)
    (run.directory / ".command_sweep.0123abcd.partial.csv").write_text("half")
    assert folder_hash(run.directory) == before


LIMITED = """
import resource, sys
import numpy as np
from udrl_explain.files.atomic import folder_written_whole, write_whole
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
{code}
"""


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("with write_whole('rows.csv') as partial: partial.write_bytes(bytes(10**5))", "rows.csv: cannot be written"),
        ("with write_whole('rows.npy') as partial: np.save(partial, np.zeros(10**5))", "rows.npy: cannot be written"),
        (
            "with folder_written_whole('run') as folder:\n np.save(folder / 'a.npy', np.zeros(10**5))",
            "run: cannot be written",
        ),
    ],
)
def test_where_there_is_no_room_the_message_names_the_target_and_nothing_stays(tmp_path, code, named):
    """The bug: "No space left on device", or "12500 requested and 496 written", and no name."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED.format(code=code)], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert named in done.stderr.splitlines()[-1]
    assert everything(tmp_path) == []


def test_other_errors_of_the_system_keep_their_own_words(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"), folder_written_whole(tmp_path / "run"):
        np.load(tmp_path / "nowhere")
    with pytest.raises(BrokenPipeError, match=r"^$"), write_whole(tmp_path / "rows.csv"):
        raise BrokenPipeError
