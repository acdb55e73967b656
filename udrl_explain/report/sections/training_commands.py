"""What was asked for during training?"""

from udrl_explain.analysis.training_commands import training_commands
from udrl_explain.report.context import ReportContext
from udrl_explain.report.page.render import Section


def answer(context: ReportContext) -> Section:
    """Answer the question: what was asked for during training."""
    frame = training_commands(context.scope.runs).to_frame()
    notes = [f"`{run.directory}`: {run.policy_note}." for run in context.scope.runs if not run.has_policy]
    question = "What was asked for during training?"
    if frame.empty:
        return Section(
            question,
            "training-commands",
            "No run stored its training commands.",
            (),
            notes,
        )
    table = context.table(
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
    pictures = context.pictures("training_commands", {"": "Commands asked in training, and what came of them"}, how)
    return Section(
        question,
        "training-commands",
        "While it learns, a policy is asked for a little more than its best episodes achieved.",
        [*pictures, table],
        notes,
    )
