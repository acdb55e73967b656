"""Do policies of other seeds act alike, and for the same reasons? All are asked about the same rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from udrl_explain.attributions import attribute
from udrl_explain.episodes import Episode
from udrl_explain.policies import ForestPolicy, Policy, greedy_actions
from udrl_explain.results import Drawn, displayed
from udrl_explain.statistics.clusters import cluster_values
from udrl_explain.statistics.intervals import EPISODES, mean_interval, strata_interval
from udrl_explain.statistics.ranks import rank_correlations
from udrl_explain.trees.selection import chosen_trees

COLUMNS = (
    "run_a", "run_b", "rank_correlation", "low", "high", "top_k_overlap", "sign_agreement", "same_action",
    "within_low", "within", "return_difference", "return_low", "return_high", "different_reasons", "top_k", "method",
    "exact", "n_rows", "n_episodes", "n_background", "seed",
)  # fmt: skip
GROUP_COLUMNS = (
    "group_a", "group_b", "n_pairs", "rank_correlation", "lowest", "highest", "within_low", "same_action",
    "n_equal_returns", "n_different_reasons",
)  # fmt: skip
N_ROWS = 200
N_BACKGROUND = 256
N_RESAMPLES = 8
TOP_K = 3
METHOD = "interventional Shapley values of the same rows over the same background"


class Seeded(Protocol):
    """Settings that hold a seed."""

    @property
    def seed(self) -> int:
        """Of the training."""


class ExplainedRun(Protocol):
    """What is asked of a run; a ``Run`` with a policy is one."""

    @property
    def config(self) -> Seeded:
        """Its settings."""

    @property
    def experiment(self) -> str:
        """Name of its experiment."""

    @property
    def policy(self) -> Policy | None:
        """The policy."""

    @property
    def episodes(self) -> Sequence[Episode]:
        """The final evaluation."""

    @property
    def training_inputs(self) -> NDArray[np.float64]:
        """Rows of the last fit."""

    @property
    def final_returns(self) -> NDArray[np.float64]:
        """Return of each final episode."""


@displayed
@dataclass(frozen=True, eq=False)
class Stability(Drawn):
    """Agreement between the policies of several runs.

    Parameters
    ----------
    table : DataFrame
        One row per pair of runs, columns :data:`COLUMNS`.
    inputs : float64 array of shape (n_rows, n_features)
        The rows that all policies were asked about: equally many from the final episodes of every run.
    explained_actions : int64 array of shape (n_rows,)
        The action whose Shapley values are compared: the one with the highest mean probability over the runs.
    values : float64 array of shape (n_runs, n_rows, n_features)
    runs : tuple of str
    method : str
    exact : bool
    n_rows, n_background : int
    seed : int
        Of the rows, the background and the resamples.
    """

    table: pd.DataFrame
    inputs: NDArray[np.float64]
    explained_actions: NDArray[np.int64]
    values: NDArray[np.float64]
    runs: tuple[str, ...]
    method: str
    exact: bool
    n_rows: int
    n_background: int
    seed: int

    def to_frame(self) -> pd.DataFrame:
        """One row per pair of runs, columns :data:`COLUMNS`.

        `rank_correlation` is the mean over the rows of Spearman's correlation between the two runs' Shapley values,
        `top_k_overlap` the share of the k inputs of largest size that are the same, `sign_agreement` the share of those
        inputs (of either run) that push the same way, `same_action` the share of rows with the same greedy action.
        `within` is the mean rank correlation between two resamples of one run, `within_low` the lowest one seen in
        either run: two resamples are as far apart by luck as two runs that differ in luck alone. `different_reasons`
        marks pairs whose returns the interval of their difference does not separate, and whose agreement stays below
        `within_low` with its whole interval.
        """
        return self.table.copy()

    def matrix(self, column: str) -> pd.DataFrame:
        """One number per pair as a square table, runs by runs; 1 on the diagonal.

        Raises
        ------
        ValueError
            If the column is no agreement.
        """
        allowed = ("rank_correlation", "top_k_overlap", "sign_agreement", "same_action")
        if column not in allowed:
            raise ValueError(f"column must be one of {allowed}, got {column!r}")
        square = pd.DataFrame(1.0, index=list(self.runs), columns=list(self.runs))
        for line in self.table.itertuples():
            square.loc[line.run_a, line.run_b] = square.loc[line.run_b, line.run_a] = getattr(line, column)
        return square


def by_group(frame: pd.DataFrame, groups: Mapping[str, str]) -> pd.DataFrame:
    """Agreement within and between groups of runs, such as the experiments that the runs belong to.

    Parameters
    ----------
    frame : DataFrame
        ``Stability.to_frame()``.
    groups : mapping of str to str
        Group by the name of the run.

    Returns
    -------
    DataFrame
        One row per two groups with pairs, columns :data:`GROUP_COLUMNS`: means over the pairs, the `lowest` and the
        `highest` rank correlation, the lowest `within_low`, and how many pairs have returns that their interval does
        not separate.
    """
    order = {name: place for place, name in enumerate(dict.fromkeys(groups.values()))}
    pairs = [
        sorted((groups[a], groups[b]), key=order.__getitem__) for a, b in zip(frame.run_a, frame.run_b, strict=True)
    ]
    lines = []
    for a, b in sorted(set(map(tuple, pairs)), key=lambda pair: (pair[0] != pair[1], order[pair[0]], order[pair[1]])):
        own = frame[[pair == [a, b] for pair in pairs]]
        reasons = own["rank_correlation"]
        equal = ~((own["return_low"] > 0) | (own["return_high"] < 0))
        lines.append(
            (a, b, len(own), reasons.mean(), reasons.min(), reasons.max(), own["within_low"].min(),
             own["same_action"].mean(), int(equal.sum()), int(own["different_reasons"].sum()))
        )  # fmt: skip
    return pd.DataFrame(lines, columns=list(GROUP_COLUMNS))


def stability(
    runs: Sequence[ExplainedRun],
    *,
    n_rows: int = N_ROWS,
    n_background: int = N_BACKGROUND,
    top_k: int = TOP_K,
    n_resamples: int = N_RESAMPLES,
    labels: Sequence[str] | None = None,
    seed: int = 0,
    n_jobs: int | None = None,
) -> Stability:
    """Compare the policies of several runs, and the reasons that Shapley values give for them.

    Parameters
    ----------
    runs : sequence of Run
        At least two, of the same inputs and actions, each with a policy, training rows and final episodes: usually the
        seeds of one experiment.
    n_rows : int
        Rows that all policies are asked about, equally many from every run's final episodes.
    n_background : int
        Rows that all policies' missing inputs are drawn from, equally many from every run's last fit. One background
        for all: otherwise the comparison would mix the policies with their data.
    top_k : int
    n_resamples : int
        Of every run, at least 2, for the agreement within it, that of every two of them: the background is drawn again
        with replacement, and a forest's trees too.
    labels : sequence of str, optional
        One name per run; by default ``seed 42``, with the experiment in front where two runs have the same seed.
    seed : int
    n_jobs : int, optional
        Threads; results do not depend on it.

    Returns
    -------
    Stability

    Raises
    ------
    ValueError
        If there are fewer than two runs, one lacks what is needed, or they do not fit together.

    Notes
    -----
    Explanations of equally good models may differ: "Rashomon sets" (Fisher, Rudin and Dominici 2019); for policies
    arXiv 2512.17470. An agreement is only low when it is lower than what chance alone does within one run.
    """
    names = _labels(runs, labels)
    policies = _checked(runs, names, n_rows, n_background, top_k, n_resamples)
    random = np.random.default_rng(seed)
    inputs, episodes = _shared_rows(runs, n_rows, random)
    background = _shared_background(runs, n_background, random)
    mean = np.mean([policy.action_probabilities(inputs) for policy in policies], axis=0)
    explained = greedy_actions(mean)
    asked = _Question(inputs, explained, n_jobs)
    answers = [asked.answers(policy, background, n_resamples, random) for policy in policies]
    values = np.stack([own for own, _ in answers])
    actions = [greedy_actions(policy.action_probabilities(inputs)) for policy in policies]
    within = [
        [float(np.nanmean(rank_correlations(one, other))) for one, other in combinations(again, 2)]
        for _, again in answers
    ]
    facts = {
        "top_k": top_k, "method": METHOD, "exact": True, "n_rows": len(inputs),
        "n_episodes": len(np.unique(episodes)), "n_background": len(background), "seed": seed,
    }  # fmt: skip
    lines = []
    for a, b in combinations(range(len(runs)), 2):
        by_row = rank_correlations(values[a], values[b])
        told = np.isfinite(by_row)  # a row in which one policy looks at nothing has no order to compare
        interval = mean_interval(cluster_values(by_row[told][:, None], episodes[told])[:, 0], EPISODES, seed=seed)
        difference = _difference(runs[a].final_returns, runs[b].final_returns, seed)
        lowest = min(*within[a], *within[b])
        agreement = float(by_row[told].mean())
        overlap, signs = top_agreement(values[a], values[b], top_k)
        equal = not (difference[1] > 0 or difference[2] < 0)
        highest = interval.high if np.isfinite(interval.high) else agreement
        lines.append(
            (names[a], names[b], agreement, interval.low, interval.high, overlap, signs,
             float((actions[a] == actions[b]).mean()), lowest, float(np.mean([*within[a], *within[b]])), *difference,
             bool(equal and highest < lowest), *facts.values())
        )  # fmt: skip
    return Stability(
        pd.DataFrame(lines, columns=list(COLUMNS)), inputs, explained, values, names, METHOD,
        True, len(inputs), len(background), seed,
    )  # fmt: skip


def top_agreement(first: NDArray[np.float64], second: NDArray[np.float64], k: int) -> tuple[float, float]:
    """Share of the k inputs of largest size that two sets of values share, and share of either's that agree in sign."""
    tops = []
    for values in (first, second):
        chosen = np.argsort(-np.abs(values), axis=1, kind="stable")[:, :k]
        top = np.zeros(values.shape, dtype=np.bool_)
        np.put_along_axis(top, chosen, True, axis=1)
        tops.append(top)
    either = tops[0] | tops[1]
    same_sign = (np.sign(first) == np.sign(second)) & either
    return float((tops[0] & tops[1]).sum() / (k * len(first))), float(same_sign.sum() / either.sum())


@dataclass(frozen=True, eq=False)
class _Question:
    inputs: NDArray[np.float64]
    actions: NDArray[np.int64]
    n_jobs: int | None

    def answers(
        self, policy: Policy, background: NDArray[np.float64], n_resamples: int, random: np.random.Generator
    ) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
        """Shapley values of the explained action, ``(n_rows, n_features)``, and the same of each resample."""
        size = len(background)
        if isinstance(policy, ForestPolicy):
            again = [
                self._values(_resampled(policy, random), background[random.integers(size, size=size)])
                for _ in range(n_resamples)
            ]
            return self._values(policy, background), again
        draws = [random.integers(size, size=size) for _ in range(n_resamples)]
        # Values are means over the background: once known for each of its rows, a resample costs nothing.
        by_row = np.stack([self._values(policy, background[b : b + 1]) for b in range(size)])
        return by_row.mean(axis=0), [by_row[draw].mean(axis=0) for draw in draws]

    def _values(self, policy: Policy, background: NDArray[np.float64]) -> NDArray[np.float64]:
        every = attribute(policy, self.inputs, background, n_jobs=self.n_jobs).values
        return np.asarray(np.take_along_axis(every, self.actions[:, None, None], axis=2)[:, :, 0])


def _checked(
    runs: Sequence[ExplainedRun], labels: Sequence[str], n_rows: int, n_background: int, top_k: int, n_resamples: int
) -> list[Policy]:
    if len(runs) < 2:
        raise ValueError(f"stability compares at least two runs, got {len(runs)}")
    policies = []
    for run, label in zip(runs, labels, strict=True):
        if run.policy is None or not run.episodes or len(run.training_inputs) == 0:
            raise ValueError(f"{label}: stability needs a policy, final episodes and training rows")
        policies.append(run.policy)
    first = policies[0]
    for label, policy in zip(labels, policies, strict=True):
        if policy.feature_names != first.feature_names or policy.action_names != first.action_names:
            raise ValueError(f"{label}: its inputs or actions are not those of {labels[0]}")
    for name, value, least in (
        ("n_rows", n_rows, len(runs)), ("n_background", n_background, len(runs)), ("n_resamples", n_resamples, 2),
    ):  # fmt: skip
        if value < least:
            raise ValueError(f"{name} must be at least {least}, got {value}")
    if not 1 <= top_k <= first.n_features:
        raise ValueError(f"top_k must lie in 1..{first.n_features}, got {top_k}")
    return policies


def _labels(runs: Sequence[ExplainedRun], given: Sequence[str] | None) -> tuple[str, ...]:
    """Names of the runs.

    Raises
    ------
    ValueError
        If two have the same name, or names do not fit the runs.
    """
    if given is not None and len(given) != len(runs):
        raise ValueError(f"labels must be one per run, {len(runs)}, got {len(given)}")
    labels = tuple(f"seed {run.config.seed}" for run in runs) if given is None else tuple(given)
    if given is None and len(set(labels)) < len(runs):
        labels = tuple(f"{run.experiment}, {label}" for run, label in zip(runs, labels, strict=True))
    if len(set(labels)) < len(runs):
        raise ValueError(f"a run stands twice among {', '.join(labels)}")
    return labels


def _shared_rows(
    runs: Sequence[ExplainedRun], n_rows: int, random: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Rows of all runs' episodes, equally many of each, and the episode of every row (numbered over all runs)."""
    rows, owners, n_episodes = [], [], 0
    for run in runs:
        every = np.concatenate([episode.inputs for episode in run.episodes])
        owner = np.repeat(np.arange(len(run.episodes)), [len(episode) for episode in run.episodes])
        chosen = np.sort(random.choice(len(every), size=min(n_rows // len(runs), len(every)), replace=False))
        rows.append(every[chosen])
        owners.append(owner[chosen] + n_episodes)
        n_episodes += len(run.episodes)
    return np.concatenate(rows), np.concatenate(owners)


def _shared_background(runs: Sequence[ExplainedRun], n: int, random: np.random.Generator) -> NDArray[np.float64]:
    parts = []
    for run in runs:
        size = min(n // len(runs), len(run.training_inputs))
        parts.append(run.training_inputs[np.sort(random.choice(len(run.training_inputs), size=size, replace=False))])
    return np.concatenate(parts)


def _resampled(policy: Policy, random: np.random.Generator) -> Policy:
    """Return a policy as its own luck might have made it: a forest of trees drawn with replacement; others as are."""
    if not isinstance(policy, ForestPolicy) or policy.forest.link != "mean":
        return policy
    forest = policy.forest
    return replace(policy, forest=chosen_trees(forest, random.integers(forest.n_trees, size=forest.n_trees)))


def _difference(first: NDArray[np.float64], second: NDArray[np.float64], seed: int) -> tuple[float, float, float]:
    """Difference of the mean returns and its interval over other episodes of these policies."""
    gap = float(first.mean() - second.mean())
    # Half the sum of two strata is half the difference where one is turned round.
    interval = strata_interval([first, -second], EPISODES, seed=seed)
    return gap, 2 * interval.low, 2 * interval.high
