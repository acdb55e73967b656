"""Training rows: which steps of which episodes a fit sees."""

import numpy as np
from numpy.typing import NDArray

from udrl_explain.commands import HORIZON_COLUMN, N_COMMANDS
from udrl_explain.config import TrainConfig
from udrl_explain.training.advantage import AdvantageWeights
from udrl_explain.training.buffer import ReplayBuffer


class RowDrawer:
    """Draws the rows of a fit from the buffer.

    Parameters
    ----------
    config : TrainConfig
        Fully resolved.
    buffer : ReplayBuffer
    generator : numpy.random.Generator
    """

    def __init__(self, config: TrainConfig, buffer: ReplayBuffer, generator: np.random.Generator) -> None:
        self._config, self._buffer, self._generator = config, buffer, generator
        strength = config.advantage_weight or 0.0
        self._weights = AdvantageWeights(strength) if strength else None
        self._cumulated: NDArray[np.float64] | None = None

    def buffer_changed(self) -> None:
        """Weigh the rows anew; to be called before the first fit after episodes came in."""
        if self._weights is None:
            return
        steps, lengths = self._kept_steps()
        weights = self._weights.weights(self._buffer.rows[steps, :-N_COMMANDS], self._buffer.rewards[steps], lengths)
        self._cumulated = np.cumsum(weights)

    def draw(self, rows_per_episode: int | None = None) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Rows of one fit.

        Parameters
        ----------
        rows_per_episode : int, optional
            Instead of the setting, without a limit to all rows.

        Returns
        -------
        inputs : float64 array of shape (n_rows, n_features)
            State, reward from there on, steps from there on: the trailing segment (Srivastava et al. 2019, section
            2.3).
        actions : int64 array of shape (n_rows,)
        """
        config, buffer = self._config, self._buffer
        per_episode, most = config.rows_per_episode or 0, config.max_rows or 0
        if rows_per_episode is not None:
            per_episode, most = rows_per_episode, 0
        if self._cumulated is not None:
            steps = self._weighted_steps(per_episode, most)
        else:
            steps = self._even_steps(per_episode, most)
        inputs = buffer.rows[steps]
        if config.horizon_meaning == "at_most":
            longest = max(int(buffer.lengths.max()), 1)
            spare = longest - inputs[:, HORIZON_COLUMN]
            inputs[:, HORIZON_COLUMN] += np.floor(self._generator.random(len(inputs)) * (spare + 1))
        elif config.horizon_meaning == "none":
            inputs[:, HORIZON_COLUMN] = 1.0
        return inputs, buffer.actions[steps]

    def _even_steps(self, per_episode: int, most: int) -> NDArray[np.int64]:
        starts, lengths = self._buffer.starts, self._buffer.lengths
        if self._config.batch_size:
            n_chosen = min(self._config.batch_size, len(starts))  # worst_limit may keep a young buffer small
            chosen = self._generator.choice(len(starts), size=n_chosen, replace=False)
            starts, lengths = starts[chosen], lengths[chosen]
        return _steps_of_episodes(starts, lengths, per_episode, most, self._generator)

    def _weighted_steps(self, per_episode: int, most: int) -> NDArray[np.int64]:
        """Kept part: drawn by weight, a row as often as its weight says; diverse part: evenly."""
        buffer = self._buffer
        n_kept = buffer.n_kept
        starts, lengths = buffer.starts, buffer.lengths
        counts = lengths if per_episode == 0 else np.minimum(lengths, per_episode)
        n_weighted, n_diverse = int(counts[:n_kept].sum()), int(counts[n_kept:].sum())
        if most and n_weighted + n_diverse > most:
            n_diverse = round(most * n_diverse / (n_weighted + n_diverse))
            n_weighted = most - n_diverse
        assert self._cumulated is not None
        draws = self._generator.random(n_weighted) * self._cumulated[-1]
        kept, _ = self._kept_steps()
        steps = kept[np.searchsorted(self._cumulated, draws, side="right")]
        if not n_diverse:
            return np.asarray(steps)
        diverse = _steps_of_episodes(starts[n_kept:], lengths[n_kept:], per_episode, n_diverse, self._generator)
        return np.concatenate([steps, diverse])

    def _kept_steps(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        n_kept = self._buffer.n_kept
        starts, lengths = self._buffer.starts[:n_kept], self._buffer.lengths[:n_kept]
        return _every_step(starts, lengths), lengths


def _every_step(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    ends = np.cumsum(lengths)
    return np.asarray(np.repeat(starts - ends + lengths, lengths) + np.arange(ends[-1]))


def _steps_of_episodes(
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    per_episode: int,
    most: int,
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """Indices of distinct random steps of each episode, at most `most` of them."""
    if per_episode == 1:
        steps = starts + generator.integers(0, lengths)
    elif per_episode == 0:
        total = int(lengths.sum())
        if most and total > most:
            places = generator.choice(total, size=most, replace=False, shuffle=False)
            ends = np.cumsum(lengths)
            owner = np.searchsorted(ends, places, side="right")
            return np.asarray(starts[owner] + places - (ends[owner] - lengths[owner]))
        return _every_step(starts, lengths)
    else:
        # The smallest of random keys, episode by episode, are a draw without replacement.
        steps = _every_step(starts, lengths)
        owner = np.repeat(np.arange(len(lengths)), lengths)
        order = np.lexsort((generator.random(len(steps)), owner))
        rank = np.arange(len(steps)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        steps = steps[order[rank < per_episode]]
    if most and len(steps) > most:
        steps = steps[np.sort(generator.choice(len(steps), size=most, replace=False))]
    return np.asarray(steps)
