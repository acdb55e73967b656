"""Where do two policies act differently, and why?"""

from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from udrl_explain.analysis.comparison import Comparison, compare
from udrl_explain.attributions.enumeration import LEAST_BACKGROUND
from udrl_explain.probes import STRATIFIED
from udrl_explain.report.context import ReportContext, shown_words
from udrl_explain.report.gather import Experiment
from udrl_explain.report.page.render import Item, Section
from udrl_explain.statistics.clusters import cluster_values
from udrl_explain.statistics.intervals import EPISODES, mean_interval

N_ROWS = 100
MOST_FOR_ALL_PAIRS = 3
"""Experiments of which every two are compared; of more, each is compared with the first."""


def answer(context: ReportContext) -> Section:
    """Answer the question: where do two policies act differently, and why."""
    question = "Where do two policies act differently, and why?"
    items, notes, summaries = list[Item](), list[str](), []
    methods = list[str]()
    for one, other in _pairs(context.explained):
        names = f"{one.label} and {other.label}"
        if one.shown.feature_names != other.shown.feature_names or one.shown.action_names != other.shown.action_names:
            notes.append(f"{names}: not compared, their inputs or actions have other names.")
            continue
        result, episodes = _compared(context, one, other)
        methods.append(result.method)
        summaries.append(_summary(result, episodes, context.options.seed))
        why = result.why_frame()
        if why.empty:
            notes.append(f"{names} act alike in all {result.n_rows} rows.")
            continue
        stem = f"comparison-{one.slug}-{other.slug}"
        table = context.table(
            stem,
            why,
            f"{names}: what sets them apart",
            "One row per input, means over the rows in which they act differently.",
            columns=("feature", "lead_a", "lead_b", "difference", "mean_abs_difference", "n_rows_differing", "n_rows"),
        )
        how = (
            "In rows where the two act differently: how much each input adds, in either policy, to the lead of the "
            "first one’s action over the second one’s. Where the two bars differ, the input sets them apart."
        )
        detail = f"{one.label} ({shown_words(one)}) and {other.label} ({shown_words(other)})"
        items += [*context.pictures(stem, {"": "What sets two policies apart"}, how, detail=detail), table]
    if summaries:
        items.append(
            context.table(
                "comparison_summary",
                pd.concat(summaries, ignore_index=True),
                "How often two policies act differently",
                "One row per pair, on the same rows: share of rows with another most probable action and its 95 % "
                "interval (`share_low`, `share_high`), and the returns of these two policies, with the interval of "
                "their difference for other episodes.",
            )
        )
    method = ""
    if summaries:
        method = (
            f"At most {N_ROWS} rows of their final episodes, as many of each; background: all rows of both last fits "
            f"where both are forests that average, else {LEAST_BACKGROUND} of each, which stand for all (support "
            "points). "
            f"{'; '.join(dict.fromkeys(methods))}."
        )
    return Section(
        question,
        "comparison",
        "Two policies are shown the same rows. Where they choose different actions, their Shapley values say which "
        "inputs they read differently.",
        items if summaries else (),
        notes,
        method,
    )


def _pairs(experiments: tuple[Experiment, ...]) -> list[tuple[Experiment, Experiment]]:
    if len(experiments) <= MOST_FOR_ALL_PAIRS:
        return list(combinations(experiments, 2))
    return [(experiments[0], other) for other in experiments[1:]]


def _compared(context: ReportContext, one: Experiment, other: Experiment) -> tuple[Comparison, NDArray[np.int64]]:
    """The comparison, and which episode each of its rows is from."""
    rows, episodes = [], []
    for place, run in enumerate((one.shown, other.shown)):
        probes = context.probes(run)
        chosen = probes.of_kind(STRATIFIED)
        kept = chosen[np.unique(np.linspace(0, len(chosen) - 1, min(N_ROWS // 2, len(chosen))).astype(int))]
        rows.append(probes.inputs[kept])
        episodes.append(2 * probes.frame["episode"].to_numpy()[kept] + place)
    result = compare(
        one.shown,
        other.shown,
        np.concatenate(rows),
        names=(one.label, other.label),
        seed=context.options.seed,
        n_jobs=context.options.n_jobs,
    )
    return result, np.concatenate(episodes).astype(np.int64)


def _summary(result: Comparison, episodes: NDArray[np.int64], seed: int) -> pd.DataFrame:
    differs = result.differs.astype(np.float64)
    ends = mean_interval(cluster_values(differs[:, None], episodes)[:, 0], EPISODES, seed=seed)
    frame = result.summary_frame()
    place = frame.columns.get_loc("share_differing")
    assert isinstance(place, int)
    for step, (name, value) in enumerate((("share_low", ends.low), ("share_high", ends.high))):
        frame.insert(place + 1 + step, name, value)
    frame.insert(place + 3, "share_interval", ends.words)
    return frame
