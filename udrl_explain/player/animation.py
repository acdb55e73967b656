"""One episode of a run as an animated GIF: the environment's own pictures, and why each action was taken."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from udrl_explain.analysis.shapley import shapley_values
from udrl_explain.commands import COMMAND_NAMES, HORIZON_COLUMN, RETURN_COLUMN
from udrl_explain.environments import check_trusted
from udrl_explain.episodes import Episode
from udrl_explain.figures.animation import Bars, frames_with_bars, write_gif
from udrl_explain.figures.style import COMMAND_COLOUR, STATE_COLOUR
from udrl_explain.player.options import PlayerOptions
from udrl_explain.player.payload import background_of, first_command
from udrl_explain.rollouts.collecting import collect
from udrl_explain.rollouts.rendering import render_episode
from udrl_explain.runs import load_run
from udrl_explain.runs.places import CONFIG_FILE
from udrl_explain.runs.run import Run

MOST_FRAMES = 100


def write_animation(options: PlayerOptions) -> Path:
    """Write the GIF that the options ask for.

    The policy acts greedily under the command of its final evaluation, on the environment seed ``options.seed``. Bars
    are exact Shapley values of the action taken in the interventional game (``analysis.shapley``).

    Raises
    ------
    FileNotFoundError, ValueError
        If the options do not name one run, it cannot be played or explained, or its environment draws no pictures.
    """
    assert options.gif is not None
    folder = options.runs[0]
    if len(options.runs) > 1 or not (folder / CONFIG_FILE).is_file():
        named = ", ".join(map(str, options.runs))
        raise ValueError(f"gif shows one run: name its folder, data/<env_name>/<experiment>/<seed>, got {named}")
    run = load_run(folder)
    if run.policy is None:
        raise ValueError(f"{folder}: there is no policy to watch: {run.policy_note}")
    if len(run.training_inputs) == 0:
        raise ValueError(f"{folder}: it holds no training rows, so nothing stands for a missing input")
    check_trusted(run.config.env_name, folder, options.trust_environment, "give --trust-environment if you trust it")
    with threadpool_limits(1):
        episode = played(run, options.seed)
        every = -(-len(episode) // MOST_FRAMES)
        rendered = render_episode(episode, run.config.env_name, every=every)
        bars = bars_of(run, episode, rendered.steps, options)
    frames = frames_with_bars(rendered.pictures, bars)
    return write_gif(frames, options.gif, 1000 * every / rendered.steps_per_second)


def played(run: Run, seed: int) -> Episode:
    """Play the run's policy greedily under its first command, on an environment seed."""
    assert run.policy is not None
    command = None
    if run.policy.scale.takes_command:
        asked = first_command(run)
        command = (asked.desired_return, asked.desired_horizon)
    return collect(run.policy, run.config.env_name, command, [seed], most_return=run.return_limit)[0]


def bars_of(run: Run, episode: Episode, steps: NDArray[np.int64], options: PlayerOptions) -> Bars:
    """Give the Shapley values of the actions taken at some steps of an episode, and words for each."""
    assert run.policy is not None
    rows, actions = episode.inputs[steps], episode.actions[steps]
    background, _ = background_of(run, options)
    found = shapley_values(run.policy, rows, background, n_jobs=1)
    values = found.values[np.arange(len(rows)), :, actions]
    probabilities = run.policy.action_probabilities(rows)[np.arange(len(rows)), actions]
    titles = []
    for step, row, action, probability in zip(steps, rows, actions, probabilities, strict=True):
        title = f"{run.action_names[action]}  ({probability:.2f})\nstep {step}"
        if episode.takes_command:
            title += f", wanted: {row[RETURN_COLUMN]:.4g}".replace("-", "−")
            if run.config.horizon_meaning != "none":
                title += f" within {row[HORIZON_COLUMN]:.4g} steps"
        titles.append(title)
    names = [name.replace("_", " ") for name in run.feature_names]
    colours = [COMMAND_COLOUR if name in COMMAND_NAMES else STATE_COLOUR for name in run.feature_names]
    caption = "Shapley values: towards (+) or against (−) this action"
    return Bars(values, names, colours, titles, caption)
