"""Three sentences on what a study found: what is best, what differs, and how far seeds lie apart."""

import math

from udrl_explain.analysis.seed_comparison import ALPHA, Experiment, SeedComparison
from udrl_explain.report.findings.finding import Finding, between, listed, number, percent, seeds_words
from udrl_explain.statistics.aggregates import covered_share


def study_findings(comparison: SeedComparison) -> list[Finding]:
    """Sentences computed from a comparison, in the order of the page."""
    return [_best(comparison), _differences(comparison), _spread(comparison)]


def _best(comparison: SeedComparison) -> Finding:
    phrases, carried = [], 0
    for env_name in dict.fromkeys(one.group.env_name for one in comparison.experiments if one.evaluated):
        here = [one for one in comparison.experiments if one.group.env_name == env_name and one.evaluated]
        several = [one for one in here if len(one.scores) > 1]  # a single seed is no mean
        first = max(several or here, key=lambda one: float(one.scores.mean()))
        among = " of those with several seeds" if 0 < len(several) < len(here) else ""
        best = comparison.best(env_name)
        carried += best is not None
        words = f"on {env_name} {first.group.label} has the highest mean{among}, {_mean_words(first)}"
        if len(here) == 1:
            words += ", and there is nothing to compare it with"
        elif best is None:
            words += ", but the corrected comparisons do not carry that it beats every other"
        else:
            words += f", and beats every other ({len(here) - 1})"
        phrases.append(words)
    text = "; ".join(phrases)
    return Finding("Which is best?", f"{text[:1].upper()}{text[1:]}.", "", "table", is_warning=carried == 0)


def _differences(comparison: SeedComparison) -> Finding:
    n_tests, n_pairs = comparison.n_comparisons, len(comparison.pairs)
    found = sorted((pair for pair in comparison.pairs if pair.improvement_p < ALPHA), key=lambda one: one.improvement_p)
    answer = (
        f"Of {n_pairs} pairs of experiments within one environment {n_tests} have at least two seeds on either side, "
        f"and {len(found)} of them differ after correction (exact rank-sum test, Holm, p < {ALPHA:g})"
    )
    if not found:
        least = min((pair.improvement_p for pair in comparison.pairs), default=math.nan, key=_known)
        answer += f"; the least corrected p is {least:.2g}." if math.isfinite(least) else "."
        return Finding("What differs?", answer, "", "table", is_warning=True)
    pair = found[0]
    first, second = comparison.experiments[pair.a], comparison.experiments[pair.b]
    value, low, high = pair.improvement.value, pair.improvement.low, pair.improvement.high
    if value < 0.5:
        first, second, value, low, high = second, first, 1 - value, 1 - high, 1 - low
    answer += (
        f"; the clearest: on {first.group.env_name} a seed of {first.group.label} beats one of {second.group.label} "
        f"with probability {number(value, 2)} [{between(low, high, 2)}]."
    )
    return Finding("What differs?", answer, "", "table")


def _spread(comparison: SeedComparison) -> Finding:
    several = [one for one in comparison.experiments if len(one.evaluated) > 1]
    if not several:
        return Finding("How far do seeds lie apart?", "No experiment has two seeds yet.", "", "table", is_warning=True)
    # In units of what one seed's own episodes vary by: returns of different environments have no common scale.
    widest = max(several, key=_relative_spread)
    scores = widest.scores
    answer = (
        f"Seeds lie farthest apart, measured by how much one policy's episodes vary, for {widest.group.label} on "
        f"{widest.group.env_name}: from {number(scores.min(), 1)} to {number(scores.max(), 1)} over "
        f"{seeds_words(len(scores))}, a band that with 95 % confidence covers at least "
        f"{percent(covered_share(len(scores)))} of all seeds."
    )
    counts = sorted({len(one.evaluated) for one in comparison.experiments if one.evaluated})
    few = listed([str(count) for count in counts])
    return Finding("How far do seeds lie apart?", answer, f"Seeds per experiment: {few}.", "table")


def _relative_spread(one: Experiment) -> float:
    between_seeds = float(one.scores.std(ddof=1))
    return between_seeds / one.std_within if one.std_within > 0 else (math.inf if between_seeds > 0 else 0.0)


def _mean_words(one: Experiment) -> str:
    ends = between(one.interval.low, one.interval.high, 1)
    return f"{number(float(one.scores.mean()), 1)} " + (
        f"[{ends}] over {seeds_words(len(one.scores))}" if ends else f"over {seeds_words(len(one.scores))}"
    )


def _known(p: float) -> float:
    return math.inf if math.isnan(p) else p
