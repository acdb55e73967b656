"""Stored trainings: all that knows the files of a run folder, the folders of the paper's own code included.

``run`` is the training as an object, ``places`` says where folders lie, ``saving`` and ``loading`` write and read them,
``policy_files`` and ``estimator_files`` hold the policies, ``paper_runs`` reads what the paper's code wrote.
"""

from udrl_explain.runs.from_episodes import run_from_episodes
from udrl_explain.runs.loading import load_run
from udrl_explain.runs.places import find_runs, run_directory
from udrl_explain.runs.run import PERFORMANCE_COLUMNS, SWEEP_COLUMNS, TRAINING_COMMAND_COLUMNS, Run
from udrl_explain.runs.saving import check_run_can_be_saved, save_run, store_performance, store_sweep

__all__ = [
    "PERFORMANCE_COLUMNS",
    "SWEEP_COLUMNS",
    "TRAINING_COMMAND_COLUMNS",
    "Run",
    "check_run_can_be_saved",
    "find_runs",
    "load_run",
    "run_directory",
    "run_from_episodes",
    "save_run",
    "store_performance",
    "store_sweep",
]
