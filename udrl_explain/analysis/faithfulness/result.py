"""Does an attribution describe what the policy does? Every coalition of inputs is valued, so nothing is sampled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from udrl_explain.analysis.faithfulness.methods import (
    INTERVENTIONAL,
    from_worths,
    global_importances,
    tree_attributions,
)
from udrl_explain.analysis.faithfulness.scores import COLUMNS as COLUMNS
from udrl_explain.analysis.faithfulness.scores import CURVE_COLUMNS as CURVE_COLUMNS
from udrl_explain.analysis.faithfulness.scores import curve_table, score_table
from udrl_explain.attributions.worths import Coalitions, all_worths
from udrl_explain.commands import checked_actions, checked_inputs
from udrl_explain.policies import Policy, checked_policy, greedy_actions
from udrl_explain.results import Drawn, displayed
from udrl_explain.statistics.ranks import rank_correlations

N_RESAMPLES = 2_000
WORTHS_METHOD = "all coalitions, interventional"


@displayed
@dataclass(frozen=True, eq=False)
class Faithfulness(Drawn):
    """How well methods of attribution describe a policy, on rows and the actions taken in them.

    Parameters
    ----------
    worths : float64 array of shape (n_rows, 2**n_features)
        Mean probability of the action taken when only the inputs of a coalition are known; bit j of the second index
        says whether input j is.
    attributions : dict of str to float64 array of shape (n_rows, n_features)
        What was judged, by method.
    table : DataFrame
        One row per method, columns :data:`COLUMNS`.
    curves : DataFrame
        One row per method and number of known inputs, columns :data:`CURVE_COLUMNS`; the best order of each row and
        the mean of all orders stand among the methods.
    method : str
        How the worths were made.
    exact : bool
    n_rows, n_background : int
    seed : int
        Of the permutation importance and of the intervals.
    """

    worths: NDArray[np.float64]
    attributions: dict[str, NDArray[np.float64]]
    table: pd.DataFrame
    curves: pd.DataFrame
    method: str
    exact: bool
    n_rows: int
    n_background: int
    seed: int

    def to_frame(self) -> pd.DataFrame:
        """One row per method, columns :data:`COLUMNS`.

        `score` is 0 for the mean of all orders of the inputs and 1 for the best one; below 0 a method is worse than
        chance. Its interval is for other episodes of this policy. `insertion_area` and `deletion_area` are those under
        the two curves (trapezoids, inputs known or removed counted from 0 to 1), means over the rows.
        `infidelity` takes the attributions as they are, `scaled_infidelity` times `scale`, the best single factor.
        """
        return self.table.copy()

    def curve_frame(self) -> pd.DataFrame:
        """One row per method and number of known (insertion) or removed (deletion) inputs.

        Columns :data:`CURVE_COLUMNS`: mean probabilities over the rows, and the share of rows whose action stays when
        only the first inputs of the order are known.
        """
        return self.curves.copy()

    def score(self, method: str) -> float:
        """Score of one method.

        Raises
        ------
        ValueError
            If there is no such method.
        """
        found = self.table.loc[self.table["method"] == method, "score"]
        if found.empty:
            raise ValueError(f"method must be one of {tuple(self.table['method'])}, got {method!r}")
        return float(found.iloc[0])


def faithfulness(
    policy: Policy,
    inputs: ArrayLike,
    background: ArrayLike | Coalitions,
    *,
    actions: ArrayLike | None = None,
    attributions: Mapping[str, ArrayLike] | None = None,
    episodes: ArrayLike | None = None,
    randomised: Policy | None = None,
    seed: int = 0,
    n_resamples: int = N_RESAMPLES,
    n_jobs: int | None = None,
) -> Faithfulness:
    """Judge methods of attribution by what the policy does when inputs are known or unknown.

    For every row and the action taken, the worth of all 2^n coalitions S is computed without sampling:
    ``v(S) = E over the background of p(action | inputs of S kept, the others from the background row)``. Each method
    orders the inputs of a row; the area between its insertion and its deletion curve is compared with the mean over
    all n! orders (score 0) and the best order (score 1), both known exactly: the mean by the size of coalitions, the
    best by dynamic programming over subsets. Scores of rows are pooled: gained area over area to be gained.

    Parameters
    ----------
    policy : Policy
        Of at most 12 inputs.
    inputs : array_like of shape (n_rows, n_features)
    background : array_like of shape (n_background, n_features), or Coalitions
        Unknown inputs are replaced by each of these rows; ``coalitions(policy, inputs, background)`` of the same rows
        where it is there already.
    actions : array_like of shape (n_rows,), optional
        Explained in each row; the policy's most probable one by default.
    attributions : mapping of str to array_like of shape (n_rows, n_features), optional
        Further methods to judge: the more an input speaks for the action, the larger its number.
    episodes : array_like of shape (n_rows,), optional
        Which rows belong together: intervals resample episodes. Every row for itself by default.
    randomised : Policy, optional
        The policy fitted again on permuted actions. `sanity_correlation` is then the mean rank correlation of a
        method's attributions with those that it gives to this policy; a method near 1 does not look at the policy
        (Adebayo et al. 2018, "Sanity checks for saliency maps").
    seed : int
    n_resamples : int
    n_jobs : int, optional
        Threads; results do not depend on it.

    Returns
    -------
    Faithfulness
        Methods: Shapley values of the same worths; for averaged forests also the path-dependent ones, Saabas' path
        contributions, path impurity (arXiv 2411.11457) and impurity; permutation importance; then the caller's own.

    Raises
    ------
    ValueError
        If an argument does not fit, or the policy takes more than 12 inputs; the message names the alternative.

    Notes
    -----
    Insertion and deletion: Petsiuk, Das and Saenko (2018), "RISE", section 4.2, with rows of the background instead of
    zeros. Infidelity: Yeh et al. (2019), over all non-empty sets of removed inputs with equal weight.
    """
    policy = checked_policy(policy)
    rows = checked_inputs(inputs, policy.feature_names)
    if isinstance(background, Coalitions):
        background.check(policy, rows)
        partners, every = background.background, background.worths
    else:
        partners = checked_inputs(background, policy.feature_names, "background")
        every = all_worths(policy, rows, partners, n_jobs=n_jobs)
    outputs = every[:, -1]
    taken = greedy_actions(outputs) if actions is None else checked_actions(actions, *outputs.shape)
    worths = _of_actions(every, taken)
    units = np.arange(len(rows)) if episodes is None else _checked_episodes(episodes, len(rows))
    judged = _all_attributions(policy, rows, taken, worths, seed, n_jobs)
    own = dict(attributions or {})
    for name, values in own.items():
        if name in judged:
            raise ValueError(f"attributions must have names of their own, {name!r} is a method that is judged anyway")
        judged[name] = _checked_attributions(name, values, rows.shape)
    sanity = {}
    if randomised is not None:
        other = _of_actions(all_worths(randomised, rows, partners, n_jobs=n_jobs), taken)
        for name, values in _all_attributions(randomised, rows, taken, other, seed, n_jobs).items():
            if name in judged:
                by_row = rank_correlations(judged[name], values)
                sanity[name] = float(np.nanmean(by_row)) if np.isfinite(by_row).any() else float("nan")
    n_background = len(partners)
    facts = {"n_rows": len(rows), "n_episodes": len(np.unique(units)), "n_background": n_background, "seed": seed}
    table = score_table(worths, judged, sanity, units, set(own), facts, n_resamples)
    curves = curve_table(worths, every, taken, judged)
    return Faithfulness(worths, judged, table, curves, WORTHS_METHOD, True, len(rows), n_background, seed)


def _all_attributions(
    policy: Policy,
    rows: NDArray[np.float64],
    taken: NDArray[np.int64],
    worths: NDArray[np.float64],
    seed: int,
    n_jobs: int | None,
) -> dict[str, NDArray[np.float64]]:
    return {
        INTERVENTIONAL: from_worths(worths),
        **tree_attributions(policy, rows, taken, n_jobs),
        **global_importances(policy, rows, taken, seed, n_jobs),
    }


def _of_actions(every: NDArray[np.float64], actions: NDArray[np.int64]) -> NDArray[np.float64]:
    """Worths of one action per row, shape ``(n_rows, 2**n_features)``."""
    return np.ascontiguousarray(np.take_along_axis(every, actions[:, None, None], axis=2)[:, :, 0])


def _checked_episodes(episodes: ArrayLike, n_rows: int) -> NDArray[np.int64]:
    units = np.asarray(episodes)
    if units.shape != (n_rows,):
        raise ValueError(f"episodes must hold one entry per row, shape ({n_rows},), got {units.shape}")
    return np.unique(units, return_inverse=True)[1].astype(np.int64)


def _checked_attributions(name: str, values: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"attributions {name!r} must be finite, of shape {shape}, got {array.shape}")
    return array
