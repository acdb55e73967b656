"""What the page knows of an environment: whether it simulates it, and whether it could be made here at all."""

from dataclasses import dataclass
from pathlib import Path

from udrl_explain.environments import Lockstep, check_trusted
from udrl_explain.player.simulated import is_simulated
from udrl_explain.policies import Policy
from udrl_explain.report.gather import one_line
from udrl_explain.rollouts.collecting import check_fits


@dataclass(frozen=True, eq=False)
class World:
    """An environment.

    Parameters
    ----------
    env_name : str
    environments : Lockstep or None
        None where it could not be made.
    fault : str
        Why not.
    """

    env_name: str
    environments: Lockstep | None
    fault: str = ""

    @property
    def simulated(self) -> bool:
        """Whether the page computes its steps."""
        return self.environments is not None and is_simulated(self.env_name)

    def close(self) -> None:
        """Release the environment."""
        if self.environments is not None:
            self.environments.close()

    def why_not(self, policy: Policy) -> str:
        """Why a policy cannot act in it; empty where it can, or where nobody can know."""
        if self.environments is None:
            return ""
        try:
            check_fits(policy, self.environments, "its policy")
        except ValueError as fault:
            return one_line(str(fault))
        return ""


def world_of(env_name: str, place: Path, *, trusted: bool) -> World:
    """Make an environment, as far as it can be made; the caller closes it.

    Raises
    ------
    ValueError
        If the environment would import a module that nobody vouched for.
    """
    check_trusted(env_name, place, trusted, "give --trust-environment if you trust it")
    try:
        return World(env_name, Lockstep(env_name))
    except ValueError as fault:
        return World(env_name, None, one_line(str(fault)))
