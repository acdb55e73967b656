"""Read run folders as the code of the paper (arXiv 2411.11457) writes them; its pickled policies are never loaded."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from udrl_explain.commands import COMMAND_NAMES
from udrl_explain.config import TrainConfig
from udrl_explain.environments import environment_names
from udrl_explain.files.limits import within_limits
from udrl_explain.files.reading import finite_or_nan, read_npy, read_returns
from udrl_explain.names import ACTION_NAMES, STATE_FEATURES
from udrl_explain.runs.run import SWEEP_COLUMNS, TRAINING_COMMAND_COLUMNS, Run

_NOT_OURS = ("save_desired", "test_mean", "test_std")
_UNSAFE_FILES = {
    "policy.pkl": "a pickle",
    "policy.pth": "a PyTorch file, which holds a pickle",
    "policy.pt": "a PyTorch file, which holds a pickle",
}


def load_paper_run(folder: Path, values: dict[str, Any]) -> Run:
    """Learning curves, final result and training commands of a folder written by the paper's code.

    Parameters
    ----------
    folder : Path
    values : dict
        Contents of its ``conf.json``.

    Returns
    -------
    Run
        Without a policy, episodes, training rows and sweep. Achieved returns and lengths of single training
        episodes are not stored there; lengths follow from the commands, which lose one step each.

    Raises
    ------
    FileNotFoundError, ValueError
        Naming the file and what is wrong with it.
    """
    conf = folder / "conf.json"
    settings = {name: value for name, value in values.items() if name not in _NOT_OURS}
    settings["collect_episode"] = settings.pop("collect_iter")
    try:
        config = TrainConfig.from_dict(settings | {"recipe": "paper"}).resolved()
        final_mean, final_std = (finite_or_nan(name, values.get(name)) for name in ("test_mean", "test_std"))
        if final_std < 0:
            raise ValueError(f"test_std must be at least 0, got {final_std}")
    except ValueError as fault:
        raise ValueError(f"{conf}: {fault}") from fault
    family = config.env_name.rpartition("-v")[0]
    n_observations, n_actions = len(STATE_FEATURES.get(family, ())), len(ACTION_NAMES.get(family, ()))
    names = environment_names(config.env_name, n_observations, n_actions)
    n_features = len(names.feature_names)
    return Run(
        config=config,
        directory=folder,
        policy=None,
        policy_note=_policy_note(folder),
        feature_names=names.feature_names,
        action_names=names.action_names,
        train_returns=read_returns(folder / "train_rewards.npy"),
        test_returns=read_returns(folder / "test_rewards.npy"),
        training_commands=_training_commands(folder, config.collect_episode),
        training_inputs=np.empty((0, n_features)),
        training_actions=np.empty(0, dtype=np.int64),
        episodes=(),
        command_sweep=pd.DataFrame(columns=list(SWEEP_COLUMNS), dtype=np.float64),
        command_grid=None,
        final_mean=final_mean,
        final_std=final_std,
        written_by_paper_code=True,
    )


def _policy_note(folder: Path) -> str:
    for name, kind in _UNSAFE_FILES.items():
        if (folder / name).exists():
            return f"{name} is {kind}: loading it could run code hidden inside, so it is not loaded"
    return "no policy is stored"


def _training_commands(folder: Path, collect_episode: int) -> pd.DataFrame:
    """One row per training episode, taken apart from the commands of every step; empty where none are stored."""
    returns_file, horizons_file = folder / "desired_returns.npy", folder / "desired_horizons.npy"
    if not returns_file.exists() and not horizons_file.exists():
        return pd.DataFrame(columns=list(TRAINING_COMMAND_COLUMNS), dtype=np.float64)
    returns, horizons = read_npy(returns_file), read_npy(horizons_file)
    if (
        returns.ndim != 1
        or returns.shape != horizons.shape
        or not (within_limits(returns) and within_limits(horizons) and (horizons >= 0).all())
    ):
        raise ValueError(
            f"{returns_file}: must hold as many finite numbers as {horizons_file.name}, whose horizons are at least 0"
        )
    starts = _episode_starts(horizons)
    return pd.DataFrame(
        {
            "iteration": np.arange(len(starts)) // collect_episode + 1,
            COMMAND_NAMES[0]: returns[starts],
            COMMAND_NAMES[1]: horizons[starts],
            "achieved_return": np.nan,
            "length": np.diff(np.append(starts, len(horizons))),
        },
        columns=list(TRAINING_COMMAND_COLUMNS),
    )


def _episode_starts(horizons: NDArray[np.float64]) -> NDArray[np.int64]:
    # Within an episode the horizon loses 1 per step and rests at 1; anything else is a new command.
    if len(horizons) == 0:
        return np.empty(0, dtype=np.int64)
    expected = np.maximum(horizons[:-1] - 1.0, 1.0)
    return np.flatnonzero(np.append(True, np.abs(horizons[1:] - expected) > 1e-9))
