"""How much of the plane of commands to look at: what training met, with some room around it."""

import numpy as np

from udrl_explain.command_space.support import CommandSupport
from udrl_explain.commands import Command
from udrl_explain.names import return_bounds

Ends = tuple[float, float]
_MARGIN = 0.15


def plane_ends(support: CommandSupport, env_name: str) -> tuple[Ends, Ends]:
    """Give ends of desired returns (reward) and desired horizons (steps), none beyond what the environment can pay."""
    returns = _widened(support.returns, return_bounds(env_name))
    return returns, _widened(support.horizons, (1.0, np.inf))


def including(ends: tuple[Ends, Ends], command: Command) -> tuple[Ends, Ends]:
    """Ends stretched so far that `command` lies between them."""
    returns, horizons = ends
    return _stretched(returns, command.desired_return), _stretched(horizons, command.desired_horizon)


def _widened(ends: Ends, possible: Ends) -> Ends:
    """Ends with some room, none of it beyond what is possible, but never less than what was asked for."""
    low, high = ends
    room = _MARGIN * (high - low) if high > low else max(1.0, abs(high) / 2)
    low, high = min(max(low - room, possible[0]), low), max(min(high + room, possible[1]), high)
    return (low, high) if high > low else (low - 1.0, high + 1.0)


def _stretched(ends: Ends, value: float) -> Ends:
    return min(ends[0], value), max(ends[1], value)
