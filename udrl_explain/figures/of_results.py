"""Which figure shows which result: what ``result.plot()`` calls, the one list.

A result is known by the name of its class; figures import no analysis. ``udrl_explain.results.Drawn`` finds this module
by its name when a result is first drawn, so that results load without matplotlib.
"""

from collections.abc import Callable
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from udrl_explain.commands import COMMAND_NAMES
from udrl_explain.figures.action_shares import plot_action_shares
from udrl_explain.figures.command_map import plot_command_map
from udrl_explain.figures.comparison import plot_comparison
from udrl_explain.figures.distillation import plot_distillations
from udrl_explain.figures.explanation import plot_explanation
from udrl_explain.figures.faithfulness import plot_faithfulness
from udrl_explain.figures.final_returns import plot_final_returns
from udrl_explain.figures.importance import plot_importances
from udrl_explain.figures.learning import plot_learning_curves
from udrl_explain.figures.obedience import plot_obedience, plot_obedience_map
from udrl_explain.figures.paths import plot_decision_path, plot_path_contrast
from udrl_explain.figures.performance import plot_performance
from udrl_explain.figures.response import plot_command_response
from udrl_explain.figures.sample_efficiency import plot_sample_efficiency
from udrl_explain.figures.seed_comparison import plot_seed_comparison
from udrl_explain.figures.shapley import plot_mean_abs_shapley, plot_shapley_summary
from udrl_explain.figures.small_tree import plot_small_tree
from udrl_explain.figures.stability import plot_stability
from udrl_explain.figures.timeline import plot_timeline
from udrl_explain.figures.training_commands import plot_training_commands


def draw_result(result: Any, **options: Any) -> Axes | Figure:
    """Draw a result; `options` are those of its plot function."""
    return FIGURES[type(result).__name__](result, **options)


def _command_map(result: Any, *, command: Any = None, **options: Any) -> Axes:
    """With a `command`, its nearest changes; with training commands, their points."""
    support = result.support
    if support is not None:
        options.setdefault("support", pd.DataFrame(support.commands, columns=list(COMMAND_NAMES)))
        if command is not None:
            options.setdefault("nearest", result.nearest_frame(command))
    return plot_command_map(result, command=command, **options)


def _final_returns(result: Any, **options: Any) -> Axes:
    return plot_final_returns(result, result.by_seed(), **options)


def _learning_curves(result: Any, **options: Any) -> Axes:
    options.setdefault("by_seed", result.by_seed())
    return plot_learning_curves(result, **options)


def _obedience(result: Any, **options: Any) -> Axes:
    return (plot_obedience_map if result.is_grid else plot_obedience)(result, **options)


def _shapley(result: Any, *, action: int | str | None = None, **options: Any) -> Axes:
    """One action's strips of points; without an `action`, and more than one there, the bars of all."""
    if action is None and len(result.action_names) > 1:
        return plot_mean_abs_shapley(result, **options)
    return plot_shapley_summary(result, action=action, **options)


FIGURES: dict[str, Callable[..., Axes | Figure]] = {
    "ActionShares": plot_action_shares,
    "CommandMap": _command_map,
    "CommandResponse": plot_command_response,
    "Comparison": plot_comparison,
    "DecisionPaths": plot_decision_path,
    "Distillation": plot_distillations,
    "Explanation": plot_explanation,
    "Faithfulness": plot_faithfulness,
    "FinalReturns": _final_returns,
    "Importance": plot_importances,
    "LearningCurves": _learning_curves,
    "Obedience": _obedience,
    "PathContrast": plot_path_contrast,
    "SampleEfficiency": plot_sample_efficiency,
    "SeedComparison": plot_seed_comparison,
    "Performance": plot_performance,
    "ShapleyValues": _shapley,
    "Student": plot_small_tree,
    "Stability": plot_stability,
    "Timeline": plot_timeline,
    "TrainingCommands": plot_training_commands,
}
"""By the name of the result's class."""
