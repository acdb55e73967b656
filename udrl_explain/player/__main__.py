"""Command line of the player: ``python -m udrl_explain.player data/CartPole-v0``."""

import sys
from pathlib import Path

from udrl_explain.command_line import answer, parse, run_main
from udrl_explain.player.options import PlayerOptions

PROG = "python -m udrl_explain.player"
_LARGE = 10_000_000


def main() -> int:
    """Write the pages; runs that are left out are named."""
    options = parse(PlayerOptions, prog=PROG)
    # Heavy imports wait until the flags are read: --help answers at once.
    if options.gif is not None:
        from udrl_explain.player.animation import write_animation

        path = write_animation(options)
        answer(PROG, [path], f"Episode drawn in {path} ({path.stat().st_size / 1e6:.2f} MB).")
        return 0

    from udrl_explain.player.build import build_players

    pages, left_out = build_players(options)
    sizes = ", ".join(f"{page} ({page.stat().st_size / 1e6:.2f} MB)" for page in pages)
    answer(PROG, pages, f"Open {sizes} in a browser; no server and no network are needed.{_about_report(pages)}")
    if any(page.stat().st_size > _LARGE for page in pages):
        words = "fewer --returns, --horizons and --recorded-seeds make it smaller"
        sys.stderr.write(f"{PROG}: a page of many recorded steps opens slowly: {words}\n")
    for folder, reason in left_out:
        sys.stderr.write(f"{PROG}: left out {folder}: {reason}\n")
    return 0


def _about_report(pages: list[Path]) -> str:
    """A report links the player that lay beside it when it was made."""
    for page in pages:
        report = page.parent / "report.html"
        if report.is_file() and f'href="{page.name}"' not in report.read_text(encoding="utf-8", errors="replace"):
            return " Make the report beside it again, and it links the player."
    return ""


if __name__ == "__main__":
    raise SystemExit(run_main(PROG, main))
