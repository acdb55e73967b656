"""The player of one run inside a notebook."""

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from udrl_explain.files.atomic import write_text_whole
from udrl_explain.player.build import provenance
from udrl_explain.player.chosen import Chosen, why_not_run
from udrl_explain.player.options import PlayerOptions
from udrl_explain.player.page import player_page
from udrl_explain.player.payload import payload
from udrl_explain.player.world import world_of
from udrl_explain.runs.run import Run
from udrl_explain.statistics.run_groups import grouped_runs


@dataclass(frozen=True, eq=False, repr=False)
class PlayerView:
    """A player that a notebook shows inline.

    Parameters
    ----------
    html : str
        The whole page.
    height : int
        Of the frame that shows it, in CSS pixels.
    title : str
    """

    html: str
    height: int
    title: str

    def __repr__(self) -> str:
        return f"PlayerView({self.title!r}, {len(self.html.encode()) / 1e6:.2f} MB)"

    def _repr_html_(self) -> str:
        # The page needs nothing of the notebook around it, and gets nothing.
        return (
            f'<iframe srcdoc="{escape(self.html)}" title="{escape(self.title)}" width="100%" height="{self.height}" '
            'style="border:0" sandbox="allow-scripts allow-downloads"></iframe>'
        )

    def save(self, path: str | Path) -> Path:
        """Write the page as a file, whole or not at all."""
        return write_text_whole(self.html, path)


def view_of_run(run: Run, *, height: int, **flags: Any) -> PlayerView:
    """Make the page of one run; `flags` are those of :class:`PlayerOptions`.

    Raises
    ------
    ValueError
        If a flag does not fit or the run cannot be played.
    """
    if height < 1:
        raise ValueError(f"height must be at least 1 pixel, got {height}")
    options = PlayerOptions(runs=(run.directory,), **flags)
    world = world_of(run.config.env_name, run.directory, trusted=options.trust_environment)
    try:
        reason = why_not_run(run, world)
        if reason:
            raise ValueError(f"{run.directory}: cannot be played: {reason}")
        label = grouped_runs(run)[0].label
        with threadpool_limits(1):
            data = payload(Chosen(label, world, {label: run}, (), {label: ""}), options, provenance(options))
    finally:
        world.close()
    return PlayerView(player_page(data), height, data["title"])
