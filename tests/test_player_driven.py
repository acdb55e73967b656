"""A reader's way through the player, for a forest and a net of each shipped environment, held against this package."""

import csv
import io
import json
from pathlib import Path
from urllib.parse import quote_plus

import numpy as np
import pytest
from player_helpers import data_of, numbers_of
from player_page_helpers import driven

from udrl_explain import load_run, shapley_values
from udrl_explain.player.build import build_players
from udrl_explain.player.options import PlayerOptions
from udrl_explain.policies import greedy_actions

DATA = Path(__file__).parents[1] / "data"
ENVIRONMENTS = ("CartPole-v0", "Acrobot-v1", "LunarLander-v3")
EXPERIMENTS = ("base", "estimator_name-neural")

WALK = """
const seen = { opened: player.state(), opened_hash: player.hash() };
seen.n_agents = document.querySelectorAll(".agent").length;
player.choose({ beside: -1, changes: [], whatIf: null, t: 0 });
fill("run", RUN);
await pause(50);
const length = player.state().length;
seen.frames = Array.from({ length: 20 }, (_, i) => Math.round((i * (length - 1)) / 19)).map((t) => {
  return { t, ...player.frame(t), ...player.explain(t) };
});
press("ArrowRight");
press("ArrowRight");
press("ArrowLeft");
seen.stepped = player.state().t;
shown("forth").click();
seen.clicked = player.state().t;
fill("scrub", Math.min(12, length - 1));
seen.scrubbed = player.state().t;
fill("return-number", ASKED);
await pause(60);
seen.asked = player.state();
seen.words = shown("command-words").textContent;
seen.asked_frame = player.frame(player.state().t);
player.finish();
const map = document.querySelector(".plane canvas");
const box = map.getBoundingClientRect();
map.dispatchEvent(new MouseEvent("click", { clientX: box.left + 52 + (box.width - 62) / 2, clientY: box.top + 100 }));
await pause(60);
seen.mapped = player.state();
shown("flip-forth").click();
seen.hash = player.hash();
seen.table = player.table();
seen.check = [shown("check").dataset.result, shown("check").textContent];
seen.picture = [player.picture().width, player.picture().toDataURL().length];
seen.described = map.getAttribute("aria-label");
return seen;
"""


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_reader_commands_steps_and_sees_what_python_sees(environment, tmp_path):
    folders = [DATA / environment / experiment / "42" for experiment in EXPERIMENTS]
    target = tmp_path / "player.html"
    build_players(
        PlayerOptions(
            tuple(folders), output=target, start_seeds=3, returns=2, horizons=1, recorded_seeds=1, background=12
        )
    )
    text = target.read_text(encoding="utf-8")
    data = data_of(text)
    address, link = "", None
    for number, width in enumerate((1280, 400)):
        entry = data["runs"][number]
        run = load_run(next(folder for folder in folders if entry["experiment"] == folder.parent.name))
        desired = entry["command"]["desired_return"] - 10
        walk = WALK.replace("RUN", f'"{number}"').replace("ASKED", json.dumps(str(desired)))
        report = driven(text, width, walk, address)
        _check_report(report, width)
        seen = report["told"]
        _check_frames(seen["frames"], run.policy, numbers_of(entry["background"]))
        assert (seen["stepped"], seen["clicked"], seen["scrubbed"]) == (1, 2, 12)
        _check_asked(seen, data["simulated"], desired)
        _check_table(seen["table"], run)
        assert seen["check"][0] == "good"
        assert "passed" in seen["check"][1]
        assert seen["picture"][0] > 2000
        assert seen["described"].startswith("Map of commands. Now a return of")
        if link is not None:
            _check_restored(seen, link, address)
        # The second policy's walk begins at the link to where the first one's ended, the second policy beside it.
        link, address = seen, seen["hash"].replace("&seed", f"&beside={quote_plus(data['runs'][1]['label'])}&seed")


def _check_report(report, width):
    assert report["faults"] == []
    assert report["inner"] == width
    assert report["scroll"] <= width
    assert report["clipped"] == []
    assert report["unnamed"] == []


def _check_frames(frames, policy, background):
    """Twenty frames of an episode: probabilities, the greedy action, Shapley values."""
    assert len(frames) == 20
    rows = np.array([frame["row"] for frame in frames])
    probabilities = policy.action_probabilities(rows)
    told = np.array([frame["probabilities"] for frame in frames])
    if hasattr(policy, "forest"):
        np.testing.assert_array_equal(told, probabilities)
    np.testing.assert_allclose(told, probabilities, rtol=0, atol=1e-12)
    np.testing.assert_array_equal([frame["action"] for frame in frames], greedy_actions(probabilities))
    shapley = shapley_values(policy, rows, background)
    values = np.array([frame["values"] for frame in frames]).reshape(shapley.values.shape)
    np.testing.assert_allclose(values, shapley.values, rtol=0, atol=1e-12)
    np.testing.assert_allclose([frame["base"] for frame in frames], np.tile(shapley.base_values, (20, 1)), atol=1e-12)
    parts = np.array([np.add(frame["state"], frame["command"]) + frame["base"] for frame in frames])
    np.testing.assert_allclose(parts, probabilities, rtol=0, atol=1e-12)


def _check_asked(seen, simulated, desired):
    """A command in the middle: obeyed from there on where the page simulates, else answered for the frame."""
    state, mapped = seen["asked"], seen["mapped"]
    assert state["t"] == mapped["t"] == 12
    if simulated:
        (change,) = state["changes"]
        assert (change["step"], change["desiredReturn"]) == (12, desired)
        assert seen["asked_frame"]["row"][-2] == desired
        assert [change["step"] for change in mapped["changes"]] == [12]
        assert mapped["changes"] != state["changes"]
    else:
        assert state["changes"] == []
        assert state["whatIf"]["desiredReturn"] == desired
        assert "would choose" in seen["words"]
        assert mapped["whatIf"] != state["whatIf"]


def _check_table(text, run):
    """The table of the episode: the policy's own inputs, answers and actions, whole."""
    rows = list(csv.DictReader(io.StringIO(text)))
    inputs = np.array([[float(row[name]) for name in run.feature_names] for row in rows])
    told = np.array([[float(row[f"probability of {name}"]) for name in run.action_names] for row in rows])
    np.testing.assert_allclose(told, run.policy.action_probabilities(inputs), rtol=0, atol=1e-12)
    actions = [int(row["action"]) for row in rows]
    np.testing.assert_array_equal(actions, greedy_actions(told))
    assert [row["action_name"] for row in rows] == [run.action_names[action] for action in actions]
    assert [int(row["step"]) for row in rows] == list(range(len(rows)))


def _check_restored(seen, link, address):
    """The page opened with the view that the address names."""
    assert seen["n_agents"] == 2
    assert seen["opened_hash"] == address
    for name in ("start", "changes", "whatIf", "seed"):
        assert seen["opened"][name] == link["mapped"][name], name
