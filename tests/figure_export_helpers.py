"""What a publisher's checker sees in a figure file; shared by the tests of every figure."""

from pathlib import Path

from matplotlib.text import Text
from pypdf import PdfReader

from udrl_explain.figures.style import STYLES

LARGEST_VECTOR_FILE = 1_000_000


def pdf_fonts(path):
    """Give (subtype, base font) of every font in a PDF, those inside forms and composite fonts included."""
    found = set()
    seen = set()

    def walk(item):
        item = item.get_object()
        if id(item) in seen or not hasattr(item, "values"):
            if isinstance(item, list):
                for part in item:
                    walk(part)
            return
        seen.add(id(item))
        if item.get("/Type") == "/Font":
            found.add((str(item.get("/Subtype")), str(item.get("/BaseFont", item.get("/Name")))))
        for key, part in item.items():
            if key != "/Parent":
                walk(part)

    for page in PdfReader(path).pages:
        walk(page["/Resources"])
    return found


def page_inches(path):
    """Width and height of a one-page PDF."""
    (page,) = PdfReader(path).pages
    return float(page.mediabox.width) / 72, float(page.mediabox.height) / 72


def assert_fit_for_print(path, style):
    """TrueType only, exactly the column's width, small enough to submit."""
    subtypes = {subtype for subtype, _ in pdf_fonts(path)}
    assert subtypes, f"{path}: no text at all"
    assert subtypes <= {"/Type0", "/TrueType", "/CIDFontType2"}, f"{path}: holds {sorted(subtypes)} fonts"
    width = page_inches(path)[0]
    assert abs(width - STYLES[style].width) < 1e-6, f"{path}: {width} in wide, {style} has {STYLES[style].width}"
    size = Path(path).stat().st_size
    assert size < LARGEST_VECTOR_FILE, f"{path}: {size} bytes"


def shown_text_sizes(fig, *, drawn=False):
    """Sizes in points of every text that can be seen in a figure drawn once."""
    if not drawn:
        fig.draw_without_rendering()
    return {
        text.get_fontsize()
        for text in fig.findobj(Text)
        if isinstance(text, Text) and text.get_visible() and text.get_text().strip()
    }
