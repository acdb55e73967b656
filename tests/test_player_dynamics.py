"""Environments simulated in the page against Gymnasium, and whole episodes against those that Python plays."""

import gymnasium as gym
import numpy as np
import pytest
from player_engine_helpers import answered

from udrl_explain import collect, load_run
from udrl_explain.environments import make_environment
from udrl_explain.player.policy_blocks import policy_blocks
from udrl_explain.player.simulated import start_states

N_STEPS = 1000
KINDS = ("CartPole", "Acrobot", "MountainCar")
ENVIRONMENTS = {"CartPole": "CartPole-v1", "Acrobot": "Acrobot-v1", "MountainCar": "MountainCar-v0"}
RUNS = {
    "CartPole": ("CartPole-v0/base", "CartPole-v0/estimator_name-neural"),
    "Acrobot": ("Acrobot-v1/base", "Acrobot-v1/estimator_name-neural"),
}
CHANGES = [{"step": 9, "desiredReturn": 30.0, "desiredHorizon": 45.0}]
SEEDS = (0, 5)
SCRIPT = """
import { makeDynamics } from "./dynamics.js";
import { readPolicy } from "./policy.js";
import { playLive, playRecorded } from "./playing.js";
import { exactCosine, exactSine } from "./trigonometry.js";

const plain = (thing) => JSON.parse(JSON.stringify(thing, (_, v) => (ArrayBuffer.isView(v) ? Array.from(v) : v)));

function replayed({ kind, start, actions }) {
  const dynamics = makeDynamics(kind);
  const steps = [];
  let state = Float64Array.from(start);
  for (const action of actions) {
    const before = Array.from(state);
    const step = dynamics.step(state, action);
    if (before.some((value, i) => value !== state[i])) throw new Error("the state given was changed");
    ({ state } = step);
    steps.push({ ...step, observation: dynamics.observe(state) });
  }
  return steps;
}

async function answers({ angles, replays, runs, episodes }) {
  const played = [];
  const policies = {};
  for (const [name, run] of Object.entries(runs)) policies[name] = await readPolicy(run);
  for (const { name, kind, start, command, mostReturn, mostSteps, changes, recorded } of episodes) {
    const policy = policies[name];
    const live = playLive(policy, makeDynamics(kind), start, command, mostReturn, mostSteps, changes);
    played.push({ live, again: playRecorded(policy, { command, ...recorded }, mostReturn) });
  }
  const waves = angles.map((angle) => [exactSine(angle), exactCosine(angle)]);
  return plain({ waves, replayed: replays.map(replayed), played });
}
"""


def gymnasium_replays(kind):
    """Episodes of at least 1,000 steps in all: where they start, what was done, what Gymnasium made of it."""
    environment, generator, replays, n_steps, seed = gym.make(ENVIRONMENTS[kind]), np.random.default_rng(1), [], 0, 0
    while n_steps < N_STEPS:
        observation, _ = environment.reset(seed=seed)
        start, steps, over = np.array(environment.unwrapped.state, dtype=np.float64), [], False
        while not over:
            # Balanced for a while, so that poles do not fall at once, then chance.
            steady = kind == "CartPole" and len(steps) < 100
            action = (
                int(observation[2:] @ [1, 0.5] > 0) if steady else int(generator.integers(environment.action_space.n))
            )
            observation, reward, terminated, truncated, _ = environment.step(action)
            state = np.array(environment.unwrapped.state, dtype=np.float64)
            steps.append((action, state, observation, float(reward), terminated))
            over = terminated or truncated
        replays.append((start, steps))
        n_steps, seed = n_steps + len(steps), seed + 1
    environment.close()
    return replays


class Played:
    """An episode that Python plays under a command, and the same with a change of command."""

    def __init__(self, kind, name, run, seed):
        self.kind, self.name, self.run, self.seed = kind, name, run, seed
        self.env_name, config = self.run.config.env_name, self.run.config
        self.command = (float(config.final_desired_return), float(config.final_desired_horizon))
        self.most = None if np.isinf(self.run.return_limit) else float(self.run.return_limit)
        (self.episode,) = collect(
            self.run.policy, self.env_name, [self.command], [seed], most_return=self.run.return_limit
        )

    def terminated(self):
        """Whether the environment ended the episode, not its time limit alone."""
        environment = make_environment(self.env_name)
        environment.reset(seed=self.seed)
        flags = [environment.step(action)[2] for action in self.episode.actions.tolist()]
        environment.close()
        assert not any(flags[:-1])
        return flags[-1]

    def payload(self, changes):
        environment = make_environment(self.env_name)
        most_steps = environment.spec.max_episode_steps
        environment.close()
        return {
            "name": self.name, "kind": self.kind, "mostReturn": self.most, "mostSteps": most_steps,
            "start": start_states(self.env_name, [self.seed])[0].tolist(), "changes": changes,
            "command": dict(zip(("desiredReturn", "desiredHorizon"), self.command, strict=True)),
            "recorded": {
                "observations": self.episode.inputs[:, :-2].ravel().tolist(),
                "actions": self.episode.actions.tolist(), "rewards": self.episode.rewards.tolist(),
            },
        }  # fmt: skip


@pytest.fixture(scope="module")
def told():
    """Everything asked in one start of the browser, with what it answered."""
    replays = {kind: gymnasium_replays(kind) for kind in KINDS}
    runs = {name: load_run(f"data/{name}/42") for names in RUNS.values() for name in names}
    episodes = [
        Played(kind, name, runs[name], seed) for kind, names in RUNS.items() for name in names for seed in SEEDS
    ]
    angles = np.random.default_rng(2).uniform(-20, 20, 2000).tolist()
    page = answered(
        SCRIPT,
        {
            "angles": [*angles, 0.0, 1e-300, np.pi, -np.pi / 2, 3 * np.pi],
            "replays": [
                {"kind": kind, "start": start.tolist(), "actions": [step[0] for step in steps]}
                for kind in KINDS
                for start, steps in replays[kind]
            ],
            "runs": {name: policy_blocks(run.policy) for name, run in runs.items()},
            "episodes": [one.payload(changes) for one in episodes for changes in ([], CHANGES)],
        },
    )
    pages = iter(page["replayed"])
    together = {kind: [(replay, next(pages)) for replay in replays[kind]] for kind in KINDS}
    played = list(zip(episodes, page["played"][::2], page["played"][1::2], strict=True))
    return {"angles": angles, "waves": page["waves"], "replays": together, "played": played}


def test_sine_and_cosine_are_rounded_correctly(told):
    mine = np.array(told["waves"])
    angles = np.array([*told["angles"], 0.0, 1e-300, np.pi, -np.pi / 2, 3 * np.pi])
    # In extended precision, where there is such a thing; rounded to float64 but for ties within its own error.
    theirs = np.column_stack([np.sin(angles.astype(np.longdouble)), np.cos(angles.astype(np.longdouble))])
    assert (np.abs(mine - theirs) <= np.spacing(np.abs(mine)) * 0.501).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_thousand_steps_of_gymnasium(told, kind):
    assert sum(len(steps) for (_, steps), _ in told["replays"][kind]) >= N_STEPS
    for (_, steps), page in told["replays"][kind]:
        assert [step["terminated"] for step in page] == [step[4] for step in steps]
        assert [step["reward"] for step in page] == [step[3] for step in steps]
        states, observations = (np.array([step[part] for step in steps]) for part in (1, 2))
        np.testing.assert_allclose([step["state"] for step in page], states, rtol=0, atol=1e-9)
        np.testing.assert_allclose([step["observation"] for step in page], observations, rtol=0, atol=1e-6)


def test_most_observations_are_the_same_float32_numbers(told):
    for kind in KINDS:
        same = [
            np.array(mine["observation"], dtype=np.float32).tobytes() == step[2].tobytes()
            for (_, steps), page in told["replays"][kind]
            for mine, step in zip(page, steps, strict=True)
        ]
        assert np.mean(same) > 0.95


def test_episodes_are_those_that_python_plays(told):
    for one, page, _ in told["played"]:
        live, episode = page["live"], one.episode
        assert live["actions"] == episode.actions.tolist()
        assert live["rewards"] == episode.rewards.tolist()
        assert live["totalReturn"] == episode.total_return
        assert live["length"] == len(episode) >= 20
        rows = np.array(live["rows"]).reshape(len(episode), -1)
        np.testing.assert_allclose(rows, episode.inputs, rtol=0, atol=1e-6)
        assert (rows[:, -2:] == episode.inputs[:, -2:]).all()
        assert live["ending"] == ("terminated" if one.terminated() else "time limit")


def test_recorded_episodes_have_the_rows_that_the_policy_saw(told):
    for one, page, _ in told["played"]:
        again, episode = page["again"], one.episode
        assert again["rows"] == episode.inputs.ravel().tolist()
        assert again["actions"] == episode.actions.tolist()
        assert again["ending"] == "recorded"
        theirs = one.run.policy.action_probabilities(episode.inputs).ravel()
        np.testing.assert_allclose(again["probabilities"], theirs, rtol=0, atol=1e-12)


def test_a_command_changed_on_the_way(told):
    for one, before, page in told["played"]:
        live, most = page["live"], np.inf if one.most is None else one.most
        rows = np.array(live["rows"]).reshape(live["length"], -1)
        n = CHANGES[0]["step"]
        assert live["rows"][: n * rows.shape[1] - 2] == before["live"]["rows"][: n * rows.shape[1] - 2]
        command, most = np.array([CHANGES[0]["desiredReturn"], CHANGES[0]["desiredHorizon"]]), max(30.0, most)
        for row, reward in zip(rows[n:], live["rewards"][n:], strict=True):
            assert row[-2:].tolist() == command.tolist()
            command = np.array([min(command[0] - reward, most), max(command[1] - 1, 1)])
        theirs = one.run.policy.action_probabilities(rows)
        np.testing.assert_allclose(live["probabilities"], theirs.ravel(), rtol=0, atol=1e-12)
        assert live["actions"] == theirs.argmax(axis=1).tolist()
