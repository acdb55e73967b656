"""What one training left behind, as an object; how it lies on disk is the business of ``runs``."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from udrl_explain.commands import COMMAND_NAMES
from udrl_explain.config import TrainConfig
from udrl_explain.episodes import Episode
from udrl_explain.policies import Policy
from udrl_explain.results import Playable, html_facts

TRAINING_COMMAND_COLUMNS = ("iteration", *COMMAND_NAMES, "achieved_return", "length")
PERFORMANCE_COLUMNS = ("coalition", "environment_seed", "achieved_return", "length")
SWEEP_COLUMNS = (*COMMAND_NAMES, "environment_seed", "achieved_return", "length")


@dataclass(frozen=True, eq=False, repr=False)
class Run(Playable):
    """One training: its settings, its policy and what was recorded.

    Parameters
    ----------
    config : TrainConfig
        Every setting resolved.
    directory : Path
    policy : Policy or None
        None where it was not stored or cannot be loaded safely; `policy_note` says why.
    policy_note : str
    feature_names, action_names : tuple of str
    train_returns, test_returns : float64 arrays of shape (n, 2)
        Mean and standard deviation of return per iteration, and per test.
    training_commands : DataFrame
        One row per training episode; columns ``TRAINING_COMMAND_COLUMNS``. NaN where a foreign run stored nothing.
    training_inputs : float64 array of shape (n_rows, n_features)
        Rows of the last fit, in natural units.
    training_actions : int64 array of shape (n_rows,)
    episodes : tuple of Episode
        The final evaluation, or the first episodes of it; empty where there was none.
    command_sweep : DataFrame
        One row per sweep episode; columns ``SWEEP_COLUMNS``.
    command_grid : DataFrame or None
        The same over a grid of returns and horizons, where one was made.
    performance : DataFrame or None
        Returns of episodes in which only a coalition of inputs was known, one row per coalition and episode; columns
        ``PERFORMANCE_COLUMNS``. None where they were not played.
    final_mean, final_std : float
        Of the final evaluation's returns; NaN where there was none.
    unkept_returns : float64 array of shape (n,)
        Returns of the final episodes that follow and whose steps were not kept.
    return_limit : float
        A desired return that runs down is kept at or below this while the policy is played; infinite where
        `clip_return` is false.
    versions : dict
        Of Python and the packages that made the run; empty where unknown.
    notes : tuple of str
        What a reader of the run must know, for instance that it was imported.
    written_by_paper_code : bool
    """

    config: TrainConfig
    directory: Path
    policy: Policy | None
    policy_note: str
    feature_names: tuple[str, ...]
    action_names: tuple[str, ...]
    train_returns: NDArray[np.float64]
    test_returns: NDArray[np.float64]
    training_commands: pd.DataFrame
    training_inputs: NDArray[np.float64]
    training_actions: NDArray[np.int64]
    episodes: tuple[Episode, ...]
    command_sweep: pd.DataFrame
    command_grid: pd.DataFrame | None
    final_mean: float
    final_std: float
    unkept_returns: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    return_limit: float = math.inf
    performance: pd.DataFrame | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    written_by_paper_code: bool = False

    def __repr__(self) -> str:
        return (
            f"Run({str(self.directory)!r}: {self.config.estimator_name} on {self.config.env_name}, "
            f"seed {self.config.seed}, {self._final_words()}, {self._policy_words()})"
        )

    def _repr_html_(self) -> str:
        command = f"return {self.config.final_desired_return}, horizon {self.config.final_desired_horizon}"
        facts = {
            "folder": self.directory,
            "environment": self.config.env_name,
            "estimator": self.config.estimator_name,
            "seed": self.config.seed,
            "iterations": len(self.train_returns),
            "result": self._final_words(),
            "final command": command,
            "policy": self._policy_words(),
            "inputs": ", ".join(self.feature_names),
            "actions": ", ".join(self.action_names),
            "rows of the last fit": len(self.training_inputs),
            "sweep episodes": len(self.command_sweep),
        }
        return html_facts("Run", facts)

    def _final_words(self) -> str:
        if self.n_final == 0:
            return "no final evaluation"
        return f"final return {self.final_mean:.4g} ± {self.final_std:.3g} over {self.n_final} episodes"

    def _policy_words(self) -> str:
        return "policy loaded" if self.has_policy else f"no policy: {' '.join(self.policy_note.split())}"

    @property
    def has_policy(self) -> bool:
        """Whether there is a policy; else `policy_note` says why not."""
        return self.policy is not None

    @property
    def experiment(self) -> str:
        """Name of the experiment's folder."""
        return self.directory.parent.name

    @cached_property
    def final_returns(self) -> NDArray[np.float64]:
        """Return of each final episode, shape ``(n_episodes,)``."""
        return np.concatenate([[episode.total_return for episode in self.episodes], self.unkept_returns])

    @property
    def n_final(self) -> int:
        """Episodes of the final evaluation, also where only their mean is stored."""
        if len(self.final_returns):
            return len(self.final_returns)
        return self.config.final_testing_sample if np.isfinite(self.final_mean) else 0
