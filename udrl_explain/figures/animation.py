"""An episode as an animated GIF for slides: the environment's pictures, and bars beside each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from udrl_explain.files.atomic import write_whole

_HEIGHT = 320
_PANEL = 400
_MARGIN = 14
_LEAST_DURATION = 20  # ms; what is shorter is played slowly by many viewers
_LAST = 1000  # ms that the last picture stays
_PALETTE_FROM = 9  # frames
_INK, _SOFT, _LINE = "#1a1a1a", "#55595e", "#9a9ea3"


@dataclass(frozen=True, eq=False)
class Bars:
    """What stands beside the pictures.

    Parameters
    ----------
    values : float64 array of shape (n_frames, n_bars)
        All are drawn on one scale, symmetrical about 0.
    names : sequence of str
        One per bar.
    colours : sequence of str
        One per bar.
    titles : sequence of str
        One per frame; lines are parted by line breaks, the first one is emphasised.
    caption : str
        What the bars measure.
    """

    values: NDArray[np.float64]
    names: Sequence[str]
    colours: Sequence[str]
    titles: Sequence[str]
    caption: str


def frames_with_bars(pictures: Sequence[NDArray[np.uint8]], bars: Bars) -> list[Image.Image]:
    """Draw one frame per picture: the picture at the left, its bars at the right.

    Raises
    ------
    ValueError
        If there are not as many pictures as rows of values and titles.
    """
    if not len(pictures) == len(bars.values) == len(bars.titles) > 0:
        raise ValueError(f"{len(pictures)} pictures need as many rows of bars, got {len(bars.values)}")
    largest = float(np.abs(bars.values).max()) or 1.0
    return [
        _frame(picture, bars, values, title, largest)
        for picture, values, title in zip(pictures, bars.values, bars.titles, strict=True)
    ]


def write_gif(frames: Sequence[Image.Image], path: str | Path, duration: float) -> Path:
    """Write frames as one endless GIF of a common palette, whole or not at all.

    Parameters
    ----------
    frames : sequence of Image
    path : str or Path
    duration : float
        Milliseconds per frame; at least 20, in whole hundredths of a second. The last one stays a second longer.
    """
    step = max(1, len(frames) // _PALETTE_FROM)
    few = frames[::step]
    sheet = Image.new("RGB", (few[0].width, few[0].height * len(few)))
    for number, frame in enumerate(few):
        sheet.paste(frame, (0, number * frame.height))
    palette = sheet.quantize(256, method=Image.Quantize.MEDIANCUT)
    reduced = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    each = max(_LEAST_DURATION, 10 * round(duration / 10))
    durations = [each] * (len(frames) - 1) + [each + _LAST]
    with write_whole(path) as partial:
        reduced[0].save(
            partial, "GIF", save_all=True, append_images=reduced[1:], duration=durations, loop=0, optimize=False
        )
    return Path(path)


def _frame(
    picture: NDArray[np.uint8], bars: Bars, values: NDArray[np.float64], title: str, largest: float
) -> Image.Image:
    shown = Image.fromarray(picture)
    shown = shown.resize((round(shown.width * _HEIGHT / shown.height), _HEIGHT), Image.Resampling.LANCZOS)
    frame = Image.new("RGB", (shown.width + _PANEL, _HEIGHT), "white")
    frame.paste(shown, (0, 0))
    draw = ImageDraw.Draw(frame)
    left, right = shown.width + _MARGIN, frame.width - _MARGIN
    top = _MARGIN
    for number, line in enumerate(title.split("\n")):
        font = _font(16 if number == 0 else 13, bold=number == 0)
        draw.text((left, top), _fitting(line, font, right - left), fill=_INK, font=font)
        top += 24 if number == 0 else 19
    _draw_bars(draw, bars, values, largest, (left, top + 8, right, _HEIGHT - 46))
    small = _font(11)
    draw.text((left, _HEIGHT - 22), _fitting(bars.caption, small, right - left), fill=_SOFT, font=small)
    return frame


def _draw_bars(
    draw: ImageDraw.ImageDraw, bars: Bars, values: NDArray[np.float64], largest: float, box: tuple[int, int, int, int]
) -> None:
    left, top, right, bottom = box
    font, small = _font(13), _font(11)
    room = (right - left) // 2
    start = left + min(room, round(max(font.getlength(name) for name in bars.names))) + 10
    zero, half = (start + right) // 2, (right - start) // 2
    pitch = (bottom - top) / len(bars.names)
    for number, (name, value, colour) in enumerate(zip(bars.names, values, bars.colours, strict=True)):
        middle = top + (number + 0.5) * pitch
        draw.text((start - 10, middle), _fitting(name, font, room), fill=_INK, font=font, anchor="rm")
        end = zero + round(value / largest * half)
        thick = min(9.0, 0.35 * pitch)
        draw.rectangle((min(zero, end), middle - thick, max(zero, end), middle + thick), fill=colour)
    draw.line((zero, top, zero, bottom), fill=_LINE)
    for place, words, anchor in ((start, f"−{largest:.2g}", "la"), (zero, "0", "ma"), (right, f"+{largest:.2g}", "ra")):
        draw.text((place, bottom + 4), words, fill=_SOFT, font=small, anchor=anchor)


def _fitting(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """The text, cut off with an ellipsis where it is wider than `width` pixels."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text}…"


def _font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    path = Path(mpl.get_data_path()) / "fonts" / "ttf" / name
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
