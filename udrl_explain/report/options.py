"""What a report can be asked for: the flags of ``python -m udrl_explain.report``, checked when they are made."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from udrl_explain.figures.choices import FORMATS, check_style, checked_formats
from udrl_explain.report.questions import checked_questions


@dataclass(frozen=True)
class ReportOptions:
    """Explain stored runs: tables, figures and one page per environment.

    Raises
    ------
    ValueError
        Naming the flag, what is allowed and what was given.
    """

    runs: tyro.conf.Positional[Path]
    """An environment folder (data/CartPole-v0), an experiment, one run, or the whole of data."""
    output: Path = Path("reports")
    """Folder that receives one folder per environment."""
    only: str = ""
    """Sections to make, separated by commas (default: all): final_returns, action_shares, obedience, performance,
    importance, shapley, faithfulness, response, command_map, comparison, paths, timeline, distillation, stability,
    training_commands, learning. 'study': the page of a study, and no report."""
    formats: str = "pdf,png"
    """Files per figure, separated by commas: pdf, png, svg, pgf. The page shows the PNG, which is always written."""
    style: str = "text"
    """Width of the figures: icml (3.25 in), ieee (3.5 in), text (5.5 in), full (6.75 in) or slides (10 in)."""
    seed: int = 0
    """Seed of everything drawn: probes, permutations, bootstrap."""
    n_jobs: int | None = None
    """Threads, and processes that draw (default: one per core); the results do not depend on it."""

    def __post_init__(self) -> None:
        checked_questions(self.only)
        checked_formats(self.formats)
        check_style(self.style)
        if self.seed < 0:
            raise ValueError(f"seed must be at least 0, got {self.seed}")
        if self.n_jobs is not None and self.n_jobs < 1:  # `parallel` says the same, but must not be waited for here
            raise ValueError(f"n_jobs must be a whole number of at least 1, got {self.n_jobs}")

    @property
    def sections(self) -> tuple[str, ...]:
        """Sections to make, in the order of the page."""
        return checked_questions(self.only)

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Formats to write, the PNG always among them."""
        return tuple(name for name in FORMATS if name == "png" or name in checked_formats(self.formats))
