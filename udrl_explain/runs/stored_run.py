"""Runs whose large parts stay on disk until they are asked for: what looks at many runs holds a few of them."""

from collections import OrderedDict
from pathlib import Path
from typing import Any

from udrl_explain.runs.loading import load_run
from udrl_explain.runs.places import folder_hash
from udrl_explain.runs.run import Run

LARGE = ("policy", "training_inputs", "training_actions", "training_commands", "episodes")
HELD = 16
"""Runs whose large parts are held at a time."""


class StoredRun(Run):
    """A run that was read once; its large parts are read again where they were let go.

    Raises
    ------
    ValueError
        Wherever a part is asked for whose folder holds something else by now.
    """

    @property
    def has_policy(self) -> bool:
        """Whether there is a policy; it is not read for that."""
        return "policy" not in vars(self)

    def __getattr__(self, name: str) -> Any:
        # Only where the usual way finds nothing.
        if name not in LARGE:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return vars(self)["_held"].parts_of(self)[name]


class HeldRuns:
    """The large parts of the runs that were asked for last.

    Parameters
    ----------
    most : int
        Runs held.
    """

    def __init__(self, most: int = HELD) -> None:
        self._most = most
        self._parts: OrderedDict[Path, dict[str, Any]] = OrderedDict()

    def read(self, folder: Path) -> tuple[StoredRun, str]:
        """Read a run, whole and checked, and the hash of its folder.

        Raises
        ------
        FileNotFoundError, ValueError
            As :func:`~udrl_explain.runs.loading.load_run`.
        """
        digest = folder_hash(folder)
        run = load_run(folder)
        values = vars(run) | {"final_returns": run.final_returns}  # made from the episodes once, and kept
        # What is not there needs no room, and is not looked for again.
        large = {name for name in LARGE if values[name] is not None and (name == "policy" or len(values[name]))}
        parts = {name: value for name, value in values.items() if name in large}
        rest = {name: value for name, value in values.items() if name not in large}
        stored = object.__new__(StoredRun)
        vars(stored).update(rest, _held=self, _hash=digest)
        self._keep(folder, parts)
        return stored, digest

    def parts_of(self, run: StoredRun) -> dict[str, Any]:
        """Large parts of a run, from its folder where they are not held any more."""
        folder = run.directory
        if folder not in self._parts:
            if folder_hash(folder) != vars(run)["_hash"]:
                raise ValueError(f"{folder}: was changed while it was looked at")
            again = load_run(folder)
            self._keep(folder, {name: getattr(again, name) for name in LARGE})
        self._parts.move_to_end(folder)
        return self._parts[folder]

    def _keep(self, folder: Path, parts: dict[str, Any]) -> None:
        self._parts[folder] = parts
        while len(self._parts) > self._most:
            self._parts.popitem(last=False)
