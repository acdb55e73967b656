"""One integer seed, separate random streams: nothing in this package touches global random state."""

from dataclasses import dataclass

import numpy as np

_MOST = 1 << 30
_VALIDATION = 1 << 31


@dataclass(frozen=True)
class Streams:
    """The independent streams of one training.

    Parameters
    ----------
    environments, exploration, estimator : numpy.random.Generator
    tests, final, sweep : numpy.random.Generator
        Evaluation: the periodic tests, the final test and the command sweep.
    validation : numpy.random.Generator
        Choosing a policy and its command.
    performance : numpy.random.Generator
        Playing a policy that knows some of its inputs only.
    """

    environments: np.random.Generator
    exploration: np.random.Generator
    estimator: np.random.Generator
    tests: np.random.Generator
    final: np.random.Generator
    sweep: np.random.Generator
    validation: np.random.Generator
    performance: np.random.Generator


def streams(seed: int) -> Streams:
    """Spawn the streams of a training from its one seed."""
    environments, exploration, estimator, evaluation = np.random.SeedSequence(seed).spawn(4)
    parts = (environments, exploration, estimator, *evaluation.spawn(5))
    return Streams(*(np.random.default_rng(part) for part in parts))


def training_seeds(generator: np.random.Generator, n: int) -> list[int]:
    """Environment seeds for training: even numbers, so that no evaluation ever replays a training episode."""
    return [2 * int(number) for number in generator.integers(_MOST, size=n)]


def evaluation_seeds(generator: np.random.Generator, n: int) -> list[int]:
    """Environment seeds for evaluation: odd numbers."""
    return [2 * int(number) + 1 for number in generator.integers(_MOST, size=n)]


def validation_seeds(generator: np.random.Generator, n: int) -> list[int]:
    """Environment seeds for choosing a policy: from 2**31 on, which neither training nor evaluation reaches."""
    return [_VALIDATION + int(number) for number in generator.integers(_MOST, size=n)]
