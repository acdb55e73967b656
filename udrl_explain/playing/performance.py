"""Play all coalitions of stored runs, part by part, and store what they achieve."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from udrl_explain.attributions.enumeration import LEAST_BACKGROUND
from udrl_explain.commands import COMMAND_NAMES, n_commands
from udrl_explain.environments import Lockstep, check_trusted
from udrl_explain.playing.performance_options import PerformanceOptions
from udrl_explain.policies import ForestPolicy, Policy
from udrl_explain.rollouts.coalitions import COLUMNS, play_coalitions
from udrl_explain.rollouts.collecting import check_fits
from udrl_explain.rollouts.streams import evaluation_seeds, streams
from udrl_explain.runs import Run, find_runs, load_run, store_performance
from udrl_explain.runs.places import PERFORMANCE_FILE
from udrl_explain.statistics.support_points import MOST_CANDIDATES, support_points
from udrl_explain.tables import read_csv, write_csv

MOST_PLAYERS = 12


def play_performance(options: PerformanceOptions) -> tuple[list[Path], list[tuple[Path, str]]]:
    """Do what the options ask for.

    What is played of a run already lies in its folder until all is: the same command goes on from there.

    Returns
    -------
    written : list of Path
        The file of every run that was played.
    left_out : list of (Path, str)
        Folder and reason of every run that could not be; always empty where the options name one run.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no run. If the options name one run: if it cannot be read, holds no policy, no command or no rows
        to average over, its environment does not fit, or a group does not. If they name several: if none can be played.
    """
    folders = find_runs(options.run)
    if folders == [options.run]:
        return [_play_run(options.run, options)], []
    written, left_out = list[Path](), list[tuple[Path, str]]()
    waiting = [folder for folder in folders if options.overwrite or not (folder / PERFORMANCE_FILE).is_file()]
    for folder in waiting:
        try:
            written.append(_play_run(folder, options))
        except (ValueError, OSError) as fault:
            left_out.append((folder, " ".join(str(fault).split()).removeprefix(f"{folder}: ")))
    if left_out and len(left_out) == len(folders):
        raise ValueError(f"{options.run}: none of its {len(folders)} runs can be played; the first: {left_out[0][1]}")
    return written, left_out


def _play_run(folder: Path, options: PerformanceOptions) -> Path:
    run = load_run(folder)
    if run.policy is None:
        raise ValueError(f"{folder}: there is no policy to play: {run.policy_note}")
    check_trusted(run.config.env_name, folder, options.trust_environment, "give --trust-environment if you trust it")
    if len(run.training_inputs) == 0:
        raise ValueError(f"{folder}: holds no training rows to average unknown inputs over")
    command = _command(run)
    if command is None and n_commands(run.feature_names):
        raise ValueError(f"{folder}: its settings hold no command to evaluate with")
    players = players_of(options.groups, run.feature_names)
    if len(players) > MOST_PLAYERS:
        raise ValueError(
            f"groups: {len(players)} inputs make {2 ** len(players):,} coalitions, at most {MOST_PLAYERS} are played; "
            "put inputs together, for instance --groups state command"
        )
    environments = Lockstep(run.config.env_name)
    environments.close()
    check_fits(run.policy, environments, f"the policy of {folder}")
    random = streams(run.config.seed if options.seed is None else options.seed).performance
    seeds = evaluation_seeds(random, options.episodes)
    background = _background(run, run.policy, options.background, random)
    coalitions = [sum(player for i, player in enumerate(players) if bits >> i & 1) for bits in range(1 << len(players))]
    unfinished = _unfinished(run, coalitions, seeds, background)
    done = _played(unfinished, coalitions, seeds)
    left = coalitions[len(done) // len(seeds) :]
    limit = run.return_limit
    with tqdm(
        total=len(coalitions), initial=len(coalitions) - len(left), desc=f"coalitions of {folder}", unit="coalition"
    ) as bar:
        for part in play_coalitions(
            run.policy, background, run.config.env_name, left, command, seeds,
            most_return=limit, n_jobs=options.n_jobs,
        ) if left else ():  # fmt: skip
            done = pd.concat([done, part], ignore_index=True) if len(done) else part
            write_csv(done, unfinished)
            bar.update(len(part) // len(seeds))
    path = store_performance(run, done)
    unfinished.unlink(missing_ok=True)
    return path


def _command(run: Run) -> tuple[float, float] | None:
    asked = (run.config.final_desired_return, run.config.final_desired_horizon)
    return None if asked[0] is None or asked[1] is None else (asked[0], asked[1])


def players_of(groups: tuple[str, ...], feature_names: tuple[str, ...]) -> list[int]:
    """Inputs (as bits) of every player; inputs of no group play by themselves.

    Parameters
    ----------
    groups : tuple of str
        ``"state"``, ``"command"``, or names of inputs joined by commas; empty: every input by itself.
    feature_names : tuple of str

    Raises
    ------
    ValueError
        If there is no such input, or one stands in two groups.
    """
    whole = {
        "state": [name for name in feature_names if name not in COMMAND_NAMES],
        "command": [name for name in feature_names if name in COMMAND_NAMES],
    }
    taken: set[str] = set()
    players = []
    for group in groups:
        names = whole.get(group) or group.split(",")
        for name in names:
            if name not in feature_names:
                raise ValueError(f"groups: {name!r} is neither state nor command nor one of {', '.join(feature_names)}")
            if name in taken:
                raise ValueError(f"groups: {name!r} stands in two groups")
            taken.add(name)
        players.append(sum(1 << feature_names.index(name) for name in names))
    players += [1 << j for j, name in enumerate(feature_names) if name not in taken]
    return sorted(players, key=lambda player: player & -player)


def _background(run: Run, policy: Policy, n_rows: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Rows of the last fit that stand for all (support points); of more than these can be found for, random ones."""
    rows = run.training_inputs
    wanted = n_rows or (len(rows) if isinstance(policy, ForestPolicy) else LEAST_BACKGROUND)
    if wanted >= len(rows):
        return rows
    if wanted <= MOST_CANDIDATES:
        return rows[support_points(rows, wanted, int(random.integers(2**31)))]
    return rows[np.sort(random.choice(len(rows), size=wanted, replace=False))]


def _unfinished(run: Run, coalitions: list[int], seeds: list[int], background: NDArray[np.float64]) -> Path:
    """File of what is played so far; its name says for what, so that other settings never go on from it."""
    settings = run.config.to_dict() | {"coalitions": coalitions, "seeds": seeds, "limit": run.return_limit}
    key = hashlib.sha256(json.dumps(settings, sort_keys=True).encode() + background.tobytes()).hexdigest()[:12]
    return run.directory / f"performance-{key}-unfinished.csv"


def _played(unfinished: Path, coalitions: list[int], seeds: list[int]) -> pd.DataFrame:
    """What an interrupted command left; an empty frame if there is nothing, or nothing that fits."""
    nothing = pd.DataFrame(columns=list(COLUMNS))
    if not unfinished.is_file():
        return nothing
    try:
        frame = read_csv(unfinished)
    except ValueError:
        return nothing
    n_done = len(frame) // len(seeds)
    fits = (
        tuple(frame.columns) == COLUMNS
        and len(frame) == n_done * len(seeds)
        and frame["coalition"].tolist() == np.repeat(coalitions[:n_done], len(seeds)).tolist()
        and frame["environment_seed"].tolist() == seeds * n_done
    )
    return frame if fits else nothing
