"""Which experiment is better, and how certain is that with so few seeds? Every pair, corrected over the whole table."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from udrl_explain.results import Drawn, displayed
from udrl_explain.statistics.aggregates import covered_share, interquartile_mean, performance_profile
from udrl_explain.statistics.intervals import SEEDS, Interval, coverage_note, mean_interval
from udrl_explain.statistics.pairs import PairResult, difference_of_means, holm, probability_of_improvement
from udrl_explain.statistics.published_returns import PublishedReturn, published_return
from udrl_explain.statistics.resampling import N_RESAMPLES
from udrl_explain.statistics.run_groups import GROUP_COLUMNS, LearningRun, RunGroup, grouped_runs

COLUMNS = (
    *GROUP_COLUMNS, "n_seeds", "mean", "median", "iqm", "low", "high", "std_between", "std_within", "lowest", "highest",
    "covered_share", "best", "published_mean", "published_std", "published_source", "published_note", "method",
    "coverage", "exact", "bootstrap_seed",
)  # fmt: skip
IMPROVEMENT_COLUMNS = (
    "env_name", "label_a", "label_b", "n_seeds_a", "n_seeds_b", "probability", "low", "high", "p", "p_holm",
    "difference", "difference_low", "difference_high", "difference_p", "difference_p_holm", "n_comparisons",
)  # fmt: skip
PROFILE_COLUMNS = ("env_name", "label", "n_seeds", "level", "share", "low", "high")
SEED_COLUMNS = (*GROUP_COLUMNS, "seed", "mean", "std")
ALPHA = 0.05
"""A difference counts where its corrected p value is below this."""

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Experiment:
    """Final returns of one experiment.

    Parameters
    ----------
    group : RunGroup
        Of its runs, those that had a final evaluation count.
    interval : Interval
        Of the mean, for other training seeds.
    """

    group: RunGroup
    interval: Interval

    @property
    def evaluated(self) -> tuple[LearningRun, ...]:
        """The runs that had a final evaluation."""
        return tuple(run for run in self.group.runs if run.n_final > 0)

    @property
    def scores(self) -> FloatArray:
        """Mean final return of each seed."""
        return np.array([run.final_mean for run in self.evaluated], dtype=np.float64)

    @property
    def std_within(self) -> float:
        """Root of the mean variance of one seed's final episodes (ddof 0)."""
        return float(np.sqrt(np.mean([run.final_std**2 for run in self.evaluated]))) if self.evaluated else np.nan

    @property
    def published(self) -> PublishedReturn | None:
        """What the paper reports for the environment and estimator, if we know it."""
        config = [(run.config.final_desired_return, run.config.final_desired_horizon) for run in self.evaluated]
        command = config[0] if len(set(config)) == 1 and None not in config[0] else (np.nan, np.nan)
        return published_return(self.group.env_name, self.group.estimator_name, command)  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Pair:
    """Two experiments of one environment.

    Parameters
    ----------
    a, b : int
        Their places among the experiments.
    improvement, difference : PairResult
        Probability that a seed of `a` beats one of `b`; difference of their means.
    improvement_p, difference_p : float
        p values corrected over all pairs of the comparison.
    """

    a: int
    b: int
    improvement: PairResult
    difference: PairResult
    improvement_p: float
    difference_p: float


@displayed
@dataclass(frozen=True, eq=False)
class SeedComparison(Drawn):
    """Experiments of one or more environments, each pair of one environment against each other.

    Parameters
    ----------
    experiments : tuple of Experiment
        Sorted by environment, label, experiment.
    pairs : tuple of Pair
        Every two experiments of one environment once, the earlier first.
    seed, n_resamples : int
        Of the bootstrap, which serves from ten seeds on.
    method : str
        How the intervals and the p values were made.
    exact : bool
        False: intervals are estimates. The p values of improvements are counted out.
    """

    experiments: tuple[Experiment, ...]
    pairs: tuple[Pair, ...]
    seed: int
    n_resamples: int
    method: str
    exact: bool = False

    @property
    def n_rows(self) -> int:
        """Runs that had a final evaluation."""
        return sum(len(one.evaluated) for one in self.experiments)

    @property
    def n_comparisons(self) -> int:
        """Tests over which p values are corrected: pairs with at least two seeds on either side."""
        return sum(not np.isnan(pair.improvement.p) for pair in self.pairs)

    def best(self, env_name: str) -> str | None:
        """Label of the experiment whose mean is highest, if the corrected comparisons carry that; else None.

        They do where its seeds beat those of every other experiment that was evaluated there: probability of
        improvement above one half, corrected p below :data:`ALPHA`. With a single experiment there is no best.
        """
        here = [i for i, one in enumerate(self.experiments) if one.group.env_name == env_name and one.evaluated]
        if len(here) < 2:
            return None
        first = max(here, key=lambda i: float(self.experiments[i].scores.mean()))
        return self.experiments[first].group.label if all(self.beats(first, i) for i in here if i != first) else None

    def beats(self, one: int, other: int) -> bool:
        """Whether the corrected comparison says that seeds of an experiment beat those of another, by their places."""
        for pair in self.pairs:
            if {pair.a, pair.b} == {one, other}:
                above = pair.improvement.value > 0.5 if pair.a == one else pair.improvement.value < 0.5
                return above and pair.improvement_p < ALPHA
        return False

    def to_frame(self) -> pd.DataFrame:
        """One row per experiment, columns :data:`COLUMNS`; NaN where no run was evaluated."""
        best = {name: self.best(name) for name in dict.fromkeys(one.group.env_name for one in self.experiments)}
        rows = [self._row(one, best[one.group.env_name] == one.group.label) for one in self.experiments]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def _row(self, one: Experiment, best: bool) -> dict[str, object]:
        scores, published = one.scores, one.published
        some = len(scores) > 0
        return {
            **one.group.key,
            "n_seeds": len(scores),
            "mean": float(scores.mean()) if some else np.nan,
            "median": float(np.median(scores)) if some else np.nan,
            "iqm": interquartile_mean(scores) if some else np.nan,
            "low": one.interval.low,
            "high": one.interval.high,
            "std_between": float(scores.std(ddof=1)) if len(scores) > 1 else np.nan,
            "std_within": one.std_within,
            "lowest": float(scores.min()) if some else np.nan,
            "highest": float(scores.max()) if some else np.nan,
            "covered_share": covered_share(len(scores)) if some else np.nan,
            "best": best,
            "published_mean": published.mean if published else np.nan,
            "published_std": published.std if published else np.nan,
            "published_source": f"{published.source}, {published.env_name}" if published else "",
            "published_note": published.note if published else "",
            "method": one.interval.words,
            "coverage": coverage_note(len(scores), SEEDS) if some else "",
            "exact": self.exact,
            "bootstrap_seed": self.seed,
        }

    def improvement_frame(self) -> pd.DataFrame:
        """Two rows per pair, one each way, columns :data:`IMPROVEMENT_COLUMNS`; the first named is to be the better."""
        rows = []
        for pair in self.pairs:
            a, b = self.experiments[pair.a], self.experiments[pair.b]
            up, gap = pair.improvement, pair.difference
            # From the other side: the complement, and the difference with its sign turned.
            down = PairResult(1 - up.value, 1 - up.high, 1 - up.low, up.p)
            back = PairResult(-gap.value, -gap.high, -gap.low, gap.p)
            for first, second, better, more in ((a, b, up, gap), (b, a, down, back)):
                rows.append(
                    (first.group.env_name, first.group.label, second.group.label, len(first.scores),
                     len(second.scores), better.value, better.low, better.high, better.p, pair.improvement_p,
                     more.value, more.low, more.high, more.p, pair.difference_p, self.n_comparisons)
                )  # fmt: skip
        return pd.DataFrame(rows, columns=list(IMPROVEMENT_COLUMNS))

    def profile_frame(self) -> pd.DataFrame:
        """Share of seeds above each return that occurs in their environment, columns :data:`PROFILE_COLUMNS`."""
        rows = []
        for one in self.experiments:
            if not one.evaluated:
                continue
            here = [other.scores for other in self.experiments if other.group.env_name == one.group.env_name]
            profile = performance_profile(one.scores, np.unique(np.concatenate(here)))
            for level, share, low, high in zip(*profile, strict=True):
                rows.append((one.group.env_name, one.group.label, len(one.scores), level, share, low, high))
        return pd.DataFrame(rows, columns=list(PROFILE_COLUMNS))

    def by_seed(self) -> pd.DataFrame:
        """One row per run that was evaluated, columns :data:`SEED_COLUMNS`."""
        rows = [
            one.group.key | {"seed": run.config.seed, "mean": run.final_mean, "std": run.final_std}
            for one in self.experiments
            for run in one.evaluated
        ]
        return pd.DataFrame(rows, columns=list(SEED_COLUMNS))


def seed_comparison(
    runs: Iterable[LearningRun] | LearningRun, *, seed: int = 0, n_resamples: int = N_RESAMPLES
) -> SeedComparison:
    """Compare the final returns of experiments, seed against seed.

    Parameters
    ----------
    runs : iterable of LearningRun, or one of them
        Loaded runs, or those of ``study.csv`` (``udrl_explain.studying.table.runs_of_table``), in any order; they are
        grouped by environment, experiment folder and estimator. Those without a final evaluation do not count.
    seed : int
        Of the bootstrap, which serves from ten seeds on.
    n_resamples : int

    Returns
    -------
    SeedComparison

    Raises
    ------
    ValueError
        If there is no run, something is no run, or an experiment holds a seed twice.

    Notes
    -----
    - A seed is one observation: the mean return of its final episodes. More episodes make it sharper, not more.
    - Mean and its interval: ``statistics.intervals``; `coverage` says how often such an interval holds the truth.
      Median; interquartile mean over seeds (Agarwal et al. 2021, arXiv 2108.13264), which below four seeds is the mean.
    - The band from the lowest to the highest seed covers at least `covered_share` of all seeds with 95 % confidence.
    - Pairs: probability of improvement with an interval that covers in 90 to 98 % of simulated cases with three seeds,
      94 to 98 % from five on (``benchmarks/improvement_coverage.py``), and the difference of means
      (``statistics.pairs``). Each kind of p value is corrected by Holm over all pairs of all environments given.
    - Intervals are those of one experiment, or one pair, by itself. Not so `best`: it rests on corrected p values. With
      three seeds a side no exact p lies below 0.1, so nothing can be best there.
    """
    groups = grouped_runs(runs)
    experiments = tuple(_experiment(group, seed, n_resamples) for group in groups)
    places = [
        (i, j)
        for i, j in combinations(range(len(groups)), 2)
        if groups[i].env_name == groups[j].env_name and experiments[i].evaluated and experiments[j].evaluated
    ]
    up = [probability_of_improvement(experiments[i].scores, experiments[j].scores) for i, j in places]
    gap = [difference_of_means(experiments[i].scores, experiments[j].scores) for i, j in places]
    corrected = zip(holm([one.p for one in up]).tolist(), holm([one.p for one in gap]).tolist(), strict=True)
    pairs = tuple(
        Pair(i, j, better, more, *p) for (i, j), better, more, p in zip(places, up, gap, corrected, strict=True)
    )
    words = dict.fromkeys(one.interval.words for one in experiments)
    method = f"{'; '.join(words)}; pairs: Newcombe's interval and exact rank-sum p, Welch's t; p corrected by Holm"
    return SeedComparison(experiments, pairs, seed, n_resamples, method)


def _experiment(group: RunGroup, seed: int, n_resamples: int) -> Experiment:
    scores = np.array([run.final_mean for run in group.runs if run.n_final > 0])
    if len(scores) == 0:
        return Experiment(group, Interval(np.nan, np.nan, "no final evaluation"))
    return Experiment(group, mean_interval(scores, SEEDS, n_resamples=n_resamples, seed=seed))
