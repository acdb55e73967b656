"""A script for Slurm that trains a study as one array job, whose tasks take several trainings each."""

import math
import shlex
from collections.abc import Sequence

from udrl_explain.studying.config import Cell
from udrl_explain.studying.options import StudyOptions

DEFAULT_TASKS = 16
_HOURS = 24


def slurm_script(options: StudyOptions, cells: Sequence[Cell]) -> str:
    """Write the script; what a cluster wants besides (account, partition, modules) is for its user to add.

    Parameters
    ----------
    options : StudyOptions
        `shard` names the number of tasks; by default there are sixteen, or as many as trainings.
    cells : sequence of Cell
        All of the study.
    """
    parts = options.part_of()[1]
    tasks = min(parts if parts > 1 else DEFAULT_TASKS, len(cells))
    each = math.ceil(len(cells) / tasks)
    limits = [cell.limit_hours for cell in cells]
    hours = math.ceil(each * max(limit or 0 for limit in limits)) if None not in limits else _HOURS
    flags = [*options.grid_flags(), "--directory", str(options.directory)]
    command = shlex.join(["python", "-m", "udrl_explain.study", *flags])
    return f"""#!/bin/bash
# {len(cells)} trainings in {tasks} tasks of at most {each}. What is done is skipped: submit it again to go on.
#SBATCH --job-name=udrl-study
#SBATCH --array=1-{tasks}
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --time={hours}:00:00
#SBATCH --output=udrl-study-%A-%a.log
{command} \\
    --shard "$SLURM_ARRAY_TASK_ID/{tasks}" --n-jobs "$SLURM_CPUS_PER_TASK"
"""
