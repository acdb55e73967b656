"""Rows on which the page checks itself: what it answers there must be what Python answered."""

import numpy as np
from numpy.typing import NDArray

from udrl_explain.command_space.plane_ends import Ends
from udrl_explain.policies import ForestPolicy
from udrl_explain.runs.run import Run
from udrl_explain.trees.float32_edges import last_input_left

N_ROWS = 500


def check_rows(run: Run, ends: tuple[Ends, Ends], seed: int) -> NDArray[np.float64]:
    """Choose rows of a run, shape ``(500, n_features)``, in natural units; same run, same seed: same rows.

    Two fifths were met in the final evaluation (in training, where there was none), one fifth in training, one fifth
    are such rows under any command between `ends`. In the last fifth one input lies exactly on the edge of a
    threshold of a forest, or is the next float64 number, which goes the other way; for other policies these are rows
    under any command too.
    """
    assert run.policy is not None
    generator = np.random.default_rng([seed, N_ROWS])
    training = run.training_inputs
    met = np.concatenate([episode.inputs for episode in run.episodes]) if run.episodes else training
    share = N_ROWS // 5
    rows = np.concatenate(
        [
            met[generator.integers(len(met), size=2 * share)],
            training[generator.integers(len(training), size=share)],
            training[generator.integers(len(training), size=N_ROWS - 3 * share)],
        ]
    )
    elsewhere = slice(3 * share, None)
    for column, (low, high) in zip((-2, -1), ends, strict=True):
        rows[elsewhere, column] = generator.uniform(low, high, size=N_ROWS - 3 * share)
    if isinstance(run.policy, ForestPolicy):
        _put_on_edges(rows[4 * share :], run.policy, generator)
    return rows


def _put_on_edges(rows: NDArray[np.float64], policy: ForestPolicy, generator: np.random.Generator) -> None:
    forest = policy.forest
    inner = np.flatnonzero(~forest.is_leaf)
    if len(inner) == 0:  # every tree is a single leaf
        return
    nodes = inner[generator.integers(len(inner), size=len(rows))]
    feature = forest.feature[nodes]
    edges = last_input_left(forest.threshold[nodes], policy.scale.factors(forest.n_features)[feature])
    beyond = generator.random(len(rows)) < 0.5
    values = np.where(beyond, np.nextafter(edges, np.inf), edges)
    usable = np.isfinite(values) & ((feature != forest.n_features - 1) | (values >= 1.0))
    rows[np.flatnonzero(usable), feature[usable]] = values[usable]
