"""Put a player together and write it whole."""

from pathlib import Path

from threadpoolctl import threadpool_limits

from udrl_explain.files.atomic import write_text_whole
from udrl_explain.player.chosen import Chosen, choose
from udrl_explain.player.options import PlayerOptions
from udrl_explain.player.page import player_page
from udrl_explain.player.payload import payload
from udrl_explain.report.build import PLAYER
from udrl_explain.report.gather import by_place
from udrl_explain.versions import versions_of


def build_players(options: PlayerOptions) -> tuple[list[Path], list[tuple[str, str]]]:
    """Write one page per environment.

    Parameters
    ----------
    options : PlayerOptions

    Returns
    -------
    pages : list of Path
    left_out : list of (str, str)
        Folder and reason of every run that could not be read or played.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no run, or none of an environment's that can be played; nothing is written then.
    """
    with threadpool_limits(1):  # BLAS sums depend on the number of threads; one gives the same bytes everywhere
        every = choose(options)
        if len(every) > 1 and options.output.suffix == ".html":
            names = ", ".join(chosen.world.env_name for chosen in every)
            raise ValueError(f"output must be a folder where there are several environments ({names})")
        texts = []
        for chosen in every:
            texts.append(player_page(payload(chosen, options, provenance(options))))
            chosen.world.close()
    pages = [write_text_whole(text, _target(chosen, options)) for chosen, text in zip(every, texts, strict=True)]
    left_out = [problem for chosen in every for problem in chosen.left_out]
    return pages, list(by_place(dict.fromkeys(left_out)).items())


def _target(chosen: Chosen, options: PlayerOptions) -> Path:
    return options.output if options.output.suffix == ".html" else options.output / chosen.name / PLAYER


def provenance(options: PlayerOptions) -> dict[str, object]:
    """Who made a page, and how: versions and command."""
    versions = versions_of(("numpy", "gymnasium", "udrl_explain"))
    return {"version": versions["udrl_explain"], "command": command_line(options), "versions": versions}


def command_line(options: PlayerOptions) -> str:
    """Give the command that makes the page again, without the way to the runs on this machine."""
    words = [place.as_posix() if not place.is_absolute() else place.name for place in options.runs]
    for name in (
        "runs_per_experiment", "most_runs", "start_seeds", "background", "returns", "horizons", "recorded_seeds",
        "seed",
    ):  # fmt: skip
        if getattr(options, name) != getattr(PlayerOptions, name):
            words.append(f"--{name} {getattr(options, name)}")
    return " ".join(["python -m udrl_explain.player", *words])
