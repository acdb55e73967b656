"""What does it do? The share of each action; degenerate policies are called degenerate."""

import pandas as pd

from udrl_explain.analysis.action_shares import DEGENERATE
from udrl_explain.report.findings.finding import Finding, listed, percent, sentence, told
from udrl_explain.report.findings.tables import ReportTables, Row, records

ANCHOR = "action-shares"
QUESTION = "What does it do?"


def first_action(rows: pd.DataFrame) -> Row:
    """The action with the largest share of an experiment's steps."""
    return max(records(rows), key=lambda row: row["share"])


def findings(tables: ReportTables) -> list[Finding]:
    """The shares of the actions; a policy that hardly takes a second one is called degenerate."""
    rows = {label: own for label in tables.labels if (own := tables.rows("action_shares", label)) is not None}
    if not rows:
        return []
    called = [_degenerate(label, row) for label, own in rows.items() for row in records(own) if row["n_degenerate"] > 0]
    bound = percent(DEGENERATE)
    answer = sentence(*called) or f"No policy is degenerate: none takes one action in {bound} of its steps."
    evidence = f"Share of the steps: {told([f'{label} {_shares(own)}' for label, own in rows.items()])}."
    if called:
        evidence += " Such a policy can have its return, but what follows explains little of it."
    return [Finding(QUESTION, answer, evidence, ANCHOR, bool(called))]


def _degenerate(label: str, row: Row) -> str:
    text = f"{label} is degenerate: it takes ‘{row['action_name']}’ in {percent(row['share'])} of its steps"
    if row["n_seeds"] == 1:
        return text
    return f"{text}, in {row['n_degenerate']} of {row['n_seeds']} seeds in {percent(DEGENERATE)} or more"


def _shares(rows: pd.DataFrame) -> str:
    ordered = rows.sort_values("share", ascending=False, kind="stable")
    return listed(
        [f"{name} {percent(share)}" for name, share in zip(ordered["action_name"], ordered["share"], strict=True)]
    )
