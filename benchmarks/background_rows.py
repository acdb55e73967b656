"""How far the Shapley values of nets are from those against all rows of the last fit, by which few stand for these.

Support points against as many rows at random and four times as many, on states that the reports explain. Run:
``python benchmarks/background_rows.py`` (some minutes; LunarLander's nets take most of it).
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from udrl_explain import load_run
from udrl_explain.attributions.dispatch import attribute
from udrl_explain.policies import Policy
from udrl_explain.probes import STRATIFIED, choose_probes
from udrl_explain.report.context import n_standing
from udrl_explain.statistics.support_points import support_points

N_STATES, N_DRAWS = 12, 5


def root_mean_square(values: NDArray[np.float64]) -> float:
    """Over all states, inputs and actions."""
    return float(np.sqrt(np.mean(values**2)))


def errors(policy: Policy, states: NDArray[np.float64], rows: NDArray[np.float64], n: int) -> tuple[float, ...]:
    """Size of the values against all rows, and how far others are: `n` support points, `n` and ``4 n`` random rows."""
    truth = attribute(policy, states, rows).values

    def error(places: NDArray[np.intp]) -> float:
        return root_mean_square(attribute(policy, states, rows[places]).values - truth)

    def at_random(size: int) -> float:
        draws = [np.random.default_rng(seed).choice(len(rows), size, replace=False) for seed in range(N_DRAWS)]
        return float(np.sqrt(np.mean([error(places) ** 2 for places in draws])))

    return root_mean_square(truth), error(support_points(rows, n)), at_random(n), at_random(4 * n)


def main() -> None:
    """Print one line per net of ``data/``."""
    print("net  n  size of values  support points  random  4 n random")
    for env_name in ("CartPole-v0", "Acrobot-v1", "LunarLander-v3"):
        for folder in sorted((Path(__file__).parents[1] / "data" / env_name / "estimator_name-neural").iterdir()):
            run = load_run(folder)
            assert run.policy is not None
            n = n_standing(run.policy)
            probes = choose_probes(run, seed=0)
            states = probes.inputs[probes.of_kind(STRATIFIED)]
            states = states[np.linspace(0, len(states) - 1, N_STATES).astype(int)]
            found = errors(run.policy, states, run.training_inputs, n)
            print(f"{env_name}/{folder.name}  {n}  " + "  ".join(f"{error:.4f}" for error in found))


if __name__ == "__main__":
    main()
