"""The tables of a study: rows for the page, for a paper (LaTeX, booktabs) and for a README (Markdown)."""

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from udrl_explain.analysis.seed_comparison import SeedComparison
from udrl_explain.files.atomic import write_text_whole
from udrl_explain.files.latex_tables import Estimate, write_latex
from udrl_explain.report.findings.finding import between, number, percent
from udrl_explain.report.page.study import headings_of
from udrl_explain.statistics.intervals import COVERAGE, SEEDS, coverage_note

HEADINGS = (
    "experiment", "seeds", "mean [95 %]", "median", "IQM", "sd between", "sd within", "lowest to highest", "covers",
    "published",
)  # fmt: skip
OBEDIENCE_HEADINGS = ("experiment", "seeds", "slope (lowest to highest)", "error (lowest to highest)")
_MOST_GROUPS = 4


def shown_rows(comparison: SeedComparison) -> pd.DataFrame:
    """Rows of text, columns `env_name`, `best` and :data:`HEADINGS`; experiments without a run have dashes."""
    frame, rows = comparison.to_frame(), []
    for (_, row), one in zip(frame.iterrows(), comparison.experiments, strict=True):
        some, several = row["n_seeds"] > 0, row["n_seeds"] > 1
        ends = between(row["low"], row["high"], 1)
        planned = len(one.group.runs)
        rows.append(
            (
                row["env_name"],
                bool(row["best"]),
                row["label"],
                str(row["n_seeds"]) if row["n_seeds"] == planned else f"{row['n_seeds']} of {planned}",
                (number(row["mean"], 1) + (f" [{ends}]" if ends else "")) if some else "–",
                number(row["median"], 1) if some else "–",
                number(row["iqm"], 1) if some else "–",
                number(row["std_between"], 1) if several else "–",
                number(row["std_within"], 1) if some else "–",
                between(row["lowest"], row["highest"], 1) if several else "–",
                f"≥ {percent(row['covered_share'])}" if several else "–",
                f"{number(row['published_mean'], 1)} ± {number(row['published_std'], 1)}"
                if pd.notna(row["published_mean"])
                else "",
            )
        )
    return pd.DataFrame(rows, columns=["env_name", "best", *HEADINGS])


def obedience_rows(obedience: pd.DataFrame) -> pd.DataFrame:
    """Rows of text for a frame of ``studying.obedience``, columns `env_name`, `best` and :data:`OBEDIENCE_HEADINGS`."""
    rows = [
        (
            row["env_name"],
            False,
            row["label"],
            str(row["n_seeds"]),
            *(_with_range(row, name, decimals) for name, decimals in (("slope", 2), ("mae", 1))),
        )
        for row in obedience.to_dict("records")
    ]
    return pd.DataFrame(rows, columns=["env_name", "best", *OBEDIENCE_HEADINGS])


def _with_range(row: Mapping[Hashable, Any], name: str, decimals: int) -> str:
    mean = number(row[name], decimals)
    ends = between(row[f"{name}_lowest"], row[f"{name}_highest"], decimals)
    return f"{mean} ({ends})" if row["n_seeds"] > 1 else mean


def write_markdown(rows: pd.DataFrame, path: Path) -> Path:
    """Write rows of text for a README: `env_name` first, the third cell of those marked `best` bold."""
    names = headings_of(rows)
    headings = ("environment", *names)
    lines = [f"| {' | '.join(headings)} |", f"|{' --- |' * len(headings)}"]
    for row in rows.to_dict("records"):
        cells = [str(row[name]) for name in names]
        if row["best"]:
            cells[2] = f"**{cells[2]}**"
        lines.append(f"| {row['env_name']} | {' | '.join(cells)} |")
    return write_text_whole("\n".join(lines) + "\n", path)


def write_study_latex(comparison: SeedComparison, path: Path, *, digest: str) -> Path:
    """Write the table for a paper; the caption names the seeds, the intervals and what bold means."""
    frame = comparison.to_frame()
    frame = frame[frame["n_seeds"] > 0]
    frame = frame.assign(published=_published(frame))
    caption = (
        "Final returns over training seeds: mean with its 95 % interval for other training seeds "
        f"({_methods(frame)}), median, interquartile mean, standard deviations between seeds and within one seed's "
        f"episodes. {coverage_words(comparison)} Bold: beats every other experiment of its environment, exact "
        f"rank-sum tests corrected by Holm over {comparison.n_comparisons} comparisons, p < 0.05. Seeds: "
        f"{seeds_words_of(comparison)}."
    )
    return write_latex(
        frame,
        path,
        caption=" ".join(caption.split()),
        label="tab:study",
        columns=[
            "env_name",
            "label",
            "n_seeds",
            Estimate("mean", "return [95 %]", interval=("low", "high"), decimals=1, bold="best"),
            "median",
            "iqm",
            "std_between",
            "std_within",
            "published",
        ],
        headings={
            "env_name": "environment", "label": "experiment", "n_seeds": "seeds", "iqm": "IQM",
            "std_between": "sd between", "std_within": "sd within",
        },
        decimals=1,
        provenance={"study.csv": f"sha256 {digest}"},
    )  # fmt: skip


def write_obedience_latex(obedience: pd.DataFrame, path: Path, *, caption: str, digest: str) -> Path:
    """Write the obedience of the experiments for a paper, means with the range of their seeds in brackets."""
    return write_latex(
        obedience,
        path,
        caption=f"{caption} In brackets the lowest and the highest seed.",
        label="tab:study-obedience",
        columns=[
            "env_name",
            "label",
            "n_seeds",
            Estimate("slope", "slope", interval=("slope_lowest", "slope_highest")),
            Estimate("mae", "error", interval=("mae_lowest", "mae_highest"), decimals=1),
        ],
        headings={"env_name": "environment", "label": "experiment", "n_seeds": "seeds"},
        provenance={"study.csv": f"sha256 {digest}"},
    )


def seeds_words_of(comparison: SeedComparison) -> str:
    """Which seeds stand behind the rows: ``0-9 (CartPole-v0 random forest, ...); 0-2 (...)``, summed up if many."""
    groups: dict[str, list[str]] = {}
    for one in comparison.experiments:
        if one.evaluated:
            words = ranges([run.config.seed for run in one.evaluated])
            groups.setdefault(words, []).append(f"{one.group.env_name} {one.group.label}")
    if len(groups) == 1:
        return next(iter(groups))
    if len(groups) > _MOST_GROUPS:
        every = {run.config.seed for one in comparison.experiments for run in one.evaluated}
        return f"those of {ranges(list(every))} that are done, counted in each row and listed in study.csv"
    return "; ".join(f"{words} ({', '.join(names)})" for words, names in groups.items())


def ranges(seeds: Sequence[int]) -> str:
    """``0-4, 7``."""
    parts: list[list[int]] = []
    for seed in sorted(seeds):
        if parts and seed == parts[-1][1] + 1:
            parts[-1][1] = seed
        else:
            parts.append([seed, seed])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


def coverage_words(comparison: SeedComparison) -> str:
    """What intervals of so few seeds as the fewest here (of three or more) cover in simulation; may be empty."""
    counts = [len(one.evaluated) for one in comparison.experiments if len(one.evaluated) >= min(COVERAGE)]
    return coverage_note(min(counts), SEEDS) if counts else ""


def _methods(frame: pd.DataFrame) -> str:
    """How the intervals were made, of those rows that have one."""
    made = frame["method"][frame["low"].notna()]
    return "; ".join(dict.fromkeys(str(method).rsplit(": ", 1)[-1] for method in made)) or "none: too few seeds"


def _published(frame: pd.DataFrame) -> list[str]:
    return [
        f"{row['published_mean']:.1f} ± {row['published_std']:.1f}" if pd.notna(row["published_mean"]) else "–"
        for _, row in frame.iterrows()
    ]
