"""The settings of one training: a frozen dataclass, the same names in ``conf.json`` and on the command line."""

import dataclasses
import hashlib
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Exploration = Literal["epsilon", "sample"]
NEURAL = "neural"
# Settings whose default depends on the estimator: (for "neural", for every other).
_BY_ESTIMATOR: dict[str, tuple[Any, Any]] = {
    "train_per_iter": (100, 1),
    "batch_size": (256, 0),
    "warm_up": (260, 50),
    "exploration": ("sample", "epsilon"),
}
_FINAL_COMMANDS = {"CartPole-v0": (200.0, 200.0)}
_LONGEST_NAME = 100
SWEEP_EPISODES = 20
"""Episodes per command of a sweep."""
_LARGEST_SEED = 2**63 - 1


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a UDRL training (Srivastava et al. 2019, arXiv 1912.02877, Algorithms 1 and 2).

    A setting left at None takes a default that depends on the estimator or the environment; `resolved` fills it
    in. Every value is checked when the object is made.

    Raises
    ------
    ValueError
        Naming the setting, the rule and the value.
    """

    env_name: str = "CartPole-v0"
    """Gymnasium environment with a 1-d Box observation and Discrete actions; also package:Env-v0."""
    estimator_name: str = "ensemble.RandomForestClassifier"
    """A scikit-learn classifier as module.Class, or 'neural'."""
    seed: int = 42
    """The one source of randomness; same seed, same machine: byte-equal run."""
    max_episode: int = 500
    """Training iterations; each fits the policy, then collects episodes."""
    collect_episode: int = 15
    """Episodes collected per iteration."""
    train_per_iter: int | None = None
    """Fits per iteration (default 1; 100 for neural)."""
    batch_size: int | None = None
    """Buffer episodes per fit, one row each; 0 takes all (default 0; 256 for neural)."""
    warm_up: int | None = None
    """Random episodes before the first fit (default 50; 260 for neural)."""
    memory_size: int = 700
    """Episodes of highest return that the replay buffer keeps."""
    last_few: int = 75
    """Best episodes from which exploratory commands are made."""
    testing_period: int = 10
    """Iterations between evaluations without exploration."""
    horizon_scale: float = 0.02
    """Factor on the desired horizon (1/steps) inside the policy."""
    return_scale: float = 0.02
    """Factor on the desired return (1/reward) inside the policy."""
    exploration: Exploration | None = None
    """'epsilon' (argmax or, with probability epsilon, a uniform action) or 'sample' (drawn from the policy's
    probabilities) (default epsilon; sample for neural)."""
    epsilon: float = 0.2
    """Probability of a uniform action under 'epsilon' exploration."""
    final_testing: bool = True
    """Evaluate at the end, and sweep the commands."""
    final_testing_sample: int = 100
    """Episodes of the final evaluation."""
    final_desired_return: float | None = None
    """Command of the evaluations, in reward (default 200 for CartPole-v0; else the lower end of the last
    exploratory range)."""
    final_desired_horizon: float | None = None
    """Command of the evaluations, in steps (default 200 for CartPole-v0; else the mean length of the last_few
    best episodes)."""
    save_policy: bool = True
    """Store the policy in the run folder."""
    save_learning_infos: bool = True
    """Store one record per fit in the run folder."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _check_type(field, getattr(self, field.name))
            if field.name in _FLOATS and getattr(self, field.name) is not None:
                # 1 and 1.0 are one setting: one folder name, one line in conf.json.
                object.__setattr__(self, field.name, float(getattr(self, field.name)))
        if self.seed > _LARGEST_SEED:
            raise ValueError(f"seed must be at most {_LARGEST_SEED}, got {self.seed}")
        for name in ("env_name", "estimator_name"):
            text = getattr(self, name)
            if not text or not text.isprintable() or len(text) > 200:
                raise ValueError(f"{name} must be a printable name of at most 200 characters, got {text!r}")
        for name, least in _AT_LEAST.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"{name} must be at least {least}, got {value}")
        for name in ("horizon_scale", "return_scale"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
        if not 0 <= self.epsilon <= 1:
            raise ValueError(f"epsilon must lie in 0..1, got {self.epsilon}")
        if self.exploration not in (None, "epsilon", "sample"):
            raise ValueError(f"exploration must be 'epsilon' or 'sample', got {self.exploration!r}")
        self._check_batch()

    def _check_batch(self) -> None:
        settings = {name: self.effective(name) for name in ("batch_size", "warm_up")}
        smallest_buffer = min(settings["warm_up"], self.memory_size)
        if settings["batch_size"] > smallest_buffer:
            raise ValueError(
                f"batch_size must not exceed the buffer at the first fit, the smaller of warm_up and memory_size "
                f"({smallest_buffer}), got {settings['batch_size']}"
            )

    def effective(self, name: str) -> Any:
        """Value of a setting after the estimator's defaults."""
        value = getattr(self, name)
        if value is None and name in _BY_ESTIMATOR:
            neural, other = _BY_ESTIMATOR[name]
            return neural if self.estimator_name == NEURAL else other
        return value

    def resolved(self) -> "TrainConfig":
        """Copy with every estimator-dependent default filled in, and the final command where it is fixed."""
        changes = {name: self.effective(name) for name in _BY_ESTIMATOR}
        if self.env_name in _FINAL_COMMANDS:
            desired_return, desired_horizon = _FINAL_COMMANDS[self.env_name]
            if self.final_desired_return is None:
                changes["final_desired_return"] = desired_return
            if self.final_desired_horizon is None:
                changes["final_desired_horizon"] = desired_horizon
        return dataclasses.replace(self, **changes)

    def experiment(self) -> str:
        """Folder name made of the settings that differ from the defaults, without `env_name` and `seed`.

        ``"base"`` if none does. A default written out is still the default. Safe on every file system and at most 100
        characters: a longer name ends with a hash of the whole instead.
        """
        mine = self.resolved().to_dict()
        usual = TrainConfig(env_name=self.env_name, estimator_name=self.estimator_name).resolved().to_dict()
        usual["estimator_name"] = TrainConfig.estimator_name
        parts = [f"{name}-{mine[name]}" for name in mine if name != "seed" and mine[name] != usual[name]]
        return safe_folder_name("_".join(parts)) if parts else "base"

    def to_dict(self) -> dict[str, Any]:
        """Plain values by setting, in the order of the fields."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TrainConfig":
        """Make a config of plain values.

        Raises
        ------
        ValueError
            For an unknown setting or a value that breaks a rule.
        """
        names = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted(set(values) - names)
        if unknown:
            raise ValueError(f"unknown setting {unknown[0]!r}")
        return cls(**values)


def safe_folder_name(text: str) -> str:
    """Replace what file systems dislike by ``-``; cut names over 100 characters and end them with a hash."""
    name = re.sub(r"[^A-Za-z0-9._+=-]+", "-", text).strip(".-") or "run"
    if len(name) > _LONGEST_NAME:
        name = f"{name[: _LONGEST_NAME - 9]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    return name


_AT_LEAST = {
    "seed": 0, "max_episode": 1, "collect_episode": 1, "train_per_iter": 1, "batch_size": 0, "warm_up": 1,
    "memory_size": 1, "last_few": 1, "testing_period": 1, "final_testing_sample": 1, "final_desired_horizon": 1,
}  # fmt: skip
_INTEGERS = {
    "seed", "max_episode", "collect_episode", "train_per_iter", "batch_size", "warm_up", "memory_size", "last_few",
    "testing_period", "final_testing_sample",
}  # fmt: skip
_FLOATS = {"horizon_scale", "return_scale", "epsilon", "final_desired_return", "final_desired_horizon"}


def _check_type(field: "dataclasses.Field[Any]", value: Any) -> None:
    if value is None and field.default is None:
        return
    if field.name in _INTEGERS:
        fits, kind = isinstance(value, int) and not isinstance(value, bool), "a whole number"
    elif field.name in _FLOATS:
        fits, kind = isinstance(value, (int, float)) and not isinstance(value, bool), "a finite number"
        fits = fits and abs(value) <= sys.float_info.max
    elif isinstance(field.default, bool):
        fits, kind = isinstance(value, bool), "true or false"
    else:
        fits, kind = isinstance(value, str), "text"
    if not fits:
        raise ValueError(f"{field.name} must be {kind}, got {value!r}")
