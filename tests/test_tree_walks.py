from itertools import pairwise

import numpy as np
import pytest
from path_helpers import ESTIMATORS, FACTORS, fitted, hand_made, rows_on_thresholds, trees_of

from udrl_explain.trees import walks as tree_walks
from udrl_explain.trees.walks import path_contributions, path_impurity, same_leaf_boxes, tree_steps


def walked(tree, row):
    """Nodes from root to leaf by scikit-learn's own decision_path."""
    return tree.decision_path(row[None, :]).indices


def rows_for(policy, inputs):
    return np.concatenate([inputs[:60], rows_on_thresholds(policy, inputs)])


@pytest.mark.parametrize("name", ESTIMATORS)
def test_steps_are_those_of_sklearns_decision_path_also_on_thresholds(name):
    policy, estimator, inputs, _ = fitted(name)
    rows = rows_for(policy, inputs)
    steps = tree_steps(policy.forest, policy.tree_inputs(rows))
    expected = []
    for i, row in enumerate((rows * FACTORS).astype(np.float32)):
        for t, tree in enumerate(trees_of(estimator)):
            nodes = policy.forest.roots[t] + walked(tree, row)
            expected += [(i, t, s, a, b) for s, (a, b) in enumerate(pairwise(nodes))]
    found = np.column_stack([steps.row, steps.tree, steps.step, steps.node, steps.next_node])
    assert np.array_equal(found, np.array(expected))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_path_impurity_is_the_sum_over_sklearns_paths(name):
    policy, estimator, inputs, _ = fitted(name)
    rows = rows_for(policy, inputs)
    expected = np.zeros(rows.shape)
    for i, row in enumerate((rows * FACTORS).astype(np.float32)):
        for tree in trees_of(estimator):
            nodes = walked(tree, row)
            for parent, child in pairwise(nodes):
                expected[i, tree.feature[parent]] += tree.impurity[parent] - tree.impurity[child]
    assert np.allclose(path_impurity(policy.forest, policy.tree_inputs(rows)), expected, rtol=0, atol=1e-12)


def test_path_impurity_of_a_hand_made_forest():
    policy = hand_made()
    rows = policy.tree_inputs([[0.5, 7.0, 3.0], [0.6, 7.0, 20.0], [0.6, 7.0, 20.01]])
    # Row 0 ends in the pure node 1. Row 1 falls from 0.5 to 0.375 and rises to 0.5. Row 2 ends pure.
    assert path_impurity(policy.forest, rows).tolist() == [[0.5, 0, 0], [0.125, 0, -0.125], [0.125, 0, 0.375]]


def test_results_do_not_depend_on_blocks_and_threads(monkeypatch):
    policy, _, inputs, _ = fitted("forest")
    rows = policy.tree_inputs(inputs)
    whole = path_impurity(policy.forest, rows), path_contributions(policy.forest, rows)
    monkeypatch.setattr(tree_walks, "BLOCK_ROWS", 7)
    assert path_impurity(policy.forest, rows).tobytes() == whole[0].tobytes()
    assert path_contributions(policy.forest, rows).tobytes() == whole[1].tobytes()


def test_the_packed_walk_gives_the_same_bytes(monkeypatch):
    policy, _, inputs, _ = fitted("forest")
    rows = policy.tree_inputs(rows_for(policy, inputs)[:-5])  # not a multiple of the rows that go together
    monkeypatch.setattr(tree_walks, "PACKED_ROWS", 10**9)
    plain = path_impurity(policy.forest, rows)
    monkeypatch.setattr(tree_walks, "PACKED_ROWS", 0)
    assert path_impurity(policy.forest, rows).tobytes() == plain.tobytes()
    assert path_impurity(policy.forest, rows[:0]).shape == (0, 5)


def test_no_rows_give_empty_results():
    policy = hand_made()
    none = policy.tree_inputs(np.empty((0, 3)))
    assert path_impurity(policy.forest, none).shape == (0, 3)
    assert len(tree_steps(policy.forest, none).node) == 0


def test_box_and_counts_of_a_hand_made_forest():
    policy = hand_made()
    boxes = same_leaf_boxes(policy.forest, policy.tree_inputs([[0.6, 7.0, 3.0]]))
    assert boxes.lower.tolist() == [[0.5, -np.inf, -np.inf]]
    assert boxes.upper.tolist() == [[np.inf, np.inf, 10.0]]
    assert boxes.n_tests.tolist() == [[1, 0, 1]]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_counts_are_those_of_the_steps(name):
    policy, _, inputs, _ = fitted(name)
    rows = policy.tree_inputs(inputs[:40])
    boxes, steps = same_leaf_boxes(policy.forest, rows), tree_steps(policy.forest, rows)
    n_tests, asking = np.zeros(rows.shape, int), np.zeros(rows.shape, int)
    column = policy.forest.feature[steps.node]
    np.add.at(n_tests, (steps.row, column), 1)
    for i, _, f in set(zip(steps.row.tolist(), steps.tree.tolist(), column.tolist(), strict=True)):
        asking[i, f] += 1
    assert np.array_equal(boxes.n_tests, n_tests)
    assert np.array_equal(boxes.n_trees_asking, asking)
    assert (asking < n_tests).any()  # some tree asks an input twice, so that the two counts differ
