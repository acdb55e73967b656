"""Sections on returns and commands as recorded: learning, final returns, training commands, obedience."""

import pandas as pd

from udrl_explain.analysis.final_returns import final_returns
from udrl_explain.analysis.learning import learning_curves
from udrl_explain.analysis.obedience import obedience
from udrl_explain.analysis.training_commands import training_commands
from udrl_explain.report.page import Item, Section
from udrl_explain.report.workbench import TABLES, Workbench, with_columns
from udrl_explain.storage.latex_tables import Estimate, write_latex

_FEW_SEEDS = 6


def learning_section(bench: Workbench) -> Section:
    """Answer the question: how did training go."""
    curves = learning_curves(bench.subject.runs, seed=bench.options.seed)
    frame = curves.to_frame()
    by_seed = bench.data("learning_curves_by_seed", curves.by_seed())
    table = bench.table(
        "learning_curves",
        frame,
        "Mean return over the iterations",
        "One row per experiment, kind of episode and iteration; `low` and `high` bound the 95 % interval.",
        downloads=(by_seed,),
        max_rows=10,
        columns=("label", "kind", "iteration", "mean_return", "low", "high", "n_seeds"),
        dat=True,
    )
    titles = {
        "learning_curves": "Return of the training episodes",
        "learning_curves-test": "Return in the tests without exploration",
    }
    how = (
        "Each line is the mean over the seeds, the band its 95 % bootstrap interval (none where there is one seed); "
        "thin lines, where drawn, are single seeds. Higher is better."
    )
    return Section(
        "How did training go?",
        "learning",
        f"Method: {curves.method}, {curves.n_resamples} resamples.",
        [*bench.pictures("learning_curves", titles, how), table],
    )


def returns_section(bench: Workbench) -> Section:
    """Answer the question: what do the policies achieve in the end."""
    finals = final_returns(bench.subject.runs, seed=bench.options.seed)
    frame = finals.to_frame()
    latex = bench.folder / TABLES / "final_returns.tex"
    counts = sorted({int(count) for count in frame["n_seeds"]})
    write_latex(
        frame,
        latex,
        caption=f"Final returns on {bench.subject.env_name}: mean over the seeds, standard deviation over all "
        "episodes, 95 % bootstrap interval of the mean.",
        label=f"tab:final-returns-{bench.subject.name.lower()}",
        columns=[
            "label",
            Estimate("mean", "return", spread="std", interval=("low", "high"), decimals=1, best="max"),
            "n_episodes",
            "final_command",
        ],
        headings={"label": "estimator", "n_episodes": "episodes", "final_command": "command (return / horizon)"},
        n_seeds=counts[0] if len(counts) == 1 else counts,
        provenance={"runs": bench.run_hashes},
    )
    by_seed = bench.table(
        "final_returns_by_seed",
        finals.by_seed(),
        "Final returns seed by seed",
        "One row per run; its command in reward and steps.",
        columns=("label", "seed", "mean", "std", "n_episodes", "desired_return", "desired_horizon"),
    )
    table = bench.table(
        "final_returns",
        frame,
        "Final returns",
        "One row per experiment: mean over the seeds, standard deviation over all episodes, 95 % interval of the mean, "
        "interquartile mean, and the command that was given.",
        downloads=(f"{TABLES}/final_returns.tex",),
        dat=True,
        columns=(
            "label",
            "mean",
            "std",
            "low",
            "high",
            "iqm",
            "n_seeds",
            "n_episodes",
            "final_command",
            "published_mean",
            "published_std",
            "published_note",
        ),
    )
    how = (
        "Dots are means over the seeds, bars their 95 % intervals, ticks the seeds; diamonds are published means of "
        "the same environment and estimator where we know them."
    )
    methods = "; ".join(dict.fromkeys(str(method) for method in frame["method"]))
    pictures = bench.pictures("final_returns", {"": "Final returns"}, how)
    notes = []
    if counts[0] < _FEW_SEEDS:
        notes.append(
            f"With few seeds ({counts[0]}) a bootstrap interval is little more than the range of "
            "the seeds: read the seeds themselves."
        )
    return Section(
        "What do the policies achieve in the end?",
        "returns",
        f"Interval: {methods}.",
        [*pictures, table, by_seed],
        notes,
    )


def commands_section(bench: Workbench) -> Section:
    """Answer the question: what was asked for during training."""
    frame = training_commands(bench.subject.runs).to_frame()
    notes = [f"`{run.directory}`: {run.policy_note}." for run in bench.subject.runs if run.policy is None]
    if frame.empty:
        return Section(
            "What was asked for during training?", "commands", "No run stored its training commands.", (), notes
        )
    table = bench.table(
        "training_commands",
        frame,
        "Training commands",
        "One row per experiment and iteration: means over its episodes, in reward and steps. Achieved returns are "
        "empty where a run did not store them.",
        max_rows=10,
        columns=("label", "iteration", "desired_return", "achieved_return", "desired_horizon", "length", "n_seeds"),
    )
    how = (
        "Lines show what was asked, points what the exploring policy achieved, both as means over the seeds; where the "
        "points stay below the line, training asked for more than it got."
    )
    pictures = bench.pictures("training_commands", {"": "Commands asked in training, and what came of them"}, how)
    return Section(
        "What was asked for during training?",
        "commands",
        "Exploratory commands follow the best episodes of the replay buffer.",
        [*pictures, table],
        notes,
    )


def obedience_section(bench: Workbench) -> Section:
    """Answer the question: does the agent do as it is told."""
    question = "Does the agent do as it is told?"
    levels, summaries = list[pd.DataFrame](), list[pd.DataFrame]()
    items, notes = list[Item](), list[str]()
    for experiment in bench.subject.experiments:
        swept = [run for run in experiment.runs if len(run.command_sweep)]
        if not swept:
            notes.append(f"{experiment.label}: no command sweep is stored.")
            continue
        sweep = pd.concat([with_columns(run.command_sweep, seed=run.config.seed) for run in swept], ignore_index=True)
        asked = pd.concat([run.training_commands for run in swept], ignore_index=True)
        try:
            result = obedience(sweep, training_commands=_stored(asked), seed=bench.options.seed)
        except ValueError as fault:
            # For instance a sweep that was redone with other levels for one seed alone: the others still count.
            notes.append(f"{experiment.label}: {fault}.")
            continue
        if result.note:
            notes.append(f"{experiment.label}: {result.note}.")
        levels.append(with_columns(result.to_frame(), label=experiment.label))
        summaries.append(with_columns(result.summary_frame(), label=experiment.label))
    if not levels:
        return Section(question, "obedience", "No command sweep can be shown.", (), notes)
    numbers = pd.concat(summaries, ignore_index=True)
    latex = bench.folder / TABLES / "obedience_summary.tex"
    counts = sorted({int(count) for count in numbers["n_seeds"]})
    write_latex(
        numbers,
        latex,
        caption=f"Obedience on {bench.subject.env_name}: mean absolute error of the achieved return, slope of achieved "
        "against desired return with its 95 % bootstrap interval over seeds, and rank correlation.",
        label=f"tab:obedience-{bench.subject.name.lower()}",
        columns=[
            "label",
            Estimate("mae", "mean absolute error", decimals=1),
            Estimate("slope", "slope", interval=("slope_low_over_seeds", "slope_high_over_seeds")),
            Estimate("spearman", "rank correlation"),
        ],
        headings={"label": "estimator"},
        n_seeds=counts[0] if len(counts) == 1 else counts,
        provenance={"runs": bench.run_hashes},
    )
    summary = bench.table(
        "obedience_summary",
        numbers,
        "Obedience in numbers",
        "One row per experiment: mean absolute error, slope, rank correlation, saturation and the range obeyed.",
        downloads=(f"{TABLES}/obedience_summary.tex",),
        columns=(
            "label",
            "mae",
            "mae_seen",
            "slope",
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
    table = bench.table(
        "obedience",
        pd.concat(levels, ignore_index=True),
        "Achieved against desired return",
        "One row per command level, with 95 % intervals over episodes and over seeds; `seen` says whether training met "
        "the level.",
        columns=(
            "label",
            "desired_return",
            "desired_horizon",
            "mean",
            "low_over_seeds",
            "high_over_seeds",
            "seen",
            "within_tolerance",
            "n_episodes",
        ),
        dat=True,
    )
    how = (
        "On the diagonal the agent achieves exactly what it is asked for; hollow points are commands that training "
        "hardly met, bars along the bottom the share of training commands near each level; where the points run level "
        "the command no longer changes anything."
    )
    items += [*bench.pictures("obedience", {"": "Achieved against desired return"}, how), summary, table]
    for experiment in bench.subject.experiments:
        run = experiment.shown
        if run.command_grid is not None:
            stem = f"obedience_map-{experiment.slug}"
            result = obedience(
                run.command_grid, training_commands=_stored(run.training_commands), seed=bench.options.seed
            )
            items.append(
                bench.table(stem, result.to_frame(), f"{experiment.label}: grid of commands", "One row per command.")
            )
            how = "Colour is the mean return achieved under each pair of desired return and desired horizon."
            items += bench.pictures(stem, {"": f"{experiment.label}, seed {run.config.seed}: achieved return"}, how)
    return Section(
        question,
        "obedience",
        "Every command was played greedily on the same environment seeds; the sweep is stored with the run.",
        items,
        notes,
    )


def _stored(asked: pd.DataFrame) -> pd.DataFrame | None:
    """Training commands with what their episodes achieved; None where a run did not store that."""
    return asked if asked[["achieved_return", "length"]].notna().all(axis=1).any() else None
