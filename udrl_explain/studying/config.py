"""What a study trains: environments x estimators x recipes x seeds, as an object or as a small TOML file."""

import dataclasses
import hashlib
import itertools
import json
import re
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from udrl_explain.config import TrainConfig
from udrl_explain.settings.arguments import plain_value

BOOKKEEPING = ("save_policy", "save_learning_infos", "stored_rows", "stored_episodes")
"""Settings that say what is stored; what comes out of a training does not depend on them."""
LATER = ("obedience_allowance", "patience")
"""Settings newer than the first studies; left to the recipe, they play no part in the hash, so that rows stay known."""
_OF_THE_GRID = {
    "env_name": "environments", "estimator_name": "estimators", "recipe": "recipes", "seed": "seeds",
}  # fmt: skip
_ARGUMENTS = ("estimator_arguments", "final_arguments")
_RANGE = re.compile(r"(\d+)-(\d+)")
_MOST_CELLS = 100_000
_PARTS = "parts"


@dataclass(frozen=True)
class Cell:
    """One training of a study.

    Parameters
    ----------
    config : TrainConfig
    limit_hours : float or None
        The training is stopped after so many hours.
    """

    config: TrainConfig
    limit_hours: float | None = None

    @property
    def experiment(self) -> str:
        """Name of its experiment's folder, as ``udrl_explain.train`` makes it; what is stored plays no part."""
        usual = dataclasses.replace(
            self.config, save_policy=True, save_learning_infos=True, stored_rows=None, stored_episodes=None
        )
        return usual.experiment()

    @property
    def name(self) -> str:
        """``<env_name>/<experiment>/<seed>``."""
        return f"{self.config.env_name}/{self.experiment}/{self.config.seed}"

    @property
    def settings(self) -> dict[str, Any]:
        """Every setting that the result depends on, as far as it is known before the training."""
        values = self.config.resolved().to_dict()
        return {name: value for name, value in values.items() if name not in BOOKKEEPING}

    @property
    def config_hash(self) -> str:
        """Sixteen hexadecimal digits that name :attr:`settings`."""
        values = {
            name: value
            for name, value in self.settings.items()
            if name not in LATER or getattr(self.config, name) is not None
        }
        text = json.dumps(values, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def disagreement(self, stored: TrainConfig) -> str:
        """Say in which setting a stored run is another one than this cell asks for; empty where it is the same.

        What a training finds out for itself, the kind of rewards and the command of the evaluation, is taken from the
        stored run where the cell leaves it open.
        """
        asked = self.config
        if asked.reward_kind is None:
            asked = dataclasses.replace(asked, reward_kind=stored.reward_kind)
        found = stored.to_dict()
        for name, value in dataclasses.replace(self, config=asked).settings.items():
            left_open = name.startswith("final_desired_") and value is None
            if found[name] != value and not left_open:
                return f"{name} is {found[name]!r}, the study asks for {value!r}"
        return ""


@dataclass(frozen=True)
class StudyConfig:
    """Which trainings make up a study: every environment with every estimator, recipe and seed.

    Raises
    ------
    ValueError
        Naming the setting, the rule and the value.
    """

    environments: tuple[str, ...] = ("CartPole-v0",)
    """Gymnasium environments."""
    estimators: tuple[str, ...] = ("ensemble.RandomForestClassifier",)
    """'neural', or scikit-learn classifiers as module.Class."""
    recipes: tuple[str, ...] = ("robust",)
    """'robust', 'paper' or both."""
    seeds: tuple[int | str, ...] = ("0-9",)
    """Training seeds; a text such as "0-9" stands for all from 0 to 9. Held as whole numbers, ascending."""
    settings: Mapping[str, Any] | tuple[tuple[str, Any], ...] = ()
    """Other settings of the trainer by name, for all of these trainings. Held as pairs, sorted."""
    limit_hours: float | None = None
    """Stop a training after so many hours and list it so (default: no limit)."""
    also: tuple["StudyConfig", ...] = ()
    """Further trainings of the same study."""

    def __post_init__(self) -> None:
        for name in _OF_THE_GRID.values():
            value = getattr(self, name)
            listed = (value,) if isinstance(value, (str, int)) else tuple(value)
            object.__setattr__(self, name, _seeds(listed) if name == "seeds" else _texts(name, listed))
        pairs = dict(self.settings)
        for name, setting in pairs.items():
            if name in _OF_THE_GRID:
                raise ValueError(f"settings cannot hold {name!r}: {_OF_THE_GRID[name]} decides it")
            pairs[name] = tuple(setting) if isinstance(setting, list) else setting
        object.__setattr__(self, "settings", tuple(sorted(pairs.items())))
        limit = self.limit_hours
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, (int, float)) or not limit > 0):
            raise ValueError(f"limit_hours must be a number above 0, got {limit!r}")
        object.__setattr__(self, "also", tuple(self.also))
        self.cells()  # every setting is checked when the object is made

    def cells(self) -> tuple[Cell, ...]:
        """All trainings: seed by seed, so that a study that is not finished has some of everything.

        Raises
        ------
        ValueError
            If a setting is unknown or breaks a rule, or there are more than 100,000 trainings.
        """
        size = len(self.environments) * len(self.estimators) * len(self.recipes) * len(self.seeds)
        if size > _MOST_CELLS:
            raise ValueError(f"a study must have at most {_MOST_CELLS:,} trainings, got {size:,}")
        grid = itertools.product(self.seeds, self.environments, self.estimators, self.recipes)
        settings = dict(self.settings)
        cells = [
            Cell(
                TrainConfig.from_dict(
                    settings | {"seed": seed, "env_name": environment, "estimator_name": estimator, "recipe": recipe}
                ),
                self.limit_hours,
            )
            for seed, environment, estimator, recipe in grid
        ]
        cells += [cell for more in self.also for cell in more.cells()]
        first: dict[str, Cell] = {}
        for cell in cells:
            first.setdefault(cell.config_hash, cell)
        return tuple(sorted(first.values(), key=lambda cell: cell.config.seed))


def read_study(path: str | Path) -> StudyConfig:
    """Read a study from a TOML file: the fields of :class:`StudyConfig`, or several such tables ``[[parts]]``.

    What stands above the parts holds for each of them that does not say otherwise.

    Raises
    ------
    FileNotFoundError, ValueError
        Naming the file and what is wrong with it.
    """
    path = Path(path)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file") from None
    except (ValueError, OSError) as fault:
        raise ValueError(f"{path}: not readable as TOML ({fault})") from None
    parts = values.pop(_PARTS, None)
    try:
        if parts is None:
            return _from_table(values)
        if not isinstance(parts, list) or not parts or not all(isinstance(part, dict) for part in parts):
            raise ValueError(f"{_PARTS} must be tables, each headed [[{_PARTS}]]")
        first, *more = (_from_table(values | part) for part in parts)
        return dataclasses.replace(first, also=tuple(more))
    except ValueError as fault:
        raise ValueError(f"{path}: {fault}") from None


def settings_of_texts(texts: tuple[str, ...]) -> dict[str, Any]:
    """Settings by name of texts ``name=value``, as they stand on a command line.

    Raises
    ------
    ValueError
        If a text is not of that form or a name stands twice.
    """
    settings: dict[str, Any] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name or not value:
            raise ValueError(f"settings must be of the form name=value, got {text!r}")
        if name in settings:
            raise ValueError(f"settings holds {name!r} twice")
        settings[name] = tuple(shlex.split(value)) if name in _ARGUMENTS else plain_value(value)
    return settings


def _from_table(values: Mapping[str, Any]) -> StudyConfig:
    known = [field.name for field in dataclasses.fields(StudyConfig) if field.name != "also"]
    for name, value in values.items():
        if name not in known:
            raise ValueError(f"unknown entry {name!r}; a study has {', '.join(known)}")
        if name == "settings" and not isinstance(value, dict):
            raise ValueError(f"settings must be a table of names and values, got {value!r}")
    return StudyConfig(**values)


def _texts(name: str, values: tuple[Any, ...]) -> tuple[str, ...]:
    if not values or not all(isinstance(value, str) for value in values):
        raise ValueError(f"{name} must hold at least one name, got {list(values)!r}")
    return tuple(dict.fromkeys(values))


def _seeds(values: tuple[Any, ...]) -> tuple[int, ...]:
    rule = 'seeds must be whole numbers from 0 on or ranges such as "0-9"'
    seeds: set[int] = set()
    for value in values:
        if isinstance(value, str):
            found = _RANGE.fullmatch(value.strip()) or re.fullmatch(r"(\d+)()", value.strip())
            if found is None:
                raise ValueError(f"{rule}, got {value!r}")
            first, last = int(found[1]), int(found[2] or found[1])
            if not first <= last < first + _MOST_CELLS:
                raise ValueError(f"{rule}, got {value!r}")
            seeds.update(range(first, last + 1))
        elif isinstance(value, bool) or not hasattr(value, "__index__") or value < 0:
            raise ValueError(f"{rule}, got {value!r}")
        else:
            seeds.add(int(value))
    if not seeds:
        raise ValueError(f"{rule}, got none")
    return tuple(sorted(seeds))
