"""Every figure is drawn again from its table alone, as the command line does it."""

import io
import json
import shutil

import pandas as pd
import pytest
from figure_export_helpers import assert_fit_for_print
from figure_table_helpers import STUDY_KINDS
from PIL import Image
from report_helpers import modules_after_help, run_module

from udrl_explain.figures.catalogue import draw, drawable_kinds
from udrl_explain.figures.choices import STYLE_NAMES
from udrl_explain.figures.style import STYLES
from udrl_explain.tables import read_csv, write_csv

MODULE = "udrl_explain.figures"


@pytest.fixture
def tables(tiny_report):
    return tiny_report[0] / "tables"


def test_the_report_draws_every_kind_but_the_grid_of_commands(tables):
    kinds = {path.stem.partition("-")[0] for path in tables.glob("*.csv")}
    # Tiny runs hold no grid, and their policies act alike; a study has a page of its own.
    assert set(drawable_kinds()) - kinds == {"obedience_map", "comparison", *STUDY_KINDS}


def test_redrawn_figures_are_the_reports_own_byte_for_byte(tables, tiny_report, tmp_path):
    names = ["obedience", "learning_curves", "final_returns"]
    done = run_module(
        MODULE, *(tables / f"{name}.csv" for name in names), "--formats", "png", "--output", tmp_path, folder=tmp_path
    )
    assert done.returncode == 0, done.stderr
    for name in [*names, "learning_curves-test"]:
        redrawn, own = (
            (tmp_path / f"{name}.png").read_bytes(),
            (tiny_report[0] / "figures" / f"{name}.png").read_bytes(),
        )
        assert _pixels(redrawn) == _pixels(own)


def _pixels(png):
    with Image.open(io.BytesIO(png)) as picture:
        return picture.tobytes()


def test_tables_keep_the_hashes_of_their_runs_where_they_go(tables, tiny_report, tmp_path):
    shutil.copytree(tables, tmp_path / "elsewhere")
    table = tmp_path / "elsewhere" / "final_returns.csv"
    done = run_module(MODULE, table, "--formats", "png", "--output", tmp_path, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    runs = json.loads((tiny_report[0] / "manifest.json").read_text(encoding="utf-8"))["runs"]
    with Image.open(tmp_path / "final_returns.png") as picture:
        said = picture.text["runs"]
    assert len(runs) > 0
    assert all(f"{run} sha256:{digest[:12]}" in said for run, digest in runs.items())


def test_a_column_wide_pdf_is_fit_for_print_and_the_same_when_repeated(tables, tmp_path):
    pages = []
    for folder in ("one", "two"):
        done = run_module(
            MODULE, tables / "obedience.csv", "--style", "icml", "--formats", "pdf", "--output", tmp_path / folder,
            folder=tmp_path,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        pages.append(tmp_path / folder / "obedience.pdf")
    assert pages[0].read_bytes() == pages[1].read_bytes()
    assert_fit_for_print(pages[0], "icml")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.csv"], "nowhere.csv"),
        (["unknown_table.csv"], "no figure shows a table called 'unknown_table'"),
        (["obedience.csv"], "obedience.csv"),
        (["obedience.csv", "--style", "poster"], "style must be one of"),
        (["obedience.csv", "--formats", "gif"], "formats must be some of"),
        ([], "tables"),
    ],
)
def test_a_slip_is_one_line_and_status_2(arguments, said, tables, tmp_path):
    frame = read_csv(tables / "obedience.csv")
    write_csv(frame, tmp_path / "unknown_table.csv")
    write_csv(frame.drop(columns="mean"), tmp_path / "obedience.csv")
    done = run_module(MODULE, *arguments, folder=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert said in done.stderr
    assert not list(tmp_path.glob("*.pdf"))


def test_shapley_figures_are_one_per_action_but_two_actions_mirror_each_other(tables, tmp_path):
    frame = read_csv(tables / "shapley-random_forest.csv")
    assert list(draw(tables / "shapley-random_forest.csv")) == ["shapley-random_forest-action_1"]
    third = frame[frame["action"] == 1].assign(action=2, action_name="third")
    write_csv(pd.concat([frame, third]), tmp_path / "shapley-three.csv")
    assert list(draw(tmp_path / "shapley-three.csv")) == [f"shapley-three-action_{action}" for action in range(3)]


def test_help_needs_no_matplotlib(tmp_path):
    assert not {"matplotlib", "pandas", "numba", "sklearn"} & modules_after_help(MODULE, tmp_path)


def test_the_names_of_styles_are_those_that_exist():
    assert tuple(STYLES) == STYLE_NAMES
