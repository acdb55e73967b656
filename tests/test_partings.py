"""Where paths part, against plain walks."""

import pytest
from core_helpers import scaled, training_rows
from sklearn.ensemble import RandomForestClassifier

from udrl_explain.policies import policy_from_estimator
from udrl_explain.trees.partings import decisive_test, partings


@pytest.fixture(scope="module")
def forest_and_rows():
    inputs, actions = training_rows(actions=(0, 1, 2))
    estimator = RandomForestClassifier(20, max_depth=6, random_state=1).fit(scaled(inputs, 0.02, 0.05), actions)
    policy = policy_from_estimator(estimator, 3, 0.02, 0.05)
    return policy.forest, policy.tree_inputs(inputs)


def walk(forest, row, tree):
    node, path = int(forest.roots[tree]), []
    while forest.children_left[node] >= 0:
        path.append(node)
        left = row[forest.feature[node]] <= forest.threshold[node]
        node = int((forest.children_left if left else forest.children_right)[node])
    return [*path, node]


@pytest.mark.parametrize("n_rows", [1, 2, 3, 7])
def test_paths_part_at_their_last_common_node(forest_and_rows, n_rows):
    forest, rows = forest_and_rows
    some = rows[5 : 5 + n_rows].copy()
    some[-1, 0] = forest.threshold[forest.roots[0]]  # on a threshold of whichever input: goes left by float32
    found = partings(forest, some)
    for tree in range(forest.n_trees):
        paths = [walk(forest, row, tree) for row in some]
        shared = 0
        while shared < min(map(len, paths)) and len({path[shared] for path in paths}) == 1:
            shared += 1
        if len({path[-1] for path in paths}) == 1:
            assert (found.node[tree], found.step[tree]) == (-1, -1)
        else:
            assert (found.node[tree], found.step[tree]) == (paths[0][shared - 1], shared - 1)
    assert (found.node >= 0).any() == (n_rows > 1)


def test_the_decisive_test_is_the_most_frequent_parting(forest_and_rows):
    forest, rows = forest_and_rows
    for pair in (rows[:2], rows[8:10], rows[3:6]):
        nodes = partings(forest, pair).node
        tests = [(int(forest.feature[node]), float(forest.threshold[node])) for node in nodes if node >= 0]
        test = decisive_test(forest, pair)
        most = max(tests.count(one) for one in tests)
        assert (test.feature, test.threshold) == min(one for one in tests if tests.count(one) == most)
        assert (test.n_trees, test.n_trees_parting) == (most, len(tests))


def test_rows_that_no_tree_parts_have_no_decisive_test(forest_and_rows):
    forest, rows = forest_and_rows
    with pytest.raises(ValueError, match="all paths are the same"):
        decisive_test(forest, rows[[0, 0]])
