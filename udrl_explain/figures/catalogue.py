"""Which figure shows which table: the one list that the report and ``python -m udrl_explain.figures`` draw by.

A table's file name starts with its kind: ``shapley-random_forest.csv`` is of the kind ``shapley``. Tables that belong
together share what follows, e.g. ``command_map_nearest-random_forest-start.csv``. A figure is drawn from tables alone;
nothing is computed.
"""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from udrl_explain.figures.action_shares import plot_action_shares
from udrl_explain.figures.command_map import plot_command_map
from udrl_explain.figures.comparison import plot_comparison
from udrl_explain.figures.distillation import plot_distillations
from udrl_explain.figures.faithfulness import plot_faithfulness, plot_faithfulness_curves
from udrl_explain.figures.final_returns import plot_final_returns
from udrl_explain.figures.importance import panels_height, plot_importance, plot_importances
from udrl_explain.figures.learning import plot_learning_curves
from udrl_explain.figures.obedience import plot_obedience, plot_obedience_map
from udrl_explain.figures.path_drawing import telling_tree
from udrl_explain.figures.paths import contrast_fits, plot_decision_path, plot_path_contrast
from udrl_explain.figures.performance import plot_performance
from udrl_explain.figures.response import plot_command_response, plot_importance_by_command
from udrl_explain.figures.sample_efficiency import plot_sample_efficiency
from udrl_explain.figures.seed_comparison import plot_improvement, plot_performance_profiles, plot_seed_comparison
from udrl_explain.figures.shapley import plot_mean_abs_shapley, plot_shapley_summary
from udrl_explain.figures.small_tree import plot_small_tree
from udrl_explain.figures.stability import plot_stability
from udrl_explain.figures.style import figure_of, is_wide, page_height
from udrl_explain.figures.timeline import plot_timeline, strips_of, timeline_height
from udrl_explain.figures.training_commands import plot_training_commands
from udrl_explain.tables import read_csv

Drawer = Callable[["TableSet"], dict[str, Figure]]
_TIMELINE_PARTS = {
    "did": ("action", "probability"),
    "asked": ("return", "horizon"),
    "why": ("Shapley",),
    "flips": ("influence", "flip"),
}  # where a page does not hold all strips
_MOST_BARS = 24


class TableSet:
    """A table with its companions: those in the same folder that share the end of its name.

    Parameters
    ----------
    path : Path
        Of the CSV.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stem = path.stem
        self.kind, dash, rest = path.stem.partition("-")
        self._rest = dash + rest
        self.frame = read_csv(path)

    def companion(self, kind: str) -> pd.DataFrame | None:
        """Table of another kind that belongs to this one; None where there is none."""
        path = self.path.with_name(f"{kind}{self._rest}.csv")
        return read_csv(path) if path.is_file() else None


def drawable_kinds() -> tuple[str, ...]:
    """Kinds of tables that a figure shows, sorted."""
    return tuple(sorted(_DRAWERS))


def draw(path: str | Path) -> dict[str, Figure]:
    """Draw all figures that show a table, in the current style.

    Parameters
    ----------
    path : str or Path
        A CSV file as the report writes it, its companions beside it.

    Returns
    -------
    dict of Figure
        By file name without suffix; the caller closes them.

    Raises
    ------
    FileNotFoundError
        If there is no such table.
    ValueError
        If no figure shows this kind of table, or it lacks a column.
    """
    tables = TableSet(Path(path))
    if tables.kind not in _DRAWERS:
        raise ValueError(f"{path}: no figure shows a table called {tables.stem!r}; drawn are {', '.join(_DRAWERS)}")
    try:
        return _DRAWERS[tables.kind](tables)
    except KeyError as fault:
        raise ValueError(f"{path}: column {fault} is missing") from None
    except ValueError as fault:
        raise ValueError(f"{path}: {fault}") from fault


def _learning_curves(tables: TableSet) -> dict[str, Figure]:
    by_seed = tables.companion("learning_curves_by_seed")
    figures = {tables.stem: figure_of(plot_learning_curves(tables.frame, by_seed=by_seed))}
    if (tables.frame["kind"] == "test").any():
        tests = plot_learning_curves(tables.frame, kind="test", by_seed=by_seed)
        figures[f"{tables.stem}-test"] = figure_of(tests)
    return figures


def _final_returns(tables: TableSet) -> dict[str, Figure]:
    return {tables.stem: figure_of(plot_final_returns(tables.frame, tables.companion("final_returns_by_seed")))}


def _action_shares(tables: TableSet) -> dict[str, Figure]:
    """One bar per seed; one per label where there are too many seeds."""
    means = tables.companion("action_shares")
    many = len(tables.frame[["label", "seed"]].drop_duplicates()) > _MOST_BARS
    frame = means if many and means is not None else tables.frame
    return {"action_shares": figure_of(plot_action_shares(frame))}


def _seed_comparison(tables: TableSet) -> dict[str, Figure]:
    by_seed = tables.companion("seed_comparison_by_seed")
    return {tables.stem: figure_of(plot_seed_comparison(tables.frame, by_seed))}


def _importance(tables: TableSet) -> dict[str, Figure]:
    fits = panels_height(tables.frame) <= page_height()
    if is_wide() and fits:
        return {tables.stem: plot_importances(tables.frame)}
    return {
        f"{tables.stem}-{_word(method)}": figure_of(plot_importance(tables.frame, method=method))
        for method in dict.fromkeys(tables.frame["method"])
    }


def _shapley(tables: TableSet) -> dict[str, Figure]:
    actions = sorted({int(action) for action in tables.frame["action"]})
    if len(actions) == 2 and (tables.frame["quantity"] == "probability").all():
        actions = actions[1:]  # the other action's figure is this one in a mirror
    return {
        f"{tables.stem}-action_{action}": figure_of(plot_shapley_summary(tables.frame, action=action))
        for action in actions
    }


def _command_map(tables: TableSet) -> dict[str, Figure]:
    ax = plot_command_map(
        tables.frame,
        nearest=tables.companion("command_map_nearest"),
        support=tables.companion("command_map_support"),
    )
    return {tables.stem: figure_of(ax)}


def _decision_path(tables: TableSet) -> dict[str, Figure]:
    tree = telling_tree(tables.frame, tables.companion("path_contrast"))
    votes, values = tables.companion("path_votes"), tables.companion("path_values")
    return {tables.stem: figure_of(plot_decision_path(tables.frame, tree=tree, votes=votes, values=values))}


def _path_contrast(tables: TableSet) -> dict[str, Figure]:
    tree = telling_tree(tables.frame, tables.companion("decision_path"))
    frame = tables.frame[tables.frame["tree"] == tree]
    votes, values = tables.companion("path_contrast_commands"), tables.companion("path_values")
    if is_wide() and contrast_fits(frame, histograms=values is not None):
        shown = {tables.stem: frame}
    else:  # the words of one path fill a column, its tests a slide
        shown = {f"{tables.stem}-{_word(str(label))}": part for label, part in frame.groupby("label", sort=False)}
    return {
        name: figure_of(plot_path_contrast(part, tree=tree, votes=votes, values=values)) for name, part in shown.items()
    }


def _response(tables: TableSet) -> dict[str, Figure]:
    states = tables.companion("response_states")
    return {tables.stem: figure_of(plot_command_response(tables.frame, states=states))}


def _timeline(tables: TableSet) -> dict[str, Figure]:
    known = strips_of(tables.frame)
    if timeline_height(tables.frame, known) <= page_height():
        return {tables.stem: plot_timeline(tables.frame)}
    parts = {part: [name for name in names if name in known] for part, names in _TIMELINE_PARTS.items()}
    return {
        f"{tables.stem}-{part}": plot_timeline(tables.frame, strips=names) for part, names in parts.items() if names
    }


def _one(plot: Callable[[pd.DataFrame], Axes]) -> Drawer:
    return lambda tables: {tables.stem: figure_of(plot(tables.frame))}


def _word(text: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in text).strip("_")


_DRAWERS: dict[str, Drawer] = {
    "learning_curves": _learning_curves,
    "final_returns": _final_returns,
    "action_shares_by_seed": _action_shares,
    "training_commands": lambda tables: {tables.stem: plot_training_commands(tables.frame)},
    "obedience": _one(plot_obedience),
    "obedience_map": _one(plot_obedience_map),
    "importance": _importance,
    "shapley": _shapley,
    "shapley_mean": _one(plot_mean_abs_shapley),
    "response": _response,
    "response_importance": _one(plot_importance_by_command),
    "command_map": _command_map,
    "comparison": _one(plot_comparison),
    "decision_path": _decision_path,
    "path_contrast": _path_contrast,
    "timeline": _timeline,
    "seed_comparison": _seed_comparison,
    "performance_profile": _one(plot_performance_profiles),
    "improvement": _one(plot_improvement),
    "sample_efficiency": _one(plot_sample_efficiency),
    "distillation": lambda tables: {tables.stem: plot_distillations(tables.frame)},
    "small_tree": _one(plot_small_tree),
    "faithfulness": _one(plot_faithfulness),
    "faithfulness_curves": _one(plot_faithfulness_curves),
    "performance": _one(plot_performance),
    "stability": _one(plot_stability),
}
