"""Does a small tree do the same?"""

import pandas as pd

from udrl_explain.analysis.distillation.result import Distillation, distill
from udrl_explain.analysis.distillation.student import Student
from udrl_explain.report.context import TABLES, ReportContext, with_columns
from udrl_explain.report.gather import Experiment
from udrl_explain.report.page.render import Item, Section
from udrl_explain.runs.run import Run

MAX_LEAVES = (4, 8, 16)
N_ROUNDS = 6
# Steps of the environment that a part may cost: what a report can wait for.
_ROUND_STEPS, _FRESH_STEPS, _LEVEL_STEPS = 48_000, 20_000, 15_000
_N_LEVELS = 8


def answer(context: ReportContext) -> Section:
    """Answer the question: does a small tree do the same."""
    frames, notes, methods = list[pd.DataFrame](), list[str](), list[str]()
    trees: list[tuple[Experiment, Student]] = []
    for experiment in context.explained:
        run = experiment.shown
        if ":" in run.config.env_name:
            notes.append(
                f"{experiment.label}: left out, its environment would import a module: call distill(run, name)."
            )
            continue
        try:
            found = _distilled(run, context.options.seed)
        except ValueError as fault:  # an environment that is not installed here, for instance
            notes.append(f"{experiment.label}: left out, {fault}.")
            continue
        frames.append(with_columns(found.to_frame(), env_name=run.config.env_name, label=experiment.label))
        methods.append(f"{experiment.label}: {found.method}")
        trees.append((experiment, found.smallest or found.students[-1]))
    if not frames:
        return Section("Does a small tree do the same?", "distillation", "", (), notes)
    numbers = pd.concat(frames, ignore_index=True)
    table = context.table(
        "distillation",
        numbers,
        "Small trees that imitate the policies",
        "One row per tree, and one for the policy itself. `return` is under the final command, on fresh episodes; "
        "`difference` is to the policy on the same environment seeds. `agreement`: share of the steps of its own "
        "episodes in which the policy would have acted alike. `mae`: mean distance between desired and achieved return "
        "over the command levels. Intervals are 95 % for other episodes of this one policy.",
        columns=(
            "label",
            "point",
            "n_leaves",
            "return",
            "return_low",
            "return_high",
            "difference",
            "difference_low",
            "difference_high",
            "agreement",
            "mae",
            "is_smallest",
            "n_episodes",
        ),
    )
    how = (
        "From left to right trees of more leaves, last the policy that they imitate; bars are 95 % intervals for other "
        "episodes, a ring marks the smallest tree whose return the interval does not put below its policy's."
    )
    pictures = context.pictures("distillation", {"": "Does a small tree do the same?"}, how)
    return Section(
        "Does a small tree do the same?",
        "distillation",
        "Single trees, fitted on the states that they lead to themselves and judged on episodes of their own. A report "
        f"spends little on them; distill(run) spends more, and may find better ones. {'; '.join(methods)}.",
        [*pictures, table, *_printed(context, trees)],
        notes,
    )


def _distilled(run: Run, seed: int) -> Distillation:
    length = sum(len(episode) for episode in run.episodes) / len(run.episodes)
    at_once = length * (len(MAX_LEAVES) + 1)
    return distill(
        run,
        max_leaves=MAX_LEAVES,
        seed=seed,
        n_rounds=N_ROUNDS,
        n_round_episodes=_episodes(_ROUND_STEPS / N_ROUNDS / at_once, 4, 16),
        n_episodes=_episodes(_FRESH_STEPS / at_once, 10, 30),
        n_level_episodes=_episodes(_LEVEL_STEPS / _N_LEVELS / at_once, 2, 5),
    )


def _episodes(wanted: float, least: int, most: int) -> int:
    return int(min(max(round(wanted), least), most))


def _printed(context: ReportContext, trees: list[tuple[Experiment, Student]]) -> list[Item]:
    """One tree of each experiment in every form: the smallest that is as good, else the largest; the smallest drawn."""
    items = list[Item]()
    drawn = min(range(len(trees)), key=lambda k: trees[k][1].n_leaves)
    for k, (experiment, student) in enumerate(trees):
        stem = f"small_tree-{experiment.slug}"
        forms = {"txt": student.rules(), "py": student.python(), "tex": student.latex()}
        for suffix, text in forms.items():
            (context.folder / TABLES / f"{stem}.{suffix}").write_text(text, encoding="utf-8")
        whose = f"{experiment.label}, seed {experiment.shown.config.seed}"
        title = f"{whose}: the whole policy as a tree of {student.n_leaves} leaves"
        table = context.table(
            stem,
            student.to_frame(),
            title,
            "One row per node, in natural units, with the share of the visited states that reach it; also as text "
            "rules, as a Python function and as a TikZ picture.",
            downloads=tuple(f"{TABLES}/{stem}.{suffix}" for suffix in forms),
            max_rows=8,
            columns=("depth", "branch", "feature", "threshold", "unit", "action_name", "probability", "share"),
        )
        how = (
            "Read from the top: what follows a test stands below it, first where it says yes; bars are shares of the "
            "visited states; tests on the command are set apart. What is printed is what was played."
        )
        items += [*(context.pictures(stem, {"": title}, how) if k == drawn else []), table]
    return items
