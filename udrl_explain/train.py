"""Train a UDRL policy and store the run: ``python -m udrl_explain.train``."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from udrl_explain.command_line import answer, parse, run_main
from udrl_explain.config import TrainConfig

PROG = "python -m udrl_explain.train"


@dataclass(frozen=True)
class TrainOptions:
    """Train a UDRL policy and store the run as <directory>/<env_name>/<experiment>/<seed>."""

    config: TrainConfig
    directory: Path = Path("data")
    """Where runs are stored."""
    experiment: str | None = None
    """Name of the experiment's folder (default: made of the settings that differ from the defaults)."""
    overwrite: bool = False
    """Replace a run that is there."""
    n_jobs: int | None = None
    """Threads that fit the trees of a forest (default: one per core); the run does not depend on it."""

    def __post_init__(self) -> None:
        if self.n_jobs is not None and self.n_jobs < 1:  # `parallel` says the same, but must not be waited for here
            raise ValueError(f"n_jobs must be a whole number of at least 1, got {self.n_jobs}")


def main() -> int:
    """Command line of the trainer."""
    options = parse(TrainOptions, prog=PROG)
    # Heavy imports wait until the flags are read: --help answers at once.
    from udrl_explain.training.loop import train_policy

    run = train_policy(
        options.config,
        options.directory,
        experiment=options.experiment,
        overwrite=options.overwrite,
        progress=True,
        n_jobs=options.n_jobs,
    )
    folder = run.directory
    answer(
        PROG,
        [folder],
        f"{run}\nStored in {folder}. Next, explain it: python -m udrl_explain.report {shlex.quote(str(folder))}",
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(run_main(PROG, main))
