import io
import pickle
import zipfile

import numpy as np
import pytest
from core_helpers import AVERAGED, BOOSTED, everything, scaled, training_rows
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.ensemble import BaggingClassifier, HistGradientBoostingClassifier
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid, RadiusNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC, NuSVC

from udrl_explain.commands import CommandScale
from udrl_explain.policies import EstimatorPolicy, policy_from_estimator
from udrl_explain.runs.forest_arrays import LAYOUTS, unpacked_arrays
from udrl_explain.runs.policy_files import ARRAY_FILE, ESTIMATOR_FILE, check_storable, load_policy, save_policy

SCALE = CommandScale(0.02, 0.5)


@pytest.fixture(autouse=True)
def _no_trial(monkeypatch):
    """What is stored here was fitted here; tests/test_hostile_estimators.py is about the process that tries others."""
    monkeypatch.setattr("udrl_explain.runs.estimator_trial.try_estimator", lambda *_: None)


ARRAYS = AVERAGED | BOOSTED | {
    "bagged trees": lambda: BaggingClassifier(n_estimators=3, max_features=4, random_state=0),
    "net": lambda: MLPClassifier((5, 4), max_iter=2000, tol=1e9, random_state=0),
    "net of tanh": lambda: MLPClassifier((5,), activation="tanh", max_iter=2000, tol=1e9, random_state=0),
}  # fmt: skip
ESTIMATORS = {
    "support vectors": SVC,
    "linear support vectors": lambda: SVC(kernel="linear"),
    "nu support vectors": lambda: NuSVC(nu=0.1),
    "linear SVC": lambda: LinearSVC(C=0.01, max_iter=100_000),
    "nearest neighbours": KNeighborsClassifier,
    "neighbours in a ball tree": lambda: KNeighborsClassifier(3, algorithm="ball_tree"),
    "neighbours by brute force": lambda: KNeighborsClassifier(algorithm="brute", weights="distance"),
    "neighbours by taxicab": lambda: KNeighborsClassifier(p=1),
    "neighbours in a radius": lambda: RadiusNeighborsClassifier(50.0),
    "nearest centroid": NearestCentroid,
    "logistic regression": lambda: LogisticRegression(max_iter=5000),
    "ridge": RidgeClassifier,
    "gradient descent": lambda: SGDClassifier(random_state=0),
    "naive Bayes": GaussianNB,
    "quadratic discriminant": QuadraticDiscriminantAnalysis,
    "histogram gradient boosting": lambda: HistGradientBoostingClassifier(max_iter=5, random_state=0),
    "calibrated": CalibratedClassifierCV,
    "gaussian process": lambda: GaussianProcessClassifier(random_state=0),
}


def policy_of(make, actions=(0, 2), n_rows=60):
    inputs, labels = training_rows(n_rows, actions=actions)
    estimator = make().fit(scaled(inputs, SCALE.return_scale, SCALE.horizon_scale), labels)
    return policy_from_estimator(estimator, 3, SCALE.return_scale, SCALE.horizon_scale)


ROWS = training_rows(200, seed=9)[0]


@pytest.mark.parametrize("kind", ARRAYS)
def test_arrays_come_back_to_the_last_bit_and_as_the_same_bytes(tmp_path, kind):
    policy = policy_of(ARRAYS[kind], n_rows=150)
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    save_policy(policy, first)
    assert everything(first) == [ARRAY_FILE]
    loaded = load_policy(first, 3, SCALE)
    assert type(loaded) is type(policy)
    assert loaded.scale == SCALE
    np.testing.assert_array_equal(loaded.action_probabilities(ROWS), policy.action_probabilities(ROWS))
    save_policy(loaded, second)
    assert (first / ARRAY_FILE).read_bytes() == (second / ARRAY_FILE).read_bytes()


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_other_estimators_come_back_to_the_last_bit(tmp_path, kind):
    policy = policy_of(ESTIMATORS[kind])
    check_storable(policy)
    save_policy(policy, tmp_path)
    assert everything(tmp_path) == [ESTIMATOR_FILE]
    loaded = load_policy(tmp_path, 3, SCALE)
    assert isinstance(loaded, EstimatorPolicy)
    np.testing.assert_array_equal(loaded.action_probabilities(ROWS), policy.action_probabilities(ROWS))
    assert len(np.unique(loaded.action_probabilities(ROWS), axis=0)) > 1


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_the_same_estimator_is_stored_as_the_same_bytes(tmp_path, kind):
    """The bug: skops writes memory addresses and the time, so a run with such a policy was never byte-equal."""
    stored = []
    for _ in range(2):
        save_policy(policy_of(ESTIMATORS[kind]), tmp_path)
        stored.append((tmp_path / ESTIMATOR_FILE).read_bytes())
    assert stored[0] == stored[1]


@pytest.mark.parametrize(
    "make",
    [
        lambda: BaggingClassifier(KNeighborsClassifier(), n_estimators=2),
        lambda: make_pipeline(StandardScaler(), KNeighborsClassifier()),
        lambda: make_pipeline(StandardScaler(), SVC()),
    ],
)
def test_what_loading_would_refuse_is_refused_before_it_is_stored(tmp_path, make):
    """The bug: a search tree of neighbours inside another estimator was stored, and loaded without being rebuilt."""
    policy = policy_of(make)
    with pytest.raises(ValueError, match=r"cannot be stored safely: .* choose another estimator"):
        check_storable(policy)
    with pytest.raises(ValueError, match="cannot be stored safely"):
        save_policy(policy, tmp_path)
    assert everything(tmp_path) == []


def test_a_policy_of_an_unknown_kind_is_not_stored(tmp_path):
    with pytest.raises(ValueError, match="a str cannot be stored"):
        save_policy("policy", tmp_path)


def test_a_folder_without_a_policy_says_what_it_lacks(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"holds neither policy\.npz nor policy\.skops"):
        load_policy(tmp_path, 3, SCALE)


def test_scale_and_actions_must_be_those_of_the_run(tmp_path):
    save_policy(policy_of(ARRAYS["decision tree"]), tmp_path)
    with pytest.raises(ValueError, match=r"policy.npz: scales .* differ from those of conf.json"):
        load_policy(tmp_path, 3, CommandScale(0.02, 0.02))
    with pytest.raises(ValueError, match=r"policy.npz: the policy has 3 actions, its environment 2"):
        load_policy(tmp_path, 2, SCALE)


# Hostile and damaged arrays -------------------------------------------------------------------------------------


def stored_arrays(kind, folder):
    save_policy(policy_of(ARRAYS[kind]), folder)
    with np.load(folder / ARRAY_FILE) as stored:
        return dict(stored)


def forest_arrays(folder):
    """A forest as formats 1 and 2 stored it: all of its arrays."""
    arrays = stored_arrays("random forest", folder)
    whole = unpacked_arrays(arrays, "mean")
    packed = LAYOUTS[0]
    return {name: array for name, array in arrays.items() if name not in packed} | whole | {"format": np.int64(2)}


def changed(array, where, value):
    array = np.array(array)
    array[where] = value
    return array


def first_inner_nodes(arrays):
    return np.flatnonzero(arrays["children_left"] >= 0)


FOREST_ATTACKS = {
    "child out of range": (lambda a: {"children_left": changed(a["children_left"], 0, 10**6)}, "left must point"),
    "cycle": (lambda a: {"children_left": changed(a["children_left"], first_inner_nodes(a)[1], 0)}, "must point"),
    "itself": (lambda a: {"children_right": changed(a["children_right"], 0, 0)}, "must point behind"),
    "negative child": (lambda a: {"children_left": changed(a["children_left"], 0, -2)}, "must point behind"),
    "shared child": (lambda a: {"children_right": changed(a["children_right"], 0, a["children_left"][0])}, "one node"),
    "feature out of range": (lambda a: {"feature": changed(a["feature"], 0, 6)}, "features must lie in 0..5"),
    "huge index": (lambda a: {"feature": a["feature"].astype(np.int64) + 2**40}, "numbers beyond int32"),
    "fractional index": (lambda a: {"feature": a["feature"] + 0.5}, "must hold whole numbers"),
    "NaN threshold": (lambda a: {"threshold": changed(a["threshold"], 0, np.nan)}, "'threshold' holds a value"),
    "infinite value": (lambda a: {"value": changed(a["value"], 0, np.inf)}, "'value' holds a value"),
    "zero cover": (lambda a: {"cover": changed(a["cover"], 0, 0)}, "covers must be above 0"),
    "objects": (lambda a: {"cover": np.array([{}] * len(a["cover"]), dtype=object)}, "not a readable archive"),
    "text": (lambda a: {"cover": np.array(["1"] * len(a["cover"]))}, "'cover' must hold numbers"),
    "complex": (lambda a: {"cover": a["cover"] * 1j}, "'cover' must hold numbers"),
    "dates": (lambda a: {"cover": a["cover"].astype("datetime64[s]")}, "'cover' must hold numbers"),
    "flat values": (lambda a: {"value": a["value"][:, 0]}, "'value' must have 2 dimensions"),
    "cut short": (lambda a: {"cover": a["cover"][:-1]}, "'cover' has"),
    "no trees": (lambda a: {"roots": a["roots"][:0]}, "roots must ascend"),
    "no nodes": (
        lambda a: {name: a[name][:0] for name in
                   ("children_left", "children_right", "feature", "threshold", "value", "cover", "impurity")},
        "roots must ascend",
    ),
    "missing": (lambda a: {"value": None}, "array 'value' is missing"),
    "no format": (lambda a: {"format": None}, "array 'format' is missing"),
    "unknown": (lambda a: {"extra": np.zeros(1)}, "array 'extra' is unknown"),
    "newer format": (lambda a: {"format": np.int64(99)}, r"format 99 is newer than this release reads \(3\)"),
    "format 0": (lambda a: {"format": np.int64(0)}, "format must be a whole number from 1 on, got 0"),
    "two formats": (lambda a: {"schema_version": np.int64(1)}, "array 'schema_version' is unknown"),
    "format as text": (lambda a: {"format": np.str_("1")}, "'format' must hold numbers"),
    "format as list": (lambda a: {"format": np.array([1])}, "must have 0 dimensions"),
    "wrong kind": (lambda a: {"kind": np.str_("oracle")}, "policy kind 'oracle' is unknown"),
    "kind as number": (lambda a: {"kind": np.int64(1)}, "'kind' must be one text"),
    "wrong link": (lambda a: {"link": np.str_("sum")}, "link must be one of"),
    "kind of a net": (lambda a: {"kind": np.str_("neural")}, "is missing"),
    "no scale": (lambda a: {"return_scale": np.float64(0)}, "return_scale must be a finite number above 0"),
    "NaN scale": (lambda a: {"horizon_scale": np.float64(np.nan)}, "horizon_scale must be a finite number above 0"),
    "shares below 0": (lambda a: {"value": changed(a["value"], -1, [-0.5, 0, 1.5])}, "probabilities"),
    "shares above 1": (lambda a: {"value": a["value"] * 2}, "probabilities"),
    "billions of inputs": (lambda a: {"n_features": np.int64(2**62)}, "the policy takes 4611686018427387904 inputs"),
    "negative features": (lambda a: {"n_features": np.int64(-6)}, "n_features must be at least 1"),
}  # fmt: skip


def write_arrays(folder, arrays, changes):
    arrays = {name: array for name, array in (arrays | changes).items() if array is not None}
    (folder / ARRAY_FILE).unlink()
    np.savez_compressed(folder / ARRAY_FILE, **arrays)


@pytest.mark.parametrize("attack", FOREST_ATTACKS)
def test_a_damaged_or_hostile_forest_is_refused_by_name(tmp_path, attack):
    change, message = FOREST_ATTACKS[attack]
    arrays = forest_arrays(tmp_path)
    expected = load_policy(tmp_path, 3, SCALE).action_probabilities(ROWS)
    write_arrays(tmp_path, arrays, {})
    np.testing.assert_array_equal(load_policy(tmp_path, 3, SCALE).action_probabilities(ROWS), expected)
    write_arrays(tmp_path, arrays, change(arrays))
    with pytest.raises(ValueError, match=message) as fault:
        load_policy(tmp_path, 3, SCALE)
    assert str(tmp_path / ARRAY_FILE) in str(fault.value)


NET_ATTACKS = {
    "layers that do not chain": (lambda a: {"weight_1": a["weight_1"][1:]}, "net layer 1"),
    "a missing layer": (lambda a: {"weight_1": None, "weight_7": a["weight_1"]}, "'weight_1' is missing"),
    "a bias too many": (lambda a: {"bias_3": a["bias_2"]}, "bias"),
    "no layer": (lambda a: {name: None for name in a if name.startswith(("weight", "bias"))}, "one bias per weight"),
    "NaN weight": (lambda a: {"weight_0": a["weight_0"] * np.nan}, "net layer 0 holds a number that is not finite"),
    "odd activation": (lambda a: {"activation": np.str_("__import__")}, "activation must be one of"),
    "classes out of range": (lambda a: {"classes": np.array([0, 3])}, "classes must be actions"),
    "billions of actions": (lambda a: {"n_actions": np.int64(2**62)}, "the policy has 4611686018427387904 actions"),
    "objects": (lambda a: {"weight_0": np.array([[{}]], dtype=object)}, "not a readable archive"),
    "forest arrays": (lambda a: {"roots": np.zeros(1)}, "array 'roots'"),
}  # fmt: skip


@pytest.mark.parametrize("attack", NET_ATTACKS)
def test_a_damaged_or_hostile_net_is_refused_by_name(tmp_path, attack):
    change, message = NET_ATTACKS[attack]
    arrays = stored_arrays("net", tmp_path)
    write_arrays(tmp_path, arrays, change(arrays))
    with pytest.raises(ValueError, match=message) as fault:
        load_policy(tmp_path, 3, SCALE)
    assert str(tmp_path / ARRAY_FILE) in str(fault.value)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(tmp_path, share):
    save_policy(policy_of(ARRAYS["decision tree"]), tmp_path)
    path = tmp_path / ARRAY_FILE
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match=r"policy\.npz: not a readable archive of arrays"):
        load_policy(tmp_path, 3, SCALE)


def test_flipped_bytes_never_pass_unseen(tmp_path):
    policy = policy_of(ARRAYS["decision tree"])
    save_policy(policy, tmp_path)
    path = tmp_path / ARRAY_FILE
    whole = path.read_bytes()
    expected = policy.action_probabilities(ROWS)
    for where in np.random.default_rng(0).choice(len(whole), 150, replace=False):
        path.write_bytes(whole[:where] + bytes([whole[where] ^ 0x55]) + whole[where + 1 :])
        try:
            loaded = load_policy(tmp_path, 3, SCALE)
        except ValueError:
            continue
        # A byte of the zip's own dates and the like.
        np.testing.assert_array_equal(loaded.action_probabilities(ROWS), expected)


def npy_bytes(header):
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, header)
    return out.getvalue()


@pytest.mark.parametrize("shape", [(10**15,), (10**9, 10**9), (2**40, 0), (-1,)])
def test_a_header_that_claims_a_giant_array_is_refused(tmp_path, shape):
    with zipfile.ZipFile(tmp_path / ARRAY_FILE, "w") as archive:
        archive.writestr("kind.npy", npy_bytes({"descr": "<f8", "fortran_order": False, "shape": shape}))
        for name in ("format", "return_scale", "horizon_scale"):
            archive.writestr(f"{name}.npy", npy_bytes({"descr": "<f8", "fortran_order": False, "shape": ()}) + bytes(8))
    with pytest.raises(ValueError, match=r"policy\.npz"):
        load_policy(tmp_path, 3, SCALE)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("udrl_explain.files.reading.MOST_BYTES", 100_000)
    arrays = stored_arrays("random forest", tmp_path)
    write_arrays(tmp_path, arrays, {"base": np.zeros(10**6)})
    assert (tmp_path / ARRAY_FILE).stat().st_size < 100_000
    with pytest.raises(ValueError, match=r"unpacks to .* bytes, the limit is 100000"):
        load_policy(tmp_path, 3, SCALE)


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_no_pickle_inside_an_archive_is_ever_run(tmp_path):
    exploded = tmp_path / "exploded"
    folder = tmp_path / "run"
    folder.mkdir()
    arrays = stored_arrays("decision tree", folder)
    write_arrays(folder, arrays, {"cover": np.array([Bomb(exploded)] * 3, dtype=object)})
    with pytest.raises(ValueError, match="not a readable archive"):
        load_policy(folder, 3, SCALE)
    for disguise in (pickle.dumps(Bomb(exploded)), b"", b"PK\x03\x04nonsense"):
        (folder / ARRAY_FILE).write_bytes(disguise)
        with pytest.raises(ValueError, match=r"policy\.npz: not a readable archive"):
            load_policy(folder, 3, SCALE)
    assert not exploded.exists()
