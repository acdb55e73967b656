"""Where a report is put together: tables written, figures drawn from the written tables, probes chosen once."""

import json
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from udrl_explain.attributions import Coalitions, coalitions
from udrl_explain.attributions.enumeration import LEAST_BACKGROUND, MAX_ENUMERATED
from udrl_explain.command_space.collinearity import CommandCollinearity
from udrl_explain.command_space.support import CommandSupport
from udrl_explain.figures.choices import RUNS
from udrl_explain.figures.drawn_files import FigureTask, draw_files
from udrl_explain.files.csv import PORTABLE_DIGITS, rounded
from udrl_explain.parallel import Beside
from udrl_explain.policies import ForestPolicy, NeuralPolicy, Policy, is_mean_of_trees
from udrl_explain.probes import STRATIFIED, Probes, choose_probes
from udrl_explain.report.gather import Experiment, ReportScope
from udrl_explain.report.options import ReportOptions
from udrl_explain.report.page.render import Picture, Promised, TableBlock
from udrl_explain.runs.run import Run
from udrl_explain.statistics.support_points import support_points
from udrl_explain.tables import write_csv, write_dat

TABLES, FIGURES = "tables", "figures"
JOINED_PER_ROW = 1 << 13
"""Background rows where every coalition is evaluated: nets take as many as make so many joined rows of each explained
one, other estimators the least; forests average over all."""


@dataclass(eq=False)
class ReportContext:
    """The tools and the place of one report.

    Parameters
    ----------
    scope : ReportScope
    options : ReportOptions
    folder : Path
        Receives ``tables/`` and ``figures/``.
    beside : Beside
        Draws the figures.
    timings : dict
        Seconds by part, filled in as they pass.
    """

    scope: ReportScope
    options: ReportOptions
    folder: Path
    beside: Beside
    timings: dict[str, float] = field(default_factory=dict)
    _probes: dict[Path, Probes] = field(default_factory=dict)
    _known: dict[Path, Coalitions] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in (TABLES, FIGURES):
            (self.folder / name).mkdir(exist_ok=True)

    @property
    def explained(self) -> tuple[Experiment, ...]:
        """Experiments whose shown run has a policy and final episodes."""
        return tuple(e for e in self.scope.experiments if e.shown.has_policy and e.shown.n_final and e.shown.episodes)

    def only(self, runs: Collection[Run], folder: Path | None = None) -> "ReportContext":
        """Return the same tools for some of the runs, and for another folder where one is given."""
        return replace(self, scope=self.scope.only(runs), folder=folder or self.folder)

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Add the seconds of the block to `timings`."""
        start = time.perf_counter()
        yield
        self.timings[part] = self.timings.get(part, 0.0) + time.perf_counter() - start

    def table(
        self,
        stem: str,
        frame: pd.DataFrame,
        title: str,
        caption: str,
        *,
        downloads: Sequence[str] = (),
        max_rows: int = 20,
        columns: Sequence[str] | None = None,
        dat: bool = False,
        experiment: Experiment | None = None,
    ) -> TableBlock:
        """Write ``tables/<stem>.csv``, with `dat` also for pgfplots, and give its place on the page.

        With the `experiment` that it is about, the page can leave it out.
        """
        self.data(stem, frame)
        if dat:
            write_dat(rounded(frame), self.folder / TABLES / f"{stem}.dat", provenance={"runs": self.run_hashes})
            downloads = (*downloads, f"{TABLES}/{stem}.dat")
        label = experiment.label if experiment is not None else ""
        return TableBlock(f"{TABLES}/{stem}.csv", title, caption, tuple(downloads), max_rows, columns, label)

    def data(self, stem: str, frame: pd.DataFrame) -> str:
        """Write ``tables/<stem>.csv`` and return its path relative to the report."""
        write_csv(frame, self.folder / TABLES / f"{stem}.csv", digits=PORTABLE_DIGITS)
        return f"{TABLES}/{stem}.csv"

    def pictures(
        self,
        stem: str,
        titles: dict[str, str],
        how_to_read: str,
        *,
        experiment: Experiment | None = None,
        detail: str = "",
    ) -> list[Promised]:
        """Have drawn what the written table `stem` shows, in every format, by whoever draws while the report goes on.

        Parameters
        ----------
        stem : str
            Of a table that stands already, with its companions: they are not written again.
        titles : dict
            Title by name of the figure; "" is the title of every figure not named.
        how_to_read : str
            One sentence.
        experiment : Experiment, optional
            The one that it is about. Pictures of one title and different experiments stand side by side.
        detail : str
            What else sets it apart from those, e.g. the episode. The seed is said by itself.

        Returns
        -------
        list of Promised
            One, which stands for all figures of the table.
        """
        label = experiment.label if experiment is not None else ""
        if experiment is not None:
            detail = ", ".join(filter(None, (shown_words(experiment), detail)))
        task = FigureTask(
            self.folder / TABLES / f"{stem}.csv",
            self.folder / FIGURES,
            self.options.style,
            self.options.suffixes,
            titles,
            self.run_hashes,
            ", ".join(filter(None, (label, detail))),
        )
        drawn = self.beside.begin(draw_files, task)
        others = [suffix for suffix in self.options.suffixes if suffix != "png"]

        def wait() -> list[Picture]:
            return [
                Picture(
                    f"{FIGURES}/{figure.name}.png",
                    figure.title,
                    how_to_read,
                    (*(f"{FIGURES}/{figure.name}.{suffix}" for suffix in others), f"{TABLES}/{stem}.csv"),
                    figure.alt,
                    label,
                    detail,
                )
                for figure in drawn()
            ]

        return [Promised(wait)]

    @property
    def run_hashes(self) -> str:
        """Short hashes of the run folders, for the figures' metadata."""
        return ", ".join(f"{folder} sha256:{digest[:12]}" for folder, digest in self.scope.hashes.items())

    def record_runs(self) -> None:
        """Write beside the tables what they were made of, for figures that are drawn from them later."""
        record = json.dumps({"runs": self.scope.hashes}, indent=2, ensure_ascii=False) + "\n"
        (self.folder / TABLES / RUNS).write_text(record, encoding="utf-8")

    def probes(self, run: Run) -> Probes:
        """Rows of a run to explain, chosen once per report."""
        if run.directory not in self._probes:
            self._probes[run.directory] = choose_probes(run, seed=self.options.seed, n_jobs=self.options.n_jobs)
        return self._probes[run.directory]

    def support(self, run: Run) -> CommandSupport:
        """Commands of the rows of a run's last fit: which are called seen. Only of a policy that takes a command."""
        support = self.probes(run).support
        assert support is not None  # sections that ask get no other runs, see `report.answers`
        return support

    def background(self, run: Run) -> NDArray[np.float64]:
        """Rows that missing inputs are drawn from: all of the last fit, or, where each costs much, a few for all.

        These are support points, in the order of the fit; the report's seed counts only where there are very many rows.
        """
        rows = run.training_inputs
        wanted = n_standing(run.policy)
        if isinstance(run.policy, ForestPolicy) or len(rows) <= wanted:
            return rows
        return rows[support_points(rows, wanted, self.options.seed)]

    def known(self, run: Run) -> Coalitions | NDArray[np.float64]:
        """What stands for missing inputs of a run's stratified probes, for whoever explains just these rows.

        Where every coalition is evaluated, the coalitions of these rows, valued once for all sections; else
        :meth:`background`.
        """
        policy = run.policy
        if policy is None or is_mean_of_trees(policy) or policy.n_features > MAX_ENUMERATED:
            return self.background(run)
        stored = self._known.get(run.directory)
        if stored is None or stored.policy is not policy:  # a run that was let go and read again has another one
            probes = self.probes(run)
            rows = probes.inputs[probes.of_kind(STRATIFIED)]
            known = coalitions(policy, rows, self.background(run), n_jobs=self.options.n_jobs)
            if not any(run is experiment.shown for experiment in self.scope.experiments):
                return known  # other sections explain the shown runs only
            self._known[run.directory] = known
        return self._known[run.directory]

    def background_note(self) -> str:
        """What the page says of the backgrounds of all experiments, in a sentence."""
        words = (f"{experiment.label}: {self.background_words(experiment.shown)}" for experiment in self.explained)
        return f"Missing inputs are drawn from the last fit's rows ({'; '.join(words)})."

    def background_words(self, run: Run) -> str:
        """What the page says of :meth:`background`."""
        n_rows, n_all = len(self.background(run)), len(run.training_inputs)
        return (
            f"all {n_all} rows"
            if n_rows == n_all
            else f"{n_rows} of {n_all} rows, which stand for all (support points)"
        )


def n_standing(policy: Policy | None) -> int:
    """How many background rows stand for all of a policy that is evaluated on every coalition."""
    if isinstance(policy, NeuralPolicy):
        return max(LEAST_BACKGROUND, JOINED_PER_ROW >> policy.n_features)
    return LEAST_BACKGROUND


def tied_words(collinear: Sequence[tuple[str, CommandCollinearity]], rows: str) -> list[str]:
    """One caution about all experiments in whose rows the two commands move together; none where there is no such."""
    if not collinear:
        return []
    said = ", ".join(f"{label} r = {tied.correlation:.3f}" for label, tied in collinear)
    return [
        f"Desired return and desired horizon move together in {rows} ({said}): credit cannot be split between them, "
        "read the command pair instead."
    ]


def shown_words(experiment: Experiment) -> str:
    """Seed of the run whose single decisions are shown, and that it is the lowest where there are several."""
    seed = f"seed {experiment.shown.config.seed}"
    return f"{seed}, the lowest" if len(experiment.runs) > 1 else seed


def with_columns(frame: pd.DataFrame, **columns: object) -> pd.DataFrame:
    """Copy of a frame with constant columns in front."""
    front = pd.DataFrame({name: [value] * len(frame) for name, value in columns.items()}, index=frame.index)
    return pd.concat([front, frame], axis=1)
