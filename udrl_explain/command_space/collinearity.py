"""Do desired return and desired horizon move together? Then the split of credit between the two means nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from udrl_explain.commands import COMMAND_NAMES, HORIZON_COLUMN, RETURN_COLUMN, n_commands

COLLINEAR_ABOVE = 0.95


@dataclass(frozen=True)
class CommandCollinearity:
    """How strongly the two commands are tied in some rows.

    Parameters
    ----------
    correlation : float
        Pearson's correlation of desired return and desired horizon; NaN where one of them does not vary.
    collinear : bool
        Whether its magnitude is above 0.95.
    n_rows : int
    takes_command : bool
        Whether there is a command at all.
    """

    correlation: float
    collinear: bool
    n_rows: int
    takes_command: bool = True

    @property
    def note(self) -> str:
        """One or two sentences for a caption."""
        if not self.takes_command:
            return "This policy takes no command."
        if np.isnan(self.correlation):
            return f"A command does not vary in these {self.n_rows} rows; its own importance cannot be judged."
        said = f"Desired return and desired horizon correlate with r = {self.correlation:.3f}"
        if self.collinear:
            return (
                f"{said}: credit cannot be split between them from these {self.n_rows} rows, "
                "read the command pair instead."
            )
        return f"{said} in these {self.n_rows} rows."


def command_collinearity(inputs: ArrayLike, feature_names: Sequence[str] = COMMAND_NAMES) -> CommandCollinearity:
    """Correlation of the two command columns of `inputs`, shape ``(n_rows, n_features)``.

    `feature_names` say whether there are any; by default they are the last two.

    Raises
    ------
    ValueError
        If `inputs` is no two-dimensional array with at least three columns and one row.
    """
    rows = np.asarray(inputs, dtype=np.float64)
    if rows.ndim == 2 and len(rows) and n_commands(feature_names) == 0:
        return CommandCollinearity(float("nan"), False, len(rows), takes_command=False)
    if rows.ndim != 2 or rows.shape[1] < 3 or len(rows) == 0:
        raise ValueError(f"inputs must have shape (n_rows >= 1, n_features >= 3), got {rows.shape}")
    returns, horizons = rows[:, RETURN_COLUMN], rows[:, HORIZON_COLUMN]
    if np.ptp(returns) == 0 or np.ptp(horizons) == 0:
        return CommandCollinearity(float("nan"), False, len(rows))
    correlation = float(np.corrcoef(returns, horizons)[0, 1])
    return CommandCollinearity(correlation, abs(correlation) > COLLINEAR_ABOVE, len(rows))
