"""What is found out about a file before it is opened or unpacked: a stranger may have put it there."""

import os
import stat
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MOST_BYTES = 2 << 30
"""Largest unpacked size accepted of one file; a small hostile archive could claim far more."""
MOST_TEXT_BYTES = 256 << 20
"""Largest JSON file or CSV table; a parsed one takes ten times as much memory."""
LARGEST_NUMBER = float(np.finfo(np.float32).max)
"""Largest size of a number in a run: trees compare their inputs as float32, where more would be infinity."""

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_COMPRESSIONS = {"stored": zipfile.ZIP_STORED, "deflate": zipfile.ZIP_DEFLATED, "lzma": zipfile.ZIP_LZMA}
# An honest member is never much longer packed than unpacked.
_PACKED_SLACK = 4096


def check_file(path: Path, most_bytes: int = MOST_BYTES) -> int:
    """Make sure that a file may be opened and return its size in bytes.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If it is no ordinary file (opening a pipe would wait for ever) or larger than `most_bytes`.
    """
    try:
        facts = os.stat(path)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: file not found") from None
    if not stat.S_ISREG(facts.st_mode):
        kind = next((words for is_kind, words in _KINDS if is_kind(facts.st_mode)), "something else")
        raise ValueError(f"{path}: must be an ordinary file, is {kind}")
    if facts.st_size > most_bytes:
        raise ValueError(f"{path}: holds {facts.st_size} bytes, the limit is {most_bytes}")
    return facts.st_size


def check_members(
    archive: zipfile.ZipFile, most_bytes: int, compressions: Iterable[str] = tuple(_COMPRESSIONS)
) -> None:
    """Make sure, from what an archive declares, that it can be unpacked in the memory that it is given.

    ``zipfile`` hands out no more than the declared size of a member, so that lying does not help.

    Raises
    ------
    ValueError
        If it would unpack to more than `most_bytes`, a name stands twice, or a member is packed in an unusual way.
    """
    members = archive.infolist()
    unpacked = sum(member.file_size for member in members)
    if unpacked > most_bytes:
        raise ValueError(f"unpacks to {unpacked} bytes, the limit is {most_bytes}")
    if len({member.filename for member in members}) < len(members):
        raise ValueError("a member stands twice")
    allowed = {_COMPRESSIONS[name] for name in compressions}
    for member in members:
        if member.compress_type not in allowed:
            raise ValueError(f"member {member.filename!r} is packed by method {member.compress_type}, not accepted")
        if member.compress_size > member.file_size + _PACKED_SLACK:
            raise ValueError(f"member {member.filename!r} is longer packed than unpacked")


def within_limits(numbers: NDArray[np.generic]) -> bool:
    """Whether all numbers are finite and none is larger than :data:`LARGEST_NUMBER`."""
    return bool((np.abs(numbers) <= LARGEST_NUMBER).all())  # false for NaN
