"""Estimators that a stranger stored: what compiled code would follow blindly is refused before it does."""

import numpy as np
import pytest
import skops.io
from core_helpers import training_rows
from estimator_helpers import ESTIMATORS, ROWS, SCALE, policy_of, refused, rewrite_array, rewrite_schema, store
from sklearn.ensemble import BaggingClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from udrl_explain.runs.policy_files import ESTIMATOR_FILE, load_policy, save_policy


@pytest.fixture(autouse=True)
def _no_trial(monkeypatch):
    """What this process itself refuses; tests/test_estimator_trial.py is about the one that tries the rest."""
    monkeypatch.setattr("udrl_explain.runs.estimator_trial.try_estimator", lambda *_: None)


def test_an_estimator_file_cannot_name_other_types(tmp_path):
    save_policy(policy_of(ESTIMATORS["support vectors"]), tmp_path)

    def become_a_shell(schema):
        schema["__module__"], schema["__class__"] = "subprocess", "Popen"

    rewrite_schema(tmp_path / ESTIMATOR_FILE, become_a_shell)
    with pytest.raises(ValueError, match=r"policy.skops: .*subprocess\.Popen"):
        load_policy(tmp_path, 3, SCALE)


def test_an_estimator_file_cannot_bring_compiled_trees(tmp_path):
    inputs, actions = training_rows(40)
    skops.io.dump(DecisionTreeClassifier().fit(inputs, actions), tmp_path / ESTIMATOR_FILE)
    with pytest.raises(ValueError, match=r"not allowed: .*tree\._tree\.Tree"):
        load_policy(tmp_path, 2, SCALE)


@pytest.mark.parametrize("damage", [b"", b"not a zip", None])
def test_a_damaged_estimator_file_is_refused_by_name(tmp_path, damage):
    save_policy(policy_of(ESTIMATORS["nearest neighbours"]), tmp_path)
    path = tmp_path / ESTIMATOR_FILE
    path.write_bytes(path.read_bytes()[:-200] if damage is None else damage)
    with pytest.raises(ValueError, match=r"policy.skops: "):
        load_policy(tmp_path, 3, SCALE)


def test_a_search_tree_with_wild_indices_is_rebuilt(tmp_path):
    policy = policy_of(ESTIMATORS["neighbours in a ball tree"])
    save_policy(policy, tmp_path)
    touched = []

    def wild(array):
        if array.dtype == np.int64 and array.shape == (60,) and sorted(array) == list(range(60)):
            touched.append(array)
            return array + 10**9
        return None

    rewrite_array(tmp_path / ESTIMATOR_FILE, wild)
    assert touched
    loaded = load_policy(tmp_path, 3, SCALE)
    np.testing.assert_array_equal(loaded.action_probabilities(ROWS), policy.action_probabilities(ROWS))


@pytest.mark.parametrize("kind", ["pipeline", "bagging", "brute force", "support vectors"])
def test_a_search_tree_inside_another_estimator_is_refused(tmp_path, kind):
    """The bug: only the outermost search tree was rebuilt; one deeper inside kept whatever indices the file held."""
    inputs, actions = training_rows(40)
    make = {
        "pipeline": lambda: make_pipeline(StandardScaler(), KNeighborsClassifier(algorithm="kd_tree")),
        "bagging": lambda: BaggingClassifier(KNeighborsClassifier(algorithm="kd_tree"), n_estimators=2),
        "brute force": lambda: make_pipeline(StandardScaler(), KNeighborsClassifier(algorithm="brute")),
        "support vectors": lambda: make_pipeline(StandardScaler(), SVC()),
    }[kind]
    skops.io.dump(make().fit(inputs, actions), tmp_path / ESTIMATOR_FILE)
    with pytest.raises(ValueError, match="not allowed"):
        load_policy(tmp_path, 2, SCALE)


@pytest.mark.parametrize("kind", ["support vectors", "linear support vectors", "nu support vectors"])
@pytest.mark.parametrize("growth", [10**6, -3])
def test_support_vectors_whose_counts_do_not_fit_are_refused(tmp_path, kind, growth):
    """The bug: libsvm reads as many support vectors as a file's counts say, beyond the end of its arrays."""
    policy = policy_of(ESTIMATORS[kind])
    save_policy(policy, tmp_path)

    def lying_counts(array):
        return array + np.int32(growth) if array.dtype == np.int32 and array.shape == (2,) else None

    rewrite_array(tmp_path / ESTIMATOR_FILE, lying_counts)
    with pytest.raises(ValueError, match=r"policy.skops: .*support vectors"):
        load_policy(tmp_path, 3, SCALE)


@pytest.mark.parametrize("name", ["_dual_coef_", "support_vectors_", "_intercept_", "_probA"])
def test_support_vectors_with_arrays_of_the_wrong_shape_are_refused(tmp_path, name):
    inputs, actions = training_rows(60, actions=(0, 1, 2))
    estimator = SVC().fit(inputs, actions)
    setattr(estimator, name, np.ascontiguousarray(np.atleast_2d(getattr(estimator, name))[:, :1]))
    skops.io.dump(estimator, tmp_path / ESTIMATOR_FILE)
    with pytest.raises(ValueError, match=r"policy.skops: .*support vectors"):
        load_policy(tmp_path, 3, SCALE)


def test_an_estimator_file_that_holds_no_classifier_is_refused(tmp_path):
    for content in ({"a": 1}, [1, 2], StandardScaler(), KNeighborsClassifier()):
        skops.io.dump(content, tmp_path / ESTIMATOR_FILE)
        with pytest.raises(ValueError, match=r"policy\.skops: "):
            load_policy(tmp_path, 3, SCALE)


# Three ways to a segmentation fault, and their kin ----------------------------------------------------------------


def test_a_precomputed_kernel_with_lying_indices_is_refused(tmp_path):
    """The bug: libsvm looks a precomputed kernel up by the stored numbers of the training rows, wherever they lie."""
    estimator = policy_of(SVC).estimator
    estimator.kernel = "precomputed"
    estimator.support_ = estimator.support_ + np.int32(10**9)
    estimator.shape_fit_ = (6, 6)  # so that rows of six inputs fit
    store(estimator, tmp_path)
    refused(tmp_path, "kernel must be one of linear, poly, rbf, sigmoid over dense rows, got 'precomputed'")


class TestHistogramGradientBoosting:
    @pytest.mark.parametrize(
        "preprocessor", [SelectKBest(k=1), FunctionTransformer(np.tanh), make_pipeline(SelectKBest(k=1))]
    )
    def test_a_preprocessor_inside_is_refused(self, tmp_path, preprocessor):
        """The bug: it may drop columns that the trees then read, beyond the end of the rows."""
        estimator = policy_of(ESTIMATORS["histogram gradient boosting"]).estimator
        if not isinstance(preprocessor, FunctionTransformer):
            preprocessor.fit(*training_rows(60))
        estimator._preprocessor = preprocessor
        store(estimator, tmp_path)
        refused(tmp_path, "it encodes categories|not allowed")

    def test_a_tree_that_tests_a_feature_beyond_the_row_is_refused(self, tmp_path):
        estimator = policy_of(ESTIMATORS["histogram gradient boosting"]).estimator
        estimator._predictors[0][0].nodes["feature_idx"][0] = 10**6
        store(estimator, tmp_path)
        refused(tmp_path, "tests a category or a feature that does not exist")


def test_sparse_coefficients_are_refused(tmp_path):
    """The bug: compiled code follows the indices of a sparse matrix; scipy does not check them when it reads one."""
    estimator = policy_of(ESTIMATORS["gradient descent"]).estimator
    estimator.sparsify()
    store(estimator, tmp_path)
    refused(tmp_path, r"policy\.skops: .*(SparseMatrixNode|neither schema.json nor an array)")


def test_a_method_cannot_be_replaced_by_a_value(tmp_path):
    """The bug: an attribute of the name of a method stands before the method, and its checks are gone."""
    estimator = policy_of(ESTIMATORS["histogram gradient boosting"]).estimator
    estimator._preprocess_X = np.abs
    store(estimator, tmp_path)
    refused(tmp_path, "replaces its own '_preprocess_X'")
    inner = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000)).fit(*training_rows(60))
    inner[-1].decision_function = np.abs
    store(inner, tmp_path)
    refused(tmp_path, "a LogisticRegression replaces its own 'decision_function'", n_actions=2)


def test_bound_methods_are_refused(tmp_path):
    estimator = policy_of(ESTIMATORS["logistic regression"]).estimator
    estimator.scaler_ = StandardScaler().fit(ROWS).transform
    store(estimator, tmp_path)
    refused(tmp_path, "holds what is not allowed: .*MethodNode")


def test_a_metric_that_is_no_name_is_refused(tmp_path):
    estimator = policy_of(ESTIMATORS["nearest neighbours"]).estimator
    estimator.metric = np.hypot
    store(estimator, tmp_path)
    refused(tmp_path, "the metric must be the name of one that compares rows")
