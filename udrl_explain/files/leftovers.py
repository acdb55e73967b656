"""What a killed process leaves beside a target: found by its name, cleared away or put back by the next one.

A hidden name says which process made it, ``.<target>.<host>-<process>-<random>.partial``. Only what a process of this
machine left that no longer runs is touched, or what is a week old: two processes may write beside each other.
"""

import hashlib
import os
import re
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PARTIAL, OLD = "partial", "old"
_NAME = re.compile(
    r"\.(?P<target>.+)\.(?:(?P<host>[0-9a-f]{6})-(?P<process>\d+)-)?[0-9a-f]{8}\.(?P<kind>partial|old)(?P<suffix>\.[^.]+)?"
)
_WEEK = 7 * 24 * 3600.0


def hidden_name(stem: str, kind: str) -> str:
    """Return a name of this process for what becomes (``"partial"``) or was (``"old"``) the target.

    The suffix of a file is left out of `stem` and put behind, so that writers that choose by suffix work.
    """
    return f".{stem}.{_host()}-{os.getpid()}-{secrets.token_hex(4)}.{kind}"


def clear_leftovers(target: Path) -> None:
    """Clear away what killed writers of `target` left; a folder that one of them had set aside is put back.

    What cannot be removed stays: it does no harm.
    """
    for left, kind in _left_beside(target):
        if not _is_dead(left):
            continue
        if kind == OLD and not os.path.lexists(target):
            with suppress(OSError):
                os.rename(left, target)
        elif left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
        else:
            with suppress(OSError):
                left.unlink(missing_ok=True)


def set_aside(target: Path) -> Path | None:
    """Where an interrupted overwrite left what stood at `target`, which is empty now; None where nothing was left."""
    if os.path.lexists(target):
        return None
    return next((left for left, kind in _left_beside(target) if kind == OLD and _is_dead(left)), None)


def all_set_aside(parent: Path) -> dict[Path, Path]:
    """Where interrupted overwrites left what stood at places below `parent` that are empty now, by these places."""
    found = {}
    for place, folders, _ in os.walk(parent):
        for name in sorted(folders):
            parts = _NAME.fullmatch(name)
            if parts and parts["kind"] == OLD and (left := set_aside(Path(place, parts["target"]))):
                found[Path(place, parts["target"])] = left
        folders[:] = [name for name in folders if not name.startswith(".")]
    return found


def words_on(left: Path) -> str:
    """Say what a folder that was set aside is, and what to do."""
    return f"an interrupted overwrite set it aside as {left.name}: rename that back"


def _left_beside(target: Path) -> Iterator[tuple[Path, str]]:
    try:
        beside = sorted(target.parent.iterdir())
    except OSError:
        return
    for path in beside:
        parts = _NAME.fullmatch(path.name)
        if parts and f"{parts['target']}{parts['suffix'] or ''}" == target.name:
            yield path, parts["kind"]


def _is_dead(path: Path) -> bool:
    """Whether the process that made a hidden name is gone for certain, or the file so old that it must be."""
    parts = _NAME.fullmatch(path.name)
    if parts is None:
        return False
    if parts["host"] == _host() and os.name == "posix":
        return not _runs(int(parts["process"]))
    try:
        return time.time() - path.stat().st_mtime > _WEEK
    except OSError:
        return False


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)  # asks, and sends nothing
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # it is somebody else's
        return True
    return True


def _host() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:6]
