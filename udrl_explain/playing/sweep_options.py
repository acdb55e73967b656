"""What a sweep can be asked for: the flags of ``python -m udrl_explain.sweep``."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from udrl_explain.config import SWEEP_EPISODES


@dataclass(frozen=True)
class SweepOptions:
    """Ask the policy of a stored run for many commands and store what it achieves in the run folder."""

    run: tyro.conf.Positional[Path]
    """Folder of one run, data/<env_name>/<experiment>/<seed>."""
    returns: tuple[float, float, int] | None = None
    """Desired returns: lowest, highest (reward), number of levels."""
    horizons: tuple[float, float, int] | None = None
    """Desired horizons: lowest, highest (steps), number of levels. Sweeps the whole grid of returns and horizons into
    command_grid.csv; without it the horizon follows the training episodes, into command_sweep.csv."""
    episodes: int = SWEEP_EPISODES
    """Episodes per command."""
    seed: int | None = None
    """Seed of the environments (default: the run's, which repeats the stored sweep)."""
    trust_environment: bool = False
    """Import the package that the run's env_name names (package:Env-v0); it runs that package's code."""
