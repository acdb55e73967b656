"""Every kind of table, in every style: drawn without a warning, every word readable, in every format."""

from itertools import combinations

import matplotlib.pyplot as plt
import pytest
from figure_export_helpers import assert_fit_for_print, shown_text_sizes
from figure_table_helpers import STUDY_KINDS
from PIL import Image
from report_helpers import run_module

from udrl_explain.figures.catalogue import draw, drawable_kinds
from udrl_explain.figures.style import STYLES, paper_style

# Tiny runs hold no grid of commands and act alike; a study has a page of its own.
KINDS = [kind for kind in drawable_kinds() if kind not in ("obedience_map", "comparison", *STUDY_KINDS)]
SMALLEST = 7.0  # points


@pytest.fixture
def tables(tiny_report):
    return tiny_report[0] / "tables"


def of_kind(tables, kind):
    return sorted(path for path in tables.glob("*.csv") if path.stem.partition("-")[0] == kind)


@pytest.mark.parametrize("style", ["icml", "text", "slides"])  # test_figure_overlaps draws in all of them
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_in_every_style(tables, kind, style):
    """The bug: the legend of a contrast was wider than a column, which left nothing of its Axes (a warning)."""
    assert of_kind(tables, kind)
    with paper_style(style):
        for path in of_kind(tables, kind):
            figures = draw(path)
            assert figures
            for name, figure in figures.items():
                assert name.startswith(path.stem.removesuffix("_by_seed"))
                assert figure.get_size_inches()[0] == pytest.approx(STYLES[style].width)
                assert min(shown_text_sizes(figure)) >= SMALLEST
                plt.close(figure)


@pytest.mark.parametrize("style", ["icml", "text"])
@pytest.mark.parametrize("kind", ["decision_path", "path_contrast"])
def test_the_words_of_a_path_keep_apart(tables, kind, style):
    """The bug: in a column the tests ran into the sides, the headings into each other, numbers into boxes."""
    with paper_style(style):
        for figure in draw(of_kind(tables, kind)[0]).values():
            figure.draw_without_rendering()
            (ax,) = figure.axes
            words = [text for text in (*ax.texts, ax.title, *ax.get_legend().get_texts()) if text.get_text()]
            boxes = [(text.get_text(), text.get_window_extent()) for text in words]
            assert len(boxes) > 5
            for (one, box), (other, its_box) in combinations(boxes, 2):
                assert not box.padded(-1).overlaps(its_box.padded(-1)), f"{one!r} lies on {other!r}"
            inside = figure.bbox.padded(1)
            assert [one for one, box in boxes if box.x0 < inside.x0 or box.x1 > inside.x1] == []
            if kind == "path_contrast":
                outlines = [patch.get_window_extent() for patch in ax.patches]
                numbers = [box for one, box in boxes if one.replace(".", "").isdigit()]
                assert numbers
                assert not any(box.overlaps(outline) for box in numbers for outline in outlines)


def test_every_format_as_a_user_asks_for_it(tables, tmp_path):
    """Dense and plain figures of a column, in all formats at once, twice."""
    names = ["shapley_mean-random_forest", "importance-neural_net"]
    kept = []
    for folder in ("one", "two"):
        done = run_module(
            "udrl_explain.figures", *(tables / f"{name}.csv" for name in names), "--style", "icml",
            "--formats", "pdf,png,svg,pgf", "--output", folder, folder=tmp_path,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stderr == f"Figures in {folder}, made for the icml style: include them without scaling them.\n"
        written = {path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()}
        assert {line.split("/")[-1] for line in done.stdout.split()} <= set(written)
        kept.append(written)
    assert kept[0] == kept[1]
    assert {name.rpartition(".")[2] for name in kept[0]} == {"pdf", "png", "svg", "pgf"}
    for path in (tmp_path / "one").glob("*.pdf"):
        assert_fit_for_print(path, "icml")
        with Image.open(path.with_suffix(".png")) as picture:
            assert picture.width == round(STYLES["icml"].width * 300)
        assert b"sha256:" in path.with_suffix(".svg").read_bytes(), "the figure must say which runs it shows"
