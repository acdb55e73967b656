import numpy as np
import pytest
from core_helpers import scaled, training_rows
from environment_helpers import small_worlds  # noqa: F401 - fixture
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier, RandomForestClassifier

from udrl_explain.config import TrainConfig
from udrl_explain.environments import Lockstep
from udrl_explain.playing.sweep import redo_sweep
from udrl_explain.playing.sweep_options import SweepOptions
from udrl_explain.policies import policy_from_estimator
from udrl_explain.rollouts.streams import evaluation_seeds, streams, training_seeds, validation_seeds
from udrl_explain.runs import load_run
from udrl_explain.training.joining import joined_policy
from udrl_explain.training.loop import train_policy
from udrl_explain.training.validation import Candidate, Validation

ROWS, ACTIONS = training_rows(300, 6)


def fitted(estimator, scale=0.02):
    return policy_from_estimator(estimator.fit(scaled(ROWS, scale, scale), ACTIONS), 2, scale, scale)


def test_a_joined_forest_gives_the_mean_of_its_forests():
    policies = [
        fitted(RandomForestClassifier(7, random_state=0)),
        fitted(RandomForestClassifier(7, random_state=1, max_depth=3)),
        fitted(ExtraTreesClassifier(7, random_state=2)),
    ]
    joined = joined_policy(policies)
    expected = np.mean([policy.action_probabilities(ROWS) for policy in policies], axis=0)
    np.testing.assert_allclose(joined.action_probabilities(ROWS), expected, rtol=0, atol=1e-15)
    assert joined.forest.n_trees == 21
    one = joined_policy(policies[:1])
    np.testing.assert_array_equal(one.action_probabilities(ROWS), policies[0].action_probabilities(ROWS))


def test_only_forests_alike_that_average_can_be_joined():
    forest = fitted(RandomForestClassifier(3, random_state=0))
    with pytest.raises(ValueError, match="no policy to join"):
        joined_policy([])
    with pytest.raises(ValueError, match="only forests that average"):
        joined_policy([forest, fitted(GradientBoostingClassifier(n_estimators=3))])
    with pytest.raises(ValueError, match="same inputs, actions and scale"):
        joined_policy([forest, fitted(RandomForestClassifier(3, random_state=0), scale=0.5)])


def test_validation_seeds_are_a_third_set():
    random = streams(0)
    for seeds, rule in [
        (training_seeds(random.environments, 1000), lambda seed: seed % 2 == 0 and seed < 2**31),
        (evaluation_seeds(random.final, 1000), lambda seed: seed % 2 == 1 and seed < 2**31),
        (validation_seeds(random.validation, 1000), lambda seed: seed >= 2**31),
    ]:
        assert all(rule(seed) for seed in seeds)


class Always:
    """A policy with one action."""

    n_actions = 2

    def __init__(self, action):
        self.action = action

    def action_probabilities(self, inputs):
        return np.eye(2)[np.full(len(inputs), self.action)]


def candidate(action, iteration):
    return Candidate(Always(action), ROWS, ACTIONS, (10.0, 10.0), iteration)


@pytest.mark.usefixtures("small_worlds")
def test_the_best_checkpoint_on_validation_seeds_wins():
    """In Walk-v0 only steps forward pay."""
    validation = Validation(Lockstep("Walk-v0"), validation_seeds(np.random.default_rng(0), 6))
    actions = [0, 1, 0, 0, 0, 0, 0]
    scores = [validation.consider(candidate(action, i), np.inf) for i, action in enumerate(actions)]
    assert scores[0] == 0 < scores[1]
    assert validation.winner(np.inf).iteration == 1
    assert [record["mean"] for record in validation.records] == scores
    forward = validation.n_steps
    validation.consider(candidate(0, 9), np.inf)
    assert validation.n_steps == forward + 2 * 12  # two of six seeds, twelve steps until the limit


class Obedient:
    """Steps forward while the desired return is above 5."""

    n_actions = 2

    def action_probabilities(self, inputs):
        return np.eye(2)[(inputs[:, -2] > 5).astype(int)]


@pytest.mark.usefixtures("small_worlds")
def test_the_command_that_achieves_most_is_chosen_and_of_equals_the_first():
    validation = Validation(Lockstep("Walk-v0"), validation_seeds(np.random.default_rng(0), 6))
    commands = [(1.0, 5.0), (20.0, 5.0), (30.0, 5.0), (2.0, 5.0)]
    assert validation.best_command(Obedient(), commands, np.inf) == (20.0, 5.0)


SMALL = {
    "max_episode": 4, "collect_episode": 4, "warm_up": 12, "memory_size": 30, "testing_period": 2, "last_few": 5,
    "final_testing_sample": 3, "validation_period": 2, "validation_episodes": 2,
}  # fmt: skip


@pytest.fixture(autouse=True)
def short_sweeps(monkeypatch):
    monkeypatch.setattr("udrl_explain.training.loop.SWEEP_EPISODES", 2)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("kind", ["constant", "varied"])
@pytest.mark.parametrize(
    "name",
    [
        "ensemble.RandomForestClassifier",
        "ensemble.ExtraTreesClassifier",
        "neural",
        "tree.DecisionTreeClassifier",
        "ensemble.GradientBoostingClassifier",
        "neighbors.KNeighborsClassifier",
        "svm.SVC",
    ],
)
def test_a_robust_run_of_each_kind_is_the_same_twice_to_the_byte(tmp_path, name, kind):
    few = {"train_per_iter": 3} if name == "neural" else {"max_rows": 200}
    config = TrainConfig(estimator_name=name, reward_kind=kind, **(SMALL | few | {"max_episode": 2}))
    first, second = (train_policy(config, tmp_path / place) for place in ("one", "two"))
    assert contents(first.directory) == contents(second.directory)
    # What conf.json holds, all resolved, is the same training again.
    third = train_policy(first.config, tmp_path / "three")
    assert contents(third.directory) == contents(first.directory)


def test_joined_holds_the_trees_and_rows_of_the_last_fits(tmp_path):
    run = train_policy(TrainConfig(final_policy="joined", joined_fits=3, **SMALL), tmp_path)
    last = train_policy(TrainConfig(final_policy="last", **SMALL), tmp_path)
    assert run.policy.forest.n_trees == 3 * last.policy.forest.n_trees
    n_last = len(last.training_inputs)
    np.testing.assert_array_equal(run.training_inputs[-n_last:], last.training_inputs)
    n_nodes = last.policy.forest.n_nodes
    np.testing.assert_array_equal(run.policy.forest.threshold[-n_nodes:], last.policy.forest.threshold)


def test_a_refit_takes_its_own_arguments_and_more_rows(tmp_path):
    arguments = ("max_depth=3", "n_estimators=7")
    run = train_policy(TrainConfig(final_policy="refit", final_arguments=arguments, **SMALL), tmp_path)
    last = train_policy(TrainConfig(final_policy="last", **SMALL), tmp_path)
    assert run.policy.forest.n_trees == 7
    assert len(run.training_inputs) > len(last.training_inputs)


def test_the_validated_policy_is_a_checkpoint_and_its_command_one_of_the_sweep(tmp_path):
    settings = SMALL | {"final_policy": "validated", "final_command": "validated", "warm_up_better": 0}
    run = train_policy(TrainConfig(env_name="CartPole-v1", **settings), tmp_path)
    levels = set(zip(run.command_sweep["desired_return"], run.command_sweep["desired_horizon"], strict=True))
    command = (run.config.final_desired_return, run.config.final_desired_horizon)
    exploratory = run.training_commands["desired_horizon"]
    assert command in levels or command[1] in set(exploratory)
    assert run.episodes[0].inputs[0, -2:].tolist() == list(command)


def test_the_last_fits_act_together(tmp_path):
    """With one tree per fit, the policy that is tested and stored has as many trees as fits act."""
    arguments = ("max_depth=3", "n_estimators=1")
    settings = SMALL | {"final_policy": "last", "estimator_arguments": arguments}
    run = train_policy(TrainConfig(acting_fits=3, **settings), tmp_path)
    assert run.policy.forest.n_trees == 3


def test_without_a_horizon_it_is_1_in_every_row_command_and_step(tmp_path):
    config = TrainConfig(env_name="CartPole-v1", horizon_meaning="none", practice_share=0.5, **SMALL)
    run = train_policy(config, tmp_path)
    for horizons in (
        run.training_inputs[:, -1], run.training_commands["desired_horizon"], run.command_sweep["desired_horizon"],
        *(episode.inputs[:, -1] for episode in run.episodes),
    ):  # fmt: skip
        assert (np.asarray(horizons) == 1).all()
    stored = (run.directory / "command_sweep.csv").read_bytes()
    assert redo_sweep(SweepOptions(run.directory, episodes=2)).read_bytes() == stored
    with pytest.raises(ValueError, match=r"horizons have no meaning for .*: it was trained with horizon_meaning"):
        redo_sweep(SweepOptions(run.directory, horizons=(1, 9, 3)))
    redo_sweep(SweepOptions(run.directory, returns=(5, 20, 3), episodes=1))
    assert (load_run(run.directory).command_sweep["desired_horizon"] == 1).all()


def test_no_more_rows_are_stored_than_asked_for(tmp_path):
    full = train_policy(TrainConfig(stored_rows=0, **SMALL), tmp_path / "full")
    some = train_policy(TrainConfig(stored_rows=20, **SMALL), tmp_path / "some")
    assert len(some.training_inputs) == len(some.training_actions) == 20 < len(full.training_inputs)
    rows = {(*row, action) for row, action in zip(full.training_inputs.tolist(), full.training_actions, strict=True)}
    assert {(*row, act) for row, act in zip(some.training_inputs.tolist(), some.training_actions, strict=True)} <= rows
    np.testing.assert_array_equal(some.policy.forest.threshold, full.policy.forest.threshold)


def test_no_more_episodes_are_stored_than_asked_for_and_every_return_counts(tmp_path):
    full = train_policy(TrainConfig(stored_episodes=0, **SMALL | {"final_testing_sample": 7}), tmp_path / "full")
    some = train_policy(TrainConfig(stored_episodes=2, **SMALL | {"final_testing_sample": 7}), tmp_path / "some")
    assert (len(full.episodes), len(some.episodes), len(some.unkept_returns)) == (7, 2, 5)
    loaded = load_run(some.directory)
    for run in (some, loaded):
        np.testing.assert_array_equal(run.final_returns, full.final_returns)
        assert (run.final_mean, run.final_std, run.n_final) == (full.final_mean, full.final_std, 7)
    np.testing.assert_array_equal(loaded.episodes[1].inputs, full.episodes[1].inputs)
    assert loaded.config.stored_episodes == 2
    conf = some.directory / "conf.json"
    conf.write_text(conf.read_text().replace('"test_mean": ', '"test_mean": 1'))
    with pytest.raises(ValueError, match=r"conf.json: test_mean .* is not the mean return of the final episodes"):
        load_run(some.directory)
