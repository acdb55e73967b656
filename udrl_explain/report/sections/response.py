"""What does the policy do as the command changes?"""

import pandas as pd

from udrl_explain.analysis.response import command_response
from udrl_explain.commands import N_COMMANDS
from udrl_explain.probes import STRATIFIED
from udrl_explain.report.context import ReportContext, with_columns
from udrl_explain.report.page.render import Item, Section

N_STATES = 60


def answer(context: ReportContext) -> Section:
    """Answer the question: what does the policy do as the command changes."""
    items, summaries = list[Item](), []
    for experiment in context.explained:
        run = experiment.shown
        assert run.policy is not None  # `explained` holds no other
        probes = context.probes(run)
        rows = probes.of_kind(STRATIFIED)
        spread_out = rows[:: max(1, len(rows) // N_STATES)][:N_STATES]
        levels = context.support(run).levels()
        result = command_response(
            run.policy,
            probes.inputs[spread_out, :-N_COMMANDS],
            levels[:, 0],
            levels[:, 1],
            training_commands=context.support(run),
            background=context.background(run),
            n_jobs=context.options.n_jobs,
        )
        stem = f"response-{experiment.slug}"
        table = context.table(
            stem,
            result.to_frame(),
            f"{experiment.label}: response to the command",
            f"One row per command level and action over {len(spread_out)} stored states; `flip_rate` is the share of "
            "states whose action differs from that at the level before.",
            max_rows=8,
            dat=True,
            experiment=experiment,
            columns=(
                "desired_return",
                "desired_horizon",
                "seen",
                "action_name",
                "probability",
                "greedy_share",
                "flip_rate",
            ),
        )
        context.data(f"response_states-{experiment.slug}", result.states_frame())
        how = (
            "Thick lines are means over the states, thin ones single states: means may be flat while states flip both "
            "ways, which the strip above counts. Every level asks for a command of the last fit, the typical one of "
            "its share of the desired returns; hatched levels, where there are any, are far from these."
        )
        shown = {"": "Probability of each action as the command rises"}
        items += context.pictures(stem, shown, how, experiment=experiment)
        by_command = f"response_importance-{experiment.slug}"
        importance = context.table(
            by_command,
            result.importance_frame(),
            f"{experiment.label}: importance at each command",
            "Mean absolute Shapley value of each input at each command level.",
            max_rows=8,
            columns=("desired_return", "desired_horizon", "seen", "feature", "importance", "exact"),
            experiment=experiment,
        )
        how = "Brighter cells matter more; a row that changes along the axis matters under some commands only."
        shown = {"": "Which inputs matter at which command"}
        items += context.pictures(by_command, shown, how, experiment=experiment)
        items += [table, importance]
        episodes = probes.frame["episode"].to_numpy()[spread_out]
        summary = result.summary_frame(episodes=episodes, seed=context.options.seed)
        summaries.append(with_columns(summary, label=experiment.label))
    if summaries:
        frame = pd.concat(summaries, ignore_index=True)
        caption = (
            "Command influence is 0 for a policy that ignores its command; each row states its definition. `low` and "
            "`high` bound the 95 % interval that `interval` names."
        )
        items.append(context.table("response_summary", frame, "How much the command matters", caption))
    return Section(
        "What does the policy do as the command changes?",
        "response",
        "The same stored states are shown to the policy again and again, only the command changes: from modest to "
        "ambitious desired returns.",
        items,
        (),
        "States: spread evenly over the final episodes. Commands: those of the rows of the last fit.",
    )
