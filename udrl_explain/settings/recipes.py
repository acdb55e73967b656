"""The two recipes: what fills the settings that a user leaves open.

``paper`` is the schedule of arXiv 2411.11457. ``robust`` was fixed on development seeds; the README says where each
ingredient comes from. Nothing here depends on an environment's name: what must differ between environments follows
from the rewards of the warm-up, see :func:`~udrl_explain.training.warm_up.reward_kind`.
"""

from typing import Any, Literal

Recipe = Literal["robust", "paper"]
RewardKind = Literal["constant", "varied"]
NEURAL = "neural"
AVERAGING = ("ensemble.RandomForestClassifier", "ensemble.ExtraTreesClassifier")
"""Forests whose probabilities are the mean of their trees': several of them are one larger forest."""

_FOREST, _EXTRA, _NET, _OTHER = *AVERAGING, NEURAL, "other"

_PAPER: dict[str, Any] = {
    "train_per_iter": {_NET: 100, _OTHER: 1},
    "batch_size": {_NET: 256, _OTHER: 0},
    "rows_per_episode": 1,
    "max_rows": 0,
    "estimator_arguments": (),
    "warm_up": {_NET: 260, _OTHER: 50},
    "warm_up_hold": 1.0,
    "warm_up_better": 0,
    "warm_up_limit": 2000,
    "memory_size": 700,
    "memory_steps": 0,
    "memory_keeps": "best",
    "memory_ties": "newest",
    "diverse_share": 0.0,
    "worst_limit": 0,
    "horizon_meaning": "exact",
    "advantage_weight": 0.0,
    "exploration": {_NET: "sample", _OTHER: "epsilon"},
    "exploration_power": 1.0,
    "practice_share": 0.0,
    "clip_return": False,
    "acting_fits": 1,
    "final_policy": "last",
    "joined_fits": 10,
    "final_rows_per_episode": 20,
    "final_arguments": (),
    "validation_period": 10,
    "validation_episodes": 20,
    "obedience_allowance": 0.0,
    "patience": 0,
    "stored_rows": 0,
    "stored_episodes": 0,
    "final_command": "exploratory",
}

_ROBUST: dict[str, Any] = _PAPER | {
    "train_per_iter": {_NET: 15, _OTHER: 1},
    "batch_size": 0,
    "rows_per_episode": {_NET: 0, _OTHER: 15},
    "max_rows": {_NET: 768, _OTHER: 6000},
    "estimator_arguments": {
        _FOREST: ("max_samples=2000", "min_samples_leaf=3", "n_estimators=10"),
        _EXTRA: ("min_samples_leaf=3", "n_estimators=10"),
        _NET: ("hidden_layer_sizes=(128, 128, 128)",),
        _OTHER: (),
    },
    "warm_up_hold": 50.0,
    "warm_up_better": 20,
    "memory_size": 400,
    "memory_ties": "random",
    "diverse_share": 0.5,
    "worst_limit": 50,
    "exploration": "sample",
    "practice_share": 0.25,
    "clip_return": True,
    "final_policy": {_NET: "validated", _OTHER: "refit"},
    "final_arguments": {
        _FOREST: ("max_features=none", "max_samples=6000", "min_samples_leaf=3", "n_estimators=50"),
        _EXTRA: ("max_features=none", "min_samples_leaf=3", "n_estimators=50"),
        _OTHER: (),
    },
    "stored_rows": 4000,
    "stored_episodes": 30,
    "final_command": "validated",
}

_VARIED: dict[str, Any] = {
    "train_per_iter": {_NET: 100, _OTHER: 1},
    "rows_per_episode": 0,
    "max_rows": {_NET: 768, _OTHER: 30000},
    "estimator_arguments": {
        _FOREST: ("max_features=none", "min_samples_leaf=5", "n_estimators=4"),
        _EXTRA: ("max_features=none", "min_samples_leaf=5", "n_estimators=4"),
        _NET: ("hidden_layer_sizes=(128, 128, 128)",),
        _OTHER: (),
    },
    "memory_keeps": "recent",
    "memory_steps": 60000,
    "diverse_share": 0.0,
    "practice_share": 0.0,
    "horizon_meaning": "none",
    "advantage_weight": 2.0,
    "acting_fits": {_FOREST: 5, _EXTRA: 5, _OTHER: 1},
    "final_policy": "validated",
}
"""What `robust` does otherwise where rewards vary from step to step."""

RECIPE_SETTINGS = tuple(_PAPER)
"""Names of the settings that a recipe fills."""


def recipe_value(recipe: Recipe, name: str, estimator_name: str, rewards: RewardKind | None) -> Any:
    """Value that a recipe gives to a setting.

    Parameters
    ----------
    recipe : {"robust", "paper"}
    name : str
        One of `RECIPE_SETTINGS`.
    estimator_name : str
    rewards : {"constant", "varied"} or None
        None before the warm-up.

    Returns
    -------
    object
        None where it depends on rewards that are not known yet.
    """
    if recipe == "paper":
        return _for_estimator(_PAPER[name], estimator_name)
    constant = _for_estimator(_ROBUST[name], estimator_name)
    varied = _for_estimator(_VARIED.get(name, _ROBUST[name]), estimator_name)
    if rewards is None:
        return constant if constant == varied else None
    return varied if rewards == "varied" else constant


def _for_estimator(value: Any, estimator_name: str) -> Any:
    return value.get(estimator_name, value[_OTHER]) if isinstance(value, dict) else value
