"""Ask the module of a question, about the runs that the question can be asked of."""

import dataclasses
from importlib import import_module

from udrl_explain.commands import n_commands
from udrl_explain.report.context import ReportContext
from udrl_explain.report.page.render import Section
from udrl_explain.report.questions import NEED_COMMAND


def answer_of(question: str, context: ReportContext) -> Section:
    """Section of one question, made by ``report/sections/<question>.py``.

    Runs whose policy takes no command are left out of what asks about commands; a note names them.
    """
    module = import_module(f"udrl_explain.report.sections.{question}")
    if question not in NEED_COMMAND:
        return _section(module.answer(context))
    runs = context.scope.runs
    asked = [run for run in runs if n_commands(run.feature_names)]
    if len(asked) == len(runs):
        return _section(module.answer(context))
    left = [
        f"{experiment.label}: left out, its policy takes no command."
        for experiment in context.scope.experiments
        if not n_commands(experiment.shown.feature_names)
    ]
    if not asked:
        return Section(question.replace("_", " ").capitalize(), question.replace("_", "-"), "", (), left)
    section = _section(module.answer(context.only(asked)))
    return dataclasses.replace(section, notes=(*section.notes, *left))


def _section(answer: object) -> Section:
    assert isinstance(answer, Section)
    return answer
