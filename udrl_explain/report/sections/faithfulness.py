"""Can these explanations be trusted?"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from udrl_explain.analysis.faithfulness.result import Faithfulness, faithfulness
from udrl_explain.attributions.enumeration import MAX_ENUMERATED
from udrl_explain.attributions.worths import Coalitions
from udrl_explain.files.latex_tables import Estimate, write_latex
from udrl_explain.policies import ForestPolicy
from udrl_explain.probes import STRATIFIED, Probes
from udrl_explain.report.context import TABLES, ReportContext, with_columns
from udrl_explain.report.page.render import Item, Section
from udrl_explain.runs.run import Run
from udrl_explain.statistics.even_places import even_places
from udrl_explain.training.permuted import N_TREES, permuted_policy

QUESTION = "Can these explanations be trusted?"
N_ROWS, FEWEST_ROWS = 100, 24
JOINED_ROWS = 1 << 21
"""Rows of nets and others that are explained: as many as make so many joined rows over all coalitions and background
rows, each of which is a call of the policy."""


def answer(context: ReportContext) -> Section:
    """Answer the question: can these explanations be trusted."""
    items, notes = list[Item](), list[str]()
    scores = []
    curves = list[Item]()
    for experiment in context.explained:
        run = experiment.shown
        assert run.policy is not None  # `explained` holds no other
        name = f"{experiment.label}, seed {run.config.seed}"
        if run.policy.n_features > MAX_ENUMERATED:
            notes.append(f"{name}: {run.policy.n_features} inputs have too many coalitions to value all.")
            continue
        result, note = judged_run(context, run)
        notes.append(f"{name}: {note}")
        scores.append(with_columns(result.to_frame(), label=experiment.label, run=f"seed {run.config.seed}"))
        stem = f"faithfulness_curves-{experiment.slug}"
        table = context.table(
            stem,
            result.curve_frame(),
            f"{name}: curves along each order",
            "One row per method and number of inputs: the probability of the action taken when only the first inputs "
            "of the order are known (`insertion`) or are taken away (`deletion`), and the share of rows whose action "
            "stays when only they are known.",
            max_rows=8,
        )
        how = (
            "How many inputs must be known before the policy does what it does? Higher at the left is better; the grey "
            "lines are the best order of each row and the mean of all orders."
        )
        curves += [*context.pictures(stem, {"": f"{name}: how few inputs decide"}, how), table]
    if not scores:
        return Section(QUESTION, "faithfulness", "No policy can be judged.", (), notes)
    frame = pd.concat(scores, ignore_index=True)
    _write_latex(context, frame)
    table = context.table(
        "faithfulness",
        frame,
        "How well each method describes the policy",
        "One row per policy and method. `score`: 0 is the mean of all orders of the inputs, 1 the best one, both "
        "exact, with a 95 % interval for other episodes of this one policy; `insertion_score` and `deletion_score` "
        "are its halves. `scaled_infidelity` is the mean squared gap between summed attributions and the change of "
        "the output over all sets of inputs taken away, at the best single scale. `sanity_correlation` is the rank "
        "correlation with the attributions for a policy fitted on permuted actions: near 1, a method does not look at "
        "the policy.",
        downloads=(f"{TABLES}/faithfulness.tex",),
        columns=(
            "label",
            "method",
            "score",
            "score_low",
            "score_high",
            "insertion_score",
            "deletion_score",
            "scaled_infidelity",
            "sanity_correlation",
            "n_rows",
            "n_episodes",
            "n_background",
        ),
    )
    how = (
        "Each method orders the inputs of a row; further right, what the first inputs of its order do to the policy is "
        "closer to the best that any order can do. At 0 a method is no better than drawing the order at random."
    )
    items += [*context.pictures("faithfulness", {"": "How well each method describes the policy"}, how), table]
    return Section(
        QUESTION,
        "faithfulness",
        "Every coalition of inputs is valued: what is the probability of the action taken when only these inputs are "
        "known, the others drawn from the last fit's rows? A method is judged by these values, without sampling. The "
        "interventional Shapley values are made of the same values, so the judge is of their kind; the others are not "
        "at home here, and impurity and permutation importance give all rows one order.",
        items + curves,
        notes,
    )


def judged_run(context: ReportContext, run: Run) -> tuple[Faithfulness, str]:
    """Judge the methods of attribution for one run of a report; the result, and what it was asked on in a sentence."""
    assert run.policy is not None  # the caller's to see to
    probes, background = context.probes(run), context.background(run)
    places = _places(run, probes, len(background))
    rows = probes.of_kind(STRATIFIED)[places]
    # Other sections have the coalitions of a shown run's probes already, where each had to be evaluated.
    known = context.known(run) if any(run is each.shown for each in context.scope.experiments) else background
    seed = context.options.seed
    control = permuted_policy(run, seed=seed)
    result = faithfulness(
        run.policy,
        probes.inputs[rows],
        known[places] if isinstance(known, Coalitions) else known,
        actions=probes.actions[rows],
        episodes=probes.frame["episode"].to_numpy()[rows],
        randomised=control,
        seed=seed,
        n_jobs=context.options.n_jobs,
    )
    trees = ""
    if isinstance(control, ForestPolicy):
        trees = f" (at most {N_TREES} trees)"
    note = (
        f"{len(rows)} rows of the final episodes, background {context.background_words(run)}; the control is the same "
        f"estimator{trees}, fitted on the last fit's rows with their actions permuted."
    )
    return result, note


def _places(run: Run, probes: Probes, n_background: int) -> NDArray[np.intp]:
    """Places among the stratified probes to judge on: evenly chosen, fewer where each costs much."""
    n_rows = len(probes.of_kind(STRATIFIED))
    wanted = N_ROWS
    if not isinstance(run.policy, ForestPolicy):
        wanted = min(N_ROWS, max(FEWEST_ROWS, JOINED_ROWS // (n_background << probes.inputs.shape[1])))
    return even_places(n_rows, wanted)


def _write_latex(context: ReportContext, frame: pd.DataFrame) -> None:
    write_latex(
        frame,
        context.folder / TABLES / "faithfulness.tex",
        caption=f"Faithfulness on {context.scope.env_name}: score of each method between the mean of all orders of the "
        "inputs (0) and the best one (1), with the 95 % interval for other episodes of one policy, infidelity at the "
        "best scale, and rank correlation with the attributions for a policy fitted on permuted actions.",
        label=f"tab:faithfulness-{context.scope.name.lower()}",
        columns=[
            "label",
            "method",
            Estimate("score", "score", interval=("score_low", "score_high"), best="max"),
            Estimate("scaled_infidelity", "infidelity", decimals=4),
            Estimate("sanity_correlation", "permuted control"),
        ],
        headings={"label": "estimator"},
        within=("label",),
        provenance={"runs": context.run_hashes},
    )
