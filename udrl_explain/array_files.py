"""Read ``.npy`` and ``.npz`` files that a stranger may have written: no code runs, and every fault names the file."""

import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_BYTES = 2 << 30
"""Largest unpacked size accepted of one file; a small hostile archive could claim far more."""


def read_npy(path: Path) -> NDArray[np.float64]:
    """Numbers of a ``.npy`` file as float64.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing, truncated, no ``.npy``, or holds objects or text.
    """
    try:
        array = np.load(path, allow_pickle=False, mmap_mode="r")
        return _numbers(np.array(array), path.name).astype(np.float64)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: file not found") from None
    except (ValueError, EOFError, OSError, TypeError) as fault:
        raise ValueError(f"{path}: not a readable array of numbers ({fault})") from fault


def read_npz(path: Path, names: Iterable[str], optional: Iterable[str] = ()) -> dict[str, NDArray[np.generic]]:
    """Arrays of a ``.npz`` file by name.

    Parameters
    ----------
    path : Path
    names : iterable of str
        Arrays that must be there.
    optional : iterable of str
        Arrays that may be there; any other is a fault.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing, damaged or too large, or an array is missing, unknown or not of numbers or text.
    """
    names = tuple(names)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            size = sum(member.file_size for member in members)
            if size > MOST_BYTES:
                raise ValueError(f"unpacks to {size} bytes, the limit is {MOST_BYTES}")
        with np.load(path, allow_pickle=False) as stored:
            missing = [name for name in names if name not in stored.files]
            unknown = sorted(set(stored.files) - set(names) - set(optional))
            if missing or unknown:
                raise ValueError(f"array {missing[0]!r} is missing" if missing else f"array {unknown[0]!r} is unknown")
            arrays = {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: file not found") from None
    except (ValueError, EOFError, OSError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as fault:
        raise ValueError(f"{path}: not a readable archive of arrays ({fault})") from fault
    except (
        NotImplementedError,
        RuntimeError,
        MemoryError,
    ) as fault:  # encrypted, odd compression, false shape
        raise ValueError(f"{path}: not a readable archive of arrays ({fault})") from fault
    return arrays


def write_npz(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write arrays to a compressed ``.npz``; the same arrays give the same bytes."""
    np.savez_compressed(path, allow_pickle=False, **arrays)


def as_numbers(
    arrays: Mapping[str, NDArray[np.generic]],
    name: str,
    dtype: type[np.generic],
    n_dimensions: int,
    path: Path,
) -> NDArray[np.generic]:
    """Return one of `arrays` checked for its number of dimensions and its kind, as `dtype`.

    Raises
    ------
    ValueError
        Naming file and array; also where whole numbers are wanted and others are stored.
    """
    array = _numbers(arrays[name], name, path)
    if array.ndim != n_dimensions:
        raise ValueError(f"{path}: array {name!r} must have {n_dimensions} dimensions, has shape {array.shape}")
    if issubclass(dtype, np.integer) and array.dtype.kind not in "iub":
        raise ValueError(f"{path}: array {name!r} must hold whole numbers, holds {array.dtype}")
    converted = array.astype(dtype)
    if issubclass(dtype, np.integer) and (converted != array).any():
        raise ValueError(f"{path}: array {name!r} holds numbers beyond {np.dtype(dtype)}")
    return converted


def _numbers(array: NDArray[np.generic], name: str, path: Path | None = None) -> NDArray[np.generic]:
    if array.dtype.kind not in "iufb":
        where = f"{path}: " if path else ""
        raise ValueError(f"{where}array {name!r} must hold numbers, holds {array.dtype}")
    return array
