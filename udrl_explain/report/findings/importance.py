"""What decides? The first input by mean absolute SHAP, seed by seed."""

from dataclasses import dataclass
from math import isfinite

from udrl_explain.report.findings.finding import Finding, between, input_name, listed, number, sentence, told
from udrl_explain.report.findings.tables import ReportTables, Row, records

METHOD = "mean absolute SHAP"
QUESTION = "What decides?"


@dataclass(frozen=True)
class FirstInput:
    """The input with the largest mean absolute SHAP value, over the seeds of one experiment.

    Parameters
    ----------
    name : str
        By the mean over the seeds.
    mean : float
        Of the seeds' values, as probability moved in an action on average.
    low, high : float
        Interval in the lowest seed, for other episodes of that policy.
    rivals : tuple of str
        Inputs that come before it, or whose interval overlaps its own, in some seed.
    n_seeds : int
    """

    name: str
    mean: float
    low: float
    high: float
    rivals: tuple[str, ...]
    n_seeds: int


def first_input(tables: ReportTables, label: str) -> FirstInput | None:
    """Find it in ``importance_by_seed``; None where there is no such table."""
    frame = tables.of("importance_by_seed", label)
    if frame is None:
        return None
    frame = frame[(frame["method"] == METHOD) & ~frame["is_group"].astype(bool)]
    if frame.empty:
        return None
    means = {str(name): float(own["importance"].mean()) for name, own in frame.groupby("feature", sort=False)}
    name = max(means, key=lambda one: means[one])
    rows = records(frame)
    own = {row["run"]: row for row in rows if row["feature"] == name}
    rivals = [row["feature"] for row in rows if row["feature"] != name and not _below(row, own[row["run"]])]
    shown = next(iter(own.values()))
    ends = float(shown["low"]), float(shown["high"])
    return FirstInput(name, means[name], *ends, tuple(dict.fromkeys(rivals)), len(own))


def _below(other: Row, own: Row) -> bool:
    """Whether another input is below by its interval, or by its value where there are no intervals."""
    low = own["low"] if isfinite(own["low"]) else own["importance"]
    high = other["high"] if isfinite(other["high"]) else other["importance"]
    return bool(high < low)


def findings(tables: ReportTables) -> list[Finding]:
    """Which input comes first, where the intervals carry that one does."""
    firsts = {label: first for label in tables.labels if (first := first_input(tables, label)) is not None}
    if not firsts:
        return []
    clear: dict[str, list[str]] = {}
    open_ones = []
    for label, first in firsts.items():
        if first.rivals:
            rivals = listed([input_name(name) for name in first.rivals], "or")
            open_ones.append(f"in {label} {input_name(first.name)} cannot be told from {rivals} in every seed")
        else:
            clear.setdefault(input_name(first.name), []).append(label)
    answer = sentence(*[f"{name} most, in {listed(labels)}" for name, labels in clear.items()], *open_ones)
    words = told([f"{label} {_value(first)}" for label, first in firsts.items()])
    evidence = f"Mean size of its Shapley values, i.e. of the probability it moves: {words}."
    return [Finding(QUESTION, answer, evidence, "importance")]


def _value(first: FirstInput) -> str:
    interval = between(first.low, first.high, 3)
    seeds = "one seed" if first.n_seeds == 1 else f"mean of {first.n_seeds} seeds"
    if not interval:
        return f"{number(first.mean, 3)} ({seeds})"
    return f"{number(first.mean, 3)} ({seeds}{'' if first.n_seeds == 1 else '; the lowest'}: {interval})"
