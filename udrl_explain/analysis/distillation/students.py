"""Single trees that imitate a policy, fitted on the states that they lead to themselves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udrl_explain.commands import CommandScale, NoCommand, n_commands
from udrl_explain.environments import Lockstep
from udrl_explain.episodes import Episode
from udrl_explain.policies import ForestPolicy, Policy, greedy_actions
from udrl_explain.rollouts.side_by_side import play_side_by_side
from udrl_explain.rollouts.streams import training_seeds
from udrl_explain.trees.growing import grow_tree

MOST_ROWS = 20_000
"""Rows of a fit at most, drawn evenly from all that were met."""

N_FINALISTS = 3
"""Students of each size that are played once more, after at least twice as many rounds."""

Asked = Callable[[np.random.Generator], tuple[NDArray[np.float64] | None, list[int]]]
"""Commands and environment seeds of one round."""


@dataclass(frozen=True)
class Teaching:
    """How the students are fitted.

    Parameters
    ----------
    max_leaves : tuple of int
        One student each.
    digits : int or None
        Of the thresholds, see :func:`~udrl_explain.trees.growing.grow_tree`.
    n_rounds : int
        Fits of each student; 1 is plain imitation of what the policy itself met.
    seed : int
    weighted : bool
        Whether rows weigh as much as the policy is sure of them.
    """

    max_leaves: tuple[int, ...]
    digits: int | None
    n_rounds: int
    seed: int
    weighted: bool = True


class _Pool:
    """Rows met so far with the policy's answers."""

    def __init__(self, policy: Policy, weighted: bool) -> None:
        self._policy, self._weighted = policy, weighted
        self.rows: list[NDArray[np.float64]] = []
        self.actions: list[NDArray[np.int64]] = []
        self.weights: list[NDArray[np.float64]] = []

    def add(self, rows: NDArray[np.float64]) -> None:
        probabilities = self._policy.action_probabilities(rows)
        self.rows.append(rows)
        self.actions.append(greedy_actions(probabilities))
        top = np.sort(probabilities, axis=1)
        self.weights.append(top[:, -1] - top[:, -2] if self._weighted else np.ones(len(rows)))

    def drawn(
        self, generator: np.random.Generator
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
        """At most :data:`MOST_ROWS` rows, the order of their meeting kept; none of weight 0, unless all are."""
        rows, actions, weights = np.concatenate(self.rows), np.concatenate(self.actions), np.concatenate(self.weights)
        if not weights.any():
            weights = np.ones(len(rows))
        chosen = np.flatnonzero(weights > 0)
        if len(chosen) > MOST_ROWS:
            chosen = np.sort(generator.choice(chosen, MOST_ROWS, replace=False))
        return rows[chosen], actions[chosen], weights[chosen]


def imitate(policy: Policy, rows: NDArray[np.float64], teaching: Teaching) -> list[ForestPolicy]:
    """One student per size, fitted on given rows alone: plain imitation."""
    pool = _Pool(policy, teaching.weighted)
    pool.add(rows)
    return [
        _student(policy, pool, leaves, teaching, generator)
        for leaves, generator in zip(teaching.max_leaves, _generators(teaching), strict=True)
    ]


def teach(
    policy: Policy,
    environments: Lockstep,
    asked: Asked,
    teaching: Teaching,
    random: np.random.Generator,
    *,
    given: Sequence[Episode] = (),
    most_return: float = np.inf,
) -> list[ForestPolicy]:
    """One student per size, by dataset aggregation.

    In each round every student is fitted to all rows met so far, by the policy and by this student, and plays the
    round's episodes; the policy plays them too, and says what it would have done in every row. The student whose
    returns are nearest to the policy's on the same commands and seeds is kept; after many rounds the nearest few are
    played once more.

    Parameters
    ----------
    policy : Policy
        The teacher. Never modified.
    environments : Lockstep
    asked : callable
    teaching : Teaching
    random : numpy.random.Generator
    given : sequence of Episode
        Episodes of the policy to begin with.
    most_return : float

    Returns
    -------
    list of ForestPolicy

    Notes
    -----
    Dataset aggregation: Ross, Gordon and Bagnell (2011), "A reduction of imitation learning and structured prediction
    to no-regret online learning". Trees as students, weighted by what a mistake costs, and the best round kept: VIPER,
    Bastani, Pu and Solar-Lezama (2018), "Verifiable reinforcement learning via policy extraction", Algorithm 1. Their
    weight is the loss in value by the worst action; a policy of probabilities knows no values, so its margin (the
    probability of its action less that of the second) stands there.
    """
    own = [_Pool(policy, teaching.weighted) for _ in teaching.max_leaves]
    shared = _Pool(policy, teaching.weighted)
    for episode in given:
        shared.add(episode.inputs)
    tried: list[list[tuple[float, ForestPolicy]]] = [[] for _ in own]
    generators = _generators(teaching)
    commands, seeds = asked(random)
    if not given:
        for episode in play_side_by_side([policy], environments, commands, seeds, most_return=most_return)[0]:
            shared.add(episode.inputs)
    for _ in range(teaching.n_rounds):
        students = []
        for leaves, pool, generator in zip(teaching.max_leaves, own, generators, strict=True):
            both = _Pool(policy, teaching.weighted)
            for part in ("rows", "actions", "weights"):
                setattr(both, part, getattr(shared, part) + getattr(pool, part))
            students.append(_student(policy, both, leaves, teaching, generator))
        if teaching.n_rounds == 1:
            return students
        commands, seeds = asked(random)
        played = play_side_by_side([policy, *students], environments, commands, seeds, most_return=most_return)
        shared.add(np.concatenate([episode.inputs for episode in played[0]]))
        for k, (student, episodes) in enumerate(zip(students, played[1:], strict=True)):
            own[k].add(np.concatenate([episode.inputs for episode in episodes]))
            tried[k].append((_gap(played[0], episodes, commands), student))
    n_finalists = N_FINALISTS if teaching.n_rounds >= 2 * N_FINALISTS else 1
    # The last of equals has met most.
    finalists = [
        [of_size[k] for k in sorted(range(len(of_size)), key=lambda k: (of_size[k][0], -k))[:n_finalists]]
        for of_size in tried
    ]
    if n_finalists == 1:
        return [of_size[0][1] for of_size in finalists]
    every = [student for of_size in finalists for _, student in of_size]
    commands, seeds = asked(random)
    played = play_side_by_side([policy, *every], environments, commands, seeds, most_return=most_return)
    gaps = np.array([_gap(played[0], episodes, commands) for episodes in played[1:]]).reshape(len(own), n_finalists)
    before = np.array([[gap for gap, _ in of_size] for of_size in finalists])
    return [of_size[k][1] for of_size, k in zip(finalists, (gaps + before).argmin(axis=1), strict=True)]


def rounds_of(commands: NDArray[np.float64] | None, n_episodes: int) -> Asked:
    """Every command in turn until there are `n_episodes`, on fresh environment seeds each round."""

    def asked(random: np.random.Generator) -> tuple[NDArray[np.float64] | None, list[int]]:
        seeds = training_seeds(random, n_episodes)
        return None if commands is None else commands[np.arange(n_episodes) % len(commands)], seeds

    return asked


def _generators(teaching: Teaching) -> list[np.random.Generator]:
    """One per size, so that no tree depends on which others are asked for."""
    return [np.random.default_rng([teaching.seed, leaves]) for leaves in teaching.max_leaves]


def _student(
    policy: Policy, pool: _Pool, max_leaves: int, teaching: Teaching, generator: np.random.Generator
) -> ForestPolicy:
    rows, actions, weights = pool.drawn(generator)
    forest = grow_tree(rows, actions, weights, policy.n_actions, max_leaves, digits=teaching.digits, seed=teaching.seed)
    scale = CommandScale() if n_commands(policy.feature_names) else NoCommand()
    return ForestPolicy(forest, scale, feature_names=policy.feature_names, action_names=policy.action_names)


def _gap(teacher: Sequence[Episode], student: Sequence[Episode], commands: NDArray[np.float64] | None) -> float:
    """How far the student's mean return is from the policy's, averaged over the commands."""
    differences = np.array([a.total_return - b.total_return for a, b in zip(student, teacher, strict=True)])
    if commands is None:
        return abs(float(differences.mean()))
    _, level = np.unique(commands, axis=0, return_inverse=True)
    level = level.ravel()
    return float(np.abs(np.bincount(level, differences) / np.bincount(level)).mean())
