"""Every result of an analysis says in one way how it was made: ``method``, ``exact``, ``n_rows``, ``seed``, a table."""

import dataclasses
import importlib
import pkgutil
import sys

import numpy as np
import pandas as pd
import pytest
from core_helpers import tiny_run
from shapley_helpers import digest
from sklearn.tree import DecisionTreeClassifier

import udrl_explain.analysis
from udrl_explain import (
    command_map,
    command_response,
    compare,
    decision_paths,
    distill,
    episode_timeline,
    explain,
    faithfulness,
    feature_importance,
    final_returns,
    learning_curves,
    obedience,
    performance,
    policy_from_estimator,
    seed_comparison,
    shapley_interactions,
    shapley_values,
    stability,
)
from udrl_explain.analysis.action_shares import action_shares
from udrl_explain.analysis.importance.spread import importance_spread
from udrl_explain.analysis.paths.box import decision_box
from udrl_explain.analysis.paths.contrast import path_contrast
from udrl_explain.analysis.sample_efficiency import sample_efficiency
from udrl_explain.analysis.training_commands import training_commands
from udrl_explain.results import Result

COALITIONS = pd.DataFrame(
    {
        "coalition": np.repeat(np.arange(64), 2),
        "environment_seed": np.tile([0, 1], 64),
        "achieved_return": np.repeat([bin(c).count("1") for c in range(64)], 2) + np.tile([0.0, 1.0], 64),
        "length": 10,
    }
)
CURVES = pd.DataFrame(
    {"env_name": "E", "label": "net", "seed": [1, 1, 2, 2], "steps": [9, 20, 8, 30], "test_mean": [1.0, 3.0, 2.0, 4.0]}
)


def importance(run):
    return feature_importance(run.policy, run.training_inputs, run.training_actions, n_repeats=2, n_resamples=10)


def distilled(run, played=None):
    return distill(run, played, max_leaves=[2, 4], n_rounds=2, n_round_episodes=4, n_episodes=12, n_level_episodes=2)


def with_seed(run, seed):
    return dataclasses.replace(run, config=dataclasses.replace(run.config, seed=seed))


def run_with_another_policy(run):
    estimator = DecisionTreeClassifier(max_depth=1, random_state=0).fit(run.training_inputs, run.training_actions)
    names = {"feature_names": run.feature_names, "action_names": run.action_names}
    return dataclasses.replace(run, policy=policy_from_estimator(estimator, 2, **names))


# What each analysis makes of a tiny run, and the rows, states, steps, episodes or runs that it is made from.
MADE = {
    "Importance": (importance, 40),
    "ImportanceSpread": (lambda run: importance_spread({name: importance(run).to_frame() for name in "ab"}), 2),
    "ShapleyValues": (lambda run: shapley_values(run.policy, run.training_inputs[:7], run.training_inputs), 7),
    "Comparison": (lambda run: compare(run, run_with_another_policy(run)), 24),
    "Explanation": (lambda run: explain(run, (0, 1)), 1),
    "ShapleyInteractions": (lambda run: shapley_interactions(run.policy, run.training_inputs[:2]), 2),
    "DecisionPaths": (lambda run: decision_paths(run.policy, run.training_inputs[:3]), 3),
    "DecisionBox": (lambda run: decision_box(run.policy, run.training_inputs[:3]), 3),
    "PathContrast": (
        lambda run: path_contrast(run.policy, run.training_inputs[0, :-2], [(9, 9), (50, 50), (90, 90)]),
        3,
    ),
    "CommandResponse": (
        lambda run: command_response(
            run.policy, run.training_inputs[:4, :-2], [9.0, 50.0], 9.0, training_commands=run.training_inputs[:, -2:]
        ),
        4,
    ),
    "CommandMap": (lambda run: command_map(run.policy, run.training_inputs[0, :-2], (0, 100), (1, 100)), 1),
    "Timeline": (
        lambda run: episode_timeline(run.policy, run.episodes[0], training_commands=run.training_inputs[:, -2:]),
        4,
    ),
    "Faithfulness": (
        lambda run: faithfulness(run.policy, run.training_inputs[:6], run.training_inputs, n_resamples=9),
        6,
    ),
    "Distillation": (lambda run: distilled(run), 12),
    "Student": (lambda run: distilled(run, [run.episodes[0]] * 2).students[0], 0),
    "LearningCurves": (lambda run: learning_curves([run]), 2),
    "SeedComparison": (lambda run: seed_comparison([run, with_seed(run, 9)]), 2),
    "SampleEfficiency": (lambda run: sample_efficiency(CURVES), 4),
    "FinalReturns": (lambda run: final_returns([run]), 3),
    "ActionShares": (lambda run: action_shares([run]), 12),
    "TrainingCommands": (lambda run: training_commands([run]), 4),
    "Obedience": (lambda run: obedience(run.command_sweep), 4),
    "Performance": (lambda run: performance(COALITIONS), 128),
    "Stability": (lambda run: stability([run, with_seed(run, 9)], n_rows=8, n_background=8, n_resamples=2), 8),
}
DRAWN = {
    "Distillation", "Student",
    "Importance", "ShapleyValues", "Comparison", "Explanation", "Faithfulness", "LearningCurves", "FinalReturns",
    "ActionShares", "Obedience", "Performance", "Stability", "SeedComparison", "SampleEfficiency",
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return tiny_run(tmp_path_factory.mktemp("run"))


@pytest.mark.parametrize("name", MADE)
def test_every_result_keeps_the_protocol(run, name):
    make, n_rows = MADE[name]
    before = digest(run.policy)
    result = make(run)
    assert digest(run.policy) == before
    assert type(result).__name__ == name
    assert isinstance(result, Result)
    assert type(result.method) is str
    assert result.method
    assert type(result.exact) is bool
    assert type(result.n_rows) is int
    assert result.n_rows == n_rows
    assert type(result.seed) is (int if name in DRAWN else type(None))
    assert list(result.to_frame().columns) == list(sys.modules[type(result).__module__].COLUMNS)
    assert len(result.to_frame()) > 0


@pytest.mark.parametrize("name", MADE)
def test_how_a_result_was_made_belongs_to_the_result_and_cannot_be_changed(run, name):
    result = MADE[name][0](run)
    fields = {field.name for field in dataclasses.fields(result)}
    assert {"method", "exact", "seed"} <= fields
    for fact in ("method", "exact", "seed", "n_rows"):
        with pytest.raises(AttributeError):
            setattr(result, fact, getattr(result, fact))


def test_no_analysis_is_left_out():
    """A result is what has a table and shows itself in notebooks; a new one belongs into ``MADE``."""
    found = set()
    for module in pkgutil.walk_packages(udrl_explain.analysis.__path__, "udrl_explain.analysis."):
        members = vars(importlib.import_module(module.name)).values()
        found |= {each.__name__ for each in members if isinstance(each, type) and "_repr_html_" in vars(each)}
    assert found == set(MADE)
