"""A lock that a process holds while it works on something: the operating system gives it back when the process dies."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

if sys.platform != "win32":
    import fcntl

    def _take(stream: IO[bytes]) -> None:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)

else:  # pragma: no cover - Windows has no flock
    import msvcrt

    def _take(stream: IO[bytes]) -> None:
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Hold the lock of a file while the block runs; never wait for it.

    Parameters
    ----------
    path : Path
        Made, with its folder, where it is missing. It stays when the block ends: deleting it could take away a lock
        that another process has just been given.

    Yields
    ------
    bool
        Whether the lock was free. False: another process, or thread, holds it, and the block must leave the work to it.

    Notes
    -----
    ``flock``: a process that is killed, however, no longer holds it. Over NFS it works from Linux 2.6.12 on.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as stream:
        try:
            _take(stream)
        except OSError:
            yield False
        else:
            yield True


def is_locked(path: Path) -> bool:
    """Whether somebody holds the lock of a file; False where there is no such file."""
    if not path.exists():
        return False
    with locked(path) as free:
        return not free
