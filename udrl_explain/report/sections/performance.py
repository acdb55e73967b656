"""What does the return owe to each input?"""

import pandas as pd

from udrl_explain.analysis.performance import command_worths, performance
from udrl_explain.files.latex_tables import Estimate, write_latex
from udrl_explain.report.context import TABLES, ReportContext, with_columns
from udrl_explain.report.gather import Experiment
from udrl_explain.report.page.render import Item, Section

QUESTION = "What does the return owe to each input?"


def answer(context: ReportContext) -> Section:
    """Answer the question: what does the return owe to each input."""
    items, notes = list[Item](), list[str]()
    worths = []
    for experiment in context.scope.experiments:
        played = {f"seed {run.config.seed}": run for run in experiment.runs if run.performance is not None}
        left = [run.config.seed for run in experiment.runs if run.performance is None and run.has_policy]
        if left:
            notes.append(
                f"{experiment.label}, seed{'s' if len(left) > 1 else ''} {', '.join(map(str, left))}: "
                f"{_how(experiment)}"
            )
        if not played:
            continue
        results = {
            name: performance(run.performance, feature_names=run.feature_names, seed=context.options.seed)
            for name, run in played.items()
            if run.performance is not None
        }
        frame = pd.concat([with_columns(each.to_frame(), run=name) for name, each in results.items()])
        first = next(iter(results))
        stem = f"performance-{experiment.slug}"
        coalitions = context.data(f"performance_coalitions-{experiment.slug}", results[first].coalition_frame())
        title = f"{experiment.label}: return owed to each input"
        table = context.table(
            stem,
            frame.reset_index(drop=True),
            title,
            "One row per run and input: `value` is its Shapley value in the game of the mean return, `lost_without` "
            "what is lost when it alone is unknown, both in reward, with 95 % intervals for other episodes of the one "
            "policy. The values of a run's inputs add up to the return when all is known less that when nothing is; so "
            f"do `state` and `command`. The file of coalitions holds the mean return of each for {first}.",
            downloads=(coalitions,),
            max_rows=10,
            columns=(
                "run",
                "feature",
                "value",
                "low",
                "high",
                "lost_without",
                "lost_low",
                "lost_high",
                "n_episodes",
            ),
        )
        how = (
            "Right of zero, knowing the input earns return. An input may be owed much and yet be missed little where "
            "others tell the same; intervals are for other episodes of each policy."
        )
        items += [*context.pictures(stem, {"": title}, how), table]
        worths.append(with_columns(command_worths(results, seed=context.options.seed), label=experiment.label))
    if not worths:
        return Section(QUESTION, "performance", "", (), notes)
    frame = pd.concat(worths, ignore_index=True)
    items.append(_worth_table(context, frame))
    return Section(
        QUESTION,
        "performance",
        "The policies were played with every coalition of their inputs: what is not known is averaged over the last "
        "fit's rows at every step, and the most probable action taken, on the same environment seeds for all. So these "
        "numbers do say how the return changes without an input, for an agent that takes the rows of training for what "
        "it does not know. The game is the performance explanation of Beechey, Smith and Simsek (ICML 2023), whose "
        "agents draw unknown inputs from the states that fit the known ones; here they do not depend on them.",
        items,
        notes,
    )


def _how(experiment: Experiment) -> str:
    folder = experiment.runs[0].directory.parent.as_posix()
    return f"no coalition was played; `python -m udrl_explain.performance {folder}` does it."


def _worth_table(context: ReportContext, frame: pd.DataFrame) -> Item:
    write_latex(
        frame,
        context.folder / TABLES / "performance_command.tex",
        caption=f"What the command is worth on {context.scope.env_name}: mean return when all inputs are known, when "
        "the command is averaged away, and the difference with its 95 % interval (for other episodes of one policy; "
        "in the rows of all seeds for other training seeds).",
        label=f"tab:command-worth-{context.scope.name.lower()}",
        columns=[
            "label",
            "run",
            Estimate("return_known", "all known", decimals=1),
            Estimate("return_without_command", "without command", decimals=1),
            Estimate("command_worth", "worth of the command", interval=("low", "high"), decimals=1),
        ],
        headings={"label": "estimator"},
        provenance={"runs": context.run_hashes},
    )
    return context.table(
        "performance_command",
        frame,
        "What the command is worth",
        "One row per run: mean return when all is known, when the command is averaged away, and the difference, with "
        "its 95 % interval for other episodes of the one policy; `all seeds` is the mean over the runs, its interval "
        "for other training seeds. `interval` says how each was made, or why there is none.",
        downloads=(f"{TABLES}/performance_command.tex",),
    )
