"""Values for the package shapiq: on a stand-in that keeps what it is given, and the real one where it is installed."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from core_helpers import training_rows
from sklearn.tree import DecisionTreeClassifier

from udrl_explain import policy_from_estimator, shapley_interactions, shapley_values

INPUTS, ACTIONS = training_rows(120)
POLICY = policy_from_estimator(DecisionTreeClassifier(max_depth=4, random_state=0).fit(INPUTS, ACTIONS), 2)


class Kept(SimpleNamespace):
    def __getitem__(self, subset):
        return self.values[self.interaction_lookup[subset]]


@pytest.fixture
def _stand_in(monkeypatch):
    monkeypatch.setitem(sys.modules, "shapiq", SimpleNamespace(InteractionValues=Kept))


@pytest.mark.usefixtures("_stand_in")
def test_values_and_pairs_stand_under_their_subsets():
    values = shapley_values(POLICY, INPUTS[:3], INPUTS[:40])
    for row, kept in enumerate(values.to_shapiq("action 1")):
        assert [kept[(j,)] for j in range(6)] == values.values[row, :, 1].tolist()
        assert kept[()] == kept.baseline_value == values.base_values[1]
        assert (kept.index, kept.max_order, kept.min_order, kept.n_players, kept.estimated) == ("SV", 1, 0, 6, False)
        assert sum(kept.values) == pytest.approx(values.outputs[row, 1])
    pairs = shapley_interactions(POLICY, INPUTS[:3], INPUTS[:40])
    for row, kept in enumerate(pairs.to_shapiq(0)):
        assert kept[(1, 4)] == pytest.approx(2 * pairs.values[row, 1, 4, 0])
        assert kept[(2,)] == pairs.values[row, 2, 2, 0]
        assert (kept.index, kept.max_order, len(kept.values)) == ("k-SII", 2, 1 + 6 + 15)
        assert sum(kept.values) == pytest.approx(pairs.outputs[row, 0])
    assert len(values.contrast(1, 0).to_shapiq()) == 3
    assert shapley_values(POLICY, INPUTS[:1], INPUTS[:9], method="permutation").to_shapiq(0)[0].estimated


@pytest.mark.usefixtures("_stand_in")
@pytest.mark.parametrize("action", [None, 2, "jump"])
def test_an_action_must_be_named_where_there_are_several(action):
    with pytest.raises(ValueError, match=r"action must be 0\.\.1 or one of"):
        shapley_values(POLICY, INPUTS[:1]).to_shapiq(action)


def test_without_the_package_one_line_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "shapiq", None)
    with pytest.raises(ImportError, match="pip install shapiq"):
        shapley_values(POLICY, INPUTS[:1]).to_shapiq(0)


def test_the_real_package_takes_them_and_finds_the_same():
    shapiq = pytest.importorskip("shapiq")
    pairs = shapley_interactions(POLICY, INPUTS[:2], INPUTS[:40])
    for kept in pairs.to_shapiq(1):
        assert isinstance(kept, shapiq.InteractionValues)
        assert kept.get_n_order_values(2).shape == (6, 6)
    tree = DecisionTreeClassifier(max_depth=4, random_state=0).fit(INPUTS, ACTIONS)
    explainer = shapiq.TreeExplainer(tree, max_order=2, index="k-SII", class_index=1)
    ours = shapley_interactions(POLICY, INPUTS[:2]).to_shapiq(1)  # both path-dependent
    for row, mine in zip(INPUTS[:2], ours, strict=True):
        theirs = explainer.explain(row)
        for j in range(6):
            assert mine[(j,)] == pytest.approx(theirs[(j,)], abs=1e-6)
        assert np.isclose(mine[(0, 1)], theirs[(0, 1)], atol=1e-6)
