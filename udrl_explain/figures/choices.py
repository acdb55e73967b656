"""Formats and styles that figures can be asked for, without the weight of matplotlib."""

FORMATS = ("png", "pdf", "svg", "pgf")
"""In the order of writing: the picture that every report has comes first, so that no other can touch it."""
STYLE_NAMES = ("icml", "ieee", "text", "full", "slides")


def checked_formats(text: str) -> tuple[str, ...]:
    """Return the formats in a comma-separated text, in the order of :data:`FORMATS`.

    Raises
    ------
    ValueError
        If the text is empty or names another format.
    """
    chosen = text.split(",")
    for name in chosen:
        if name not in FORMATS:
            raise ValueError(f"formats must be some of {', '.join(FORMATS)}, separated by commas, got {name!r}")
    return tuple(name for name in FORMATS if name in chosen)


def check_style(name: str) -> None:
    """Raise a ValueError unless `name` is one of :data:`STYLE_NAMES`."""
    if name not in STYLE_NAMES:
        raise ValueError(f"style must be one of {', '.join(STYLE_NAMES)}, got {name!r}")


RUNS = "runs.json"
"""File beside the tables of a report that holds the hashes of the runs they were made of."""
