"""What return is owed to each input, to the state and to the command? Every coalition was played, none is guessed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from udrl_explain.attributions.enumeration import shapley_weights
from udrl_explain.commands import COMMAND_NAMES
from udrl_explain.results import Drawn, displayed
from udrl_explain.statistics.intervals import EPISODES_OF_ONE, SEEDS, mean_interval

COLUMNS = (
    "feature", "is_command", "is_group", "value", "low", "high", "interval", "lost_without", "lost_low",
    "lost_high", "lost_interval", "method", "exact", "n_rows", "n_episodes", "seed",
)  # fmt: skip
WORTH_COLUMNS = (
    "run", "return_known", "return_without_command", "command_worth", "low", "high", "interval", "n_seeds",
    "n_episodes",
)  # fmt: skip
ALL_SEEDS = "all seeds"
COALITION_COLUMNS = ("coalition", "known", "mean_return", "low", "high", "interval", "mean_length", "n_episodes")
STATE, COMMAND = "state", "command"
METHOD = "Shapley values of the return, every coalition played"
_ROUNDING = 1e-12
_NEEDED = ("coalition", "environment_seed", "achieved_return", "length")


@displayed
@dataclass(frozen=True, eq=False)
class Performance(Drawn):
    """The return of a policy, divided among the inputs that it knows.

    Parameters
    ----------
    table : DataFrame
        One row per player, then state and command; columns :data:`COLUMNS`.
    coalitions : DataFrame
        One row per coalition; columns :data:`COALITION_COLUMNS`.
    returns : float64 array of shape (n_coalitions, n_episodes)
        In the order of `coalitions`; column k is the same environment seed in all of them.
    players : tuple of str
        Inputs, or inputs that were known together, joined by " + ".
    whole, nothing : float
        Mean return when every input is known, and when none is: the values of the players add up to their difference.
    command_worth : (float, float, float)
        Mean return when all is known less that when the command is averaged away, with its interval; NaN where no
        coalition of the state alone was played.
    command_interval : str
        Of what that interval is and how it was made.
    method : str
    exact : bool
        Exact for the episodes played; the intervals speak about other episodes of this policy.
    n_rows : int
        Episodes of all coalitions.
    n_episodes : int
        Per coalition.
    seed : int
        Of the intervals.
    """

    table: pd.DataFrame
    coalitions: pd.DataFrame
    returns: NDArray[np.float64]
    players: tuple[str, ...]
    whole: float
    nothing: float
    command_worth: tuple[float, float, float]
    command_interval: str
    method: str
    exact: bool
    n_rows: int
    n_episodes: int
    seed: int

    def to_frame(self) -> pd.DataFrame:
        """One row per player, then state and command; columns :data:`COLUMNS`.

        `value` is the return owed to the player, `lost_without` what is lost when it alone is taken away, both in
        reward with 95 % intervals for other episodes of this policy (NaN where nothing varies)
        """
        return self.table.copy()

    def coalition_frame(self) -> pd.DataFrame:
        """One row per coalition, columns :data:`COALITION_COLUMNS`: mean return when only its inputs are known."""
        return self.coalitions.copy()


def performance(frame: pd.DataFrame, *, feature_names: Sequence[str] | None = None, seed: int = 0) -> Performance:
    """Divide the return of a policy among its inputs.

    Parameters
    ----------
    frame : DataFrame
        ``Run.performance``: columns ``coalition`` (bit j: input j was known), ``environment_seed``,
        ``achieved_return`` and ``length``, one row per coalition and episode.
    feature_names : sequence of str, optional
        Of all inputs (``Run.feature_names``); ``input_0`` ... by default, the two highest inputs being the command.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Performance
        ``value`` of a player is its Shapley value in the game whose worth is the expected return of the agent that
        knows a coalition; ``state`` and ``command`` play a game of two, so their values add up to the same whole.

    Raises
    ------
    ValueError
        If columns or coalitions are missing, or coalitions were played on different environment seeds.

    Notes
    -----
    The performance explanation of Beechey, Smith and Simsek (ICML 2023, "Explaining Reinforcement Learning with Shapley
    Values", section 4). Their agents take unknown inputs from the distribution of states given what is known; here they
    are averaged over rows of the last fit, whatever is known. Every coalition was played; nothing is learned or sampled
    but the episodes.
    """
    missing = [name for name in _NEEDED if name not in frame]
    if missing:
        raise ValueError(f"frame must have the columns {', '.join(_NEEDED)}; {missing[0]!r} is missing")
    returns, lengths, masks, n_episodes = _by_coalition(frame)
    atoms = _atoms(masks)
    n_features = int(masks[-1]).bit_length()
    names = tuple(f"input_{j}" for j in range(n_features)) if feature_names is None else tuple(feature_names)
    commands = names[-2:] if feature_names is None else COMMAND_NAMES
    if len(names) != n_features:
        raise ValueError(f"feature_names must be {n_features} names, one per input of the frame, got {len(names)}")
    players = tuple(_words(atom, names) for atom in atoms)
    weights = shapley_weights(len(atoms))
    state, command = (
        sum(1 << j for j, name in enumerate(names) if (name in commands) == wanted) for wanted in (False, True)
    )
    place = {int(mask): i for i, mask in enumerate(masks)}
    everything = int(masks[-1])
    both, neither = returns[-1], returns[0]
    # Coalitions stand in the order of their bits over the players.
    shares = [
        _Share(player, bool(atom & command) and not atom & state, atom.bit_count() > 1, weights[k] @ returns, atom)
        for k, (atom, player) in enumerate(zip(atoms, players, strict=True))
    ]
    if command and state in place and command in place and len(players) > 2:
        alone = returns[place[state]] - neither, returns[place[command]] - neither
        gap = (both - neither - alone[0] - alone[1]) / 2
        shares += [
            _Share(name, is_command, True, own + gap, members)
            for name, is_command, own, members in zip(
                (STATE, COMMAND), (False, True), alone, (state, command), strict=True
            )
        ]
    # What returns add up to but for their rounding is nothing, and must not seem to vary.
    rounding = _ROUNDING * float(np.abs(returns).max())
    owed = np.array([np.where(np.abs(share.value) <= rounding, 0.0, share.value) for share in shares])
    lost = np.array([both - returns[place[everything ^ share.members]] for share in shares])
    of_value, of_lost = (mean_interval(part.T, EPISODES_OF_ONE, seed=seed) for part in (owed, lost))
    lines = [
        (share.name, share.is_command, share.is_group,
         float(owed[i].mean()), of_value.low[i], of_value.high[i], of_value.words[i],
         float(lost[i].mean()), of_lost.low[i], of_lost.high[i], of_lost.words[i],
         METHOD, True, returns.size, n_episodes, seed)
        for i, share in enumerate(shares)
    ]  # fmt: skip
    worth: tuple[float, float, float] = (float("nan"),) * 3
    words = "the state alone was not played" if command else "the policy takes no command"
    if command and state in place:
        without = both - returns[place[state]]
        interval = mean_interval(without, EPISODES_OF_ONE, seed=seed)
        worth, words = (float(without.mean()), float(interval.low), float(interval.high)), str(interval.words)
    coalitions = _coalition_table(masks, returns, lengths, names, seed)
    table = pd.DataFrame(lines, columns=list(COLUMNS))
    return Performance(
        table, coalitions, returns, players, float(both.mean()), float(neither.mean()), worth, words, METHOD, True,
        returns.size, n_episodes, seed,
    )  # fmt: skip


def command_worths(results: Mapping[str, Performance], *, seed: int = 0) -> pd.DataFrame:
    """What the command is worth in return to each run of one experiment, and on average over its training seeds.

    Parameters
    ----------
    results : mapping of str to Performance
        By the name of the run, one per training seed.
    seed : int
        Of the interval.

    Returns
    -------
    DataFrame
        One row per run, its interval for other episodes; where there are several, one more with their mean and its
        interval for other training seeds. Columns :data:`WORTH_COLUMNS`.
    """
    lines = []
    for name, result in results.items():
        worth, low, high = result.command_worth
        interval = result.command_interval
        lines.append((name, result.whole, result.whole - worth, worth, low, high, interval, 1, result.n_episodes))
    frame = pd.DataFrame(lines, columns=list(WORTH_COLUMNS))
    if len(frame) > 1 and frame["command_worth"].notna().all():
        over = mean_interval(frame["command_worth"].to_numpy(), SEEDS, seed=seed)
        known, without, worth = (float(frame[name].mean()) for name in WORTH_COLUMNS[1:4])
        line = (ALL_SEEDS, known, without, worth, float(over.low), float(over.high), over.words, len(frame))
        frame.loc[len(frame)] = (*line, int(frame["n_episodes"].sum()))
    return frame


class _Share(NamedTuple):
    """A line of the table: what is owed to it in every episode, and the inputs that it stands for."""

    name: str
    is_command: bool
    is_group: bool
    value: NDArray[np.float64]
    members: int


def _by_coalition(
    frame: pd.DataFrame,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], int]:
    """Returns and lengths of every coalition, ``(n_coalitions, n_episodes)``, and the coalitions, ascending."""
    if frame.empty:
        raise ValueError("frame must hold the returns of all coalitions, got no row")
    ordered = frame.sort_values(["coalition", "environment_seed"], kind="stable")
    masks = np.unique(ordered["coalition"].to_numpy())
    counts = ordered.groupby("coalition").size().to_numpy()
    seeds = ordered["environment_seed"].to_numpy()
    n_episodes = int(counts[0])
    if (counts != n_episodes).any() or (seeds.reshape(len(masks), -1) != seeds[:n_episodes]).any():
        raise ValueError("every coalition must have been played on the same environment seeds")
    returns, lengths = (
        ordered[name].to_numpy(dtype=np.float64).reshape(len(masks), n_episodes)
        for name in ("achieved_return", "length")
    )
    if not np.isfinite(returns).all():
        raise ValueError("achieved_return must hold finite numbers")
    return returns, lengths, masks.astype(np.int64), n_episodes


def _atoms(masks: NDArray[np.int64]) -> list[int]:
    """The players: coalitions that are no union of others; all their unions must have been played."""
    rest = [int(mask) for mask in masks if mask]
    atoms: list[int] = []
    for mask in sorted(rest, key=int.bit_count):
        if not any(mask & atom for atom in atoms):
            atoms.append(mask)
    atoms.sort(key=lambda atom: atom & -atom)
    unions = [sum(atom for k, atom in enumerate(atoms) if bits >> k & 1) for bits in range(1 << len(atoms))]
    if sorted(unions) != masks.tolist():
        raise ValueError(
            f"the {len(masks)} coalitions are not all unions of the {len(atoms)} inputs or groups among them, "
            f"which would be {len(unions)}"
        )
    return atoms


def _coalition_table(
    masks: NDArray[np.int64],
    returns: NDArray[np.float64],
    lengths: NDArray[np.float64],
    names: tuple[str, ...],
    seed: int,
) -> pd.DataFrame:
    interval = mean_interval(returns.T, EPISODES_OF_ONE, seed=seed)
    columns = (
        masks, [_words(mask, names) for mask in masks.tolist()], returns.mean(axis=1), interval.low, interval.high,
        interval.words, lengths.mean(axis=1), returns.shape[1],
    )  # fmt: skip
    return pd.DataFrame(dict(zip(COALITION_COLUMNS, columns, strict=True)))


def _words(mask: int, names: tuple[str, ...]) -> str:
    return " + ".join(name for j, name in enumerate(names) if mask >> j & 1) or "nothing"
