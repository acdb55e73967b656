"""Does it work? Final returns against a random policy and the published figure."""

from math import isfinite, sqrt

from udrl_explain.report.findings.finding import Finding, between, number, seeds_words, sentence, told, verb
from udrl_explain.report.findings.tables import ReportTables, Row

ANCHOR = "final-returns"
QUESTION = "Does it work?"


def beats_random(row: Row) -> bool | None:
    """Whether the lower end of an experiment's return is above a random policy's mean; None where that is not known.

    Where there is no interval for other seeds, because there is one seed or all agree, two standard errors of the mean
    over the episodes stand in: that speaks of these policies only.
    """
    if not (isfinite(row["random_mean"]) and isfinite(row["mean"])):
        return None
    low = row["low"] if isfinite(row["low"]) else row["mean"] - 2 * row["std"] / sqrt(max(1, row["n_episodes"]))
    return bool(low > row["random_mean"])


def return_words(row: Row) -> str:
    """``199.6 (198.6 to 200.6; 3 seeds)``, or why there is no interval."""
    interval, n_seeds = between(row["low"], row["high"], 1), int(row["n_seeds"])
    if interval:
        inside = f"{interval}; {seeds_words(n_seeds)}"
    else:
        inside = "one seed, so no interval" if n_seeds == 1 else f"the same in {n_seeds} seeds"
    return f"{number(row['mean'], 1)} ({inside})"


def findings(tables: ReportTables) -> list[Finding]:
    """Returns against a random policy's, and the published ones."""
    rows = {label: row for label in tables.labels if (row := tables.row("final_returns", label)) is not None}
    rows = {label: row for label, row in rows.items() if isfinite(row["mean"])}
    if not rows:
        return []
    evidence = [f"Mean final return: {told([f'{label} {return_words(row)}' for label, row in rows.items()])}."]
    known = {label: beaten for label, row in rows.items() if (beaten := beats_random(row)) is not None}
    if known:
        mean = next(row["random_mean"] for row in rows.values() if isfinite(row["random_mean"]))
        evidence.append(f"Actions drawn at random get {number(mean, 1)}.")
    published = {label: row for label, row in rows.items() if isfinite(row["published_mean"])}
    if published:
        figures = [
            f"{label} {number(row['published_mean'], 1)} ± {number(row['published_std'], 1)}"
            for label, row in published.items()
        ]
        source = next(str(row["published_source"]) for row in published.values())
        evidence.append(f"Published ({source}): {told(figures)}.")
    failing = [label for label, beaten in known.items() if not beaten]
    return [Finding(QUESTION, _answer(list(known), failing, list(rows)), " ".join(evidence), ANCHOR, bool(failing))]


def _answer(known: list[str], failing: list[str], labels: list[str]) -> str:
    if not known:
        return sentence(verb(labels, "was", "were") + " evaluated; what a random policy gets here is not known")
    beating = [label for label in known if label not in failing]
    return sentence(
        verb(beating, "gets more than a random policy", "get more than a random policy"),
        verb(failing, "cannot be told from a random policy", "cannot be told from a random policy"),
    )
