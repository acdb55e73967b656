"""Read arrays, JSON and tables that a stranger may have written: no code runs, and every fault names the file."""

import json
import math
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from udrl_explain.files.csv import read_csv
from udrl_explain.files.limits import (
    LARGEST_NUMBER,
    MOST_BYTES,
    MOST_TEXT_BYTES,
    check_file,
    check_members,
    within_limits,
)

_PIECE = 4096
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_npy(path: Path) -> NDArray[np.float64]:
    """Numbers of a ``.npy`` file as float64.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing, no ordinary file, truncated, no ``.npy``, or holds objects or text.
    """
    size = check_file(path, MOST_BYTES)
    try:
        with path.open("rb") as stream:
            return _numbers(_read_array(stream, size), path.name).astype(np.float64)
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
        If the file is missing, no ordinary file, damaged or too large, or an array is missing, unknown or not of
        numbers or text.
    """
    names = tuple(names)
    check_file(path, MOST_BYTES)
    try:
        with zipfile.ZipFile(path) as archive:
            check_members(archive, MOST_BYTES)
            members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
            missing = [name for name in names if name not in members]
            unknown = sorted(set(members) - set(names) - set(optional))
            if missing or unknown:
                raise ValueError(f"array {missing[0]!r} is missing" if missing else f"array {unknown[0]!r} is unknown")
            arrays = {}
            for name, member in members.items():
                with archive.open(member) as stream:
                    arrays[name] = _read_array(stream, member.file_size)
    except Exception as fault:  # as above; also encrypted or oddly compressed archives
        raise ValueError(f"{path}: not a readable archive of arrays ({fault})") from fault
    return arrays


class _InPieces:
    """A stream that is read a little at a time, so that a packed member never unpacks to gigabytes in one go."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.n_read = 0

    def read(self, size: int) -> bytes:
        return bytes(self.fill(bytearray(size)))

    def fill(self, room: bytearray) -> bytearray:
        filled = 0
        while filled < len(room) and (piece := self._stream.read(min(_PIECE, len(room) - filled))):
            room[filled : filled + len(piece)] = piece
            filled += len(piece)
        self.n_read += filled
        del room[filled:]
        return room


def _read_array(stream: IO[bytes], n_bytes: int) -> NDArray[np.generic]:
    """Read one ``.npy`` of `n_bytes`; no memory is taken for numbers that the header promises and nobody brings."""
    pieces = _InPieces(stream)
    shape, column_major, dtype, promised = _checked_header(pieces, n_bytes)
    content = pieces.fill(bytearray(promised))
    if len(content) < promised:
        raise ValueError(f"it ends after {len(content)} of {promised} bytes of numbers")
    return np.ndarray(shape, dtype, buffer=content, order="F" if column_major else "C")


def check_array_header(stream: IO[bytes], n_bytes: int) -> None:
    """Make sure that a ``.npy`` of `n_bytes` holds plain values, as many as its header promises; reads no further.

    Raises
    ------
    ValueError
        Saying what is wrong; numpy's parser of headers may raise anything else.
    """
    _checked_header(_InPieces(stream), n_bytes)


def _checked_header(pieces: _InPieces, n_bytes: int) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    stream: Any = pieces
    version = np.lib.format.read_magic(stream)
    if version not in _HEADERS:
        raise ValueError(f"version {version} of the .npy format is not read here")
    shape, column_major, dtype = _HEADERS[version](stream)
    if dtype.hasobject:
        raise ValueError("it holds objects, which could run code")
    promised, brought = math.prod(shape) * dtype.itemsize, n_bytes - pieces.n_read
    if min(shape, default=0) < 0 or promised != brought:
        raise ValueError(f"its header promises {promised} bytes of numbers, {brought} are there")
    return shape, column_major, dtype, promised


def read_json(path: Path) -> Any:
    """Contents of a JSON file; every fault is a ValueError that names it."""
    check_file(path, MOST_TEXT_BYTES)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, MemoryError, OSError) as fault:
        raise ValueError(f"{path}: not readable as JSON ({fault})") from fault


def read_returns(path: Path) -> NDArray[np.float64]:
    """Mean and standard deviation of return, shape ``(n, 2)``, from a ``.npy`` file."""
    returns = read_npy(path)
    if returns.ndim != 2 or returns.shape[1] != 2 or not within_limits(returns):
        raise ValueError(
            f"{path}: must hold finite numbers of shape (n, 2), at most {LARGEST_NUMBER:.2g}; has shape {returns.shape}"
        )
    if (returns[:, 1] < 0).any():
        raise ValueError(f"{path}: a standard deviation is never negative, got {returns[:, 1].min():g}")
    return returns


def read_number_table(
    path: Path,
    columns: Sequence[str],
    least: Mapping[str, float] | None = None,
    whole: Iterable[str] = (),
    unknown: Iterable[str] = (),
) -> pd.DataFrame:
    """Return a CSV file of finite numbers with exactly these columns.

    Parameters
    ----------
    path : Path
    columns : sequence of str
    least : dict of str to float, optional
        Smallest possible number by column.
    whole : iterable of str
        Columns that can only hold whole numbers.
    unknown : iterable of str
        Columns that may be empty as a whole.

    Raises
    ------
    FileNotFoundError, ValueError
        Naming the file, the column and the number.
    """
    frame = read_csv(path)
    if tuple(frame.columns) != tuple(columns):
        raise ValueError(f"{path}: columns must be {', '.join(columns)}, got {', '.join(map(str, frame.columns))}")
    if frame.empty:
        return frame.astype(np.float64)
    for name in columns:
        if name in unknown and frame[name].isna().all():
            continue
        if frame[name].dtype.kind not in "iuf" or not within_limits(frame[name].to_numpy()):
            raise ValueError(f"{path}: column {name!r} must hold finite numbers, at most {LARGEST_NUMBER:.2g}")
    for name in whole:
        fractional = frame[name][frame[name] % 1 != 0]
        if len(fractional):
            raise ValueError(f"{path}: column {name!r} must hold whole numbers, got {fractional.iloc[0]:g}")
    for name, bound in (least or {}).items():
        if (frame[name] < bound).any():
            raise ValueError(f"{path}: column {name!r} must hold at least {bound:g}, got {frame[name].min():g}")
    return frame


def finite_or_nan(name: str, value: Any) -> float:
    """Return a number read from JSON as it is, and null as NaN; anything else is a ValueError naming it."""
    if value is None:
        return float("nan")
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not abs(value) <= LARGEST_NUMBER:  # also whole numbers that no float can hold
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
