"""Cells of the page's tables: what is shown, and what they are sorted by."""

from dataclasses import dataclass
from math import floor, isfinite, log10
from typing import Any

import numpy as np
import pandas as pd

SIGNIFICANT_DIGITS = 4


@dataclass(frozen=True)
class ShownTable:
    """A table as the page shows it.

    Parameters
    ----------
    columns : list of (str, bool)
        Name, and whether it holds numbers.
    rows : list of list of (str, str)
        Text, and the number it is sorted by ("" where the text itself is).
    n_rows : int
        Rows of the whole table.
    estimators : list of str
        The experiment that each row is about, by its column ``label``; empty where there is none.
    """

    columns: list[tuple[str, bool]]
    rows: list[list[tuple[str, str]]]
    n_rows: int
    estimators: list[str]


def shown_table(frame: pd.DataFrame, max_rows: int) -> ShownTable:
    """Format the first rows of a frame: four significant digits, a dash where a value is missing.

    Raises
    ------
    ValueError
        If `max_rows` is not positive.
    """
    if max_rows < 1:
        raise ValueError(f"max_rows must be at least 1, got {max_rows}")
    head = frame.head(max_rows)
    columns = []
    cells = []
    for name in frame.columns:
        kind = head[name].dtype
        numeric = pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind)
        values = head[name].tolist()
        columns.append((str(name), numeric))
        decimals = _common_decimals([float(value) for value in values if pd.notna(value)]) if numeric else None
        cells.append([_cell(value, decimals) for value in values])
    estimators = [str(label) for label in head["label"]] if "label" in head else []
    return ShownTable(columns, [list(row) for row in zip(*cells, strict=True)], len(frame), estimators)


def _common_decimals(values: list[float]) -> int | None:
    """Digits after the point for a whole column, None where its numbers are too different for one form."""
    sizes = [abs(value) for value in values if value and isfinite(value)]
    if not sizes or not 1e-4 <= min(sizes) <= max(sizes) < 1e9:
        return 0 if not sizes else None
    if all(size.is_integer() for size in sizes):
        return 0
    decimals = max(0, SIGNIFICANT_DIGITS - 1 - floor(log10(max(sizes))))
    return decimals if min(sizes) >= 10.0 ** (1 - decimals) else None  # at least two digits of the smallest


def _cell(value: Any, decimals: int | None) -> tuple[str, str]:
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return "–", ""
    if isinstance(value, bool | np.bool_):
        return ("yes" if value else "no"), ""
    if isinstance(value, int):
        return str(value).replace("-", "−"), str(value)
    if isinstance(value, float):
        return _rounded(value, decimals).replace("-", "−"), repr(value)
    return str(value), ""


def _rounded(value: float, decimals: int | None) -> str:
    if not isfinite(value):
        return "∞" if value > 0 else "-∞"
    if decimals is not None:
        return f"{value + 0.0:.{decimals}f}"
    if value == 0:
        return "0"
    exponent = floor(log10(abs(value)))
    if not -4 <= exponent < 7:
        return f"{value:.{SIGNIFICANT_DIGITS - 1}e}"
    return f"{value:.{max(0, SIGNIFICANT_DIGITS - 1 - exponent)}f}"
