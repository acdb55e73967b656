"""What do the policies do?"""

from udrl_explain.analysis.action_shares import DEGENERATE, action_shares
from udrl_explain.report.context import ReportContext
from udrl_explain.report.page.render import Section


def answer(context: ReportContext) -> Section:
    """Answer the question: what do the policies do."""
    question = "Which actions do the policies take?"
    shares = action_shares(context.scope.runs, seed=context.options.seed)
    if not shares.groups:
        return Section(question, "action-shares", "No run stored its final episodes.")
    by_seed = context.table(
        "action_shares_by_seed",
        shares.by_seed(),
        "Share of each action, seed by seed",
        "One row per run and action.",
        columns=("label", "seed", "action_name", "share", "is_degenerate", "n_steps", "n_episodes"),
        max_rows=40,
    )
    table = context.table(
        "action_shares",
        shares.to_frame(),
        "Share of each action",
        "One row per experiment and action: mean over the seeds with its 95 % interval for other training seeds; "
        "`n_degenerate` counts the seeds that take this action in nearly every step.",
        columns=("label", "action_name", "share", "low", "high", "interval", "n_degenerate", "n_seeds"),
    )
    how = "One bar per seed, parted by action; a bar of one colour is a policy that hardly ever does anything else."
    pictures = context.pictures("action_shares_by_seed", {"": "Share of each action"}, how)
    return Section(
        question,
        "action-shares",
        f"A policy that takes one action in {100 * DEGENERATE:.0f} % of its steps or more is called degenerate: "
        "whatever its return, there is little in it to explain.",
        [*pictures, table, by_seed],
        (),
        "Counted over all steps of the stored final episodes.",
    )
