"""State or command? How much probability each moves, alone and together."""

from math import isfinite

from udrl_explain.report.findings.finding import Finding, between, number, sentence, told, verb
from udrl_explain.report.findings.tables import ReportTables, Row, records

_PARTS = {"state": "state", "command": "command", "state x command": "both together"}


def findings(tables: ReportTables) -> list[Finding]:
    """Compare the state alone with the command alone."""
    phrases, state, command, neither = [], [], [], []
    for label in tables.labels:
        rows = tables.rows("command_split", label)
        if rows is None:
            continue
        sizes = {row["part"]: row for row in records(rows)}
        words = [f"{name} {number(sizes[part]['mean_size'], 3)}{_inside(sizes[part])}" for part, name in _PARTS.items()]
        phrases.append(f"{label}: {', '.join(words)}")
        if _above(sizes["state"], sizes["command"]):
            state.append(label)
        elif _above(sizes["command"], sizes["state"]):
            command.append(label)
        else:
            neither.append(label)
    if not phrases:
        return []
    answer = sentence(
        verb(state, "goes", "go") + " by the state more than by the command" if state else "",
        verb(command, "goes", "go") + " by the command more than by the state" if command else "",
        f"in {' and '.join(neither)} neither clearly moves more" if neither else "",
    )
    evidence = f"Probability moved on average, each part alone and what needs both (lowest seed): {told(phrases)}."
    return [Finding("State or command?", answer, evidence, "shapley")]


def _above(one: Row, other: Row) -> bool:
    return bool(isfinite(one["low"]) and isfinite(other["high"]) and one["low"] > other["high"])


def _inside(row: Row) -> str:
    interval = between(row["low"], row["high"], 3)
    return f" ({interval})" if interval else ""
