import os
import re
import signal
import subprocess
import sys
import time
from importlib.metadata import version

import pytest
from core_helpers import everything, tiny_run
from environment_helpers import small_worlds  # noqa: F401 - fixture

from udrl_explain import sweep, train
from udrl_explain.__main__ import COMMANDS
from udrl_explain.command_line import UsageError, parse, run_main
from udrl_explain.runs import load_run, save_run
from udrl_explain.self_check import SelfCheckError
from udrl_explain.train import TrainOptions

QUICK = [
    "--max-episode", "1", "--collect-episode", "2", "--warm-up", "6", "--final-testing-sample", "2",
    "--estimator-name", "tree.DecisionTreeClassifier",
]  # fmt: skip
SETTINGS = {
    "env_name": "CartPole-v0", "estimator_name": "ensemble.RandomForestClassifier", "seed": "42", "max_episode": "500",
    "collect_episode": "15", "train_per_iter": "default 1; 100 for neural",
    "batch_size": "default 0; 256 for neural", "warm_up": "paper: 50; 260 for neural", "memory_size": "paper: 700",
    "last_few": "75", "testing_period": "10", "horizon_scale": "0.02", "return_scale": "0.02",
    "exploration": "paper: epsilon; sample for neural", "epsilon": "0.2", "final_testing": "True",
    "final_testing_sample": "100", "final_desired_return": "default 200 for CartPole-v0",
    "final_desired_horizon": "default 200 for CartPole-v0", "save_policy": "True", "save_learning_infos": "True",
    "experiment": "default: made of the settings", "overwrite": "False", "directory": "data",
    "n_jobs": "default: one per core",
}  # fmt: skip


def train_options(*arguments):
    return parse(TrainOptions, prog="train", arguments=arguments)


def run_command(module, arguments, monkeypatch, capsys):
    """Exit status and what was written to both streams."""
    monkeypatch.setattr("sys.argv", [module.PROG, *map(str, arguments)])
    status = run_main(module.PROG, module.main)
    shown = capsys.readouterr()
    return status, shown.out, shown.err


def one_line(err):
    assert err.endswith("\n")
    assert err.count("\n") == 1, err
    return err


@pytest.mark.parametrize("name", SETTINGS)
def test_help_names_every_flag_with_its_default(capsys, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "300")
    with pytest.raises(SystemExit) as stop:
        train_options("--help")
    assert stop.value.code == 0
    text = capsys.readouterr().out
    flag = f"--{name.replace('_', '-')}"
    entry = re.search(rf"{flag}[ ,].*?(?=\n. --|\Z)", text, re.DOTALL)
    assert entry, f"{flag} is missing"
    words = " ".join(re.sub("[─-╿]", " ", entry[0]).split())
    default = SETTINGS[name]
    assert words.count("(default: ") <= 1
    assert (default if default.startswith(("default", "paper")) else f"(default: {default})") in words


@pytest.mark.parametrize("join", ["_", "-"])
def test_underscores_and_hyphens_are_both_accepted(join):
    flags = {"env_name": "Acrobot-v1", "max_episode": "3", "return_scale": "0.5", "final_desired_return": "-80.5"}
    words = [word for name, value in flags.items() for word in (f"--{name.replace('_', join)}", value)]
    config = train_options(*words).config
    assert (config.env_name, config.max_episode, config.return_scale) == ("Acrobot-v1", 3, 0.5)
    assert config.final_desired_return == -80.5
    assert train_options(*(f"--{name.replace('_', join)}={value}" for name, value in flags.items())).config == config


@pytest.mark.parametrize("join", ["_", "-"])
def test_switches_take_every_spelling(join):
    """The bug: `--final_testing true` and even `--final_testing` alone were unrecognised."""
    flag = f"final{join}testing"
    for words in ([f"--{flag}"], [f"--{flag}", "True"], [f"--{flag}=true"], []):
        assert train_options(*words).config.final_testing is True
    for words in ([f"--no-{flag}"], [f"--{flag}", "False"], [f"--{flag}=false"], [f"--{flag}", "true", f"--no-{flag}"]):
        assert train_options(*words).config.final_testing is False
    assert train_options("--overwrite").overwrite is True
    assert train_options("--overwrite", "true", "--seed", "3").config.seed == 3
    assert train_options("--experiment", "true").experiment == "true"  # a name, not a switch


def test_no_flags_give_the_defaults():
    options = train_options()
    assert options == TrainOptions(options.config)
    assert options.config.env_name == "CartPole-v0"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--max-episode", "many"], "--max-episode: invalid literal for int.*'many'"),
        (["--learning-rate", "3"], "Unrecognized options: --learning-rate"),
        (["extra"], "Unrecognized options: extra"),
        (["--seed"], "--seed"),
        (["--exploration", "greedy"], "invalid choice 'greedy' for argument '--exploration'"),
        (["--memory-size", "-1"], "^memory_size must be at least 1, got -1; see train --help$"),
        (["--return-scale", "nan"], "return_scale must be a finite number, got nan"),
    ],
)
def test_flags_that_do_not_fit_are_one_plain_line(words, message):
    with pytest.raises(UsageError, match=message) as fault:
        train_options(*words)
    assert "\n" not in str(fault.value)
    assert not re.search("[─-╿]", str(fault.value))


BAD_TRAININGS = {
    "unknown environment": (["--env-name", "Nope-v0"], "env_name 'Nope-v0'"),
    "an environment that was renamed": (["--env-name", "LunarLander-v2"], "LunarLander-v3"),
    "a package that is not there": (["--env-name", "nope_nope:Env-v0"], "nope_nope"),
    "continuous actions": (["--env-name", "Pendulum-v1"], "actions must be Discrete and at least 2, got Box"),
    "images": (["--env-name", "Pixels-v0"], "observations must be a one-dimensional Box"),
    "dictionaries": (["--env-name", "Words-v0"], "observations must be a one-dimensional Box, got Dict"),
    "unknown estimator": (["--estimator-name", "ensemble.Nope"], "scikit-learn has no such class"),
    "no classifier": (["--estimator-name", "ensemble.RandomForestRegressor"], "it is no classifier"),
    "no estimator": (["--estimator-name", "metrics.accuracy_score"], "it is no estimator"),
    "negative size": (["--memory-size", "-3"], "memory_size must be at least 1, got -3"),
    "no iterations": (["--max-episode", "0"], "max_episode must be at least 1, got 0"),
    "batch over the buffer": (["--batch-size", "51"], "batch_size must not exceed the buffer"),
    "zero scale": (["--horizon-scale", "0"], "horizon_scale must be above 0, got 0"),
    "negative seed": (["--seed", "-1"], "seed must be at least 0, got -1"),
    "a flag nobody knows": (["--sped", "1"], "--sped"),
    "a file in the way": (["--directory", "file"], "is a file"),
}


@pytest.mark.parametrize("case", BAD_TRAININGS)
@pytest.mark.usefixtures("small_worlds")
def test_a_mistake_is_one_line_with_status_2_and_nothing_written(case, tmp_path, monkeypatch, capsys):
    arguments, message = BAD_TRAININGS[case]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("mine")
    status, out, err = run_command(train, arguments, monkeypatch, capsys)
    assert (status, out) == (2, "")
    assert one_line(err).startswith("python -m udrl_explain.train: error: ")
    assert message in err
    assert everything(tmp_path) == ["file"]
    assert (tmp_path / "file").read_text() == "mine"


def test_a_training_answers_with_its_run(tmp_path, monkeypatch, capsys):
    arguments = [*QUICK, "--directory", tmp_path, "--experiment", "mine", "--seed", "3"]
    status, out, err = run_command(train, arguments, monkeypatch, capsys)
    assert status == 0
    folder = tmp_path / "CartPole-v0" / "mine" / "3"
    assert out == f"{folder}\n", "for scripts: the folder and nothing else"
    assert "final return" in err
    assert err.splitlines()[-1].endswith(f"explain it: python -m udrl_explain.report {folder}")
    assert "mean return" in err  # the progress bar
    # Once more: refused, nothing changed; with --overwrite: replaced.
    before = (folder / "conf.json").stat().st_mtime_ns
    status, out, err = run_command(train, arguments, monkeypatch, capsys)
    assert (status, out) == (2, "")
    assert "exists; give --overwrite to replace it" in one_line(err)
    assert (folder / "conf.json").stat().st_mtime_ns == before
    assert run_command(train, [*arguments, "--overwrite"], monkeypatch, capsys)[0] == 0
    assert (folder / "conf.json").stat().st_mtime_ns != before
    assert everything(folder.parent)[0] == "3"
    assert not [name for name in everything(tmp_path) if "partial" in name]


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path, monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("udrl_explain.runs.saving.write_npz", full)
    status, _, err = run_command(train, [*QUICK, "--directory", tmp_path / "data"], monkeypatch, capsys)
    assert status == 2
    last = err.splitlines()[-1]
    assert last.startswith(f"python -m udrl_explain.train: error: [Errno 28] {tmp_path / 'data'}")
    assert last.endswith("cannot be written (No space left on device)")
    assert everything(tmp_path) == []


def test_a_policy_that_cannot_be_stored_is_noticed_at_the_first_fit(tmp_path, monkeypatch, capsys):
    # As if skops did not know one of its types: what it warns about is not on our list.
    arguments = [*QUICK[:-1], "semi_supervised.LabelPropagation", "--max-episode", "100000", "--directory", tmp_path]
    monkeypatch.setattr("udrl_explain.runs.estimator_files._ALLOWED_TYPES", frozenset())
    monkeypatch.setattr("skops.io.get_untrusted_types", lambda **_: ["some.Type"])
    status, _, err = run_command(train, arguments, monkeypatch, capsys)
    assert status == 2
    assert "LabelPropagation cannot be stored safely: it holds some.Type" in err.splitlines()[-1]
    assert everything(tmp_path) == []


BAD_SWEEPS = {
    "no such folder": (["nowhere"], "nowhere: no such folder"),
    "no run": (["empty"], "empty: holds no run"),
    "no folder given": ([], "PATH"),
    "an experiment": (["data/CartPole-v0/tiny"], "is no run; 1 runs lie below it"),
    "no episodes": (["data/CartPole-v0/tiny/7", "--episodes", "0"], "episodes must be at least 1, got 0"),
    "half a range": (["data/CartPole-v0/tiny/7", "--returns", "0", "9"], "--returns"),
    "an upside-down range": (["data/CartPole-v0/tiny/7", "--returns", "9", "0", "3"], "lowest < highest"),
}


@pytest.mark.parametrize("case", BAD_SWEEPS)
def test_a_mistake_in_a_sweep_is_one_line_and_changes_nothing(case, tmp_path, monkeypatch, capsys):
    arguments, message = BAD_SWEEPS[case]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    save_run(tiny_run(tmp_path / "data"), [])
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    status, out, err = run_command(sweep, arguments, monkeypatch, capsys)
    assert (status, out) == (2, "")
    assert message in one_line(err)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_damaged_run_is_one_line(tmp_path, monkeypatch, capsys):
    run = tiny_run(tmp_path)
    save_run(run, [])
    (run.directory / "policy.npz").write_bytes(b"")
    status, _, err = run_command(sweep, [run.directory], monkeypatch, capsys)
    assert status == 2
    assert "policy.npz: not a readable archive of arrays" in one_line(err)


def test_a_sweep_answers_with_the_file_it_wrote(tmp_path, monkeypatch, capsys):
    run = tiny_run(tmp_path)
    save_run(run, [])
    arguments = [run.directory, "--returns", "5", "9", "2", "--horizons", "3", "4", "2", "--episodes", "2"]
    status, out, err = run_command(sweep, arguments, monkeypatch, capsys)
    assert status == 0
    assert out == f"{run.directory / 'command_grid.csv'}\n"
    assert f"python -m udrl_explain.report {run.directory} --only obedience" in one_line(err)
    assert len(load_run(run.directory).command_grid) == 8


@pytest.mark.parametrize(
    ("fault", "status", "message"),
    [
        (ValueError("bad\n  value"), 2, "error: bad value\n"),
        (FileNotFoundError("a: file not found"), 2, "error: a: file not found\n"),
        (KeyboardInterrupt(), 2, "error: interrupted; nothing was kept of what was not finished\n"),
    ],
)
def test_mistakes_become_one_line(capsys, fault, status, message):
    def fail():
        raise fault

    assert run_main("me", fail) == status
    assert capsys.readouterr().err == f"me: {message}"


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (SelfCheckError("row 3 adds up to 0.7"), "row 3 adds up to 0.7"),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero (test_command_lines.py, line "),
    ],
)
def test_a_fault_of_ours_is_not_shown_as_a_mistake(capsys, monkeypatch, fault, message):
    def fail():
        raise fault

    monkeypatch.delenv("UDRL_EXPLAIN_TRACEBACK", raising=False)
    assert run_main("me", fail) == 1
    line = one_line(capsys.readouterr().err)
    assert line.startswith(f"me: a fault of udrl_explain, not of yours: {message}")
    assert "error:" not in line
    assert f"Please report this line (udrl_explain {version('udrl_explain')}, numpy {version('numpy')}" in line
    monkeypatch.setenv("UDRL_EXPLAIN_TRACEBACK", "1")
    assert run_main("me", fail) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] + "\n" == line
    assert lines[1] == "Traceback (most recent call last):"
    assert lines[-1].endswith(str(fault))


HEAVY = ("numba", "sklearn", "pandas", "matplotlib", "scipy", "shap", "gymnasium", "skops", "numpy")


@pytest.mark.parametrize("module", ["__main__", *COMMANDS])
def test_help_imports_nothing_heavy(module):
    script = (
        "import runpy, sys\n"
        f"sys.argv = ['x', '--help']\n"
        "try:\n"
        f"    runpy.run_module('udrl_explain.{module}', run_name='__main__')\n"
        "except SystemExit as stop:\n"
        "    assert stop.code == 0, stop.code\n"
        f"print('LOADED', [name for name in {HEAVY} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "usage: " in done.stdout
    assert done.stdout.splitlines()[-1] == "LOADED []"


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_leaves_no_run_and_one_line(tmp_path):
    command = [
        sys.executable,
        "-m",
        "udrl_explain.train",
        "--max-episode",
        "1000000",
        "--directory",
        str(tmp_path / "data"),
    ]
    # A job in the background has a parent that ignores the signal, and would hand that down.
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:  # fmt: skip
        started = time.monotonic()
        seen = b""
        while b"mean return" not in seen and time.monotonic() - started < 120:
            seen += os.read(process.stderr.fileno(), 4096)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert out == b""
    assert b"Traceback" not in err
    last = re.split(rb"[\r\n]+", err.strip())[-1].decode()
    assert last == "python -m udrl_explain.train: error: interrupted; nothing was kept of what was not finished"
    assert everything(tmp_path) == []
