"""The page of a study is made of its table alone, and says honestly what is missing."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from PIL import Image
from study_helpers import row_of

from udrl_explain.analysis.seed_comparison import seed_comparison
from udrl_explain.figures.__main__ import FigureOptions, redraw
from udrl_explain.parallel import Beside
from udrl_explain.report.options import ReportOptions
from udrl_explain.report.page.index import IndexEntry
from udrl_explain.report.study.build import build_study
from udrl_explain.report.study.findings import study_findings
from udrl_explain.report.study.material import study_material
from udrl_explain.report.study.tables import ranges, shown_rows, write_markdown
from udrl_explain.studying.config import StudyConfig, read_study
from udrl_explain.studying.records import CURVE_COLUMNS, table_of
from udrl_explain.studying.table import RecordedRun, RecordedSettings
from udrl_explain.tables import read_csv, write_csv

PLAN = """
environments = ["CartPole-v0", "Acrobot-v1"]
estimators = ["ensemble.RandomForestClassifier", "neural"]
recipes = ["robust", "paper"]
seeds = ["0-5"]
"""
# Mean return of each seed that is done, by environment, estimator and recipe.
DONE = {
    ("CartPole-v0", "neural", "robust"): [200, 199.5, 199, 198, 199.9, 198.5],
    ("CartPole-v0", "neural", "paper"): [150, 151, 152, 153, 154, 155],
    ("CartPole-v0", "ensemble.RandomForestClassifier", "robust"): [120, 121, 122, 123, 124, 125],
    ("CartPole-v0", "ensemble.RandomForestClassifier", "paper"): [90, 91, 92, 93, 94, 95],
    ("Acrobot-v1", "neural", "robust"): [-80, -120],
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder with a plan, ``study.csv`` and ``study_curves.csv``, and no run."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "study.toml").write_text(PLAN, encoding="utf-8")
    rows, curves = [], []
    for cell in read_study(folder / "study.toml").cells():
        config = cell.config
        means = DONE.get((config.env_name, config.estimator_name, config.recipe), [])
        if config.seed < len(means):
            mean = float(means[config.seed])
            swept = {"obedience_slope": 0.5 + config.seed / 10, "obedience_mae": 10.0 * (1 + config.seed)}
            rows.append(
                row_of(cell, status="done", return_mean=mean, return_std=2.0, n_episodes=100, steps=900, **swept)
            )
            curves += [
                (config.env_name, cell.experiment, config.seed, step, 100 * step, mean / step) for step in (1, 2, 3)
            ]
        elif means and config.seed == len(means):
            rows.append(row_of(cell, status="failed", reason="stopped after 1 h: 3 of 500 iterations, 77 steps"))
    write_csv(table_of(rows), folder / "study.csv")
    write_csv(pd.DataFrame(curves, columns=list(CURVE_COLUMNS)), folder / "study_curves.csv")
    return folder


@pytest.fixture(scope="module")
def material(data):
    return study_material(data, seed=0)


@pytest.fixture(scope="module")
def page(material, tmp_path_factory):
    """The folder of reports with the page of the study."""
    output = tmp_path_factory.mktemp("reports")
    (output / "CartPole-v0").mkdir()
    (output / "CartPole-v0" / "report.html").write_text("<p>", encoding="utf-8")
    entries = [IndexEntry("CartPole-v0", "CartPole-v0/report.html", "random forest")]
    options = ReportOptions(output, output, formats="png", n_jobs=1)
    build_study(
        material,
        options,
        entries,
        beside=Beside(1),
        problems=[("data/x", "is broken")],
        provenance={"command": "report"},
    )
    return output


def test_experiments_are_named_by_their_recipe(material):
    labels = [one.group.label for one in material.comparison.experiments if one.group.env_name == "CartPole-v0"]
    assert labels == ["neural net (paper)", "neural net (robust)", "random forest (paper)", "random forest (robust)"]


def test_what_is_missing_is_counted_and_in_no_number(material):
    assert material.counted() == "26 of 48 planned trainings are done, 1 failed, 21 missing."
    rows = shown_rows(material.comparison).set_index(["env_name", "experiment"])
    net = rows.loc[("Acrobot-v1", "neural net (robust)")]
    assert net["seeds"] == "2 of 6"
    assert net["covers"] == "≥ 3 %"
    assert net["lowest to highest"] == "−120.0 to −80.0"
    forest = rows.loc[("Acrobot-v1", "random forest (paper)")]
    assert forest["seeds"] == "0 of 6"
    assert forest["mean [95 %]"] == "–"
    assert forest["published"] in ("−100.0 ± 62.8", "−100.1 ± 62.8")  # published: −100.05
    frame = material.comparison.to_frame().set_index(["env_name", "label"])
    assert frame.loc[("CartPole-v0", "neural net (robust)"), "mean"] == pytest.approx(199.15)


def test_bold_is_only_what_the_corrected_comparisons_carry(material, page):
    best = shown_rows(material.comparison).query("best")
    assert best[["env_name", "experiment"]].to_numpy().tolist() == [["CartPole-v0", "neural net (robust)"]]
    latex = (page / "study" / "tables" / "study.tex").read_text(encoding="utf-8")
    (mean,) = re.findall(r"\\mathbf{([^}]*)}", latex)
    assert float(mean) == pytest.approx(199.15, abs=0.051)
    markdown = (page / "study" / "tables" / "study.md").read_text(encoding="utf-8")
    assert len(re.findall(r"\*\*", markdown)) == 2
    html = (page / "index.html").read_text(encoding="utf-8")
    table = html[: html.index('id="findings"')]
    assert len(re.findall("<strong>", table)) == 2, "its name and its mean"


def test_the_latex_table_names_seeds_and_intervals(material, page):
    latex = (page / "study" / "tables" / "study.tex").read_text(encoding="utf-8")
    for part in (
        r"\toprule", r"\bottomrule", "95 \\% interval for other training seeds", "t interval, assumes normal",
        "corrected by Holm over 6 comparisons", "0-5 (CartPole-v0 neural net (paper)", "0-1 (Acrobot-v1",
    ):  # fmt: skip
        assert part in " ".join(latex.split()), part
    assert latex.count("Acrobot-v1 &") == 1, "experiments without a run are no line of a paper"


def test_a_single_seed_is_not_called_the_highest_mean():
    runs = [
        RecordedRun(RecordedSettings("CartPole-v0", "neural", seed), Path("CartPole-v0", name, str(seed)), mean, 1, 10)
        for name, means in (("lucky", [200.0]), ("steady", [190.0, 191.0, 192.0]))
        for seed, mean in enumerate(means)
    ]
    best = study_findings(seed_comparison(runs))[0].answer
    assert best.startswith("On CartPole-v0 neural net (steady) has the highest mean of those with several seeds, 191")
    singles = study_findings(seed_comparison([run for run in runs if run.config.seed == 0]))[0].answer
    assert singles.startswith("On CartPole-v0 neural net (lucky) has the highest mean,")


def test_three_sentences_are_computed_from_the_table(material):
    findings = study_findings(material.comparison)
    assert len(findings) == 3
    best, differs, spread = (finding.answer for finding in findings)
    assert "on CartPole-v0 neural net (robust) has the highest mean, 199." in best.replace("On", "on")
    assert "and beats every other (3)" in best
    assert "Acrobot-v1 neural net (robust) has the highest mean, −100.0" in best
    assert "nothing to compare it with" in best
    assert differs.startswith("Of 6 pairs of experiments within one environment 6 have at least two seeds")
    assert "and 6 of them differ" in differs
    assert "neural net (robust) on Acrobot-v1: from −120.0 to −80.0 over 2 seeds" in spread
    assert findings[2].evidence == "Seeds per experiment: 2 and 6."


def test_the_page_stands_in_its_order_and_leads_to_the_reports(page):
    html = (page / "index.html").read_text(encoding="utf-8")
    places = [
        html.index(f'id="{name}"') for name in ("table", "findings", "reports", "obedience", "unfinished", "provenance")
    ]
    assert places == sorted(places)
    assert 'href="CartPole-v0/report.html"' in html
    assert '<td class="number">0.55 (0.50 to 0.60)</td>' in html, "obedience of the two seeds on Acrobot"
    assert {path.suffix for path in page.rglob("obedience_over_seeds.*")} == {".csv", ".md", ".tex"}
    for link in re.findall(r'href="([^"#]+)"', html):
        assert (page / link).is_file(), link
    assert html.count("<figure>") == 4 + 3, "one experiment alone has no matrix"
    assert "stopped after 1 h" in html
    assert "is broken" in html
    assert "Acrobot-v1/estimator_name-neural/4" in html
    assert len(html) < 5_000_000


def test_pictures_can_be_drawn_again_from_the_tables(page):
    tables = page / "study" / "tables"
    profile = read_csv(tables / "performance_profile-CartPole-v0.csv")
    assert set(profile["label"]) == {
        "neural net (paper)", "neural net (robust)", "random forest (paper)", "random forest (robust)",
    }  # fmt: skip
    steps = read_csv(tables / "sample_efficiency-CartPole-v0.csv")
    assert steps["steps"].max() == 300
    improvement = read_csv(tables / "improvement-CartPole-v0.csv")
    assert len(improvement) == 12


@pytest.mark.slow
def test_the_same_study_gives_the_same_bytes(material, page, tmp_path):
    options = ReportOptions(tmp_path, tmp_path, formats="png", n_jobs=1)
    entries = []
    build_study(material, options, entries, beside=Beside(1), problems=[], provenance={"command": "report"})
    for path in sorted((tmp_path / "study").rglob("*.*")):
        if path.suffix != ".json":
            assert path.read_bytes() == (page / path.relative_to(tmp_path)).read_bytes(), path


@pytest.mark.slow
def test_a_study_without_sweeps_has_no_part_on_obedience(material, tmp_path):
    material = replace(material, obedience=material.obedience[:0])
    options = ReportOptions(tmp_path, tmp_path, formats="png", n_jobs=1)
    page = build_study(material, options, [], beside=Beside(1), problems=[], provenance={"command": "report"})
    assert 'id="obedience"' not in page.read_text(encoding="utf-8")
    assert not list(tmp_path.rglob("obedience*"))


def test_a_folder_without_a_study_has_no_page_of_one(tmp_path, data):
    assert study_material(tmp_path, seed=0) is None
    only_failures = read_csv(data / "study.csv").query("status == 'failed'")
    write_csv(only_failures, tmp_path / "study.csv")
    assert study_material(tmp_path, seed=0) is None


def test_without_a_plan_the_table_alone_is_counted(tmp_path, data):
    (tmp_path / "study.csv").write_bytes((data / "study.csv").read_bytes())
    material = study_material(tmp_path, seed=0)
    assert material.counted() == "26 trainings are done, 1 failed."
    assert material.efficiency is None


def test_seeds_are_named_in_ranges():
    assert ranges([4, 0, 1, 2, 42]) == "0-2, 4, 42"
    assert StudyConfig(seeds=("0-2",)).seeds == tuple(np.arange(3))


def test_the_readme_shows_the_committed_table_of_the_study():
    root = Path(__file__).parents[1]
    readme = (root / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"<!-- study table: (\S+) -->\n(.*?)\n<!-- end of the study table -->", readme, flags=re.DOTALL)
    assert shown[2] == (root / shown[1]).read_text(encoding="utf-8").rstrip("\n")


def test_the_committed_table_is_that_of_the_committed_study(tmp_path):
    root = Path(__file__).parents[1]
    comparison = study_material(root / "data", seed=0).comparison
    write_markdown(shown_rows(comparison), tmp_path / "study.md")
    assert (tmp_path / "study.md").read_text() == (root / "reports" / "study" / "tables" / "study.md").read_text()


def test_figures_of_a_study_can_be_drawn_again_by_a_user(page, tmp_path):
    table = page / "study" / "tables" / "improvement-CartPole-v0.csv"
    (drawn,) = redraw(FigureOptions((table,), formats="png", output=tmp_path))
    assert np.array_equal(imread(drawn), imread(page / "study" / "figures" / "improvement-CartPole-v0.png"))
    assert "study.csv sha256:" in Image.open(drawn).text["runs"]
