"""What a figure shows, in words: alternative texts for those who do not see the picture.

Every plot function says what it drew with :func:`describe`; ``save`` writes it into the file and a page puts it into
``alt``. The words come from the numbers drawn.
"""

from weakref import WeakKeyDictionary

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_TEXTS: "WeakKeyDictionary[Artist, str]" = WeakKeyDictionary()
_MOST = 6  # inputs, labels or steps that a text lists


def describe(drawn: Axes | Figure, text: str) -> None:
    """Keep the alternative text of an Axes, or of a whole figure, as long as it lives."""
    _TEXTS[drawn] = text


def alt_text(drawn: Axes | Figure) -> str:
    """Return the alternative text of a figure (else those of its Axes, one after another) or of one Axes; "" if none.

    Examples
    --------
    >>> import pandas as pd
    >>> from udrl_explain.figures.final_returns import plot_final_returns
    >>> table = {"env_name": ["CartPole-v0"], "label": ["random forest"], "mean": [180.0], "low": [168.0],
    ...          "high": [188.0], "published_mean": [None], "published_source": [None]}
    >>> alt_text(plot_final_returns(pd.DataFrame(table)))
    'Mean final return: random forest 180 (95 % for other seeds: 168 to 188).'
    """
    if drawn in _TEXTS:
        return _TEXTS[drawn]
    if isinstance(drawn, Figure):
        return " ".join(_TEXTS[axes] for axes in drawn.axes if axes in _TEXTS)
    return ""


def number(value: float, digits: int = 3) -> str:
    """Number for a sentence, with a true minus sign."""
    return f"{float(value):.{digits}g}".replace("-", "−")


def listed(words: list[str], comma: str = ", ") -> str:
    """Words as a list in a sentence; a long one is cut and says so."""
    rest = len(words) - _MOST
    return comma.join(words[:_MOST]) + (f" and {rest} more" if rest > 0 else "")
