"""Pickles as the paper's own code writes them: its ``SklearnPolicy`` around a fitted scikit-learn estimator."""

import io
import pickle
import sys
import types

import numpy as np
from sklearn.tree._tree import Tree


class SklearnPolicy:
    """Stands for the class of that project; pickled under its name there."""

    def __init__(self, estimator, name):
        self.epsilon = 0.2
        self.action_size = np.int64(2)
        self.estimator_name = name
        self.estimator_kwargs = {}
        self.estimator = estimator


SklearnPolicy.__module__ = "udrl.policies"


class _OldTrees(pickle.Pickler):
    """Writes trees in another release's layout of nodes and values."""

    def __init__(self, file, protocol, nodes, values):
        super().__init__(file, protocol)
        self._nodes, self._values = nodes, values

    def reducer_override(self, obj):
        if not isinstance(obj, Tree):
            return NotImplemented
        maker, arguments, state = obj.__reduce__()
        state = dict(state)
        state["nodes"], state["values"] = self._nodes(state["nodes"]), self._values(state)
        return maker, arguments, state


def paper_pickle(
    estimator,
    monkeypatch,
    protocol=4,
    nodes=lambda nodes: nodes,
    values=lambda state: state["values"],
    name="ensemble.RandomForestClassifier",
):
    """Bytes of a ``policy.pkl``; `nodes` and `values` change the layout of every tree."""
    module = types.ModuleType("udrl.policies")
    module.SklearnPolicy = SklearnPolicy
    monkeypatch.setitem(sys.modules, "udrl", types.ModuleType("udrl"))
    monkeypatch.setitem(sys.modules, "udrl.policies", module)
    file = io.BytesIO()
    _OldTrees(file, protocol, nodes, values).dump(SklearnPolicy(estimator, name))
    return file.getvalue()
