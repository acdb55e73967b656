"""Every analysis of a policy takes `n_jobs`, hands it to whatever makes threads, and answers the same."""

import ast
import inspect
from pathlib import Path

import numpy as np
import pytest
from core_helpers import scaled, training_rows
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier

import udrl_explain
from udrl_explain import parallel
from udrl_explain.command_space import cells, influence
from udrl_explain.episodes import Episode
from udrl_explain.policies import policy_from_estimator
from udrl_explain.trees import walks

ESTIMATORS = {
    "forest": RandomForestClassifier(8, max_depth=6, random_state=0),
    "boosted": GradientBoostingClassifier(n_estimators=6, random_state=0),
    "net": MLPClassifier((8,), max_iter=20, random_state=0, tol=1.0, n_iter_no_change=2),
    "neighbours": KNeighborsClassifier(3),
}
INPUTS, ACTIONS = training_rows(80)
EPISODE = Episode(INPUTS[:40], ACTIONS[:40], np.ones(40), 1)
PLANE = ((1.0, 200.0), (1.0, 200.0))

QUESTIONS = {
    "feature_importance": lambda policy, n_jobs: udrl_explain.feature_importance(
        policy, INPUTS, ACTIONS, n_repeats=2, n_resamples=20, background=INPUTS[:20], n_jobs=n_jobs
    ).to_frame(),
    "shapley_values": lambda policy, n_jobs: udrl_explain.shapley_values(
        policy, INPUTS, INPUTS[:60], n_jobs=n_jobs
    ).to_frame(),
    "shapley_interactions": lambda policy, n_jobs: udrl_explain.shapley_interactions(
        policy, INPUTS, INPUTS[:60], n_jobs=n_jobs
    ).to_frame(),
    "faithfulness": lambda policy, n_jobs: udrl_explain.faithfulness(
        policy, INPUTS[:30], INPUTS[:10], n_resamples=10, n_jobs=n_jobs
    ).to_frame(),
    "decision_paths": lambda policy, n_jobs: udrl_explain.decision_paths(policy, INPUTS, n_jobs=n_jobs).saabas_frame(),
    "command_response": lambda policy, n_jobs: udrl_explain.command_response(
        policy, INPUTS[:40, :-2], [20.0, 150.0], 50.0, training_commands=INPUTS[:, -2:], n_jobs=n_jobs
    ).to_frame(),
    "command_map": lambda policy, n_jobs: udrl_explain.command_map(
        policy, INPUTS[0, :-2], *PLANE, grid=(5, 5), n_jobs=n_jobs
    ).to_frame(),
    "episode_timeline": lambda policy, n_jobs: udrl_explain.episode_timeline(
        policy, EPISODE, INPUTS[:60], training_commands=INPUTS[:, -2:], grid=(5, 5), n_jobs=n_jobs
    ).to_frame(),
}
CASES = [(question, "forest") for question in QUESTIONS] + [
    ("shapley_values", "boosted"), ("shapley_values", "net"), ("episode_timeline", "net"),
]  # fmt: skip


@pytest.fixture
def threads_started(monkeypatch):
    """Sizes of the pools that were made; blocks are cut small, so that little work keeps several threads busy."""
    sizes = []

    class Pool(parallel.ThreadPoolExecutor):
        def __init__(self, size):
            sizes.append(size)
            super().__init__(size)

    monkeypatch.setattr(parallel, "ThreadPoolExecutor", Pool)
    monkeypatch.setattr(walks, "BLOCK_ROWS", 32)
    monkeypatch.setattr(cells, "BLOCK_VALUES", 64)
    monkeypatch.setattr(influence, "STATES_AT_ONCE", 8)
    monkeypatch.setattr("udrl_explain.attributions.enumeration.ROWS_PER_CALL", 512)
    return sizes


def policy_of(kind):
    return policy_from_estimator(ESTIMATORS[kind].fit(scaled(INPUTS, 0.02, 0.02), ACTIONS), 2, 0.02, 0.02)


@pytest.mark.parametrize(("question", "kind"), CASES)
def test_one_job_starts_no_thread_and_two_change_no_byte(question, kind, threads_started):
    policy = policy_of(kind)
    alone = QUESTIONS[question](policy, 1)
    assert threads_started == []
    together = QUESTIONS[question](policy, 2)
    assert set(threads_started) == {2}, "n_jobs must reach what makes threads"
    assert together.to_csv().encode() == alone.to_csv().encode()


@pytest.mark.parametrize("question", ["feature_importance", "shapley_values", "episode_timeline"])
def test_an_estimator_of_unknown_make_is_asked_by_one_thread(question, threads_started):
    QUESTIONS[question](policy_of("neighbours"), 2)
    assert threads_started == []


def test_every_public_analysis_of_a_policy_takes_n_jobs():
    public = {name: getattr(udrl_explain, name) for name in udrl_explain.__all__}
    signatures = {name: inspect.signature(thing).parameters for name, thing in public.items() if callable(thing)}
    of_a_policy = {name for name, parameters in signatures.items() if next(iter(parameters), "") == "policy"}
    playing = {"collect", "distill", "run_from_episodes"}  # their time goes into episodes, step after step
    assert of_a_policy - playing == set(QUESTIONS), "give a new analysis its case here"
    for name in QUESTIONS:
        assert signatures[name]["n_jobs"].kind is inspect.Parameter.KEYWORD_ONLY
        assert signatures[name]["n_jobs"].default is None


PACKAGE = Path(udrl_explain.__file__).parent
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")}
# Private functions have no default for it, so that mypy sees a call without.
TAKING = {
    node.name
    for tree in TREES.values()
    for node in ast.walk(tree)
    if isinstance(node, ast.FunctionDef)
    and "n_jobs" in {word.arg for word in node.args.args + node.args.kwonlyargs}
    and node.name[0] != "_"
}


def test_whoever_calls_what_takes_n_jobs_passes_it_on():
    """In a report, or within an analysis: what is not passed on means all cores, against the user's word."""
    assert set(QUESTIONS) | {"choose_probes", "attribute", "render"} <= TAKING
    left_out = []
    for path, tree in TREES.items():
        if path.name == "warm_up.py":  # one row, in a process of its own
            continue
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in TAKING:
                words = [ast.unparse(word) for word in call.args] + [
                    f"{word.arg}={word.value}" for word in call.keywords
                ]
                if not any("n_jobs" in word or "n_threads" in word for word in words):
                    left_out.append(f"{path.relative_to(PACKAGE)}, line {call.lineno}: {call.func.id}")
    assert not left_out, "\n".join(left_out)


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_analysis_refuses_no_jobs(question, threads_started):
    with pytest.raises(ValueError, match="n_jobs must be a whole number of at least 1"):
        QUESTIONS[question](policy_of("forest"), 0)
