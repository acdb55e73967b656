"""Every committed figure is what this version draws from the table beside it, to the pixel, and fits other styles."""

import json
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.image import imread
from overlap_helpers import overlaps

from udrl_explain.figures.__main__ import FigureOptions, redraw
from udrl_explain.figures.catalogue import draw, drawable_kinds
from udrl_explain.figures.style import STYLES, paper_style

REPORTS = Path(__file__).parents[1] / "reports"


def drawable(name):
    """Tables of a report that a figure shows; of a study one for each environment, not those of all together."""
    found = []
    for path in sorted((REPORTS / name / "tables").glob("*.csv")):
        kind, dash, _ = path.stem.partition("-")
        if kind in drawable_kinds() and (dash or name != "study"):
            found.append(path)
    return tuple(found)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["CartPole-v0", "study"])
def test_committed_figures_are_drawn_again_from_their_tables(name, tmp_path):
    report = REPORTS / name
    manifest = json.loads((report / "manifest.json").read_text(encoding="utf-8"))
    made_by = manifest.get("versions", manifest)["matplotlib"]
    if made_by != mpl.__version__:
        pytest.skip(f"pixels are those of one version: the report was made by matplotlib {made_by}")
    redraw(FigureOptions(drawable(name), style=manifest["style"], formats="png", output=tmp_path))
    committed = sorted(path.name for path in (report / "figures").glob("*.png"))
    assert len(committed) > 10
    stale = [one for one in committed if not _same_pixels(tmp_path / one, report / "figures" / one)]
    assert stale == [], "make the report again"


def _same_pixels(drawn: Path, committed: Path) -> bool:
    if not drawn.is_file():
        return False
    pixels = imread(drawn), imread(committed)
    return pixels[0].shape == pixels[1].shape and bool(np.array_equal(*pixels))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["CartPole-v0", "study"])
def test_committed_tables_have_room_in_the_narrowest_column_of_a_paper(name):
    faults, style = {}, "icml"
    assert STYLES[style].width == min(one.width for one in STYLES.values())
    with paper_style(style):
        for table in drawable(name):
            for stem, figure in draw(table).items():
                faults[stem] = overlaps(figure)
                assert figure.get_figheight() <= STYLES[style].page_height, stem
                plt.close(figure)
    assert {stem: found for stem, found in faults.items() if found} == {}
