"""Threads and blocks: what n_jobs means, and that results keep their order."""

import os
import threading
import time
from concurrent.futures import CancelledError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udrl_explain import parallel
from udrl_explain.parallel import Beside, blocks_of, in_threads, thread_count


def test_none_means_the_cores_that_this_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5}, raising=False)
    assert thread_count(None) == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert thread_count(None) == 7
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert thread_count(None) == 1, "a system that does not know has one at least"


@pytest.mark.parametrize("n_jobs", [0, -1, 1.5, "2"])
def test_other_numbers_of_jobs_are_refused(n_jobs):
    with pytest.raises(ValueError, match=rf"n_jobs must be .*at least 1, or None for all cores, got .*{n_jobs}"):
        in_threads(str, [1, 2], n_jobs)


@given(st.integers(0, 300), st.integers(1, 70))
def test_blocks_hold_every_row_once_and_in_order(n_rows, size):
    blocks = blocks_of(n_rows, size)
    assert [row for block in blocks for row in range(block.start, block.stop)] == list(range(n_rows))
    assert all(block.stop - block.start == size for block in blocks[:-1])


@pytest.mark.parametrize("n_jobs", [None, 1, 2, 5])
def test_results_stand_in_the_order_of_the_items(n_jobs):
    assert in_threads(lambda i: i * i, range(50), n_jobs) == [i * i for i in range(50)]
    assert in_threads(str, [], n_jobs) == []


def test_two_items_are_worked_on_at_once():
    meeting = threading.Barrier(2, timeout=10)
    assert sorted(in_threads(lambda _: meeting.wait(), [0, 1], 2)) == [0, 1], "one alone would wait for ever"


def test_one_job_and_one_item_start_no_thread(monkeypatch):
    monkeypatch.setattr(parallel, "ThreadPoolExecutor", None)
    here = threading.get_ident()
    assert in_threads(lambda _: threading.get_ident(), range(3), 1) == [here] * 3
    assert in_threads(lambda _: threading.get_ident(), range(1), 8) == [here]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_fault_in_the_work_comes_out(n_jobs):
    def work(i):
        if i >= 3:
            raise KeyError(i)

    with pytest.raises(KeyError, match="3"):
        in_threads(work, range(6), n_jobs)


def square(i):
    if i == 3:
        raise KeyError(i)
    return i * i


def die(path):
    """End the process that does this, the first time."""
    if not path.exists():
        path.touch()
        os._exit(1)
    return "done here"


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_work_beside_gives_its_results_in_whatever_order_they_are_asked_for(n_jobs):
    with Beside(n_jobs) as beside:
        waits = [beside.begin(square, i) for i in range(3)]
        assert [wait() for wait in reversed(waits)] == [4, 1, 0]
        with pytest.raises(KeyError, match="3"):
            beside.begin(square, 3)()


def test_work_beside_is_left_when_the_block_ends_and_done_here_where_its_process_died(tmp_path):
    with Beside(2) as beside:
        died = beside.begin(die, tmp_path / "died")
        assert died() == "done here"
    with Beside(2) as beside:
        waits = [beside.begin(time.sleep, 0.2) for _ in range(30)]
        start = time.perf_counter()
        beside.leave()
        assert time.perf_counter() - start < 2.5, "thirty sleeps on two processes take three seconds"
        with pytest.raises(CancelledError):
            waits[-1]()
