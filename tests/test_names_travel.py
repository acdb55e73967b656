"""Names travel with the policy, and a frame is matched by them: reordered columns change no number anywhere."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from core_helpers import tiny_run
from shapley_helpers import digest
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

from udrl_explain import (
    command_map,
    command_response,
    decision_paths,
    episode_timeline,
    feature_importance,
    load_run,
    policy_from_estimator,
    shapley_interactions,
    shapley_values,
)
from udrl_explain.analysis.paths.box import decision_box
from udrl_explain.analysis.paths.contrast import path_contrast
from udrl_explain.command_space.influence import command_influence, state_influence
from udrl_explain.commands import COMMAND_NAMES, checked_inputs, input_rows
from udrl_explain.episodes import Episode
from udrl_explain.policies import checked_policy
from udrl_explain.runs import save_run

STATE = ("angle", "speed", "height")
NAMES = (*STATE, *COMMAND_NAMES)
ACTIONS = ("brake", "coast", "push")
KINDS = {
    "forest": RandomForestClassifier(6, random_state=0),
    "boosted": GradientBoostingClassifier(n_estimators=3, random_state=0),
    "net": MLPClassifier((5,), solver="lbfgs", max_iter=30, tol=1.0, random_state=0),
    "neighbours": KNeighborsClassifier(3),
}
MIXED = [3, 0, 4, 2, 1]
MIXED_STATE = [2, 0, 1]


def rows(n=60):
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(n, 5)) * 10
    actions = ((inputs[:, 0] > 0).astype(int) + (inputs[:, 3] > inputs[:, 1])).astype(np.int64)
    return inputs, actions


def named(kind="forest"):
    inputs, actions = rows()
    estimator = KINDS[kind].fit(inputs, actions)
    return policy_from_estimator(estimator, 3, feature_names=NAMES, action_names=ACTIONS)


def frame_of(inputs, order=range(5)):
    """A frame of rows whose columns stand in another order."""
    return pd.DataFrame(inputs, columns=list(NAMES)).iloc[:, list(order)]


def state_frame(inputs, order=MIXED_STATE):
    return pd.DataFrame(inputs[:, :3], columns=list(STATE)).iloc[:, list(order)]


def mixed(inputs):
    """As a caller may hold the rows: columns in another order, integers as integers, another index."""
    return frame_of(inputs, MIXED).set_axis(np.arange(len(inputs)) + 7, axis=0)


ANALYSES = {
    "action_probabilities": lambda policy, inputs, actions, of, state, one: policy.action_probabilities(of(inputs)),
    "feature_importance": lambda policy, inputs, actions, of, state, one: feature_importance(
        policy, of(inputs), actions, background=of(inputs[:9]), n_repeats=2, n_resamples=9
    ),
    "shapley_values": lambda policy, inputs, actions, of, state, one: shapley_values(
        policy, of(inputs[:5]), of(inputs[20:31])
    ),
    "shapley_values, sampled": lambda policy, inputs, actions, of, state, one: shapley_values(
        policy, of(inputs[:3]), of(inputs[20:25]), method="permutation", n_permutation_pairs=2
    ),
    "shapley_interactions": lambda policy, inputs, actions, of, state, one: shapley_interactions(
        policy, of(inputs[:3]), of(inputs[20:31])
    ),
    "command_response": lambda policy, inputs, actions, of, state, one: command_response(
        policy, state(inputs[:6]), [0.0, 9.0], 5.0, training_commands=inputs[:, -2:], background=of(inputs[:7])
    ),
    "command_map": lambda policy, inputs, actions, of, state, one: command_map(
        policy, one(inputs), (-9, 9), (1, 9), grid=(4, 3)
    ),
    "command_influence": lambda policy, inputs, actions, of, state, one: command_influence(
        policy, of(inputs[:6]), inputs[:, -2:]
    ),
    "state_influence": lambda policy, inputs, actions, of, state, one: state_influence(
        policy, state(inputs[:6]), inputs[:, -2:]
    ),
    "episode_timeline": lambda policy, inputs, actions, of, state, one: episode_timeline(
        policy, episode(inputs, actions), of(inputs[:7]), training_commands=inputs[:, -2:], grid=(3, 3)
    ),
}
OF_FORESTS = {
    "decision_paths": lambda policy, inputs, actions, of, state, one: decision_paths(policy, of(inputs[:4])),
    "decision_box": lambda policy, inputs, actions, of, state, one: decision_box(
        policy, of(inputs[:4]), spread=of(np.abs(inputs)).max(axis=0)
    ),
    "path_contrast": lambda policy, inputs, actions, of, state, one: path_contrast(
        policy, one(inputs), [(-9, 1), (0, 5), (9, 9)]
    ),
}


def episode(inputs, actions):
    return Episode(inputs[:5], actions[:5], np.ones(5), seed=1)


def content(result):
    """All numbers and words of a result, to the bit."""
    if isinstance(result, np.ndarray):
        return result.tobytes()
    if not hasattr(result, "to_frame"):
        return [np.asarray(value).tobytes() for value in (result.influence, result.flip_share)]
    frames = [result.to_frame()]
    frames += [getattr(result, name)() for name in dir(result) if name in ("split_frame", "votes_frame", "flips_frame")]
    return [frame.to_csv(index=False, float_format="%.17g") for frame in frames]


CASES = [(kind, name) for kind in KINDS for name in ANALYSES] + [("forest", name) for name in OF_FORESTS]


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_a_reordered_frame_gives_the_same_bytes_and_leaves_the_policy_alone(kind, name):
    policy, (inputs, actions) = named(kind), rows()
    ask = (ANALYSES | OF_FORESTS)[name]
    before = digest(policy)
    by_position = ask(policy, inputs, actions, np.asarray, lambda part: part[:, :3], lambda part: part[0, :3])
    by_column = ask(policy, inputs, actions, mixed, state_frame, lambda part: state_frame(part).iloc[0])
    assert content(by_position) == content(by_column)
    assert digest(policy) == before


@pytest.mark.parametrize("name", [name for name in ANALYSES | OF_FORESTS if "influence" not in name][1:])
def test_names_of_the_policy_stand_in_every_table(name):
    policy, (inputs, actions) = named(), rows()
    ask = (ANALYSES | OF_FORESTS)[name]
    result = ask(policy, inputs, actions, np.asarray, lambda part: part[:, :3], lambda part: part[0, :3])
    frame = result.to_frame()
    words = {word for column in frame.select_dtypes(exclude="number") for word in frame[column].dropna()}
    columns = {"feature", "name", "other_feature"} & set(frame.columns)
    assert not {word for word in words if str(word).startswith(("state_", "action "))}
    assert not columns or words & set(STATE)
    assert "action_name" not in frame.columns or set(frame["action_name"]) <= set(ACTIONS)


@pytest.mark.parametrize("name", [name for name in ANALYSES | OF_FORESTS if name != "episode_timeline"])
def test_missing_and_extra_columns_are_refused_by_name(name):
    policy, (inputs, actions) = named(), rows()
    ask = (ANALYSES | OF_FORESTS)[name]

    def changed(change):
        def one(part):
            return change(state_frame(part)).iloc[0]

        return lambda: ask(
            policy, inputs, actions, lambda part: change(mixed(part)), lambda part: change(state_frame(part)), one
        )

    with pytest.raises(ValueError, match=r"must have the (column|entry) 'speed'"):
        changed(lambda frame: frame.drop(columns="speed"))()
    with pytest.raises(ValueError, match=r"must not have the (column|entry) 'reward'"):
        changed(lambda frame: frame.assign(reward=1.0))()
    with pytest.raises(
        ValueError, match=r"must have the (column|entry) 'speed'; it has 'velocity', which is none of angle, "
    ):
        changed(lambda frame: frame.rename(columns={"speed": "velocity"}))()


def test_the_background_is_matched_and_named_too():
    policy, (inputs, _) = named(), rows()
    with pytest.raises(ValueError, match="background must have the column 'height'"):
        shapley_values(policy, inputs[:2], mixed(inputs).drop(columns="height"))


def test_states_do_not_take_the_commands():
    policy, (inputs, _) = named(), rows()
    with pytest.raises(ValueError, match=r"state must not have the entry 'desired_.*': leave the two commands out"):
        command_map(policy, mixed(inputs).iloc[0], (0, 9), (1, 9))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (pd.DataFrame(np.zeros((2, 5))), r"column 'angle'; it has numbers for names: pass inputs.to_numpy\(\)"),
        (pd.DataFrame(np.zeros((2, 6)), columns=[*NAMES, "angle"]), "the column 'angle' once, it stands there 2 times"),
        (frame_of(np.zeros((2, 5))).astype({"speed": object}).replace({"speed": {0.0: "fast"}}), "must hold numbers"),
        (frame_of(np.full((2, 5), np.nan)), r"row 0, column 0 \(angle\) holds nan"),
        (pd.Series(np.zeros(5)), "entry 'angle'; it has numbers for names"),
    ],
)
def test_frames_that_do_not_fit_are_refused(inputs, message):
    with pytest.raises(ValueError, match=message):
        named().action_probabilities(inputs)


def test_a_series_is_one_row():
    policy, (inputs, _) = named(), rows()
    expected = policy.action_probabilities(inputs[4:5])
    assert np.array_equal(policy.action_probabilities(mixed(inputs).iloc[4]), expected)
    with pytest.raises(ValueError, match="got one row"):
        policy.action_probabilities(inputs[4])


def test_commands_and_spreads_are_matched_by_name():
    policy, (inputs, _) = named(), rows()
    commands = pd.DataFrame({"desired_horizon": [5.0, 9.0], "desired_return": [1.0, -3.0]})
    assert input_rows([1.0, 2.0, 3.0], commands).tolist() == [[1, 2, 3, 1, 5], [1, 2, 3, -3, 9]]
    with pytest.raises(ValueError, match="its columns cannot be matched without a policy"):
        input_rows(state_frame(inputs), (1.0, 2.0))
    regions = command_map(policy, inputs[0, :3], (-30, 30), (-30, 30))
    spread = pd.Series({"desired_horizon": 2.0, "desired_return": 30.0})
    assert regions.nearest_frame((0.0, 5.0), spread).equals(regions.nearest_frame((0.0, 5.0), (30.0, 2.0)))


def test_integers_in_a_frame_are_float64_inputs():
    frame = pd.DataFrame({name: [1, 2] for name in reversed(NAMES)})
    assert checked_inputs(frame, NAMES).dtype == np.float64


# --- where names come from --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_an_estimator_fitted_on_a_frame_brings_its_names(kind):
    inputs, actions = rows()
    estimator = KINDS[kind].fit(frame_of(inputs), actions)
    policy = policy_from_estimator(estimator, 3)
    assert policy.feature_names == NAMES
    assert policy.action_names == ("action 0", "action 1", "action 2")
    expected = estimator.predict_proba(frame_of(inputs))
    np.testing.assert_allclose(policy.action_probabilities(mixed(inputs)), expected, rtol=0, atol=1e-12)


def test_an_estimator_of_another_layout_is_not_given_command_names():
    inputs, actions = rows()
    swapped = DecisionTreeClassifier().fit(frame_of(inputs, [0, 1, 4, 3, 2]), actions)
    with pytest.raises(ValueError, match="angle, speed, desired_horizon, desired_return, height, whose last two"):
        policy_from_estimator(swapped, 3)
    with pytest.raises(ValueError, match="'height' was column 4 there and stands at 2"):
        policy_from_estimator(swapped, 3, feature_names=NAMES)
    other = DecisionTreeClassifier().fit(frame_of(inputs).set_axis([*STATE, "wanted", "within"], axis=1), actions)
    with pytest.raises(ValueError, match=r"angle, speed, height, wanted, within, whose last two .* give feature_names"):
        policy_from_estimator(other, 3)
    assert policy_from_estimator(other, 3, feature_names=NAMES).feature_names == NAMES


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"feature_names": ("a", *COMMAND_NAMES)}, "feature_names must be 5 different names"),
        ({"feature_names": (*COMMAND_NAMES, "a", "b", "c")}, "feature_names must end with"),
        ({"feature_names": ("a", "b", "", *COMMAND_NAMES)}, "printable characters, got ''"),
        ({"feature_names": ("a", "b", 3, *COMMAND_NAMES)}, "printable characters, got 3"),
        ({"feature_names": "abcde"}, "feature_names must be 5 different names"),
        ({"action_names": ("left", "right")}, "action_names must be 3 different names"),
        ({"action_names": ("left", "left", "right")}, "action_names must be 3 different names"),
        ({"action_names": ("left", "ri\nght", "up")}, "printable characters"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_names_that_do_not_fit_are_refused(kind, names, message):
    inputs, actions = rows()
    with pytest.raises(ValueError, match=message):
        policy_from_estimator(KINDS[kind].fit(inputs, actions), 3, **names)


def test_a_policy_is_renamed_by_replacing_its_names():
    policy, (inputs, _) = named(), rows()
    other = replace(policy, action_names=("a", "b", "c"))
    assert shapley_values(other, inputs[:1]).to_frame()["action_name"].unique().tolist() == ["a", "b", "c"]
    assert policy.action_names == ACTIONS


def test_the_policy_of_a_stored_run_has_the_names_of_the_run(tmp_path):
    run = tiny_run(tmp_path, feature_names=("a", "b", "c", "d", *COMMAND_NAMES), action_names=("left", "right"))
    save_run(run, [])
    loaded = load_run(run.directory)
    assert loaded.policy.feature_names == loaded.feature_names == ("a", "b", "c", "d", *COMMAND_NAMES)
    assert loaded.policy.action_names == loaded.action_names == ("left", "right")
    frame = shapley_values(loaded.policy, loaded.training_inputs[:2], loaded.training_inputs).to_frame()
    assert frame["feature"].unique().tolist() == list(loaded.feature_names)


def test_a_run_and_its_policy_have_the_same_names(tmp_path):
    run = tiny_run(tmp_path)
    wrong = replace(run, policy=replace(run.policy, action_names=("right", "left")))
    with pytest.raises(ValueError, match=r"action_names of a run and of its policy must be the same, got \('left', "):
        save_run(wrong, [])
    assert not run.directory.exists()


def test_a_policy_of_ones_own_needs_names():
    class Own:
        n_features, n_actions, scale, probability_source = 3, 2, None, "probabilities"

        def action_probabilities(self, inputs):
            raise AssertionError

    with pytest.raises(ValueError, match="got Own without feature_names, action_names"):
        checked_policy(Own())
