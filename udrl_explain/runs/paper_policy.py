"""The forests in the ``policy.pkl`` of the paper's own code (arXiv 2411.11457), read without unpickling them.

A file of it holds its ``SklearnPolicy`` around a scikit-learn estimator. Random forests and extra trees are read; any
other estimator is refused by its name. Nets (``policy.pth``) are not read: see :data:`NO_NETS`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udrl_explain.commands import CommandScale
from udrl_explain.files.inert_pickle import Record, read_inert_pickle
from udrl_explain.policies import ForestPolicy
from udrl_explain.trees.ensembles import averaged_forest

POLICY_FILE = "policy.pkl"
NO_NETS = (
    "the paper's net multiplies a layer over the state with a layer over the command; this package has no policy of "
    "that form, so its numbers would have to be changed to be stored"
)
_LARGEST_FILE = 1 << 28
_MOST_TREES = 10_000
_WRAPPER = "udrl.policies.SklearnPolicy"
_FORESTS = frozenset(
    {"sklearn.ensemble._forest.RandomForestClassifier", "sklearn.ensemble._forest.ExtraTreesClassifier"}
)
_TREES = frozenset({"sklearn.tree._classes.DecisionTreeClassifier", "sklearn.tree._classes.ExtraTreeClassifier"})
_ARRAYS = "sklearn.tree._tree.Tree"
# Fields of scikit-learn's nodes before 1.3, which added `missing_go_to_left`. A later release may add a field that
# changes which way a row goes (a test on categories), so any other field must be 0 in every node.
_NEEDED_FIELDS = (
    "left_child", "right_child", "feature", "threshold", "impurity", "n_node_samples", "weighted_n_node_samples",
)  # fmt: skip
_KNOWN_FIELDS = frozenset(_NEEDED_FIELDS) | {"missing_go_to_left"}
_FRACTION_TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class _Tree:
    """A tree of the file, with the names that scikit-learn's ``Tree`` gives its arrays."""

    children_left: NDArray[np.int64]
    children_right: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    impurity: NDArray[np.float64]
    weighted_n_node_samples: NDArray[np.float64]
    value: NDArray[np.float64]

    @property
    def node_count(self) -> int:
        return len(self.feature)


def load_paper_forest(path: Path, n_actions: int, scale: CommandScale) -> ForestPolicy:
    """Read the forest of a ``policy.pkl``.

    Parameters
    ----------
    path : Path
    n_actions : int
        Actions of the environment.
    scale : CommandScale
        ``return_scale`` and ``horizon_scale`` of the run's ``conf.json``. The paper's code puts the observation first,
        then the scaled return, then the scaled horizon.

    Returns
    -------
    ForestPolicy
        Its probabilities are those of the stored estimator, bit for bit.

    Raises
    ------
    FileNotFoundError, ValueError
        Naming the file and what is wrong with it, with the offset where it is a matter of its bytes.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    if path.stat().st_size > _LARGEST_FILE:
        raise ValueError(f"{path}: {path.stat().st_size:,} bytes are more than the {_LARGEST_FILE:,} that are read")
    try:
        policy = read_inert_pickle(path.read_bytes(), {_WRAPPER, _ARRAYS, *_FORESTS, *_TREES})
        return ForestPolicy(_forest(policy, n_actions), scale)
    except (ValueError, LookupError, TypeError) as fault:
        raise ValueError(f"{path}: {fault}; nothing of it was run") from fault


def _forest(policy: Any, n_actions: int) -> Any:
    estimator = _record(_record(policy, {_WRAPPER}).state.get("estimator"), _FORESTS)
    trees = estimator.state.get("estimators_")
    if not isinstance(trees, list) or not 0 < len(trees) <= _MOST_TREES:
        raise ValueError("the forest is not fitted, or holds more trees than are read")
    if estimator.state.get("n_outputs_") != 1:
        raise ValueError("the forest must choose one action")
    classes = np.asarray(estimator.state["classes_"])
    if classes.ndim != 1 or classes.dtype.kind not in "iu" or not np.isin(classes, np.arange(n_actions)).all():
        raise ValueError(f"the classes must be actions 0..{n_actions - 1}, got {classes}")
    n_features = int(estimator.state["n_features_in_" if "n_features_in_" in estimator.state else "n_features_"])
    arrays = [_tree(_record(_record(tree, _TREES).state["tree_"], {_ARRAYS}), len(classes)) for tree in trees]
    return averaged_forest(arrays, [classes] * len(arrays), n_features, n_actions)


def _record(value: Any, names: Any) -> Record:
    if not isinstance(value, Record) or value.name not in names:
        got = value.name if isinstance(value, Record) else f"a {type(value).__name__}"
        raise ValueError(f"expected {' or '.join(sorted(names))}, found {got}")
    return value


def _tree(record: Record, n_classes: int) -> _Tree:
    nodes, values = np.asarray(record.state["nodes"]), np.asarray(record.state["values"], dtype=np.float64)
    fields = nodes.dtype.names or ()
    missing = set(_NEEDED_FIELDS) - set(fields)
    unknown = [name for name in fields if name not in _KNOWN_FIELDS and nodes[name].any()]
    if missing or unknown:
        raise ValueError(f"a node layout of scikit-learn that is not known here: {', '.join(fields) or 'no fields'}")
    if nodes.ndim != 1 or values.shape != (len(nodes), 1, n_classes) or not np.isfinite(values).all():
        raise ValueError(f"a tree of {nodes.shape} nodes does not fit values of shape {values.shape}")
    totals = values.sum(axis=2, keepdims=True)
    if np.abs(totals - 1.0).max() > _FRACTION_TOLERANCE:  # before 1.3 scikit-learn stored weighted counts
        if totals.min() <= 0:
            raise ValueError("a node that no row reached")
        values = values / totals
    return _Tree(
        children_left=nodes["left_child"].astype(np.int64),
        children_right=nodes["right_child"].astype(np.int64),
        feature=nodes["feature"].astype(np.int64),
        threshold=nodes["threshold"].astype(np.float64),
        impurity=nodes["impurity"].astype(np.float64),
        weighted_n_node_samples=nodes["weighted_n_node_samples"].astype(np.float64),
        value=values,
    )
