"""Which method of attribution describes the policies best, where the intervals carry that one does."""

from math import isfinite

from udrl_explain.report.findings.finding import Finding, between, listed, number, sentence, told
from udrl_explain.report.findings.tables import ReportTables, Row, records

ANCHOR = "faithfulness"
QUESTION = "Which explanation describes the policy best?"
HARDLY_CHANGED = 0.8
"""Rank correlation with the attributions for a policy fitted on permuted actions from which on a method is named."""


def findings(tables: ReportTables) -> list[Finding]:
    """Compare the two highest scores of each experiment; methods that hardly look at the policy are named."""
    judged = {label: rows for label in tables.labels if (rows := _by_score(tables, label))}
    if not judged:
        return []
    clear: dict[str, list[str]] = {}
    close, blind = [], []
    for label, rows in judged.items():
        best, rivals = rows[0], _not_below(rows)
        if rivals:
            close.append(f"in {label} {best['method']} cannot be told from {listed(rivals, 'or')}")
        else:
            clear.setdefault(str(best["method"]), []).append(label)
        blind += [f"{row['method']} in {label} ({number(row['sanity_correlation'], 2)})" for row in rows if _blind(row)]
    answer = sentence(*[f"{method}, in {listed(labels)}" for method, labels in clear.items()], *close)
    words = told([f"{label} {_words(rows)}" for label, rows in judged.items()])
    evidence = (
        "Score of the order of inputs, 0 for the mean of all orders and 1 for the best (other episodes of one "
        f"policy): {words}. The judge is of the interventional kind."
    )
    if blind:
        evidence += f" Much the same for a policy fitted on permuted actions (rank correlation): {told(blind)}."
    return [Finding(QUESTION, answer, evidence, ANCHOR)]


def _by_score(tables: ReportTables, label: str) -> list[Row]:
    rows = tables.rows("faithfulness", label)
    if rows is None:
        return []
    return records(rows[rows["score"].notna()].sort_values("score", ascending=False, kind="stable"))


def _not_below(rows: list[Row]) -> list[str]:
    """Methods whose interval overlaps that of the best; without intervals nothing can be told apart."""
    lowest = rows[0]["score_low"]
    return [str(row["method"]) for row in rows[1:] if not (isfinite(lowest) and row["score_high"] < lowest)]


def _blind(row: Row) -> bool:
    return bool(row["sanity_correlation"] >= HARDLY_CHANGED)


def _words(rows: list[Row]) -> str:
    parts = []
    for row in rows[:2]:
        ends = between(row["score_low"], row["score_high"], 2)
        parts.append(f"{row['method']} {number(row['score'], 2)}{f' ({ends})' if ends else ''}")
    return ", then ".join(parts)
