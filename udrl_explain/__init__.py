"""Make Upside-Down Reinforcement Learning policies readable.

train_policy, TrainConfig              train a policy, store the run
run_study, StudyConfig                 train many, and put what came of them in one table
load_run, find_runs, Run               read stored runs
policy_from_estimator                  bring a classifier that you fitted yourself
policy_from_callable                   bring any function from rows to probabilities or actions
collect                                episodes of any policy
run_from_episodes, save_run            store them as a run, which a report reads
explain                                one decision in one sentence
compare                                two policies: where they act differently, and why
shapley_values, shapley_interactions   how much each input pushed each action
feature_importance                     which inputs matter
decision_paths                         which tests of which trees led to an action
command_response, command_map          what changes when the command changes, and where exactly
obedience, episode_timeline            does the agent do as told; what drove one episode
learning_curves, final_returns         how training went, and what came out
seed_comparison                        which experiment is better, and how certain that is
faithfulness, performance              does an attribution describe the policy; what return is owed to each input
distill                                does a small tree do the same, and what does it give up
stability                              do policies of other seeds act alike, and for the same reasons
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from udrl_explain.analysis.command_map import command_map as command_map
    from udrl_explain.analysis.comparison import compare as compare
    from udrl_explain.analysis.distillation.result import distill as distill
    from udrl_explain.analysis.explanation.result import explain as explain
    from udrl_explain.analysis.faithfulness.result import faithfulness as faithfulness
    from udrl_explain.analysis.final_returns import final_returns as final_returns
    from udrl_explain.analysis.importance.result import feature_importance as feature_importance
    from udrl_explain.analysis.interactions import shapley_interactions as shapley_interactions
    from udrl_explain.analysis.learning import learning_curves as learning_curves
    from udrl_explain.analysis.obedience.result import obedience as obedience
    from udrl_explain.analysis.paths.steps import decision_paths as decision_paths
    from udrl_explain.analysis.performance import performance as performance
    from udrl_explain.analysis.response import command_response as command_response
    from udrl_explain.analysis.seed_comparison import seed_comparison as seed_comparison
    from udrl_explain.analysis.shapley import shapley_values as shapley_values
    from udrl_explain.analysis.stability import stability as stability
    from udrl_explain.analysis.timeline.result import episode_timeline as episode_timeline
    from udrl_explain.config import TrainConfig as TrainConfig
    from udrl_explain.policies import policy_from_callable as policy_from_callable
    from udrl_explain.policies import policy_from_estimator as policy_from_estimator
    from udrl_explain.rollouts.collecting import collect as collect
    from udrl_explain.runs import find_runs as find_runs
    from udrl_explain.runs import load_run as load_run
    from udrl_explain.runs import run_from_episodes as run_from_episodes
    from udrl_explain.runs import save_run as save_run
    from udrl_explain.runs.run import Run as Run
    from udrl_explain.studying.config import StudyConfig as StudyConfig
    from udrl_explain.studying.study import run_study as run_study
    from udrl_explain.training.loop import train_policy as train_policy

    __version__: str

# Modules load on first use: `python -m udrl_explain.report --help` must not wait for scikit-learn.
_HOMES = {
    "TrainConfig": "config",
    "train_policy": "training.loop",
    "StudyConfig": "studying.config",
    "run_study": "studying.study",
    "Run": "runs.run",
    "load_run": "runs",
    "find_runs": "runs",
    "run_from_episodes": "runs",
    "save_run": "runs",
    "policy_from_callable": "policies",
    "policy_from_estimator": "policies",
    "compare": "analysis.comparison",
    "explain": "analysis.explanation.result",
    "feature_importance": "analysis.importance.result",
    "shapley_values": "analysis.shapley",
    "shapley_interactions": "analysis.interactions",
    "decision_paths": "analysis.paths.steps",
    "command_response": "analysis.response",
    "command_map": "analysis.command_map",
    "obedience": "analysis.obedience.result",
    "episode_timeline": "analysis.timeline.result",
    "learning_curves": "analysis.learning",
    "final_returns": "analysis.final_returns",
    "seed_comparison": "analysis.seed_comparison",
    "faithfulness": "analysis.faithfulness.result",
    "performance": "analysis.performance",
    "stability": "analysis.stability",
    "distill": "analysis.distillation.result",
    "collect": "rollouts.collecting",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version("udrl_explain")
    if name not in _HOMES:
        raise AttributeError(f"module 'udrl_explain' has no attribute {name!r}")
    return getattr(import_module(f"udrl_explain.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__


class _Package(ModuleType):
    """The package, in which `performance` stays the analysis of that name.

    ``python -m udrl_explain.performance`` is a command; importing its module would put that in the analysis' place.
    """

    @property
    def performance(self) -> Any:
        return __getattr__("performance")

    @performance.setter
    def performance(self, module: ModuleType) -> None:
        """Leave the command where it is, in ``sys.modules``."""


sys.modules[__name__].__class__ = _Package
