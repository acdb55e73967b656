"""A small tree as a TikZ picture: one line per test and per leaf, leaves with a bar of the states that end there."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from udrl_explain.files.latex_text import comment_lines, latex_text
from udrl_explain.names import feature
from udrl_explain.policies import ForestPolicy
from udrl_explain.printing.small_trees import ROOT, digits_of, tree_frame

_GREYS = (35, 75, 15, 55)
_BAR = 4.0  # em of a bar of all states


def tree_latex(
    policy: ForestPolicy, rows: ArrayLike | None = None, *, provenance: Mapping[str, str] | None = None
) -> str:
    """Source of a ``tikzpicture``; the document needs the package ``tikz`` and nothing else.

    Parameters
    ----------
    policy : ForestPolicy
        Of one tree.
    rows : array_like of shape (n_rows, n_features), optional
        States that it visited, for the bars.
    provenance : mapping of str to str, optional
        Written as comments.

    Raises
    ------
    ValueError
        If the policy is no single tree, or the rows do not fit it.
    """
    frame = tree_frame(policy, rows)
    place = {int(node): line for node, line in zip(frame["node"], frame["line"], strict=True)}
    text = [
        *(f"% {line}" for line in comment_lines(provenance)),
        "% needs \\usepackage{tikz}; tests on the command are in italics, bars are shares of the visited states",
        "\\begin{tikzpicture}[x=1em, y=-1.25em, every node/.style={anchor=base west, inner sep=0pt, font=\\small}]",
    ]
    for line in frame.to_dict("records"):
        x, y = 1.5 * line["depth"], int(line["line"])
        if line["branch"] != ROOT:
            text.append(
                f"  \\draw[gray] ({x - 1.2:g},{place[int(line['parent'])] + 0.2:g}) |- ({x - 0.2:g},{y - 0.25:g});"
            )
        answer = "" if line["branch"] == ROOT else f"\\textcolor{{gray}}{{{line['branch']}}} "
        if line["is_leaf"]:
            said = f"\\textbf{{{latex_text(line['action_name'])}}}"
            text.append(f"  \\node (leaf{y}) at ({x:g},{y}) {{{answer}{said}}};")
            if not np.isnan(line["share"]):
                grey = _GREYS[int(line["action"]) % len(_GREYS)]
                start = f"([xshift=0.6em, yshift=0.1em]leaf{y}.base east)"
                text.append(
                    f"  \\draw[fill=black!{grey}] {start} rectangle ++({_BAR * line['share']:.3f}em,0.6em) "
                    f"node[anchor=west, xshift=0.3em, yshift=-0.3em] {{{100 * line['share']:.1f}\\,\\%}};"
                )
        else:
            known = feature(line["feature"])
            unit = f"~{latex_text(line['unit'])}" if line["unit"] else ""
            said = f"{latex_text(known.symbol)} $\\leq$ {_number(line['threshold'])}{unit}"
            said = f"\\textit{{{said}}}" if line["is_command"] else said
            text.append(f"  \\node at ({x:g},{y}) {{{answer}{said}}};")
    text.append("\\end{tikzpicture}")
    return "\n".join(text) + "\n"


def _number(threshold: float) -> str:
    mantissa, e, exponent = digits_of(threshold).partition("e")
    return f"${mantissa}\\cdot 10^{{{int(exponent)}}}$" if e else f"${mantissa}$"
