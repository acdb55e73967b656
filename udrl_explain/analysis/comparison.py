"""Two policies on the same rows: where do they act differently, and which inputs set them apart there?

In a row where `a` takes action i and `b` action j, the *lead* of i over j is the difference of their probabilities: at
or above 0 in `a`, at or below 0 in `b`. Shapley values of the lead, for both policies over one and the same background,
say what each input adds to it; where an input adds much in `a` and little (or the contrary) in `b`, it sets them apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from udrl_explain.analysis.explanation.words import number
from udrl_explain.analysis.shapley import ShapleyValues, shapley_values
from udrl_explain.attributions.enumeration import LEAST_BACKGROUND
from udrl_explain.commands import checked_inputs, n_observations
from udrl_explain.names import estimator_label
from udrl_explain.policies import Policy, greedy_actions, is_mean_of_trees
from udrl_explain.policies.of_runs import N_ROWS, PolicyOwner, episode_rows, evenly_chosen, policy_and_background
from udrl_explain.results import Drawn, displayed
from udrl_explain.statistics.intervals import EPISODES, strata_interval
from udrl_explain.statistics.support_points import support_points

COLUMNS = (
    "row", "action_a", "action_name_a", "action_b", "action_name_b", "differs", "variation", "feature", "is_command",
    "feature_value", "lead_a", "lead_b", "difference", "name_a", "name_b", "method", "exact", "n_background", "seed",
)  # fmt: skip
WHY_COLUMNS = (
    "feature", "is_command", "lead_a", "lead_b", "difference", "mean_abs_difference", "n_rows_differing", "n_rows",
    "name_a", "name_b", "method", "exact", "n_background", "seed",
)  # fmt: skip
SUMMARY_COLUMNS = (
    "name_a", "name_b", "n_rows", "n_rows_differing", "share_differing", "mean_variation", "return_a", "return_b",
    "return_difference", "return_low", "return_high", "return_interval", "method", "exact", "n_background", "seed",
)  # fmt: skip
_TOLD = 2


@displayed
@dataclass(frozen=True, eq=False)
class Comparison(Drawn):
    """Two policies on the same rows.

    Parameters
    ----------
    a, b : ShapleyValues
        Of the same rows, over the same background.
    names : (str, str)
    returns_a, returns_b : float64 array of shape (n_episodes,), or None
        Of the final episodes; None where a policy was given, or a run has none.
    method : str
    exact : bool
        Whether the Shapley values of both are exact.
    seed : int
        Of the interval of returns.

    Raises
    ------
    ValueError
        If the values are not of the same rows, or the names are the same.
    """

    a: ShapleyValues = field(repr=False)
    b: ShapleyValues = field(repr=False)
    names: tuple[str, str]
    returns_a: NDArray[np.float64] | None
    returns_b: NDArray[np.float64] | None
    method: str
    exact: bool
    seed: int

    def __post_init__(self) -> None:
        if self.names[0] == self.names[1]:
            raise ValueError(f"names must be two different ones, got {self.names[0]!r} twice")
        if not np.array_equal(self.a.inputs, self.b.inputs):
            raise ValueError("the values of two policies must be of the same rows")

    @property
    def n_rows(self) -> int:
        """Rows on which both were asked."""
        return self.a.n_rows

    @property
    def n_background(self) -> int:
        """Background rows averaged over; 0 for the path-dependent game."""
        return self.a.n_background

    @property
    def actions(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Most probable actions of `a` and of `b`, shape ``(n_rows,)`` each."""
        return greedy_actions(self.a.outputs), greedy_actions(self.b.outputs)

    @property
    def differs(self) -> NDArray[np.bool_]:
        """Rows in which they act differently, shape ``(n_rows,)``."""
        mine, theirs = self.actions
        return np.asarray(mine != theirs)

    @property
    def variation(self) -> NDArray[np.float64]:
        """Total variation between their action distributions, shape ``(n_rows,)``: 0 alike, 1 nothing in common."""
        return np.asarray(np.abs(self.a.outputs - self.b.outputs).sum(axis=1) / 2)

    @property
    def leads(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What each input adds to the lead of `a`'s action over `b`'s, in `a` and in `b`.

        Shape ``(n_rows, n_features)`` each; 0 where they act alike. With the base values' lead they add up to that of
        the probabilities.
        """
        rows = np.arange(self.n_rows)
        mine, theirs = self.actions
        leads = [v.values[rows, :, mine] - v.values[rows, :, theirs] for v in (self.a, self.b)]
        return leads[0], leads[1]

    @property
    def sentence(self) -> str:
        """The comparison in words; every number in it stands in the tables too."""
        one, other = self.names
        n = int(self.differs.sum())
        text = f"{one} and {other} act differently in {n} of {self.n_rows} rows"
        if n:
            first = self.why_frame().head(_TOLD)
            told = [
                f"{name.replace('_', ' ')} ({size:.2f})"
                for name, size in zip(first["feature"], first["mean_abs_difference"], strict=True)
            ]
            text += f"; there {' and '.join(told)} set them apart most"
        line = self.summary_frame().iloc[0]
        if np.isfinite(line["return_difference"]):
            text += f"; final return {number(line['return_a'], 4)} against {number(line['return_b'], 4)}"
        if np.isfinite(line["return_low"]):
            between = f"{number(line['return_low'])} to {number(line['return_high'])}"
            text += f", difference {number(line['return_difference'])} (95 % interval over episodes {between})"
        return f"{text}."

    def top(self, k: int = 3) -> pd.DataFrame:
        """Return the `k` inputs that set them apart most, as :meth:`why_frame` has them."""
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        return self.why_frame().head(k)

    def to_frame(self) -> pd.DataFrame:
        """One row per row and input, columns :data:`COLUMNS`; `lead_a`, `lead_b` are 0 where they act alike."""
        n_rows, n_features = self.a.inputs.shape
        row, column = (index.ravel() for index in np.indices((n_rows, n_features)))
        actions = np.array(self.a.action_names, dtype=object)
        mine, theirs = self.actions
        lead_a, lead_b = self.leads
        columns = {
            "row": row,
            "action_a": mine[row],
            "action_name_a": actions[mine[row]],
            "action_b": theirs[row],
            "action_name_b": actions[theirs[row]],
            "differs": self.differs[row],
            "variation": self.variation[row],
            "feature": np.array(self.a.feature_names, dtype=object)[column],
            "is_command": column >= n_observations(self.a.feature_names),
            "feature_value": self.a.inputs.ravel(),
            "lead_a": lead_a.ravel(),
            "lead_b": lead_b.ravel(),
            "difference": (lead_a - lead_b).ravel(),
            **self._provenance(),
        }
        return pd.DataFrame(columns, columns=list(COLUMNS))

    def why_frame(self) -> pd.DataFrame:
        """One row per input, means over the rows in which they act differently, columns :data:`WHY_COLUMNS`.

        The input that sets them apart most stands first. Empty where they act alike everywhere.
        """
        differs = self.differs
        lead_a, lead_b = (lead[differs] for lead in self.leads)
        if not differs.any():
            return pd.DataFrame(columns=list(WHY_COLUMNS))
        size = np.abs(lead_a - lead_b).mean(axis=0)
        order = np.argsort(-size, kind="stable")
        columns = {
            "feature": np.array(self.a.feature_names, dtype=object)[order],
            "is_command": order >= n_observations(self.a.feature_names),
            "lead_a": lead_a.mean(axis=0)[order],
            "lead_b": lead_b.mean(axis=0)[order],
            "difference": (lead_a - lead_b).mean(axis=0)[order],
            "mean_abs_difference": size[order],
            "n_rows_differing": int(differs.sum()),
            "n_rows": self.n_rows,
            **self._provenance(),
        }
        return pd.DataFrame(columns, columns=list(WHY_COLUMNS))

    def summary_frame(self) -> pd.DataFrame:
        """One row, columns :data:`SUMMARY_COLUMNS`; returns in reward, NaN where they are not known."""
        means = [np.nan if returns is None else float(returns.mean()) for returns in (self.returns_a, self.returns_b)]
        low, high, words = np.nan, np.nan, ""
        if self.returns_a is not None and self.returns_b is not None:
            # The mean of these two is the difference of the returns' means.
            low, high, words = strata_interval([2 * self.returns_a, -2 * self.returns_b], EPISODES, seed=self.seed)
        row = {
            "n_rows": self.n_rows,
            "n_rows_differing": int(self.differs.sum()),
            "share_differing": float(self.differs.mean()),
            "mean_variation": float(self.variation.mean()),
            "return_a": means[0],
            "return_b": means[1],
            "return_difference": means[0] - means[1],
            "return_low": float(low),
            "return_high": float(high),
            "return_interval": str(words),
            **self._provenance(),
        }
        return pd.DataFrame([row], columns=list(SUMMARY_COLUMNS))

    def _provenance(self) -> dict[str, object]:
        return {
            "name_a": self.names[0],
            "name_b": self.names[1],
            "method": self.method,
            "exact": self.exact,
            "n_background": self.n_background,
            "seed": self.seed,
        }


def compare(
    a: PolicyOwner | Policy,
    b: PolicyOwner | Policy,
    inputs: ArrayLike | None = None,
    *,
    background: ArrayLike | None = None,
    names: tuple[str, str] | None = None,
    seed: int = 0,
    n_jobs: int | None = None,
) -> Comparison:
    """Compare two policies, or the policies of two runs, on the same rows.

    Parameters
    ----------
    a, b : Run or Policy
        With the same inputs and actions. Never modified.
    inputs : array_like of shape (n_rows, n_features), optional
        Of two runs by default up to 200 rows of their final episodes, evenly chosen, as many of each.
    background : array_like of shape (n_background, n_features), optional
        For both policies. Of two runs by default all rows of their last fits where both are forests that average;
        else up to 64 of each, support points, which stand for all.
        None, of policies: the path-dependent game, in which each forest follows the rows of its own training.
    names : (str, str), optional
        Of two runs by default their estimators, or where these agree experiment and seed; else "a" and "b".
    seed : int
        Of the interval of the difference of returns, and of the candidates for a background among very many rows.
    n_jobs : int, optional
        Threads; None takes all cores. The result does not depend on it.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If the two take other inputs or have other actions, or rows are missing.
    """
    (mine, _, run_a), (theirs, _, run_b) = policy_and_background(a, None), policy_and_background(b, None)
    for what in ("feature_names", "action_names"):
        if getattr(mine, what) != getattr(theirs, what):
            raise ValueError(
                f"a and b must have the same {what}, got {getattr(mine, what)} and {getattr(theirs, what)}"
            )
    if inputs is None:
        inputs = evenly_chosen([episode_rows(run) for run in (run_a, run_b)], N_ROWS)
        if len(inputs) == 0:
            raise ValueError("inputs must be given: rows on which to compare; only runs with final episodes have some")
    if background is None and run_a is not None and run_b is not None:
        background = _shared_background((mine, theirs), (run_a.training_inputs, run_b.training_inputs), seed)
    rows = checked_inputs(inputs, mine.feature_names)
    values = [shapley_values(policy, rows, background, n_jobs=n_jobs) for policy in (mine, theirs)]
    return Comparison(
        a=values[0],
        b=values[1],
        names=_names(run_a, run_b) if names is None else (str(names[0]), str(names[1])),
        returns_a=_returns(run_a),
        returns_b=_returns(run_b),
        method="; ".join(dict.fromkeys(v.method for v in values)),
        exact=all(v.exact for v in values),
        seed=seed,
    )


def _shared_background(
    policies: Sequence[Policy], rows: Sequence[NDArray[np.float64]], seed: int
) -> NDArray[np.float64]:
    if not all(map(is_mean_of_trees, policies)):
        rows = [part[support_points(part, min(LEAST_BACKGROUND, len(part)), seed)] for part in rows if len(part)]
    return np.concatenate(rows) if rows else np.empty((0, 0))


def _returns(run: PolicyOwner | None) -> NDArray[np.float64] | None:
    returns = getattr(run, "final_returns", None)
    return None if returns is None or len(returns) == 0 else np.asarray(returns)


def _names(run_a: PolicyOwner | None, run_b: PolicyOwner | None) -> tuple[str, str]:
    if run_a is None or run_b is None:
        return "a", "b"
    configs = [run.config for run in (run_a, run_b)]  # type: ignore[attr-defined] # a run has one
    labels = [estimator_label(config.estimator_name) for config in configs]
    if labels[0] == labels[1]:
        folders = [run.directory for run in (run_a, run_b)]  # type: ignore[attr-defined]
        labels = [f"{folder.parent.name}/{folder.name}" for folder in folders]
    return (labels[0], labels[1]) if labels[0] != labels[1] else (f"{labels[0]} (a)", f"{labels[1]} (b)")
