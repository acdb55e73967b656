"""Frames as ``.dat`` files for pgfplots."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from udrl_explain.files.atomic import write_text_whole
from udrl_explain.files.latex_tables import check_columns
from udrl_explain.files.latex_text import comment_lines


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
