"""Read arrays, JSON and tables that a stranger may have written: no code runs, and every fault names the file."""

import json
import sys
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from udrl_explain.files.csv import read_csv

MOST_BYTES = 2 << 30
"""Largest unpacked size accepted of one file; a small hostile archive could claim far more."""


MOST_JSON_BYTES = 64 << 20


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
    except Exception as fault:  # numpy parses the header as Python; a damaged one fails in any way
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
    except Exception as fault:  # as above; also encrypted or oddly compressed archives
        raise ValueError(f"{path}: not a readable archive of arrays ({fault})") from fault
    return arrays


def read_json(path: Path) -> Any:
    """Contents of a JSON file; every fault is a ValueError that names it."""
    try:
        if path.stat().st_size > MOST_JSON_BYTES:
            raise ValueError(f"larger than {MOST_JSON_BYTES} bytes")
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: file not found") from None
    except (ValueError, RecursionError, OSError) as fault:
        raise ValueError(f"{path}: not readable as JSON ({fault})") from fault


def read_returns(path: Path) -> NDArray[np.float64]:
    """Mean and standard deviation of return, shape ``(n, 2)``, from a ``.npy`` file."""
    returns = read_npy(path)
    if returns.ndim != 2 or returns.shape[1] != 2 or not np.isfinite(returns).all():
        raise ValueError(f"{path}: must hold finite numbers of shape (n, 2), has shape {returns.shape}")
    return returns


def read_number_table(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Return a CSV file of finite numbers with exactly these columns."""
    try:
        frame = read_csv(path)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: file not found") from None
    if tuple(frame.columns) != tuple(columns):
        raise ValueError(f"{path}: columns must be {', '.join(columns)}, got {', '.join(map(str, frame.columns))}")
    for name in columns:
        if frame[name].dtype.kind not in "iuf" or not np.isfinite(frame[name]).all():
            raise ValueError(f"{path}: column {name!r} must hold finite numbers")
    return frame


def finite_or_nan(name: str, value: Any) -> float:
    """Return a number read from JSON as it is, and null as NaN; anything else is a ValueError naming it."""
    if value is None:
        return float("nan")
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not abs(value) <= sys.float_info.max:  # also whole numbers that no float can hold
        raise ValueError(f"{name} must be a finite number or null, got {value!r}")
    return float(value)


def write_npz(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write arrays to a compressed ``.npz``, as ``numpy.load`` reads it; the same arrays give the same bytes.

    LZMA over whole columns makes stored episodes a third smaller than ``numpy.savez_compressed`` does.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy")  # its date is fixed
            member.compress_type = zipfile.ZIP_LZMA
            with archive.open(member, "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, np.array(array, order="F"), allow_pickle=False)


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
    converted = np.array(array, dtype=dtype, order="C")
    if issubclass(dtype, np.integer) and (converted != array).any():
        raise ValueError(f"{path}: array {name!r} holds numbers beyond {np.dtype(dtype)}")
    return converted


def _numbers(array: NDArray[np.generic], name: str, path: Path | None = None) -> NDArray[np.generic]:
    if array.dtype.kind not in "iufb":
        where = f"{path}: " if path else ""
        raise ValueError(f"{where}array {name!r} must hold numbers, holds {array.dtype}")
    return array
