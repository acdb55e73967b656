"""Every committed figure is what this version draws from the table beside it, to the pixel."""

import json
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.image import imread

from udrl_explain.figures.__main__ import FigureOptions, redraw
from udrl_explain.figures.catalogue import drawable_kinds

REPORTS = Path(__file__).parents[1] / "reports"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["CartPole-v0", "study"])
def test_committed_figures_are_drawn_again_from_their_tables(name, tmp_path):
    report = REPORTS / name
    manifest = json.loads((report / "manifest.json").read_text(encoding="utf-8"))
    made_by = manifest.get("versions", manifest)["matplotlib"]
    if made_by != mpl.__version__:
        pytest.skip(f"pixels are those of one version: the report was made by matplotlib {made_by}")
    kinds = {path: path.stem.partition("-") for path in sorted((report / "tables").glob("*.csv"))}
    # A figure of a study shows one environment; tables of the whole study are named by their kind alone.
    tables = [path for path, (kind, dash, _) in kinds.items() if kind in drawable_kinds() and (dash or name != "study")]
    redraw(FigureOptions(tuple(tables), style=manifest["style"], formats="png", output=tmp_path))
    committed = sorted(path.name for path in (report / "figures").glob("*.png"))
    assert len(committed) > 10
    stale = [one for one in committed if not _same_pixels(tmp_path / one, report / "figures" / one)]
    assert stale == [], "make the report again"


def _same_pixels(drawn: Path, committed: Path) -> bool:
    if not drawn.is_file():
        return False
    pixels = imread(drawn), imread(committed)
    return pixels[0].shape == pixels[1].shape and bool(np.array_equal(*pixels))
