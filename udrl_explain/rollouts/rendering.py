"""The environment's own pictures of an episode that was played before."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from udrl_explain.commands import N_COMMANDS
from udrl_explain.environments import make_environment
from udrl_explain.episodes import Episode

_USUAL_RATE = 30.0


@dataclass(frozen=True, eq=False)
class Rendered:
    """Pictures of some steps of an episode.

    Parameters
    ----------
    steps : int64 array of shape (n_pictures,)
        The steps shown, ascending; each picture is what stood before the step's action.
    pictures : list of uint8 arrays of shape (height, width, 3)
    steps_per_second : float
        At which the environment is meant to be seen.
    """

    steps: NDArray[np.int64]
    pictures: list[NDArray[np.uint8]]
    steps_per_second: float


def render_episode(episode: Episode, env_name: str, *, every: int = 1) -> Rendered:
    """Play the actions of an episode again and look at every `every`-th step.

    Parameters
    ----------
    episode : Episode
    env_name : str
    every : int

    Raises
    ------
    ValueError
        If the environment cannot be made, draws no pictures, or does not come by the same observations.
    """
    try:
        environment = make_environment(env_name, render_mode="rgb_array")
    except ValueError as fault:
        raise ValueError(f"env_name {env_name!r} cannot be rendered: {fault}") from fault
    observed = episode.inputs[:, :-N_COMMANDS] if episode.takes_command else episode.inputs
    try:
        if environment.render_mode != "rgb_array" or "rgb_array" not in environment.metadata.get("render_modes", ()):
            raise ValueError(f"env_name {env_name!r} draws no pictures of itself (render_mode 'rgb_array')")
        first_action = int(environment.action_space.start)
        state = environment.reset(seed=episode.seed)[0]
        steps, pictures = [], []
        for step in tqdm(range(len(episode)), desc="rendering", unit="step", leave=False):
            if not np.array_equal(np.asarray(state, dtype=np.float64), observed[step]):
                raise ValueError(f"env_name {env_name!r} does not repeat the episode of seed {episode.seed}")
            if step % every == 0 or step == len(episode) - 1:
                steps.append(step)
                pictures.append(_picture(environment, env_name))
            state = environment.step(first_action + int(episode.actions[step]))[0]
        rate = environment.metadata.get("render_fps") or _USUAL_RATE
    finally:
        environment.close()
    return Rendered(np.array(steps), pictures, float(rate))


def _picture(environment: Any, env_name: str) -> NDArray[np.uint8]:
    try:
        picture = np.asarray(environment.render())
    except Exception as fault:  # the environment's own code, and whatever it draws with
        words = " ".join(str(fault).split()) or type(fault).__name__
        raise ValueError(f"env_name {env_name!r} cannot be rendered: {words}") from fault
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise ValueError(f"env_name {env_name!r} must draw uint8 pictures of three colours, got {picture.shape}")
    return picture
