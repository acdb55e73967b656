"""Figures as files for papers: exact widths, TrueType fonts, text of readable size, equal bytes every time."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import matplotlib as mpl
from fontTools import subset
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from udrl_explain.figures.choices import FORMATS
from udrl_explain.figures.pgf import write_pgf
from udrl_explain.figures.style import STYLES, Style, paper_style
from udrl_explain.files.atomic import write_whole
from udrl_explain.files.latex_text import comment_lines


def save(
    fig: Figure,
    path: str | Path,
    *,
    style: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    r"""Write a figure as the suffix of `path` says: ``.pdf``, ``.png``, ``.svg`` or ``.pgf``.

    Parameters
    ----------
    fig : Figure
        Left as it is.
    path : str or Path
        Where to; replaced if it exists. A ``.pgf`` with rasterised layers has them beside it as ``<stem>-img0.png``.
    style : str, optional
        A name of :data:`~udrl_explain.figures.style.STYLES`: the file is exactly as wide as that style's column, the
        height keeps its ratio, and text larger or smaller than the style's is brought to its sizes. None: size and
        text as they are, which is right for figures made inside
        :func:`~udrl_explain.figures.style.paper_style`.
    metadata : mapping, optional
        Provenance, e.g. ``{"Title": "Obedience", "runs": "base/42 sha256:..."}``. PDF: the title and the keywords;
        PNG: one text chunk per entry; SVG: title and description; PGF: comments.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    ValueError
        For an unknown suffix or style, before anything is written.

    Notes
    -----
    PDF holds TrueType fonts only (Type 42; submission systems refuse Type 3). The box of the page is the figure's,
    never a "tight" one, so that text stays at its size when the figure is included at column width. PNG has 300 dots
    per inch and a palette of 256 colours. SVG keeps text as text in DejaVu Sans. PGF is written without TeX: see
    :mod:`udrl_explain.figures.pgf`.
    No file holds a date: the same figure gives the same bytes with the same version of matplotlib.
    """
    path = Path(path)
    kind = path.suffix.lower().lstrip(".")
    if kind not in FORMATS:
        raise ValueError(f"path must end with one of .{', .'.join(FORMATS)}, got {str(path)!r}")
    if style is not None and style not in STYLES:
        raise ValueError(f"style must be one of {', '.join(STYLES)}, got {style!r}")
    notes = dict(metadata or {})
    with ExitStack() as settings:
        settings.enter_context(paper_style(style or "text"))
        if style is not None:
            settings.enter_context(_fitted(fig, STYLES[style]))
        _start_layout_from_grid(fig)
        with write_whole(path) as partial:
            if kind == "pgf":
                _save_pgf(fig, partial, path, notes)
            else:
                settings.enter_context(_fonts_without_layout_tables())
                drawn: Any = BytesIO() if kind == "png" else partial
                # A PNG is compressed once, with its palette.
                options: Any = {"pil_kwargs": {"compress_level": 0}} if kind == "png" else {}
                notes_of_kind = _file_metadata(kind, notes)
                fig.savefig(drawn, format=kind, dpi=300, bbox_inches=None, metadata=notes_of_kind, **options)
                if kind == "png":
                    _write_palette_png(drawn, partial)
    return path


def _write_palette_png(drawn: BytesIO, path: Path) -> None:
    """Write a PNG with a palette of 256 colours: less than half the bytes, and a clone holds dozens of pictures."""
    with Image.open(drawn) as picture:
        texts = PngInfo()
        for key, value in picture.info.items():
            if isinstance(key, str) and isinstance(value, str):
                texts.add_text(key, value)
        in_palette(picture.convert("RGB")).save(path, "PNG", dpi=picture.info["dpi"], pnginfo=texts)


def in_palette(picture: Image.Image) -> Image.Image:
    """Give an RGB picture in its 256 best colours, which are enough for a figure."""
    return picture.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)


class _FontOptions(subset.Options):  # type: ignore[misc]
    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.drop_tables += ["GDEF", "GPOS", "GSUB", "MATH", "kern"]


@contextmanager
def _fonts_without_layout_tables() -> Iterator[None]:
    """Leave out of a PDF's fonts what says how letters join: matplotlib has placed every letter, no viewer reads it.

    Cutting these tables to the letters used takes most of the time of a PDF.
    """
    options = subset.Options
    subset.Options = _FontOptions
    try:
        yield
    finally:
        subset.Options = options


def _start_layout_from_grid(fig: Figure) -> None:
    """Forget where earlier drawings put the Axes: constrained layout starts from there and would end elsewhere.

    Without this the second file of a figure differs from the first, and a figure redrawn for one format differs from
    one drawn for several.
    """
    if fig.get_layout_engine() is None:
        return
    for ax in fig.get_axes():
        grid = ax.get_subplotspec()
        if grid is not None and ax.get_in_layout():
            ax.set_position(grid.get_position(ax.figure))  # type: ignore[arg-type]  # a SubFigure does as well
            ax.set_in_layout(True)  # set_position takes the Axes out


def _save_pgf(fig: Figure, partial: Path, path: Path, notes: Mapping[str, str]) -> None:
    """Write under the final name in a folder of its own: the PGF names its images after itself."""
    with TemporaryDirectory(dir=partial.parent, prefix=".pgf-") as folder:
        whole = Path(folder) / path.name
        write_pgf(fig, whole, comment_lines(notes))
        for image in sorted(Path(folder).glob("*.png")):
            os.replace(image, partial.parent / image.name)
        os.replace(whole, partial)


def _file_metadata(kind: str, notes: Mapping[str, str]) -> dict[str, Any]:
    """Put provenance where each format has a place for it, and take out what changes from day to day."""
    rest = "; ".join(comment_lines({key: value for key, value in notes.items() if key != "Title"}))
    title = {"Title": notes["Title"]} if "Title" in notes else {}
    if kind == "pdf":
        return {"CreationDate": None, **title, **({"Keywords": rest} if rest else {})}
    if kind == "svg":
        return {"Date": None, **title, **({"Description": rest} if rest else {})}
    return {"Software": None, **notes}


@contextmanager
def _fitted(fig: Figure, style: Style) -> Iterator[None]:
    """Give the figure a style's width and text sizes while the block runs."""
    size = tuple(fig.get_size_inches())
    engine = fig.get_layout_engine()
    try:
        fig.set_size_inches(style.width, style.width * size[1] / size[0])
        if engine is None:  # labels that fitted a wider figure would be cut off
            fig.set_layout_engine("constrained")
        fig.draw_without_rendering()  # titles and ticks exist from now on
        with _text_sizes(fig, style.font_size - 1, style.font_size):
            yield
    finally:
        fig.set_size_inches(size)
        if engine is None:
            with mpl.rc_context({"figure.constrained_layout.use": False, "figure.autolayout": False}):
                fig.set_layout_engine(None)
            fig.subplots_adjust()  # back to where the grid has the Axes


@contextmanager
def _text_sizes(fig: Figure, smallest: float, largest: float) -> Iterator[None]:
    """Bring every text into a range of sizes while the block runs."""
    ticks = [
        (made, len(made))
        for ax in fig.get_axes()
        for axis in (ax.xaxis, ax.yaxis)
        for made in (axis.majorTicks, axis.minorTicks)
    ]
    found = [text for text in fig.findobj(Text) if isinstance(text, Text)]
    # findobj passes over ticks that are not needed now; smaller text may make room for them.
    found += [label for made, _ in ticks for tick in made for label in (tick.label1, tick.label2)]
    texts = [(text, text.get_fontsize()) for text in dict.fromkeys(found)]
    try:
        for text, size in texts:
            text.set_fontsize(min(max(size, smallest), largest))
        yield
    finally:
        for text, size in texts:
            text.set_fontsize(size)
        for made, number in ticks:  # ticks that only the other size needed have the other size's text
            del made[number:]
