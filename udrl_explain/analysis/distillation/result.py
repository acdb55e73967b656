"""Distil a policy into single trees of a few leaves, and say what each of them gives up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from udrl_explain.analysis.distillation.frontier import Played, line_of, play_fresh
from udrl_explain.analysis.distillation.student import Student
from udrl_explain.analysis.distillation.students import Teaching, imitate, rounds_of, teach
from udrl_explain.commands import COMMAND_NAMES, N_COMMANDS, n_commands
from udrl_explain.environments import Lockstep, check_trusted
from udrl_explain.episodes import Episode
from udrl_explain.policies import ForestPolicy, Policy, greedy_actions
from udrl_explain.policies.of_runs import PolicyOwner, policy_and_background
from udrl_explain.results import Drawn, displayed
from udrl_explain.rollouts.collecting import check_fits
from udrl_explain.rollouts.streams import evaluation_seeds, streams
from udrl_explain.rollouts.sweeps import command_levels

MAX_LEAVES = (2, 4, 8, 16, 32, 64)
N_LEVELS = 8
TEACHER, STUDENT = "policy", "tree"
MEASURES = ("agreement", "return", "difference", "mae")
COLUMNS = (
    "point", "max_leaves", "n_leaves", "depth",
    *(f"{name}{part}" for name in MEASURES for part in ("", "_low", "_high", "_interval")),
    "as_good", "is_smallest", "n_episodes", "n_levels", "n_level_episodes", "desired_return", "desired_horizon",
    "method", "exact", "n_rows", "seed",
)  # fmt: skip
PLAIN = "imitation of the rows given"
DAGGER = "dataset aggregation, rows weighted by the policy's margin"


@displayed
@dataclass(frozen=True, eq=False)
class Distillation(Drawn):
    """Trees that imitate a policy, by the number of their leaves.

    Parameters
    ----------
    students : tuple of Student
        By ascending `max_leaves`.
    table : DataFrame
        Columns :data:`COLUMNS`; the teacher last.
    env_name : str
        "" where there was no environment to play.
    feature_names, action_names : tuple of str
    method : str
    exact : bool
        False: trees are fitted to what was met, and judged on episodes that were drawn.
    n_rows : int
        Fresh episodes under the judging command.
    seed : int
    """

    students: tuple[Student, ...]
    table: pd.DataFrame
    env_name: str
    feature_names: tuple[str, ...]
    action_names: tuple[str, ...]
    method: str
    exact: bool
    n_rows: int
    seed: int

    @property
    def smallest(self) -> Student | None:
        """The smallest tree whose return the interval does not put below the policy's; None if there is none."""
        found = self.table.index[self.table["is_smallest"]]
        return self.students[int(found[0])] if len(found) else None

    def student(self, max_leaves: int) -> Student:
        """Tree of at most so many leaves: the largest that was fitted.

        Raises
        ------
        ValueError
            If none is so small.
        """
        fitting = [student for student in self.students if student.n_leaves <= max_leaves]
        if not fitting:
            sizes = ", ".join(str(student.n_leaves) for student in self.students)
            raise ValueError(f"no tree has at most {max_leaves} leaves; there are trees of {sizes}")
        return fitting[-1]

    def to_frame(self) -> pd.DataFrame:
        """One row per tree and a last one for the policy, columns :data:`COLUMNS`; returns in reward.

        `agreement` is the share of the steps of a tree's own fresh episodes in which the policy would have acted alike,
        `difference` the return less the policy's on the same environment seeds, `mae` the mean distance between desired
        and achieved return over the command levels. `as_good` says that the interval of the difference reaches 0, and
        `is_smallest` marks the first such tree.
        """
        return self.table.copy()


def distill(
    policy: Policy | PolicyOwner,
    episodes_or_env: str | Sequence[Episode] | None = None,
    *,
    max_leaves: Sequence[int] = MAX_LEAVES,
    seed: int = 0,
    commands: ArrayLike | None = None,
    command: ArrayLike | None = None,
    n_rounds: int = 8,
    n_round_episodes: int = 40,
    n_episodes: int = 100,
    n_level_episodes: int = 20,
    digits: int | None = 3,
    weighted: bool = True,
    most_return: float | None = None,
) -> Distillation:
    """Fit single trees of a few leaves that imitate a policy, and measure what each gives up.

    Parameters
    ----------
    policy : Run or Policy
        The teacher. Never modified. A run knows its environment and commands.
    episodes_or_env : str or sequence of Episode
        Gymnasium id of the environment to play. Or episodes of the policy alone: then trees imitate it on their rows,
        there is nothing to play, and agreement is measured on the last fifth of the episodes. Not needed for a run.
    max_leaves : sequence of int
        One tree each; ascending, at least 2.
    seed : int
        Of everything that is drawn; the same seed gives the same trees.
    commands : array_like of shape (n_commands, 2) or (2,), optional
        Desired return and horizon of the episodes that are learnt from, in turn, and the levels of `mae`. One command
        distils the policy for that one. Of a run by default eight levels over the returns of its training, and its
        final command as often as all of them; a policy that takes a command needs some.
    command : array_like of shape (2,), optional
        The command that returns are judged by. Of a run by default that of its final evaluation, of a policy the last
        of `commands`.
    n_rounds, n_round_episodes : int
        Rounds of fitting, and episodes that each tree and the policy play in each. One round is plain imitation.
    n_episodes, n_level_episodes : int
        Fresh episodes under `command`, and under each of `commands`, of the policy and of every tree.
    digits : int or None
        Thresholds are rounded to so many digits of their input's spread, before anything is measured: what is printed
        is what is played. None leaves them.
    weighted : bool
        Whether a row weighs the policy's margin there.
    most_return : float, optional
        See :func:`~udrl_explain.collect`; of a run by default its own limit.

    Returns
    -------
    Distillation

    Raises
    ------
    ValueError
        If an argument does not fit, or a command or the environment is missing.

    Notes
    -----
    VIPER (Bastani, Pu and Solar-Lezama 2018, "Verifiable reinforcement learning via policy extraction"), on the dataset
    aggregation of Ross, Gordon and Bagnell (2011); see ``analysis.distillation.students``. Fitting, choosing among the
    rounds and judging use different environment seeds. Trees act greedily, as the policy does here.
    """
    teacher, _, run = policy_and_background(policy, None)
    sizes = _checked_sizes(max_leaves)
    for name, number in (
        ("n_rounds", n_rounds), ("n_round_episodes", n_round_episodes), ("n_episodes", n_episodes),
        ("n_level_episodes", n_level_episodes),
    ):  # fmt: skip
        if number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}")
    if digits is not None and digits < 1:
        raise ValueError(f"digits must be at least 1, or None, got {digits}")
    teaching = Teaching(sizes, digits, n_rounds, seed, weighted)
    if episodes_or_env is not None and not isinstance(episodes_or_env, str):
        return _from_episodes(teacher, list(episodes_or_env), teaching)
    env_name = _environment(run, episodes_or_env)
    asked, levels, judged = _commands(teacher, run, commands, command)
    limit = float(getattr(run, "return_limit", np.inf)) if most_return is None else float(most_return)
    environments = Lockstep(env_name)
    try:
        check_fits(teacher, environments)
        random = streams(seed)
        trees = teach(
            teacher,
            environments,
            rounds_of(asked, n_round_episodes),
            teaching,
            random.environments,
            most_return=limit,
        )
        played = play_fresh(
            [*trees, teacher],
            environments,
            judged,
            levels,
            evaluation_seeds(random.final, n_episodes),
            evaluation_seeds(random.sweep, n_level_episodes),
            limit,
        )
    finally:
        environments.close()
    facts = {
        "n_levels": 0 if levels is None else len(levels),
        "n_level_episodes": 0 if levels is None else n_level_episodes,
        "desired_return": np.nan if judged is None else judged[0],
        "desired_horizon": np.nan if judged is None else judged[1],
    }
    method = f"{DAGGER if weighted else 'dataset aggregation'}, {n_rounds} rounds of {n_round_episodes} episodes"
    return _result(teacher, played, teaching, env_name, method, facts)


def _result(
    teacher: Policy, played: list[Played], teaching: Teaching, env_name: str, method: str, facts: dict[str, Any]
) -> Distillation:
    trees = [one.policy for one in played[:-1]]
    students = tuple(
        Student(tree, leaves, one.episodes if env_name else (), one.sweep, method, teaching.seed)
        for tree, leaves, one in zip(trees, teaching.max_leaves, played, strict=False)
        if isinstance(tree, ForestPolicy)
    )
    lines = []
    for k, one in enumerate(played):
        own: dict[str, Any] = {"point": TEACHER, "max_leaves": pd.NA, "n_leaves": _leaves(teacher), "depth": pd.NA}
        if k < len(students):
            student = students[k]
            own = {
                "point": STUDENT, "max_leaves": student.max_leaves, "n_leaves": student.n_leaves,
                "depth": student.depth,
            }  # fmt: skip
        lines.append(own | line_of(one, played[-1], teaching.seed, judged=bool(env_name)))
    good = [k for k, line in enumerate(lines[:-1]) if line["as_good"]]
    for k, line in enumerate(lines):
        line |= facts | {
            "is_smallest": bool(good) and k == good[0],
            "n_episodes": len(played[-1].episodes),
            "n_rows": len(played[-1].episodes),
            "method": method,
            "exact": False,
            "seed": teaching.seed,
        }
    table = pd.DataFrame(lines, columns=list(COLUMNS))
    table = table.astype({"max_leaves": "Int64", "n_leaves": "Int64", "depth": "Int64"})
    return Distillation(
        students, table, env_name, teacher.feature_names, teacher.action_names, method, False,
        len(played[-1].episodes), teaching.seed,
    )  # fmt: skip


def _from_episodes(teacher: Policy, episodes: list[Episode], teaching: Teaching) -> Distillation:
    """Plain imitation of the rows of most episodes; agreement on the rest, nothing is played."""
    if len(episodes) < 2 or not all(isinstance(episode, Episode) for episode in episodes):
        raise ValueError(
            "episodes_or_env must name an environment or hold at least two episodes, got "
            f"{len(episodes)} of {type(episodes[0]).__name__ if episodes else 'nothing'}"
        )
    n_fresh = max(1, len(episodes) // 5)
    rows = np.concatenate([episode.inputs for episode in episodes[:-n_fresh]])
    fresh = tuple(
        Episode(e.inputs, greedy_actions(teacher.action_probabilities(e.inputs)), e.rewards, e.seed, e.takes_command)
        for e in episodes[-n_fresh:]
    )
    played = []
    for policy in (*imitate(teacher, rows, teaching), teacher):
        acted = tuple(
            Episode(e.inputs, greedy_actions(policy.action_probabilities(e.inputs)), e.rewards, e.seed, e.takes_command)
            for e in fresh
        )
        played.append(Played(policy, acted, pd.DataFrame()))
    facts = {"n_levels": 0, "n_level_episodes": 0, "desired_return": np.nan, "desired_horizon": np.nan}
    return _result(teacher, played, teaching, "", f"{PLAIN}, agreement on {n_fresh} other episodes", facts)


def _environment(run: PolicyOwner | None, env_name: str | None) -> str:
    if env_name is not None:
        return env_name
    if run is None:
        raise ValueError("episodes_or_env must name the environment to play, or hold episodes of the policy; got None")
    own = str(run.config.env_name)  # type: ignore[attr-defined] # a run has one
    place = getattr(run, "directory", "the run")
    check_trusted(own, place, False, f"pass {own!r} as episodes_or_env if you trust it")
    return own


def _commands(
    teacher: Policy, run: PolicyOwner | None, commands: ArrayLike | None, command: ArrayLike | None
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64] | None, NDArray[np.float64] | None]:
    """Commands to learn under, levels of obedience, and the command that returns are judged by."""
    if n_commands(teacher.feature_names) == 0:
        if commands is not None or command is not None:
            raise ValueError("commands and command must be left out for a policy that takes none")
        return None, None, None
    own = _own_command(run)
    judged = own if command is None else _checked_commands("command", command)[0]
    if commands is not None:
        levels = _checked_commands("commands", commands)
        judged = levels[-1] if judged is None or (command is None and len(levels) == 1) else judged
        return levels, levels if len(levels) > 1 else None, judged
    trained = getattr(run, "training_commands", None)
    if trained is None or len(trained) == 0:
        if judged is None:
            raise ValueError(
                "commands must be given for a policy that takes one: desired return and horizon of the episodes to "
                "learn from, for instance commands=[(200, 200)]"
            )
        return judged[None, :], None, judged
    none = getattr(run.config, "horizon_meaning", None) == "none"  # type: ignore[union-attr]
    levels = command_levels(trained, 2 * N_LEVELS, ignores_horizon=none)
    levels[:, 1] = np.maximum(levels[:, 1], 1.0)
    # The upper fifth asks for more than training ever achieved.
    best = float(np.nanmax(trained["achieved_return"])) if trained["achieved_return"].notna().any() else np.inf
    seen = levels[levels[:, 0] <= best]
    levels = seen[np.unique(np.linspace(0, len(seen) - 1, N_LEVELS).astype(int))]
    judged = levels[-1] if judged is None else judged
    return np.concatenate([levels, np.tile(judged, (len(levels), 1))]), levels, judged


def _own_command(run: PolicyOwner | None) -> NDArray[np.float64] | None:
    config = getattr(run, "config", None)
    pair = (getattr(config, "final_desired_return", None), getattr(config, "final_desired_horizon", None))
    return None if pair[0] is None or pair[1] is None else np.array(pair, dtype=np.float64)


def _checked_commands(name: str, commands: ArrayLike) -> NDArray[np.float64]:
    given = np.atleast_2d(np.asarray(commands, dtype=np.float64))
    if given.ndim != 2 or given.shape[1] != N_COMMANDS or len(given) == 0 or not np.isfinite(given).all():
        raise ValueError(f"{name} must be finite pairs {COMMAND_NAMES}, got shape {np.shape(commands)}")
    if (given[:, 1] < 1).any():
        raise ValueError(f"{name} must have horizons of at least 1 step, got {given[:, 1].min():g}")
    return given


def _checked_sizes(max_leaves: Sequence[int]) -> tuple[int, ...]:
    sizes = tuple(int(size) for size in np.atleast_1d(np.asarray(max_leaves)))
    if not sizes or min(sizes) < 2 or list(sizes) != sorted(set(sizes)):
        raise ValueError(f"max_leaves must be different whole numbers of at least 2, ascending, got {max_leaves!r}")
    return sizes


def _leaves(teacher: Policy) -> Any:
    return int(teacher.forest.is_leaf.sum()) if isinstance(teacher, ForestPolicy) else pd.NA
