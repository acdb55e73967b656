"""Do seeds agree?"""

from udrl_explain.analysis.stability import Stability, by_group, stability
from udrl_explain.files.latex_tables import Estimate, write_latex
from udrl_explain.report.context import TABLES, ReportContext
from udrl_explain.report.page.render import Item, Section
from udrl_explain.runs.run import Run

QUESTION = "Do seeds agree?"
MOST_SEEDS = 5
N_ROWS, N_BACKGROUND, N_RESAMPLES = 120, 64, 4


def answer(context: ReportContext) -> Section:
    """Answer the question: do seeds agree."""
    runs, notes = dict[str, Run](), list[str]()
    groups = dict[str, str]()
    for experiment in context.scope.experiments:
        able = [run for run in experiment.runs if run.has_policy and run.episodes and len(run.training_inputs)]
        for run in able[:MOST_SEEDS]:
            name = f"{experiment.label}, seed {run.config.seed}"
            runs[name], groups[name] = run, experiment.label
        if len(able) > MOST_SEEDS:
            notes.append(f"{experiment.label}: the lowest {MOST_SEEDS} of {len(able)} seeds are compared.")
    if len(runs) < 2:
        notes.append("Fewer than two runs can be explained: there is nothing to compare.")
        return Section(QUESTION, "stability", "", (), notes)
    result = stability(
        list(runs.values()),
        labels=list(runs),
        n_rows=max(N_ROWS, len(runs)),
        n_background=max(N_BACKGROUND, len(runs)),
        n_resamples=N_RESAMPLES,
        seed=context.options.seed,
        n_jobs=context.options.n_jobs,
    )
    summary = context.table(
        "stability_summary",
        by_group(result.to_frame(), groups),
        "Agreement of seeds, and of estimators",
        "One row per experiment against itself, then against others: means over the pairs of runs, the lowest and "
        "highest rank correlation of a pair, and how many pairs have returns that their interval does not separate.",
    )
    table = _table(context, result)
    how = (
        "Above the diagonal, the share of the same rows in which two policies take the same action; below it, how "
        "alike the order of their reasons is: the mean rank correlation of their Shapley values. Crossed pairs have "
        "equal returns and reasons that differ more than luck within one run makes them differ."
    )
    pictures = context.pictures("stability", {"": "Do the runs act alike, and for the same reasons?"}, how)
    items: list[Item] = [*pictures, summary, table]
    return Section(
        QUESTION,
        "stability",
        f"All policies were asked about the same {result.n_rows} rows of their final episodes over the same "
        f"{result.n_background} rows of their last fits, so that nothing differs but the policies. Luck within one "
        f"run is measured by {N_RESAMPLES} resamples of each, of that background and of a forest's trees, compared "
        "pair by pair.",
        items,
        notes,
    )


def _table(context: ReportContext, result: Stability) -> Item:
    frame = result.to_frame()
    write_latex(
        frame.assign(flag=["yes" if flag else "no" for flag in frame["different_reasons"]]),
        context.folder / TABLES / "stability.tex",
        caption=f"Agreement of policies on {context.scope.env_name}: mean rank correlation of the Shapley values of "
        "the same rows, with its 95 % interval for other episodes, the least that resamples of one run reach, the "
        "share of rows with the same action, and the difference of the mean returns with its interval.",
        label=f"tab:stability-{context.scope.name.lower()}",
        columns=[
            "run_a",
            "run_b",
            Estimate("rank_correlation", "reasons", interval=("low", "high")),
            Estimate("within_low", "within a run"),
            Estimate("same_action", "same action"),
            Estimate("return_difference", "return difference", interval=("return_low", "return_high"), decimals=1),
            "flag",
        ],
        headings={"run_a": "run", "run_b": "other run", "flag": "equal return, different reasons"},
        provenance={"runs": context.run_hashes},
    )
    return context.table(
        "stability",
        frame,
        "Agreement pair by pair",
        "One row per pair of runs: mean rank correlation of their Shapley values with its 95 % interval for other "
        "episodes, share of the largest inputs that are the same and of those that push the same way, share of rows "
        "with the same action; the least agreement among resamples of either run; difference of the returns with its "
        "interval; whether returns are equal and reasons different.",
        downloads=(f"{TABLES}/stability.tex",),
        max_rows=10,
        columns=(
            "run_a",
            "run_b",
            "rank_correlation",
            "low",
            "high",
            "top_k_overlap",
            "sign_agreement",
            "same_action",
            "within_low",
            "return_difference",
            "return_low",
            "return_high",
            "different_reasons",
        ),
    )
