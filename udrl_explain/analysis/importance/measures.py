"""The single measures of importance: tree impurity, path impurity, permutation and mean absolute SHAP.

Every array has one entry per input and a last one for the command pair, where the policy takes a command.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udrl_explain.attributions import Coalitions, attribute
from udrl_explain.attributions.pair import magnitudes_with_pair, with_pair
from udrl_explain.commands import N_COMMANDS, n_commands
from udrl_explain.parallel import in_threads
from udrl_explain.policies import ForestPolicy, Policy, greedy_actions
from udrl_explain.statistics.clusters import cluster_values
from udrl_explain.statistics.intervals import EPISODES_OF_ONE, ROWS_OF_ONE, mean_interval
from udrl_explain.trees.walks import path_impurity

IMPURITY = "impurity"
PATH_IMPURITY = "path impurity"
ACCURACY = "permutation (accuracy)"
PROBABILITY = "permutation (probability)"
SHAP = "mean absolute SHAP"
METHODS = (IMPURITY, PATH_IMPURITY, ACCURACY, PROBABILITY, SHAP)


@dataclass(frozen=True, eq=False)
class Scores:
    """One measure for every input and, last, for the command pair.

    Parameters
    ----------
    method : str
        One of :data:`METHODS`.
    importance, std : float64 array of shape (n_features + 1,)
    std_over : {"trees", "rows", "repeats"}
        What `std` (ddof 1; 0 for a single one) is taken over.
    exact : bool
        False where the importance is an estimate from random permutations.
    rows : float64 array of shape (n_rows, n_features + 1), or None
        The measure row by row; `importance` is its mean.
    repeats : float64 array of shape (n_repeats, n_features + 1), or None
        The measure permutation by permutation; `importance` is its mean.
    by_action : float64 array of shape (n_features + 1, n_actions), or None
        Mean absolute SHAP of each action; `importance` is its mean over actions.
    n_background : int
        Background rows of the SHAP values; 0 for the path-dependent game and elsewhere.
    low, high : float64 array of shape (n_features + 1,), or None
        95 % interval for other episodes (rows, where episodes are not known) of this one policy, NaN for a single one
        and where the rows do not vary; None for a measure that uses no rows.
    interval : object array of str of shape (n_features + 1,), or None
        How `low` and `high` were made, or why they are NaN.
    """

    method: str
    importance: NDArray[np.float64]
    std: NDArray[np.float64]
    std_over: str
    exact: bool
    rows: NDArray[np.float64] | None = None
    repeats: NDArray[np.float64] | None = None
    by_action: NDArray[np.float64] | None = None
    n_background: int = 0
    low: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None
    interval: NDArray[np.object_] | None = None


def impurity_scores(policy: ForestPolicy) -> Scores:
    """Mean decrease in impurity as ``feature_importances_`` of averaged trees gives it.

    Breiman (2001); normalised per tree, averaged over the trees that split, normalised again. All zeros for a
    forest that never splits.
    """
    forest = policy.forest
    inner = np.flatnonzero(~forest.is_leaf)
    weighted = forest.cover * forest.impurity
    decrease = weighted[inner] - weighted[forest.children_left[inner]] - weighted[forest.children_right[inner]]
    tree = forest.tree_of_node[inner]
    totals = np.zeros((forest.n_trees, forest.n_features))
    np.add.at(totals, (tree, forest.feature[inner]), decrease / forest.cover[forest.roots[tree]])
    sums = totals.sum(axis=1, keepdims=True)
    shares = np.divide(totals, sums, out=np.zeros_like(totals), where=sums > 0)
    splits = shares[np.unique(tree)]
    mean = splits.mean(axis=0) if len(splits) else np.zeros(forest.n_features)
    importance = mean / mean.sum() if mean.sum() > 0 else mean
    importance = with_pair(importance, policy.feature_names)
    std = _std(with_pair(splits, policy.feature_names)) if len(splits) else np.zeros(len(importance))
    return Scores(IMPURITY, importance, std, "trees", exact=True)


def path_impurity_scores(policy: ForestPolicy, inputs: NDArray[np.float64], n_jobs: int | None) -> Scores:
    """Fall of impurity along each row's paths, summed over trees, averaged over rows (arXiv 2411.11457)."""
    falls = path_impurity(policy.forest, policy.tree_inputs(inputs), n_jobs)
    rows = with_pair(falls, policy.feature_names)
    return Scores(PATH_IMPURITY, rows.mean(axis=0), _std(rows), "rows", exact=True, rows=rows)


def shap_scores(
    policy: Policy,
    inputs: NDArray[np.float64],
    background: ArrayLike | Coalitions | None,
    seed: int,
    n_jobs: int | None,
) -> Scores:
    """Mean over rows and actions of the magnitude of the Shapley values; the pair's values are added first."""
    shapley = attribute(policy, inputs, background, seed=seed, n_jobs=n_jobs)
    values = magnitudes_with_pair(shapley.values, policy.feature_names)
    rows = values.mean(axis=1)
    return Scores(
        SHAP, rows.mean(axis=0), _std(rows), "rows", exact=shapley.exact, rows=rows,
        by_action=values.mean(axis=0).T, n_background=shapley.n_background,
    )  # fmt: skip


def permutation_scores(
    policy: Policy,
    inputs: NDArray[np.float64],
    actions: NDArray[np.int64],
    n_repeats: int,
    generator: np.random.Generator,
    n_jobs: int | None,
) -> tuple[Scores, Scores]:
    """Fall of accuracy, and of the stored action's mean probability, when an input is permuted among the rows.

    Breiman (2001); Fisher, Rudin and Dominici (2019). The permutations of a repeat are the same for all inputs, so that
    no value depends on the order of the inputs.
    """
    n_rows, n_features = inputs.shape
    groups = [np.array([column]) for column in range(n_features)]
    if n_commands(policy.feature_names):
        groups.append(np.arange(n_features - N_COMMANDS, n_features))
    # Forests walk in compiled loops; another estimator may not be safe in several threads.
    n_threads = n_jobs if isinstance(policy, ForestPolicy) else 1
    base = agreement(policy, inputs, actions)
    by_row = np.zeros((2, n_rows, len(groups)))
    by_repeat = np.zeros((2, n_repeats, len(groups)))
    for repeat in range(n_repeats):
        order = generator.permutation(n_rows)
        permuted = inputs[order]

        def drops_without(columns: NDArray[np.intp], permuted: NDArray[np.float64] = permuted) -> NDArray[np.float64]:
            changed = inputs.copy()
            changed[:, columns] = permuted[:, columns]
            return base - agreement(policy, changed, actions)

        for group, drops in enumerate(in_threads(drops_without, groups, n_threads)):
            by_row[:, :, group] += drops / n_repeats
            by_repeat[:, repeat, group] = drops.mean(axis=1)
    accuracy, probability = (
        Scores(
            method, by_repeat[k].mean(axis=0), _std(by_repeat[k]), "repeats", exact=False, rows=by_row[k],
            repeats=by_repeat[k],
        )
        for k, method in enumerate((ACCURACY, PROBABILITY))
    )  # fmt: skip
    return accuracy, probability


def agreement(policy: Policy, inputs: NDArray[np.float64], actions: NDArray[np.int64]) -> NDArray[np.float64]:
    """Whether the greedy action is the stored one, and the stored action's probability, ``(2, n_rows)``."""
    probabilities = policy.action_probabilities(inputs)
    return np.stack([greedy_actions(probabilities) == actions, probabilities[np.arange(len(inputs)), actions]])


def with_intervals(
    scores: list[Scores], episodes: NDArray[np.int64] | None, n_resamples: int, seed: int
) -> tuple[Scores, ...]:
    """Give every measure that has rows its interval; its units are the episodes, or the rows if these are None."""
    return tuple(
        score if score.rows is None else _with_interval(score, episodes, n_resamples, seed) for score in scores
    )


def _with_interval(score: Scores, episodes: NDArray[np.int64] | None, n_resamples: int, seed: int) -> Scores:
    assert score.rows is not None
    values = score.rows if episodes is None else cluster_values(score.rows, episodes)
    units = ROWS_OF_ONE if episodes is None else EPISODES_OF_ONE
    low, high, words = mean_interval(values, units, n_resamples=n_resamples, seed=seed)
    return replace(score, low=low, high=high, interval=words)


def _std(values: NDArray[np.float64]) -> NDArray[np.float64]:
    if len(values) < 2:
        return np.zeros(values.shape[1])
    return np.asarray(values.std(axis=0, ddof=1))
