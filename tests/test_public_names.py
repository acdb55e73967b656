import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from core_helpers import tiny_run

import udrl_explain
from udrl_explain.runs.policy_files import save_policy
from udrl_explain.runs.run import Run

# First parameters, in order, as promised; more may follow, with defaults.
PROMISED = {
    "TrainConfig": ("env_name", "estimator_name", "seed", "max_episode"),
    "train_policy": ("config", "directory"),
    "StudyConfig": ("environments", "estimators", "recipes", "seeds"),
    "run_study": ("config", "directory"),
    "load_run": ("folder",),
    "find_runs": ("folder",),
    "policy_from_estimator": ("estimator", "n_actions", "return_scale", "horizon_scale"),
    "policy_from_callable": ("function", "feature_names", "action_names"),
    "run_from_episodes": ("policy", "env_name", "episodes"),
    "save_run": ("run",),
    "compare": ("a", "b", "inputs"),
    "explain": ("run_or_policy", "row"),
    "feature_importance": ("policy", "inputs", "actions"),
    "shapley_values": ("policy", "inputs", "background"),
    "shapley_interactions": ("policy", "inputs", "background"),
    "decision_paths": ("policy", "inputs"),
    "command_response": ("policy", "states", "returns", "horizons"),
    "command_map": ("policy", "state", "returns", "horizons"),
    "obedience": ("sweep",),
    "episode_timeline": ("policy", "episode", "background"),
    "learning_curves": ("runs",),
    "seed_comparison": ("runs",),
    "faithfulness": ("policy", "inputs", "background"),
    "performance": ("frame",),
    "stability": ("runs",),
    "distill": ("policy", "episodes_or_env"),
    "collect": ("policy", "env_name", "commands", "seeds"),
    "final_returns": ("runs",),
    "Run": ("config", "directory", "policy"),
}
KEYWORDS = {
    "policy_from_callable": ("command",),
    "feature_importance": ("seed", "n_repeats"),
    "faithfulness": ("actions", "seed"),
}
DEFAULTS = {
    "train_policy": {"directory": "data"},
    "run_study": {"directory": "data"},
    "policy_from_estimator": {"return_scale": 1.0, "horizon_scale": 1.0},
    "shapley_values": {"background": None},
    "shapley_interactions": {"background": None},
    "episode_timeline": {"background": None},
}
RUN_ATTRIBUTES = (
    "config", "directory", "policy", "policy_note", "feature_names", "action_names", "episodes", "training_inputs",
    "training_actions", "training_commands", "train_returns", "test_returns", "final_returns", "command_sweep",
)  # fmt: skip
ANALYSES = sorted(path.stem for path in (Path(udrl_explain.__file__).parent / "analysis").glob("[a-z]*.py"))


def test_all_names_exactly_what_is_promised():
    assert set(udrl_explain.__all__) == set(PROMISED)
    assert dir(udrl_explain) == sorted(PROMISED)


@pytest.mark.parametrize("name", PROMISED)
def test_a_public_name_has_the_promised_signature(name):
    thing = getattr(udrl_explain, name)
    parameters = inspect.signature(thing).parameters
    assert tuple(parameters)[: len(PROMISED[name])] == PROMISED[name]
    for keyword in KEYWORDS.get(name, ()):
        assert parameters[keyword].kind is inspect.Parameter.KEYWORD_ONLY
    for parameter, default in DEFAULTS.get(name, {}).items():
        assert parameters[parameter].default == default
    if name != "Run":
        extras = [parameter for key, parameter in parameters.items() if key not in PROMISED[name]]
        assert all(extra.default is not inspect.Parameter.empty for extra in extras), "extra parameters need defaults"
    assert thing.__doc__
    assert len(thing.__doc__) > 80


@pytest.mark.parametrize("name", RUN_ATTRIBUTES)
def test_a_run_has_the_promised_attribute(name):
    assert hasattr(Run, name) or name in Run.__dataclass_fields__


def test_no_module_hides_a_public_name():
    """The bug: a module final_returns stood in place of the function of that name as soon as it was imported."""
    modules = {path.stem for path in Path(udrl_explain.__file__).parent.iterdir()}
    for name in modules & set(PROMISED):  # a command may have the name of an analysis; the analysis is what is imported
        importlib.import_module(f"udrl_explain.{name}")
        assert inspect.isfunction(getattr(udrl_explain, name)), f"the module {name} stands in place of the function"


def test_names_that_do_not_exist_are_refused():
    with pytest.raises(AttributeError, match="has no attribute 'no_such_name'"):
        udrl_explain.no_such_name  # noqa: B018
    with pytest.raises(ImportError):
        from udrl_explain import nothing  # noqa: F401


def test_the_lazy_names_are_those_that_type_checkers_see():
    """__getattr__ and the imports under TYPE_CHECKING are two lists of one thing."""
    text = Path(udrl_explain.__file__).read_text(encoding="utf-8")
    for name, home in udrl_explain._HOMES.items():
        assert f"from udrl_explain.{home} import {name} as {name}" in text


@pytest.mark.parametrize("name", PROMISED)
def test_a_signature_names_array_like_once_and_does_not_spell_it_out(name):
    shown = str(inspect.signature(getattr(udrl_explain, name)))
    assert "_NestedSequence" not in shown
    if name not in ("TrainConfig", "Run"):
        assert len(shown) < 450


def test_importing_the_package_is_light():
    script = (
        "import sys; before = set(sys.modules); import udrl_explain\n"
        "print(sorted({name.split('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)))\n"
        "from udrl_explain import TrainConfig; TrainConfig()\n"
        "print([name for name in ('numpy', 'sklearn', 'numba', 'pandas', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines() == ["['udrl_explain']", "[]"]


@pytest.mark.parametrize("name", ANALYSES)
def test_an_analysis_has_columns_and_one_documented_result(name):
    module = importlib.import_module(f"udrl_explain.analysis.{name}")
    assert isinstance(module.COLUMNS, tuple)
    assert all(isinstance(column, str) for column in module.COLUMNS)
    results = [
        kind
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if kind.__module__ == module.__name__ and hasattr(kind, "to_frame")
    ]
    assert results, "no result with to_frame()"
    for kind in results:
        assert kind.__dataclass_params__.frozen
        assert kind.__doc__
        assert len(kind.__doc__) > 80


def test_acting_with_a_stored_forest_does_not_need_scikit_learn(tmp_path):
    save_policy(tiny_run(tmp_path).policy, tmp_path)
    script = (
        "import sys, pathlib, numpy\n"
        "from udrl_explain.commands import CommandScale\n"
        "from udrl_explain.runs.policy_files import load_policy\n"
        f"policy = load_policy(pathlib.Path({str(tmp_path)!r}), 2, CommandScale(0.02, 0.02))\n"
        "print(policy.action_probabilities(numpy.zeros((1, 6))).sum(), 'sklearn' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["1.0", "False"]
