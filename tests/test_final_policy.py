import numpy as np
import pytest
from core_helpers import scaled, training_rows
from environment_helpers import small_worlds  # noqa: F401 - fixture
from hypothesis import example, given
from hypothesis import strategies as st
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


def candidate(policy, iteration, desired_return=10.0):
    policy = Always(policy) if isinstance(policy, int) else policy
    return Candidate(policy, ROWS, ACTIONS, (desired_return, 10.0), iteration)


COMMANDS = np.array([[0.0, 9.0], [0.25, 9.0], [0.5, 9.0]])


@pytest.mark.usefixtures("small_worlds")
def test_the_best_checkpoint_on_validation_seeds_wins():
    """In Walk-v0 only steps forward pay."""
    validation = Validation(Lockstep("Walk-v0"), validation_seeds(np.random.default_rng(0), 6))
    actions = [0, 1, 0, 0, 0, 0, 0]
    scores = [validation.consider(candidate(action, i), np.inf) for i, action in enumerate(actions)]
    assert scores[0] == 0 < scores[1]
    assert validation.winner(np.inf, COMMANDS).iteration == 1
    assert [record["mean"] for record in validation.records] == scores
    forward = validation.n_steps
    validation.consider(candidate(0, 9), np.inf)
    assert validation.n_steps == forward + 2 * 12  # two of six seeds, twelve steps until the limit


class Obedient:
    """Steps forward while the desired return is above 5."""

    n_actions = 2

    def action_probabilities(self, inputs):
        return np.eye(2)[(inputs[:, -2] > 5).astype(int)]


class Exact:
    """Steps forward until it has what it was asked for: each step pays 0.25."""

    n_actions = 2

    def action_probabilities(self, inputs):
        return np.eye(2)[(inputs[:, -2] > 0.1).astype(int)]


@pytest.mark.usefixtures("small_worlds")
@pytest.mark.parametrize(
    ("allowance", "own_command", "winner"), [(0.0, 10.0, 0), (0.2, 10.0, 1), (0.2, 0.25, 0), (0.9, 0.25, 1)]
)
def test_within_the_allowance_the_checkpoint_that_obeys_wins(allowance, own_command, winner):
    """Always forward gets 0.75 or 1 whatever it is told; asked for 0.25, the exact one gets that."""
    seeds = validation_seeds(np.random.default_rng(0), 6)
    validation = Validation(Lockstep("Walk-v0"), seeds, allowance=allowance, start=0.0)
    always = validation.consider(candidate(1, 0), np.inf)
    exact = validation.consider(candidate(Exact(), 1, own_command), np.inf)
    assert always >= 0.75
    assert exact == (always if own_command == 10 else 0.25)
    assert validation.iteration_of_best == 0
    assert validation.winner(np.inf, COMMANDS).iteration == winner
    assert validation.winner(np.inf, COMMANDS[:1]).iteration == 0, "one command says nothing about obedience"


class Scripted(Validation):
    """Takes the mean returns from the policy, which is a table: on few seeds, on all, and by command."""

    def _mean_returns(self, policy, commands, seeds, most_return):
        few, all_seeds, by_command = policy
        if len(commands) > 1:
            assert len(seeds) == len(self._seeds) // 3
            return np.array(by_command)
        return np.array([all_seeds if len(seeds) == len(self._seeds) else few])


TABLES = st.lists(
    st.tuples(st.integers(-4, 4), st.integers(-4, 4), st.tuples(*[st.integers(-3, 3)] * 3)), min_size=1, max_size=12
)


@given(TABLES, st.sampled_from([0.0, 0.2, 0.5, 1.0]), st.integers(-5, 5))
@example(
    [(4, 4, (3, 3, 3)), *[(3, 1, (-1, 0, 2))] * 5], 0.5, 0
)  # five obey, and lose too much when played on all seeds
def test_the_winner_is_the_one_that_the_rule_names(tables, allowance, start):
    validation = Scripted(None, range(6), allowance=allowance, start=float(start))
    for i, table in enumerate(tables):
        validation.consider(Candidate(table, ROWS, ACTIONS, (10.0, 10.0), i), np.inf)
    levels = np.array([[-1.0, 1], [0, 1], [2, 1]])

    def floor(best):
        return best - allowance * max(best - start, 0)

    def error(table):
        return np.mean(np.abs(np.array(table[2]) - levels[:, 0]))

    by_score = sorted(range(len(tables)), key=lambda i: -tables[i][0])
    if allowance:
        within = [i for i in by_score if tables[i][0] >= floor(tables[by_score[0]][0])]
        finalists = sorted(within, key=lambda i: error(tables[i]))[:5]
        finalists = [i for i in by_score if i in {*finalists, by_score[0]}]
        lowest = floor(max(tables[i][1] for i in finalists))
        finalists = [i for i in finalists if tables[i][1] >= lowest]
        expected = min(finalists, key=lambda i: (error(tables[i]), -tables[i][1]))
    else:
        expected = max(by_score[:5], key=lambda i: tables[i][1])
    assert validation.winner(np.inf, levels).iteration == expected


@pytest.mark.parametrize(
    ("scores", "collected", "ends"),
    [
        ([1, 5, 4, 5, 3, 2], [5, 5, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], 10),  # the best checkpoint came at 4
        ([5, 1, 1, 1, 1, 1], [1, 1, 2, 1, 1, 2, 1, 4, 1, 1, 1, 1, 1, 1], 14),  # the best two iterations end at 8
        ([5, 1, 1, 1, 1, 1], [7, 1, 1, 6, 1, 1, 1, 1], 8),  # 7 is an iteration's, 8 a period's
        ([4, 1, 1, 1, 1, 1, 1], [5, 5] + [1] * 12, 14),  # no checkpoint returns what was collected
        ([4, 1, 1, 6, 1, 1, 1], [5, 5] + [1] * 12, 14),
        ([1, 2, 3, 4, 5, 6, 7], list(range(14)), 14),
    ],
)
def test_a_training_ends_when_nothing_gets_better(tmp_path, monkeypatch, scores, collected, ends):
    """Two iterations per checkpoint, patience for six."""
    made = iter(scores)
    monkeypatch.setattr(Validation, "_mean_return", lambda self, *_: float(next(made, 0)))
    means = iter(collected)

    def scripted(episodes):
        return (float(next(means)), 0.0) if len(episodes) == SMALL["collect_episode"] else (0.0, 0.0)

    monkeypatch.setattr("udrl_explain.training.loop._mean_and_std", scripted)
    settings = SMALL | {"max_episode": 14, "final_policy": "validated", "final_command": "exploratory"}
    settings |= {"testing_period": 100, "final_testing": False}
    run = train_policy(TrainConfig(patience=6, **settings), tmp_path)
    assert len(run.train_returns) == ends
    assert run.training_commands["iteration"].max() == ends
    assert run.config.max_episode == 14, "what was asked for"
    np.testing.assert_array_equal(load_run(run.directory).train_returns, run.train_returns)


def test_without_patience_or_checkpoints_a_training_goes_on_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(Validation, "_mean_return", lambda *_: 0.0)
    settings = SMALL | {"max_episode": 7, "final_testing": False, "final_command": "exploratory"}
    for changes in ({"final_policy": "validated", "patience": 0}, {"final_policy": "last", "patience": 1}):
        run = train_policy(TrainConfig(**settings | changes), tmp_path)
        assert len(run.train_returns) == 7


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
