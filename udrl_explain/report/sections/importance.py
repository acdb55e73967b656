"""Which inputs matter?"""

import pandas as pd

from udrl_explain.analysis.importance.result import feature_importance
from udrl_explain.analysis.importance.spread import importance_spread
from udrl_explain.command_space.collinearity import CommandCollinearity
from udrl_explain.probes import STRATIFIED
from udrl_explain.report.context import ReportContext, shown_words, tied_words, with_columns
from udrl_explain.report.page.render import Item, Section


def answer(context: ReportContext) -> Section:
    """Answer the question: which inputs matter."""
    items, notes, remarks, spreads = list[Item](), list[str](), list[str](), []
    collinear = list[tuple[str, CommandCollinearity]]()
    for experiment in context.explained:
        frames = {}
        for run in experiment.runs:
            if run.policy is None or not run.episodes:
                notes.append(
                    f"{experiment.label}, seed {run.config.seed}: left out, {run.policy_note or 'no episodes'}."
                )
                continue
            probes = context.probes(run)
            rows = probes.of_kind(STRATIFIED)
            result = feature_importance(
                run.policy,
                probes.inputs[rows],
                probes.actions[rows],
                episodes=probes.frame["episode"].to_numpy()[rows],
                seed=context.options.seed,
                background=context.known(run),
                n_jobs=context.options.n_jobs,
            )
            frames[f"seed {run.config.seed}"] = result.to_frame()
            if run is experiment.shown:
                if result.collinearity.collinear:
                    collinear.append((experiment.label, result.collinearity))
                else:
                    remarks.append(f"{experiment.label}, {shown_words(experiment)}: {result.collinearity.note}")
                remarks += [f"{experiment.label}: no {name}: {why}." for name, why in result.unavailable.items()]
        shown = experiment.shown
        stem = f"importance-{experiment.slug}"
        all_seeds = [with_columns(frame, run=name) for name, frame in frames.items()]
        every = context.data(f"importance_by_seed-{experiment.slug}", pd.concat(all_seeds, ignore_index=True))
        table = context.table(
            stem,
            frames[f"seed {shown.config.seed}"],
            f"{experiment.label}: importance of the inputs",
            f"One row per measure and input, seed {shown.config.seed}; `command pair` is both commands as one group. "
            "`low` and `high` bound the 95 % interval for other episodes of this one policy, not for other trainings.",
            downloads=(every,),
            columns=(
                "method",
                "feature",
                "importance",
                "std",
                "low",
                "high",
                "interval",
                "n_rows",
                "n_episodes",
                "exact",
            ),
            experiment=experiment,
        )
        how = (
            "Each panel is one measure with its own scale; longer bars matter more, whiskers are 95 % intervals for "
            "other episodes of this one policy, not for other trainings, and the commands are marked. Compare the "
            "order of the inputs, not the lengths, between panels."
        )
        items += context.pictures(stem, {"": "Importance of each input"}, how, experiment=experiment)
        items.append(table)
        if len(frames) > 1:
            spreads.append(with_columns(importance_spread(frames).to_frame(), label=experiment.label))
    if spreads:
        items.append(
            context.table(
                "importance_spread",
                pd.concat(spreads, ignore_index=True),
                "Importance over the training seeds",
                "One row per experiment, measure and input: mean and range over the seeds, and `rank_agreement`, the "
                "mean rank correlation between seeds: low values mean that each seed learned its own reasons.",
                columns=("label", "method", "feature", "mean", "std", "min", "max", "mean_rank", "rank_agreement"),
            )
        )
    return Section(
        "Which inputs matter?",
        "importance",
        "Several measures, since each asks something else: what the policy loses when an input is shuffled "
        "(permutation), how far an input moves the probabilities (SHAP), or how much the trees used it in training "
        "(impurity, which favours inputs with many values).",
        items,
        [*tied_words(collinear, "these rows"), *notes],
        " ".join(["Rows: a seeded sample spread evenly over the final episodes of each run.", *remarks]),
    )
