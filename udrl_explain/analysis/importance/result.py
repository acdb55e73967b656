"""Which inputs matter? Five measures in one table, each also for the two commands as one group.

The measures answer different questions and need not agree; each row of the table names its own. Impurity and path
impurity speak about the trees' training, permutation and SHAP about the policy's behaviour on the rows given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from udrl_explain.analysis.importance.measures import (
    ACCURACY,
    IMPURITY,
    METHODS,
    PATH_IMPURITY,
    PROBABILITY,
    SHAP,
    Scores,
    agreement,
    impurity_scores,
    path_impurity_scores,
    permutation_scores,
    shap_scores,
    with_intervals,
)
from udrl_explain.attributions import Coalitions
from udrl_explain.attributions.pair import names_with_pair
from udrl_explain.command_space.collinearity import CommandCollinearity, command_collinearity
from udrl_explain.commands import checked_actions, checked_inputs, n_observations
from udrl_explain.policies import ForestPolicy, Policy, checked_policy
from udrl_explain.results import Drawn, displayed

COLUMNS = (
    "method", "feature", "is_command", "is_group", "importance", "std", "std_over", "low", "high", "interval", "n_rows",
    "n_episodes", "n_repeats", "seed", "exact", "n_background", "probability_source",
)  # fmt: skip
NO_ROWS = "no interval: this measure uses no rows"
REPEAT_COLUMNS = ("method", "feature", "is_command", "is_group", "repeat", "importance")
ACTION_COLUMNS = ("method", "feature", "is_command", "is_group", "action", "action_name", "importance")


@displayed
@dataclass(frozen=True, eq=False)
class Importance(Drawn):
    """Importances of the inputs of one policy.

    Parameters
    ----------
    scores : tuple of Scores
        One per measure that this policy allows, in the order of :data:`METHODS`; row values and repeats are kept.
    unavailable : mapping of str to str
        Measures that were asked for and cannot be had, with the reason.
    accuracy, taken_probability : float
        Share of rows where the greedy action is the stored one, and mean probability of the stored action: what
        the permutation measures are drops of.
    collinearity : CommandCollinearity
        Of the two commands in the rows.
    feature_names, action_names : tuple of str
    n_resamples, seed : int
    n_episodes : int or None
        Episodes that the rows come from; None where that was not told.
    probability_source : str
    method : str
        Names of the measures.
    exact : bool
        Whether no measure is an estimate; the frame says it of each.

    Raises
    ------
    ValueError
        If an array of a score does not have one entry per input and one for the pair.
    """

    scores: tuple[Scores, ...]
    unavailable: Mapping[str, str]
    accuracy: float
    taken_probability: float
    collinearity: CommandCollinearity
    feature_names: tuple[str, ...]
    action_names: tuple[str, ...]
    n_resamples: int
    seed: int
    n_episodes: int | None
    probability_source: str
    method: str
    exact: bool

    def __post_init__(self) -> None:
        expected = (len(names_with_pair(self.feature_names)),)
        for score in self.scores:
            for name in ("importance", "std", "low", "high"):
                array = getattr(score, name)
                if array is not None and array.shape != expected:
                    raise ValueError(f"{name} of {score.method!r} must have shape {expected}, got {array.shape}")

    @property
    def n_rows(self) -> int:
        """Rows judged."""
        return self.collinearity.n_rows

    def score(self, method: str) -> Scores:
        """Scores of one measure.

        Raises
        ------
        ValueError
            If it is not there; the message says why.
        """
        for score in self.scores:
            if score.method == method:
                return score
        raise ValueError(f"no scores of method {method!r}: {self.unavailable.get(method, 'not computed')}")

    def to_frame(self) -> pd.DataFrame:
        """One row per measure and input (the command pair last), columns :data:`COLUMNS`.

        `low` and `high` are NaN and `n_rows` is 0 for the impurity measure, which uses no rows; `interval` says of
        what the others' are. `n_episodes` is empty where episodes are not known; `n_repeats` is 0 where nothing is
        permuted.
        """
        frames = []
        for score in self.scores:
            columns = {
                **self._labels(score),
                "importance": score.importance,
                "std": score.std,
                "std_over": score.std_over,
                "low": _or_nan(score.low, score),
                "high": _or_nan(score.high, score),
                "interval": NO_ROWS if score.interval is None else score.interval,
                "n_rows": 0 if score.rows is None else self.n_rows,
                "n_episodes": pd.array([self._n_episodes(score)] * len(score.importance), dtype="Int64"),
                "n_repeats": 0 if score.repeats is None else len(score.repeats),
                "seed": self.seed,
                "exact": score.exact,
                "n_background": score.n_background,
                "probability_source": self.probability_source,
            }
            frames.append(pd.DataFrame(columns, columns=list(COLUMNS)))
        return _joined(frames, COLUMNS)

    def repeats_frame(self) -> pd.DataFrame:
        """One row per permutation measure, repeat and input, columns :data:`REPEAT_COLUMNS`."""
        frames = []
        for score in self.scores:
            for repeat, importance in enumerate([] if score.repeats is None else score.repeats):
                columns = {**self._labels(score), "repeat": repeat, "importance": importance}
                frames.append(pd.DataFrame(columns, columns=list(REPEAT_COLUMNS)))
        return _joined(frames, REPEAT_COLUMNS)

    def action_frame(self) -> pd.DataFrame:
        """Mean absolute SHAP split by action: one row per action and input, columns :data:`ACTION_COLUMNS`."""
        frames = []
        for score in self.scores:
            for action, importance in enumerate([] if score.by_action is None else score.by_action.T):
                name = self.action_names[action]
                columns = {**self._labels(score), "action": action, "action_name": name, "importance": importance}
                frames.append(pd.DataFrame(columns, columns=list(ACTION_COLUMNS)))
        return _joined(frames, ACTION_COLUMNS)

    def _n_episodes(self, score: Scores) -> int | None:
        return 0 if score.rows is None else self.n_episodes

    def _labels(self, score: Scores) -> dict[str, object]:
        n_features = len(self.feature_names)
        position = np.arange(len(names_with_pair(self.feature_names)))
        return {
            "method": score.method,
            "feature": list(names_with_pair(self.feature_names)),
            "is_command": position >= n_observations(self.feature_names),
            "is_group": position == n_features,
        }


def feature_importance(
    policy: Policy,
    inputs: ArrayLike,
    actions: ArrayLike,
    *,
    episodes: ArrayLike | None = None,
    seed: int = 0,
    n_repeats: int = 10,
    background: ArrayLike | Coalitions | None = None,
    methods: Sequence[str] = METHODS,
    n_resamples: int = 1000,
    n_jobs: int | None = None,
) -> Importance:
    """Measure how much each input, and the command pair, matters to a policy.

    Parameters
    ----------
    policy : Policy
        Never modified.
    inputs : array_like of shape (n_rows, n_features)
        In natural units; usually the rows of stored episodes.
    actions : array_like of int of shape (n_rows,)
        The actions taken in these rows.
    episodes : array_like of int of shape (n_rows,), optional
        The episode that each row comes from, for instance ``Probes.frame["episode"]``. Intervals then take episodes as
        the independent units; without it they take rows, and `interval` says so.
    seed : int
        Of the permutations and the bootstrap.
    n_repeats : int
        Permutations per input; at least 1.
    background : array_like of shape (n_background, n_features) or Coalitions, optional
        For the SHAP values. None means the path-dependent game, which only averaged forests have.
    methods : sequence of str
        Some of :data:`METHODS`.
    n_resamples : int
        Of the bootstrap; at least 1.
    n_jobs : int, optional
        Threads; None takes all cores. The result does not depend on it.

    Returns
    -------
    Importance

    Raises
    ------
    ValueError
        If an argument does not fit.

    Notes
    -----
    - ``impurity``: mean decrease in impurity, equal to scikit-learn's ``feature_importances_``. It favours inputs
      with many distinct values, also pure noise. The pair has the sum.
    - ``path impurity``: fall of impurity along the paths of a row, summed over trees (Cardenas-Cartagena et al.,
      arXiv 2411.11457), then averaged over rows. The pair has the sum.
    - ``permutation (accuracy)``, ``permutation (probability)``: fall of the share of rows where the greedy action
      is the stored one, and of the mean probability of the stored action, when the input is permuted among the
      rows (Breiman 2001). The two commands of the pair are permuted together.
    - ``mean absolute SHAP``: mean over rows and actions of the magnitude of the Shapley values. The pair's is the
      magnitude of the sum of both values, so opposite pushes cancel.

    Intervals (``statistics.intervals``) are for other episodes of this one policy and say nothing about another
    training. Rows of one episode are not independent: without `episodes` the intervals are too short.
    """
    checked_policy(policy)
    rows = checked_inputs(inputs, policy.feature_names)
    if len(rows) == 0:
        raise ValueError("inputs must hold at least one row, got 0")
    taken = checked_actions(actions, len(rows), policy.n_actions)
    clusters = None if episodes is None else _checked_episodes(episodes, len(rows))
    for name, number in (("n_repeats", n_repeats), ("n_resamples", n_resamples)):
        if number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}")
    unknown = [method for method in methods if method not in METHODS]
    if unknown:
        raise ValueError(f"methods must be some of {METHODS}, got {unknown}")
    unavailable = {m: why for m, why in _unavailable(policy, background).items() if m in methods}
    wanted = [method for method in METHODS if method in methods and method not in unavailable]
    (permutation_seed,) = np.random.SeedSequence(seed).spawn(1)

    scores = []
    if isinstance(policy, ForestPolicy):
        if IMPURITY in wanted:
            scores.append(impurity_scores(policy))
        if PATH_IMPURITY in wanted:
            scores.append(path_impurity_scores(policy, rows, n_jobs))
    if ACCURACY in wanted or PROBABILITY in wanted:
        generator = np.random.default_rng(permutation_seed)
        pair = permutation_scores(policy, rows, taken, n_repeats, generator, n_jobs)
        scores.extend(score for score in pair if score.method in wanted)
    if SHAP in wanted:
        scores.append(shap_scores(policy, rows, background, seed, n_jobs))
    accuracy, probability = agreement(policy, rows, taken).mean(axis=1)
    return Importance(
        scores=with_intervals(scores, clusters, n_resamples, seed),
        unavailable=unavailable,
        accuracy=float(accuracy),
        taken_probability=float(probability),
        collinearity=command_collinearity(rows, policy.feature_names),
        feature_names=policy.feature_names,
        action_names=policy.action_names,
        n_resamples=n_resamples,
        seed=seed,
        n_episodes=None if clusters is None else len(np.unique(clusters)),
        probability_source=policy.probability_source,
        method=", ".join(score.method for score in scores),
        exact=all(score.exact for score in scores),
    )


def _unavailable(policy: Policy, background: ArrayLike | Coalitions | None) -> dict[str, str]:
    """Why some measures do not exist for this policy."""
    kind = type(policy).__name__
    if not isinstance(policy, ForestPolicy):
        no_impurity = f"{kind} has no trees and so no impurity; permutation importance exists for every policy"
    elif policy.forest.link != "mean":
        no_impurity = (
            "the trees of a boosted ensemble are fitted to residuals or reweighted rows, so that their impurities "
            "have no common scale; permutation importance exists for every policy"
        )
    else:
        return {}
    reasons = {IMPURITY: no_impurity, PATH_IMPURITY: no_impurity}
    if background is None:
        reasons[SHAP] = (
            "without background rows only averaged forests have Shapley values (the path-dependent game); "
            "give background, for instance the training inputs"
        )
    return reasons


def _checked_episodes(episodes: ArrayLike, n_rows: int) -> NDArray[np.int64]:
    labels = np.asarray(episodes)
    if labels.shape != (n_rows,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"episodes must be {n_rows} integers, one per row of inputs, got {labels.dtype} {labels.shape}"
        )
    return labels.astype(np.int64)


def _or_nan(bound: NDArray[np.float64] | None, score: Scores) -> NDArray[np.float64]:
    return np.full_like(score.importance, np.nan) if bound is None else bound


def _joined(frames: list[pd.DataFrame], columns: tuple[str, ...]) -> pd.DataFrame:
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(columns))
