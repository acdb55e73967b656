"""Do the seeds agree, in what they achieve and in what they go by?"""

from math import isfinite

from udrl_explain.report.findings.finding import Finding, between, number, seeds_words, told
from udrl_explain.report.findings.importance import METHOD
from udrl_explain.report.findings.tables import ReportTables

QUESTION = "Do the seeds agree?"


def findings(tables: ReportTables) -> list[Finding]:
    """Ranges of the seeds' returns, and how alike the order of their inputs is; none where there is one seed only."""
    answers, phrases = [], []
    for label in tables.labels:
        agreement, words = _agreement(tables, label), _returns(tables, label)
        if agreement is not None:
            answers.append(f"{label} {number(agreement, 2)}")
        if words:
            phrases.append(f"{label} {words}")
    if not answers and not phrases:
        return []
    evidence = f"Mean returns: {told(phrases)}." if phrases else ""
    if not answers:
        return [Finding(QUESTION, "Of their inputs nothing is known.", evidence, "final-returns")]
    answer = f"In the order of their inputs (1 is the same in all, 0 is chance): {told(answers)}."
    evidence = f"Mean rank correlation of the inputs' importance between seeds, without an interval. {evidence}".strip()
    return [Finding(QUESTION, answer, evidence, "importance")]


def _returns(tables: ReportTables, label: str) -> str:
    rows = tables.rows("final_returns_by_seed", label)
    means = None if rows is None else rows["mean"].dropna()
    if means is None or len(means) < 2:
        return ""
    low, high = float(means.min()), float(means.max())
    where = f"at {number(low, 1)}" if number(low, 1) == number(high, 1) else between(low, high, 1)
    return f"{where} in {seeds_words(len(means))}"


def _agreement(tables: ReportTables, label: str) -> float | None:
    rows = tables.rows("importance_spread", label)
    rows = None if rows is None else rows[rows["method"] == METHOD]
    if rows is None or rows.empty or not isfinite(rows["rank_agreement"].iloc[0]):
        return None
    return float(rows["rank_agreement"].iloc[0])
