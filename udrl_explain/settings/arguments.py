"""Arguments of an estimator as text, ``name=value``: the form of the command line and of ``conf.json``."""

import ast
from collections.abc import Mapping, Sequence
from typing import Any

_RESERVED = {
    "random_state": "the seed decides it",
    "n_jobs": "results do not depend on it",
    "warm_start": "every fit starts anew, a net goes on",
    "batch_size": "rows_per_episode and max_rows decide it",
    "class_weight": "it would change the probabilities of actions",
}
_WORDS = {"true": True, "false": False, "none": None}


def canonical_arguments(name: str, value: Any) -> tuple[str, ...] | None:
    """Arguments in their one form: ``name=value`` texts sorted by name.

    Parameters
    ----------
    name : str
        The setting, for messages.
    value : mapping, sequence of str or None

    Raises
    ------
    ValueError
        If a text is not ``name=value``, a name stands twice or belongs to another setting.
    """
    if value is None:
        return None
    if isinstance(value, Mapping):
        value = [f"{key}={item}" for key, item in value.items()]
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(text, str) for text in value):
        raise ValueError(f"{name} must be texts of the form name=value, got {value!r}")
    texts: dict[str, str] = {}
    for text in value:
        key, equals, item = (part.strip() for part in text.partition("="))
        if not equals or not key.isidentifier() or not item or not item.isprintable():
            raise ValueError(f"{name} must be texts of the form name=value, got {text!r}")
        if key in texts:
            raise ValueError(f"{name} holds {key!r} twice")
        if key in _RESERVED:
            raise ValueError(f"{name} cannot hold {key!r}: {_RESERVED[key]}")
        texts[key] = _text(plain_value(item))
    return tuple(f"{key}={texts[key]}" for key in sorted(texts))


def argument_values(arguments: Sequence[str]) -> dict[str, Any]:
    """Values by name of canonical arguments."""
    return {key: plain_value(item) for key, _, item in (text.partition("=") for text in arguments)}


def plain_value(text: str) -> Any:
    """Value that a text spells: true, false, none, a number, a tuple; else the text itself."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else repr(value)
