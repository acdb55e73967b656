"""The settings of one training: a frozen dataclass, the same names in ``conf.json`` and on the command line."""

import dataclasses
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from udrl_explain.settings.arguments import canonical_arguments
from udrl_explain.settings.recipes import NEURAL, RECIPE_SETTINGS, Recipe, RewardKind, recipe_value
from udrl_explain.settings.rules import FLOATS, check_settings, check_type

__all__ = ["NEURAL", "Exploration", "TrainConfig", "safe_folder_name"]

Exploration = Literal["epsilon", "sample"]
Keeps = Literal["best", "recent"]
Ties = Literal["newest", "random"]
HorizonMeaning = Literal["exact", "at_most", "none"]
FinalPolicy = Literal["last", "joined", "refit", "validated"]
FinalCommand = Literal["exploratory", "validated"]
_FINAL_COMMANDS = {"CartPole-v0": (200.0, 200.0)}
_LONGEST_NAME = 100
SWEEP_EPISODES = 20
"""Episodes per command of a sweep."""


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
    """Fits per iteration (default 1; 100 for neural, 15 under robust for constant rewards)."""
    batch_size: int | None = None
    """Buffer episodes per fit; 0 takes all (default 0; 256 for neural under paper)."""
    warm_up: int | None = None
    """Random episodes before the first fit (paper: 50; 260 for neural)."""
    memory_size: int | None = None
    """Episodes that the replay buffer keeps (robust: 400; paper: 700)."""
    last_few: int = 75
    """Best episodes from which exploratory commands are made; at most a quarter of the most recent ones."""
    testing_period: int = 10
    """Iterations between evaluations without exploration."""
    horizon_scale: float = 0.02
    """Factor on the desired horizon (1/steps) inside the policy."""
    return_scale: float = 0.02
    """Factor on the desired return (1/reward) inside the policy."""
    exploration: Exploration | None = None
    """'epsilon' (argmax or, with probability epsilon, a uniform action) or 'sample' (drawn from the policy's
    probabilities) (robust: sample; paper: epsilon; sample for neural)."""
    epsilon: float = 0.2
    """Probability of a uniform action under 'epsilon' exploration."""
    final_testing: bool = True
    """Evaluate at the end, and sweep the commands."""
    final_testing_sample: int = 100
    """Episodes of the final evaluation."""
    final_desired_return: float | None = None
    """Command of the evaluations, in reward (default 200 for CartPole-v0; else as final_command says)."""
    final_desired_horizon: float | None = None
    """Command of the evaluations, in steps (default 200 for CartPole-v0; else as final_command says)."""
    save_policy: bool = True
    """Store the policy in the run folder."""
    save_learning_infos: bool = True
    """Store one record per fit in the run folder."""
    recipe: Recipe = "robust"
    """Fills the settings left open: 'robust', or 'paper', the schedule of arXiv 2411.11457."""
    reward_kind: RewardKind | None = None
    """What robust does depends on whether rewards are 'constant' from step to step or 'varied' (default: constant
    if one value makes up at least 90 % of all rewards of the warm-up)."""
    rows_per_episode: int | None = None
    """Training rows from each episode of a fit, at distinct random steps; 0 takes every step (robust: 15; 0 for
    neural and for varied rewards; paper: 1)."""
    max_rows: int | None = None
    """Training rows of a fit at most, drawn at random; 0 sets no limit (robust: 6000, for varied rewards 30000,
    for neural 768; paper: 0)."""
    estimator_arguments: tuple[str, ...] | None = None
    """Arguments of the estimator, as name=value with a space between them (robust: a few trees on a sample for
    forests, three layers of 128 for neural; paper: none)."""
    warm_up_hold: float | None = None
    """Longest mean number of steps for which a random action of the warm-up is held; each episode draws its mean
    from 1 to here, evenly in its logarithm (robust: 50; paper: 1, a new action in every step)."""
    warm_up_better: int | None = None
    """The warm-up goes on until so many episodes have beaten the lowest return seen (robust: 20; paper: 0)."""
    warm_up_limit: int | None = None
    """Episodes of the warm-up at most (2000)."""
    memory_steps: int | None = None
    """Steps in the buffer at most, where it keeps the most recent episodes; 0 sets no limit (robust: 60000; paper:
    0)."""
    memory_keeps: Keeps | None = None
    """Which the buffer keeps: those of the 'best' return, or the most 'recent' (robust: best, for varied rewards
    recent; paper: best)."""
    memory_ties: Ties | None = None
    """Of episodes with equal return the 'newest' stay, or 'random' ones (robust: random; paper: newest)."""
    diverse_share: float | None = None
    """Share of the buffer, 0..1, whose episodes are spread evenly over the returns seen (robust: 0.5, for varied
    rewards 0; paper: 0)."""
    worst_limit: int | None = None
    """Episodes of the lowest return seen among the best: at most so many, or as many as there are better ones;
    none among the diverse. 0 sets no limit (robust: 50; paper: 0)."""
    horizon_meaning: HorizonMeaning | None = None
    """Desired horizon of a training row: the 'exact' steps that the episode took, or a bound drawn 'at_most':
    between these and the longest episode of the buffer, or 'none': always 1, so that the horizon says nothing
    (robust: exact, for varied rewards none; paper: exact)."""
    advantage_weight: float | None = None
    """Rows of the kept half are drawn in proportion to exp(advantage_weight * standardised advantage), at most 20;
    0 draws them evenly (robust: 0, for varied rewards 2; paper: 0)."""
    practice_share: float | None = None
    """Share of the collected episodes, 0..1, whose command is a return met in the buffer, drawn evenly between its
    lowest and highest, with the horizon of the episode nearest to it (robust: 0.25, for varied rewards 0; paper:
    0)."""
    clip_return: bool | None = None
    """While a desired return runs down, keep it at or below the best return of a training row (robust: yes; paper:
    no)."""
    exploration_power: float | None = None
    """Power of the probabilities under 'sample', reached linearly from 1 over the training (1: none)."""
    acting_fits: int | None = None
    """The last so many fits, joined into one forest, collect the episodes and are tested (robust: 1, for varied
    rewards 5; paper: 1)."""
    final_policy: FinalPolicy | None = None
    """'last' fit; the last fits 'joined' into one forest; a 'refit' on more rows; or the checkpoint that does best
    on validation seeds, 'validated' (robust: refit, validated for neural and for varied rewards; paper: last)."""
    joined_fits: int | None = None
    """Fits that 'joined' makes one forest of (10)."""
    final_rows_per_episode: int | None = None
    """Rows from each episode of the buffer for 'refit'; 0 takes every step (20)."""
    final_arguments: tuple[str, ...] | None = None
    """Arguments of the estimator for 'refit', as estimator_arguments (robust: more trees on all inputs; paper:
    none)."""
    validation_period: int | None = None
    """Iterations between the checkpoints of 'validated' (10)."""
    validation_episodes: int | None = None
    """Validation episodes per checkpoint; the best five are played again on three times as many (20)."""
    obedience_allowance: float | None = None
    """Share of the progress in return since the warm-up, 0..1, that 'validated' may give up: of the checkpoints within
    it, the one whose achieved returns are nearest to the desired ones becomes the policy (0: the highest return)."""
    patience: int | None = None
    """The training ends early when so many iterations brought no better checkpoint of 'validated' and no higher mean
    return of the episodes collected between two checkpoints, and a checkpoint has returned as much as these (0: trains
    to the end)."""
    stored_rows: int | None = None
    """Training rows stored with the run at most, drawn evenly from those of the final fit; 0 stores all (robust:
    4000; paper: 0)."""
    stored_episodes: int | None = None
    """Final episodes stored step by step, the first ones; of the others the return is kept. 0 stores all (robust: 30;
    paper: 0)."""
    final_command: FinalCommand | None = None
    """Command of the final evaluation: 'exploratory', the lower end of the last exploratory range, or 'validated':
    of that one and the sweep's levels, the one that achieves most on validation seeds (robust: validated; paper:
    exploratory)."""

    def __post_init__(self) -> None:
        for name in ("estimator_arguments", "final_arguments"):
            object.__setattr__(self, name, canonical_arguments(name, getattr(self, name)))
        for field in dataclasses.fields(self):
            check_type(field.name, getattr(self, field.name), field.default)
            if field.name in FLOATS and getattr(self, field.name) is not None:
                # 1 and 1.0 are one setting: one folder name, one line in conf.json.
                object.__setattr__(self, field.name, float(getattr(self, field.name)))
        check_settings({field.name: self.effective(field.name) for field in dataclasses.fields(self)})

    def effective(self, name: str) -> Any:
        """Value of a setting after the recipe; None where it depends on a `reward_kind` that is not known yet."""
        value = getattr(self, name)
        if value is None and name in RECIPE_SETTINGS:
            return recipe_value(self.recipe, name, self.estimator_name, self.reward_kind)
        return value

    def resolved(self) -> "TrainConfig":
        """Copy with everything filled in that the recipe gives, and the final command where it is fixed.

        Settings that depend on a `reward_kind` that is not known yet stay None.
        """
        changes = {name: self.effective(name) for name in RECIPE_SETTINGS}
        if self.env_name in _FINAL_COMMANDS:
            desired_return, desired_horizon = _FINAL_COMMANDS[self.env_name]
            if self.final_desired_return is None:
                changes["final_desired_return"] = desired_return
            if self.final_desired_horizon is None:
                ignored = changes["horizon_meaning"] == "none"
                changes["final_desired_horizon"] = 1.0 if ignored else desired_horizon
        return dataclasses.replace(self, **changes)

    def experiment(self) -> str:
        """Folder name made of the settings that differ from the defaults, without `env_name` and `seed`.

        ``"base"`` if none does. A default written out is still the default. Safe on every file system and at most 100
        characters: a longer name ends with a hash of the whole instead.
        """
        mine = self.resolved().to_dict()
        given = {name: mine[name] for name in ("env_name", "estimator_name", "recipe", "reward_kind")}
        usual = TrainConfig(**given).resolved().to_dict()
        usual |= {name: getattr(TrainConfig, name) for name in ("estimator_name", "recipe", "reward_kind")}
        parts = [f"{name}-{_words(mine[name])}" for name in mine if name != "seed" and mine[name] != usual[name]]
        return safe_folder_name("_".join(parts)) if parts else "base"

    def to_dict(self) -> dict[str, Any]:
        """Plain values by setting, in the order of the fields."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

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


def _words(value: Any) -> str:
    return "+".join(value) if isinstance(value, tuple) else str(value)


def safe_folder_name(text: str) -> str:
    """Replace what file systems dislike by ``-``; cut names over 100 characters and end them with a hash."""
    name = re.sub(r"[^A-Za-z0-9._+=-]+", "-", text).strip(".-") or "run"
    if len(name) > _LONGEST_NAME:
        name = f"{name[: _LONGEST_NAME - 9]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    return name
