"""The words of an explanation: numbers with their units, inputs that speak for or against, the nearest flip."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from udrl_explain.command_space.influence import CommandInfluence
from udrl_explain.commands import Command
from udrl_explain.names import feature

N_REASONS = 3
"""State inputs that a sentence names."""
LEAST_PUSH = 0.005
"""A push below this would be printed as 0.00; the sentence leaves it out."""
HARDLY = 0.05
"""Command influence below which the command shifts probabilities little; and share of commands that change the action,
below which it then hardly matters."""
_UNITLESS = ("", "0/1", "scaled")


def number(value: float, digits: int = 3) -> str:
    """Number of so many significant digits, without an exponent where it can be, with a true minus sign."""
    text = f"{value:.{digits}g}"
    if "e" in text and abs(value) >= 1:
        text = f"{value:.0f}"
    return text.replace("-", "−")


def signed(value: float) -> str:
    """Two decimals with their sign."""
    text = f"{value:+.2f}".replace("-", "−")
    return "0.00" if text in ("+0.00", "−0.00") else text


def percent(share: float) -> str:
    """Whole per cents; "under 1 %" and "over 99 %" where rounding would say never or always."""
    if 0 < share < 0.005:
        return "under 1 %"
    if 0.995 < share < 1:
        return "over 99 %"
    return f"{100 * share:.0f} %"


def measured(name: str, value: float) -> str:
    """Name of an input in words, its value and its unit: ``pole angular velocity 0.102 rad/s``."""
    unit = feature(name).unit
    return f"{name.replace('_', ' ')} {number(value)}" + ("" if unit in _UNITLESS else f" {unit}")


def state_words(names: Sequence[str], values: NDArray[np.float64], pushes: NDArray[np.float64]) -> str:
    """What the largest pushes of state inputs do; `pushes` has shape ``(n_observations,)``."""
    order = np.argsort(-np.abs(pushes), kind="stable")[:N_REASONS]
    told = [i for i in order if abs(pushes[i]) >= LEAST_PUSH]
    if not told:
        return "no input of the state moves it by 0.01 or more"
    parts, before = [], None
    for i in told:
        side = "for it" if pushes[i] > 0 else "against it"
        verb = "speaks " if before is None else ""
        parts.append(f"{measured(names[i], float(values[i]))} {verb}{side} ({signed(float(pushes[i]))})")
        before = side
    return ", ".join(parts)


def command_words(push: float, influence: CommandInfluence | None) -> str:
    """What the command does: how much it matters when redrawn, and what both of its inputs add together."""
    if influence is None:
        return f"the command adds {signed(push)}"
    much = float(influence.influence[0])
    share = float(influence.flip_share[0])
    if much >= HARDLY:
        matter = "matters here"
    elif share >= HARDLY:
        matter = "shifts the probabilities little, but enough to change the action"
    else:
        matter = "hardly matters here"
    flips = "no training command" if share == 0 else f"{percent(share)} of the training commands"
    return f"the command adds {signed(push)} and {matter} (influence {much:.2f}; {flips} would change the action)"


def change_words(here: Command, there: Command) -> str:
    """Ask for this instead of that, naming only what differs."""
    pairs = [
        (here.desired_return, there.desired_return, "a return of", ""),
        (here.desired_horizon, there.desired_horizon, "a horizon of", " steps"),
    ]
    told = [
        f"{what} {_to_the_last(new)} instead of {number(old, 4)}{unit}" for old, new, what, unit in pairs if old != new
    ]
    return " and ".join(told)


def _to_the_last(value: float) -> str:
    """All digits: the command printed is the one that was tried."""
    return repr(value).removesuffix(".0").replace("-", "−")


def rounded_away(here: Command, there: Command) -> list[Command]:
    """Commands near `there` of ever more digits, rounded away from `here`; the last is `there` itself.

    A command that flips often lies one float64 step beyond an edge; a number that a reader can type must too.
    """
    found = []
    for decimals in range(0, 7):
        values = []
        for old, new in ((here.desired_return, there.desired_return), (here.desired_horizon, there.desired_horizon)):
            unit = 10.0**decimals
            away = np.ceil if new > old else np.floor
            values.append(new if new == old else float(away(new * unit) / unit))
        found.append(Command(*values))
    return [*found, there]
