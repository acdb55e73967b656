"""What every result says about itself, and how runs and results look in a notebook: a line, a table below facts.

Names and notes may come from a run folder that somebody else wrote, so all text is escaped.
"""

from collections.abc import Callable, Mapping
from html import escape
from importlib import import_module
from typing import Any, Protocol, TypeVar, runtime_checkable

import pandas as pd

FACTS = (
    "n_rows", "n_levels", "n_cells", "n_trees", "quantity", "method", "exact", "n_background", "seed",
)  # fmt: skip
"""What a result says about itself, where it has it: how much was explained, how, and whether exactly."""
FIGURES_OF_RESULTS = "udrl_explain.figures.of_results"
PLAYER_OF_RUNS = "udrl_explain.player.notebook"
SHOWN_ROWS = 5
_DIGITS = 6

Kind = TypeVar("Kind")


@runtime_checkable
class Result(Protocol):
    """What every result of an analysis is: how it was made, and a table.

    Attributes
    ----------
    method : str
        How it was made; where a table holds several methods, all of them.
    exact : bool
        Whether it is what `method` names and not an estimate of it; intervals are estimates.
    n_rows : int
        What it was made from, counted: rows, states, steps, episodes or runs; the result's class says which.
    seed : int or None
        Of its random numbers; None where none are drawn.
    """

    @property
    def method(self) -> str: ...  # noqa: D102 - the class docstring describes the attributes
    @property
    def exact(self) -> bool: ...  # noqa: D102
    @property
    def n_rows(self) -> int: ...  # noqa: D102
    @property
    def seed(self) -> int | None: ...  # noqa: D102

    def to_frame(self) -> pd.DataFrame:
        """Return the result as a tidy table; its columns are the module's ``COLUMNS``."""
        ...


class Drawn:
    """A result with a figure of its own."""

    def plot(self, **options: Any) -> Any:
        """Draw this result with the plot function that ``udrl_explain.figures.of_results`` names for it.

        Parameters
        ----------
        **options
            Those of the plot function, such as ``ax``.

        Returns
        -------
        Axes or Figure
        """
        # By name, when first needed: figures stand above, and results must load without matplotlib.
        return import_module(FIGURES_OF_RESULTS).draw_result(self, **options)


class Playable:
    """A run that a reader can play with."""

    def player(
        self,
        *,
        start_seeds: int = 100,
        background: int = 200,
        returns: int = 5,
        horizons: int = 3,
        recorded_seeds: int = 3,
        seed: int = 0,
        trust_environment: bool = False,
        height: int = 900,
    ) -> Any:
        """Show the player: a page in which one commands the agent and sees why it acts.

        Parameters
        ----------
        start_seeds, background, returns, horizons, recorded_seeds, seed, trust_environment
            The flags of ``python -m udrl_explain.player``, which writes the same page of several runs as a file.
        height : int
            Of the page in a notebook, in CSS pixels.

        Returns
        -------
        PlayerView
            A notebook shows it; ``.html`` is the page, ``.save(path)`` writes it.

        Raises
        ------
        ValueError
            If the run cannot be played; the message says why.
        """
        # By name, when first asked: the player stands above, and a run must load without it.
        return import_module(PLAYER_OF_RUNS).view_of_run(
            self,
            height=height,
            start_seeds=start_seeds,
            background=background,
            returns=returns,
            horizons=horizons,
            recorded_seeds=recorded_seeds,
            seed=seed,
            trust_environment=trust_environment,
        )


def displayed(kind: type[Kind]) -> type[Kind]:
    """Give a result with ``to_frame()`` its ``repr`` and its table in notebooks; a class decorator.

    Both open with those of :data:`FACTS` that the result has as attributes. The table shows the first rows of
    ``to_frame()``; a column that only repeats one of the facts is left out there. A result with a ``sentence`` shows
    that in place of the facts, or above them.
    """

    def show(self: Any) -> str:
        if hasattr(self, "sentence"):
            return f"{kind.__name__}: {self.sentence}"
        return one_line(kind.__name__, facts_of(self))

    def show_html(self: Any) -> str:
        table = html_table(kind.__name__, facts_of(self), self.to_frame(), "to_frame()")
        return f"{_block(f'<p>{escape(self.sentence)}</p>')}\n{table}" if hasattr(self, "sentence") else table

    kind.__repr__ = show  # type: ignore[method-assign]
    kind._repr_html_ = show_html  # type: ignore[attr-defined]
    return kind


def facts_of(result: object) -> dict[str, object]:
    """Those of :data:`FACTS` that a result has, in their order; None counts as not there."""
    values = {name: getattr(result, name, None) for name in FACTS}
    return {name: _plain(value) for name, value in values.items() if value is not None}


def one_line(name: str, facts: Mapping[str, object]) -> str:
    """``Name(fact=value, ...)``; line breaks inside of values are shown as such."""
    return f"{name}({', '.join(f'{fact}={_plain(value)!r}' for fact, value in facts.items())})"


def html_table(name: str, facts: Mapping[str, object], frame: pd.DataFrame, source: str) -> str:
    """Return a head line with the facts, the first rows of a frame, and how many more `source` has; all escaped."""
    repeated = [fact for fact, value in facts.items() if fact in frame and (frame[fact] == value).all()]
    rows = frame.drop(columns=repeated).head(SHOWN_ROWS)
    table = rows.to_html(index=False, border=0, escape=True, na_rep="", float_format=_number)
    words = " · ".join(escape(f"{fact} {_plain(value)}") for fact, value in facts.items())
    left = f"first {len(rows)} of {len(frame):,} rows; {source} has all" if len(frame) > len(rows) else source
    return _block(f"<p><b>{escape(name)}</b> {words}</p>\n{table}\n<p><small>{escape(left)}</small></p>")


def html_facts(name: str, facts: Mapping[str, object]) -> str:
    """Return a table of two columns, fact and value, under a name; all escaped."""
    lines = "".join(f"<tr><th>{escape(fact)}</th><td>{escape(str(value))}</td></tr>\n" for fact, value in facts.items())
    return _block(f"<p><b>{escape(name)}</b></p>\n<table><tbody>\n{lines}</tbody></table>")


def _block(inside: str) -> str:
    # No renderer of formulas looks inside: a name from a file must stay a name.
    return f'<div class="udrl-explain tex2jax_ignore mathjax_ignore">{inside}</div>'


def _plain(value: object) -> object:
    """NumPy's numbers as Python's, which print as numbers do."""
    item: Callable[[], object] | None = getattr(value, "item", None)
    return item() if item is not None and getattr(value, "ndim", None) == 0 else value


def _number(value: float) -> str:
    return f"{value:.{_DIGITS}g}"
