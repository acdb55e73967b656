"""The questions that a report answers: the one list that the flags, the order of the page and the tests read.

A question has the same name on every floor: ``analysis/<name>``, ``figures/<name>.py`` and
``report/sections/<name>.py``, whose ``answer(context)`` makes the section.
"""

QUESTIONS = (
    "final_returns",
    "action_shares",
    "obedience",
    "performance",
    "importance",
    "shapley",
    "faithfulness",
    "response",
    "command_map",
    "comparison",
    "paths",
    "timeline",
    "distillation",
    "stability",
    "training_commands",
    "learning",
)
"""In the order of the page."""
NEED_SHAPLEY = frozenset({"importance", "shapley", "faithfulness", "response", "comparison", "timeline", "stability"})
"""Those that wait for the kernel of the Shapley values, which may still be compiling."""


NEED_COMMAND = frozenset({"training_commands", "obedience", "response", "command_map", "paths"})
"""Those that ask what the command does: runs whose policy takes none are left out of them, with a line."""


STUDY = "study"
"""Beside the questions: the page of the study alone, whose reports are linked as they are."""


def checked_questions(text: str) -> tuple[str, ...]:
    """Return the questions in a comma-separated text in the order of the page; all of them for an empty text.

    The study is no question of a report: for "study" alone there is none.

    Raises
    ------
    ValueError
        If the text names another one.
    """
    chosen = text.split(",") if text else QUESTIONS
    for name in chosen:
        if name not in (*QUESTIONS, STUDY):
            raise ValueError(
                f"only must be some of {', '.join((*QUESTIONS, STUDY))}, separated by commas, got {name!r}"
            )
    return tuple(name for name in QUESTIONS if name in chosen)
