"""What do the policies do? The share of each action in the steps of the final episodes.

A policy that takes one action in nearly every step is called *degenerate*: whatever its return, there is little in it
to explain.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from udrl_explain.episodes import Episode
from udrl_explain.results import Drawn, displayed
from udrl_explain.statistics.intervals import SEEDS, mean_interval
from udrl_explain.statistics.run_groups import GROUP_COLUMNS, LearningRun, RunGroup, grouped_runs

DEGENERATE = 0.95
"""Share of steps from which one action makes a policy degenerate."""
COLUMNS = (
    *GROUP_COLUMNS, "action", "action_name", "share", "low", "high", "interval", "n_degenerate", "n_seeds", "n_rows",
    "method", "exact", "bootstrap_seed",
)  # fmt: skip
SEED_COLUMNS = (
    *GROUP_COLUMNS, "seed", "action", "action_name", "share", "is_degenerate", "n_steps", "n_episodes",
)  # fmt: skip
METHOD = "mean over seeds of each seed's share of its steps"


class PlayingRun(LearningRun, Protocol):
    """A run that stored its final episodes; a ``Run`` is one."""

    @property
    def episodes(self) -> Sequence[Episode]:
        """The final evaluation."""

    @property
    def action_names(self) -> tuple[str, ...]:
        """One name per action."""


@displayed
@dataclass(frozen=True, eq=False)
class ActionShares(Drawn):
    """Share of each action, by group of runs and by run.

    Parameters
    ----------
    groups : tuple of RunGroup
        Those with at least one run that stored final episodes, and of it only such runs.
    counts : tuple of int64 array of shape (n_runs, n_actions)
        Per group: steps of each run in which each action was taken.
    n_episodes : tuple of int64 array of shape (n_runs,)
        Per group: final episodes of each run.
    seed : int
        Of the bootstrap.
    method : str
    exact : bool
        False: intervals are estimates.
    """

    groups: tuple[RunGroup, ...]
    counts: tuple[NDArray[np.int64], ...]
    n_episodes: tuple[NDArray[np.int64], ...]
    seed: int
    method: str = METHOD
    exact: bool = False

    @property
    def n_rows(self) -> int:
        """Steps of all runs."""
        return int(sum(count.sum() for count in self.counts))

    def to_frame(self) -> pd.DataFrame:
        """One row per group and action, columns :data:`COLUMNS`; intervals are for other training seeds.

        `n_degenerate` counts the group's runs that are degenerate by this action.
        """
        frames = []
        for group, count in zip(self.groups, self.counts, strict=True):
            shares = count / count.sum(axis=1, keepdims=True)
            interval = mean_interval(shares, SEEDS, seed=self.seed)
            columns = {
                **group.key,
                "action": np.arange(count.shape[1]),
                "action_name": np.array(_action_names(group), dtype=object),
                "share": shares.mean(axis=0),
                "low": interval.low,
                "high": interval.high,
                "interval": interval.words,
                "n_degenerate": (shares >= DEGENERATE).sum(axis=0),
                "n_seeds": len(count),
                "n_rows": int(count.sum()),
                "method": self.method,
                "exact": self.exact,
                "bootstrap_seed": self.seed,
            }
            frames.append(pd.DataFrame(columns, columns=list(COLUMNS)))
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(COLUMNS))

    def by_seed(self) -> pd.DataFrame:
        """One row per run and action, columns :data:`SEED_COLUMNS`."""
        frames = []
        for group, count, n_episodes in zip(self.groups, self.counts, self.n_episodes, strict=True):
            shares = count / count.sum(axis=1, keepdims=True)
            for seed, share, steps, episodes in zip(group.seeds, shares, count, n_episodes, strict=True):
                columns = {
                    **group.key,
                    "seed": seed,
                    "action": np.arange(len(share)),
                    "action_name": np.array(_action_names(group), dtype=object),
                    "share": share,
                    "is_degenerate": share >= DEGENERATE,
                    "n_steps": int(steps.sum()),
                    "n_episodes": int(episodes),
                }
                frames.append(pd.DataFrame(columns, columns=list(SEED_COLUMNS)))
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(SEED_COLUMNS))


def action_shares(runs: Iterable[PlayingRun], *, seed: int = 0) -> ActionShares:
    """Count the actions of the final episodes.

    Parameters
    ----------
    runs : iterable of Run
        Those without final episodes are left out.
    seed : int
        Of the bootstrap.

    Returns
    -------
    ActionShares

    Raises
    ------
    ValueError
        If there is no run, something is no run, or runs of one group have other actions.
    """
    groups, counts, n_episodes = [], [], []
    for group in grouped_runs(runs):
        members: list[PlayingRun] = [run for run in group.runs if run.episodes]  # type: ignore[attr-defined, misc]
        if not members:
            continue
        kept = RunGroup(group.env_name, group.experiment, group.estimator_name, group.label, tuple(members))
        names = _action_names(kept)
        groups.append(kept)
        counts.append(np.stack([_counts(run, len(names)) for run in members]))
        n_episodes.append(np.array([len(run.episodes) for run in members]))
    return ActionShares(tuple(groups), tuple(counts), tuple(n_episodes), seed)


def _counts(run: PlayingRun, n_actions: int) -> NDArray[np.int64]:
    actions = np.concatenate([episode.actions for episode in run.episodes])
    return np.bincount(actions, minlength=n_actions).astype(np.int64)


def _action_names(group: RunGroup) -> tuple[str, ...]:
    names = {tuple(run.action_names) for run in group.runs}  # type: ignore[attr-defined]
    if len(names) > 1:
        raise ValueError(f"runs of {group.label} must have the same actions, got {sorted(names)}")
    return names.pop()
