"""Nothing lies on anything else: every kind of figure, in every style, with the names of three environments."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import pytest
from figure_export_helpers import shown_text_sizes
from figure_table_helpers import ENVIRONMENTS, write_tables
from overlap_helpers import overlaps

from udrl_explain.figures.alt_text import alt_text
from udrl_explain.figures.catalogue import draw, drawable_kinds
from udrl_explain.figures.style import STYLES, paper_style

EXTREMES = ("icml", "slides")
SMALLEST = 7.0  # points

# The narrowest column and the largest text, and for one environment a width between.
CASES = [
    pytest.param(environment, style, marks=[pytest.mark.slow] * (environment == "Acrobot-v1" or style not in EXTREMES))
    for environment in ENVIRONMENTS
    for style in STYLES
    if style in EXTREMES or (environment, style) == ("CartPole-v0", "text")
]


@cache
def written(environment):
    """A folder with the tables of an environment, for all tests of this process."""
    folder = TemporaryDirectory()
    write_tables(environment, Path(folder.name))
    return folder


@pytest.mark.parametrize(("environment", "style"), CASES)
def test_nothing_lies_on_anything_else(environment, style):
    tables = Path(written(environment).name)
    kinds, faults = set(), []
    with paper_style(style):
        for path in sorted(tables.glob("*.csv")):
            kind = path.stem.partition("-")[0]
            if kind not in drawable_kinds():
                continue
            kinds.add(kind)
            for name, figure in draw(path).items():
                assert figure.get_figwidth() == pytest.approx(STYLES[style].width)
                assert figure.get_figheight() <= STYLES[style].page_height, f"{name} is higher than a page"
                faults += [f"{name}: {fault}" for fault in overlaps(figure)]
                assert min(shown_text_sizes(figure, drawn=True)) >= SMALLEST
                assert alt_text(figure).endswith("."), f"{name} has no alternative text"
                plt.close(figure)
    assert kinds == set(drawable_kinds())
    assert faults == []


def test_overlaps_are_found():
    """The helper itself: words on words, on bars' axes, off the page, and a legend inside."""
    figure, axes = plt.subplots(figsize=(3, 2), layout="constrained")
    assert overlaps(figure) == []
    axes.set_xticks([0.5, 0.52], ["first", "second"])
    axes.plot([0, 1], [0, 1], label="line")
    axes.legend(loc="center")
    figure.text(0.9, 0.01, "far too long for this page")
    figure.text(0.5, 0.5, "in the middle")
    found = overlaps(figure)
    for fault in (
        "'first' lies on 'second'", "'far too long for this page' runs off the page",
        "a legend lies on the area of an Axes",
        "'in the middle' lies on the area of an Axes",
    ):  # fmt: skip
        assert fault in found
