"""How experiments of a study obey their commands, over seeds: from the rows of ``study.csv``, without the runs."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from udrl_explain.statistics.run_groups import GROUP_COLUMNS, grouped_runs
from udrl_explain.studying.table import RecordedRun

COLUMNS = (
    *GROUP_COLUMNS, "n_seeds", "slope", "slope_lowest", "slope_highest", "mae", "mae_lowest", "mae_highest", "method",
    "exact",
)  # fmt: skip
METHOD = "mean and range over seeds of each run's slope and mae over its command sweep"


def study_obedience(runs: Sequence[RecordedRun]) -> pd.DataFrame:
    """Slope and error of the command sweeps of each experiment, over its seeds.

    Parameters
    ----------
    runs : sequence of RecordedRun
        As ``udrl_explain.studying.table.runs_of_table`` gives them; those without a sweep do not count.

    Returns
    -------
    DataFrame
        One row per experiment with at least one sweep, columns :data:`COLUMNS`, sorted by environment and label.
        `slope` has no unit, `mae` is in reward; `_lowest` and `_highest` are those of single seeds. `exact` is True:
        the numbers describe these seeds, they estimate nothing.

    Notes
    -----
    Each run's slope and error are those of ``analysis.obedience`` over its whole sweep: 15 desired returns from the
    5 % quantile of what training achieved to a quarter of that range beyond the best. No policy can obey beyond the
    best return there is: one that obeys fully up to the best return of its training, and achieves that one under every
    higher command, has a slope of 0.88 and an error of 0.03 times the range.
    """
    rows = []
    for group in grouped_runs(runs) if runs else ():
        swept = [run for run in group.runs if isinstance(run, RecordedRun) and np.isfinite(run.obedience_mae)]
        if not swept:
            continue
        slopes = np.array([run.obedience_slope for run in swept])
        errors = np.array([run.obedience_mae for run in swept])
        rows.append(
            group.key
            | {"n_seeds": len(swept)}
            | {"slope": slopes.mean(), "slope_lowest": slopes.min(), "slope_highest": slopes.max()}
            | {"mae": errors.mean(), "mae_lowest": errors.min(), "mae_highest": errors.max()}
            | {"method": METHOD, "exact": True}
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))
