"""What is the command worth in return? Only what the interval carries is said to be earned or lost."""

from math import isfinite

from udrl_explain.analysis.performance import ALL_SEEDS
from udrl_explain.report.findings.finding import Finding, between, number, seeds_words, sentence, told, verb
from udrl_explain.report.findings.tables import ReportTables, Row, records
from udrl_explain.statistics.intervals import NO_VARIATION

ANCHOR = "performance"
QUESTION = "What is the command worth?"


def findings(tables: ReportTables) -> list[Finding]:
    """Return with the command less return without it, over the seeds where there are several."""
    worths = {label: row for label in tables.labels if (row := _worth(tables, label)) is not None}
    if not worths:
        return []
    earns, costs, nothing, unclear = list[str](), list[str](), list[str](), list[str]()
    for label, row in worths.items():
        _kind(row, earns, costs, nothing, unclear).append(label)
    answer = sentence(
        verb(earns, "earns return by knowing it", "earn return by knowing it"),
        verb(costs, "gets less return for knowing it", "get less return for knowing it"),
        verb(nothing, "gets the same without it", "get the same without it"),
        verb(unclear, "may gain or not: the interval holds 0", "may gain or not: their intervals hold 0"),
    )
    words = told([f"{label} {_words(row)}" for label, row in worths.items()])
    evidence = f"Mean return when it is known less that when it is averaged over the last fit's rows: {words}."
    return [Finding(QUESTION, answer, evidence, ANCHOR)]


def _worth(tables: ReportTables, label: str) -> Row | None:
    rows = tables.rows("performance_command", label)
    if rows is None:
        return None
    every = [row for row in records(rows) if isfinite(row["command_worth"])]
    return next((row for row in every if row["run"] == ALL_SEEDS), every[0] if every else None)


def _kind(row: Row, earns: list[str], costs: list[str], nothing: list[str], unclear: list[str]) -> list[str]:
    if row["interval"] == NO_VARIATION:
        worth = row["command_worth"]
        return earns if worth > 0 else costs if worth < 0 else nothing
    return earns if row["low"] > 0 else costs if row["high"] < 0 else unclear


def _words(row: Row) -> str:
    ends = between(row["low"], row["high"], 1)
    n_seeds = int(row["n_seeds"])
    whose = seeds_words(n_seeds) if n_seeds > 1 else "other episodes of one seed"
    why = f"{ends}; {whose}" if ends else f"no variation seen; {seeds_words(n_seeds)}"
    return f"{number(row['command_worth'], 1)} of {number(row['return_known'], 1)} ({why})"
