"""What a command says when it is done, to whatever stands at the other end of its streams."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import udrl_explain
from udrl_explain.__main__ import COMMANDS, PROG

ANSWER = (
    "import sys; from udrl_explain.command_line import answer, run_main\n"
    "def main():\n"
    "    answer('me', ['data/\u00e9t\u00e9/1', 'b'], 'Next, \u2192 rest.')\n"
    "    return 0\n"
    "raise SystemExit(run_main('me', main))"
)


def python(*words, shell="", **options):
    command = [sys.executable, *words]
    if shell:
        command = ["sh", "-c", f'"$@" {shell}', "sh", *command]
    return subprocess.run(command, capture_output=True, timeout=60, check=False, **options)


def test_the_answer_stands_alone_on_standard_output():
    done = python("-c", ANSWER)
    assert done.stdout.decode() == "data/\u00e9t\u00e9/1\nb\n"
    assert done.stderr.decode() == "Next, \u2192 rest.\n"
    assert done.returncode == 0


def test_a_stream_of_ascii_gets_the_path_as_the_file_system_spells_it():
    done = python("-c", ANSWER, env={"PYTHONIOENCODING": "ascii", "PATH": "/usr/bin:/bin"})
    assert done.stdout == "data/\u00e9t\u00e9/1\nb\n".encode()
    assert done.stderr == b"Next, \\u2192 rest.\n"
    assert done.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    ("shell", "named"),
    [("> /dev/full", True), (">&-", False), ("| true", True), ("2>&-", False), ("> /dev/full 2> /dev/full", False)],
)
def test_work_that_is_stored_counts_as_done_whatever_becomes_of_the_answer(shell, named, tmp_path):
    script = tmp_path / "script.py"
    # The reader of the pipe has gone when the answer comes.
    script.write_text("import time; time.sleep(0.3 * ('|' in __import__('sys').argv[1]))\n" + ANSWER, encoding="utf-8")
    line = f'"$@" {shell}'
    if "|" in shell:
        line = f'{{ "$@"; echo $? > status; }} {shell}; sleep 1; exit $(cat status)'
    command = ["sh", "-c", line, "sh", sys.executable, str(script), shell]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    assert b"BrokenPipe" not in done.stderr
    if named:
        assert "me: done, but standard output takes no answer" in done.stderr.decode()
        assert "data/\u00e9t\u00e9/1, b" in done.stderr.decode()


def test_the_commands_stand_on_one_screen_and_run_by_name():
    done = python("-m", "udrl_explain")
    listed = done.stdout.decode()
    assert done.returncode == 0
    assert len(listed.splitlines()) < 24
    assert max(map(len, listed.splitlines())) < 80
    assert re.findall(r"^  (\w+) ", listed, re.MULTILINE) == list(COMMANDS)
    asked = python("-m", "udrl_explain", "sweep", "--help")
    assert asked.returncode == 0
    assert asked.stdout == python("-m", "udrl_explain.sweep", "--help").stdout
    wrong = python("-m", "udrl_explain", "swep")
    assert wrong.returncode == 2
    assert wrong.stderr.decode() == f"{PROG}: error: there is no command 'swep', only {', '.join(COMMANDS)}\n"
    bad = python("-m", "udrl_explain", "sweep", "nowhere")
    assert (bad.returncode, bad.stdout) == (2, b"")
    assert b"nowhere: no such folder" in bad.stderr


def test_every_command_is_listed():
    package = Path(udrl_explain.__file__).parent
    progs = [re.search(r'^PROG = "(.*)"', path.read_text("utf-8"), re.MULTILINE) for path in package.rglob("*.py")]
    assert {found[1] for found in progs if found} == {PROG, *(f"{PROG}.{command}" for command in COMMANDS)}


@pytest.mark.parametrize("columns", ["45", "80", "200"])
@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_one_default(command, columns):
    done = python("-m", f"udrl_explain.{command}", "--help", env={"COLUMNS": columns, "PYTHONIOENCODING": "utf-8"})
    text = " ".join(re.sub("[\u2500-\u257f]", " ", done.stdout.decode()).split())
    assert "(default: None)" not in text
    assert "(default: '')" not in text
    for entry in text.split(" --")[1:]:
        assert entry.count("(default: ") <= 1, entry


def test_the_version_is_that_of_the_project():
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{udrl_explain.__version__}"' in text


def test_the_citation_is_that_of_the_project():
    text = (Path(__file__).parents[1] / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {udrl_explain.__version__}\n" in text
    assert "\nlicense: MIT\n" in text
    assert "https://arxiv.org/abs/2411.11457" in text
