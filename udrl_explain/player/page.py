"""The page: one HTML file that holds its data, its style and its script."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup

from udrl_explain.player.modules import joined_modules
from udrl_explain.report.page.html import PageParts, filled

WEB = Path(__file__).parent / "web"
_TEMPLATE = "player.html.jinja"


def player_page(data: dict[str, Any]) -> str:
    """Give the page as HTML; equal data give equal bytes.

    Parameters
    ----------
    data : dict
        As ``payload`` makes it.
    """
    runs = data.get("runs", [])
    horizon_counts = not runs or any(not run.get("ignores_horizon") for run in runs)
    return filled(_TEMPLATE, _parts(), title=data["title"], data=_json(data), horizon_counts=horizon_counts)


@cache
def _parts() -> PageParts:
    css = (WEB / "player.css").read_text(encoding="utf-8")
    return PageParts(WEB, css, joined_modules(WEB, "main.js"), images="data: blob:")


def _json(data: dict[str, Any]) -> Markup:
    """JSON that no name in it can end early: HTML reads nothing into a script's text but a ``<``."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))
