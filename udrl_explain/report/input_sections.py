"""Sections on the inputs: which matter, and how much each pushed each action."""

import numpy as np
import pandas as pd

from udrl_explain.analysis.importance import feature_importance
from udrl_explain.analysis.importance_spread import importance_spread
from udrl_explain.analysis.interactions import shapley_interactions
from udrl_explain.analysis.shapley import shapley_values
from udrl_explain.engines.collinearity import command_collinearity
from udrl_explain.probes import STRATIFIED
from udrl_explain.report.gather import Experiment
from udrl_explain.report.page import Item, Section
from udrl_explain.report.workbench import Workbench, with_columns
from udrl_explain.storage.stored_run import Run

N_SPLIT_ROWS = 50


def importance_section(bench: Workbench) -> Section:
    """Answer the question: which inputs matter."""
    items, notes, spreads = list[Item](), list[str](), []
    for experiment in bench.explained:
        frames = {}
        for run in experiment.runs:
            if run.policy is None or not run.episodes:
                notes.append(
                    f"{experiment.label}, seed {run.config.seed}: left out, {run.policy_note or 'no episodes'}."
                )
                continue
            probes = bench.probes(run)
            rows = probes.of_kind(STRATIFIED)
            result = feature_importance(
                run.policy,
                probes.inputs[rows],
                probes.actions[rows],
                seed=bench.options.seed,
                background=bench.background(run),
                feature_names=run.feature_names,
                action_names=run.action_names,
            )
            frames[f"seed {run.config.seed}"] = result.to_frame()
            if run is experiment.shown:
                notes.append(f"{experiment.label}, seed {run.config.seed}: {result.collinearity.note}")
                notes += [f"{experiment.label}: no {name}: {why}." for name, why in result.unavailable.items()]
        shown = experiment.shown
        stem = f"importance-{experiment.slug}"
        all_seeds = [with_columns(frame, run=name) for name, frame in frames.items()]
        every = bench.data(f"importance_by_seed-{experiment.slug}", pd.concat(all_seeds, ignore_index=True))
        table = bench.table(
            stem,
            frames[f"seed {shown.config.seed}"],
            f"{experiment.label}: importance of the inputs",
            f"One row per measure and input, seed {shown.config.seed}; `command pair` is both commands as one group.",
            downloads=(every,),
            columns=("method", "feature", "importance", "std", "low", "high", "n_rows", "n_repeats", "exact"),
        )
        how = (
            "Each panel is one measure with its own scale; longer bars matter more, whiskers are 95 % intervals, and "
            "the commands are marked. Compare the order of the inputs, not the lengths, between panels."
        )
        items += bench.pictures(stem, {"": f"{experiment.label}, seed {shown.config.seed}: which inputs matter"}, how)
        items.append(table)
        if len(frames) > 1:
            spreads.append(with_columns(importance_spread(frames).to_frame(), label=experiment.label))
    if spreads:
        items.append(
            bench.table(
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
        "Rows: a seeded sample spread evenly over the final episodes of each run. Impurity and path impurity speak "
        "about the trees' training and favour inputs with many values; permutation and SHAP speak about what the "
        "policy does.",
        items,
        notes,
    )


def shapley_section(bench: Workbench) -> Section:
    """Answer the question: how much did each input push each action."""
    items, notes, splits = list[Item](), list[str](), []
    methods = []
    for experiment in bench.explained:
        run = experiment.shown
        assert run.policy is not None  # `explained` holds no other
        probes = bench.probes(run)
        inputs = probes.inputs[probes.of_kind(STRATIFIED)]
        result = shapley_values(
            run.policy,
            inputs,
            bench.background(run),
            feature_names=run.feature_names,
            action_names=run.action_names,
            n_jobs=bench.options.n_jobs,
        )
        frame = result.to_frame()
        mean = bench.data(f"shapley_mean-{experiment.slug}", result.mean_abs_frame())
        stem = f"shapley-{experiment.slug}"
        table = bench.table(
            stem,
            frame,
            f"{experiment.label}: Shapley values",
            f"One row per explained row, input and action, seed {run.config.seed}; values of a row and action add up "
            "to its probability less the base value.",
            downloads=(mean,),
            max_rows=6,
            columns=(
                "row",
                "feature",
                "feature_value",
                "action_name",
                "shapley_value",
                "base_value",
                "output",
                "exact",
            ),
        )
        title = f"{experiment.label}, seed {run.config.seed}"
        how_mean = "Longer bars move the probability of that action more, whichever way; commands are marked."
        items += bench.pictures(
            f"shapley_mean-{experiment.slug}", {"": f"{title}: mean size of the Shapley values"}, how_mean
        )
        titles = {
            f"{stem}-action_{action}": f"{title}: what pushed '{name}'" for action, name in enumerate(run.action_names)
        }
        how = (
            "Each point is one explained row: right of zero its input made the action more probable, left of zero "
            "less; colour says whether the input itself was low or high there. Of two actions one is shown, the other "
            "mirrors it."
        )
        items += [*bench.pictures(stem, titles, how), table]
        methods.append(
            f"{experiment.label}: {result.method}, {result.n_background} background rows, exact {result.exact}"
        )
        splits.append(_split_table(bench, experiment, run, inputs[:N_SPLIT_ROWS]))
        note = command_collinearity(run.training_inputs).note
        notes.append(f"{experiment.label}, rows of the last fit: {note}")
    if splits:
        items.append(
            bench.table(
                "command_split",
                pd.concat(splits, ignore_index=True),
                "State, command, and what they do together",
                "Mean size of the three parts of the probability: state alone, command alone, and the part that needs "
                "both (the two-player game of {state} and {command}), over the first "
                f"{N_SPLIT_ROWS} explained rows.",
            )
        )
    return Section(
        "How much did each input push each action?",
        "shapley",
        f"Interventional Shapley values over the rows of the last fit. {'; '.join(methods)}.",
        items,
        notes,
    )


def _split_table(bench: Workbench, experiment: Experiment, run: Run, inputs: np.ndarray) -> pd.DataFrame:
    assert run.policy is not None
    result = shapley_interactions(
        run.policy,
        inputs,
        bench.background(run),
        feature_names=run.feature_names,
        action_names=run.action_names,
        n_jobs=bench.options.n_jobs,
    )
    frame = result.split_frame()
    sizes = frame.assign(mean_size=frame["contribution"].abs())
    means = sizes.groupby(["part", "action", "action_name"], sort=False)["mean_size"].mean().reset_index()
    return with_columns(means, label=experiment.label).assign(
        n_rows=len(inputs), method=result.method, exact=result.exact
    )
