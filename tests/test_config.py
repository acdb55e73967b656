import dataclasses
import json

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from udrl_explain.config import TrainConfig, safe_folder_name

DESIGN_DEFAULTS = {
    "env_name": "CartPole-v0",
    "estimator_name": "ensemble.RandomForestClassifier",
    "seed": 42,
    "max_episode": 500,
    "collect_episode": 15,
    "train_per_iter": 1,
    "batch_size": 0,
    "warm_up": 50,
    "memory_size": 700,
    "last_few": 75,
    "testing_period": 10,
    "horizon_scale": 0.02,
    "return_scale": 0.02,
    "exploration": "epsilon",
    "epsilon": 0.2,
    "final_testing": True,
    "final_testing_sample": 100,
    "final_desired_return": 200.0,
    "final_desired_horizon": 200.0,
    "save_policy": True,
    "save_learning_infos": True,
}


NEUTRAL = {
    "rows_per_episode": 1, "max_rows": 0, "estimator_arguments": (), "warm_up_hold": 1.0, "warm_up_better": 0,
    "memory_keeps": "best", "memory_steps": 0, "memory_ties": "newest", "diverse_share": 0.0, "worst_limit": 0,
    "horizon_meaning": "exact", "advantage_weight": 0.0, "practice_share": 0.0, "clip_return": False,
    "exploration_power": 1.0, "final_policy": "last", "final_arguments": (), "final_command": "exploratory",
    "acting_fits": 1, "stored_rows": 0, "stored_episodes": 0,
}  # fmt: skip


def test_the_defaults_of_paper_are_those_of_the_paper():
    found = TrainConfig(recipe="paper").resolved().to_dict()
    assert {name: found[name] for name in DESIGN_DEFAULTS} == DESIGN_DEFAULTS


def test_every_other_setting_is_neutral_under_paper():
    found = TrainConfig(recipe="paper", estimator_name="neural").resolved().to_dict()
    assert found | NEUTRAL == found


@pytest.mark.parametrize(
    "name", ["seed", "max_episode", "collect_episode", "batch_size", "warm_up", "last_few", "epsilon"]
)
def test_flags_of_old_keep_their_default_under_robust(name):
    assert getattr(TrainConfig().resolved(), name) == DESIGN_DEFAULTS[name]


def test_what_depends_on_rewards_is_open_until_they_are_known():
    assert TrainConfig().resolved().advantage_weight is None
    assert TrainConfig(reward_kind="constant").resolved().advantage_weight == 0
    assert TrainConfig(reward_kind="varied").resolved().advantage_weight > 0
    for kind in ("constant", "varied"):
        resolved = TrainConfig(reward_kind=kind).resolved()
        assert not [name for name, value in resolved.to_dict().items() if value is None]
        assert resolved.resolved() == resolved


def test_a_setting_is_known_early_where_rewards_do_not_matter():
    assert TrainConfig().resolved().train_per_iter == 1
    assert TrainConfig(estimator_name="neural").resolved().train_per_iter is None
    for kind, fits in (("constant", 15), ("varied", 100)):
        assert TrainConfig(estimator_name="neural", reward_kind=kind).resolved().train_per_iter == fits


def test_a_net_has_its_own_defaults():
    resolved = TrainConfig(estimator_name="neural", recipe="paper").resolved()
    found = (resolved.train_per_iter, resolved.batch_size, resolved.warm_up, resolved.exploration)
    assert found == (100, 256, 260, "sample")


SET = {
    "estimator_name": "neural", "train_per_iter": 3, "batch_size": 4, "warm_up": 5, "exploration": "epsilon",
    "final_desired_return": 7, "final_desired_horizon": 8, "horizon_meaning": "exact", "diverse_share": 0.1,
    "advantage_weight": 0.0,
    "estimator_arguments": ("alpha=0.1",), "final_policy": "last",
}  # fmt: skip


def test_without_a_horizon_the_final_command_has_none_either():
    assert TrainConfig(horizon_meaning="none").resolved().final_desired_horizon == 1
    assert TrainConfig(reward_kind="varied").resolved().final_desired_horizon == 1
    assert TrainConfig(reward_kind="constant").resolved().final_desired_horizon == 200


@pytest.mark.parametrize("kind", [None, "constant", "varied"])
def test_what_is_set_stays_as_set(kind):
    mine = TrainConfig(**SET, reward_kind=kind)
    resolved = mine.resolved()
    assert {name: getattr(resolved, name) for name in SET} == SET == {name: getattr(mine, name) for name in SET}
    other = TrainConfig(env_name="Acrobot-v1").resolved()
    assert other.final_desired_return is None  # known only after training


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("seed", -1, "seed must be at least 0, got -1"),
        ("seed", 2**63, "seed must be at most 9223372036854775807, got 9223372036854775808"),
        ("seed", 1.0, "seed must be a whole number, got 1.0"),
        ("seed", True, "seed must be a whole number, got True"),
        ("seed", "3", "seed must be a whole number, got '3'"),
        ("seed", None, "seed must be a whole number, got None"),
        ("max_episode", 0, "max_episode must be at least 1, got 0"),
        ("collect_episode", 0, "collect_episode must be at least 1, got 0"),
        ("train_per_iter", 0, "train_per_iter must be at least 1, got 0"),
        ("batch_size", -5, "batch_size must be at least 0, got -5"),
        ("batch_size", 51, r"batch_size must not exceed the buffer .*\(50\), got 51"),
        ("warm_up", 0, "warm_up must be at least 1, got 0"),
        ("memory_size", 0, "memory_size must be at least 1, got 0"),
        ("last_few", 0, "last_few must be at least 1, got 0"),
        ("testing_period", 0, "testing_period must be at least 1, got 0"),
        ("final_testing_sample", 0, "final_testing_sample must be at least 1, got 0"),
        ("final_desired_horizon", 0.5, "final_desired_horizon must be at least 1, got 0.5"),
        ("final_desired_return", float("nan"), "final_desired_return must be a finite number, got nan"),
        ("final_desired_return", "200", "final_desired_return must be a finite number, got '200'"),
        ("horizon_scale", 0, "horizon_scale must be above 0, got 0"),
        ("return_scale", -0.1, "return_scale must be above 0, got -0.1"),
        ("return_scale", float("inf"), "return_scale must be a finite number, got inf"),
        ("return_scale", 10**400, "return_scale must be a finite number, got 1000"),
        ("epsilon", 1.01, r"epsilon must lie in 0\.\.1, got 1\.01"),
        ("epsilon", -0.01, r"epsilon must lie in 0\.\.1, got -0\.01"),
        ("exploration", "greedy", "exploration must be 'epsilon' or 'sample', got 'greedy'"),
        ("recipe", "mine", "recipe must be 'robust' or 'paper', got 'mine'"),
        ("reward_kind", "odd", "reward_kind must be 'constant' or 'varied', got 'odd'"),
        ("rows_per_episode", -1, "rows_per_episode must be at least 0, got -1"),
        ("max_rows", 1.5, "max_rows must be a whole number, got 1.5"),
        ("estimator_arguments", "depth=3", "estimator_arguments must be texts of the form name=value, got 'depth=3'"),
        ("estimator_arguments", ["depth"], "estimator_arguments must be texts of the form name=value, got 'depth'"),
        ("estimator_arguments", ["a=1", "a=2"], "estimator_arguments holds 'a' twice"),
        ("estimator_arguments", {"random_state": 1}, "cannot hold 'random_state': the seed decides it"),
        ("final_arguments", ["n_jobs=2"], "final_arguments cannot hold 'n_jobs': results do not depend on it"),
        ("warm_up_hold", 0.5, "warm_up_hold must be at least 1, got 0.5"),
        ("warm_up_hold", float("inf"), "warm_up_hold must be a finite number, got inf"),
        ("warm_up_better", -1, "warm_up_better must be at least 0, got -1"),
        ("warm_up_limit", 49, r"warm_up must not exceed warm_up_limit \(49\), got 50"),
        ("memory_steps", -1, "memory_steps must be at least 0, got -1"),
        ("memory_keeps", "worst", "memory_keeps must be 'best' or 'recent', got 'worst'"),
        ("memory_ties", "oldest", "memory_ties must be 'newest' or 'random', got 'oldest'"),
        ("diverse_share", 1.1, r"diverse_share must lie in 0\.\.1, got 1\.1"),
        ("diverse_share", 1.0, "diverse_share must leave room for at least one kept episode"),
        ("worst_limit", -1, "worst_limit must be at least 0, got -1"),
        ("horizon_meaning", "long", "horizon_meaning must be 'exact', 'at_most' or 'none', got 'long'"),
        ("advantage_weight", -1, r"advantage_weight must lie in 0\.\.100, got -1"),
        ("practice_share", 2, r"practice_share must lie in 0\.\.1, got 2"),
        ("clip_return", 1, "clip_return must be true or false, got 1"),
        ("exploration_power", 0, "exploration_power must be above 0, got 0"),
        ("final_policy", "best", "final_policy must be 'last', 'joined', 'refit' or 'validated', got 'best'"),
        ("acting_fits", 0, "acting_fits must be at least 1, got 0"),
        ("stored_rows", -1, "stored_rows must be at least 0, got -1"),
        ("joined_fits", 0, "joined_fits must be at least 1, got 0"),
        ("final_rows_per_episode", -1, "final_rows_per_episode must be at least 0, got -1"),
        ("validation_period", 0, "validation_period must be at least 1, got 0"),
        ("validation_episodes", 0, "validation_episodes must be at least 1, got 0"),
        ("patience", -1, "patience must be at least 0, got -1"),
        ("patience", 0.5, "patience must be a whole number, got 0.5"),
        ("obedience_allowance", 1.5, "obedience_allowance must lie in 0..1, got 1.5"),
        ("obedience_allowance", -0.1, "obedience_allowance must lie in 0..1, got -0.1"),
        ("final_command", "any", "final_command must be 'exploratory' or 'validated', got 'any'"),
        ("final_testing", 1, "final_testing must be true or false, got 1"),
        ("save_policy", "yes", "save_policy must be true or false, got 'yes'"),
        ("env_name", "", "env_name must be a printable name of at most 200 characters, got ''"),
        ("env_name", "a\nb", r"env_name must be a printable name of at most 200 characters, got 'a\\nb'"),
        ("env_name", "x" * 201, "env_name must be a printable name"),
        ("env_name", 3, "env_name must be text, got 3"),
        ("estimator_name", "", "estimator_name must be a printable name"),
    ],
)
def test_every_rule_names_the_setting_and_the_value(name, value, rule):
    with pytest.raises(ValueError, match=rule):
        TrainConfig(**{name: value})


def test_a_batch_must_fit_the_buffer_of_the_first_fit():
    assert TrainConfig(batch_size=50).batch_size == 50
    assert TrainConfig(batch_size=80, warm_up=80).batch_size == 80
    with pytest.raises(ValueError, match=r"smaller of warm_up and memory_size \(30\), got 40"):
        TrainConfig(batch_size=40, memory_size=30)
    with pytest.raises(ValueError, match=r"\(100\), got 256"):
        TrainConfig(estimator_name="neural", recipe="paper", warm_up=100)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"final_policy": "joined", "estimator_name": "svm.SVC"}, "'joined' needs a forest that averages its trees"),
        ({"final_policy": "joined", "estimator_name": "neural"}, "'joined' needs a forest that averages its trees"),
        (
            {"horizon_meaning": "none", "final_desired_horizon": 9},
            "final_desired_horizon has no meaning under horizon_meaning 'none', got 9.0",
        ),
        ({"acting_fits": 2, "estimator_name": "neural"}, "acting_fits above 1 needs a forest that averages its trees"),
        ({"final_policy": "refit", "estimator_name": "neural"}, "'refit' has no meaning for estimator_name 'neural'"),
        (
            {"exploration": "epsilon", "exploration_power": 2},
            "exploration_power has no meaning under exploration 'epsilon', got 2.0",
        ),
        (
            {"recipe": "paper", "exploration_power": 2},
            "exploration_power has no meaning under exploration 'epsilon', got 2.0",
        ),
    ],
)
def test_settings_without_a_meaning_together_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig(**settings)


def test_arguments_have_one_form():
    one = TrainConfig(estimator_arguments=["n_estimators = 20", "max_features=None", "bootstrap=True"])
    other = TrainConfig(estimator_arguments={"bootstrap": True, "max_features": None, "n_estimators": 20})
    assert one == other
    assert one.estimator_arguments == ("bootstrap=true", "max_features=none", "n_estimators=20")
    assert TrainConfig(estimator_arguments={"hidden_layer_sizes": (8, 8)}).estimator_arguments == (
        "hidden_layer_sizes=(8, 8)",
    )


def test_settings_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrainConfig().seed = 3


CHOICES = {
    "estimator_name": st.sampled_from(["neural", "svm.SVC", "tree.DecisionTreeClassifier"]),
    "max_episode": st.integers(1, 2000),
    "collect_episode": st.integers(1, 50),
    "recipe": st.sampled_from(["robust", "paper"]),
    "reward_kind": st.none() | st.sampled_from(["constant", "varied"]),
    "rows_per_episode": st.none() | st.integers(0, 20),
    "estimator_arguments": st.none() | st.sampled_from([(), ("max_depth=3",), ("max_depth=3", "criterion=gini")]),
    "warm_up_hold": st.none() | st.floats(1, 100),
    "diverse_share": st.none() | st.floats(0, 0.5),
    "advantage_weight": st.none() | st.floats(0, 5),
    "clip_return": st.none() | st.booleans(),
    "final_policy": st.none() | st.sampled_from(["last", "validated"]),
    "obedience_allowance": st.none() | st.floats(0, 1),
    "patience": st.none() | st.integers(0, 500),
    "train_per_iter": st.none() | st.integers(1, 200),
    "batch_size": st.none() | st.integers(0, 50),
    "warm_up": st.none() | st.integers(256, 300),
    "memory_size": st.integers(300, 1000),
    "last_few": st.integers(1, 100),
    "testing_period": st.integers(1, 100),
    "horizon_scale": st.floats(1e-6, 10),
    "return_scale": st.floats(1e-6, 10),
    "exploration": st.none() | st.sampled_from(["epsilon", "sample"]),
    "epsilon": st.floats(0, 1),
    "final_testing": st.booleans(),
    "final_testing_sample": st.integers(1, 500),
    "final_desired_return": st.none() | st.floats(-1e6, 1e6),
    "final_desired_horizon": st.none() | st.floats(1, 1e4),
    "save_policy": st.booleans(),
    "save_learning_infos": st.booleans(),
}


@st.composite
def configs(draw):
    names = draw(st.sets(st.sampled_from(sorted(CHOICES)), max_size=6))
    if "reward_kind" in names:
        names = names - {"final_desired_horizon"}  # may have no meaning then, and is refused
    return TrainConfig(
        env_name=draw(st.sampled_from(["CartPole-v0", "Acrobot-v1"])),
        seed=draw(st.integers(0, 100)),
        **{name: draw(CHOICES[name]) for name in sorted(names)},
    )


@settings(deadline=None)
@given(config=configs())
def test_plain_values_give_the_config_back(config):
    text = json.dumps(config.to_dict())
    assert TrainConfig.from_dict(json.loads(text)) == config
    assert json.dumps(TrainConfig.from_dict(json.loads(text)).to_dict()) == text


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"seeds": 3}, "unknown setting 'seeds'"),
        ({"seed": None}, "seed must be a whole number, got None"),
        ({"epsilon": [0.1]}, r"epsilon must be a finite number, got \[0.1\]"),
        ({"env_name": {"a": 1}}, "env_name must be text"),
    ],
)
def test_wrong_plain_values_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig.from_dict(values)


def test_the_default_experiment_is_called_base():
    assert TrainConfig().experiment() == "base"
    assert TrainConfig(env_name="Acrobot-v1", seed=7).experiment() == "base"
    named = TrainConfig(estimator_name="ensemble.ExtraTreesClassifier", max_episode=20)
    assert named.experiment() == "estimator_name-ensemble.ExtraTreesClassifier_max_episode-20"


def test_a_default_written_out_is_still_the_default():
    """The bug: `train_per_iter=1` gave another folder than leaving it out, and so did a config read back from a run."""
    assert TrainConfig(train_per_iter=1, batch_size=0, final_desired_return=200).experiment() == "base"
    assert TrainConfig(estimator_name="neural", warm_up=260).experiment() == "estimator_name-neural"
    assert TrainConfig(estimator_name="neural", warm_up=261).experiment() == "estimator_name-neural_warm_up-261"
    assert TrainConfig(recipe="paper", warm_up=50).experiment() == "recipe-paper"
    assert TrainConfig(train_per_iter=100).experiment() == "train_per_iter-100"


def test_whole_and_broken_numbers_are_one_setting():
    """The bug: `return_scale=1` and `return_scale=1.0` were the same training in two folders."""
    assert TrainConfig(return_scale=1).experiment() == TrainConfig(return_scale=1.0).experiment() == "return_scale-1.0"
    assert json.dumps(TrainConfig(epsilon=1).to_dict()) == json.dumps(TrainConfig(epsilon=1.0).to_dict())


def meaning(config):
    """The settings that a folder's name must tell apart, among runs of one environment and seed."""
    return config.resolved().to_dict() | {"seed": None}


@settings(max_examples=200, deadline=None)
@given(one=configs(), other=configs())
def test_names_of_experiments_are_safe_short_and_unique(one, other):
    for config in (one, other):
        name = config.experiment()
        assert 1 <= len(name) <= 100
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+=-")
        assert name[0] not in ".-"
        assert config.resolved().experiment() == name
        assert dataclasses.replace(config, seed=5).experiment() == name
    assume(one.env_name == other.env_name)
    assert (one.experiment() == other.experiment()) == (meaning(one) == meaning(other))


@given(text=st.text(max_size=300))
def test_no_text_leaves_its_folder(text):
    name = safe_folder_name(text)
    assert 1 <= len(name) <= 100
    assert "/" not in name
    assert "\\" not in name
    assert name.strip(".") == name


def test_folder_names_that_would_be_empty_or_climb_are_replaced():
    assert safe_folder_name("..") == "run"
    assert safe_folder_name("../../etc") == "etc"
    assert safe_folder_name("package:Env-v0") == "package-Env-v0"
