"""DataFrames as files: CSV to read back, LaTeX (booktabs) to print, ``.dat`` for pgfplots.

The CSV is the table itself and holds nothing else. LaTeX and ``.dat`` open with comment lines that say where the
numbers come from. All are written whole or not at all, and the same frame gives the same bytes.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from udrl_explain.storage.atomic_files import write_text_whole, write_whole
from udrl_explain.storage.latex_tables import Estimate, check_columns, write_latex
from udrl_explain.storage.latex_text import comment_lines

__all__ = ["Estimate", "read_csv", "write_csv", "write_dat", "write_latex"]


# From pandas 3.1 on its only converter is exact and the argument is going away.
_EXACT_FLOATS: dict[str, Any] = (
    {} if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1) else {"float_precision": "round_trip"}
)


def write_csv(frame: pd.DataFrame, path: str | Path) -> Path:
    r"""Write a frame so that :func:`read_csv` gives the same numbers back, to the last bit.

    Parameters
    ----------
    frame : DataFrame
        Its index is not written. Column names must be different strings.
    path : str or Path
        Where to; replaced if it exists.

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
        frame.to_csv(partial, index=False, lineterminator="\n", encoding="utf-8")
    return Path(path)


def read_csv(path: str | Path) -> pd.DataFrame:
    """Read a table that :func:`write_csv` wrote.

    Only an empty field is a missing value: an action called ``NA`` or ``None`` stays a word.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a UTF-8 CSV file with a header.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such table")
    try:
        frame: pd.DataFrame = pd.read_csv(path, keep_default_na=False, na_values=[""], **_EXACT_FLOATS)
    except ValueError as fault:  # pandas' parser errors and decoding errors are ValueErrors
        raise ValueError(f"{path}: not a CSV table ({fault})") from None
    return frame


def write_dat(frame: pd.DataFrame, path: str | Path, *, provenance: Mapping[str, str] | None = None) -> Path:
    r"""Write a frame as pgfplots reads it: ``\addplot table [x=desired_return, y=mean] {obedience.dat};``.

    Parameters
    ----------
    frame : DataFrame
        One row per line.
    path : str or Path
        Where to; replaced if it exists.
    provenance : mapping, optional
        Written above the table as ``# key: value``.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    ValueError
        If two columns have, or come to have, the same name.

    Notes
    -----
    Columns are separated by one space. Blanks and characters with a meaning in TeX become ``_`` in names and words.
    Missing values are ``nan``, booleans 0 and 1.
    """
    check_columns(frame)
    names = [_word(name) for name in frame.columns]
    if len(set(names)) != len(names):
        raise ValueError(f"columns must stay different without blanks, got {names}")
    columns = [[_number_or_word(value) for value in frame[name].tolist()] for name in frame.columns]
    lines = [f"# {line}" for line in comment_lines(provenance)]
    lines.append(" ".join(names))
    lines.extend(" ".join(row) for row in zip(*columns, strict=True))
    return write_text_whole("\n".join(lines) + "\n", path)


def _word(text: object) -> str:
    """One token for pgfplots: no blanks, nothing that TeX would act on."""
    return re.sub(r"[\s%#{}\\$^&~\"',;]+", "_", str(text)) or "_"


def _number_or_word(value: object) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return "nan"
    if isinstance(value, bool | np.bool_):
        return str(int(value))
    return repr(value) if isinstance(value, int | float) else _word(value)
