"""How did training go?"""

from udrl_explain.analysis.learning import learning_curves
from udrl_explain.report.context import ReportContext
from udrl_explain.report.page.render import Section


def answer(context: ReportContext) -> Section:
    """Answer the question: how did training go."""
    trained = [run for run in context.scope.runs if len(run.train_returns)]
    notes = [
        f"{experiment.label}: no returns of a training are stored."
        for experiment in context.scope.experiments
        if not any(run in trained for run in experiment.runs)
    ]
    if not trained:
        return Section("How did training go?", "learning", "No run stored the returns of its training.", (), notes)
    curves = learning_curves(trained, seed=context.options.seed)
    frame = curves.to_frame()
    by_seed = context.data("learning_curves_by_seed", curves.by_seed())
    table = context.table(
        "learning_curves",
        frame,
        "Mean return over the iterations",
        "One row per experiment, kind of episode and iteration; `low` and `high` bound the 95 % interval for other "
        "training seeds, `method` says how it was made or why there is none.",
        downloads=(by_seed,),
        max_rows=10,
        columns=("label", "kind", "iteration", "mean_return", "low", "high", "n_seeds", "method"),
        dat=True,
    )
    titles = {
        "learning_curves": "Return of the training episodes",
        "learning_curves-test": "Return in the tests without exploration",
    }
    how = (
        "Each line is the mean over the seeds, smoothed over the window that the picture names; the band behind "
        "reaches from the lowest to the highest seed. Higher is better; 95 % intervals for other training seeds are in "
        "the table."
    )
    return Section(
        "How did training go?",
        "learning",
        "",
        [*context.pictures("learning_curves", titles, how), table],
        notes,
        f"Intervals in the table: {curves.method}.",
    )
