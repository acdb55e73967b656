"""Which rows of a run to explain: chosen by stated rules from the final episodes, seeded, each marked with its reason.

Kinds of probes:

- ``stratified``: rows spread evenly over the progress of the episodes (ten strata). The sample for averages; no row
  stands twice.
- ``start``: first steps.
- ``high influence``, ``low influence``: the candidates in which the command matters most and least
  (``command_influence.state_influence``). Candidates are the rows of all other kinds, not every row of every episode.
- ``before failure``: the last steps of the worst of the episodes that were both shorter and of lower return than the
  median final episode. Where an early end is a success (Acrobot, MountainCar), no episode is both, and there are none.

One row may be of several kinds and then stands once for each.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from udrl_explain.command_space.influence import state_influence
from udrl_explain.command_space.support import CommandSupport, fitted_commands
from udrl_explain.commands import HORIZON_COLUMN, N_COMMANDS, RETURN_COLUMN, n_commands
from udrl_explain.episodes import Episode
from udrl_explain.policies import Policy
from udrl_explain.results import html_table, one_line
from udrl_explain.runs.run import Run

STRATIFIED, START, HIGH, LOW, FAILURE = "stratified", "start", "high influence", "low influence", "before failure"
KINDS = (STRATIFIED, START, HIGH, LOW, FAILURE)
COLUMNS = (
    "probe", "kind", "episode", "environment_seed", "step", "length", "progress", "action", "action_name",
    "desired_return", "desired_horizon", "seen", "density", "support", "command_influence", "seed",
)  # fmt: skip
N_STRATA = 10
LAST_STEPS = 3


@dataclass(frozen=True, eq=False, repr=False)
class Probes:
    """Rows to explain.

    Parameters
    ----------
    inputs : float64 array of shape (n_probes, n_features)
        States with the command in force, in natural units.
    actions : int64 array of shape (n_probes,)
        Taken in these rows.
    frame : DataFrame
        One row per probe, columns :data:`COLUMNS`: where it comes from (index of the episode in ``run.episodes``,
        step), whether training met its command, and the command influence of its state.
    support : CommandSupport or None
        The commands of the last fit (``run.training_inputs``): what `seen` and the influence refer to. None, and these
        columns empty, for a policy that takes no command.
    seed : int
    notes : tuple of str
        Kinds that this run does not have, with the reason.

    Raises
    ------
    ValueError
        If the lengths differ.
    """

    inputs: NDArray[np.float64]
    actions: NDArray[np.int64]
    frame: pd.DataFrame
    support: CommandSupport | None
    seed: int
    notes: tuple[str, ...]

    def __post_init__(self) -> None:
        if not len(self.inputs) == len(self.actions) == len(self.frame):
            raise ValueError(
                f"probes need one action ({len(self.actions)}) and one line of the frame ({len(self.frame)}) "
                f"per row ({len(self.inputs)})"
            )

    def __len__(self) -> int:
        return len(self.inputs)

    def __repr__(self) -> str:
        return one_line("Probes", self._facts())

    def _repr_html_(self) -> str:
        return html_table("Probes", self._facts(), self.frame, "frame")

    def _facts(self) -> dict[str, object]:
        return {**{kind: int((self.frame["kind"] == kind).sum()) for kind in KINDS}, "seed": self.seed}

    def of_kind(self, kind: str) -> NDArray[np.intp]:
        """Positions of the probes of one of the :data:`KINDS`, in the order of choice (the most extreme first).

        Raises
        ------
        ValueError
            For another word.
        """
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {KINDS}, got {kind!r}")
        return np.flatnonzero((self.frame["kind"] == kind).to_numpy())

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of `frame`."""
        return self.frame.copy()


def choose_probes(run: Run, *, n: int = 200, n_each: int = 8, seed: int = 0, n_jobs: int | None = None) -> Probes:
    """Choose the rows of a run to explain.

    Parameters
    ----------
    run : Run
        With a policy, training rows and final episodes.
    n : int
        Rows of the stratified sample; all rows if the episodes have fewer.
    n_each : int
        Rows of every other kind, fewer if there are not so many.
    seed : int
        Same run, same seed: same probes.
    n_jobs : int, optional
        Threads; None takes all cores. The probes do not depend on it.

    Returns
    -------
    Probes

    Raises
    ------
    ValueError
        If the run has no final episodes, no policy or no training rows, or a number is not at least 1.
    """
    for name, number in (("n", n), ("n_each", n_each)):
        if number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}")
    if not run.episodes:
        raise ValueError(
            f"{run.directory}: there are no final episodes to choose probes from (final_testing was "
            f"{str(run.config.final_testing).lower()}); train with final_testing true"
        )
    if run.policy is None:
        raise ValueError(f"{run.directory}: there is no policy to explain: {run.policy_note}")
    if len(run.training_inputs) == 0:
        raise ValueError(f"{run.directory}: there are no training rows, so no command can be called seen")
    support = fitted_commands(run.training_inputs) if n_commands(run.feature_names) else None
    rows = _Rows.of(run.episodes)
    generator = np.random.default_rng(seed)
    chosen = {STRATIFIED: _stratified(rows, n, generator)}
    starts = np.flatnonzero(rows.step == 0)
    chosen[START] = np.sort(generator.permutation(starts)[:n_each])
    chosen[FAILURE], notes = _before_failure(run.episodes, rows, n_each)
    candidates = np.unique(np.concatenate(list(chosen.values())))
    if support is None:
        influence = dict.fromkeys(candidates.tolist(), np.nan)
        chosen[HIGH] = chosen[LOW] = np.empty(0, dtype=np.int64)
        notes = (*notes, f"no {HIGH!r} and {LOW!r} probes: the policy takes no command")
    else:
        found = _influence(run.policy, rows.inputs[candidates], support, n_jobs)
        influence = dict(zip(candidates.tolist(), found, strict=True))
        ranked = sorted(candidates.tolist(), key=lambda row: (-influence[row], row))
        chosen[HIGH] = np.array(ranked[:n_each])
        chosen[LOW] = np.array(sorted(candidates.tolist(), key=lambda row: (influence[row], row))[:n_each])
    where = np.concatenate([chosen[kind] for kind in KINDS])
    kinds = np.repeat(np.array(KINDS, dtype=object), [len(chosen[kind]) for kind in KINDS])
    inputs, actions = rows.inputs[where].copy(), rows.actions[where]
    commands = inputs[:, -N_COMMANDS:] if support is not None else np.full((len(where), N_COMMANDS), np.nan)
    lengths = rows.length[where]
    columns = {
        "probe": np.arange(len(where)),
        "kind": kinds,
        "episode": rows.episode[where],
        "environment_seed": np.array([episode.seed for episode in run.episodes])[rows.episode[where]],
        "step": rows.step[where],
        "length": lengths,
        "progress": rows.step[where] / lengths,
        "action": actions,
        "action_name": np.array(run.action_names, dtype=object)[actions],
        "desired_return": commands[:, RETURN_COLUMN],
        "desired_horizon": commands[:, HORIZON_COLUMN],
        "seen": pd.array([pd.NA] * len(where), dtype="boolean") if support is None else support.seen(commands),
        "density": commands[:, 0] if support is None else support.density(commands),
        "support": "" if support is None else str(support.kind),
        "command_influence": np.array([influence[row] for row in where.tolist()]),
        "seed": seed,
    }
    return Probes(inputs, actions, pd.DataFrame(columns, columns=list(COLUMNS)), support, seed, notes)


@dataclass(frozen=True, eq=False)
class _Rows:
    """All steps of all episodes, one behind the other."""

    inputs: NDArray[np.float64]
    actions: NDArray[np.int64]
    episode: NDArray[np.int64]
    step: NDArray[np.int64]
    length: NDArray[np.int64]

    @staticmethod
    def of(episodes: Sequence[Episode]) -> "_Rows":
        lengths = np.array([len(episode) for episode in episodes])
        return _Rows(
            np.concatenate([episode.inputs for episode in episodes]),
            np.concatenate([episode.actions for episode in episodes]),
            np.repeat(np.arange(len(episodes)), lengths),
            np.concatenate([np.arange(length) for length in lengths]),
            np.repeat(lengths, lengths),
        )


def _stratified(rows: _Rows, n: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Take rows in turn from the strata, at random within each; a stratum that is empty is passed over."""
    order = generator.permutation(len(rows.step))
    stratum = rows.step[order] * N_STRATA // rows.length[order]
    by_stratum = np.argsort(stratum, kind="stable")
    sizes = np.bincount(stratum, minlength=N_STRATA)
    turn = np.concatenate([np.arange(size) for size in sizes])
    picked = by_stratum[np.argsort(turn, kind="stable")[:n]]
    return np.sort(order[picked])


def _before_failure(episodes: Sequence[Episode], rows: _Rows, n_each: int) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    returns = np.array([episode.total_return for episode in episodes])
    lengths = np.array([len(episode) for episode in episodes])
    failed = np.flatnonzero((lengths < np.median(lengths)) & (returns < np.median(returns)))
    if len(failed) == 0:
        note = f"no {FAILURE!r} probes: no final episode is both shorter and of lower return than the median one"
        return np.empty(0, dtype=np.int64), (note,)
    ends = np.cumsum(lengths)
    worst = failed[np.argsort(returns[failed], kind="stable")]
    last = [row for k in worst for row in range(max(ends[k] - LAST_STEPS, ends[k] - lengths[k]), ends[k])]
    return np.array(last[:n_each], dtype=np.int64), ()


def _influence(policy: Policy, inputs: NDArray[np.float64], support: CommandSupport, n_jobs: int | None) -> list[float]:
    return [
        float(value) for value in state_influence(policy, inputs[:, :-N_COMMANDS], support, n_jobs=n_jobs).influence
    ]
