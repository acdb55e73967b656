import dataclasses

import numpy as np
import pytest
from path_helpers import ESTIMATORS, FACTORS, fingerprint, fitted, hand_made, trees_of

from udrl_explain.analysis.paths.contrast import COLUMNS, COMMAND_COLUMNS, PARTING_COLUMNS, path_contrast
from udrl_explain.commands import Command

COMMANDS = [(10.0, 10.0), (100.0, 100.0), (190.0, 150.0)]


def test_hand_made_paths_part_at_the_horizon():
    contrast = path_contrast(hand_made(), [0.6], [(7.0, 20.0), (7.0, 20.1)], labels=("short", "long"))
    frame = contrast.to_frame()
    assert tuple(frame.columns) == COLUMNS
    assert frame["label"].tolist() == ["short", "short", "long", "long"]
    assert frame["step"].tolist() == [0, 1, 0, 1]
    assert frame["is_shared"].tolist() == [True, True, True, True]
    assert frame["is_parting"].tolist() == [False, True, False, True]
    assert frame["went_left"].tolist() == [False, True, False, False]
    assert contrast.share_parting == 0.5  # the second tree is a single leaf
    parting = contrast.parting_frame()
    assert tuple(parting.columns) == PARTING_COLUMNS
    assert parting["n_trees_parting"].tolist() == [0, 1]
    assert parting["share"].tolist() == [0.0, 0.5]
    commands = contrast.commands_frame()
    assert tuple(commands.columns) == COMMAND_COLUMNS
    assert commands["probability"].tolist() == [0.625, 0.375, 0.375, 0.625]
    assert commands["is_chosen"].tolist() == [True, False, False, True]
    assert contrast.action == 1  # the greedy one under the middle command, here the second of two


@pytest.mark.parametrize("name", ESTIMATORS)
def test_partings_are_those_of_sklearns_paths(name):
    policy, estimator, inputs, _ = fitted(name)
    n_parted = 0
    for state in inputs[:8, :3]:
        contrast = path_contrast(policy, state, COMMANDS)
        rows = (np.column_stack([np.tile(state, (3, 1)), COMMANDS]) * FACTORS).astype(np.float32)
        for t, tree in enumerate(trees_of(estimator)):
            paths = [tree.decision_path(row[None, :]).indices for row in rows]
            shared = 0
            while shared < min(map(len, paths)) and len({path[shared] for path in paths}) == 1:
                shared += 1
            same = len({path[-1] for path in paths}) == 1
            assert contrast.parting_step[t] == (-1 if same else shared - 1)
            if not same:
                assert contrast.parting_feature[t] == tree.feature[paths[0][shared - 1]]
                n_parted += 1
    assert n_parted > 5


def test_the_same_command_twice_never_parts():
    policy, _, inputs, _ = fitted("forest")
    contrast = path_contrast(policy, inputs[0, :3], [(50, 50), (50, 50)], labels=("a", "b"))
    assert contrast.share_parting == 0.0
    assert not contrast.to_frame()["is_parting"].any()
    assert contrast.to_frame()["is_shared"].all()


def test_commands_may_be_command_objects_and_the_policy_is_not_changed():
    policy, _, inputs, _ = fitted("forest")
    before = fingerprint(policy)
    plain = path_contrast(policy, inputs[0, :3], COMMANDS).to_frame()
    objects = path_contrast(policy, inputs[0, :3], [Command(*pair) for pair in COMMANDS]).to_frame()
    assert plain.equals(objects)
    assert fingerprint(policy) == before


def test_a_parting_at_a_state_test_is_refused():
    contrast = path_contrast(hand_made(), [0.6], [(7.0, 20.0), (7.0, 20.1)], labels=("short", "long"))
    with pytest.raises(ValueError, match="tree 0 part at a test that is not of a command"):
        dataclasses.replace(contrast, parting_feature=np.array([0, -1]))


@pytest.mark.parametrize("labels", [("a",), ("a", "a"), ("a", "b", "c")])
def test_labels_must_fit_the_commands(labels):
    with pytest.raises(ValueError, match="labels must be 2 different words"):
        path_contrast(hand_made(), [0.6], [(7.0, 20.0), (7.0, 20.1)], labels=labels)


def test_an_impossible_action_is_refused():
    with pytest.raises(ValueError, match=r"action must lie in 0\.\.1, got 2"):
        path_contrast(hand_made(), [0.6], [(7, 20), (7, 21)], labels=("a", "b"), action=2)
