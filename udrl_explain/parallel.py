"""Threads, processes and blocks of rows; no other module makes threads or processes for its work.

Work is cut by its own size, never by the number of threads, so that no result depends on ``n_jobs``. Threads pay where
the interpreter's lock is given up: in loops compiled with ``nogil=True`` and in NumPy's larger operations.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import joblib

Item = TypeVar("Item")
Result = TypeVar("Result")


def thread_count(n_jobs: int | None) -> int:
    """Threads for `n_jobs`; None means every core that this process may use.

    Raises
    ------
    ValueError
        If `n_jobs` is no whole number or below 1.
    """
    if n_jobs is None:
        # A batch system or `taskset` may grant fewer cores than the machine has.
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not hasattr(n_jobs, "__index__") or n_jobs < 1:  # NumPy's integers are welcome
        raise ValueError(f"n_jobs must be a whole number of at least 1, or None for all cores, got {n_jobs!r}")
    return int(n_jobs)


def blocks_of(n_rows: int, size: int) -> list[slice]:
    """Cut ``range(n_rows)`` into slices of `size` rows, the last one shorter; an empty list for no rows."""
    return [slice(start, min(start + size, n_rows)) for start in range(0, n_rows, size)]


def in_threads(work: Callable[[Item], Result], items: Sequence[Item], n_jobs: int | None) -> list[Result]:
    """Do `work` on every item, at most `n_jobs` at a time; results stand in the order of `items`.

    Parameters
    ----------
    work : callable
        Takes one item. It may write to an array that the calls share where no two write to the same place.
    items : sequence
        Such as :func:`blocks_of`.
    n_jobs : int or None
        None takes all cores. With 1, and for a single item, no thread is started.

    Returns
    -------
    list

    Raises
    ------
    ValueError
        If `n_jobs` is no whole number or below 1.
    Exception
        The first one, in the order of `items`, that `work` raises; items not begun by then are left.
    """
    threads = min(thread_count(n_jobs), len(items))
    if threads <= 1:
        return [work(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, items))


def in_processes(work: Callable[[Item], Result], items: Sequence[Item], n_jobs: int | None) -> Iterator[Result]:
    """Do `work` on every item in processes of their own and yield the results in the order of `items`.

    Parameters
    ----------
    work : callable
        Takes one item; both must be picklable. A process keeps to one BLAS and one numba thread.
    items : sequence
    n_jobs : int or None
        Processes; None takes all cores. With 1, and for a single item, the work is done here.

    Raises
    ------
    ValueError
        If `n_jobs` is no whole number or below 1.
    """
    processes = min(thread_count(n_jobs), len(items))
    if processes <= 1:
        yield from map(work, items)
        return
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        yield from joblib.Parallel(n_jobs=processes, return_as="generator")(
            joblib.delayed(work)(item) for item in items
        )
