"""Figures from tables: plot functions take a frame and an Axes, never compute, and fit a paper's column.

``save`` writes a figure as PDF, PNG, SVG or PGF; ``paper_style`` sets matplotlib up for one of ``STYLES``; the plot
functions live in the modules of this package. ``python -m udrl_explain.figures table.csv`` draws a table again.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from udrl_explain.figures.export import save
    from udrl_explain.figures.style import STYLES, paper_style

__all__ = ["STYLES", "paper_style", "save"]


def __getattr__(name: str) -> Any:
    """Import matplotlib only when something of it is asked for, so that ``--help`` answers at once."""
    from importlib import import_module

    if name == "save":
        return import_module("udrl_explain.figures.export").save
    if name in ("STYLES", "paper_style"):
        return getattr(import_module("udrl_explain.figures.style"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
