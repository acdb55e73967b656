"""What do the policies achieve in the end?"""

from udrl_explain.analysis.final_returns import final_returns
from udrl_explain.files.latex_tables import Estimate, write_latex
from udrl_explain.report.context import TABLES, ReportContext
from udrl_explain.report.page.render import Section
from udrl_explain.statistics.intervals import SEEDS, coverage_note


def answer(context: ReportContext) -> Section:
    """Answer the question: what do the policies achieve in the end."""
    finals = final_returns(context.scope.runs, seed=context.options.seed)
    frame = finals.to_frame()
    latex = context.folder / TABLES / "final_returns.tex"
    counts = sorted({int(count) for count in frame["n_seeds"]})
    write_latex(
        frame,
        latex,
        caption=f"Final returns on {context.scope.env_name}: mean over the seeds, standard deviation over all "
        "episodes, 95 % interval of the mean for other training seeds (none where there is one seed, or all agree).",
        label=f"tab:final-returns-{context.scope.name.lower()}",
        columns=[
            "label",
            Estimate("mean", "return", spread="std", interval=("low", "high"), decimals=1, best="max"),
            "n_episodes",
            "final_command",
        ],
        headings={"label": "estimator", "n_episodes": "episodes", "final_command": "command (return / horizon)"},
        n_seeds=counts[0] if len(counts) == 1 else counts,
        provenance={"runs": context.run_hashes},
    )
    by_seed = context.table(
        "final_returns_by_seed",
        finals.by_seed(),
        "Final returns seed by seed",
        "One row per run; its command in reward and steps.",
        columns=("label", "seed", "mean", "std", "n_episodes", "desired_return", "desired_horizon"),
    )
    table = context.table(
        "final_returns",
        frame,
        "Final returns",
        "One row per experiment: mean over the seeds, standard deviation over all episodes, 95 % interval of the mean "
        "for other training seeds (`method` says how it was made, or why there is none), interquartile mean, the "
        "command that was given, and what a policy gets that draws its actions at random (`random_mean`).",
        downloads=(f"{TABLES}/final_returns.tex",),
        dat=True,
        columns=(
            "label",
            "mean",
            "std",
            "low",
            "high",
            "method",
            "iqm",
            "n_seeds",
            "n_episodes",
            "final_command",
            "random_mean",
            "published_mean",
            "published_std",
            "published_note",
        ),
    )
    how = (
        "Dots are means over the seeds, bars their 95 % intervals for other training seeds (none where there is one "
        "seed, or all agree), ticks the seeds; diamonds are published means of the same environment and estimator "
        "where we know them."
    )
    methods = "; ".join(dict.fromkeys(str(method) for method in frame["method"]))
    pictures = context.pictures("final_returns", {"": "Final returns"}, how)
    notes = [note for note in (coverage_note(counts[0], SEEDS),) if note]
    notes += [f"`{run.directory}`: {note}" for run in context.scope.runs for note in run.notes]
    return Section(
        "What do the policies achieve in the end?",
        "final-returns",
        "The return of the final episodes, played without exploration under the command that training settled on.",
        [*pictures, table, by_seed],
        (),
        " ".join([f"Intervals: {methods}.", *notes]),
    )
