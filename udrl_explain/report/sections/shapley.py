"""How much did each input push each action?"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from udrl_explain.analysis.interactions import PARTS, shapley_interactions
from udrl_explain.analysis.shapley import shapley_values
from udrl_explain.attributions import Coalitions
from udrl_explain.command_space.collinearity import CommandCollinearity, command_collinearity
from udrl_explain.commands import n_commands
from udrl_explain.probes import STRATIFIED
from udrl_explain.report.context import ReportContext, tied_words
from udrl_explain.report.gather import Experiment
from udrl_explain.report.page.render import Item, Section
from udrl_explain.runs.run import Run
from udrl_explain.statistics.clusters import cluster_values
from udrl_explain.statistics.intervals import EPISODES_OF_ONE, mean_interval

N_SPLIT_ROWS = 50


def answer(context: ReportContext) -> Section:
    """Answer the question: how much did each input push each action."""
    items, splits = list[Item](), []
    remarks, methods = list[str](), list[str]()
    collinear = list[tuple[str, CommandCollinearity]]()
    for experiment in context.explained:
        run = experiment.shown
        assert run.policy is not None  # `explained` holds no other
        probes = context.probes(run)
        rows = probes.of_kind(STRATIFIED)
        inputs, known = probes.inputs[rows], context.known(run)
        episodes = probes.frame["episode"].to_numpy()[rows]
        result = shapley_values(
            run.policy,
            inputs,
            known,
            n_jobs=context.options.n_jobs,
        )
        frame = result.to_frame()
        mean = context.data(f"shapley_mean-{experiment.slug}", result.mean_abs_frame())
        stem = f"shapley-{experiment.slug}"
        table = context.table(
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
            experiment=experiment,
        )
        how_mean = "Longer bars move the probability of that action more, whichever way; commands are marked."
        shown = {"": "How far each input moves each action"}
        items += context.pictures(f"shapley_mean-{experiment.slug}", shown, how_mean, experiment=experiment)
        titles = {
            f"{stem}-action_{action}": f"What pushed ‘{name}’, row by row"
            for action, name in enumerate(run.action_names)
        }
        how = (
            "Each point is one explained row: right of zero its input made the action more probable, left of zero "
            "less; colour says whether the input itself was low or high there. Of two actions one is shown, the other "
            "mirrors it."
        )
        items += [*context.pictures(stem, titles, how, experiment=experiment), table]
        methods.append(f"{experiment.label}: {result.method}{', exact' if result.exact else ', an estimate'}")
        if n_commands(run.feature_names):
            spread_out = np.arange(len(inputs))[:: max(1, len(inputs) // N_SPLIT_ROWS)][:N_SPLIT_ROWS]
            game = known[spread_out] if isinstance(known, Coalitions) else known
            splits.append(_split_table(context, experiment, run, inputs[spread_out], episodes[spread_out], game))
        tied = command_collinearity(run.training_inputs, run.feature_names)
        if tied.collinear:
            collinear.append((experiment.label, tied))
        else:
            remarks.append(f"{experiment.label}, rows of the last fit: {tied.note}")
    if splits:
        items.append(
            context.table(
                "command_split",
                pd.concat(splits, ignore_index=True),
                "State, command, and what they do together",
                "How much probability each of three parts moves from some actions to others, on average over up to "
                f"{N_SPLIT_ROWS} of the explained rows: state alone, command alone, and what needs both (the "
                "two-player game of {state} and {command}); `low` and `high` bound the interval that `interval` names.",
            )
        )
    return Section(
        "How much did each input push each action?",
        "shapley",
        "Shapley values share a decision out: in each row they say how much probability each input added to an action "
        "or took from it, compared with an average row of the training.",
        items,
        tied_words(collinear, "the rows of the last fit"),
        " ".join([f"Interventional Shapley values. {'; '.join(methods)}. {context.background_note()}", *remarks]),
    )


def _split_table(
    context: ReportContext,
    experiment: Experiment,
    run: Run,
    inputs: NDArray[np.float64],
    episodes: NDArray[np.int64],
    known: Coalitions | NDArray[np.float64],
) -> pd.DataFrame:
    """Mean size of each part, half the sum over the actions: as much probability as it moves from some to others."""
    assert run.policy is not None
    result = shapley_interactions(
        run.policy,
        inputs,
        known,
        n_jobs=context.options.n_jobs,
    )
    sizes = np.abs(result.split).sum(axis=2) / 2
    ends = mean_interval(cluster_values(sizes, episodes), EPISODES_OF_ONE, seed=context.options.seed)
    columns = {
        "label": experiment.label,
        "part": list(PARTS),
        "mean_size": sizes.mean(axis=0),
        "low": ends.low,
        "high": ends.high,
        "interval": ends.words,
        "seed": run.config.seed,
        "n_rows": len(inputs),
        "n_episodes": len(np.unique(episodes)),
        "method": result.method,
        "exact": result.exact,
    }
    return pd.DataFrame(columns)
