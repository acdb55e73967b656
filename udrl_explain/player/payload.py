"""What the page holds: policies as arrays, rows to check them on, starts, recorded episodes."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from udrl_explain.command_space.plane_ends import including, plane_ends
from udrl_explain.command_space.support import RADIUS, CommandSupport, fitted_commands
from udrl_explain.commands import Command
from udrl_explain.episodes import Episode
from udrl_explain.names import feature, return_bounds
from udrl_explain.player.blocks import block, whole_block
from udrl_explain.player.check_rows import check_rows
from udrl_explain.player.chosen import Chosen, short_place
from udrl_explain.player.options import PlayerOptions
from udrl_explain.player.policy_blocks import policy_blocks
from udrl_explain.player.recorded import common_commands, recorded_blocks, recorded_episodes
from udrl_explain.player.simulated import kind_of, start_states
from udrl_explain.player.world import World
from udrl_explain.policies import NeuralPolicy
from udrl_explain.report.gather import one_line
from udrl_explain.runs.run import Run
from udrl_explain.statistics.support_points import MOST_CANDIDATES, support_points

FORMAT = 1
_MOST_DRAWN = 1500  # training commands
_MOST_BACKGROUND, _LEAST_BACKGROUND = 200, 32  # rows
_MOST_ASKED = 2**15  # rows that a net is asked for one explanation


def payload(chosen: Chosen, options: PlayerOptions, provenance: dict[str, Any]) -> dict[str, Any]:
    """Gather all that the page shows and computes with.

    Parameters
    ----------
    chosen : Chosen
    options : PlayerOptions
    provenance : dict
        Who made the page.

    Returns
    -------
    dict
        Of JSON's types; arrays are blocks (``player.blocks``).

    Raises
    ------
    ValueError
        If an environment, or a policy, does what it may not while episodes are recorded.
    """
    world = chosen.world
    runs = list(chosen.runs.values())
    finals = [first_command(run) for run in runs]
    commands = common_commands(runs, np.array([(c.desired_return, c.desired_horizon) for c in finals]), options)
    entries = []
    longest = 0
    for (label, run), command in zip(tqdm(chosen.runs.items(), desc=world.env_name, unit="run"), finals, strict=True):
        entry = _run_entry(run, command, options) | {"label": label, "hash": chosen.hashes[label], "recorded": []}
        if not world.simulated:
            episodes = _recorded(run, world, commands, options)
            longest = max(longest, *map(len, episodes))
            entry["recorded"] = recorded_blocks(episodes)
        entries.append(entry)
    starts = None
    if world.simulated:
        seeds = list(range(options.start_seeds))
        starts = {"seeds": seeds, "states": block(start_states(world.env_name, seeds))}
    first = runs[0]
    return {
        "format": FORMAT,
        "title": f"{world.env_name}: command the agent, and see why it acts",
        "made_by": provenance,
        "environment": {
            "name": world.env_name,
            "kind": kind_of(world.env_name, len(first.feature_names)),
            "features": [_feature(name) for name in first.feature_names],
            "actions": list(first.action_names),
            "most_steps": world.environments.most_steps if world.environments else longest,
            "return_bounds": [_finite(bound) for bound in return_bounds(world.env_name)],
        },
        "simulated": world.simulated,
        "recorded_words": _recorded_words(world),
        "starts": starts,
        "runs": entries,
        "left_out": [{"folder": short_place(problem.folder), "reason": problem.reason} for problem in chosen.left_out],
    }


def _run_entry(run: Run, command: Command, options: PlayerOptions) -> dict[str, Any]:
    assert run.policy is not None
    support = fitted_commands(run.training_inputs)
    ends = including(plane_ends(support, run.config.env_name), command)
    rows = check_rows(run, ends, options.seed)
    background, words = background_of(run, options)
    return {
        "experiment": run.experiment,
        "folder": short_place(run.directory),
        "seed": run.config.seed,
        "estimator": run.config.estimator_name,
        "final_return": _final_return(run),
        **policy_blocks(run.policy),
        "most_return": _finite(run.return_limit),
        "command": {"desired_return": command.desired_return, "desired_horizon": command.desired_horizon},
        "ignores_horizon": run.config.horizon_meaning == "none",
        "command_range": {"return": list(ends[0]), "horizon": list(ends[1])},
        "check": {"rows": block(rows), "probabilities": block(run.policy.action_probabilities(rows))},
        "background": block(background),
        "background_words": words,
        "training_commands": _drawn_commands(support),
        "seen": {
            "commands": block(support.commands),
            "counts": whole_block(support.counts),
            "n_commands": support.n_commands,
            "spread": list(support.spread),
            "radius": RADIUS,
            "n_needed": support.n_needed,
            "words": support.kind.words,
        },
        "notes": [one_line(note) for note in run.notes],
    }


def _recorded(run: Run, world: World, commands: NDArray[np.float64], options: PlayerOptions) -> Sequence[Episode]:
    if world.environments is None:
        return run.episodes[: len(commands) * options.recorded_seeds]
    return recorded_episodes(run, commands, options.recorded_seeds)


def _recorded_words(world: World) -> str:
    """What a reader must know of the recorded episodes."""
    if world.simulated:
        return ""
    if world.environments is None:
        return f"Episodes of the final evaluation: the environment could not be made to play others ({world.fault})."
    return "Episodes that the policies played in their own environment, all under the same commands and seeds."


def first_command(run: Run) -> Command:
    """The command of the final evaluation; where there was none, the greatest return that is seen, of least horizon."""
    desired, horizon = run.config.final_desired_return, run.config.final_desired_horizon
    if desired is not None and horizon is not None:
        return Command(float(desired), float(horizon))
    seen = fitted_commands(run.training_inputs).seen_commands
    best = min(seen.tolist(), key=lambda command: (-command[0], command[1]))
    return Command(*best)


def _final_return(run: Run) -> dict[str, float] | None:
    if run.n_final == 0:
        return None
    return {"mean": run.final_mean, "std": run.final_std, "n": run.n_final}


def background_of(run: Run, options: PlayerOptions) -> tuple[NDArray[np.float64], str]:
    """Rows that stand for missing inputs, and what readers are told of them.

    Raises
    ------
    ValueError
        If more rows are asked for than can be chosen, but not all.
    """
    rows = run.training_inputs
    most = _MOST_BACKGROUND if options.background is None else options.background
    if options.background is None and isinstance(run.policy, NeuralPolicy):
        # A net is asked once per row and coalition, 2 to the number of inputs.
        most = min(most, max(_LEAST_BACKGROUND, _MOST_ASKED >> rows.shape[1]))
    if len(rows) <= most:
        return rows, f"all {len(rows)} rows of the last fit"
    if most > MOST_CANDIDATES:
        raise ValueError(
            f"background must be at most {MOST_CANDIDATES}, or all {len(rows)} rows of {run.directory}, got {most}"
        )
    chosen = support_points(rows, most, options.seed)
    return rows[chosen], f"{most} of the {len(rows)} rows of the last fit, which stand for all"


def _drawn_commands(support: CommandSupport) -> dict[str, Any]:
    step = max(1, math.ceil(len(support.commands) / _MOST_DRAWN))
    return block(support.commands[::step].astype(np.float32))


def _feature(name: str) -> dict[str, str]:
    known = feature(name)
    return {"name": known.name, "symbol": known.symbol, "unit": known.unit}


def _finite(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None
