import numpy as np
import pytest
from core_helpers import episode

from udrl_explain.config import TrainConfig
from udrl_explain.episodes import Episode
from udrl_explain.training.buffer import ReplayBuffer
from udrl_explain.training.rows import RowDrawer


def row_drawer(buffer, seed=0, **settings):
    config = TrainConfig(recipe="paper", **settings).resolved()
    drawer = RowDrawer(config, buffer, np.random.default_rng(seed))
    drawer.buffer_changed()
    return drawer


def test_training_rows_are_one_step_of_each_episode_with_its_hindsight_command():
    buffer = ReplayBuffer(50)
    lengths = [3, 1, 6, 4]
    buffer.add([episode([float(i + 1)] * n, marker=float(i), seed=i) for i, n in enumerate(lengths)])
    drawer = row_drawer(buffer)
    seen = {i: set() for i in range(4)}
    for _ in range(200):
        inputs, actions = drawer.draw()
        assert sorted(inputs[:, 0]) == [0, 1, 2, 3]  # each episode once
        for row, action in zip(inputs, actions, strict=True):
            which = int(row[0])
            steps_left = int(row[2])
            assert row[1] == (which + 1) * steps_left
            assert action == (lengths[which] - steps_left) % 2
            seen[which].add(steps_left)
    assert seen == {i: set(range(1, n + 1)) for i, n in enumerate(lengths)}  # every step is drawn


def test_steps_are_drawn_uniformly():
    buffer = ReplayBuffer(5)
    buffer.add([episode([1.0] * 4)])
    drawer = row_drawer(buffer, seed=1)
    drawn = [drawer.draw()[0][0, 2] for _ in range(4000)]
    counts = np.bincount(np.array(drawn, dtype=int), minlength=5)[1:]
    assert (np.abs(counts - 1000) < 120).all()


def test_a_batch_is_drawn_without_replacement():
    buffer = ReplayBuffer(20)
    buffer.add([episode([1.0], marker=float(i)) for i in range(20)])
    drawer = row_drawer(buffer, batch_size=12)
    inputs, actions = drawer.draw()
    assert inputs.shape == (12, 3)
    assert actions.shape == (12,)
    assert len(set(inputs[:, 0])) == 12
    assert set(drawer.draw()[0][:, 0]) != set(inputs[:, 0])


def steps_of(rows):
    """Which steps were drawn: a marker per episode and the steps left."""
    return [(row[0], row[2]) for row in rows]


def test_several_rows_of_an_episode_are_distinct_and_all_of_a_short_one():
    buffer = ReplayBuffer(5)
    buffer.add([episode([1.0] * n, marker=float(n)) for n in (2, 9, 30)])
    inputs, actions = row_drawer(buffer, rows_per_episode=5).draw()
    assert len(set(steps_of(inputs))) == len(inputs) == len(actions) == 2 + 5 + 5
    np.testing.assert_array_equal(actions, (inputs[:, 0] - inputs[:, 2]) % 2)


def test_zero_rows_per_episode_are_all_steps_and_a_limit_draws_among_them():
    buffer = ReplayBuffer(5)
    buffer.add([episode([1.0] * n, marker=float(n)) for n in (2, 9, 30)])
    inputs, _ = row_drawer(buffer, rows_per_episode=0).draw()
    assert len(set(steps_of(inputs))) == len(inputs) == 41
    for per_episode in (0, 20):
        drawer = row_drawer(buffer, rows_per_episode=per_episode, max_rows=7)
        seen = set()
        for _ in range(120):
            inputs, _ = drawer.draw()
            assert len(set(steps_of(inputs))) == len(inputs) == 7
            seen |= set(steps_of(inputs))
        assert len(seen) == 41
    inputs, _ = row_drawer(buffer, rows_per_episode=1, max_rows=2).draw()
    assert len(set(inputs[:, 0])) == 2


def test_a_refit_draws_as_many_rows_as_asked_whatever_the_limit():
    buffer = ReplayBuffer(5)
    buffer.add([episode([1.0] * n, marker=float(n)) for n in (2, 9, 30)])
    drawer = row_drawer(buffer, rows_per_episode=1, max_rows=2)
    assert len(drawer.draw(20)[0]) == 2 + 9 + 20


def test_a_horizon_as_a_bound_lies_between_the_steps_taken_and_the_longest_episode():
    buffer = ReplayBuffer(5)
    buffer.add([episode([1.0] * n, marker=float(n)) for n in (2, 9)])
    exact, _ = row_drawer(buffer, rows_per_episode=0).draw()
    drawer = row_drawer(buffer, rows_per_episode=0, horizon_meaning="at_most")
    drawn = np.array([drawer.draw()[0][:, 2] for _ in range(300)])
    assert (drawn >= exact[:, 2]).all()
    np.testing.assert_array_equal(drawn.min(axis=0), exact[:, 2])
    assert (drawn.max(axis=0) == 9).all()
    assert (drawn == drawn.round()).all()


def test_rows_are_drawn_in_proportion_to_their_advantage():
    """Half of the actions pay 1: standardised advantages 1 and -1, so they come up exp(2 strength) as often."""
    buffer = ReplayBuffer(400, keeps="recent")
    for seed in range(400):
        paying = seed % 2
        buffer.add([Episode(np.zeros((1, 3)), np.array([paying]), np.array([float(paying)]), seed)])
    plain = row_drawer(buffer, rows_per_episode=0, memory_keeps="recent")
    weighted = row_drawer(buffer, rows_per_episode=0, memory_keeps="recent", advantage_weight=0.5)
    assert plain.draw()[1].mean() == 0.5
    drawn = np.array([weighted.draw()[1] for _ in range(50)])
    assert drawn.shape == (50, 400)
    assert drawn.mean() == pytest.approx(np.e / (1 + np.e), abs=0.01)


def test_diverse_rows_are_drawn_evenly_beside_the_weighted_ones():
    buffer = ReplayBuffer(8, keeps="recent", diverse_share=0.5)
    for i in range(12):
        buffer.add([episode([float(i)] * 10, marker=float(i), seed=i)])
    drawer = row_drawer(buffer, rows_per_episode=0, max_rows=40, advantage_weight=2.0)
    inputs, _ = drawer.draw()
    recent = {8.0, 9.0, 10.0, 11.0}
    assert np.isin(inputs[:, 0], list(recent)).sum() == 20
    diverse = inputs[~np.isin(inputs[:, 0], list(recent))]
    assert len(set(steps_of(diverse))) == len(diverse) == 20
