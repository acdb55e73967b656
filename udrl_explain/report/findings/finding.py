"""What one finding is, and the words that findings share."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

MOST_NAMED = 4
"""Experiments that a sentence names one by one; the overview has the others."""


@dataclass(frozen=True)
class Finding:
    """One answer on top of the page.

    Parameters
    ----------
    question : str
        In a few words: "Does it work?".
    answer : str
        In plain words, a sentence.
    evidence : str
        The numbers it rests on, with their intervals: sentences.
    anchor : str
        Of the section it rests on.
    is_warning : bool
        Whether a reader must not miss it: a degenerate policy, a command that is ignored.
    """

    question: str
    answer: str
    evidence: str
    anchor: str
    is_warning: bool = False

    @property
    def text(self) -> str:
        """Answer and evidence."""
        return f"{self.answer} {self.evidence}".strip()


def number(value: float, decimals: int) -> str:
    """Number with a true minus sign and without a negative zero."""
    text = f"{value:.{decimals}f}"
    return (text.lstrip("-") if float(text) == 0 else text).replace("-", "−")


def percent(share: float) -> str:
    """Share as per cent: whole numbers, but neither 0 nor 100 where it is neither."""
    whole = f"{100 * share:.0f}"
    if (whole == "100" and share < 1) or (whole == "0" and share > 0):
        if 0.0005 <= share <= 0.9995:
            return f"{100 * share:.1f} %"
        return "under 0.1 %" if share < 0.5 else "over 99.9 %"
    return f"{whole} %"


def between(low: float, high: float, decimals: int) -> str:
    """``a to b``; empty where there is no interval."""
    return f"{number(low, decimals)} to {number(high, decimals)}" if isfinite(low) and isfinite(high) else ""


def listed(words: Sequence[str], last: str = "and") -> str:
    """``a, b and c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def verb(labels: Sequence[str], one: str, several: str) -> str:
    """``a and b <several>``, ``a <one>``; empty without labels."""
    return f"{listed(labels)} {one if len(labels) == 1 else several}" if labels else ""


def told(phrases: Sequence[str]) -> str:
    """Phrases of the experiments in one sentence part; beyond :data:`MOST_NAMED` the rest is counted."""
    rest = len(phrases) - MOST_NAMED
    shown = "; ".join(phrases[:MOST_NAMED])
    return f"{shown}; {rest} more in the overview" if rest > 0 else shown


def sentence(*parts: str) -> str:
    """Parts that are there, joined by semicolons to a sentence with a capital letter and a full stop."""
    text = "; ".join(part for part in parts if part)
    return f"{capital(text)}." if text else ""


def capital(text: str) -> str:
    """First letter in upper case, the rest as it is."""
    return text[:1].upper() + text[1:]


def input_name(name: str) -> str:
    """Name of an input for a sentence."""
    return name.replace("_", " ")


def seeds_words(n_seeds: int) -> str:
    """``3 seeds``, ``one seed``."""
    return "one seed" if n_seeds == 1 else f"{n_seeds} seeds"
