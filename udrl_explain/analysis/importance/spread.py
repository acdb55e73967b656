"""Do several trainings agree on which inputs matter? Importances summarised over training seeds."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from udrl_explain.results import displayed
from udrl_explain.statistics.ranks import rank_correlation

COLUMNS = (
    "method", "feature", "is_command", "is_group", "mean", "std", "min", "max", "mean_rank", "rank_agreement", "n_runs",
)  # fmt: skip

METHOD = "mean, standard deviation and ranks over runs"


@dataclass(frozen=True, eq=False)
class MethodSpread:
    """One measure of importance over several runs.

    Parameters
    ----------
    method : str
    runs : tuple of str
        Names of the runs that have this measure.
    importance : float64 array of shape (n_runs, n_inputs)
        Inputs in the order of the frames, groups included.
    ranks : float64 array of shape (n_runs, n_inputs)
        1 for the largest single input, ties share their mean rank; NaN for groups.
    rank_agreement : float
        Mean Spearman correlation of the single inputs' ranks over all pairs of runs: 1 where all runs order them
        alike. NaN for a single run, or where a run ranks all inputs equal.
    """

    method: str
    runs: tuple[str, ...]
    importance: NDArray[np.float64]
    ranks: NDArray[np.float64]
    rank_agreement: float


@displayed
@dataclass(frozen=True, eq=False)
class ImportanceSpread:
    """Importances of the same inputs over several runs.

    Parameters
    ----------
    methods : tuple of MethodSpread
    features : tuple of str
        Inputs in the order of the frames, groups included.
    is_command, is_group : bool array of shape (n_inputs,)
    method : str
    exact : bool
        True: a summary of what the frames hold, without sampling.
    seed : None
        Nothing is drawn.
    """

    methods: tuple[MethodSpread, ...]
    features: tuple[str, ...]
    is_command: NDArray[np.bool_]
    is_group: NDArray[np.bool_]
    method: str = METHOD
    exact: bool = True
    seed: int | None = None

    def __post_init__(self) -> None:
        for spread in self.methods:
            if spread.importance.shape != (len(spread.runs), len(self.features)):
                raise ValueError(
                    f"importance of {spread.method!r} must have shape ({len(spread.runs)}, {len(self.features)}), "
                    f"got {spread.importance.shape}"
                )

    @property
    def n_rows(self) -> int:
        """Runs summarised."""
        return len({run for spread in self.methods for run in spread.runs})

    def to_frame(self) -> pd.DataFrame:
        """One row per measure and input, columns :data:`COLUMNS`; `std` has ddof 1 and is NaN for a single run."""
        frames = []
        for spread in self.methods:
            n_runs = len(spread.runs)
            std = spread.importance.std(axis=0, ddof=1) if n_runs > 1 else np.full(len(self.features), np.nan)
            columns = {
                "method": spread.method,
                "feature": list(self.features),
                "is_command": self.is_command,
                "is_group": self.is_group,
                "mean": spread.importance.mean(axis=0),
                "std": std,
                "min": spread.importance.min(axis=0),
                "max": spread.importance.max(axis=0),
                "mean_rank": spread.ranks.mean(axis=0),
                "rank_agreement": spread.rank_agreement,
                "n_runs": n_runs,
            }
            frames.append(pd.DataFrame(columns, columns=list(COLUMNS)))
        return pd.concat(frames, ignore_index=True)


def importance_spread(frames: Mapping[str, pd.DataFrame]) -> ImportanceSpread:
    """Summarise the importances of several runs, for instance trainings with other seeds.

    Parameters
    ----------
    frames : mapping of str to DataFrame
        Name of the run -> ``Importance.to_frame()``. A measure that a run does not have is summarised over the
        others; `n_runs` says over how many.

    Returns
    -------
    ImportanceSpread

    Raises
    ------
    ValueError
        If there is no frame with rows, or two frames do not hold the same inputs.
    """
    filled = {name: frame for name, frame in frames.items() if len(frame)}
    if not filled:
        raise ValueError(f"frames must hold at least one importance, got {len(frames)} frames without rows")
    labels = ["feature", "is_command", "is_group"]
    first = next(iter(filled.values()))
    expected = first.loc[first["method"] == first["method"].iloc[0], labels].reset_index(drop=True)
    found: dict[str, dict[str, NDArray[np.float64]]] = {}
    for name, frame in filled.items():
        for method, part in frame.groupby("method", sort=False):
            if not part[labels].reset_index(drop=True).equals(expected):
                raise ValueError(
                    f"frames must hold the same inputs: {name!r} has {list(part['feature'])} for {method!r}, "
                    f"expected {list(expected['feature'])}"
                )
            found.setdefault(str(method), {})[name] = part["importance"].to_numpy(dtype=np.float64)
    is_group = expected["is_group"].to_numpy(dtype=np.bool_)
    return ImportanceSpread(
        methods=tuple(_spread(method, runs, is_group) for method, runs in found.items()),
        features=tuple(expected["feature"]),
        is_command=expected["is_command"].to_numpy(dtype=np.bool_),
        is_group=is_group,
    )


def _spread(method: str, runs: Mapping[str, NDArray[np.float64]], is_group: NDArray[np.bool_]) -> MethodSpread:
    importance = np.stack(list(runs.values()))
    ranks = np.full(importance.shape, np.nan)
    ranks[:, ~is_group] = rankdata(-importance[:, ~is_group], axis=1)
    return MethodSpread(method, tuple(runs), importance, ranks, _agreement(ranks[:, ~is_group]))


def _agreement(ranks: NDArray[np.float64]) -> float:
    """Mean Spearman correlation over all pairs of runs."""
    correlations = [rank_correlation(a, b) for a, b in combinations(ranks, 2)]
    return float(np.mean(correlations)) if correlations else float("nan")
