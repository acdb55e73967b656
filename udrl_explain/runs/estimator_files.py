"""Store a fitted scikit-learn estimator and read it back without running anything that the file brings along.

skops checks the types inside a file, not their contents. scikit-learn's compiled code follows indices and counts
without looking, so a file with a fitting type and lying numbers could read any memory: what compiled code would
follow is checked here or built anew.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.neighbors import KNeighborsClassifier, RadiusNeighborsClassifier
from sklearn.svm import SVC, NuSVC
from skops.io.exceptions import UntrustedTypesFoundException

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


def load_estimator(path: Path) -> Any:
    """Read a fitted estimator from a ``.skops`` file.

    Raises
    ------
    ValueError
        If the file is damaged or holds what is not allowed.
    """
    try:
        stored = path.read_bytes()
        refused = _refused(stored)
        if refused:
            raise ValueError(f"holds what is not allowed: {', '.join(refused)}")
        estimator = skops.io.loads(stored, trusted=sorted(_ALLOWED_TYPES))
        _make_safe(estimator)
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        OSError,
        ImportError,
        zipfile.BadZipFile,
        UntrustedTypesFoundException,
    ) as fault:
        raise ValueError(f"{path}: not a readable estimator ({fault})") from fault
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
    """Types inside a file that are not allowed, or not where they stand."""
    foreign = set(skops.io.get_untrusted_types(data=stored)) - _ALLOWED_TYPES
    with zipfile.ZipFile(io.BytesIO(stored)) as archive:
        outermost, *inner = _type_names(json.loads(archive.read(_SCHEMA)))
    for family in _COMPILED:
        if not outermost.startswith(family):
            within = {name for name in inner if name.startswith(family) and name not in _HARMLESS}
            foreign |= {f"{name} inside another estimator" for name in within}
    return sorted(foreign)


def _type_names(node: Any) -> Iterator[str]:
    """Full names of the types in the description of a skops file, the outermost first."""
    if isinstance(node, dict):
        if "__class__" in node:
            yield f"{node.get('__module__')}.{node['__class__']}"
        for part in node.values():
            yield from _type_names(part)
    elif isinstance(node, list):
        for part in node:
            yield from _type_names(part)


def _make_safe(estimator: Any) -> None:
    """Check, or build anew, what compiled code would follow blindly."""
    if isinstance(estimator, (KNeighborsClassifier, RadiusNeighborsClassifier)):
        # A search tree from a file could point anywhere; the one built anew from the rows is the same.
        estimator.fit(estimator._fit_X, estimator.classes_[estimator._y])
    elif isinstance(estimator, HistGradientBoostingClassifier):
        for predictor in np.ravel(estimator._predictors):
            _check_predictor(predictor, estimator.n_features_in_)
    elif isinstance(estimator, (SVC, NuSVC)):
        n_vectors, n_classes = len(estimator.support_vectors_), len(estimator.classes_)
        n_pairs = n_classes * (n_classes - 1) // 2
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
