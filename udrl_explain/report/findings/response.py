"""How often would another seen command change the action?"""

from math import isfinite

from udrl_explain.report.findings.finding import Finding, between, percent, told
from udrl_explain.report.findings.tables import ReportTables, records

QUESTION = "Would another command change the action?"


def flip_share(tables: ReportTables, label: str) -> tuple[float, float, float] | None:
    """Share and its interval, NaN where there is none; None where the report has no response to commands."""
    rows = tables.rows("response_summary", label)
    for row in [] if rows is None else records(rows):
        if row["quantity"] == "flip share":
            return float(row["value"]), float(row["low"]), float(row["high"])
    return None


def findings(tables: ReportTables) -> list[Finding]:
    """The share of states, with the steps of the shown episode."""
    shares = {label: share for label in tables.labels if (share := flip_share(tables, label)) is not None}
    if not shares:
        return []
    phrases, answers = [], []
    for label, (value, low, high) in shares.items():
        inside = f" ({between(100 * low, 100 * high, 0)} %)" if isfinite(low) and isfinite(high) else ""
        phrases.append(f"{label} {percent(value)}{inside}{_steps(tables, label)}")
        answers.append(f"{label} {percent(value)}")
    evidence = (
        "Two commands of the last fit's rows lead to different actions with this probability, mean over states (lowest "
        f"seed; interval for other episodes of it): {told(phrases)}."
    )
    return [Finding(QUESTION, f"Chance that it does: {told(answers)}.", evidence, "response")]


def _steps(tables: ReportTables, label: str) -> str:
    frame = tables.of("timeline", label)
    if frame is None:
        return ""
    steps = frame.drop_duplicates("step")
    if steps["seen_flips"].isna().any():
        return ""
    n_flips = int(steps["seen_flips"].astype(bool).sum())
    return f", in its first final episode some seen command changes {n_flips} of {len(steps)} steps"
