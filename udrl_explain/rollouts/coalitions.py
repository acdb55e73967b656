"""Playing a policy that knows some of its inputs only: all coalitions on the same environment seeds."""

import uuid
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from udrl_explain.attributions.averaged import Averaging
from udrl_explain.environments import Lockstep
from udrl_explain.episodes import collect_episodes
from udrl_explain.parallel import in_processes
from udrl_explain.policies import Policy
from udrl_explain.rollouts.actors import greedy

COLUMNS = ("coalition", "environment_seed", "achieved_return", "length")
BATCHES = 32
"""Parts that the coalitions are played in: each is one piece of work for a process, and one that is never lost."""


def play_coalitions(
    policy: Policy,
    background: NDArray[np.float64],
    env_name: str,
    coalitions: Sequence[int],
    command: tuple[float, float] | None,
    seeds: Sequence[int],
    *,
    most_return: float = np.inf,
    n_jobs: int | None = None,
) -> Iterator[pd.DataFrame]:
    """Play every coalition greedily on every seed.

    Parameters
    ----------
    policy : Policy
    background : float64 array of shape (n_background, n_features)
        At every step the inputs that are not known are replaced by each of these rows, and the probabilities averaged.
    env_name : str
    coalitions : sequence of int
        Bit j says whether input j is known.
    command : (float, float) or None
        Desired return and horizon at the start of every episode; None for a policy that takes no command.
    seeds : sequence of int
        Of the environment: common random numbers, so that coalitions differ by nothing else.
    most_return : float
        See :func:`~udrl_explain.episodes.collect_episodes`.
    n_jobs : int, optional
        Processes; None takes all cores. Results do not depend on it.

    Yields
    ------
    DataFrame
        One row per coalition and episode, columns :data:`COLUMNS`; one frame per part, in the order of `coalitions`.
    """
    parts = np.array_split(np.asarray(coalitions), min(BATCHES, len(coalitions)))
    call = uuid.uuid4().hex
    play = partial(_play_part, call, policy, background, env_name, command, list(seeds), most_return)
    yield from in_processes(play, [part.tolist() for part in parts], n_jobs)
    _KEPT.clear()


_KEPT: dict[str, Averaging] = {}
"""What a process made for the call that it works for: counting the background costs more than many a part."""


def _play_part(
    call: str,
    policy: Policy,
    background: NDArray[np.float64],
    env_name: str,
    command: tuple[float, float] | None,
    seeds: list[int],
    most_return: float,
    coalitions: list[int],
) -> pd.DataFrame:
    environments = Lockstep(env_name)
    commands = None if command is None else np.tile(np.asarray(command, dtype=np.float64), (len(seeds), 1))
    if call not in _KEPT:
        _KEPT.clear()
        _KEPT[call] = Averaging(policy, background)
    averaging = _KEPT[call]
    frames = []
    with threadpool_limits(1):  # sums over several threads round differently
        for coalition in coalitions:
            actor = greedy(averaging.knowing(coalition))
            episodes = collect_episodes(environments, actor, commands, seeds, most_return=most_return)
            frames.append(
                pd.DataFrame(
                    {
                        "coalition": coalition,
                        "environment_seed": seeds,
                        "achieved_return": [episode.total_return for episode in episodes],
                        "length": [len(episode) for episode in episodes],
                    }
                )
            )
    environments.close()
    return pd.concat(frames, ignore_index=True)
