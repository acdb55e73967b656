"""Store policies and read them back without running anything that the files bring along.

Tree ensembles and nets are plain arrays in ``policy.npz``. Only an estimator without an array form is stored as
``policy.skops``, and read with a fixed list of allowed types.
"""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.neighbors import KNeighborsClassifier, RadiusNeighborsClassifier
from sklearn.svm import SVC, NuSVC

from udrl_explain.commands import CommandScale
from udrl_explain.forest import FOREST_ARRAYS, Forest
from udrl_explain.policies import EstimatorPolicy, ForestPolicy, NeuralPolicy, Policy
from udrl_explain.safe_files import as_numbers, read_npz, write_npz

SCHEMA_VERSION = 1
ARRAY_FILE = "policy.npz"
ESTIMATOR_FILE = "policy.skops"
_COMMON = ("schema_version", "kind", "return_scale", "horizon_scale")
_MOST_LAYERS = 100

# Types beyond those that skops trusts by itself. scikit-learn walks compiled trees without bounds checks, so a hostile
# file could read any memory: its Tree is left out on purpose, and the checked types are made safe after loading.
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


def save_policy(policy: Policy, directory: Path) -> None:
    """Write ``policy.npz`` (tree ensembles, nets) or ``policy.skops`` (any other estimator) into `directory`.

    Raises
    ------
    ValueError
        If the estimator cannot be stored safely.
    """
    check_storable(policy)
    scale = policy.scale
    common: dict[str, Any] = {
        "schema_version": np.int64(SCHEMA_VERSION),
        "return_scale": np.float64(scale.return_scale),
        "horizon_scale": np.float64(scale.horizon_scale),
    }
    if isinstance(policy, ForestPolicy):
        forest = policy.forest
        arrays: dict[str, Any] = {name: getattr(forest, name) for name in FOREST_ARRAYS}
        arrays |= {
            "kind": np.str_("forest"), "link": np.str_(forest.link), "n_features": np.int64(forest.n_features),
        }  # fmt: skip
        write_npz(directory / ARRAY_FILE, common | arrays)
    elif isinstance(policy, NeuralPolicy):
        layers: dict[str, Any] = {f"weight_{i}": weight for i, weight in enumerate(policy.weights)}
        layers |= {f"bias_{i}": bias for i, bias in enumerate(policy.biases)}
        extra: dict[str, Any] = {
            "kind": np.str_("neural"),
            "activation": np.str_(policy.activation),
            "n_actions": np.int64(policy.n_actions),
            "classes": policy.classes,
        }
        write_npz(directory / ARRAY_FILE, common | extra | layers)
    elif isinstance(policy, EstimatorPolicy):
        _save_estimator(policy, directory / ESTIMATOR_FILE)
    else:
        raise ValueError(f"a {type(policy).__name__} cannot be stored")


def load_policy(directory: Path, n_actions: int, scale: CommandScale) -> Policy:
    """Read the policy of a run folder.

    Parameters
    ----------
    directory : Path
    n_actions : int
        Actions of the environment.
    scale : CommandScale
        As ``conf.json`` says; a stored policy must agree.

    Raises
    ------
    FileNotFoundError, ValueError
        If no policy is stored, or the file is damaged, hostile or from another schema.
    """
    path = directory / ARRAY_FILE
    if path.exists():
        policy = _load_arrays(path)
    elif (directory / ESTIMATOR_FILE).exists():
        path = directory / ESTIMATOR_FILE
        policy = _load_estimator(path, n_actions, scale)
    else:
        raise FileNotFoundError(f"{directory}: holds neither {ARRAY_FILE} nor {ESTIMATOR_FILE}")
    if policy.scale != scale:
        raise ValueError(f"{path}: scales {policy.scale} differ from those of conf.json, {scale}")
    if policy.n_actions != n_actions:
        raise ValueError(f"{path}: the policy has {policy.n_actions} actions, its environment {n_actions}")
    return policy


def _load_arrays(path: Path) -> Policy:
    layers = [f"{part}_{i}" for part in ("weight", "bias") for i in range(_MOST_LAYERS)]
    optional = (*FOREST_ARRAYS, "link", "n_features", "activation", "n_actions", "classes", *layers)
    arrays = read_npz(path, _COMMON, optional)
    version = _scalar(arrays, "schema_version", path)
    if version != SCHEMA_VERSION:
        raise ValueError(f"{path}: schema version {version} is not {SCHEMA_VERSION}, the one this release reads")
    try:
        scale = CommandScale(
            float(_scalar(arrays, "return_scale", path)), float(_scalar(arrays, "horizon_scale", path))
        )
        kind = _text(arrays, "kind", path)
        if kind == "forest":
            return ForestPolicy(_forest(arrays, path), scale)
        if kind == "neural":
            return _net(arrays, path, scale)
    except KeyError as fault:
        raise ValueError(f"{path}: array {fault} is missing") from None
    except ValueError as fault:
        text = str(fault)
        raise ValueError(text if text.startswith(str(path)) else f"{path}: {text}") from fault
    raise ValueError(f"{path}: policy kind {kind!r} is unknown")


def _forest(arrays: dict[str, Any], path: Path) -> Forest:
    kinds = Forest.__annotations__
    parts: dict[str, Any] = {}
    for name in FOREST_ARRAYS:
        dtype = np.int32 if "int32" in str(kinds[name]) else np.float64
        parts[name] = as_numbers(arrays, name, dtype, 2 if name == "value" else 1, path)
    link: Any = _text(arrays, "link", path)
    return Forest(**parts, n_features=int(_scalar(arrays, "n_features", path)), link=link)


def _net(arrays: dict[str, Any], path: Path, scale: CommandScale) -> NeuralPolicy:
    n_layers = sum(name.startswith("weight_") for name in arrays)
    weights = [as_numbers(arrays, f"weight_{i}", np.float64, 2, path) for i in range(n_layers)]
    biases = [as_numbers(arrays, f"bias_{i}", np.float64, 1, path) for i in range(n_layers)]
    classes: Any = as_numbers(arrays, "classes", np.int64, 1, path)
    return NeuralPolicy(
        weights=tuple(np.asarray(weight, dtype=np.float64) for weight in weights),
        biases=tuple(np.asarray(bias, dtype=np.float64) for bias in biases),
        classes=classes,
        n_actions=int(_scalar(arrays, "n_actions", path)),
        activation=_text(arrays, "activation", path),
        scale=scale,
    )


def _scalar(arrays: dict[str, Any], name: str, path: Path) -> Any:
    return as_numbers(arrays, name, np.float64 if name.endswith("_scale") else np.int64, 0, path)[()]


def _text(arrays: dict[str, Any], name: str, path: Path) -> str:
    if arrays[name].dtype.kind != "U" or arrays[name].ndim != 0:
        raise ValueError(f"{path}: array {name!r} must be one text")
    return str(arrays[name])


def _save_estimator(policy: EstimatorPolicy, path: Path) -> None:
    import skops.io

    skops.io.dump(policy.estimator, path)


def check_storable(policy: Policy) -> None:
    """Make sure, before hours of training, that what is trained can be stored and read again.

    Raises
    ------
    ValueError
        If the estimator holds a type that loading would refuse.
    """
    if not isinstance(policy, EstimatorPolicy):
        return
    import skops.io

    types = set(skops.io.get_untrusted_types(data=skops.io.dumps(policy.estimator)))
    foreign = types - _ALLOWED_TYPES
    if foreign or (types & _CHECKED_TYPES and not _is_checkable(policy.estimator)):
        raise ValueError(
            f"{type(policy.estimator).__name__} cannot be stored safely: it holds {sorted(foreign or types)}; "
            "switch save_policy off, or choose another estimator"
        )


def _load_estimator(path: Path, n_actions: int, scale: CommandScale) -> Policy:
    # Heavy, and needed for these few estimators only.
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    from udrl_explain.policies import policy_from_estimator

    try:
        types = set(skops.io.get_untrusted_types(file=path))
        if types - _ALLOWED_TYPES:
            raise ValueError(f"holds types that are not allowed: {sorted(types - _ALLOWED_TYPES)}")
        estimator = skops.io.load(path, trusted=sorted(_ALLOWED_TYPES))
        if types & _CHECKED_TYPES and not _is_checkable(estimator):
            raise ValueError(f"holds {sorted(types & _CHECKED_TYPES)} inside another estimator")
        _make_safe(estimator)
        return policy_from_estimator(estimator, n_actions, scale.return_scale, scale.horizon_scale)
    except UntrustedTypesFoundException as fault:
        raise ValueError(f"{path}: {fault}") from fault
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        OSError,
        ImportError,
        zipfile.BadZipFile,
    ) as fault:
        raise ValueError(f"{path}: not a readable estimator ({fault})") from fault


def _is_checkable(estimator: Any) -> bool:
    return isinstance(estimator, (KNeighborsClassifier, RadiusNeighborsClassifier, HistGradientBoostingClassifier))


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
        fits = (
            estimator.support_vectors_.shape == (n_vectors, estimator.n_features_in_)
            and estimator.support_.shape == (n_vectors,)
            and estimator._n_support.shape == (n_classes,)
            and (estimator._n_support >= 0).all()
            and estimator._n_support.sum() == n_vectors
            and estimator._dual_coef_.shape == (n_classes - 1, n_vectors)
            and estimator._intercept_.shape == (n_classes * (n_classes - 1) // 2,)
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
