"""The README's recipes for other packages' agents, as they stand there, on stand-ins and on the real ones if there."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from callable_helpers import ACTIONS, STATE, WEIGHTS, Agent, rule

README = Path(__file__).parents[1] / "README.md"
ROWS = np.random.default_rng(0).normal(size=(40, 4))


def recipe(name):
    """Code block of the README that defines a function, as text."""
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    (block,) = [block for block in blocks if f"def {name}(" in block]
    return block


def defined(name):
    space = {}
    exec(recipe(name), space)
    return space[name]


class Tensor:
    """A tensor that must be detached and moved before NumPy may have it."""

    def __init__(self, values):
        self._values = np.asarray(values, dtype=np.float32)

    def detach(self):
        return self

    def cpu(self):
        return self

    def numpy(self):
        return self._values


class ActorCritic:
    """What the policy of PPO and A2C offers."""

    training = True

    def set_training_mode(self, mode):
        self.training = mode

    def obs_to_tensor(self, observation):
        assert observation.dtype == np.float32
        return Tensor(observation), True

    def get_distribution(self, obs):
        assert not self.training, "dropout is on"
        return SimpleNamespace(distribution=SimpleNamespace(probs=Tensor(rule(obs.numpy()))))


class Greedy(Agent):
    """DQN: actions only."""

    policy = SimpleNamespace(set_training_mode=lambda mode: None)


@pytest.mark.parametrize("name", ["policy_from_sb3", "policy_from_cleanrl"])
def test_an_adapter_is_shorter_than_15_lines(name):
    lines = [line for line in recipe(name).splitlines() if line.strip()]
    assert len(lines) < 15


def test_the_sb3_adapter_gives_the_probabilities_of_an_actor_critic():
    policy = defined("policy_from_sb3")(SimpleNamespace(policy=ActorCritic()), STATE, ACTIONS)
    assert policy.probability_source == "probabilities"
    assert np.abs(policy.action_probabilities(ROWS) - rule(ROWS)).max() < 1e-6


def test_the_sb3_adapter_gives_the_actions_of_an_agent_without_probabilities():
    policy = defined("policy_from_sb3")(Greedy(), STATE, ACTIONS)
    assert policy.probability_source == "one-hot predictions"
    assert policy.action_probabilities(ROWS).argmax(axis=1).tolist() == rule(ROWS).argmax(axis=1).tolist()


def test_the_cleanrl_adapter_gives_the_softmax_of_the_actor(monkeypatch):
    def softmax(logits, dim):
        assert dim == 1
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        return Tensor(exponentials / exponentials.sum(axis=1, keepdims=True))

    stand_in = SimpleNamespace(as_tensor=lambda rows, dtype: rows.astype(dtype), float32=np.float32, softmax=softmax)
    monkeypatch.setitem(sys.modules, "torch", stand_in)
    agent = SimpleNamespace(actor=lambda rows: np.column_stack([np.zeros(len(rows)), rows @ WEIGHTS * 3]))
    policy = defined("policy_from_cleanrl")(agent, STATE, ACTIONS)
    assert np.abs(policy.action_probabilities(ROWS) - rule(ROWS)).max() < 1e-6


@pytest.mark.parametrize("kind", ["PPO", "DQN"])
def test_the_sb3_adapter_takes_the_real_package(kind):
    package = pytest.importorskip("stable_baselines3")
    model = getattr(package, kind)("MlpPolicy", "CartPole-v1", device="cpu", seed=0)
    policy = defined("policy_from_sb3")(model, STATE, ACTIONS)
    actions = model.predict(ROWS.astype(np.float32), deterministic=True)[0]
    assert policy.action_probabilities(ROWS).argmax(axis=1).tolist() == actions.tolist()


def test_the_cleanrl_adapter_takes_real_torch():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    agent = torch.nn.Module()
    agent.actor = torch.nn.Sequential(torch.nn.Linear(4, 64), torch.nn.Tanh(), torch.nn.Linear(64, 2))
    policy = defined("policy_from_cleanrl")(agent, STATE, ACTIONS)
    with torch.no_grad():
        logits = agent.actor(torch.as_tensor(ROWS, dtype=torch.float32))
    assert policy.action_probabilities(ROWS).argmax(axis=1).tolist() == logits.argmax(dim=1).tolist()
