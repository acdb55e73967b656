"""Do seeds act for the same reasons, beyond what luck within one run does?"""

from udrl_explain.report.findings.finding import Finding, between, number, percent, sentence, told
from udrl_explain.report.findings.tables import ReportTables, Row, records

ANCHOR = "stability"
QUESTION = "Do seeds act for the same reasons?"


def findings(tables: ReportTables) -> list[Finding]:
    """Pairs of seeds with equal returns and different reasons; none where an experiment has one seed only."""
    frame = tables.read("stability_summary")
    if frame is None:
        return []
    rows = [row for row in records(frame) if row["group_a"] == row["group_b"]]
    if not rows:
        return []
    differ = [row for row in rows if row["n_different_reasons"]]
    answer = sentence(*[_answer(row) for row in rows])
    words = told([_words(row) for row in rows])
    evidence = f"Mean rank correlation of the Shapley values of the same rows: {words}."
    return [Finding(QUESTION, answer, evidence, ANCHOR, bool(differ))]


def _answer(row: Row) -> str:
    label, n_pairs = row["group_a"], int(row["n_pairs"])
    n_equal, n_differ = int(row["n_equal_returns"]), int(row["n_different_reasons"])
    pairs = f"{n_pairs} pair{'s' if n_pairs > 1 else ''} of seeds"
    if not n_equal:
        return f"{label}: returns differ in all of {pairs}, so reasons may"
    if not n_differ:
        return f"{label}: at equal returns no reasons differ beyond luck within a run ({n_equal} of {pairs})"
    return f"{label}: equal returns for different reasons in {n_differ} of {pairs}"


def _words(row: Row) -> str:
    spread = between(row["lowest"], row["highest"], 2)
    pairs = f"pairs {spread}; " if row["n_pairs"] > 1 else ""
    return (
        f"{row['group_a']} {number(row['rank_correlation'], 2)} ({pairs}resamples of one run at least "
        f"{number(row['within_low'], 2)}), the same action in {percent(row['same_action'])} of them"
    )
