"""Store a fitted scikit-learn estimator and read it back without running anything that the file brings along.

skops checks the types inside a file, not their contents. scikit-learn's compiled code follows indices and counts
without looking, so a file with a fitting type and lying numbers could read any memory: what compiled code would
follow is checked here or built anew. What slips through all the same ends a process of its own, see
``estimator_trial``.
"""

import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.neighbors import KNeighborsClassifier, RadiusNeighborsClassifier
from sklearn.svm import SVC, NuSVC

from udrl_explain.files.limits import check_file, check_members
from udrl_explain.files.reading import check_array_header

MOST_BYTES = 512 << 20
"""Largest unpacked size accepted of an estimator."""
_MOST_SCHEMA_BYTES = 32 << 20
# Types beyond those that skops trusts by itself; the compiled Tree is left out on purpose.
_CHECKED_TYPES = frozenset(
    {
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.neighbors._kd_tree.KDTree",
    }
)
_ALLOWED_TYPES = _CHECKED_TYPES | frozenset(
    {
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
        "sklearn.gaussian_process.kernels.ConstantKernel",
        "sklearn.gaussian_process.kernels.Product",
        "sklearn.gaussian_process.kernels.RBF",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.metrics._dist_metrics.ManhattanDistance64",
    }
)
# Families whose compiled code trusts its numbers: each is checked as the outermost estimator only.
_COMPILED = ("sklearn.ensemble._hist_gradient_boosting.", "sklearn.neighbors.", "sklearn.svm.")
# Parts that fitted classifiers are made of. Bound methods, partial functions and sparse matrices (whose indices
# compiled code follows, too) are none of them.
_PARTS = frozenset(
    {
        "DictNode", "FunctionNode", "JsonNode", "ListNode", "LossNode", "NdArrayNode", "ObjectNode",
        "RandomGeneratorNode", "RandomStateNode", "SetNode", "SliceNode", "TupleNode", "TypeNode",
    }
)  # fmt: skip
_KERNELS = ("linear", "poly", "rbf", "sigmoid")
_SCHEMA = "schema.json"
_NO_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold
_HARMLESS = ("sklearn.svm._classes.LinearSVC",)


def save_estimator(estimator: Any, path: Path) -> None:
    """Write a fitted estimator to a ``.skops`` file; the same estimator gives the same bytes.

    Raises
    ------
    ValueError
        If it cannot be stored safely.
    """
    check_estimator(estimator)
    path.write_bytes(_without_addresses(skops.io.dumps(estimator)))


def check_estimator(estimator: Any) -> None:
    """Raise a ValueError if the estimator holds anything that :func:`load_estimator` would refuse."""
    stored = skops.io.dumps(estimator)
    refused = _refused(stored)
    if refused:
        raise ValueError(
            f"{type(estimator).__name__} cannot be stored safely: it holds {', '.join(refused)}; "
            "switch save_policy off, or choose another estimator"
        )


def read_estimator_bytes(path: Path) -> bytes:
    """Contents of a ``.skops`` file, of which sizes and types are checked and nothing is made yet.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing, no ordinary file, too large, damaged, or holds what is not allowed.
    """
    check_file(path, MOST_BYTES)
    stored = path.read_bytes()
    try:
        refused = _refused(stored)
    except Exception as fault:  # whatever a flipped bit brings about: zlib.error, EOFError, NotImplementedError, ...
        raise ValueError(f"{path}: not a readable estimator ({type(fault).__name__}: {fault})") from fault
    if refused:
        raise ValueError(f"{path}: not a readable estimator (holds what is not allowed: {', '.join(refused)})")
    return stored


def load_estimator(stored: bytes) -> Any:
    """Make the estimator that :func:`read_estimator_bytes` returned; compiled code may still trip over it.

    Raises
    ------
    ValueError
        If it is damaged or its numbers do not fit each other.
    """
    try:
        estimator = skops.io.loads(stored, trusted=sorted(_ALLOWED_TYPES))
        _check_nothing_is_shadowed(estimator)
        _make_safe(estimator)
    except Exception as fault:  # as above
        raise ValueError(f"not a readable estimator ({type(fault).__name__}: {fault})") from fault
    return estimator


def _without_addresses(stored: bytes) -> bytes:
    """Replace the memory addresses and times that skops writes by numbers in order of appearance."""
    numbers: dict[int, int] = {}
    files: dict[str, str] = {}

    def renumber(node: Any) -> None:
        if isinstance(node, dict):
            if "__id__" in node:
                node["__id__"] = numbers.setdefault(node["__id__"], len(numbers))
            if isinstance(node.get("file"), str) and "__loader__" in node:
                node["file"] = files.setdefault(node["file"], f"{len(files)}{Path(node['file']).suffix}")
            for part in node.values():
                renumber(part)
        elif isinstance(node, list):
            for part in node:
                renumber(part)

    with zipfile.ZipFile(io.BytesIO(stored)) as archive:
        schema = json.loads(archive.read(_SCHEMA))
        renumber(schema)
        contents = {new: archive.read(old) for old, new in files.items()}
    contents[_SCHEMA] = json.dumps(schema, indent=1).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name, date_time=_NO_TIME), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _refused(stored: bytes) -> list[str]:
    """What is inside a file that is not allowed, or not where it stands.

    Raises
    ------
    ValueError
        If the file would take too much memory; a damaged one raises anything.
    """
    with zipfile.ZipFile(io.BytesIO(stored)) as archive:
        check_members(archive, MOST_BYTES, ("stored", "deflate"))
        for member in archive.infolist():
            if member.filename == _SCHEMA:
                if member.file_size > _MOST_SCHEMA_BYTES:
                    raise ValueError(f"{_SCHEMA} holds {member.file_size} bytes, the limit is {_MOST_SCHEMA_BYTES}")
            elif member.filename.endswith(".npy"):
                with archive.open(member) as stream:
                    check_array_header(stream, member.file_size)
            else:
                raise ValueError(f"member {member.filename!r} is neither {_SCHEMA} nor an array")
        nodes = list(_nodes(json.loads(archive.read(_SCHEMA))))
    foreign = set(skops.io.get_untrusted_types(data=stored)) - _ALLOWED_TYPES
    foreign |= {str(node.get("__loader__")) for node in nodes} - _PARTS
    outermost, *inner = [f"{node.get('__module__')}.{node['__class__']}" for node in nodes]
    for family in _COMPILED:
        if not outermost.startswith(family):
            within = {name for name in inner if name.startswith(family) and name not in _HARMLESS}
            foreign |= {f"{name} inside another estimator" for name in within}
    return sorted(foreign)


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Descriptions of the objects in a skops file, the outermost first."""
    if isinstance(node, dict):
        if "__class__" in node:
            yield node
        for part in node.values():
            yield from _nodes(part)
    elif isinstance(node, list):
        for part in node:
            yield from _nodes(part)


def _check_nothing_is_shadowed(part: Any, seen: set[int] | None = None) -> None:
    """Make sure that no object carries a value under the name of a method or of a constant of its class."""
    seen = set() if seen is None else seen
    if id(part) in seen or isinstance(part, (type, np.ufunc)):
        return
    seen.add(id(part))
    inside: Iterable[Any] = ()
    if isinstance(part, dict):
        inside = part.values()
    elif isinstance(part, (list, tuple, set)) or (isinstance(part, np.ndarray) and part.dtype.hasobject):
        inside = list(part)
    elif hasattr(part, "__dict__"):
        for name in vars(part):
            if hasattr(type(part), name):
                raise ValueError(f"a {type(part).__name__} replaces its own {name!r}")
        inside = vars(part).values()
    for value in inside:
        _check_nothing_is_shadowed(value, seen)


def _make_safe(estimator: Any) -> None:
    """Check, or build anew, what compiled code would follow blindly."""
    if isinstance(estimator, (KNeighborsClassifier, RadiusNeighborsClassifier)):
        # A search tree from a file could point anywhere; the one built anew from the rows is the same.
        if not isinstance(estimator.metric, str) or estimator.metric == "precomputed":
            raise ValueError(f"the metric must be the name of one that compares rows, got {estimator.metric!r}")
        estimator.fit(estimator._fit_X, estimator.classes_[estimator._y])
    elif isinstance(estimator, HistGradientBoostingClassifier):
        # A preprocessor would hand on other columns than those that the trees' features are counted in.
        if estimator._preprocessor is not None or np.any(estimator._bin_mapper.is_categorical_):
            raise ValueError("it encodes categories; the inputs of a policy are numbers")
        for predictor in np.ravel(estimator._predictors):
            _check_predictor(predictor, estimator.n_features_in_)
    elif isinstance(estimator, (SVC, NuSVC)):
        n_vectors, n_classes = len(estimator.support_vectors_), len(estimator.classes_)
        n_pairs = n_classes * (n_classes - 1) // 2
        if estimator.kernel not in _KERNELS or estimator._sparse is not False:
            # A precomputed kernel is looked up by the numbers of the training rows, which nobody can check.
            raise ValueError(
                f"the kernel must be one of {', '.join(_KERNELS)} over dense rows, got {estimator.kernel!r}"
            )
        fits = (
            estimator.support_vectors_.shape == (n_vectors, estimator.n_features_in_)
            and estimator.support_.shape == (n_vectors,)
            and estimator._n_support.shape == (n_classes,)
            and (estimator._n_support >= 0).all()
            and estimator._n_support.sum() == n_vectors
            and estimator._dual_coef_.shape == (n_classes - 1, n_vectors)
            and estimator._intercept_.shape == (n_pairs,)
            and all(part.shape in ((0,), (n_pairs,)) for part in (estimator._probA, estimator._probB))
        )
        if not fits:
            raise ValueError("the shapes of the support vectors and coefficients do not fit each other")


def _check_predictor(predictor: Any, n_features: int) -> None:
    """Make sure that a tree of histogram gradient boosting stays inside its own array."""
    nodes = predictor.nodes
    inner = np.flatnonzero(nodes["is_leaf"] == 0)
    features = nodes["feature_idx"][inner]
    if len(nodes) == 0 or nodes["is_categorical"][inner].any() or ((features < 0) | (features >= n_features)).any():
        raise ValueError("a tree is empty, tests a category or a feature that does not exist")
    for side in ("left", "right"):
        children = nodes[side][inner].astype(np.int64)
        if ((children <= inner) | (children >= len(nodes))).any():
            raise ValueError("a tree's children must stand behind their parent")
