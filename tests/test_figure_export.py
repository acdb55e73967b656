import re
import shutil
import subprocess
import xml.etree.ElementTree as ET

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from figure_export_helpers import assert_fit_for_print, page_inches, pdf_fonts, shown_text_sizes
from matplotlib.collections import PolyCollection
from matplotlib.text import Text
from PIL import Image
from pypdf import PdfReader

from udrl_explain.figures import save
from udrl_explain.figures.export import FORMATS
from udrl_explain.figures.style import STYLES, paper_style

NOTES = {"Title": "Obedience", "runs": "base/42 sha256:abcd", "udrl_explain": "0.1.0"}


def drawn():
    """Dense rasterised points, signs outside ASCII, mathematics, a legend, hatches: what the real figures have."""
    fig, ax = plt.subplots()
    rng = np.random.default_rng(0)
    ax.scatter(*rng.normal(size=(2, 2_000)), s=1, rasterized=True, label="θ̇₁ of 50 % & more_less")
    ax.bar([0, 1], [1, 2], hatch="///", label="torque −1")
    ax.set_xlabel("θ̇₁ (rad/s)")
    ax.set_ylabel(r"$\hat{R}_t$ ẋ φ̇ ≤ −2")
    ax.set_title("return²")
    ax.legend()
    return fig


@pytest.fixture
def figure():
    with paper_style("icml"):
        fig = drawn()
    yield fig
    plt.close(fig)


@pytest.fixture
def plain_figure():
    """As a notebook makes it: matplotlib's own sizes, no layout engine."""
    with mpl.rc_context(mpl.rcParamsDefault):
        fig = drawn()
    yield fig
    plt.close(fig)


@pytest.mark.parametrize("style", STYLES)
def test_pdf_has_the_columns_width_and_only_truetype(figure, tmp_path, style):
    assert_fit_for_print(save(figure, tmp_path / "a.pdf", style=style), style)


def test_the_check_sees_type_3_and_a_wrong_width(figure, tmp_path):
    with mpl.rc_context({"pdf.fonttype": 3}):
        figure.savefig(tmp_path / "a.pdf")
    assert "/Type3" in {subtype for subtype, _ in pdf_fonts(tmp_path / "a.pdf")}
    with pytest.raises(AssertionError, match="Type3"):
        assert_fit_for_print(tmp_path / "a.pdf", "icml")
    save(figure, tmp_path / "b.pdf", style="icml")
    with pytest.raises(AssertionError, match=r"3\.25 in wide, ieee has 3\.5"):
        assert_fit_for_print(tmp_path / "b.pdf", "ieee")


def test_without_a_style_the_size_is_the_figures_own(plain_figure, tmp_path):
    save(plain_figure, tmp_path / "a.pdf")
    assert page_inches(tmp_path / "a.pdf") == pytest.approx((6.4, 4.8))


@pytest.mark.parametrize(("style", "range_"), [("icml", (7, 8)), ("slides", (15, 16))])
def test_a_notebooks_figure_gets_the_styles_text_and_keeps_its_own(plain_figure, tmp_path, monkeypatch, style, range_):
    before = {id(text): text.get_fontsize() for text in plain_figure.findobj(Text)}
    seen = {}
    savefig = plain_figure.savefig

    def watched(*args, **options):
        seen["sizes"] = shown_text_sizes(plain_figure)
        seen["width"] = plain_figure.get_figwidth()
        savefig(*args, **options)

    monkeypatch.setattr(plain_figure, "savefig", watched)
    save(plain_figure, tmp_path / "a.pdf", style=style)
    assert range_[0] <= min(seen["sizes"]) <= max(seen["sizes"]) <= range_[1]
    assert seen["width"] == STYLES[style].width

    assert tuple(plain_figure.get_size_inches()) == (6.4, 4.8)
    assert plain_figure.get_layout_engine() is None
    after = {id(text): text.get_fontsize() for text in plain_figure.findobj(Text)}
    assert {key: size for key, size in after.items() if key in before} == before
    assert shown_text_sizes(plain_figure) == {10.0, 12.0}


def test_ticks_that_only_the_small_text_makes_room_for_are_small(tmp_path, monkeypatch):
    # Bug: a tick that an earlier drawing had made and that was not shown kept its 10 points when it came back.
    with mpl.rc_context(mpl.rcParamsDefault):
        fig, ax = plt.subplots()
        ax.set_xlim(0, 9)
        fig.draw_without_rendering()
        shown = len(ax.get_xticks())
        monkeypatch.setattr(
            ax.xaxis, "get_tick_space", lambda: 4 if ax.xaxis.majorTicks[0].label1.get_fontsize() > 8 else 9
        )
    sizes = []
    monkeypatch.setattr(fig, "savefig", lambda path, **_: (sizes.append(shown_text_sizes(fig)), path.touch()))
    save(fig, tmp_path / "a.pdf", style="icml")
    plt.close(fig)
    assert shown > 5
    assert max(sizes[0]) <= 8


def test_no_text_is_cut_off_in_a_narrow_column(plain_figure, tmp_path):
    save(plain_figure, tmp_path / "a.png", style="icml")
    with Image.open(tmp_path / "a.png") as image:
        pixels = np.asarray(image.convert("L"))
    edges = [pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]
    assert all((edge == 255).all() for edge in edges)


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_same_figure_gives_the_same_bytes(tmp_path, suffix):
    for folder in ("one", "two"):
        with paper_style("ieee"):
            fig = drawn()
            save(fig, tmp_path / folder / f"a.{suffix}", metadata=NOTES)
            save(fig, tmp_path / folder / f"b.{suffix}", metadata=NOTES)  # saving must not change it
            plt.close(fig)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").iterdir())
    assert len(files) == (4 if suffix == "pgf" else 2)
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    a, b = ((tmp_path / "one" / f"{stem}.{suffix}").read_bytes() for stem in "ab")
    assert a == b.replace(b"b-img0.png", b"a-img0.png")


def test_bytes_do_not_depend_on_what_was_saved_before(tmp_path):
    # Bug: constrained layout starts from where the last drawing put the Axes, so that each file differed from the last.
    with paper_style("icml"):
        fig, ax = plt.subplots()
        ax.text(1.0, 0.5, "words that reach over the right edge", transform=ax.transAxes)
        ax.set_aspect("equal")
        files = [save(fig, tmp_path / f"{i}.png") for i in range(3)]
        save(fig, tmp_path / "a.pdf", style="full")
        files.append(save(fig, tmp_path / "3.png"))
        plt.close(fig)
    assert len({path.read_bytes() for path in files}) == 1


def test_axes_that_were_placed_by_hand_stay_there(tmp_path):
    with paper_style("icml"):
        fig, ax = plt.subplots()
        ax.set_position((0.3, 0.4, 0.2, 0.1))
        save(fig, tmp_path / "a.png")
        assert ax.get_position(original=True).bounds == pytest.approx((0.3, 0.4, 0.2, 0.1))
        plt.close(fig)


def test_bytes_hold_no_date(figure, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    one = [save(figure, tmp_path / f"one.{suffix}").read_bytes() for suffix in FORMATS[:3]]
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1500000000")
    two = [save(figure, tmp_path / f"two.{suffix}").read_bytes() for suffix in FORMATS[:3]]
    assert one == two


def test_every_format_leads_back_to_its_runs(figure, tmp_path):
    for suffix in FORMATS:
        save(figure, tmp_path / f"a.{suffix}", metadata=NOTES)
    info = PdfReader(tmp_path / "a.pdf").metadata
    assert info["/Title"] == "Obedience"
    assert info["/Keywords"] == "runs: base/42 sha256:abcd; udrl_explain: 0.1.0"
    with Image.open(tmp_path / "a.png") as image:
        text = image.text
    assert {key: text[key] for key in NOTES} == NOTES
    svg = "".join(ET.parse(tmp_path / "a.svg").getroot().itertext())
    assert "Obedience" in svg
    assert "runs: base/42 sha256:abcd; udrl_explain: 0.1.0" in svg
    assert (
        (tmp_path / "a.pgf")
        .read_text(encoding="utf-8")
        .startswith("% Title: Obedience\n% runs: base/42 sha256:abcd\n% udrl_explain: 0.1.0\n")
    )


def test_png_has_300_dots_per_inch(figure, tmp_path):
    save(figure, tmp_path / "a.png", style="full")
    with Image.open(tmp_path / "a.png") as image:
        assert image.width == 6.75 * 300
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)


@pytest.mark.parametrize("name", ["a.jpg", "a", "a.pdf.gz"])
def test_an_unknown_format_is_refused(figure, tmp_path, name):
    with pytest.raises(ValueError, match=re.escape(".png, .pdf, .svg, .pgf")):
        save(figure, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_style_is_refused(figure, tmp_path):
    with pytest.raises(ValueError, match="icml, ieee, text, full, slides, got 'neurips'"):
        save(figure, tmp_path / "a.pdf", style="neurips")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_failure_leaves_the_old_file_and_nothing_else(figure, tmp_path, monkeypatch, suffix):
    (tmp_path / f"a.{suffix}").write_text("old")

    def full_disk(*_, **__):
        raise OSError("no space left")

    monkeypatch.setattr(figure.axes[0], "draw", full_disk)
    with pytest.raises(OSError, match="no space left"):
        save(figure, tmp_path / f"a.{suffix}")
    assert [path.name for path in tmp_path.iterdir()] == [f"a.{suffix}"]
    assert (tmp_path / f"a.{suffix}").read_text() == "old"


def test_pgf_text_is_latex_that_needs_no_unicode_font(figure, tmp_path):
    tex = save(figure, tmp_path / "a.pgf").read_text(encoding="utf-8")
    assert r"$\dot{\theta}_1$ of 50 \% \& more\_less" in tex
    assert r"torque $-$1" in tex
    assert r"$\hat{R}_t$ $\dot{x}$ $\dot{\varphi}$ $\le$ $-$2" in tex
    assert tex.isascii()
    assert "a-img0.png" in tex
    assert r"\pgfqpoint{3.250000in}" in tex


def test_a_pgf_of_many_polygons_stays_small_and_the_figure_a_vector(tmp_path):
    rng = np.random.default_rng(0)
    with paper_style("icml"):
        fig, ax = plt.subplots()
        cells = PolyCollection(rng.uniform(size=(3000, 4, 2)))
        few = PolyCollection(rng.uniform(size=(30, 4, 2)))
        ax.add_collection(cells)
        ax.add_collection(few)
        path = save(fig, tmp_path / "a.pgf")
        plt.close(fig)
    assert path.stat().st_size < 100_000
    assert [image.name for image in tmp_path.glob("*.png")] == ["a-img0.png"]
    assert not cells.get_rasterized()
    assert path.read_text(encoding="utf-8").count("\\pgfpathclose") >= 30


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex found: the .pgf files are only read, not set")
def test_pdflatex_sets_the_pgf_at_its_size(figure, tmp_path):
    save(figure, tmp_path / "a.pgf", metadata={"runs": "50 % \\input{x}\n\\oops"})
    (tmp_path / "main.tex").write_text(
        r"\documentclass{article}\usepackage{pgf}\begin{document}\newsavebox{\figurebox}\sbox{\figurebox}{\input{a.pgf}}"
        r"\typeout{WIDTH \the\wd\figurebox}\usebox{\figurebox}\end{document}"
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "main.tex"],
        cwd=tmp_path, capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    said = done.stdout.decode(errors="replace")
    assert done.returncode == 0, said[-2000:]
    assert float(re.search(r"WIDTH ([\d.]+)pt", said).group(1)) == pytest.approx(3.25 * 72.27, abs=0.01)
