"""Does the agent do as it is told?"""

import pandas as pd

from udrl_explain.analysis.obedience.result import obedience
from udrl_explain.command_space.support import CommandSupport, fitted_commands
from udrl_explain.files.latex_tables import Estimate, write_latex
from udrl_explain.report.context import TABLES, ReportContext, with_columns
from udrl_explain.report.page.render import Item, Section
from udrl_explain.runs.run import Run


def answer(context: ReportContext) -> Section:
    """Answer the question: does the agent do as it is told."""
    question = "Does the agent do as it is told?"
    levels, summaries = list[pd.DataFrame](), list[pd.DataFrame]()
    items, notes = list[Item](), list[str]()
    for experiment in context.scope.experiments:
        swept = [run for run in experiment.runs if len(run.command_sweep)]
        if not swept:
            notes.append(f"{experiment.label}: no command sweep is stored.")
            continue
        swept = sorted(swept, key=lambda run: run.config.seed)
        sweep = pd.concat([with_columns(run.command_sweep, seed=run.config.seed) for run in swept], ignore_index=True)
        try:
            result = obedience(sweep, training_commands=_fitted(swept), seed=context.options.seed)
        except ValueError as fault:
            # For instance a sweep that was redone with other levels for one seed alone: the others still count.
            notes.append(f"{experiment.label}: {fault}.")
            continue
        if result.note:
            notes.append(f"{experiment.label}: {result.note}.")
        levels.append(with_columns(result.to_frame(), env_name=context.scope.env_name, label=experiment.label))
        summaries.append(with_columns(result.summary_frame(), label=experiment.label))
    if not levels:
        return Section(question, "obedience", "No command sweep can be shown.", (), notes)
    numbers = pd.concat(summaries, ignore_index=True)
    latex = context.folder / TABLES / "obedience_summary.tex"
    counts = sorted({int(count) for count in numbers["n_seeds"]})
    write_latex(
        numbers,
        latex,
        caption=f"Obedience on {context.scope.env_name}: mean absolute error of the achieved return, slope of achieved "
        "against desired return with its 95 % interval for other training seeds (none where there is one seed, or all "
        "agree), and rank correlation.",
        label=f"tab:obedience-{context.scope.name.lower()}",
        columns=[
            "label",
            Estimate("mae", "mean absolute error", decimals=1),
            Estimate("slope", "slope", interval=("slope_low_over_seeds", "slope_high_over_seeds")),
            Estimate("spearman", "rank correlation"),
        ],
        headings={"label": "estimator"},
        n_seeds=counts[0] if len(counts) == 1 else counts,
        provenance={"runs": context.run_hashes},
    )
    summary = context.table(
        "obedience_summary",
        numbers,
        "Obedience in numbers",
        "One row per experiment: mean absolute error, slope with its 95 % interval for other training seeds, rank "
        "correlation, saturation and the range obeyed. `mae_seen` and `n_seen` are about the levels that the rows of "
        "every run's last fit met.",
        downloads=(f"{TABLES}/obedience_summary.tex",),
        columns=(
            "label",
            "mae",
            "mae_seen",
            "slope",
            "slope_low_over_seeds",
            "slope_high_over_seeds",
            "slope_interval_over_seeds",
            "spearman",
            "saturation_low",
            "saturation_high",
            "obeyed_low",
            "obeyed_high",
            "tolerance",
            "n_levels",
            "n_seen",
            "n_seeds",
        ),
    )
    table = context.table(
        "obedience",
        pd.concat(levels, ignore_index=True),
        "Achieved against desired return",
        "One row per command level, with 95 % intervals for other training seeds, and in the CSV file also for other "
        "episodes of these policies; `interval_over_seeds` says how they were made; `seen` says whether the rows of "
        "every run's last fit met the level, `n_seeds_seen` of how many.",
        columns=(
            "label",
            "desired_return",
            "desired_horizon",
            "mean",
            "low_over_seeds",
            "high_over_seeds",
            "interval_over_seeds",
            "seen",
            "within_tolerance",
            "n_episodes",
        ),
        dat=True,
    )
    how = (
        "On the diagonal the agent achieves exactly what it is asked for; hollow points are commands far "
        "from the rows of the last fit, the strip above shows the share of those rows near each level; "
        "where the points run level "
        "the command no longer changes anything."
    )
    items += [*context.pictures("obedience", {"": "Achieved against desired return"}, how), summary, table]
    for experiment in context.scope.experiments:
        run = experiment.shown
        if run.command_grid is not None:
            stem = f"obedience_map-{experiment.slug}"
            result = obedience(run.command_grid, training_commands=_fitted([run]), seed=context.options.seed)
            title = f"{experiment.label}: grid of commands"
            items.append(context.table(stem, result.to_frame(), title, "One row per command.", experiment=experiment))
            how = "Colour is the mean return achieved under each pair of desired return and desired horizon."
            shown = {"": "Return achieved under every pair of commands"}
            items += context.pictures(stem, shown, how, experiment=experiment)
    return Section(
        question,
        "obedience",
        "The policies were asked for one return after the other, from little to more than they ever met; did they give "
        "it?",
        items,
        notes,
        "Every command was played greedily on the same environment seeds; the sweep is stored with the run.",
    )


def _fitted(runs: list[Run]) -> list[CommandSupport] | None:
    """Commands of the rows of each run's last fit; None where a run did not store them."""
    if any(len(run.training_inputs) == 0 for run in runs):
        return None
    return [fitted_commands(run.training_inputs) for run in runs]
