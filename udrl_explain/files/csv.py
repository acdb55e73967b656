"""Frames as CSV files that read back to the same numbers."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from udrl_explain.files.atomic import write_whole
from udrl_explain.files.latex_tables import check_columns
from udrl_explain.files.limits import MOST_TEXT_BYTES, check_file

PORTABLE_DIGITS = 12
"""Significant digits in which tables agree between machines."""
# From pandas 3.1 on its only converter is exact and the argument is going away.
_EXACT_FLOATS: dict[str, Any] = (
    {} if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1) else {"float_precision": "round_trip"}
)


def write_csv(frame: pd.DataFrame, path: str | Path, *, digits: int | None = None) -> Path:
    r"""Write a frame so that :func:`read_csv` gives the same numbers back: to the last bit, or to `digits`.

    Parameters
    ----------
    frame : DataFrame
        Its index is not written. Column names must be different strings.
    path : str or Path
        Where to; replaced if it exists.
    digits : int, optional
        Significant digits of floats. None: all, as what a run stores is. Tables of reports have
        :data:`PORTABLE_DIGITS`: the last bits of a sum differ from one processor to the next.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    ValueError
        If two columns share a name or a name is no string.

    Notes
    -----
    UTF-8, ``\n`` line ends on every system, shortest decimal form that names the float exactly, ``True``/``False``,
    nothing between the commas where a value is missing.
    """
    check_columns(frame)
    with write_whole(path) as partial:
        shown = frame if digits is None else rounded(frame, digits)
        shown.to_csv(partial, index=False, lineterminator="\n", encoding="utf-8")
    return Path(path)


def rounded(frame: pd.DataFrame, digits: int = PORTABLE_DIGITS) -> pd.DataFrame:
    """Round the floats of a frame to significant digits; what is below 10 to the power of -`digits` - 3 becomes 0.

    A sum that is 0 on one machine is 1e-17 on another.
    """
    columns = {
        name: np.array([_rounded(value, digits) for value in column.to_numpy()], dtype=column.dtype)
        for name, column in frame.items()
        if pd.api.types.is_float_dtype(column) and isinstance(column.dtype, np.dtype)
    }
    return frame.assign(**{str(name): values for name, values in columns.items()})


def _rounded(value: float, digits: int) -> float:
    return 0.0 if abs(value) < 10.0 ** (-digits - 3) else float(f"{value:.{digits}g}")


def read_csv(path: str | Path) -> pd.DataFrame:
    """Read a table that :func:`write_csv` wrote.

    Only an empty field is a missing value: an action called ``NA`` or ``None`` stays a word.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a UTF-8 CSV file with a header, or a line has more or fewer cells than the header: a decimal
        comma would otherwise move the numbers into other columns.
    """
    path = Path(path)
    check_file(path, MOST_TEXT_BYTES)
    try:
        _check_cells(path)
        frame: pd.DataFrame = pd.read_csv(path, keep_default_na=False, na_values=[""], **_EXACT_FLOATS)
    except (ValueError, csv.Error) as fault:  # pandas' parser errors and decoding errors are ValueErrors
        raise ValueError(f"{path}: not a CSV table ({fault})") from None
    return frame


def _check_cells(path: Path) -> None:
    """Make sure that every line has as many cells as the header; blank lines do not count."""
    with path.open(encoding="utf-8", newline="") as stream:
        lines = csv.reader(stream)
        header = next((cells for cells in lines if cells), [])
        for cells in lines:
            if cells and len(cells) != len(header):
                raise ValueError(f"line {lines.line_num} has {len(cells)} cells, the header {len(header)}")
