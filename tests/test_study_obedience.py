"""Obedience over the seeds of a study comes from its table, and the page and the README show that."""

import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from study_helpers import row_of

from udrl_explain.analysis.obedience.result import obedience
from udrl_explain.report.study.material import study_material
from udrl_explain.report.study.tables import obedience_rows, write_markdown, write_obedience_latex
from udrl_explain.rollouts.sweeps import command_levels
from udrl_explain.studying.config import StudyConfig
from udrl_explain.studying.obedience import COLUMNS, study_obedience
from udrl_explain.studying.records import read_table, table_of
from udrl_explain.studying.table import runs_of_table

ROOT = Path(__file__).parents[1]
PLAN = StudyConfig(environments=("CartPole-v0",), estimators=("neural", "svm.SVC"), recipes=("robust",), seeds=("0-3",))


@pytest.fixture(scope="module")
def table():
    """Nets: three sweeps, one run without, one that failed would have; support vectors: no sweep at all."""
    nets = [cell for cell in PLAN.cells() if cell.config.estimator_name == "neural"]
    vectors = [cell for cell in PLAN.cells() if cell.config.estimator_name == "svm.SVC"]
    done = {"status": "done", "return_mean": 100.0, "return_std": 1.0, "n_episodes": 10}
    rows = [
        row_of(nets[0], **done, obedience_slope=1.0, obedience_mae=3.0),
        row_of(nets[1], **done, obedience_slope=-0.25, obedience_mae=10.0),
        row_of(nets[2], **done, obedience_slope=0.0, obedience_mae=8.0),
        row_of(nets[3], **done),
        row_of(vectors[0], **done),
        row_of(vectors[1], **done | {"status": "failed"}, obedience_slope=5.0, obedience_mae=5.0),
    ]
    return table_of(rows)


def test_means_and_ranges_are_over_the_seeds_that_were_swept(table):
    frame = study_obedience(runs_of_table(table, PLAN.cells()))
    assert tuple(frame.columns) == COLUMNS
    (net,) = frame.to_dict("records")
    assert (net["label"], net["n_seeds"]) == ("neural net", 3)
    assert net["slope"] == pytest.approx(0.25)
    assert (net["slope_lowest"], net["slope_highest"]) == (-0.25, 1.0)
    assert net["mae"] == pytest.approx(7.0)
    assert (net["mae_lowest"], net["mae_highest"]) == (3.0, 10.0)


def test_the_order_of_the_rows_changes_nothing(table):
    # Sums of these depend on the order in their last digit.
    table = table.assign(obedience_slope=[0.1, 0.2, 0.3, *table["obedience_slope"][3:]])
    turned = table.iloc[::-1].reset_index(drop=True)
    one, other = (study_obedience(runs_of_table(rows)) for rows in (table, turned))
    pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_a_study_without_a_result_has_no_rows(table):
    for runs in (runs_of_table(table[:0]), runs_of_table(table[:0], PLAN.cells())):
        frame = study_obedience(runs)
        assert frame.empty
        assert tuple(frame.columns) == COLUMNS


def test_rows_of_text_have_ranges_only_over_several_seeds(table, tmp_path):
    several = obedience_rows(study_obedience(runs_of_table(table)))
    assert several.to_numpy().tolist() == [
        ["CartPole-v0", False, "neural net", "3", "0.25 (−0.25 to 1.00)", "7.0 (3.0 to 10.0)"]
    ]
    one = obedience_rows(study_obedience(runs_of_table(table[table["seed"] == 0])))
    assert one.to_numpy().tolist() == [["CartPole-v0", False, "neural net", "1", "1.00", "3.0"]]
    lines = write_markdown(several, tmp_path / "obedience_over_seeds.md").read_text(encoding="utf-8").splitlines()
    assert lines == [
        "| environment | experiment | seeds | slope (lowest to highest) | error (lowest to highest) |",
        "| --- | --- | --- | --- | --- |",
        "| CartPole-v0 | neural net | 3 | 0.25 (−0.25 to 1.00) | 7.0 (3.0 to 10.0) |",
    ]


def test_the_latex_table_says_what_the_brackets_are(table, tmp_path):
    frame = study_obedience(runs_of_table(table))
    path = write_obedience_latex(frame, tmp_path / "o.tex", caption="How they obey.", digest="abc")
    latex = path.read_text(encoding="utf-8")
    assert "How they obey. In brackets the lowest and the highest seed." in latex
    assert "% study.csv: sha256 abc" in latex
    (line,) = [line for line in latex.splitlines() if line.startswith("CartPole-v0")]
    assert re.findall(r"-?\d+\.\d+", line) == ["0.25", "-0.25", "1.00", "7.0", "3.0", "10.0"]


def test_full_obedience_up_to_the_best_is_what_the_captions_say():
    rng = np.random.default_rng(0)
    training = pd.DataFrame({"achieved_return": rng.uniform(-100, 300, 5000), "length": 10})
    commands = command_levels(training)
    best, span = training["achieved_return"].max(), np.ptp(commands[:, 0]) / 1.25
    sweep = pd.DataFrame(commands, columns=["desired_return", "desired_horizon"])
    result = obedience(sweep.assign(achieved_return=np.minimum(sweep["desired_return"], best)))
    assert len(commands) == 15
    assert result.slope == pytest.approx(0.88, abs=0.005)
    assert result.mae / span == pytest.approx(0.03, abs=0.005)


def test_the_readme_shows_the_committed_table_of_obedience():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"<!-- obedience table: (\S+) -->\n(.*?)\n<!-- end of the obedience table -->", readme, re.DOTALL)
    assert shown[2] == (ROOT / shown[1]).read_text(encoding="utf-8").rstrip("\n")


def test_the_committed_table_is_that_of_the_committed_study(tmp_path):
    material = study_material(ROOT / "data", seed=0)
    write_markdown(obedience_rows(material.obedience), tmp_path / "obedience_over_seeds.md")
    committed = ROOT / "reports" / "study" / "tables" / "obedience_over_seeds.md"
    assert (tmp_path / "obedience_over_seeds.md").read_text() == committed.read_text()


def test_every_row_of_the_committed_table_is_counted_again_with_pandas_alone():
    table = read_table(ROOT / "data")
    frame = study_obedience(runs_of_table(table))
    assert len(frame) > 20
    done = table[table["status"] == "done"].groupby(["env_name", "recipe", "estimator_name"])
    for row in frame.to_dict("records"):
        same = done.get_group((row["env_name"], row["experiment"], row["estimator_name"]))
        assert row["n_seeds"] == len(same), row
        assert math.isclose(row["slope"], same["obedience_slope"].mean(), abs_tol=1e-12)
        assert math.isclose(row["mae"], same["obedience_mae"].mean(), abs_tol=1e-9)
        assert row["mae_highest"] == same["obedience_mae"].max()
