"""What a player can be asked for: the flags of ``python -m udrl_explain.player``, checked when they are made."""

from dataclasses import dataclass
from pathlib import Path

import tyro


@dataclass(frozen=True)
class PlayerOptions:
    """Write one page per environment in which a reader commands the agent and sees why it acts.

    Raises
    ------
    ValueError
        Naming the flag, what is allowed and what was given.
    """

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Environment folders (data/CartPole-v0), experiments or runs. Of an experiment the page holds the lowest seed;
    runs that are named one by one are all held."""
    output: Path = Path("reports")
    """Folder that receives <name>/player.html, beside the report of the same runs; or a file that ends in .html."""
    gif: Path | None = None
    """Draw one episode of one run for slides instead, into this .gif: the environment's own picture and the Shapley
    values of the action taken."""
    runs_per_experiment: int = 1
    """Runs of each experiment, the lowest seeds first."""
    most_runs: int = 3
    """Runs held at most, where they are not named one by one."""
    start_seeds: int = 100
    """Starts to choose from, environment seeds 0, 1, ... (CartPole, Acrobot and MountainCar, which the page
    simulates)."""
    background: int | None = None
    """Training rows that Shapley values average over; where there are more, those that stand for all best (support
    points). Default: 200; of a net with eight inputs or more fewer, so that a browser answers within a second."""
    returns: int = 5
    """Desired returns at which episodes are recorded (environments that the page cannot simulate)."""
    horizons: int = 3
    """Desired horizons at which they are; one where the policy's training met only one."""
    recorded_seeds: int = 3
    """Environment seeds of the recorded episodes, 0, 1, ..."""
    seed: int = 0
    """Seed of everything drawn: rows of the self-check, candidates for a background; with --gif, the environment's."""
    trust_environment: bool = False
    """Import the package that a run's env_name names (package:Env-v0); it runs that package's code."""

    def __post_init__(self) -> None:
        if not self.runs:
            raise ValueError("runs must name at least one environment folder, experiment or run")
        least = {
            "runs_per_experiment": 1, "most_runs": 1, "start_seeds": 1, "background": 1, "returns": 1, "horizons": 1,
            "recorded_seeds": 1, "seed": 0,
        }  # fmt: skip
        for name, lowest in least.items():
            value = getattr(self, name)
            if value is not None and value < lowest:
                raise ValueError(f"{name} must be at least {lowest}, got {value}")
        if self.gif is not None and self.gif.suffix.lower() != ".gif":
            raise ValueError(f"gif must name a file that ends in .gif, got {self.gif}")
