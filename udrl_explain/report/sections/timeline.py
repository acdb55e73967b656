"""What drove each action of one episode?"""

from udrl_explain.analysis.timeline.result import Timeline, episode_timeline
from udrl_explain.report.context import ReportContext
from udrl_explain.report.gather import Experiment
from udrl_explain.report.page.render import Item, Section


def answer(context: ReportContext) -> Section:
    """Answer the question: what drove each action of one episode."""
    items, methods = list[Item](), list[str]()
    for experiment in context.explained:
        run = experiment.shown
        assert run.policy is not None  # `explained` holds no other
        result = episode_timeline(
            run.policy,
            run.episodes[0],
            context.background(run),
            training_commands=context.probes(run).support,
            n_jobs=context.options.n_jobs,
        )
        title = f"{experiment.label}, first final episode"
        stem = f"timeline-{experiment.slug}"
        flips = list[Item]() if result.commands is None else [_flips(context, experiment, title, result)]
        table = context.table(
            stem,
            result.to_frame(),
            f"{title}: every step",
            "One row per step and shown quantity; `seen` and `seen_flips` refer to the rows of the last fit.",
            max_rows=6,
            columns=("step", "action_name", "desired_return", "desired_horizon", "part", "name", "value"),
            experiment=experiment,
        )
        how = (
            "All strips share the steps of the episode: the action, the command as it runs down, the probabilities, "
            "the Shapley values of the action taken (one colour pushes towards it, the other away) and how much the "
            "command matters, with the steps at which another seen command would have changed the action; hatched are "
            "those at which only an unseen one would."
        )
        shown = {"": "First final episode, step by step"}
        items += [*context.pictures(stem, shown, how, experiment=experiment), *flips, table]
        methods.append(f"{experiment.label}: {result.method}{', exact' if result.exact else ', an estimate'}")
    return Section(
        "What drove each action of one episode?",
        "timeline",
        "The first episode of the final evaluation, not a chosen one: what was asked, what was done, why, and what "
        "another command would have changed.",
        items,
        (),
        f"Shapley values of {'; '.join(methods)}; backgrounds as above.",
    )


def _flips(context: ReportContext, experiment: Experiment, title: str, result: Timeline) -> Item:
    """Table of the steps that another command would have changed."""
    frame = result.flips_frame()
    n_seen = int(frame["seen_flip_action"].notna().sum())
    return context.table(
        f"timeline_flips-{experiment.slug}",
        frame,
        f"{title}: {n_seen} of {result.n_rows} steps that another seen command would have changed",
        "First the steps at which a seen command flips the action: the nearest one, in spreads of the training "
        "commands, and for forests the test on which most trees part. Seen are commands like those of the rows of "
        f"the last fit. At {len(frame) - n_seen} more steps no seen command was found that does, only unseen ones "
        "of the training range, where the policy extrapolates; the CSV holds the nearest of the range for every "
        "step, marked by `flip_seen`.",
        max_rows=8,
        columns=(
            "step",
            "action_name",
            "desired_return",
            "desired_horizon",
            "seen_flip_action_name",
            "seen_flip_return",
            "seen_flip_horizon",
            "seen_distance",
            "seen_decisive_feature",
            "seen_decisive_threshold",
            "distance",
            "flip_seen",
        ),
        experiment=experiment,
    )
