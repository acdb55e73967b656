"""What can be asked of ``python -m udrl_explain.performance``: its flags, checked when they are made."""

from dataclasses import dataclass
from pathlib import Path

import tyro

N_EPISODES = 20


@dataclass(frozen=True)
class PerformanceOptions:
    """Play episodes in which the agent knows some of its inputs only, for all coalitions, and store the returns.

    What an agent does not know is averaged over the rows of its last fit at every step. The answer, performance.csv in
    the run folder, is what the return owed to each input is computed from. An interrupted command goes on where it
    stopped. Of a folder with several runs, those are played that have no answer yet.

    Raises
    ------
    ValueError
        Naming the flag, the rule and the value.
    """

    run: tyro.conf.Positional[Path]
    """Folder of one run, data/<env_name>/<experiment>/<seed>, or of several."""
    groups: tuple[str, ...] = ()
    """Inputs that are known together: state command, or names joined by commas (default: every input by itself).
    Costs 2^groups times the episodes."""
    episodes: int = N_EPISODES
    """Episodes per coalition, all coalitions on the same environment seeds."""
    background: int = 0
    """Rows of the last fit to average over, those that stand for all best (more than 2,048 but not all: at random); 0
    takes all of them for forests, and 64 for every other policy."""
    seed: int | None = None
    """Seed of the environments, and of a background drawn at random (default: the run's)."""
    n_jobs: int | None = None
    """Processes (default: one per core); the results do not depend on it."""
    overwrite: bool = False
    """Of a folder with several runs, play those again that have their answer."""
    trust_environment: bool = False
    """Import the package that the run's env_name names (package:Env-v0); it runs that package's code."""

    def __post_init__(self) -> None:
        for name, least in (("episodes", 1), ("background", 0), ("seed", 0), ("n_jobs", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"{name} must be at least {least}, got {value}")
