"""Where on the plane of commands does each action win, and which smallest change of command flips it.

One state is held fixed and the command runs over a rectangle of (desired return, desired horizon). For a forest the
map is exact: its regions, their areas and the nearest change of action are those of the policy itself, with no
sampling and no grid. For any other policy it is a grid, and says so.

A policy answers commands that it met in training and others, where its answer is extrapolation. With the training
commands the map says which: areas are given of the plane and of its seen part, and beside the nearest change stands
the nearest to a seen command.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from udrl_explain.command_space import plane_changes
from udrl_explain.command_space.cells import CommandCells, command_cells, grid_cells
from udrl_explain.command_space.plane_changes import (
    NearestChange,
    change_frame,
    checked_command,
    checked_spread,
    nearest_change,
)
from udrl_explain.command_space.rectangles import merged_rectangles
from udrl_explain.command_space.seen_region import FINE_TILES_PER_SPREAD, SeenRegion, seen_areas, seen_region
from udrl_explain.command_space.support import CommandSupport, command_support
from udrl_explain.commands import Command, checked_state, input_rows
from udrl_explain.names import checked_action_names
from udrl_explain.policies import ForestPolicy, Policy, greedy_actions, with_command
from udrl_explain.results import Drawn, displayed
from udrl_explain.self_check import SelfCheckError

COLUMNS = (
    "action", "action_name", "return_low", "return_high", "horizon_low", "horizon_high", "n_cells", "probability",
    "margin", "method", "exact",
)  # fmt: skip
SHARE_COLUMNS = (
    "action", "action_name", "area_share", "seen_area_share", "seen_area_share_low", "seen_area_share_high",
    "seen_plane_share", "support", "n_cells", "probability", "margin", "method", "exact", "seen_method",
)  # fmt: skip
NEAREST_COLUMNS = plane_changes.COLUMNS
EXACT_METHOD = "exact cells of the forest"
SEEN_AREA_METHOD = (
    f"middle of certified bounds, from tiles of 1/{FINE_TILES_PER_SPREAD} spread that are wholly or partly seen"
)
CHECKED_COMMANDS = 256


@displayed
@dataclass(frozen=True, eq=False)
class CommandMap(Drawn):
    """Regions of the command plane at one state.

    Parameters
    ----------
    cells : CommandCells
        Edges, probabilities and actions; a grid where `exact` is False.
    state : float64 array of shape (n_observations,)
    policy : Policy
        Asked again where a nearest change is looked for.
    action_names : tuple of str
    method : str
    exact : bool
        True for forests: the map equals the policy at every command of the plane.
    support : CommandSupport or None
        The training commands; None where they were not given, and nothing is known of what is seen.
    seed : None
        Nothing is drawn.

    Raises
    ------
    ValueError
        If names do not fit the cells.
    """

    cells: CommandCells
    state: NDArray[np.float64]
    policy: Policy = field(repr=False)
    action_names: tuple[str, ...]
    method: str
    exact: bool
    support: CommandSupport | None = field(default=None, repr=False)
    seed: int | None = None

    def __post_init__(self) -> None:
        checked_action_names(self.action_names, self.cells.n_actions)

    @property
    def return_edges(self) -> NDArray[np.float64]:
        """Edges along desired return (reward), shape ``(n_r + 1,)``."""
        return self.cells.return_edges

    @property
    def horizon_edges(self) -> NDArray[np.float64]:
        """Edges along desired horizon (steps), shape ``(n_h + 1,)``."""
        return self.cells.horizon_edges

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Probability of every action in every cell, shape ``(n_r, n_h, n_actions)``."""
        return self.cells.probabilities

    @property
    def actions(self) -> NDArray[np.int64]:
        """Action of every cell, shape ``(n_r, n_h)``."""
        return self.cells.actions

    @property
    def margin(self) -> NDArray[np.float64]:
        """Probability of the first action less that of the second, shape ``(n_r, n_h)``."""
        return self.cells.margin

    @property
    def n_rows(self) -> int:
        """States mapped: one."""
        return 1

    @property
    def n_cells(self) -> int:
        """Cells of the map."""
        return self.actions.size

    @property
    def area_share(self) -> NDArray[np.float64]:
        """Share of the plane's area in which each action wins, shape ``(n_actions,)``; adds up to 1."""
        areas = np.bincount(self.actions.ravel(), weights=self.cells.areas.ravel(), minlength=self.cells.n_actions)
        return np.asarray(areas / areas.sum())

    @cached_property
    def seen_area_bounds(self) -> NDArray[np.float64]:
        """Certified bounds of :attr:`seen_area_share`, shape ``(2, n_actions)``; NaN where nothing is known or seen.

        The seen part of the plane is enclosed by tiles of 1/96 of a spread. An action's least share comes from the
        area that is surely seen for it, and that may be seen for the others.
        """
        low, high = self._seen_areas
        others_low, others_high = low.sum() - low, high.sum() - high
        with np.errstate(invalid="ignore"):
            return np.stack([low / (low + others_high), high / (high + others_low)])

    @property
    def seen_area_share(self) -> NDArray[np.float64]:
        """Share of the seen part of the plane in which each action wins, shape ``(n_actions,)``; adds up to 1.

        From the middle of the bounds of each area, as the border of the seen part is curved: not exact,
        :attr:`seen_area_bounds` are certain. NaN where the training commands were not given or the plane has no seen
        part.
        """
        middle = self._seen_areas.sum(axis=0)
        with np.errstate(invalid="ignore"):
            return np.asarray(middle / middle.sum())

    @property
    def seen_plane_share(self) -> float:
        """Share of the plane's area that is seen, from the middle of its bounds; NaN where nothing is known."""
        return float(self._seen_areas.sum() / 2 / self.cells.areas.sum())

    def action_at(self, desired_return: ArrayLike, desired_horizon: ArrayLike) -> int | NDArray[np.int64]:
        """Return the action of commands: an int for two numbers, else an array of their broadcast shape.

        Raises
        ------
        ValueError
            If a command lies outside the plane.
        """
        actions = self.cells.actions_at(desired_return, desired_horizon)
        return int(actions) if np.ndim(actions) == 0 else actions

    def probabilities_at(self, desired_return: ArrayLike, desired_horizon: ArrayLike) -> NDArray[np.float64]:
        """Return the probabilities of commands: their broadcast shape, with ``n_actions`` behind it.

        Raises
        ------
        ValueError
            If a command lies outside the plane.
        """
        return self.cells.probabilities_at(desired_return, desired_horizon)

    def nearest_change(
        self,
        command: Command | ArrayLike,
        metric: ArrayLike | None = None,
        *,
        action: int | None = None,
    ) -> NearestChange | None:
        """Find the smallest change of command that gives another action, and the nearest to a seen command.

        Parameters
        ----------
        command : Command or (desired_return, desired_horizon)
            The present command, in the plane.
        metric : (return spread, horizon spread), optional
            Both above 0. The standard deviations of the training commands by default, where the map has these.
        action : int, optional
            Look for this action only; any other than the present one by default.

        Returns
        -------
        NearestChange or None
            None where no command of the plane has such an action. Its `seen` is the nearest seen command of the plane
            that has one; None where none was found, or the map was made without training commands.

        Raises
        ------
        ValueError
            If the command lies outside the plane, a spread is not above 0 or missing, or `action` is the present
            action.
        SelfCheckError
            If the policy does not confirm the action found.
        """
        return nearest_change(
            self.cells, self._ask, checked_command(command), self._spread(metric), action=action,
            method=self.method, exact=self.exact, support=self.support, region=self._region,
        )  # fmt: skip

    def to_frame(self) -> pd.DataFrame:
        """One row per rectangle of one action, columns :data:`COLUMNS`; the rectangles tile the plane.

        Neighbouring cells of one action are merged; `probability` (of that action) and `margin` are means by area.
        """
        rectangles, labels = merged_rectangles(self.actions)
        first_r, end_r, first_h, end_h = rectangles.T
        actions = self.actions[first_r, first_h]
        columns = {
            "action": actions,
            "action_name": np.array(self.action_names, dtype=object)[actions],
            "return_low": self.return_edges[first_r],
            "return_high": self.return_edges[end_r],
            "horizon_low": self.horizon_edges[first_h],
            "horizon_high": self.horizon_edges[end_h],
            **self._means(labels, len(rectangles)),
            "method": self.method,
            "exact": self.exact,
        }
        return pd.DataFrame(columns, columns=list(COLUMNS))

    def share_frame(self) -> pd.DataFrame:
        """One row per action, columns :data:`SHARE_COLUMNS`; probability and margin where it wins (NaN if nowhere).

        `exact` is about the share of the plane; the share of its seen part has bounds, made as `seen_method` says.
        """
        columns = {
            "action": np.arange(self.cells.n_actions),
            "action_name": np.array(self.action_names, dtype=object),
            "area_share": self.area_share,
            "seen_area_share": self.seen_area_share,
            "seen_area_share_low": self.seen_area_bounds[0],
            "seen_area_share_high": self.seen_area_bounds[1],
            "seen_plane_share": self.seen_plane_share,
            "support": "" if self.support is None else str(self.support.kind),
            **self._means(self.actions, self.cells.n_actions),
            "method": self.method,
            "exact": self.exact,
            "seen_method": "" if self.support is None else SEEN_AREA_METHOD,
        }
        return pd.DataFrame(columns, columns=list(SHARE_COLUMNS))

    def nearest_frame(
        self,
        command: Command | ArrayLike,
        metric: ArrayLike | None = None,
        *,
        action: int | None = None,
    ) -> pd.DataFrame:
        """Rows for both commands free, return alone and horizon alone, columns :data:`NEAREST_COLUMNS`.

        Where the map has training commands, a last row tells the nearest seen change, and `seen` says of every row
        whether its command is seen.

        Parameters as for :meth:`nearest_change`. Where nothing flips, `found` is False and the rest is empty.
        """
        nearest = self.nearest_change(command, metric, action=action)
        here = checked_command(command)
        own = int(self._ask([here.desired_return], [here.desired_horizon])[0])
        return change_frame(
            here, own, self._spread(metric), nearest, self.action_names, self.method, self.exact, self.support
        )

    def _spread(self, metric: ArrayLike | None) -> tuple[float, float]:
        if metric is not None:
            return checked_spread(metric)
        if self.support is None:
            raise ValueError(
                "metric must be (return spread, horizon spread) where the map was made without training_commands"
            )
        return self.support.spread

    @cached_property
    def _region(self) -> SeenRegion | None:
        return None if self.support is None else seen_region(self.support)

    @cached_property
    def _seen_areas(self) -> NDArray[np.float64]:
        """Bounds of the seen area of each action, shape ``(2, n_actions)``."""
        if self.support is None:
            return np.full((2, self.cells.n_actions), np.nan)
        return np.stack(seen_areas(self.cells, seen_region(self.support, FINE_TILES_PER_SPREAD)))

    def _means(self, labels: NDArray[np.int64], n_labels: int) -> dict[str, NDArray[np.generic]]:
        """Number of cells, and mean probability and margin by area, of each label."""
        flat, areas = labels.ravel(), self.cells.areas.ravel()
        n_cells = np.bincount(flat, minlength=n_labels)
        total = np.bincount(flat, weights=areas, minlength=n_labels)
        # Cells without area (a change of action at the plane's very end) count alike.
        weights = np.where(total[flat] > 0, areas, 1.0)
        total = np.bincount(flat, weights=weights, minlength=n_labels)
        top = np.take_along_axis(self.probabilities, self.actions[:, :, None], axis=2)
        with np.errstate(invalid="ignore"):
            means = {
                name: np.bincount(flat, weights=weights * values.ravel(), minlength=n_labels) / total
                for name, values in (("probability", top), ("margin", self.margin))
            }
        return {"n_cells": n_cells, **means}

    def _ask(self, returns: ArrayLike, horizons: ArrayLike) -> NDArray[np.int64]:
        commands = np.column_stack(np.broadcast_arrays(returns, horizons))
        return greedy_actions(self.policy.action_probabilities(input_rows(self.state, commands)))


def command_map(
    policy: Policy,
    state: ArrayLike,
    returns: tuple[float, float],
    horizons: tuple[float, float],
    *,
    grid: tuple[int, int] = (101, 101),
    training_commands: CommandSupport | pd.DataFrame | ArrayLike | None = None,
    n_jobs: int | None = None,
) -> CommandMap:
    """Map which action wins at which command, at one state.

    Parameters
    ----------
    policy : Policy
        Never modified.
    state : array_like of shape (n_observations,)
        Held fixed.
    returns, horizons : (low, high)
        The plane, ends included, in reward and steps; `low` below `high`.
    grid : (n_returns, n_horizons)
        For policies that are no forests: the plane is cut into so many equal cells, and the policy asked at their
        centres. Forests need none.
    training_commands : CommandSupport, DataFrame or array_like of shape (n, 2), optional
        Which commands are seen: ``fitted_commands(run.training_inputs)``, what the policy was last fitted on. Needed
        for the areas of the seen part and the nearest seen change.
    n_jobs : int, optional
        Threads; None takes all cores. The result does not depend on it.

    Returns
    -------
    CommandMap
        Exact for forests: checked here against the policy at 256 commands, half of them on edges or one step beside.

    Raises
    ------
    ValueError
        If an argument does not fit the policy or a range is empty.
    SelfCheckError
        If map and policy differ anywhere checked.
    """
    with_command(policy, "command_map")
    fixed = checked_state(state, policy.feature_names).copy()
    fixed.setflags(write=False)
    support = None if training_commands is None else command_support(training_commands)
    if isinstance(policy, ForestPolicy):
        cells = command_cells(policy, fixed, returns, horizons, n_jobs=n_jobs)
        exact = CommandMap(cells, fixed, policy, policy.action_names, EXACT_METHOD, True, support)
        _check_against_policy(exact)
        return exact
    cells = grid_cells(policy, fixed, returns, horizons, grid)
    method = "grid of {} x {} commands".format(*cells.actions.shape)
    if policy.probability_source != "probabilities":
        method += f", {policy.probability_source}"
    return CommandMap(cells, fixed, policy, policy.action_names, method, False, support)


def _check_against_policy(result: CommandMap) -> None:
    rng = np.random.default_rng(0)
    commands = np.empty((CHECKED_COMMANDS, 2))
    half = CHECKED_COMMANDS // 2
    for column, edges in enumerate((result.return_edges, result.horizon_edges)):
        commands[:, column] = rng.uniform(edges[0], edges[-1], CHECKED_COMMANDS)
        on_edge = rng.choice(edges, half)
        beside = rng.choice([-np.inf, np.inf], half)
        moved = np.where(rng.random(half) < 0.5, on_edge, np.nextafter(on_edge, beside))
        commands[:half, column] = np.clip(moved, edges[0], edges[-1])
    theirs = result.policy.action_probabilities(input_rows(result.state, commands))
    ours = result.probabilities_at(commands[:, 0], commands[:, 1])
    wrong = (greedy_actions(ours) != greedy_actions(theirs)) | (np.abs(ours - theirs) > 1e-12).any(axis=1)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise SelfCheckError(
            f"at return {commands[row, 0]!r}, horizon {commands[row, 1]!r} the map gives {ours[row]}, the policy "
            f"{theirs[row]}"
        )
