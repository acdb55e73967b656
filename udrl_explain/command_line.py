"""What the commands of this package share: flags by tyro, and one line with exit status 2 for a user's mistake."""

import contextlib
import io
import re
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

import tyro

T = TypeVar("T")

_BOX = re.compile(r"[─-╿]+")  # the frame that tyro draws around its messages


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
    try:
        with contextlib.redirect_stderr(complaint):
            return tyro.cli(
                target,
                prog=prog,
                args=arguments,
                config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
            )
    except SystemExit as stop:
        if stop.code in (0, None):
            raise
        words = " ".join(_BOX.sub(" ", complaint.getvalue()).split())
        raise UsageError(words or "the command line could not be read") from None


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
