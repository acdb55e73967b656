"""Which pictures a page shows openly: as many as keep it short, those further down are folded first.

Heights are estimated for a window of :data:`WIDTH` CSS pixels with the sizes that ``page.css`` sets; a browser test
holds them against the page.
"""

from collections.abc import Sequence
from math import ceil
from typing import Any

WIDTH = 1280
BUDGET = 7500
"""Estimated height, in CSS pixels, that a page may have with everything folded that can be; 8,000 is the aim."""
NEVER_FOLDED = 3
"""Sections at the top whose pictures stay open however long the page is."""
_COLUMN, _THUMB, _ALONE = 322, 248, 272  # width of a picture among others; greatest heights of it and of a lone one
_COLUMNS = 3


def lines(text: str, letters: int) -> int:
    """Lines of a text in a column that holds so many letters."""
    return ceil(len(text) / letters)


def pictures_height(sizes: Sequence[tuple[int, int]]) -> float:
    """Height of a group of pictures, from their widths and heights."""
    if len(sizes) == 1:
        width, height = sizes[0]
        return 55 + min(_ALONE, 416 * height / width)
    rows = [sizes[place : place + _COLUMNS] for place in range(0, len(sizes), _COLUMNS)]
    return 30 + sum(40 + max(min(_THUMB, _COLUMN * height / width) for width, height in row) for row in rows)


def notes_height(notes: Sequence[str]) -> float:
    """Height of notes."""
    return sum(10 + 23 * lines(note, 92) for note in notes)


def findings_height(texts: Sequence[tuple[str, str]]) -> float:
    """Height of the findings, from answers and evidences."""
    return 90 + sum(15 + 24 * lines(answer, 75) + 19 * lines(evidence, 105) for answer, evidence in texts)


def overview_height(n_rows: int) -> float:
    """Height of the overview; 0 where there is none."""
    return 180 + 44 * n_rows if n_rows else 0


def fold(parts: Sequence[dict[str, Any]], above: float) -> None:
    """Say of every section of a page, in ``is_open``, whether its first pictures stand open.

    Parameters
    ----------
    parts : sequence of dict
        As the template takes them: ``section``, ``notes``, ``groups``.
    above : float
        Height of what stands above the sections.
    """
    pictures, others = [], 260 + above
    for part in parts:
        first: dict[str, Any] = part["groups"][0] if part["groups"] else {"how": "", "pictures": []}
        texts = 25 * lines(part["section"].intro, 88) + notes_height(part["notes"]) + 18 * lines(first["how"], 105) + 16
        sizes = [(one["image"].width, one["image"].height) for one in first["pictures"]]
        shown = pictures_height(sizes) if sizes else 0.0
        pictures.append(max(0.0, shown - texts) if len(sizes) == 1 else shown)  # a lone one stands beside its texts
        others += 68 + texts + 26 * len(part["groups"])
    for part, is_open in zip(parts, open_sections(pictures, others), strict=True):
        part["is_open"] = is_open


def open_sections(pictures: Sequence[float], others: float) -> list[bool]:
    """Choose the sections whose first pictures stand open.

    Parameters
    ----------
    pictures : sequence of float
        Height of each section's first group, in the order of the page; 0 where it has none.
    others : float
        Height of all else.

    Returns
    -------
    list of bool
    """
    shown = [True] * len(pictures)
    height = others + sum(pictures)
    for place in reversed(range(NEVER_FOLDED, len(pictures))):
        if height <= BUDGET:
            break
        shown[place] = False
        height -= pictures[place]
    return shown
