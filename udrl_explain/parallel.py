"""Threads, processes and blocks of rows; no other module makes threads or processes for its work.

Work is cut by its own size, never by the number of threads, so that no result depends on ``n_jobs``. Threads pay where
the interpreter's lock is given up: in loops compiled with ``nogil=True`` and in NumPy's larger operations.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from concurrent.futures import wait as futures_ended
from contextlib import contextmanager
from typing import Any, TypeVar

import joblib
from joblib.externals.loky import ProcessPoolExecutor
from threadpoolctl import threadpool_limits

Item = TypeVar("Item")
Result = TypeVar("Result")
IDLE_SECONDS = 60


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


@contextmanager
def fits_on_threads(n_jobs: int | None) -> Iterator[None]:
    """Let scikit-learn fit the trees of a forest on `n_jobs` threads while the block runs; forests are the same bits.

    Raises
    ------
    ValueError
        If `n_jobs` is no whole number or below 1.
    """
    with joblib.parallel_config(backend="threading", n_jobs=thread_count(n_jobs)):
        yield


class WorkerDiedError(RuntimeError):
    """A process of an engine came to an end before its work did: killed, or out of memory."""


def in_any_order(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    n_jobs: int | None,
    *,
    scheduler: str | None = None,
    apart: bool = False,
) -> Iterator[Result]:
    """Do long `work` on every item in processes of their own and yield the results as they come.

    Parameters
    ----------
    work : callable
        Takes one item; both must be picklable. A process keeps to one BLAS and one numba thread.
    items : sequence
    n_jobs : int or None
        Processes of this machine; None takes all cores. With 1 the work is done here.
    scheduler : str, optional
        Address of a Dask scheduler, whose workers then do the work (joblib's own back end); `n_jobs` plays no part.
    apart : bool
        Never here: a process of its own also for a single item.

    Raises
    ------
    ValueError
        If `n_jobs` is no whole number or below 1.
    WorkerDiedError
        If a process was killed. What it and those beside it worked on is lost.
    """
    if not items:
        return
    processes = thread_count(n_jobs)
    if scheduler is None and not apart and min(processes, len(items)) <= 1:
        with threadpool_limits(1):
            yield from map(work, items)
        return
    engine: dict[str, Any] = {"backend": "loky", "inner_max_num_threads": 1}
    if scheduler is not None:
        engine = {"backend": "dask", "scheduler_host": scheduler}
        processes = -1
    try:
        with joblib.parallel_config(**engine):
            # One item with two processes: with one, joblib would do it here.
            jobs = max(processes, 2) if scheduler is None and apart else processes
            yield from joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)(
                joblib.delayed(_with_one_thread)(work, item) for item in items
            )
    except BrokenExecutor as fault:
        raise WorkerDiedError("a process was killed, or ran out of memory") from fault
    except Exception as fault:
        if type(fault).__name__ == "KilledWorker":  # Dask's, which need not be installed
            raise WorkerDiedError(f"a worker was killed, or ran out of memory ({fault})") from fault
        raise


def _with_one_thread(work: Callable[[Item], Result], item: Item) -> Result:
    # For good, not for the while: a process of Dask does several items at once, in threads.
    threadpool_limits(1)
    return work(item)


@contextmanager
def every(seconds: float, action: Callable[[], None]) -> Iterator[None]:
    """Call `action` again and again, from a thread of its own, while the block runs, and once more at its end."""
    over = threading.Event()

    def repeat() -> None:
        while not over.wait(seconds):
            action()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        action()


class Beside:
    """Processes that work while this one goes on; to be used in a ``with`` block, at whose end :meth:`leave` is called.

    Parameters
    ----------
    n_jobs : int or None
        Processes besides this one; None takes all cores. With 1 the work is done here, when it is begun.

    Raises
    ------
    ValueError
        If `n_jobs` is no whole number or below 1.
    """

    def __init__(self, n_jobs: int | None) -> None:
        processes = thread_count(n_jobs)
        self._pool = None
        if processes > 1:
            # No window is opened by a process that nobody sees, and none outlives a killed one for long.
            self._pool = ProcessPoolExecutor(processes, timeout=IDLE_SECONDS, env={"MPLBACKEND": "agg"})
        self._futures: list[Future[Any]] = []

    def __enter__(self) -> "Beside":
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()
        if self._pool is not None:
            self._pool.shutdown()

    def begin(self, work: Callable[[Item], Result], item: Item) -> Callable[[], Result]:
        """Begin `work` on `item`, both picklable.

        Returns
        -------
        callable
            Waits for the end, and returns the result or raises what the work raised. Work whose process was killed is
            done here.
        """
        if self._pool is None:
            result = work(item)
            return lambda: result
        future = self._pool.submit(work, item)
        self._futures.append(future)

        def wait() -> Result:
            try:
                found: Result = future.result()
            except BrokenExecutor:
                found = work(item)
            return found

        return wait

    def leave(self) -> None:
        """Forget the work that is not begun, and wait for what is going on."""
        for future in self._futures:
            future.cancel()
        futures_ended(self._futures)
        self._futures.clear()
