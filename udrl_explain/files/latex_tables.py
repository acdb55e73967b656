"""DataFrames as booktabs tables for a paper: number and uncertainty in one cell, bold only where it is earned."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from udrl_explain.files.atomic import write_text_whole
from udrl_explain.files.latex_text import comment_lines, latex_text


@dataclass(frozen=True)
class Estimate:
    """One printed column, made of the columns of a number and of its uncertainty.

    Parameters
    ----------
    value : str
        Column of the number.
    heading : str
        What stands above; plain text.
    spread : str, optional
        Column printed behind a plus-minus sign.
    interval : (str, str), optional
        Columns of the lower and upper end, printed in brackets; the rule for bold reads them.
    decimals : int
        Digits after the point.
    best : {"max", "min"}, optional
        Print the best row bold, if its interval overlaps no other row's. None: nothing is bold.
    bold : str, optional
        Column that says which rows to print bold, where that was decided by a comparison of the rows.
    """

    value: str
    heading: str
    spread: str | None = None
    interval: tuple[str, str] | None = None
    decimals: int = 2
    best: Literal["max", "min"] | None = None
    bold: str | None = None

    def __post_init__(self) -> None:
        if self.best is not None and self.bold is not None:
            raise ValueError("best and bold exclude each other: one of them says what is printed bold")
        if self.best is not None and self.interval is None:
            raise ValueError("best needs the interval: bold is only for what differs beyond its uncertainty")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the frame that this one prints."""
        return (self.value, *([self.spread] if self.spread else []), *(self.interval or ()))


def write_latex(
    frame: pd.DataFrame,
    path: str | Path,
    *,
    caption: str,
    label: str,
    columns: Sequence[str | Estimate] | None = None,
    headings: Mapping[str, str] | None = None,
    n_seeds: int | Sequence[int] | None = None,
    within: Sequence[str] = (),
    decimals: int = 2,
    provenance: Mapping[str, str] | None = None,
) -> Path:
    r"""Write a frame as a booktabs table to ``\input`` into a paper (``\usepackage{booktabs}`` is all it needs).

    Parameters
    ----------
    frame : DataFrame
        One row per line of the table.
    path : str or Path
        Where to; replaced if it exists.
    caption, label : str
        Plain text, escaped here; the label as ``\label`` takes it, e.g. ``tab:final-returns``.
    columns : sequence of str or Estimate, optional
        What to print, in order: names of columns, or an :class:`Estimate`. None prints every column.
    headings : mapping, optional
        Plain-text headings of the columns given by name; a name without one is printed with blanks for ``_``.
    n_seeds : int or sequence of int, optional
        How many seeds stand behind the numbers; several where the rows differ. Added to the caption.
    within : sequence of str
        Columns that separate what may be compared (e.g. the environment) when the best value is sought.
    decimals : int
        Digits after the point of float columns given by name.
    provenance : mapping, optional
        Written above the table as ``% key: value``.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    ValueError
        If a column does not exist or the label holds other signs than letters, digits and ``:-_.``.
    """
    check_columns(frame)
    if not re.fullmatch(r"[A-Za-z0-9:._-]+", label):
        raise ValueError(f"label must consist of letters, digits and ':._-', got {label!r}")
    columns = list(frame.columns) if columns is None else list(columns)
    wanted = [name for item in columns for name in (item.columns if isinstance(item, Estimate) else (item,))]
    decided = [item.bold for item in columns if isinstance(item, Estimate) and item.bold is not None]
    for name in (*wanted, *decided, *within):
        if name not in frame.columns:
            raise ValueError(f"columns must be columns of the frame {list(frame.columns)}, got {name!r}")

    headers: list[str] = []
    cells: list[list[str]] = []
    form = ""
    for item in columns:
        if isinstance(item, Estimate):
            heading, texts, numeric = item.heading, _estimate_cells(frame, item, within), True
        else:
            heading = (headings or {}).get(item, item.replace("_", " "))
            numeric = pd.api.types.is_numeric_dtype(frame[item]) and frame[item].dtype != bool
            texts = [_plain_cell(value, decimals) for value in frame[item].tolist()]
        headers.append(latex_text(heading))
        cells.append(texts)
        form += "r" if numeric else "l"
    # Numbered columns: printed headings may repeat, the column names of a frame that Styler takes may not.
    keys = [str(position) for position in range(len(headers))]
    printed = dict(zip(keys, headers, strict=True))
    style = pd.DataFrame(dict(zip(keys, cells, strict=True))).style.hide(axis="index")
    tex = style.format_index(lambda key: printed[str(key)], axis="columns").to_latex(
        hrules=True,
        caption=latex_text(caption + _seeds_sentence(n_seeds)),
        label=label,
        position="t",
        position_float="centering",
        column_format=form,
    )
    comment = "".join(f"% {line}\n" for line in comment_lines(provenance))
    return write_text_whole(comment + tex, path)


def clearly_best(value: np.ndarray, low: np.ndarray, high: np.ndarray, best: Literal["max", "min"]) -> int | None:
    """Return the position of the best value if its interval overlaps no other's, else None.

    Parameters
    ----------
    value, low, high : ndarray, shape (n,)
        The numbers and their intervals. With one row, or with an end missing anywhere, nothing is best.
    best : {"max", "min"}
        Which end is good.

    Returns
    -------
    int or None
        Position from 0.
    """
    if len(value) < 2 or not all(np.isfinite(ends).all() for ends in (value, low, high)):
        return None
    first = int(np.argmax(value) if best == "max" else np.argmin(value))
    others = np.arange(len(value)) != first
    apart = low[first] > high[others].max() if best == "max" else high[first] < low[others].min()
    return first if apart else None


def _estimate_cells(frame: pd.DataFrame, item: Estimate, within: Sequence[str]) -> list[str]:
    def number(value: float) -> str:
        return f"{value:.{item.decimals}f}"

    bold = set(np.flatnonzero(frame[item.bold].to_numpy(dtype=bool)).tolist()) if item.bold is not None else set()
    if item.best is not None and item.interval is not None:
        value, low, high = (frame[name].to_numpy(dtype=float) for name in (item.value, *item.interval))
        groups = frame.groupby(list(within), dropna=False).indices.values() if within else [np.arange(len(frame))]
        for rows in groups:
            found = clearly_best(value[rows], low[rows], high[rows], item.best)
            bold |= set() if found is None else {int(rows[found])}
    cells = []
    for row, numbers in enumerate(frame[list(item.columns)].astype(float).to_numpy()):
        if not np.isfinite(numbers[0]):
            cells.append("--")
            continue
        text = number(numbers[0])
        if row in bold:
            text = rf"\mathbf{{{text}}}"
        if item.spread and np.isfinite(numbers[1]):
            text += rf" \pm {number(numbers[1])}"
        if item.interval and np.isfinite(numbers[-2:]).all():
            text += rf"\ [{number(numbers[-2])}, {number(numbers[-1])}]"
        cells.append(f"${text}$")
    return cells


def _plain_cell(value: object, decimals: int) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return "--"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"${value:.{decimals}f}$" if np.isfinite(value) else rf"${'-' if value < 0 else ''}\infty$"
    return f"${value}$" if isinstance(value, int) else latex_text(str(value))


def _seeds_sentence(n_seeds: int | Sequence[int] | None) -> str:
    if n_seeds is None:
        return ""
    counts = [n_seeds] if isinstance(n_seeds, int) else sorted(set(n_seeds))
    if not counts:
        raise ValueError("n_seeds must be a number, some numbers or None, got an empty sequence")
    if len(counts) == 1:
        return f" {counts[0]} seed{'' if counts[0] == 1 else 's'}."
    return f" {counts[0]} to {counts[-1]} seeds."


def check_columns(frame: pd.DataFrame) -> None:
    """Refuse a frame whose columns are not different strings.

    Raises
    ------
    ValueError
        Naming the columns.
    """
    names = list(frame.columns)
    if not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise ValueError(f"column names must be different strings, got {names}")
