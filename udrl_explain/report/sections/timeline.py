"""What drove each action of one episode?"""

from udrl_explain.analysis.timeline import episode_timeline
from udrl_explain.report.context import ReportContext
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
        title = f"{experiment.label}, seed {run.config.seed}, first final episode"
        stem = f"timeline-{experiment.slug}"
        flips = context.table(
            f"timeline_flips-{experiment.slug}",
            result.flips_frame(),
            f"{title}: steps that another command would have changed",
            "One row per step: the nearest such command of the training range, in spreads of its commands, and "
            "for forests the test on which most trees part.",
            max_rows=8,
            columns=(
                "step",
                "action_name",
                "desired_return",
                "desired_horizon",
                "flip_action_name",
                "flip_return",
                "flip_horizon",
                "distance",
                "decisive_feature",
                "decisive_threshold",
            ),
        )
        table = context.table(
            stem,
            result.to_frame(),
            f"{title}: every step",
            "One row per step and shown quantity.",
            max_rows=6,
            columns=("step", "action_name", "desired_return", "desired_horizon", "part", "name", "value"),
        )
        how = (
            "All strips share the steps of the episode: the action, the command as it runs down, the probabilities, "
            "the Shapley values of the action taken (one colour pushes towards it, the other away) and how much the "
            "command matters, with the steps marked at which another command would have changed the action."
        )
        items += [*context.pictures(stem, {"": f"{title}: step by step"}, how), flips, table]
        methods.append(f"{experiment.label}: {result.method}, exact {result.exact}")
    return Section(
        "What drove each action of one episode?",
        "timeline",
        f"The first episode of the final evaluation, not a chosen one. {'; '.join(methods)}.",
        items,
    )
