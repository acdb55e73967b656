import importlib
import inspect
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from core_helpers import tiny_run, training_rows
from sklearn.tree import DecisionTreeClassifier

import udrl_explain
from udrl_explain import (
    TrainConfig,
    command_map,
    command_response,
    decision_paths,
    episode_timeline,
    feature_importance,
    final_returns,
    find_runs,
    learning_curves,
    load_run,
    obedience,
    shapley_interactions,
    shapley_values,
    train_policy,
)
from udrl_explain.analysis.paths.box import decision_box
from udrl_explain.analysis.paths.contrast import path_contrast
from udrl_explain.analysis.training_commands import training_commands
from udrl_explain.probes import choose_probes
from udrl_explain.results import displayed, html_facts, html_table, one_line
from udrl_explain.runs import save_run

HOSTILE = "<script>alert('x')</script>"
ANALYSES = sorted(path.stem for path in (Path(udrl_explain.__file__).parent / "analysis").glob("[a-z]*.py"))
NAMES = (HOSTILE, "a & b", "state_2", "state_3", "desired_return", "desired_horizon")
ACTIONS = ("left", '"><img src=x onerror=alert(1)>')


class Tags(HTMLParser):
    """Collects tags and text as a browser would see them, and whether every tag is closed."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.words, self.styles = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.open.append(tag)
        self.styles += [name for name, _ in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(self.words)


ALLOWED = {"div", "p", "b", "small", "table", "thead", "tbody", "tr", "th", "td"}


@pytest.fixture
def run(tmp_path):
    return tiny_run(tmp_path, feature_names=NAMES, action_names=ACTIONS)


def results(run):
    """One result of every analysis that a run by itself is enough for."""
    policy, rows, actions = run.policy, run.training_inputs, run.training_actions
    return [
        feature_importance(policy, rows, actions, n_repeats=2, n_resamples=10),
        shapley_values(policy, rows[:7], rows),
        shapley_interactions(policy, rows[:2], rows),
        decision_paths(policy, rows[:3]),
        decision_box(policy, rows[:3]),
        path_contrast(policy, rows[0, :-2], [(10, 10), (50, 50), (90, 90)]),
        command_response(policy, rows[:4, :-2], [10.0, 50.0], [10.0, 50.0], training_commands=rows[:, -2:]),
        command_map(policy, rows[0, :-2], (0, 100), (1, 100)),
        episode_timeline(policy, run.episodes[0], rows, training_commands=rows[:, -2:]),
        learning_curves([run]),
        final_returns([run]),
        training_commands([run]),
        obedience(run.command_sweep),
    ]


def test_a_result_is_one_line_that_says_how_it_was_made(run):
    for result in results(run):
        line = repr(result)
        assert line.startswith(f"{type(result).__name__}(")
        assert "\n" not in line
        assert "array(" not in line
        assert "method=" in line
        assert f"exact={result.exact!r}" in line
        assert len(line) < 300


def test_the_line_of_shapley_values():
    inputs, actions = training_rows(30)
    policy = udrl_explain.policy_from_estimator(DecisionTreeClassifier(max_depth=2).fit(inputs, actions), 2)
    values = shapley_values(policy, inputs[:7], inputs)
    made = f"method={values.method!r}, exact=True, n_background=30, seed=0"
    assert repr(values) == f"ShapleyValues(n_rows=7, quantity='probability', {made})"


def test_a_result_shows_its_first_rows_as_a_table(run):
    for result in results(run):
        page = Tags(result._repr_html_())
        frame = result.to_frame()
        assert page.open == []
        assert page.tags.count("tr") == 1 + min(5, len(frame))
        assert type(result).__name__ in page.words
        assert f"exact {result.exact}" in page.text
        if len(frame) > 5:
            assert f"first 5 of {len(frame):,} rows" in page.text


def test_names_from_a_file_stay_text(run):
    shown = [result._repr_html_() for result in (*results(run), run, choose_probes(run, n=5))]
    for html in shown:
        page = Tags(html)
        assert set(page.tags) <= ALLOWED
        assert not {name for name in page.styles if name.startswith("on")}
    assert any(HOSTILE in Tags(html).text for html in shown), "the test shows no hostile name at all"
    assert any(ACTIONS[1] in Tags(html).text for html in shown)


def test_a_run_shows_what_it_is(run, tmp_path):
    line = repr(run)
    assert line.startswith(f"Run({str(run.directory)!r}: ensemble.RandomForestClassifier on CartPole-v0, seed 7, ")
    assert "over 3 episodes" in line
    assert "policy loaded" in line
    text = Tags(run._repr_html_()).text
    for word in (str(run.directory), "CartPole-v0", "final return", HOSTILE):
        assert word in text


def test_a_run_without_evaluation_and_policy_says_so(tmp_path):
    bare = tiny_run(
        tmp_path, policy=None, policy_note="a pickle is never loaded:\n<b>see README</b>", episodes=(),
        final_mean=np.nan, final_std=np.nan,
    )  # fmt: skip
    assert "nan" not in repr(bare)
    assert "no final evaluation, no policy: a pickle is never loaded: <b>see README</b>)" in repr(bare)
    assert "\n" not in repr(bare)
    page = Tags(bare._repr_html_())
    assert "<b>see README</b>" in page.text
    assert page.tags.count("b") == 1


def test_probes_show_how_many_of_each_kind(run):
    probes = choose_probes(run, n=5)
    assert repr(probes).startswith("Probes(stratified=5, start=3, ")
    assert "first 5 of" in Tags(probes._repr_html_()).text


def test_columns_that_repeat_the_head_are_left_out_and_others_stay():
    frame = pd.DataFrame({"method": ["a", "a"], "exact": [True, False], "value": [0.1234567, np.nan]})
    page = Tags(html_table("Thing", {"method": "a", "exact": True}, frame, "to_frame()"))
    assert page.tags.count("th") == 2  # exact differs between the rows
    assert "method a" in page.text
    assert "0.123457" in page.words
    assert "nan" not in page.text.lower()


def test_facts_names_and_headings_are_escaped():
    frame = pd.DataFrame({HOSTILE: [1]})
    page = Tags(html_table(HOSTILE, {"method": HOSTILE}, frame, HOSTILE) + html_facts(HOSTILE, {HOSTILE: HOSTILE}))
    assert set(page.tags) <= ALLOWED
    assert page.text.count(HOSTILE) == 7


def test_an_empty_table_can_be_shown():
    assert Tags(html_table("Thing", {}, pd.DataFrame(columns=["a"]), "to_frame()")).open == []


def test_line_breaks_do_not_break_the_line():
    assert one_line("Thing", {"method": "a\nb", "seed": np.int64(3)}) == "Thing(method='a\\nb', seed=3)"


@pytest.mark.parametrize("name", ANALYSES)
def test_every_result_class_is_displayed(name):
    module = importlib.import_module(f"udrl_explain.analysis.{name}")
    kinds = [kind for _, kind in inspect.getmembers(module, inspect.isclass) if hasattr(kind, "to_frame")]
    kinds = [kind for kind in kinds if kind.__module__.startswith("udrl_explain")]
    assert kinds
    for kind in kinds:
        assert kind.__repr__.__qualname__.startswith(displayed.__name__), f"{kind.__name__} needs @displayed"
        assert hasattr(kind, "_repr_html_")


def policy_users(run):
    rows = run.training_inputs
    return {
        "feature_importance": lambda policy: feature_importance(policy, rows, run.training_actions),
        "shapley_values": lambda policy: shapley_values(policy, rows),
        "shapley_interactions": lambda policy: shapley_interactions(policy, rows),
        "decision_paths": lambda policy: decision_paths(policy, rows),
        "decision_box": lambda policy: decision_box(policy, rows),
        "path_contrast": lambda policy: path_contrast(policy, rows[0, :-2], [(1, 1), (2, 2), (3, 3)]),
        "command_response": lambda policy: command_response(policy, rows[:, :-2], [1.0], 1.0),
        "command_map": lambda policy: command_map(policy, rows[0, :-2], (0, 1), (1, 2)),
        "episode_timeline": lambda policy: episode_timeline(policy, run.episodes[0]),
    }


@pytest.mark.parametrize(
    "name",
    [
        "feature_importance", "shapley_values", "shapley_interactions", "decision_paths", "decision_box",
        "path_contrast", "command_response", "command_map", "episode_timeline",
    ],
)  # fmt: skip
def test_what_is_no_policy_is_answered_with_what_to_pass(run, name, tmp_path):
    ask = policy_users(run)[name]
    ask(run.policy)
    if name != "shapley_values":  # which takes runs
        with pytest.raises(ValueError, match=r"got a run: pass run\.policy$"):
            ask(run)
    with pytest.raises(ValueError, match="got a run: which has none: not stored"):
        ask(tiny_run(tmp_path, policy=None, policy_note="not stored (save_policy was false)"))
    with pytest.raises(ValueError, match=r"got None: .*run\.policy_note says which"):
        ask(None)
    with pytest.raises(ValueError, match=r"got the path 'data/42': pass load_run\(folder\)\.policy"):
        ask("data/42")
    with pytest.raises(ValueError, match=r"got the estimator DecisionTreeClassifier: pass policy_from_estimator\("):
        ask(DecisionTreeClassifier())
    with pytest.raises(ValueError, match="must be a policy, got int"):
        ask(3)


def test_rows_that_are_no_rows_are_answered_with_what_to_pass(run):
    rows = run.training_inputs
    with pytest.raises(ValueError, match=r"got one row of shape \(6,\): write inputs\[None, :\]"):
        shapley_values(run.policy, rows[0])
    with pytest.raises(ValueError, match=r"the command is missing; input_rows\(states, commands\)"):
        shapley_values(run.policy, rows[:, :-2])
    with pytest.raises(ValueError, match=r"inputs must be rows of numbers, got Episode: pass its \.inputs"):
        shapley_values(run.policy, run.episodes[0])
    with pytest.raises(ValueError, match=r"got Episode: pass their \.inputs"):
        shapley_values(run.policy, run.episodes)
    with pytest.raises(ValueError, match=r"got Run: pass its \.training_inputs"):
        shapley_values(run.policy, rows, run)
    with pytest.raises(ValueError, match=r"got Probes: pass its \.inputs"):
        decision_paths(run.policy, choose_probes(run, n=5))
    with pytest.raises(ValueError, match="leave the two command columns out"):
        command_response(run.policy, rows, [1.0], 1.0)
    with pytest.raises(ValueError, match="without the command"):
        command_map(run.policy, rows[0], (0, 1), (1, 2))
    with pytest.raises(ValueError, match=r"episode must be an Episode, got int: pass run\.episodes\[0\]"):
        episode_timeline(run.policy, 0)


def test_folders_and_settings_that_are_none_are_answered_with_what_to_pass(run, tmp_path):
    save_run(run, [])
    with pytest.raises(ValueError, match=r"CartPole-v0 is no run; 1 runs lie below it, the first is .*see find_runs"):
        load_run(tmp_path / "CartPole-v0")
    with pytest.raises(ValueError, match=r"got the path .*load them first"):
        learning_curves(str(tmp_path))
    with pytest.raises(ValueError, match="load them first"):
        learning_curves(find_runs(tmp_path))
    with pytest.raises(ValueError, match=r"config must be a TrainConfig, got 'CartPole-v0': write TrainConfig"):
        train_policy("CartPole-v0", tmp_path)
    with pytest.raises(ValueError, match="seed must be a whole number, got '42'"):
        TrainConfig(seed="42")


def test_public_names_can_be_completed():
    assert {"load_run", "shapley_values", "Run"} <= set(dir(udrl_explain))
