"""Compiled loops: one decorator for all of them, where their machine code is kept, and what a first call says.

A loop is compiled at its first call and its machine code kept beside the source (or in numba's own folder). Compiling
costs what the machine code costs to make, and numba makes it anew inside every compiled function that calls another.
So compiled loops here are flat: they call no other one, take their room to work in as arguments, and are called from
Python, block by block.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import numba
from numba.core import event
from numba.core.caching import FunctionCache

LOOPS: list[Any] = []
"""Every compiled loop that was imported, as numba's dispatcher."""
SAY_AFTER = 1.0  # seconds of compiling


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a flat loop over arrays at its first call; the interpreter is free while it runs.

    Arguments are numbers, C-contiguous arrays and named tuples of such arrays, always of the same types: every other
    combination is compiled anew. A constant of another file must be passed as an argument, because the code kept is
    made anew only when the loop's own file changes.
    """
    loop = numba.njit(nogil=True, error_model="numpy", no_cfunc_wrapper=True)(function)
    try:
        loop._cache = _Cache(function)
    except RuntimeError as error:  # neither the package's folder nor numba's own can be written
        _first_call.not_kept = str(error)
    LOOPS.append(loop)
    return loop


class _Cache(FunctionCache):  # type: ignore[misc]
    """Numba's cache on disk, which must never end a computation and must tell named tuples apart by their fields."""

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        # Numba knows a named tuple by its class, and reads its fields by position.
        fields = tuple(getattr(getattr(argument, "instance_class", None), "_fields", ()) for argument in sig)
        return (*super()._index_key(sig, codegen), fields)

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except OSError as error:
            _first_call.say_not_kept(str(error))


class _FirstCall(event.Listener):  # type: ignore[misc]
    """Says on stderr, once per process each, that loops are being compiled, and that they cannot be kept."""

    def __init__(self) -> None:
        self.not_kept = ""
        self.seconds = 0.0
        self.said: set[str] = set()
        self._start = 0.0

    def on_start(self, event: Any) -> None:
        if event.data["dispatcher"] not in LOOPS:
            return
        if self.not_kept:
            self.say_not_kept(self.not_kept)
        if self.seconds > SAY_AFTER:
            self._say("compiling loops for this processor, a few seconds, once after an installation")
        self._start = time.perf_counter()

    def on_end(self, event: Any) -> None:
        if event.data["dispatcher"] in LOOPS:
            self.seconds += time.perf_counter() - self._start

    def say_not_kept(self, reason: str) -> None:
        self._say(
            f"compiled loops cannot be kept ({reason}), every process compiles them again; "
            "NUMBA_CACHE_DIR names a folder that can be written"
        )

    def _say(self, line: str) -> None:
        if line not in self.said:
            self.said.add(line)
            sys.stderr.write(f"udrl_explain: {line}\n")
            sys.stderr.flush()


_first_call = _FirstCall()
event.register("numba:compile", _first_call)
