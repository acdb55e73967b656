"""The tables of faithfulness: scores with their intervals, and curves along each order."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from udrl_explain.analysis.faithfulness.methods import UNSIGNED
from udrl_explain.analysis.faithfulness.orders import (
    best_gain,
    best_orders,
    best_scale,
    gain_of,
    gains,
    infidelity,
    mean_gain,
    ordered,
    prefixes,
    sizes_of,
)
from udrl_explain.statistics.intervals import EPISODES_OF_ONE, Interval, mean_interval

COLUMNS = (
    "method", "score", "score_low", "score_high", "interval", "insertion_score", "deletion_score", "insertion_area",
    "deletion_area", "infidelity", "scale", "scaled_infidelity", "sanity_correlation", "is_signed", "exact", "n_rows",
    "n_episodes", "n_background", "seed",
)  # fmt: skip
CURVE_COLUMNS = ("method", "n_known", "insertion", "deletion", "same_action")
BEST, MEAN = "best order", "mean of all orders"


def score_table(
    worths: NDArray[np.float64],
    judged: Mapping[str, NDArray[np.float64]],
    sanity: Mapping[str, float],
    units: NDArray[np.int64],
    own: set[str],
    facts: Mapping[str, object],
    n_resamples: int,
) -> pd.DataFrame:
    """One row per method, columns :data:`COLUMNS`.

    Parameters
    ----------
    worths : float64 array of shape (n_rows, 2**n_features)
    judged : mapping of str to float64 array of shape (n_rows, n_features)
    sanity : mapping of str to float
        Agreement with the attributions of a policy fitted on permuted actions, by method.
    units : int64 array of shape (n_rows,)
        The episode of each row.
    own : set of str
        Methods that the caller brought.
    facts : mapping
        Columns that are the same in every row; ``seed`` among them.
    n_resamples : int
        Of the episodes.
    """
    kinds = gains(worths)
    means = {kind: mean_gain(gain) for kind, gain in kinds.items()}
    rooms = {kind: best_gain(gain) - means[kind] for kind, gain in kinds.items()}
    seed = int(str(facts["seed"]))
    ends = (worths[:, 0] + worths[:, -1]).mean() / 2  # both curves run between these
    n_features = worths.shape[1].bit_length() - 1
    lines = []
    for name, values in judged.items():
        along = {kind: gain_of(gain, values) for kind, gain in kinds.items()}
        gained = {kind: sums - means[kind] for kind, sums in along.items()}
        interval = _interval(gained["both"], rooms["both"], units, seed, n_resamples)
        scale = best_scale(worths, values)
        lines.append(
            {
                "method": name,
                "score": _share(gained["both"].sum(), rooms["both"].sum()),
                "score_low": interval.low,
                "score_high": interval.high,
                "interval": interval.words,
                "insertion_score": _share(gained["insertion"].sum(), rooms["insertion"].sum()),
                "deletion_score": _share(gained["deletion"].sum(), rooms["deletion"].sum()),
                "insertion_area": (ends + along["insertion"].mean()) / n_features,
                "deletion_area": (ends - along["deletion"].mean()) / n_features,
                "infidelity": infidelity(worths, values).mean(),
                "scale": scale,
                "scaled_infidelity": infidelity(worths, values, scale).mean(),
                "sanity_correlation": sanity.get(name, np.nan),
                "is_signed": name not in UNSIGNED and (name not in own or bool((values < 0).any())),
                "exact": not name.startswith("permutation"),
                **facts,
            }
        )
    return pd.DataFrame(lines, columns=list(COLUMNS))


def _share(gained: float, room: float) -> float:
    """Gained part of what was to be gained; NaN where all orders are equal."""
    return float(gained / room) if room > 0 else float("nan")


def _interval(
    gained: NDArray[np.float64], room: NDArray[np.float64], units: NDArray[np.int64], seed: int, n_resamples: int
) -> Interval:
    """Interval of the pooled score: a ratio, linearised by episode (Cochran 1977, *Sampling Techniques*, 6.4)."""
    score = _share(gained.sum(), room.sum())
    if np.isnan(score):
        return Interval(np.nan, np.nan, "no order of the inputs is better than another")
    _, member = np.unique(units, return_inverse=True)
    n_units = int(member.max()) + 1
    beyond = np.bincount(member, weights=gained - score * room, minlength=n_units)
    return mean_interval(score + beyond * n_units / room.sum(), EPISODES_OF_ONE, n_resamples=n_resamples, seed=seed)


def curve_table(
    worths: NDArray[np.float64],
    every: NDArray[np.float64],
    taken: NDArray[np.int64],
    judged: Mapping[str, NDArray[np.float64]],
) -> pd.DataFrame:
    """One row per method and number of known inputs, columns :data:`CURVE_COLUMNS`.

    Parameters
    ----------
    worths : float64 array of shape (n_rows, 2**n_features)
        Of the action taken.
    every : float64 array of shape (n_rows, 2**n_features, n_actions)
    taken : int64 array of shape (n_rows,)
    judged : mapping of str to float64 array of shape (n_rows, n_features)
    """
    n_features = worths.shape[1].bit_length() - 1
    chosen = every.argmax(axis=2)  # action under each coalition; ties go to the lowest
    frames = []
    orders = {name: ordered(values) for name, values in judged.items()}
    orders[BEST] = best_orders(gains(worths)["both"])
    for name, order in orders.items():
        known = prefixes(order)
        frames.append(
            pd.DataFrame(
                {
                    "method": name,
                    "n_known": np.arange(n_features + 1),
                    "insertion": np.take_along_axis(worths, known, axis=1).mean(axis=0),
                    "deletion": np.take_along_axis(worths, known ^ (worths.shape[1] - 1), axis=1).mean(axis=0),
                    "same_action": (np.take_along_axis(chosen, known, axis=1) == taken[:, None]).mean(axis=0),
                }
            )
        )
    sizes = sizes_of(n_features)
    same = chosen == taken[:, None]
    insertion = np.array([worths[:, sizes == size].mean() for size in range(n_features + 1)])
    frames.append(
        pd.DataFrame(
            {
                "method": MEAN,
                "n_known": np.arange(n_features + 1),
                "insertion": insertion,
                "deletion": insertion[::-1],
                "same_action": [same[:, sizes == size].mean() for size in range(n_features + 1)],
            }
        )
    )
    return pd.concat(frames, ignore_index=True)[list(CURVE_COLUMNS)]
