"""What a study can be asked for: the flags of ``python -m udrl_explain.study``."""

import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from udrl_explain.studying.config import StudyConfig, read_study, settings_of_texts

_GRID = ("environments", "estimators", "recipes", "seeds", "settings", "limit_hours")


@dataclass(frozen=True)
class StudyOptions:
    """Train what is missing of a study: every environment with every estimator, recipe and seed.

    Each training is an ordinary run, <directory>/<env_name>/<experiment>/<seed>. What is there is left alone: the same
    command goes on after Ctrl-C, kill -9 or a reboot. What came of all of them stands in <directory>/study.csv.
    """

    config: Path | None = None
    """TOML file that describes the study, instead of the flags from --environments to --limit-hours."""
    environments: tuple[str, ...] | None = None
    """Gymnasium environments (default: CartPole-v0)."""
    estimators: tuple[str, ...] | None = None
    """'neural', or scikit-learn classifiers as module.Class (default: ensemble.RandomForestClassifier)."""
    recipes: tuple[str, ...] | None = None
    """'robust', 'paper' or both (default: robust)."""
    seeds: tuple[str, ...] | None = None
    """Training seeds or ranges of them (default: 0-9)."""
    settings: tuple[str, ...] | None = None
    """Other settings of the trainer for all trainings, as name=value with a space between them."""
    limit_hours: float | None = None
    """Stop a training after so many hours, looked at after every iteration, and list it so (default: no limit)."""
    directory: Path = Path("data")
    """Where runs are stored, and study.csv."""
    n_jobs: int | None = None
    """Processes of this machine (default: one per core)."""
    backend: Literal["loky", "dask"] = "loky"
    """Who trains: 'loky', processes of this machine, or 'dask', the workers of a scheduler."""
    scheduler: str | None = None
    """Address of the Dask scheduler, tcp://host:port; its workers must see the directory."""
    shard: str = "1/1"
    """Only a part of the study: 3/16 is the third of sixteen."""
    retry: bool = False
    """Train again what failed, or was stopped at its limit."""
    list_states: Annotated[bool, tyro.conf.arg(name="list")] = False
    """Print how far every training is, and train nothing."""
    collect: bool = False
    """Write study.csv of the runs that are there, also of those that other commands trained, and train nothing."""
    print_slurm: bool = False
    """Print a script for Slurm, one array job with a task for each of the parts that --shard names (by default 16),
    and train nothing."""

    def __post_init__(self) -> None:
        if self.config is not None:
            for name in _GRID:
                if getattr(self, name) is not None:
                    raise ValueError(
                        f"--config and --{name.replace('_', '-')} exclude each other: write it in the file"
                    )
        if (self.backend == "dask") != (self.scheduler is not None):
            raise ValueError("--backend dask and --scheduler ADDRESS belong together")
        alone = {"--list": self.list_states, "--collect": self.collect, "--print-slurm": self.print_slurm}
        if sum(alone.values()) > 1:
            raise ValueError(f"{' and '.join(flag for flag, given in alone.items() if given)} exclude each other")
        self.part_of()

    def study(self) -> StudyConfig:
        """Read or make the description of the study."""
        if self.config is not None:
            return read_study(self.config)
        given: dict[str, Any] = {name: getattr(self, name) for name in _GRID if getattr(self, name) is not None}
        if self.settings is not None:
            given["settings"] = settings_of_texts(self.settings)
        return StudyConfig(**given)

    def part_of(self) -> tuple[int, int]:
        """Read `shard` as two numbers.

        Raises
        ------
        ValueError
            Unless it is k/n with 1 <= k <= n.
        """
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", self.shard)
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            raise ValueError(f"shard must be k/n with 1 <= k <= n, for instance 3/16, got {self.shard!r}")
        return int(found[1]), int(found[2])

    def grid_flags(self) -> list[str]:
        """The flags that describe the study, to be given to another process."""
        flags = [] if self.config is None else ["--config", str(self.config)]
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name in _GRID and value is not None:
                flags.append(f"--{field.name.replace('_', '-')}")
                flags += map(str, value) if isinstance(value, tuple) else [str(value)]
        return flags
