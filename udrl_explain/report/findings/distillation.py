"""Does a small tree do the same?"""

from math import isfinite

from udrl_explain.report.findings.finding import Finding, between, number, sentence, told
from udrl_explain.report.findings.tables import ReportTables, Row, records

ANCHOR = "distillation"
QUESTION = "Does a small tree do the same?"


def findings(tables: ReportTables) -> list[Finding]:
    """The smallest tree of each experiment whose return is not below its policy's, or the best one that was tried."""
    answers, phrases = [], []
    for label in tables.labels:
        rows = tables.rows("distillation", label)
        if rows is None:
            continue
        trees = records(rows[rows["point"] == "tree"])
        policy = records(rows[rows["point"] == "policy"])
        good = [tree for tree in trees if tree["is_smallest"]]
        shown = good[0] if good else max(trees, key=lambda tree: float(tree["return"]))
        leaves = f"{int(shown['n_leaves'])} leaves"
        answers.append(f"{label} yes, one of {leaves}" if good else f"{label} not up to {_most(trees)} leaves")
        own = f", the policy itself {number(float(policy[0]['return']), 1)}" if policy else ""
        phrases.append(f"{label} {leaves} {number(float(shown['return']), 1)}{own} ({_difference(shown)})")
    if not answers:
        return []
    evidence = (
        f"Mean return on fresh episodes: {told(phrases)}. A tree is said to do the same where the 95 % interval of the "
        "difference on the same environment seeds reaches 0; distill(run) searches longer than a report does."
    )
    return [Finding(QUESTION, sentence(told(answers)), evidence, ANCHOR)]


def _most(trees: list[Row]) -> int:
    return max(int(tree["max_leaves"]) for tree in trees)


def _difference(tree: Row) -> str:
    low, high = float(tree["difference_low"]), float(tree["difference_high"])
    ends = between(low, high, 1) if isfinite(low) and isfinite(high) else "no interval"
    return f"difference {number(float(tree['difference']), 1)}, {ends}; {int(tree['n_episodes'])} episodes"
