import gymnasium as gym
import numpy as np
import pytest
from environment_helpers import ODD_SPACES, outside_package, small_worlds  # noqa: F401 - fixtures

from udrl_explain import environments as environments_module
from udrl_explain.commands import COMMAND_NAMES
from udrl_explain.environments import Lockstep, environment_names, known_input_count
from udrl_explain.names import ACTION_NAMES, STATE_FEATURES

KNOWN = ["CartPole-v0", "CartPole-v1", "Acrobot-v1", "LunarLander-v3", "MountainCar-v0"]


def made(name):
    environment = gym.make(name)
    environment.reset(seed=3)
    return environment


def step_from_the_start(environment, action, n_steps=1):
    environment.reset(seed=3)
    for _ in range(n_steps):
        observation, *_ = environment.step(action)
    return observation


@pytest.mark.parametrize("name", KNOWN)
def test_every_known_environment_has_a_name_per_observation_and_action(name):
    lockstep = Lockstep(name)
    family = name.rpartition("-v")[0]
    assert lockstep.n_observations == len(STATE_FEATURES[family])
    assert lockstep.n_actions == len(ACTION_NAMES[family])
    assert lockstep.names.feature_names == (*(f.name for f in STATE_FEATURES[family]), *COMMAND_NAMES)
    assert lockstep.names.action_names == ACTION_NAMES[family]
    assert known_input_count(name) == lockstep.n_observations + 2
    lockstep.close()


def test_cart_pole_columns_are_position_velocity_angle_angular_velocity():
    environment = made("CartPole-v1")
    names = [feature.name for feature in STATE_FEATURES["CartPole"]]
    limits = dict(zip(names, environment.observation_space.high, strict=True))
    assert limits["cart_position"] == pytest.approx(4.8)
    assert limits["pole_angle"] == pytest.approx(2 * 12 * np.pi / 180)
    first, _ = environment.reset(seed=3)
    second, *_ = environment.step(1)
    before, after = dict(zip(names, first, strict=True)), dict(zip(names, second, strict=True))
    tau = environment.unwrapped.tau
    assert after["cart_position"] - before["cart_position"] == pytest.approx(tau * before["cart_velocity"], abs=1e-7)
    assert after["pole_angle"] - before["pole_angle"] == pytest.approx(tau * before["pole_angular_velocity"], abs=1e-7)
    left, right = ACTION_NAMES["CartPole"].index("push left"), ACTION_NAMES["CartPole"].index("push right")
    velocities = [step_from_the_start(environment, action)[names.index("cart_velocity")] for action in (left, right)]
    assert velocities[0] < before["cart_velocity"] < velocities[1]


def test_acrobot_columns_are_cosine_first_for_each_angle():
    environment = made("Acrobot-v1")
    state = np.array([0.3, -1.1, 2.0, -3.0])
    environment.unwrapped.state = state
    observation = environment.unwrapped._get_ob()
    expected = {
        "cos_theta_1": np.cos(0.3), "sin_theta_1": np.sin(0.3), "cos_theta_2": np.cos(-1.1),
        "sin_theta_2": np.sin(-1.1), "angular_velocity_1": 2.0, "angular_velocity_2": -3.0,
    }  # fmt: skip
    assert [feature.name for feature in STATE_FEATURES["Acrobot"]] == list(expected)
    np.testing.assert_allclose(observation, list(expected.values()), atol=1e-6)
    assert environment.unwrapped.AVAIL_TORQUE == [-1.0, 0.0, 1.0]
    assert ACTION_NAMES["Acrobot"] == ("torque −1", "torque 0", "torque +1")


def test_mountain_car_columns_are_position_and_velocity():
    environment = made("MountainCar-v0")
    assert [feature.name for feature in STATE_FEATURES["MountainCar"]] == ["car_position", "car_velocity"]
    np.testing.assert_allclose(environment.observation_space.low, [-1.2, -0.07])
    np.testing.assert_allclose(environment.observation_space.high, [0.6, 0.07])
    velocities = [step_from_the_start(environment, action)[1] for action in range(3)]
    assert velocities[0] < velocities[1] < velocities[2]
    assert ACTION_NAMES["MountainCar"] == ("push left", "no push", "push right")


def test_lunar_lander_columns_follow_its_body():
    environment = made("LunarLander-v3")
    names = [feature.name for feature in STATE_FEATURES["LunarLander"]]
    for n_steps in (1, 20, 200):
        observation = step_from_the_start(environment, 0, n_steps)
        found = dict(zip(names, observation, strict=True))
        lander, legs = environment.unwrapped.lander, environment.unwrapped.legs
        assert found["lander_angle"] == pytest.approx(lander.angle, abs=1e-5)
        assert found["lander_angular_velocity"] == pytest.approx(20 * lander.angularVelocity / 50, abs=1e-5)
        assert np.sign(found["horizontal_velocity"]) == np.sign(lander.linearVelocity.x)
        assert np.sign(found["vertical_velocity"]) == np.sign(lander.linearVelocity.y)
        assert found["left_leg_contact"] == legs[0].ground_contact
        assert found["right_leg_contact"] == legs[1].ground_contact
        if n_steps == 1:
            assert found["vertical_position"] == pytest.approx(1.41, abs=0.02)
            assert abs(found["horizontal_position"]) < 0.02
    after = [step_from_the_start(environment, action, 15) for action in range(4)]
    assert after[2][3] > after[0][3] + 0.1  # the main engine lifts
    assert (after[1][2] - after[0][2]) * (after[3][2] - after[0][2]) < 0  # the other two push apart
    documented = [name.replace(" engine", "") for name in ACTION_NAMES["LunarLander"]]
    assert documented == ["no", "left", "main", "right"]
    for action, words in enumerate(["do nothing", "fire left orientation", "fire main", "fire right orientation"]):
        assert f"- {action}: {words}" in environment.unwrapped.__doc__


def test_names_of_unknown_environments_are_numbered():
    names = environment_names("Walk-v0", 2, 3)
    assert names.feature_names == ("state_0", "state_1", "desired_return", "desired_horizon")
    assert names.action_names == ("action 0", "action 1", "action 2")
    assert known_input_count("Walk-v0") is None
    # Somebody else's CartPole with another observation is not given the known names.
    assert environment_names("CartPole-v7", 5, 2).feature_names[0] == "state_0"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("LunarLander-v2", "LunarLander-v3"),
        ("NoSuchThing-v0", "'NoSuchThing-v0' is no Gymnasium environment"),
        ("CartPole-v99", "'CartPole-v99' is no Gymnasium environment"),
        ("no_such_package:Env-v0", "no_such_package"),
        ("../etc/passwd", "is no Gymnasium environment"),
        ("CartPole-v1:", "is no Gymnasium environment"),
        ("Pendulum-v1", "actions must be Discrete and at least 2, got Box"),
        ("MountainCarContinuous-v0", "actions must be Discrete"),
    ],
)
def test_what_cannot_be_played_is_refused_with_the_reason(name, message):
    with pytest.raises(ValueError, match=message) as fault:
        Lockstep(name)
    assert f"env_name {name!r}" in str(fault.value)


@pytest.mark.parametrize("name", ODD_SPACES)
@pytest.mark.usefixtures("small_worlds")
def test_odd_spaces_are_refused_with_what_they_are(name):
    rule = "actions must be Discrete" if "action_space" in ODD_SPACES[name] else "observations must be a one-dim"
    space = next(iter(ODD_SPACES[name].values()))
    with pytest.raises(ValueError, match=rule) as fault:
        Lockstep(name)
    assert str(space) in str(fault.value)


def test_an_environment_of_another_package_is_found_by_its_name(outside_package):  # noqa: F811
    lockstep = Lockstep(f"{outside_package}:OutsideWalk-v0")
    assert (lockstep.n_observations, lockstep.n_actions) == (2, 2)
    assert lockstep.names.feature_names[0] == "state_0"


def test_a_package_that_fails_to_load_is_refused_with_the_reason(tmp_path, monkeypatch):
    """The bug: whatever a third-party package raised while it was imported came out as a traceback."""
    (tmp_path / "broken_worlds.py").write_text("raise RuntimeError('no display')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ValueError, match="no display"):
        Lockstep("broken_worlds:Env-v0")


@pytest.mark.usefixtures("small_worlds")
def test_actions_count_from_0_also_where_the_environment_counts_from_1():
    lockstep = Lockstep("Shifted-v0")
    states = lockstep.reset([4])
    before = states.copy()
    rewards, alive = lockstep.step(np.array([0]), np.array([1]), states)
    assert rewards.tolist() == [0.25]
    assert alive.all()
    assert states[0, 0] == pytest.approx(before[0, 0] + 1)


@pytest.mark.usefixtures("small_worlds")
def test_an_environment_without_an_end_is_cut_off(monkeypatch):
    monkeypatch.setattr(environments_module, "LONGEST_EPISODE", 7)
    lockstep = Lockstep("Endless-v0")
    for _ in range(2):  # also after a reset
        states = lockstep.reset([1, 2])
        lengths = np.zeros(2, dtype=int)
        live = np.arange(2)
        while live.size:
            _, alive = lockstep.step(live, np.ones(live.size, dtype=np.int64), states)
            lengths[live] += 1
            live = live[alive]
        assert lengths.tolist() == [7, 7]


def test_a_seed_decides_the_start_and_nothing_else_does():
    lockstep = Lockstep("CartPole-v0")
    first = lockstep.reset([5, 6])
    again = lockstep.reset([6, 5, 7])
    np.testing.assert_array_equal(first, again[[1, 0]])
    expected, _ = gym.make("CartPole-v0").reset(seed=5)
    np.testing.assert_array_equal(first[0], expected.astype(np.float64))
    assert first.dtype == np.float64


@pytest.mark.parametrize("name", KNOWN)
def test_creating_and_stepping_does_not_touch_global_random_state(name):
    np.random.seed(0)  # noqa: NPY002 - the global state is what is watched
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    lockstep = Lockstep(name)
    states = lockstep.reset([1, 2])
    lockstep.step(np.arange(2), np.zeros(2, dtype=np.int64), states)
    lockstep.close()
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
