"""What lies on what in a figure: the renderer is asked for the boxes of all words, legends and axes."""

from itertools import combinations

import numpy as np
from matplotlib.axis import Axis
from matplotlib.legend import Legend
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Bbox

SLACK = 1.0  # pixels at 100 dots per inch: boxes of words are a little higher than their letters


def overlaps(figure):
    """Sentences, one per fault: words on words, on axes or off the page; legends on axes; words across a box's edge.

    Words that an Axes places itself (``ax.text``) may lie inside of it and inside of its boxes.
    """
    figure.set_dpi(100)
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    words = _words(figure, renderer)
    faults = []
    for (one, box, _), (other, its_box, _) in combinations(words, 2):
        if _meet(box, its_box):
            faults.append(f"{one!r} lies on {other!r}")
    page = figure.bbox
    for one, box, _ in words:
        if box.x0 < page.x0 - SLACK or box.x1 > page.x1 + SLACK or box.y0 < page.y0 - SLACK or box.y1 > page.y1 + SLACK:
            faults.append(f"{one!r} runs off the page")
    areas = [(axes, axes.get_window_extent(renderer)) for axes in figure.findobj(_is_axes) if axes.axison]
    for one, box, inside in words:
        faults += [
            f"{one!r} lies on the area of an Axes" for axes, area in areas if axes is not inside and _meet(box, area)
        ]
    for legend in _legends(figure):
        box = legend.get_window_extent(renderer)
        if box.x0 < page.x0 - SLACK or box.x1 > page.x1 + SLACK or box.y0 < page.y0 - SLACK or box.y1 > page.y1 + SLACK:
            faults.append("a legend runs off the page")
        faults += ["a legend lies on the area of an Axes" for _, area in areas if _meet(box, area)]
        own = set(legend.findobj(Text))
        faults += [
            f"a legend lies on {text!r}"
            for text, its_box, artist in _words(figure, renderer, own)
            if _meet(box, its_box)
        ]
    for axes in figure.findobj(_is_axes):
        outlines = [patch.get_window_extent(renderer) for patch in axes.patches if isinstance(patch, Rectangle)]
        for text in axes.texts:
            if not text.get_text().strip() or not text.get_visible():
                continue
            box = _shrunk(text.get_window_extent(renderer))
            for outline in outlines:
                if box.overlaps(outline) and not _contains(outline, box):
                    faults.append(f"{text.get_text()!r} crosses the edge of a box")
                    break
    return sorted(set(faults))


def _is_axes(artist):
    return hasattr(artist, "get_xlim") and hasattr(artist, "axison")


def _words(figure, renderer, without=()):
    """Text, box and the Axes inside of which it may lie (None for ticks, labels and titles) of every word shown."""
    ticks = set()
    for axes in figure.findobj(_is_axes):
        for axis in (axes.xaxis, axes.yaxis):
            ticks |= _ticks_not_drawn(axis) if axes.axison else set(axis.findobj(Text))
    found = []
    for text in figure.findobj(Text):
        if text in ticks or text in without or not text.get_visible() or not text.get_text().strip():
            continue
        box = text.get_window_extent(renderer)
        if np.isfinite(box.extents).all() and box.width > 0:
            owner = text.axes if text.axes is not None and text in text.axes.texts else None
            found.append((text.get_text(), box, owner))
    return found


def _ticks_not_drawn(axis: Axis):
    drawn = set(axis._update_ticks())  # the ticks within view; matplotlib has no public way to ask
    made = [*axis.majorTicks, *axis.minorTicks]
    return {label for tick in made for label in (tick.label1, tick.label2) if tick not in drawn}


def _legends(figure):
    return [legend for legend in figure.findobj(Legend) if legend.get_visible()]


def _shrunk(box):
    return Bbox.from_extents(box.x0 + SLACK, box.y0 + SLACK, box.x1 - SLACK, box.y1 - SLACK)


def _meet(one, other):
    one, other = _shrunk(one), _shrunk(other)
    return one.x0 < other.x1 and other.x0 < one.x1 and one.y0 < other.y1 and other.y0 < one.y1


def _contains(outer, inner):
    return outer.x0 <= inner.x0 and inner.x1 <= outer.x1 and outer.y0 <= inner.y0 and inner.y1 <= outer.y1
