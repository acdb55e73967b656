"""The replay buffer: which episodes stay, and their training rows, kept by insertion."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udrl_explain.commands import RETURN_COLUMN
from udrl_explain.config import Keeps, Ties
from udrl_explain.episodes import Episode

DIVERSE_BINS = 20


@dataclass(eq=False)
class _Entry:
    """An episode in the buffer.

    Parameters
    ----------
    episode : Episode
    total_return : float
    start : int
        Index of its first row; rows stay in the order of their age.
    key : float
        Decides between equal returns; the lowest stays.
    """

    episode: Episode
    total_return: float
    start: int
    key: float


class ReplayBuffer:
    """Episodes in two parts, the kept and the diverse, with one training row for every step.

    Parameters
    ----------
    memory_size : int
        Episodes at most.
    keeps : {"best", "recent"}
        What the kept part holds.
    ties : {"newest", "random"}
        Which of equal returns stay among the best.
    diverse_share : float
        Share of `memory_size` whose episodes are spread over the returns seen: 20 bins of equal width take turns,
        each gives its newest.
    most_steps : int
        Steps of the most recent episodes at most; 0 sets no limit.
    worst_limit : int
        Episodes of the lowest return ever seen: among the best at most so many, or as many as there are better ones;
        among the diverse none. 0 sets no limit.
    generator : numpy.random.Generator, optional
        Draws random ties.

    Attributes
    ----------
    rows : float64 array of shape (n_stored, n_features)
        Training rows of the episodes that came in, some of which may have left; what is unused at its end is noise.
    actions, rewards : arrays of shape (n_stored,)
    starts : int64 array of shape (n_episodes,)
        Index of each episode's first row, in the order of `episodes`.
    lengths : int64 array of shape (n_episodes,)
        Steps of each episode.
    """

    def __init__(
        self,
        memory_size: int,
        *,
        keeps: Keeps = "best",
        ties: Ties = "newest",
        diverse_share: float = 0.0,
        most_steps: int = 0,
        worst_limit: int = 0,
        generator: np.random.Generator | None = None,
    ) -> None:
        if ties == "random" and generator is None:
            raise ValueError("random ties need a generator")
        self._n_diverse = round(memory_size * diverse_share)
        self._n_kept = memory_size - self._n_diverse
        self._keeps, self._most_steps, self._worst_limit = keeps, most_steps, worst_limit
        self._generator = generator if ties == "random" else None
        self._kept: list[_Entry] = []
        self._diverse: list[_Entry] = []
        self._lowest, self._most_to_go = np.inf, -np.inf
        self._used = 0
        self.rows = np.empty((0, 0))
        self.actions = np.empty(0, dtype=np.int64)
        self.rewards = np.empty(0)
        self.starts = self.lengths = np.empty(0, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._kept) + len(self._diverse)

    @property
    def n_kept(self) -> int:
        """Episodes of the kept part; the diverse ones follow behind."""
        return len(self._kept)

    @property
    def episodes(self) -> list[Episode]:
        """The kept episodes, best first, then the diverse ones."""
        return [entry.episode for entry in self._kept + self._diverse]

    @property
    def returns(self) -> NDArray[np.float64]:
        """Return of each episode, shape ``(n_episodes,)``."""
        return np.array([entry.total_return for entry in self._kept + self._diverse])

    @property
    def best_return_to_go(self) -> float:
        """Highest desired return that any training row ever held."""
        return float(self._most_to_go)

    def add(self, episodes: Sequence[Episode]) -> None:
        """Put `episodes` in, newest last, and drop what the parts have no room for."""
        self._make_room(episodes)
        new = [self._entry(episode) for episode in episodes][::-1]
        self._lowest = min(self._lowest, *(entry.total_return for entry in new))
        if self._keeps == "recent":
            # Kept newest first until here; sorted by return only where the best are asked for.
            candidates = new + sorted(self._kept + self._diverse, key=lambda entry: -entry.start)
            kept, rest = self._newest(candidates)
            kept.sort(key=lambda entry: -entry.total_return)
        else:
            candidates = new + self._kept + self._diverse
            candidates.sort(key=lambda entry: (-entry.total_return, entry.key))
            kept, rest = self._best(candidates)
        self._kept = kept
        if self._n_diverse:
            self._diverse = self._spread(rest)
        # A net draws rows a hundred times between two additions.
        entries = self._kept + self._diverse
        self.starts = np.array([entry.start for entry in entries], dtype=np.int64)
        self.lengths = np.array([len(entry.episode) for entry in entries], dtype=np.int64)

    def exploratory_range(self, last_few: int) -> tuple[float, float, float]:
        """Mean and standard deviation of return, and mean length, of the `last_few` best episodes of the kept part.

        Of the most recent episodes at most the best quarter.

        Exploratory commands ask for a return from ``U(mean, mean + std)`` within the mean length (Srivastava et
        al. 2019, section 2.3.1).
        """
        if self._keeps == "recent":
            last_few = max(min(last_few, len(self._kept) // 4), 1)
        best = self._kept[:last_few]
        returns = np.array([entry.total_return for entry in best])
        lengths = [len(entry.episode) for entry in best]
        return float(returns.mean()), float(returns.std()), float(np.mean(lengths))

    def practice_commands(self, n: int, generator: np.random.Generator) -> NDArray[np.float64]:
        """Commands that were met: returns drawn evenly between the lowest and the highest of the buffer.

        Returns
        -------
        float64 array of shape (n, 2)
            The horizon is the length of the episode whose return is nearest.
        """
        returns, lengths = self.returns, self.lengths
        asked = generator.uniform(returns.min(), returns.max(), size=n)
        nearest = np.abs(returns[None, :] - asked[:, None]).argmin(axis=1)
        return np.column_stack([asked, lengths[nearest].astype(np.float64)])

    def _newest(self, candidates: list[_Entry]) -> tuple[list[_Entry], list[_Entry]]:
        n = self._n_kept
        if self._most_steps:
            steps = np.cumsum([len(entry.episode) for entry in candidates[:n]])
            n = max(int(np.searchsorted(steps, self._most_steps, side="right")), 1)
        return candidates[:n], candidates[n:]

    def _best(self, candidates: list[_Entry]) -> tuple[list[_Entry], list[_Entry]]:
        if not self._worst_limit:
            return candidates[: self._n_kept], candidates[self._n_kept :]
        n_better = sum(entry.total_return > self._lowest for entry in candidates)
        n = min(self._n_kept, n_better + max(self._worst_limit, n_better))
        return candidates[:n], candidates[n:]

    def _spread(self, candidates: list[_Entry]) -> list[_Entry]:
        if self._worst_limit:
            candidates = [entry for entry in candidates if entry.total_return > self._lowest]
        if not candidates:
            return []
        returns = np.array([entry.total_return for entry in candidates])
        width = (returns.max() - returns.min()) / DIVERSE_BINS or 1.0
        bins = np.minimum(((returns - returns.min()) / width).astype(np.int64), DIVERSE_BINS - 1)
        newest = np.argsort([-entry.start for entry in candidates], kind="stable")
        turn = np.empty(len(candidates), dtype=np.int64)  # how many newer episodes its bin holds
        for number in np.unique(bins):
            mine = newest[bins[newest] == number]
            turn[mine] = np.arange(len(mine))
        order = np.lexsort((-bins, turn))[: self._n_diverse]
        return [candidates[i] for i in order]

    def _entry(self, episode: Episode) -> _Entry:
        start, end = self._used, self._used + len(episode)
        self.rows[start:end] = episode.hindsight_inputs()
        self.actions[start:end] = episode.actions
        self.rewards[start:end] = episode.rewards
        self._most_to_go = max(self._most_to_go, float(self.rows[start:end, RETURN_COLUMN].max()))
        self._used = end
        key = 0.0 if self._generator is None else float(self._generator.random())
        return _Entry(episode, episode.total_return, start, key)

    def _make_room(self, episodes: Sequence[Episode]) -> None:
        """Where the arrays are full, make new ones and move the rows of the living episodes to their front."""
        n_new = sum(len(episode) for episode in episodes)
        if self._used + n_new <= len(self.actions):
            return
        living = sorted(self._kept + self._diverse, key=lambda entry: entry.start)
        steps = [np.arange(entry.start, entry.start + len(entry.episode)) for entry in living]
        old = np.concatenate(steps) if steps else np.empty(0, dtype=np.int64)
        size = 2 * (len(old) + n_new)
        rows, actions, rewards = self.rows, self.actions, self.rewards
        self.rows = np.empty((size, episodes[0].inputs.shape[1]))
        self.actions, self.rewards = np.empty(size, dtype=np.int64), np.empty(size)
        self._used = len(old)
        if steps:
            self.rows[: len(old)], self.actions[: len(old)], self.rewards[: len(old)] = (
                rows[old], actions[old], rewards[old],
            )  # fmt: skip
            ends = np.cumsum([len(entry.episode) for entry in living])
            for entry, end in zip(living, ends.tolist(), strict=True):
                entry.start = end - len(entry.episode)
