"""Coverage of 95 % intervals of a mean: how often they hold the true mean, by number of seeds and distribution.

Every interval is the package's own code. ``rule`` is what the package uses: Student's t below ten seeds, from ten on
the studentised bootstrap, BCa where that has no value. Samples without any variation get no interval and are left out,
as in the tables. Width: median over that of Student's t. Run: ``python benchmarks/interval_coverage.py``.
"""

import argparse
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student

from udrl_explain.statistics.bootstrap import bca_interval, mean_resamples, percentile_interval, studentised_interval
from udrl_explain.statistics.clusters import cluster_values
from udrl_explain.statistics.intervals import EPISODES_OF_ONE, SEEDS, mean_interval

FloatArray = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, int]], FloatArray]
METHODS = ("percentile", "t", "BCa", "studentised", "rule")


def normal(generator: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    """Mean 0."""
    return generator.normal(size=shape)


def lognormal(generator: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    """Skewed; mean exp(1/2)."""
    return generator.lognormal(size=shape)


def bimodal(generator: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    """Trainings that work or do not, equally likely, ten standard deviations apart; mean 2.5."""
    return 5.0 * (generator.random(shape) < 0.5) + 0.5 * generator.normal(size=shape)


def ceiling(generator: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    """Returns that cannot exceed 200: normal around 210, spread 20, cut; about 7 of 10 stand at 200."""
    return np.minimum(200.0, generator.normal(210.0, 20.0, size=shape))


_Z = (200 - 210) / 20
KINDS: dict[str, tuple[Draw, float]] = {
    "normal": (normal, 0.0),
    "lognormal": (lognormal, math.exp(0.5)),
    "bimodal": (bimodal, 2.5),
    "ceiling": (ceiling, 200 - (-10 * norm.cdf(_Z) + 20 * norm.pdf(_Z))),
}


def intervals(samples: FloatArray, n_resamples: int) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Ends by method, for samples of shape ``(n_units, n_trials)`` that vary."""
    resamples = mean_resamples([samples], n_resamples=n_resamples, seed=0)
    reach = student.ppf(0.975, len(samples) - 1) * resamples.error
    rule = mean_interval(samples, SEEDS, n_resamples=n_resamples, seed=0)
    return {
        "percentile": percentile_interval(resamples.means),
        "t": (resamples.mean - reach, resamples.mean + reach),
        "BCa": bca_interval(resamples),
        "studentised": studentised_interval(resamples),
        "rule": (rule.low, rule.high),
    }


def coverage(
    draw: Draw, truth: float, n_units: int, n_trials: int, n_resamples: int, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Share of intervals that hold the truth, and median width over that of Student's t, by method."""
    generator = np.random.default_rng(seed)
    held: dict[str, list[FloatArray]] = {method: [] for method in METHODS}
    width: dict[str, list[FloatArray]] = {method: [] for method in METHODS}
    for _ in range(n_trials // 200):
        samples = draw(generator, (n_units, 200))
        samples = samples[:, np.ptp(samples, axis=0) > 0]
        for method, (low, high) in intervals(samples, n_resamples).items():
            held[method].append((low <= truth) & (truth <= high))
            width[method].append(high - low)
    scale = float(np.median(np.concatenate(width["t"])))
    return {
        method: (float(np.concatenate(held[method]).mean()), float(np.median(np.concatenate(width[method]))) / scale)
        for method in METHODS
    }


def clustered_coverage(n_episodes: int, n_trials: int, n_resamples: int, seed: int = 0) -> tuple[float, float]:
    """Coverage of the mean of rows whose episodes differ as much as their rows: rows as units, and episodes."""
    generator = np.random.default_rng(seed)
    held = np.zeros(2)
    for _ in range(n_trials):
        clusters = np.repeat(np.arange(n_episodes), generator.integers(20, 61, size=n_episodes))
        rows = (generator.normal(size=n_episodes)[clusters] + generator.normal(size=len(clusters)))[:, None]
        for place, values in enumerate((rows, cluster_values(rows, clusters))):
            low, high, _words = mean_interval(values, EPISODES_OF_ONE, n_resamples=n_resamples, seed=0)
            held[place] += low[0] <= 0 <= high[0]
    by_row, by_episode = held / n_trials
    return float(by_row), float(by_episode)


def main() -> None:
    """Print coverage (and width) by distribution and number of seeds; then of rows that come in episodes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=4000)
    parser.add_argument("--resamples", type=int, default=2000)
    options = parser.parse_args()
    print(f"{options.trials} trials, {options.resamples} resamples: coverage (median width over that of t)")
    print("seeds kind      " + "".join(f"{method:>16}" for method in METHODS))
    for n_units in (3, 5, 10, 20):
        for kind, (draw, truth) in KINDS.items():
            found = coverage(draw, truth, n_units, options.trials, options.resamples)
            cells = "".join(f"{found[method][0]:9.3f} ({found[method][1]:4.2f})" for method in METHODS)
            print(f"{n_units:5d} {kind:<10s}{cells}", flush=True)
    print("rows in episodes: coverage with rows as units, with episodes as units")
    for n_episodes in (3, 5, 10, 20):
        by_row, by_episode = clustered_coverage(n_episodes, options.trials // 10, options.resamples // 4)
        print(f"{n_episodes:5d} episodes   {by_row:.3f}   {by_episode:.3f}", flush=True)


if __name__ == "__main__":
    main()
