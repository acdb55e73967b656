"""Store policies and read them back without running anything that the files bring along.

Tree ensembles and nets are plain arrays in ``policy.npz``. Only an estimator without an array form is stored as
``policy.skops``; see ``estimator_files``.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udrl_explain.commands import CommandScale
from udrl_explain.files.limits import LARGEST_NUMBER, within_limits
from udrl_explain.files.reading import as_numbers, read_npz, write_npz
from udrl_explain.forest import Forest
from udrl_explain.policies import EstimatorPolicy, ForestPolicy, NeuralPolicy, Policy, policy_from_estimator
from udrl_explain.runs.answers import check_answers
from udrl_explain.runs.forest_arrays import LAYOUTS, checked_arrays, layout_of, packed_forest, unpacked_arrays
from udrl_explain.runs.formats import check_format

POLICY_FORMAT = 3
"""Format 1 named its number ``schema_version``. Up to format 2 forests were stored in the longest of `LAYOUTS` only."""
ARRAY_FILE = "policy.npz"
ESTIMATOR_FILE = "policy.skops"
_COMMON = ("format", "kind", "return_scale", "horizon_scale")
_OLD_FORMAT = "schema_version"
_MOST_LAYERS = 100
_SUM_TOLERANCE = 1e-6
_NO_ROWS = np.empty((0, 0))


def save_policy(policy: Policy, directory: Path) -> None:
    """Write ``policy.npz`` (tree ensembles, nets) or ``policy.skops`` (any other estimator) into `directory`.

    Raises
    ------
    ValueError
        If the estimator cannot be stored safely.
    """
    if not can_be_stored(policy):
        raise ValueError(f"a {type(policy).__name__} cannot be stored")
    scale = policy.scale
    common: dict[str, Any] = {
        "format": np.int64(POLICY_FORMAT),
        "return_scale": np.float64(scale.return_scale),
        "horizon_scale": np.float64(scale.horizon_scale),
    }
    if isinstance(policy, ForestPolicy):
        forest = policy.forest
        arrays: dict[str, Any] = packed_forest(forest) | {
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
        from udrl_explain.runs.estimator_files import save_estimator  # heavy, and needed for few policies only

        save_estimator(policy.estimator, directory / ESTIMATOR_FILE)


def can_be_stored(policy: Policy) -> bool:
    """Whether a policy has a form that a file can hold: no function has, and no estimator that takes no command."""
    if isinstance(policy, EstimatorPolicy):
        return policy.scale.takes_command
    return isinstance(policy, (ForestPolicy, NeuralPolicy))


def load_policy(
    directory: Path,
    n_actions: int,
    scale: CommandScale,
    rows: NDArray[np.float64] = _NO_ROWS,
    *,
    feature_names: tuple[str, ...] | None = None,
    action_names: tuple[str, ...] | None = None,
) -> Policy:
    """Read the policy of a run folder.

    Parameters
    ----------
    directory : Path
    n_actions : int
        Actions of the environment.
    scale : CommandScale
        As ``conf.json`` says; a stored policy must agree. Only there stands whether it takes a command.
    rows : float64 array of shape (n_rows, n_features)
        Stored input rows; what a net or a foreign estimator answers to the first few is looked at.
    feature_names, action_names : tuple of str, optional
        As ``conf.json`` says; policy files hold none.

    Raises
    ------
    FileNotFoundError, ValueError
        If no policy is stored, or the file is damaged, hostile or of a newer format.

    Notes
    -----
    An estimator of ``policy.skops`` is loaded and asked in a process of its own first, which takes about two seconds:
    compiled code that follows hostile numbers ends that process, not this one.
    """
    path = directory / ARRAY_FILE
    policy: ForestPolicy | NeuralPolicy | EstimatorPolicy
    if path.exists():
        policy = _load_arrays(path)
    elif (directory / ESTIMATOR_FILE).exists():
        path = directory / ESTIMATOR_FILE
        policy = _load_estimator(path, n_actions, scale, rows, feature_names)
    else:
        raise FileNotFoundError(f"{directory}: holds neither {ARRAY_FILE} nor {ESTIMATOR_FILE}")
    if policy.scale != CommandScale(scale.return_scale, scale.horizon_scale):
        raise ValueError(f"{path}: scales {policy.scale} differ from those of conf.json, {scale}")
    if policy.n_actions != n_actions:
        raise ValueError(f"{path}: the policy has {policy.n_actions} actions, its environment {n_actions}")
    if feature_names is not None and policy.n_features != len(feature_names):
        n_named = len(feature_names)
        raise ValueError(f"{path}: the policy takes {policy.n_features} inputs, its environment has {n_named}")
    if not isinstance(policy, ForestPolicy) and policy.n_features == rows.shape[1]:
        try:
            check_answers(policy, rows)
        except ValueError as fault:
            raise _naming(path, fault) from fault
    return replace(policy, scale=scale, feature_names=feature_names or (), action_names=action_names or ())


def _load_arrays(path: Path) -> ForestPolicy | NeuralPolicy:
    layers = [f"{part}_{i}" for part in ("weight", "bias") for i in range(_MOST_LAYERS)]
    trees = {name for layout in LAYOUTS for name in layout}
    optional = (*trees, "link", "n_features", "activation", "n_actions", "classes", *layers)
    arrays = read_npz(path, _COMMON[1:], ("format", _OLD_FORMAT, *optional))
    if "format" not in arrays and _OLD_FORMAT in arrays:
        arrays["format"] = arrays.pop(_OLD_FORMAT)
    try:
        if "format" not in arrays:
            raise ValueError("array 'format' is missing")
        check_format(int(_scalar(arrays, "format", path)), POLICY_FORMAT)
        scale = CommandScale(
            float(_scalar(arrays, "return_scale", path)), float(_scalar(arrays, "horizon_scale", path))
        )
        kind = _text(arrays, "kind", path)
        if kind == "forest":
            _check_names(arrays, (*layout_of(arrays), "link", "n_features"))
            return ForestPolicy(_forest(arrays, path), scale)
        if kind == "neural":
            n_layers = sum(name.startswith("weight_") for name in arrays)
            layers = [f"{part}_{i}" for part in ("weight", "bias") for i in range(n_layers)]
            _check_names(arrays, ("activation", "n_actions", "classes", *layers))
            return _net(arrays, path, scale, n_layers)
        raise ValueError(f"policy kind {kind!r} is unknown")
    except ValueError as fault:
        raise _naming(path, fault) from fault


def _naming(path: Path, fault: ValueError) -> ValueError:
    text = str(fault)
    return ValueError(text if text.startswith(str(path)) else f"{path}: {text}")


def _check_names(arrays: dict[str, Any], names: Sequence[str]) -> None:
    """Make sure that a policy brings the arrays of its kind and no others."""
    expected = {*_COMMON, *names}
    for word, wrong in (("missing", sorted(expected - set(arrays))), ("unknown", sorted(set(arrays) - expected))):
        if wrong:
            raise ValueError(f"array {wrong[0]!r} is {word}")


def _forest(arrays: dict[str, Any], path: Path) -> Forest:
    link: Any = _text(arrays, "link", path)
    parts = unpacked_arrays(checked_arrays(arrays, path), link)
    forest = Forest(**parts, n_features=int(_scalar(arrays, "n_features", path)), link=link)
    if not within_limits(forest.value) or not within_limits(forest.base[np.isfinite(forest.base)]):
        raise ValueError(f"arrays 'value' and 'base' must hold numbers up to {LARGEST_NUMBER:.2g}")
    if link == "mean":
        sums = forest.value.sum(axis=1)
        if (forest.value < 0).any() or (np.abs(sums - 1.0) > _SUM_TOLERANCE).any():
            raise ValueError("rows of array 'value' must be probabilities where the link is 'mean'")
    return forest


def _net(arrays: dict[str, Any], path: Path, scale: CommandScale, n_layers: int) -> NeuralPolicy:
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


def _load_estimator(
    path: Path,
    n_actions: int,
    scale: CommandScale,
    rows: NDArray[np.float64],
    feature_names: tuple[str, ...] | None,
) -> ForestPolicy | NeuralPolicy | EstimatorPolicy:
    # Heavy, and needed for few policies only.
    from udrl_explain.runs.estimator_files import load_estimator, read_estimator_bytes
    from udrl_explain.runs.estimator_trial import try_estimator

    stored = read_estimator_bytes(path)
    try:
        try_estimator(stored, n_actions, scale, rows, feature_names)
        estimator = load_estimator(stored)
        return policy_from_estimator(
            estimator, n_actions, scale.return_scale, scale.horizon_scale, feature_names=feature_names
        )
    except ValueError as fault:
        raise _naming(path, fault) from fault


def check_storable(policy: Policy) -> None:
    """Make sure, before hours of training, that what is trained can be stored and read again.

    Raises
    ------
    ValueError
        If the estimator holds a type that loading would refuse.
    """
    if isinstance(policy, EstimatorPolicy):
        from udrl_explain.runs.estimator_files import check_estimator

        check_estimator(policy.estimator)
