"""What the commands of this package share: flags by tyro, and one line with exit status 2 for a user's mistake."""

import contextlib
import dataclasses
import io
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, get_type_hints

import tyro

T = TypeVar("T")

_BOX = re.compile(r"[─-╿]+")  # the frame that tyro draws around its messages
_HEADING = re.compile(
    r"^(Value error|Unrecognized options|Required options|Invalid choice) (Error parsing (config: )?)?"
)
_ADVICE = re.compile(r"\s*(Argument helptext: .*)?For full helptext,.*$")


class UsageError(ValueError):
    """A command line that cannot be understood."""


def parse(target: type[T], *, prog: str, arguments: Sequence[str] | None = None) -> T:
    """Read flags into a dataclass with tyro; underscores and hyphens are both accepted.

    Parameters
    ----------
    target : dataclass
        What tyro fills; its docstring and those of its fields are the help text.
    prog : str
        Shown in the help text, e.g. ``"python -m udrl_explain.train"``.
    arguments : sequence of str, optional
        Instead of ``sys.argv[1:]``.

    Raises
    ------
    UsageError
        One line for flags or values that do not fit.
    SystemExit
        With status 0 after ``--help``.
    """
    complaint = io.StringIO()
    words_given = _switches_without_values(sys.argv[1:] if arguments is None else arguments, _switches(target))
    try:
        with contextlib.redirect_stderr(complaint):
            return tyro.cli(target, prog=prog, args=words_given, config=(tyro.conf.OmitArgPrefixes,))
    except SystemExit as stop:
        if stop.code in (0, None):
            raise
        words = " ".join(_BOX.sub(" ", complaint.getvalue()).split())
        words = _HEADING.sub("", _ADVICE.sub("", words)) or "the command line could not be read"
        raise UsageError(f"{words.rstrip('.')}; see {prog} --help") from None


def _switches(target: type[Any]) -> set[str]:
    """Names of the settings that are true or false, also those of dataclasses inside."""
    names = set()
    for name, kind in get_type_hints(target).items():
        if kind is bool:
            names.add(name)
        elif isinstance(kind, type) and dataclasses.is_dataclass(kind):
            names |= _switches(kind)
    return names


def _switches_without_values(arguments: Sequence[str], switches: set[str]) -> list[str]:
    """Turn ``--save_policy false`` and ``--save-policy=false`` into ``--no-save-policy``, the form that tyro knows."""
    words: list[str] = []
    for argument in arguments:
        flag, equals, value = argument.partition("=")
        if not equals and words:
            flag, value = words[-1], argument
        if flag[2:].replace("-", "_") in switches and flag[:2] == "--" and value.lower() in ("true", "false"):
            if not equals:
                words.pop()
            words.append(flag if value.lower() == "true" else f"--no-{flag[2:]}")
        else:
            words.append(argument)
    return words


def run_main(prog: str, main: Callable[[], int]) -> int:
    """Run a command; turn a user's mistake into one line on stderr.

    Parameters
    ----------
    prog : str
        Stands in front of the line.
    main : callable
        Returns the exit status.

    Returns
    -------
    int
        What `main` returns; 2 after a mistake (bad value, unreadable or missing file, full disk) or Ctrl-C.
    """
    try:
        return main()
    except (ValueError, OSError, ImportError) as fault:
        return _complain(prog, str(fault))
    except KeyboardInterrupt:
        return _complain(prog, "interrupted; nothing was kept of what was not finished")


def _complain(prog: str, message: str) -> int:
    sys.stderr.write(f"{prog}: error: {' '.join(message.split())}\n")
    return 2
