"""The methods of attribution that are judged: one number per row and input, for the action taken."""

import numpy as np
from numpy.typing import NDArray

from udrl_explain.analysis.importance.measures import impurity_scores, permutation_scores
from udrl_explain.attributions import attribute
from udrl_explain.attributions.enumeration import shapley_weights
from udrl_explain.policies import ForestPolicy, Policy
from udrl_explain.trees.walks import path_contributions, path_impurity

INTERVENTIONAL = "Shapley, interventional"
PATH_DEPENDENT = "Shapley, path-dependent"
SAABAS = "Saabas"
PATH_IMPURITY = "path impurity"
IMPURITY = "impurity"
PERMUTATION = "permutation (probability)"
METHODS = (INTERVENTIONAL, PATH_DEPENDENT, SAABAS, PATH_IMPURITY, IMPURITY, PERMUTATION)
UNSIGNED = frozenset({PATH_IMPURITY, IMPURITY, PERMUTATION})
"""Their numbers do not say for which action an input speaks; the last two are the same in every row."""
N_PERMUTATIONS = 10


def from_worths(worths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shapley values of worths of shape ``(n_rows, 2**n_features)``; shape ``(n_rows, n_features)``."""
    return np.asarray(worths @ shapley_weights(worths.shape[1].bit_length() - 1).T)


def tree_attributions(
    policy: Policy, inputs: NDArray[np.float64], actions: NDArray[np.int64], n_jobs: int | None
) -> dict[str, NDArray[np.float64]]:
    """Attributions that exist for averaged forests only, each of shape ``(n_rows, n_features)``.

    Path-dependent Shapley values, Saabas' path contributions, and the path impurity of arXiv 2411.11457. Empty for
    every other policy.
    """
    if not isinstance(policy, ForestPolicy) or policy.forest.link != "mean":
        return {}
    rows = np.arange(len(inputs))
    tree_rows = policy.tree_inputs(inputs)
    return {
        PATH_DEPENDENT: attribute(policy, inputs, n_jobs=n_jobs).values[rows, :, actions],
        SAABAS: path_contributions(policy.forest, tree_rows, n_jobs)[rows, :, actions] / policy.forest.n_trees,
        PATH_IMPURITY: path_impurity(policy.forest, tree_rows, n_jobs),
    }


def global_importances(
    policy: Policy, inputs: NDArray[np.float64], actions: NDArray[np.int64], seed: int, n_jobs: int | None
) -> dict[str, NDArray[np.float64]]:
    """Importances that are the same in every row, repeated for each: shape ``(n_rows, n_features)``."""
    generator = np.random.default_rng(seed)
    _, probability = permutation_scores(policy, inputs, actions, N_PERMUTATIONS, generator, n_jobs)
    scores = {PERMUTATION: probability.importance}
    if isinstance(policy, ForestPolicy) and policy.forest.link == "mean":
        scores = {IMPURITY: impurity_scores(policy).importance} | scores
    # The command pair stands behind the inputs, where there is one.
    return {name: np.tile(score[: policy.n_features], (len(inputs), 1)) for name, score in scores.items()}
