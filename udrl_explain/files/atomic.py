"""Files and folders that are written whole or not at all.

Everything is written beside its target under a hidden name that ends in ``.partial`` and renamed when it is complete.
A reader never sees half a file, a failure leaves what stood before, and only a killed process leaves a ``.partial``
behind, which no loader takes for the real thing and the next writer of the same target clears away (``leftovers``).
"""

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from udrl_explain.files.leftovers import OLD, PARTIAL, clear_leftovers, hidden_name

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


@contextmanager
def write_whole(path: str | Path) -> Iterator[Path]:
    """Give a temporary path to write to; when the block ends it becomes `path`, replacing what stood there.

    Parameters
    ----------
    path : str or Path
        The file. Missing parent folders are made (and removed again if the block fails).

    Yields
    ------
    Path
        In the same folder and with the same suffix, so that writers that choose by suffix work.

    Raises
    ------
    IsADirectoryError
        If `path` is a folder.
    FileNotFoundError
        If the block wrote nothing.

    Notes
    -----
    Any exception, Ctrl-C included, removes the temporary file and is raised again.
    """
    target = Path(path).resolve()
    if target.is_dir():
        raise IsADirectoryError(f"{path} is a folder; a file was to be written there")
    with _parents_of(target):
        clear_leftovers(target)
        partial = target.with_name(hidden_name(target.stem, PARTIAL) + target.suffix)
        try:
            with _naming(path):
                yield partial
                os.replace(partial, target)
        finally:
            partial.unlink(missing_ok=True)


def write_text_whole(text: str, path: str | Path) -> Path:
    """Write UTF-8 text, its line ends as they are, through :func:`write_whole`; return `path`."""
    with write_whole(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="")
    return Path(path)


@contextmanager
def folder_written_whole(
    target: str | Path, overwrite: bool = False, marker: str | None = None, keep: Sequence[str] = ()
) -> Iterator[Path]:
    """Give an empty temporary folder to fill; when the block ends it becomes `target`.

    Parameters
    ----------
    target : str or Path
        The folder. Missing parent folders are made (and removed again if the block fails).
    overwrite : bool
        Replace an existing folder. The old one stays in place until the new one is complete.
    marker : str, optional
        Name of a file that every folder of this kind holds. An existing folder without it is somebody else's: it is
        replaced only if it is empty, so that a slip in a path cannot delete a home folder.
    keep : sequence of str, optional
        Names of files that other commands put into such a folder: they are in the new one too, and a folder that holds
        nothing else counts as empty.

    Yields
    ------
    Path
        ``.<name>.<random>.partial`` beside the target.

    Raises
    ------
    FileExistsError
        If `target` exists and may not be replaced; raised before the block runs.

    Notes
    -----
    Any exception, Ctrl-C included, removes the temporary folder, leaves an existing target as it was, and is
    raised again.
    """
    place = Path(target).resolve()
    clear_leftovers(place)
    _check_free(place, target, overwrite, marker, keep)
    with _parents_of(place):
        partial = place.with_name(hidden_name(place.name, PARTIAL))
        partial.mkdir()
        try:
            with _naming(target):
                for name in keep:
                    if (place / name).is_file():
                        shutil.copy2(place / name, partial / name)
                yield partial
            _check_free(place, target, overwrite, marker, keep)  # somebody may have been faster
            _rename_over(partial, place)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def check_folder_can_be_written(target: str | Path, overwrite: bool = False, marker: str | None = None) -> None:
    """Find out before long work whether :func:`folder_written_whole` will accept `target`; makes nothing new.

    A folder that an interrupted overwrite set aside is put back first.

    Raises
    ------
    FileExistsError
        If `target` exists and may not be replaced.
    NotADirectoryError
        If a file stands where a parent folder should be.
    PermissionError
        If the folder that would hold it may not be written to.
    """
    place = Path(target).resolve()
    clear_leftovers(place)
    _check_free(place, target, overwrite, marker)
    parent = next(parent for parent in place.parents if os.path.lexists(parent))
    if not parent.is_dir():
        raise NotADirectoryError(f"{parent} is a file; a folder was to be written below it")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise PermissionError(f"{parent} may not be written to")


def _check_free(place: Path, named: str | Path, overwrite: bool, marker: str | None, keep: Sequence[str] = ()) -> None:
    if not place.exists():
        return
    if not place.is_dir():
        raise FileExistsError(f"{named} is a file; a folder was to be written there")
    if not overwrite:
        raise FileExistsError(f"{named} exists; give --overwrite to replace it, or another place")
    strangers = (path for path in place.iterdir() if path.name not in keep)
    if marker is not None and not (place / marker).is_file() and any(strangers):
        raise FileExistsError(
            f"{named} exists, is not empty and holds no {marker}: it was not written by this command and is not "
            "replaced; give another place"
        )


def _rename_over(partial: Path, place: Path) -> None:
    """Rename `partial` to `place`; an old folder is put aside first and deleted last, or put back."""
    if not place.exists():
        os.rename(partial, place)
        return
    old = place.with_name(hidden_name(place.name, OLD))
    os.rename(place, old)
    try:
        os.rename(partial, place)
    except BaseException:
        os.rename(old, place)
        raise
    shutil.rmtree(old, ignore_errors=True)  # what is left of it is cleared away by the next one


@contextmanager
def _naming(target: str | Path) -> Iterator[None]:
    """Say where there was no room: "no space left on device" alone helps nobody."""
    try:
        yield
    except OSError as fault:
        # numpy counts what it could not write and gives no number of the error.
        if fault.errno not in _NO_ROOM and not (type(fault) is OSError and "requested and" in str(fault)):
            raise
        text = f"{target}: cannot be written ({os.strerror(fault.errno) if fault.errno else fault})"
        raise (OSError(fault.errno, text) if fault.errno else OSError(text)) from fault


@contextmanager
def _parents_of(target: Path) -> Iterator[None]:
    """Make the missing parents; if the block fails, take those away again that are still empty."""
    missing = [parent for parent in target.parents if not parent.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for parent in missing:  # innermost first
            try:
                parent.rmdir()
            except OSError:
                break
        raise
