import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numba
import numpy as np
import pytest
from numba.core.registry import cpu_target

from udrl_explain import compiled as module
from udrl_explain.compiled import LOOPS, compiled

SHAPLEY = """
import numpy as np
from udrl_explain.forest import Forest
from udrl_explain.policies import ForestPolicy
from udrl_explain.attributions import attribute
from udrl_explain.compiled import LOOPS
tree = [np.array(a, dtype=np.int32) for a in ([0], [1, -1, -1], [2, -1, -1], [0, -1, -1])]
value = np.array([[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]])
forest = Forest(*tree, np.zeros(3), value, np.array([2.0, 1, 1]), np.array([0.5, 0, 0]), np.zeros(2), 3, "mean")
rows = np.arange(12.0).reshape(4, 3) - 5
for order in ("C", "F"):
    attribute(ForestPolicy(forest), np.asarray(rows, order=order), np.asarray(rows[1:], order=order))
attribute(ForestPolicy(forest), rows)
for loop in LOOPS:
    print(loop.py_func.__name__, len(loop.signatures))
"""
# What one answer compiles. Each loop costs 0.15 to 2 seconds after an installation: think before adding one, and give
# every caller the same types.
ONE_ANSWER = {"_add_leaf_values", "_fill_boxes", "_fill_ranks", "_pack", "count_cells", "_fill_tables", "_add_rows"}
ALL_LOOPS = 26


def run(code, cache, **environment):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache)} | environment
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)


@pytest.fixture(scope="module")
def cold(tmp_path_factory):
    return run(SHAPLEY, tmp_path_factory.mktemp("cache"))


def test_one_answer_compiles_few_loops_each_for_one_set_of_types(cold):
    n_signatures = {name: int(n) for name, n in (line.split() for line in cold.stdout.splitlines())}
    assert {name for name, n in n_signatures.items() if n} == ONE_ANSWER
    assert max(n_signatures.values()) == 1


def test_the_first_answer_says_once_that_it_compiles(cold):
    lines = cold.stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("udrl_explain: compiling loops for this processor")


def test_loops_are_counted_and_call_no_other_loop():
    names = [loop.py_func.__name__ for loop in LOOPS]
    for path in Path(module.__file__).parent.rglob("*.py"):
        assert "numba.njit" not in path.read_text() or path.name == "compiled.py"
    for loop in LOOPS:
        called = set(loop.py_func.__code__.co_names) & {*names}
        assert not called, f"{loop.py_func.__name__} calls {called}: it would be compiled twice"
    n_loops = sum(path.read_text().count("\n@compiled\n") for path in Path(module.__file__).parent.rglob("*.py"))
    assert n_loops <= ALL_LOOPS


class Pair(NamedTuple):
    first: np.ndarray
    second: np.ndarray


def test_a_named_tuple_whose_fields_changed_places_is_compiled_anew(monkeypatch):
    # Numba pickles a named tuple's type as its class and the types of its fields, so that both look the same to it.
    loop = compiled(lambda pair: pair.first[0])
    LOOPS.remove(loop)

    def key():
        kind = numba.typeof(Pair(np.zeros(2), np.ones(2)))
        return loop._cache._index_key((kind,), cpu_target.target_context.codegen())

    before = key()
    assert key() == before
    monkeypatch.setattr(Pair, "_fields", ("second", "first"))
    assert key() != before
    assert key()[:-1] == before[:-1]


def test_a_cache_that_cannot_be_written_is_said_once_and_ends_nothing(monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.FunctionCache, "save_overload", full)
    monkeypatch.setattr(module._first_call, "said", set())
    for k in (1, 2):
        loop = compiled(lambda x, k=k: x + k)
        LOOPS.remove(loop)
        assert loop(1) == 1 + k
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "No space left on device" in lines[0]
    assert "NUMBA_CACHE_DIR" in lines[0]


def test_without_any_place_for_a_cache_loops_work_all_the_same(monkeypatch, capsys):
    def nowhere(_):
        raise RuntimeError("no locator available")

    monkeypatch.setattr(module, "_Cache", nowhere)
    monkeypatch.setattr(module._first_call, "said", set())
    monkeypatch.setattr(module._first_call, "not_kept", "")
    loop = compiled(lambda x: x + 1)
    assert capsys.readouterr().err == ""  # nothing is said before there is something to compile
    assert loop(1) == 2
    LOOPS.remove(loop)
    assert "no locator available" in capsys.readouterr().err
