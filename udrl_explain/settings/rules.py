"""The rules that the settings of a training keep, each broken one named in one line."""

import sys
from collections.abc import Mapping
from typing import Any

from udrl_explain.settings.recipes import AVERAGING, NEURAL

_AT_LEAST: dict[str, float] = {
    "seed": 0, "max_episode": 1, "collect_episode": 1, "train_per_iter": 1, "batch_size": 0, "rows_per_episode": 0,
    "max_rows": 0, "warm_up": 1, "warm_up_hold": 1, "warm_up_better": 0, "warm_up_limit": 1, "memory_size": 1,
    "memory_steps": 0, "stored_rows": 0, "stored_episodes": 0, "worst_limit": 0, "last_few": 1, "testing_period": 1,
    "acting_fits": 1, "joined_fits": 1, "final_rows_per_episode": 0, "validation_period": 1, "validation_episodes": 1,
    "patience": 0, "final_testing_sample": 1, "final_desired_horizon": 1,
}  # fmt: skip
_SHARES = ("diverse_share", "practice_share", "epsilon", "obedience_allowance")
_AT_MOST: dict[str, float] = {"warm_up_hold": 1e6, "advantage_weight": 100, "exploration_power": 100}
_CHOICES = {
    "recipe": ("robust", "paper"),
    "reward_kind": ("constant", "varied"),
    "exploration": ("epsilon", "sample"),
    "memory_keeps": ("best", "recent"),
    "memory_ties": ("newest", "random"),
    "horizon_meaning": ("exact", "at_most", "none"),
    "final_policy": ("last", "joined", "refit", "validated"),
    "final_command": ("exploratory", "validated"),
}
FLOATS = {
    "horizon_scale", "return_scale", "epsilon", "final_desired_return", "final_desired_horizon", "warm_up_hold",
    "diverse_share", "advantage_weight", "practice_share", "exploration_power",
    "obedience_allowance",
}  # fmt: skip
_INTEGERS = (set(_AT_LEAST) | {"seed"}) - FLOATS
_SWITCHES = {"clip_return", "final_testing", "save_policy", "save_learning_infos"}
_TEXTS = {"estimator_arguments", "final_arguments"}
_LARGEST_SEED = 2**63 - 1


def check_type(name: str, value: Any, default: Any) -> None:
    """Refuse a value of the wrong type.

    Raises
    ------
    ValueError
        Naming the setting, the rule and the value.
    """
    if (value is None and default is None) or name in _TEXTS:
        return
    if name in _INTEGERS:
        fits, kind = isinstance(value, int) and not isinstance(value, bool), "a whole number"
    elif name in FLOATS:
        fits, kind = isinstance(value, (int, float)) and not isinstance(value, bool), "a finite number"
        fits = fits and abs(value) <= sys.float_info.max
    elif name in _SWITCHES:
        fits, kind = isinstance(value, bool), "true or false"
    else:
        fits, kind = isinstance(value, str), "text"
    if not fits:
        raise ValueError(f"{name} must be {kind}, got {value!r}")


def check_settings(settings: Mapping[str, Any]) -> None:
    """Refuse values out of range and combinations without a meaning.

    Parameters
    ----------
    settings : mapping of str to object
        After the recipe; None where a value is not known before the warm-up.

    Raises
    ------
    ValueError
        Naming the setting, the rule and the value.
    """
    if settings["seed"] > _LARGEST_SEED:
        raise ValueError(f"seed must be at most {_LARGEST_SEED}, got {settings['seed']}")
    for name in ("env_name", "estimator_name"):
        text = settings[name]
        if not text or not text.isprintable() or len(text) > 200:
            raise ValueError(f"{name} must be a printable name of at most 200 characters, got {text!r}")
    for name, words in _CHOICES.items():
        if settings[name] not in (None, *words):
            listed = f"{', '.join(repr(word) for word in words[:-1])} or {words[-1]!r}"
            raise ValueError(f"{name} must be {listed}, got {settings[name]!r}")
    for name, least in _AT_LEAST.items():
        if settings[name] is not None and settings[name] < least:
            raise ValueError(f"{name} must be at least {least}, got {settings[name]}")
    for name in ("horizon_scale", "return_scale", "exploration_power"):
        if settings[name] is not None and not settings[name] > 0:
            raise ValueError(f"{name} must be above 0, got {settings[name]}")
    for name in _SHARES:
        if settings[name] is not None and not 0 <= settings[name] <= 1:
            raise ValueError(f"{name} must lie in 0..1, got {settings[name]}")
    for name, most in _AT_MOST.items():
        if settings[name] is not None and not 0 <= settings[name] <= most:
            raise ValueError(f"{name} must lie in 0..{most:g}, got {settings[name]}")
    _check_combinations(settings)


def _check_combinations(settings: Mapping[str, Any]) -> None:
    memory, share = settings["memory_size"], settings["diverse_share"]
    if None not in (memory, share) and round(memory * share) >= memory:
        raise ValueError(f"diverse_share must leave room for at least one kept episode of {memory}, got {share}")
    estimator, final = settings["estimator_name"], settings["final_policy"]
    if estimator not in AVERAGING:
        for name, joins in (
            ("final_policy 'joined'", final == "joined"),
            ("acting_fits above 1", (settings["acting_fits"] or 1) > 1),
        ):
            if joins:
                raise ValueError(
                    f"{name} needs a forest that averages its trees ({' or '.join(AVERAGING)}), "
                    f"got estimator_name {estimator!r}"
                )
    if final == "refit" and estimator == NEURAL:
        raise ValueError("final_policy 'refit' has no meaning for estimator_name 'neural': a net goes on learning")
    if settings["exploration"] == "epsilon" and settings["exploration_power"] not in (None, 1):
        raise ValueError(
            f"exploration_power has no meaning under exploration 'epsilon', got {settings['exploration_power']}"
        )
    horizon = settings["final_desired_horizon"]
    if settings["horizon_meaning"] == "none" and horizon not in (None, 1):
        raise ValueError(f"final_desired_horizon has no meaning under horizon_meaning 'none', got {horizon}")
    if settings["warm_up"] > settings["warm_up_limit"]:
        raise ValueError(
            f"warm_up must not exceed warm_up_limit ({settings['warm_up_limit']}), got {settings['warm_up']}"
        )
    smallest_buffer = min(settings["warm_up"], settings["memory_size"] or settings["warm_up"])
    if (settings["batch_size"] or 0) > smallest_buffer:
        raise ValueError(
            f"batch_size must not exceed the buffer at the first fit, the smaller of warm_up and memory_size "
            f"({smallest_buffer}), got {settings['batch_size']}"
        )
