"""README's speed table is made by a command: it must find its place and its lines, and keep what it did not measure."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def table():
    spec = importlib.util.spec_from_file_location("speed_table", ROOT / "benchmarks/speed_table.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shown(text, table):
    return [line for line in text.split(table.START)[1].split(table.END)[0].splitlines() if line.startswith("| ")][2:]


def test_the_table_of_readme_holds_lines_of_the_command_only(table):
    names = {line.what for line in table.LINES}
    assert len(names) == len(table.LINES)
    assert {line.split(" | ")[0].removeprefix("| ") for line in shown(README, table)} <= names


def test_a_line_that_was_not_measured_stays(table):
    old, (first, *others) = shown(README, table), table.LINES
    made = table.remade(README, {first.what: first.text("new figure")}, "a faster machine:")
    assert shown(made, table) == [first.text("new figure"), *old[1:]]
    assert f"Measured again on a faster machine: {first.what}." in made
    assert made.split(table.START)[0] == README.split(table.START)[0]
    assert made.split(table.END)[1] == README.split(table.END)[1]
    assert table.remade(README, {}, "x") == README
    everything = {line.what: line.text("1") for line in (first, *others)}
    whole = table.remade(made, everything, "a faster machine:")
    assert shown(whole, table) == list(everything.values())
    assert "Measured again" not in whole
    assert "Measured on a faster machine:\n" in whole
    with pytest.raises(ValueError, match="once each"):
        table.remade("no marks", {}, "x")


def test_figures_are_read_from_what_the_benchmarks_print(table, monkeypatch):
    prints = {
        "benchmarks/collection.py": "x\nlockstep, flat arrays 15 episodes 2000 steps 0.037 s 18.7 µs per step\n"
        "one-row estimator.predict 5 episodes 600 steps 3.283 s 5471.0 µs per step\nratio per step: 293 x",
        "benchmarks/training_share.py": "CartPole-v0, forest, 500 iterations, 1,000 steps: 60.0 s\n"
        "  fits               45.0 s   75%\n  everything else    15.0 s   25%\n",
        "benchmarks/cold_start.py": "all in one process, cold; target 8.0\n    1.70  a\n    4.20  compiled, numba 1\n"
        "    8.10  in all\nshapley_values, compiled before\n    0.00  compiled\n    1.00  in all",
    }  # fmt: skip
    monkeypatch.setattr(table, "said", lambda script, *_: prints[script])
    assert table.collection() == "293 x (18.7 against 5,471 µs a step)"
    assert table.training_share() == "60 s CPU: fits 75 %, everything else 25 %"
    assert table.cold("all") == "8.1 s CPU, of it compiling 4.2 s"
