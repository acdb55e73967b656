"""What the commands of this package share: flags by tyro, answers, and one line for whatever goes wrong.

Standard output holds the answer alone, one path a line, for scripts to read; everything said to a person goes to
standard error.
"""

import contextlib
import dataclasses
import io
import os
import platform
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import tyro

from udrl_explain.self_check import SelfCheckError

T = TypeVar("T")

_BOX = re.compile(r"[─-╿]+")  # the frame that tyro draws around its messages
_HEADING = re.compile(
    r"^(Value error|Unrecognized options|Required options|Invalid choice) (Error parsing (config: )?)?"
)
# What tyro says of a flag whose default our own text names better: "(default: one per core)".
_NO_DEFAULT = re.compile(r"\(default:[ │\n]+(?:None|'')?[ │\n]*\)")
_ADVICE = re.compile(r"\s*(Argument helptext: .*)?For full helptext,.*$")


TRACEBACK = "UDRL_EXPLAIN_TRACEBACK"
"""Environment variable: where it is set, the line about a fault is followed by Python's traceback."""


class UsageError(ValueError):
    """A command line that cannot be understood."""


class _Shown(io.StringIO):
    """Help text on its way to standard output; tyro draws frames that the encoding there has."""

    encoding = ""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self.encoding = encoding


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
    complaint, shown = io.StringIO(), _Shown(sys.stdout.encoding)
    words_given = _switches_without_values(sys.argv[1:] if arguments is None else arguments, _switches(target))
    try:
        with contextlib.redirect_stderr(complaint), contextlib.redirect_stdout(shown):
            return tyro.cli(target, prog=prog, args=words_given, config=(tyro.conf.OmitArgPrefixes,))
    except SystemExit as stop:
        if stop.code in (0, None):
            _write_out(_with_one_default(shown.getvalue()))
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


def _with_one_default(help_text: str) -> str:
    """Take out ``(default: None)`` and ``(default: '')``, and the lines that nothing else stands on."""
    kept = []
    blanked = _NO_DEFAULT.sub(lambda found: re.sub(r"[^ │\n]", " ", found[0]), help_text)
    for before, after in zip(help_text.split("\n"), blanked.split("\n"), strict=True):
        if before == after or after.strip(" │"):
            kept.append(after)
    return "\n".join(kept)


def answer(prog: str, results: Sequence[Path | str], advice: str) -> None:
    """Print what a command made, one line each on standard output, and what to do next on standard error.

    The work is done and stored by then: where standard output is closed, full or a broken pipe, standard error says
    so and names the results, and nothing is raised.
    """
    lines = [str(result) for result in results]
    fault = _write_out("".join(f"{line}\n" for line in lines))
    if fault is not None:
        _say(f"{prog}: done, but standard output takes no answer ({fault}): {', '.join(lines)}")
    _say(advice)


def _write_out(text: str) -> OSError | None:
    """Write to standard output; a path that its encoding lacks is written as the file system spells it."""
    try:
        try:
            sys.stdout.write(text)
        except UnicodeEncodeError:
            sys.stdout.flush()
            sys.stdout.buffer.write(os.fsencode(text))
        sys.stdout.flush()
    except OSError as fault:
        _discard(sys.stdout)
        return fault
    return None


def _say(message: str) -> None:
    try:
        sys.stderr.write(f"{message}\n".encode(errors="backslashreplace").decode())
        sys.stderr.flush()
    except OSError:
        _discard(sys.stderr)


def _discard(stream: Any) -> None:
    """Send what a stream still holds nowhere, so that Python does not fail once more when it ends."""
    with contextlib.suppress(OSError), open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())


def run_main(prog: str, main: Callable[[], int]) -> int:
    """Run a command; turn a user's mistake, and a fault of this package, into one line on standard error.

    Parameters
    ----------
    prog : str
        Stands in front of the line.
    main : callable
        Returns the exit status.

    Returns
    -------
    int
        What `main` returns; 2 after a mistake (bad value, unreadable or missing file, full disk) or Ctrl-C; 1 after a
        fault of this package, with a line that asks to report it. Where the environment variable
        ``UDRL_EXPLAIN_TRACEBACK`` is set, Python's traceback follows.
    """
    # Python leaves None where the caller closed a stream.
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - open until the end
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    try:
        return main()
    except KeyboardInterrupt:
        return _complain(prog, "error: interrupted; nothing was kept of what was not finished", 2)
    except (ValueError, OSError, ImportError) as fault:
        return _complain(prog, f"error: {fault}", 2)
    except MemoryError as fault:
        return _complain(prog, f"error: not enough memory: {fault}", 2)
    except SelfCheckError as fault:
        return _complain(prog, _our_fault(str(fault)), 1)
    except Exception as fault:
        place = traceback.extract_tb(fault.__traceback__)[-1]
        where = f"{Path(place.filename).name}, line {place.lineno}"
        return _complain(prog, _our_fault(f"{type(fault).__name__}: {fault} ({where})"), 1)


def _our_fault(message: str) -> str:
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("udrl_explain", "numpy", "scikit-learn"))
    return (
        f"a fault of udrl_explain, not of yours: {message}. Please report this line ({versions}, Python "
        f"{platform.python_version()}, {sys.platform}); with {TRACEBACK}=1 it comes with a traceback"
    )


def _complain(prog: str, message: str, status: int) -> int:
    _say(f"{prog}: {' '.join(message.split())}")
    if os.environ.get(TRACEBACK):
        _say(traceback.format_exc().rstrip())
    return status
