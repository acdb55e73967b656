"""Coverage of 95 % intervals of the probability of improvement, and of the difference of means, by number of seeds.

Both samples have as many seeds. ``normal``: two normal distributions of equal spread, so far apart that one beats the
other with the probability of the heading. ``ceiling``: the better one mostly stands at 200, as where an environment
gives no more. Run: ``python benchmarks/improvement_coverage.py``.
"""

import argparse

import numpy as np
from scipy.stats import norm

from udrl_explain.statistics.pairs import difference_of_means, probability_of_improvement

PROBABILITIES = (0.5, 0.75, 0.9, 0.99)


def _ceiling(generator: np.random.Generator, n: int, centre: float) -> np.ndarray:
    return np.minimum(200.0, generator.normal(centre, 10.0, n))


def _truths(centre_a: float, centre_b: float) -> tuple[float, float]:
    """Probability of improvement and difference of means of two cut normals, from a million draws."""
    generator = np.random.default_rng(99)
    a, b = _ceiling(generator, 10**6, centre_a), _ceiling(generator, 10**6, centre_b)
    return float((a > b).mean() + (a == b).mean() / 2), float(a.mean() - b.mean())


def main() -> None:
    """Print the shares of intervals that hold the truth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1500)
    trials = parser.parse_args().trials
    generator = np.random.default_rng(0)
    cases = [
        (f"normal {p:g}", np.sqrt(2) * norm.ppf(p), p, np.sqrt(2) * norm.ppf(p)) for p in PROBABILITIES
    ]  # name, shift, probability, difference
    centres = (205.0, 190.0)
    ceiling = ("ceiling", None, *_truths(*centres))
    print("seeds  case          truth  improvement  difference")
    for n in (2, 3, 5, 10, 20):
        for name, shift, truth, gap in [*cases, ceiling]:
            held = np.zeros(2)
            for _ in range(trials):
                if shift is None:
                    a, b = _ceiling(generator, n, centres[0]), _ceiling(generator, n, centres[1])
                else:
                    a, b = generator.normal(shift, 1, n), generator.normal(0, 1, n)
                first, second = probability_of_improvement(a, b), difference_of_means(a, b)
                held += (first.low <= truth <= first.high, second.low <= gap <= second.high)
            shares = held / trials
            print(f"{n:5}  {name:12}  {truth:.3f}  {shares[0]:11.3f}  {shares[1]:10.3f}")


if __name__ == "__main__":
    main()
