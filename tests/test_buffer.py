import numpy as np
import pytest
from core_helpers import episode
from hypothesis import given, settings
from hypothesis import strategies as st

from udrl_explain.training.buffer import DIVERSE_BINS, ReplayBuffer


def test_the_buffer_keeps_the_best_and_of_equals_the_newest():
    buffer = ReplayBuffer(3)
    buffer.add([episode([1.0], seed=1), episode([5.0], seed=2), episode([3.0], seed=3)])
    assert [kept.seed for kept in buffer.episodes] == [2, 3, 1]
    buffer.add([episode([3.0], seed=4)])
    assert [kept.seed for kept in buffer.episodes] == [2, 4, 3]
    buffer.add([episode([3.0], seed=5), episode([3.0], seed=6), episode([0.0], seed=7)])
    assert [kept.seed for kept in buffer.episodes] == [2, 6, 5]
    assert len(buffer) == 3


def test_the_buffer_keeps_what_a_plain_sort_would_keep():
    generator = np.random.default_rng(0)
    buffer, everything = ReplayBuffer(10), []
    for batch in range(12):
        new = [episode([float(generator.integers(5))], seed=batch * 10 + i) for i in range(4)]
        buffer.add(new)
        everything += new
        # Newest first among equals: the seeds rise with age.
        expected = sorted(everything, key=lambda each: (-each.total_return, -each.seed))[:10]
        assert [kept.seed for kept in buffer.episodes] == [each.seed for each in expected]


def test_exploratory_commands_come_from_the_best_episodes():
    buffer = ReplayBuffer(10)
    buffer.add([episode([float(i)] * (i + 1)) for i in range(6)])  # returns i (i + 1), lengths i + 1
    mean, std, length = buffer.exploratory_range(3)
    returns = [30.0, 20.0, 12.0]
    assert (mean, std) == (pytest.approx(np.mean(returns)), pytest.approx(np.std(returns)))
    assert length == 5.0
    assert buffer.exploratory_range(99)[2] == 3.5  # as many as there are


def test_episodes_of_the_worst_return_seen_are_capped():
    """They would crowd out the few that reached the goal where most episodes fail alike."""
    buffer = ReplayBuffer(10, worst_limit=3)
    buffer.add([episode([-9.0], seed=i) for i in range(8)])
    assert len(buffer) == 3
    buffer.add([episode([-float(i)], seed=20 + i) for i in range(5)])
    assert [kept.total_return for kept in buffer.episodes] == [0, -1, -2, -3, -4, -9, -9, -9]
    buffer.add([episode([-10.0]), episode([-10.0])])  # a new worst: the former one is no longer capped
    assert [kept.total_return for kept in buffer.episodes] == [0, -1, -2, -3, -4, -9, -9, -9, -10, -10]


def test_recent_episodes_stay_and_still_stand_best_first():
    buffer = ReplayBuffer(3, keeps="recent")
    for seed, value in enumerate([9.0, 1.0, 5.0, 3.0]):
        buffer.add([episode([value], seed=seed)])
    assert [(kept.seed, kept.total_return) for kept in buffer.episodes] == [(2, 5), (3, 3), (1, 1)]


def test_diverse_episodes_take_turns_over_the_returns_seen_newest_first():
    buffer = ReplayBuffer(8, diverse_share=0.5)
    buffer.add([episode([100.0], seed=i) for i in range(4)])
    buffer.add([episode([0.0], seed=10 + i) for i in range(9)] + [episode([50.0], seed=30), episode([51.0], seed=31)])
    assert buffer.n_kept == 4
    kept, diverse = buffer.episodes[:4], buffer.episodes[4:]
    assert {each.total_return for each in kept} == {100}
    # Bins of 2.55 between 0 and 51: 50 and 51 share the last; then the newest of each bin in turn.
    assert [each.seed for each in diverse] == [31, 18, 30, 17]


def test_random_ties_keep_any_of_equals_and_need_a_generator():
    kept = set()
    for seed in range(40):
        buffer = ReplayBuffer(2, ties="random", generator=np.random.default_rng(seed))
        for i in range(5):
            buffer.add([episode([1.0], seed=i)])
        kept |= {each.seed for each in buffer.episodes}
    assert kept == set(range(5))
    with pytest.raises(ValueError, match="random ties need a generator"):
        ReplayBuffer(2, ties="random")


def test_practice_commands_lie_within_the_returns_met_with_the_length_of_the_nearest():
    buffer = ReplayBuffer(10)
    buffer.add([episode([1.0] * n) for n in (2, 5, 11)])
    commands = buffer.practice_commands(500, np.random.default_rng(0))
    assert commands[:, 0].min() >= 2
    assert commands[:, 0].max() <= 11
    lengths = np.array([2, 5, 11])
    nearest = lengths[np.abs(commands[:, :1] - lengths).argmin(axis=1)]
    np.testing.assert_array_equal(commands[:, 1], nearest)
    assert set(commands[:, 1]) == {2, 5, 11}


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.lists(st.integers(1, 7), min_size=1, max_size=6), min_size=1, max_size=12),
    keeps=st.sampled_from(["best", "recent"]),
    share=st.sampled_from([0.0, 0.3, 0.5]),
    limit=st.sampled_from([0, 2]),
)
def test_the_rows_are_those_of_the_episodes_however_they_were_moved(sizes, keeps, share, limit):
    buffer = ReplayBuffer(8, keeps=keeps, diverse_share=share, worst_limit=limit)
    number, most = 0, 0
    for batch in sizes:
        new = []
        for size in batch:
            number += 1
            most = max(most, (number % 5) * size)
            new.append(episode([float(number % 5)] * size, marker=float(number), seed=number))
        buffer.add(new)
        assert len(buffer) <= 8
        held = buffer.episodes
        assert len({each.seed for each in held}) == len(held)
        np.testing.assert_array_equal(buffer.returns, [each.total_return for each in held])
        for each, start, length in zip(held, buffer.starts, buffer.lengths, strict=True):
            np.testing.assert_array_equal(buffer.rows[start : start + length], each.hindsight_inputs())
            np.testing.assert_array_equal(buffer.actions[start : start + length], each.actions)
            np.testing.assert_array_equal(buffer.rewards[start : start + length], each.rewards)
    assert buffer.best_return_to_go == most
    assert DIVERSE_BINS == 20


def test_recent_episodes_are_limited_in_steps_and_commands_come_from_their_best_quarter():
    buffer = ReplayBuffer(100, keeps="recent", most_steps=25)
    for seed in range(12):
        buffer.add([episode([float(seed % 4)] * 3, seed=seed)])
    assert sorted(each.seed for each in buffer.episodes) == list(range(4, 12))  # 8 of 3 steps
    assert buffer.exploratory_range(75)[0] == 9.0
    buffer.add([episode([1.0] * 40, seed=99)])
    assert [each.seed for each in buffer.episodes] == [99]  # the newest stays, however long
