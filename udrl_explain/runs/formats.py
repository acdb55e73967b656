"""The format of a run's ``conf.json``, and reading every format ever shipped.

Format 1 has no number and none of the settings that recipes fill; it is read as what it was made with, recipe
``paper``. Format 2 holds every setting but the number of episodes stored: it stored all. Format 3 trained to the end
and took the validated checkpoint of highest return.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from udrl_explain.config import TrainConfig

CONFIG_FORMAT = 4
_FORMAT_1 = (
    "env_name", "estimator_name", "seed", "max_episode", "collect_episode", "train_per_iter", "batch_size", "warm_up",
    "memory_size", "last_few", "testing_period", "horizon_scale", "return_scale", "exploration", "epsilon",
    "final_testing", "final_testing_sample", "final_desired_return", "final_desired_horizon", "save_policy",
    "save_learning_infos",
)  # fmt: skip


def config_of_any_format(values: Mapping[str, Any]) -> TrainConfig:
    """Settings of a stored run, each with the value that the run was made with.

    Parameters
    ----------
    values : mapping of str to object
        Settings by name as ``conf.json`` holds them, and its ``format``.

    Raises
    ------
    ValueError
        If the format is newer than this release, a setting is missing or unknown, or a value breaks a rule.
    """
    settings = dict(values)
    number = check_format(settings.pop("format", 1), CONFIG_FORMAT)
    if number == 2:
        settings.setdefault("stored_episodes", 0)
    if number in (2, 3):
        settings = {"obedience_allowance": 0.0, "patience": 0} | settings
    expected = {field.name for field in dataclasses.fields(TrainConfig)} if number > 1 else set(_FORMAT_1)
    missing, unknown = sorted(expected - set(settings)), sorted(set(settings) - expected)
    if missing:
        raise ValueError(f"setting {missing[0]!r} is missing")
    if unknown:
        raise ValueError(f"unknown setting {unknown[0]!r}")
    if number == 1:
        return TrainConfig.from_dict(settings | {"recipe": "paper"}).resolved()
    return TrainConfig.from_dict(settings)


def check_format(number: Any, newest: int) -> int:
    """Return the number of a format that this release reads.

    Raises
    ------
    ValueError
        If it is newer, or no such number.
    """
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise ValueError(f"format must be a whole number from 1 on, got {number!r}")
    if number > newest:
        raise ValueError(f"format {number} is newer than this release reads ({newest}): update udrl_explain")
    return number
