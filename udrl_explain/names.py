"""Names, symbols and units of inputs and actions, and readable names of estimators.

Names go into tables, symbols and units onto axes.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from udrl_explain.commands import COMMAND_NAMES, COMMAND_SYMBOLS, COMMAND_UNITS, N_COMMANDS, n_commands


@dataclass(frozen=True)
class Feature:
    """One input column.

    Parameters
    ----------
    name : str
        For tables and code; a lower-case identifier.
    symbol : str
        For axes; short, may hold Greek letters.
    unit : str
        Natural unit; "" for numbers without one.
    """

    name: str
    symbol: str
    unit: str

    @property
    def label(self) -> str:
        """Symbol with its unit, as axes show it."""
        return f"{self.symbol} ({self.unit})" if self.unit else self.symbol


COMMAND_FEATURES = tuple(
    Feature(name, symbol, unit)
    for name, symbol, unit in zip(COMMAND_NAMES, COMMAND_SYMBOLS, COMMAND_UNITS, strict=True)
)

# Column order as in Gymnasium's documentation and source of each environment.
STATE_FEATURES: dict[str, tuple[Feature, ...]] = {
    "CartPole": (
        Feature("cart_position", "x", "m"),
        Feature("cart_velocity", "ẋ", "m/s"),
        Feature("pole_angle", "θ", "rad"),
        Feature("pole_angular_velocity", "θ̇", "rad/s"),
    ),
    "Acrobot": (
        Feature("cos_theta_1", "cos θ₁", ""),
        Feature("sin_theta_1", "sin θ₁", ""),
        Feature("cos_theta_2", "cos θ₂", ""),
        Feature("sin_theta_2", "sin θ₂", ""),
        Feature("angular_velocity_1", "θ̇₁", "rad/s"),
        Feature("angular_velocity_2", "θ̇₂", "rad/s"),
    ),
    "LunarLander": (
        Feature("horizontal_position", "x", "half widths"),
        Feature("vertical_position", "y", "half heights"),
        Feature("horizontal_velocity", "ẋ", "scaled"),
        Feature("vertical_velocity", "ẏ", "scaled"),
        Feature("lander_angle", "φ", "rad"),
        Feature("lander_angular_velocity", "φ̇", "scaled"),
        Feature("left_leg_contact", "left leg", "0/1"),
        Feature("right_leg_contact", "right leg", "0/1"),
    ),
    "MountainCar": (
        Feature("car_position", "x", "m"),
        Feature("car_velocity", "ẋ", "m/step"),
    ),
}

ACTION_NAMES: dict[str, tuple[str, ...]] = {
    "CartPole": ("push left", "push right"),
    "Acrobot": ("torque −1", "torque 0", "torque +1"),
    "LunarLander": ("no engine", "left engine", "main engine", "right engine"),
    "MountainCar": ("push left", "no push", "push right"),
}

MOST_NAMES = 100_000

# Least and greatest return of an episode, from the rewards and time limits of Gymnasium's own registry. LunarLander's
# shaped reward has no bound worth showing.
RETURN_BOUNDS: dict[str, tuple[float, float]] = {
    "CartPole-v0": (1.0, 200.0),
    "CartPole-v1": (1.0, 500.0),
    "Acrobot-v1": (-500.0, 0.0),
    "MountainCar-v0": (-200.0, -1.0),
}

_BY_NAME = {feature.name: feature for features in (*STATE_FEATURES.values(), COMMAND_FEATURES) for feature in features}


def feature(name: str) -> Feature:
    """Symbol and unit of an input by its name; an unknown name is its own symbol, without a unit."""
    return _BY_NAME.get(name, Feature(name, name.replace("_", " "), ""))


def return_bounds(env_name: str) -> tuple[float, float]:
    """Least and greatest return an episode can have; infinite where its rewards set no bound, or it is not known."""
    return RETURN_BOUNDS.get(env_name, (-math.inf, math.inf))


def state_feature_names(n_observations: int) -> tuple[str, ...]:
    """Names for observations that nobody named: ``state_0``, ``state_1``, ..."""
    return tuple(f"state_{i}" for i in range(n_observations))


def checked_feature_names(names: Sequence[str] | None, n_features: int, takes_command: bool = True) -> tuple[str, ...]:
    """Return one name per input column; without any ``state_0 ...`` and the two commands.

    Raises
    ------
    ValueError
        If there is another number of names, one stands twice or cannot be printed, or the last two are not the
        commands; where no command is taken, if one has the name of a command.
    """
    if names is None or len(names) == 0:
        _check_number("takes", n_features, "inputs")
        if not takes_command:
            return state_feature_names(n_features)
        return (*state_feature_names(n_features - N_COMMANDS), *COMMAND_NAMES)
    checked = _checked_names("feature_names", names, n_features)
    if takes_command and n_commands(checked) == 0:
        raise ValueError(f"feature_names must end with {COMMAND_NAMES}, got {checked}")
    if not takes_command and set(checked) & set(COMMAND_NAMES):
        raise ValueError(f"feature_names of a policy without a command must not name one, got {checked}")
    return checked


def checked_action_names(names: Sequence[str] | None, n_actions: int) -> tuple[str, ...]:
    """Return one name per action; without any ``action 0``, ``action 1``, ...

    Raises
    ------
    ValueError
        If there is another number of names, or one stands twice or cannot be printed.
    """
    if names is None or len(names) == 0:
        _check_number("has", n_actions, "actions")
        return tuple(f"action {i}" for i in range(n_actions))
    return _checked_names("action_names", names, n_actions)


def _check_number(verb: str, number: int, what: str) -> None:
    # A damaged file may claim any number, and each one would get a name.
    if number > MOST_NAMES:
        raise ValueError(f"the policy {verb} {number} {what}, more than {MOST_NAMES:,} cannot be named")


def _checked_names(what: str, names: Sequence[str], n: int) -> tuple[str, ...]:
    listed = tuple(names)
    if isinstance(names, str) or len(listed) != n or len(set(listed)) != n:
        raise ValueError(f"{what} must be {n} different names, got {names!r}")
    for name in listed:
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise ValueError(f"{what} must be texts of printable characters, got {name!r}")
    return tuple(str(name) for name in listed)


_ESTIMATOR_LABELS = {
    "neural": "neural net",
    "RandomForestClassifier": "random forest",
    "ExtraTreesClassifier": "extra trees",
    "GradientBoostingClassifier": "gradient boosting",
    "HistGradientBoostingClassifier": "histogram gradient boosting",
    "AdaBoostClassifier": "AdaBoost",
    "KNeighborsClassifier": "k nearest neighbours",
    "SVC": "support vector machine",
    "DecisionTreeClassifier": "decision tree",
    "ExtraTreeClassifier": "extra tree",
    "MLPClassifier": "multilayer perceptron",
}


def estimator_label(estimator_name: str) -> str:
    """Return a readable name: ``ensemble.RandomForestClassifier`` is ``random forest``.

    A class not known here is called by the words of its name: ``x.RidgeClassifierCV`` is ``ridge classifier CV``.
    """
    name = estimator_name.rsplit(".", 1)[-1]
    if name in _ESTIMATOR_LABELS:
        return _ESTIMATOR_LABELS[name]
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+|[A-Z]+", name)
    return " ".join(word if word.isupper() else word.lower() for word in words) or estimator_name
