import numpy as np
import pytest
from core_helpers import tiny_run, training_rows
from hypothesis import given, settings
from hypothesis import strategies as st

from udrl_explain.command_space.influence import state_influence
from udrl_explain.command_space.support import fitted_commands
from udrl_explain.episodes import Episode
from udrl_explain.probes import COLUMNS, KINDS, choose_probes


def episode_of(length, seed, reward=1.0):
    inputs, actions = training_rows(length + 2, seed=seed)
    return Episode(inputs[:length], actions[:length].astype(np.int64), np.full(length, reward), 2 * seed + 1)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    lengths = (30, 40, 40, 12, 40, 2, 40, 25, 40, 40)
    episodes = tuple(episode_of(length, seed) for seed, length in enumerate(lengths))
    return tiny_run(tmp_path_factory.mktemp("run"), episodes=episodes)


@pytest.fixture(scope="module")
def probes(run):
    return choose_probes(run, n=50, n_each=5, seed=3)


def of_kind(probes, kind):
    return probes.frame.iloc[probes.of_kind(kind)]


def test_every_probe_is_the_row_that_its_line_names(run, probes):
    assert tuple(probes.frame.columns) == COLUMNS
    support = fitted_commands(run.training_inputs)
    for line, row, action in zip(probes.frame.itertuples(), probes.inputs, probes.actions, strict=True):
        episode = run.episodes[line.episode]
        assert np.array_equal(episode.inputs[line.step], row)
        assert episode.actions[line.step] == action == line.action
        assert run.action_names[action] == line.action_name
        assert (line.environment_seed, line.length) == (episode.seed, len(episode))
        assert line.progress == line.step / len(episode)
        assert (line.desired_return, line.desired_horizon) == tuple(row[-2:])
        assert line.seen == support.seen(row[None, -2:])[0]
    influence = state_influence(run.policy, probes.inputs[:, :-2], support).influence
    np.testing.assert_array_equal(probes.frame["command_influence"], influence)
    assert (probes.frame["seed"] == 3).all()


def test_the_kinds_partition_the_probes(probes):
    positions = np.concatenate([probes.of_kind(kind) for kind in KINDS])
    assert sorted(positions) == list(range(len(probes)))
    assert [len(probes.of_kind(kind)) for kind in KINDS] == [50, 5, 5, 5, 5]


def test_the_stratified_sample_has_no_row_twice_and_as_many_of_each_tenth(probes):
    sample = of_kind(probes, "stratified")
    assert not sample.duplicated(["episode", "step"]).any()
    tenths = np.bincount(sample["step"] * 10 // sample["length"], minlength=10)
    assert tenths.tolist() == [5] * 10
    assert sample["episode"].nunique() > 5


def test_starts_are_first_steps_of_different_episodes(probes):
    starts = of_kind(probes, "start")
    assert (starts["step"] == 0).all()
    assert starts["episode"].nunique() == 5


def test_high_and_low_influence_are_the_extremes_of_all_probes(probes):
    everything = probes.frame.drop_duplicates(["episode", "step"])["command_influence"].sort_values()
    assert of_kind(probes, "low influence")["command_influence"].tolist() == everything.head(5).tolist()
    assert of_kind(probes, "high influence")["command_influence"].tolist() == everything.tail(5).tolist()[::-1]
    assert everything.iloc[-1] > everything.iloc[0]


def test_failures_are_the_last_steps_of_the_worst_short_episodes(probes):
    """Worst first: lengths 2 (both steps) and 12 (the last three)."""
    failures = of_kind(probes, "before failure")
    assert list(zip(failures["episode"], failures["step"], strict=True)) == [(5, 0), (5, 1), (3, 9), (3, 10), (3, 11)]
    assert probes.notes == ()


def test_where_an_early_end_is_a_success_there_are_no_failures_and_a_note_says_so(tmp_path):
    episodes = tuple(episode_of(length, seed, reward=-1.0) for seed, length in enumerate((5, 10, 20)))
    probes = choose_probes(tiny_run(tmp_path, episodes=episodes))
    assert len(probes.of_kind("before failure")) == 0
    (note,) = probes.notes
    assert "shorter and of lower return" in note


def test_the_same_seed_gives_the_same_probes_and_another_one_others(run, probes):
    again, other = choose_probes(run, n=50, n_each=5, seed=3), choose_probes(run, n=50, n_each=5, seed=4)
    assert again.frame.equals(probes.frame)
    assert again.inputs.tobytes() == probes.inputs.tobytes()
    assert not other.frame.drop(columns="seed").equals(probes.frame.drop(columns="seed"))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 14), min_size=1, max_size=5), st.integers(1, 80), st.integers(0, 5))
def test_few_and_short_episodes_give_all_their_rows_at_most(tmp_path_factory, lengths, n, seed):
    episodes = tuple(episode_of(length, k) for k, length in enumerate(lengths))
    probes = choose_probes(tiny_run(tmp_path_factory.getbasetemp(), episodes=episodes), n=n, n_each=3, seed=seed)
    assert len(probes.of_kind("stratified")) == min(n, sum(lengths))
    assert len(probes.of_kind("start")) == min(3, len(lengths))
    assert 1 <= len(probes.of_kind("high influence")) <= 3
    assert not of_kind(probes, "stratified").duplicated(["episode", "step"]).any()


def test_a_single_episode_of_one_step(tmp_path):
    probes = choose_probes(tiny_run(tmp_path, episodes=(episode_of(1, 0),)))
    assert probes.frame["kind"].tolist() == ["stratified", "start", "high influence", "low influence"]


def test_the_frame_handed_out_is_a_copy(probes):
    frame = probes.to_frame()
    frame["kind"] = "changed"
    assert set(probes.frame["kind"]) == set(KINDS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"episodes": ()}, "no final episodes to choose probes from"),
        ({"policy": None, "policy_note": "a pickle is never loaded"}, "no policy to explain: a pickle is never loaded"),
        ({"training_inputs": np.empty((0, 6))}, "no training rows"),
    ],
)
def test_runs_that_lack_something_say_what(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        choose_probes(tiny_run(tmp_path, **changes))


@pytest.mark.parametrize("name", ["n", "n_each"])
def test_numbers_below_1_are_refused(run, name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        choose_probes(run, **{name: 0})


def test_an_unknown_kind_is_refused(probes):
    with pytest.raises(ValueError, match="kind must be one of"):
        probes.of_kind("typical")
