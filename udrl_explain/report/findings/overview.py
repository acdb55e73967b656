"""One row per experiment: what it gets, whether it listens, what it goes by, what it does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite

from udrl_explain.report.findings.action_shares import first_action
from udrl_explain.report.findings.final_returns import return_words
from udrl_explain.report.findings.finding import between, input_name, percent
from udrl_explain.report.findings.importance import first_input
from udrl_explain.report.findings.obedience import slope_of
from udrl_explain.report.findings.response import flip_share
from udrl_explain.report.findings.tables import ReportTables

CAPTION = (
    "`final return`: mean over the seeds. `return given per unit asked`: slope of achieved over desired return; 1 is "
    "full obedience. `another command changes the action`: chance that two commands of the last fit lead to different "
    "actions. `first input`: largest mean absolute Shapley value; “or” where another cannot be told from it in every "
    "seed. `most frequent action`: share of the steps. In brackets 95 % intervals, as in the findings."
)
NONE = "–"


@dataclass(frozen=True)
class OverviewRow:
    """One experiment.

    Parameters
    ----------
    numbers : mapping
        For the CSV file.
    words : mapping
        For the page, by heading.
    """

    numbers: Mapping[str, object]
    words: Mapping[str, str]


Part = tuple[dict[str, object], dict[str, str]]


def overview(tables: ReportTables) -> list[OverviewRow]:
    """One row per experiment of a report; empty where it holds none of the tables."""
    rows = []
    for label in tables.labels:
        numbers: dict[str, object] = {"label": label}
        words = {"label": label}
        for part in _PARTS:
            own_numbers, own_words = part(tables, label)
            numbers |= own_numbers
            words |= own_words
        rows.append(OverviewRow(numbers, words))
    known = [any(text != NONE for name, text in row.words.items() if name != "label") for row in rows]
    return rows if any(known) else []


def _return(tables: ReportTables, label: str) -> Part:
    row = tables.row("final_returns", label)
    there = row is not None and isfinite(row["mean"])
    names = {"return_mean": "mean", "return_low": "low", "return_high": "high", "random_mean": "random_mean"}
    numbers = {name: row[column] if row is not None and there else None for name, column in names.items()}
    return numbers, {"final return": return_words(row) if row is not None and there else NONE}


def _obedience(tables: ReportTables, label: str) -> Part:
    slope = slope_of(tables, label)
    numbers: dict[str, object] = {
        "slope": slope.value if slope else None,
        "slope_low": slope.low if slope else None,
        "slope_high": slope.high if slope else None,
    }
    return numbers, {"return given per unit asked": slope.words if slope else NONE}


def _flips(tables: ReportTables, label: str) -> Part:
    share = flip_share(tables, label)
    heading = "another command changes the action"
    if share is None:
        return {"flip_share": None, "flip_share_low": None, "flip_share_high": None}, {heading: NONE}
    value, low, high = share
    inside = between(100 * low, 100 * high, 0)
    words = f"{percent(value)} ({inside} %)" if inside else percent(value)
    return {"flip_share": value, "flip_share_low": low, "flip_share_high": high}, {heading: words}


def _input(tables: ReportTables, label: str) -> Part:
    first = first_input(tables, label)
    if first is None:
        return {"first_input": None, "first_input_importance": None, "is_first_clear": None}, {"first input": NONE}
    words = " or ".join(input_name(name) for name in (first.name, *first.rivals))
    numbers: dict[str, object] = {
        "first_input": first.name,
        "first_input_importance": first.mean,
        "is_first_clear": not first.rivals,
    }
    return numbers, {"first input": words}


def _action(tables: ReportTables, label: str) -> Part:
    rows = tables.rows("action_shares", label)
    if rows is None:
        return {"first_action": None, "first_action_share": None, "n_degenerate": None}, {"most frequent action": NONE}
    row = first_action(rows)
    n_degenerate = int(rows["n_degenerate"].sum())
    words = f"{row['action_name']} {percent(row['share'])}{', degenerate' if n_degenerate else ''}"
    numbers: dict[str, object] = {
        "first_action": row["action_name"],
        "first_action_share": row["share"],
        "n_degenerate": n_degenerate,
    }
    return numbers, {"most frequent action": words}


_PARTS: tuple[Callable[[ReportTables, str], Part], ...] = (_return, _obedience, _flips, _input, _action)
"""Columns, in their order: numbers and words of one experiment."""
