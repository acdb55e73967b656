"""Which runs a page holds, and which it leaves out and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from udrl_explain.config import safe_folder_name
from udrl_explain.player.options import PlayerOptions
from udrl_explain.player.policy_blocks import why_not
from udrl_explain.player.world import World, world_of
from udrl_explain.report.gather import Experiment, Problem, ReportScope, gather
from udrl_explain.runs.places import CONFIG_FILE
from udrl_explain.runs.run import Run


@dataclass(frozen=True, eq=False)
class Chosen:
    """The runs of one page.

    Parameters
    ----------
    name : str
        Of the folder that the page goes to; that of the report of the same runs.
    world : World
    runs : dict of str to Run
        By label, in the order of the page.
    left_out : tuple of Problem
    hashes : dict
        SHA-256 of each run's folder, by label.
    """

    name: str
    world: World
    runs: dict[str, Run]
    left_out: tuple[Problem, ...]
    hashes: dict[str, str]


def choose(options: PlayerOptions) -> list[Chosen]:
    """Choose the runs of every page that the options ask for, one page per environment.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no run, none of an environment's that the page could play, or an environment is not trusted.
    """
    by_environment: dict[str, list[ReportScope]] = {}
    for place in options.runs:
        for scope in gather(place):
            by_environment.setdefault(scope.env_name, []).append(scope)
    named = all((place / CONFIG_FILE).is_file() for place in options.runs)  # run by run
    return [_chosen(scopes, options, named) for _, scopes in sorted(by_environment.items())]


def short_place(folder: Path) -> str:
    """Environment, experiment and seed as a run's folder names them, without the way there."""
    return Path(*folder.resolve().parts[-3:]).as_posix()


def _chosen(scopes: Sequence[ReportScope], options: PlayerOptions, named: bool) -> Chosen:
    first = scopes[0]
    world = world_of(first.env_name, first.runs[0].directory, trusted=options.trust_environment)
    name = first.name if len(scopes) == 1 else safe_folder_name(first.env_name)
    left_out = [problem for scope in scopes for problem in scope.problems]
    runs: dict[str, Run] = {}
    for scope in scopes:
        for experiment in scope.experiments:
            playable, problems = _playable(experiment, world)
            left_out += problems
            kept = playable if named else playable[: options.runs_per_experiment]
            several = len(kept) > 1 or len(scopes) > 1
            for run in kept:
                label = f"{experiment.label}, seed {run.config.seed}" if several else experiment.label
                runs[_unique(label, runs, run)] = run
    if not named:
        for label in list(runs)[options.most_runs :]:
            reason = f"{label}: the page holds at most {options.most_runs} runs; see --most-runs"
            left_out.append(Problem(runs.pop(label).directory, reason))
    for label, run in list(runs.items()):
        if len(run.feature_names) != len(next(iter(runs.values())).feature_names):
            left_out.append(
                Problem(runs.pop(label).directory, "its policy takes other inputs than that of the first run")
            )
    left_out = list(dict.fromkeys(left_out))
    if not runs:
        raise ValueError(
            f"{first.env_name}: no run can be played; the first, {left_out[0].place}: {left_out[0].reason}"
        )
    hashes = {folder: digest for scope in scopes for folder, digest in scope.hashes.items()}
    by_label = {label: hashes[run.directory.as_posix()] for label, run in runs.items()}
    return Chosen(name, world, runs, tuple(left_out), by_label)


def _playable(experiment: Experiment, world: World) -> tuple[list[Run], list[Problem]]:
    runs, problems = [], []
    for run in experiment.runs:
        reason = why_not_run(run, world)
        if reason:
            problems.append(Problem(run.directory, reason))
        else:
            runs.append(run)
    return runs, problems


def why_not_run(run: Run, world: World) -> str:
    """Why the page cannot play a run; empty where it can."""
    if run.policy is None:
        return f"it has no policy: {' '.join(run.policy_note.split())}"
    if reason := why_not(run.policy):
        return reason
    if len(run.training_inputs) == 0:
        return "it holds no training rows, which missing inputs are drawn from and which say what commands were met"
    if world.environments is None and not run.episodes:
        return f"it holds no episodes, and none can be played: {world.fault}"
    return world.why_not(run.policy)


def _unique(label: str, taken: dict[str, Run], run: Run) -> str:
    if label not in taken:
        return label
    return f"{label} ({short_place(run.directory)})"
