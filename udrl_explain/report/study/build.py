"""Write the tables and figures of a study into ``study/``, and its page."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from udrl_explain.files.atomic import folder_written_whole, write_text_whole
from udrl_explain.parallel import Beside
from udrl_explain.report.context import TABLES, ReportContext
from udrl_explain.report.gather import ReportScope
from udrl_explain.report.options import ReportOptions
from udrl_explain.report.page.index import IndexEntry
from udrl_explain.report.page.render import Picture, Promised
from udrl_explain.report.page.study import StudyPage, StudyTable, render_study
from udrl_explain.report.study.findings import study_findings
from udrl_explain.report.study.material import StudyMaterial
from udrl_explain.report.study.tables import (
    coverage_words,
    obedience_rows,
    seeds_words_of,
    shown_rows,
    write_markdown,
    write_obedience_latex,
    write_study_latex,
)
from udrl_explain.studying.records import DONE

FOLDER = "study"
MANIFEST = "manifest.json"
_OBEDIENCE = "obedience_over_seeds"
_CAPTION = (
    "One row per experiment, each seed one observation: the mean return of its final episodes. In brackets the 95 % "
    "interval of the mean for other training seeds (none where there is one seed, or all agree); interquartile mean; "
    "standard deviation between seeds, and of one seed's episodes; the band from the lowest to the highest seed, and "
    "the share of all seeds that it covers at least with 95 % confidence. Bold is only what beats every other "
    "experiment of its environment in exact rank-sum tests, p < 0.05 after Holm's correction over all comparisons of "
    "the study."
)
_OBEDIENCE_CAPTION = (
    "How experiments obey: slope (1 full obedience, 0 none) and mean error in reward of the mean return achieved under "
    "each command against the return asked for; means over seeds. Each run was asked for 15 returns, from the 5 % "
    "quantile of what its training achieved to a quarter of that range beyond the best. A policy that obeys fully up "
    "to that best, and achieves it under every higher command, has a slope of 0.88 and an error of 3 % of the range."
)


def build_study(
    material: StudyMaterial,
    options: ReportOptions,
    entries: Sequence[IndexEntry],
    *,
    beside: Beside,
    problems: Sequence[tuple[str, str]],
    provenance: Mapping[str, str],
) -> Path:
    """Write ``study/`` and ``index.html`` into the folder of the reports.

    Parameters
    ----------
    material : StudyMaterial
    options : ReportOptions
    entries : sequence of IndexEntry
        The reports that the page leads to; their files lie in the same folder.
    beside : Beside
        Draws the figures.
    problems : sequence of (str, str)
        Runs that the reports left out.
    provenance : mapping
        Command and versions.

    Returns
    -------
    Path
        The page.
    """
    comparison, obedience, digest = material.comparison, material.obedience, material.digest
    returns, obeyed = shown_rows(comparison), obedience_rows(obedience)
    with folder_written_whole(options.output / FOLDER, overwrite=True, marker=MANIFEST) as folder:
        context = ReportContext(ReportScope(FOLDER, "", (), (), {"study.csv": digest}), options, folder, beside)
        try:
            promised = {env_name: _pictures(material, env_name, context) for env_name in material.environments}
            pictures = {
                env_name: [_below(picture) for part in parts for picture in part.wait()]
                for env_name, parts in promised.items()
            }
        finally:
            beside.leave()  # nobody writes there any more
        write_markdown(returns, folder / TABLES / "study.md")
        write_study_latex(comparison, folder / TABLES / "study.tex", digest=digest)
        if len(obeyed):
            write_markdown(obeyed, folder / TABLES / f"{_OBEDIENCE}.md")
            latex = folder / TABLES / f"{_OBEDIENCE}.tex"
            write_obedience_latex(obedience, latex, caption=_OBEDIENCE_CAPTION, digest=digest)
            context.data(_OBEDIENCE, obedience)
        context.data("seed_comparison", comparison.to_frame())
        context.data("improvement", comparison.improvement_frame())
        context.record_runs()
        manifest = {
            **provenance,
            "seed": options.seed,
            "style": options.style,
            "study.csv": digest,
            "files": sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()),
        }
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    page = StudyPage(
        f"Study: {_listed(material.environments)}",
        material.counted(),
        StudyTable(
            "Final returns",
            returns,
            f"{_CAPTION} {coverage_words(comparison)}".strip(),
            _tables("study.tex", "study.md", "seed_comparison.csv", "improvement.csv"),
        ),
        StudyTable(
            "Obedience",
            obeyed,
            _OBEDIENCE_CAPTION,
            _tables(*(f"{_OBEDIENCE}.{kind}" for kind in ("tex", "md", "csv"))) if len(obeyed) else [],
        ),
        study_findings(comparison),
        pictures,
        _unfinished(material),
        {
            **provenance,
            "study.csv": f"sha256 {digest}",
            "seeds": seeds_words_of(comparison),
            "intervals": comparison.method,
        },
    )
    html = render_study(page, entries, options.output, problems=problems, n_jobs=options.n_jobs)
    return write_text_whole(html, options.output / "index.html")


def _tables(*names: str) -> list[str]:
    return [f"{FOLDER}/{TABLES}/{name}" for name in names]


def _pictures(material: StudyMaterial, env_name: str, context: ReportContext) -> list[Promised]:
    comparison = material.comparison
    frames = {
        "seed_comparison": comparison.to_frame(),
        "seed_comparison_by_seed": comparison.by_seed(),
        "improvement": comparison.improvement_frame(),
        "performance_profile": comparison.profile_frame(),
    }
    if material.efficiency is not None:
        frames["sample_efficiency"] = material.efficiency.to_frame()
    slug = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in env_name)
    here = {name: frame[frame["env_name"] == env_name] for name, frame in frames.items()}
    for name, frame in here.items():
        if len(frame):
            context.data(f"{name}-{slug}", frame)
    pictures: list[Promised] = []
    for name, title, how in _SHOWN:
        if len(here.get(name, ())):
            pictures += context.pictures(f"{name}-{slug}", {"": f"{title}, {env_name}"}, how)
    return pictures


_SHOWN = (
    (
        "seed_comparison",
        "Final returns",
        "Large dots are means, bars their 95 % intervals for other training seeds, small dots the seeds, diamonds "
        "published means.",
    ),
    (
        "improvement",
        "Probability of improvement",
        "How often a seed of the row's experiment returns more than one of the column's, in per cent; ties count half.",
    ),
    (
        "performance_profile",
        "Performance profiles",
        "The share of seeds whose mean final return lies above each return; the higher line is better there.",
    ),
    (
        "sample_efficiency",
        "Return against environment steps",
        "Mean over the seeds of their latest test without exploration, with its 95 % interval for other seeds where "
        "few experiments share the picture.",
    ),
)


def _below(picture: Picture) -> Picture:
    """The picture as the page names it, which lies one folder higher."""
    files = tuple(f"{FOLDER}/{name}" for name in picture.downloads)
    return replace(picture, file=f"{FOLDER}/{picture.file}", downloads=files)


def _unfinished(material: StudyMaterial) -> list[tuple[str, str]]:
    if material.planned:
        left = [state for state in material.planned if state.state != DONE]
        return [(state.cell.name, f"{state.state}{f': {state.words}' if state.words else ''}") for state in left]
    failed = material.table[material.table["status"] != DONE]
    return [
        (f"{row['env_name']}/{row['experiment']}/{row['seed']}", f"failed: {row['reason']}")
        for row in failed.to_dict("records")
    ]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
