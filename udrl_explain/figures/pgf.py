r"""Figures as PGF pictures for ``\input`` in LaTeX, written without a TeX installation.

matplotlib's own PGF output calls xelatex to measure every text. Here the text is measured with matplotlib's fonts: the
same bytes on every machine, no TeX needed. The document's own font sets the text; DejaVu Sans, which was measured,
is wider than the usual ones, so that nothing collides.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import matplotlib as mpl
import numpy as np
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_mixed import MixedModeRenderer
from matplotlib.backends.backend_pgf import RendererPgf
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from PIL import Image

from udrl_explain.files.latex_text import latex_text

RASTER_DPI = 300
HEAVIEST = 400_000  # bytes of one collection; TeX sets larger ones slowly and submission systems refuse large files
_BYTES_PER_VERTEX, _BYTES_PER_PATH = 55, 400
_MATH = re.compile(r"(?<!\\)(\$[^$]*\$)")


def write_pgf(fig: Figure, path: Path, comments: Sequence[str] = ()) -> None:
    r"""Write a figure as a ``pgfpicture``.

    Parameters
    ----------
    fig : Figure
        In the size at which it is to be printed.
    path : Path
        A ``.pgf`` file. Rasterised layers come as ``<stem>-img<i>.png`` beside it.
    comments : sequence of str
        Lines for its head.

    Notes
    -----
    The document needs ``\usepackage{pgf}``. If the picture has rasterised layers and lies in another folder than the
    document, ``\import{folder/}{name.pgf}`` of the package ``import`` finds them. A collection that would take more
    than ``HEAVIEST`` bytes becomes a rasterised layer.
    """
    width, height = fig.get_size_inches()
    head = [*comments, r"\usepackage{pgf}; \input{name.pgf}, or \import{folder/}{name.pgf} where images lie beside it"]
    dpi = fig.dpi
    try:
        fig.dpi = RASTER_DPI
        with mpl.rc_context({"pgf.rcfonts": False}), path.open("w", encoding="utf-8", newline="\n") as out:
            out.writelines(f"% {line}\n" for line in head)
            out.write("\\begingroup%\n\\makeatletter%\n\\begin{pgfpicture}%\n")
            out.write(rf"\pgfpathrectangle{{\pgfpointorigin}}{{\pgfqpoint{{{width:f}in}}{{{height:f}in}}}}" + "%\n")
            out.write("\\pgfusepath{use as bounding box, clip}%\n")
            with _heavy_layers_rasterised(fig):
                fig.draw(_mixed_renderer(fig, out))
            out.write("\\end{pgfpicture}%\n\\makeatother%\n\\endgroup%\n")
    finally:
        fig.dpi = dpi


@contextmanager
def _heavy_layers_rasterised(fig: Figure) -> Iterator[None]:
    heavy = [
        artist
        for artist in fig.findobj(Collection)
        if isinstance(artist, Collection) and not artist.get_rasterized() and _bytes_as_pgf(artist) > HEAVIEST
    ]
    for artist in heavy:
        artist.set_rasterized(True)
    try:
        yield
    finally:
        for artist in heavy:
            artist.set_rasterized(False)


def _bytes_as_pgf(collection: Collection) -> int:
    paths = collection.get_paths()
    copies = max(1, np.shape(collection.get_offsets())[0] // max(1, len(paths)))
    return int(copies * sum(_BYTES_PER_PATH + _BYTES_PER_VERTEX * np.shape(path.vertices)[0] for path in paths))


def _mixed_renderer(fig: Figure, out: TextIO) -> Any:
    """Vectors as PGF, ``rasterized=True`` artists as images."""
    width, height = fig.get_size_inches()
    vectors = _RendererWithoutTex(fig, out)  # type: ignore[no-untyped-call]
    return MixedModeRenderer(fig, width, height, RASTER_DPI, vectors)  # type: ignore[no-untyped-call]


class _RendererWithoutTex(RendererPgf):
    """Measures text with matplotlib's fonts and writes it as LaTeX that every engine sets."""

    def get_text_width_height_descent(self, s: str, prop: Any, ismath: Any) -> tuple[float, float, float]:
        measured: tuple[float, float, float] = RendererBase.get_text_width_height_descent(self, s, prop, ismath)
        return measured

    def draw_text(
        self, gc: Any, x: float, y: float, s: str, prop: Any, angle: float, ismath: Any = False, mtext: Any = None
    ) -> None:
        pieces = _MATH.split(s) if ismath else [s]
        tex = "".join(piece if _MATH.fullmatch(piece) else latex_text(piece.replace(r"\$", "$")) for piece in pieces)
        super().draw_text(gc, x, y, tex, prop, angle, ismath, mtext)  # type: ignore[no-untyped-call]

    def draw_image(self, gc: Any, x: float, y: float, im: Any, transform: Any = None) -> None:
        """Write an image beside the picture; the method inherited asks TeX which command includes it."""
        pixels_high, pixels_wide = im.shape[:2]
        if not pixels_high or not pixels_wide:
            return
        path = Path(self.fh.name)
        name = f"{path.stem}-img{self.image_counter}.png"
        self.image_counter += 1
        Image.fromarray(np.ascontiguousarray(im[::-1])).save(path.parent / name)
        inch = 1 / self.dpi
        width, height = pixels_wide * inch, pixels_high * inch
        shift = rf"\pgfsys@transformshift{{{x * inch:f}in}}{{{y * inch:f}in}}"
        if transform is not None:  # a unit square, brought to its place by the transform
            width = height = 1.0
            a, b, c, d, e, f = transform.frozen().to_values()
            matrix = "".join(f"{{{entry * inch:f}}}" for entry in (a, b, c, d))
            shift = rf"\pgfsys@transformcm{matrix}{{{(e + x) * inch:f}in}}{{{(f + y) * inch:f}in}}"
        self.fh.write("\\begin{pgfscope}%\n")
        self._print_pgf_clip(gc)  # type: ignore[no-untyped-call]
        include = rf"\includegraphics[width={width:f}in,height={height:f}in]{{{name}}}"
        self.fh.write(shift + "%\n" + rf"\pgftext[left,bottom]{{{include}}}" + "%\n\\end{pgfscope}%\n")
