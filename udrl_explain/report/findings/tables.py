"""The written tables of a report, as findings read them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from udrl_explain.tables import read_csv

Row = Mapping[str, Any]
"""Values of one row by column."""


def records(frame: pd.DataFrame) -> list[Row]:
    """Rows of a frame."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


@dataclass(frozen=True)
class ReportTables:
    """The tables of one report.

    Parameters
    ----------
    folder : Path
        ``tables/`` of the report.
    slugs : mapping
        File name part by label of each experiment, in the order of the page.
    env_name : str
    """

    folder: Path
    slugs: Mapping[str, str]
    env_name: str = ""

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the experiments, in the order of the page."""
        return tuple(self.slugs)

    def read(self, stem: str) -> pd.DataFrame | None:
        """``<stem>.csv``, or None where the report has no such table or it holds no row."""
        path = self.folder / f"{stem}.csv"
        if not path.is_file():
            return None
        frame = read_csv(path)
        return frame if len(frame) else None

    def rows(self, stem: str, label: str) -> pd.DataFrame | None:
        """Rows of one experiment, by the column ``label``; None where there are none."""
        frame = self.read(stem)
        if frame is None or "label" not in frame:
            return None
        own = frame[frame["label"].astype(str) == label]
        return own if len(own) else None

    def row(self, stem: str, label: str) -> Row | None:
        """First of :meth:`rows`; None where there is none."""
        rows = self.rows(stem, label)
        return None if rows is None else records(rows)[0]

    def of(self, kind: str, label: str) -> pd.DataFrame | None:
        """``<kind>-<slug>.csv`` of one experiment; None as for :meth:`read`."""
        return self.read(f"{kind}-{self.slugs[label]}")
