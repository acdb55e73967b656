"""Do the policies of different experiments act alike?"""

from math import isfinite

from udrl_explain.report.findings.finding import Finding, between, percent, sentence, told
from udrl_explain.report.findings.tables import ReportTables, records

QUESTION = "Do they act alike?"


def findings(tables: ReportTables) -> list[Finding]:
    """How often two policies choose another action in the same rows."""
    frame = tables.read("comparison_summary")
    if frame is None:
        return []
    answers, phrases = [], []
    for row in records(frame):
        pair = f"{row['name_a']} and {row['name_b']}"
        share = percent(row["share_differing"])
        answers.append(f"{pair} act differently in {share} of rows")
        has_interval = isfinite(row["share_low"]) and isfinite(row["share_high"])
        inside = f" ({between(100 * row['share_low'], 100 * row['share_high'], 0)} %)" if has_interval else ""
        phrases.append(f"{pair} {share}{inside}")
    evidence = (
        f"Rows of the final episodes of both, lowest seeds, interval for other episodes of these: {told(phrases)}."
    )
    return [Finding(QUESTION, sentence(told(answers)), evidence, "comparison")]
