"""Does it listen, and where does it obey? A policy that gets the return and ignores its command is named so."""

from dataclasses import dataclass
from math import isfinite

from udrl_explain.report.findings.final_returns import beats_random
from udrl_explain.report.findings.finding import Finding, between, number, seeds_words, sentence, told, verb
from udrl_explain.report.findings.tables import ReportTables
from udrl_explain.statistics.intervals import NO_VARIATION

ANCHOR = "obedience"
QUESTION = "Does it listen?"
IGNORED = 0.2
"""Upper end of the slope's interval below which a policy is said to ignore its command."""


@dataclass(frozen=True)
class Slope:
    """Achieved against desired return, with the interval that is there.

    Parameters
    ----------
    value, low, high : float
    over_seeds : bool
        Whether the interval is for other training seeds; else it is for other episodes of these policies.
    n_seeds : int
    """

    value: float
    low: float
    high: float
    over_seeds: bool
    n_seeds: int

    @property
    def has_interval(self) -> bool:
        """Whether there is one at all."""
        return isfinite(self.low) and isfinite(self.high)

    @property
    def ignored(self) -> bool:
        """Whether the whole interval lies below :data:`IGNORED`."""
        return self.has_interval and self.high < IGNORED

    @property
    def listens(self) -> bool:
        """Whether the whole interval lies above 0, and not all of it below :data:`IGNORED`."""
        return self.has_interval and self.low > 0 and not self.ignored

    @property
    def words(self) -> str:
        """``0.87 (0.85 to 0.89; 3 seeds)``."""
        if not self.has_interval:
            return f"{number(self.value, 2)} (no interval)"
        kind = seeds_words(self.n_seeds) if self.over_seeds else f"other episodes of {seeds_words(self.n_seeds)}"
        return f"{number(self.value, 2)} ({between(self.low, self.high, 2)}; {kind})"


def slope_of(tables: ReportTables, label: str) -> Slope | None:
    """Slope of an experiment; None where no sweep is stored or it has none."""
    row = tables.row("obedience_summary", label)
    if row is None or not isfinite(row["slope"]):
        return None
    over_seeds = isfinite(row["slope_low_over_seeds"]) and isfinite(row["slope_high_over_seeds"])
    ends = ("slope_low_over_seeds", "slope_high_over_seeds") if over_seeds else ("slope_low", "slope_high")
    low, high = (float(row[name]) for name in ends)
    if not (isfinite(low) and isfinite(high)) and row["slope_interval"] == NO_VARIATION:
        low = high = float(row["slope"])  # every episode of a level gives the same return: these policies' own slope
    return Slope(float(row["slope"]), low, high, over_seeds, int(row["n_seeds"]))


def findings(tables: ReportTables) -> list[Finding]:
    """Whether the policies listen, where they meet the command, and which ones get their return without it."""
    slopes = {label: slope for label in tables.labels if (slope := slope_of(tables, label)) is not None}
    if not slopes:
        return []
    deaf = [label for label, slope in slopes.items() if slope.ignored]
    listening = [label for label, slope in slopes.items() if slope.listens]
    unclear = [label for label in slopes if label not in deaf and label not in listening]
    answer = sentence(
        verb(listening, "gives more when asked for more", "give more when asked for more"),
        verb(deaf, "hardly listens", "hardly listen"),
        verb(unclear, "may listen or not: the interval reaches 0", "may listen or not: their intervals reach 0"),
    )
    words = told([f"{label} {slope.words}" for label, slope in slopes.items()])
    evidence = f"Return given per unit of return asked for: {words}; 1 is full obedience, 0 is none."
    found = [Finding(QUESTION, answer, evidence, ANCHOR, bool(deaf or unclear)), *_where(tables, list(slopes))]
    return [*found, *_named(tables, deaf)]


def _where(tables: ReportTables, labels: list[str]) -> list[Finding]:
    answers, reaches = [], []
    for label in labels:
        row = tables.row("obedience_summary", label)
        if row is None:
            continue
        levels = f"{int(row['n_obeyed'])} of {int(row['n_levels'])} commands in a row"
        if row["n_obeyed"] > 0 and isfinite(row["obeyed_low"]):
            ends = between(row["obeyed_low"], row["obeyed_high"], 0)
            answers.append(f"{label} from {ends}")
        else:
            levels = f"none of {int(row['n_levels'])} commands"
            answers.append(f"{label} nowhere")
        reaches.append(f"{label} {levels}, within {number(row['tolerance'], 1)}")
    text = f"Desired returns that the mean over seeds and episodes meets within a tolerance: {told(reaches)}."
    return [Finding("Where does it obey?", sentence(told(answers)), text, ANCHOR)]


def _named(tables: ReportTables, deaf: list[str]) -> list[Finding]:
    """Those that get the return without the command."""
    working = []
    for label in deaf:
        row = tables.row("final_returns", label)
        if row is not None and beats_random(row):
            working.append(label)
    if not working:
        return []
    answer = sentence(
        verb(working, "gets its return and ignores its command", "get their returns and ignore their commands")
    )
    evidence = f"The interval of the return given per unit asked for ends below {IGNORED}."
    return [Finding("Return without listening", answer, evidence, ANCHOR, is_warning=True)]
