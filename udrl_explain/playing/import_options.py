"""What can be asked of ``python -m udrl_explain.import_paper``: its flags, checked when they are made."""

from dataclasses import dataclass
from pathlib import Path

import tyro

N_EPISODES = 100
N_BACKGROUND_EPISODES = 200


@dataclass(frozen=True)
class ImportOptions:
    """Make an ordinary run of a folder that the paper's own code wrote, its pickled forest included.

    The pickle is read by walking its opcodes: nothing that it names is imported or called. What the paper's code does
    not store (episodes, a sweep of commands, rows) is played with the policy.

    Raises
    ------
    ValueError
        Naming the flag, the rule and the value.
    """

    folder: tyro.conf.Positional[Path]
    """Folder with conf.json and policy.pkl, .../<env_name>/<experiment>/<seed>."""
    directory: Path = Path("data")
    """Where runs are stored."""
    experiment: str | None = None
    """Name of the experiment's folder (default: paper-, and the settings that differ from the defaults)."""
    env_name: str | None = None
    """Environment to play in, where the run's own no longer exists (LunarLander-v2: LunarLander-v3)."""
    episodes: int = N_EPISODES
    """Final episodes to play."""
    overwrite: bool = False
    """Replace a run that is there."""

    def __post_init__(self) -> None:
        if self.episodes < 1:
            raise ValueError(f"episodes must be at least 1, got {self.episodes}")
