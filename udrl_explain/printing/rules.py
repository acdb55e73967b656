"""A small tree as rules in plain text, and as a Python function of nested ifs that needs nothing."""

import keyword
import re
import textwrap

import numpy as np
from numpy.typing import ArrayLike

from udrl_explain.names import feature
from udrl_explain.policies import ForestPolicy
from udrl_explain.printing.small_trees import ROOT, digits_of, lines_of, tree_frame
from udrl_explain.trees.float32_edges import last_input_left

_WIDTH = 100
_REMARK = "    # "


def tree_rules(policy: ForestPolicy, rows: ArrayLike | None = None) -> str:
    """Rules of a policy of one tree, one line per test and per leaf, in natural units.

    Parameters
    ----------
    policy : ForestPolicy
        Of one tree.
    rows : array_like of shape (n_rows, n_features), optional
        States that it visited: each leaf then says which share of them ends there.

    Raises
    ------
    ValueError
        If the policy is no single tree, or the rows do not fit it.
    """
    text = []
    for line in tree_frame(policy, rows).to_dict("records"):
        answer = "" if line["branch"] == ROOT else f"{line['branch']}: "
        if line["is_leaf"]:
            share = "" if np.isnan(line["share"]) else f"  [{100 * line['share']:.1f} % of visited states]"
            said = f"{line['action_name']}{share}"
        else:
            unit = f" {line['unit']}" if line["unit"] else ""
            mark = "  (command)" if line["is_command"] else ""
            said = f"{line['feature']} <= {digits_of(line['threshold'])}{unit}?{mark}"
        text.append("    " * line["depth"] + answer + said)
    return "\n".join(text) + "\n"


def tree_python(policy: ForestPolicy, name: str = "policy") -> str:
    """Source of a Python function of nested ifs that takes the inputs one by one and returns the action's number.

    Parameters
    ----------
    policy : ForestPolicy
        Of one tree.
    name : str
        Of the function.

    Returns
    -------
    str
        The numbers compared with are those at which the tree's own comparison in single precision turns: the function
        agrees with the tree for every input that fits it. The comments hold the thresholds.

    Raises
    ------
    ValueError
        If the policy is no single tree, or `name` is no identifier.
    """
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(f"name must be a Python identifier, got {name!r}")
    lines = lines_of(policy)
    factors = policy.scale.factors(policy.n_features)
    arguments = _identifiers(policy.feature_names)
    text = [f"def {name}({', '.join(arguments)}):"]
    told = ", ".join(f"{number} {_comment(action)}" for number, action in enumerate(policy.action_names))
    text += textwrap.wrap(f"Actions: {told}.", _WIDTH, initial_indent=_REMARK, subsequent_indent=_REMARK)
    units = [(argument, feature(own).unit) for argument, own in zip(arguments, policy.feature_names, strict=True)]
    said = ", ".join(f"{argument} in {unit}" for argument, unit in units if unit)
    if said:
        text += textwrap.wrap(f"Inputs: {said}.", _WIDTH, initial_indent=_REMARK, subsequent_indent=_REMARK)
    for line in lines:
        if line.branch == "no":
            text.append("    " * line.depth + "else:")
        indent = "    " * (line.depth + 1)
        if line.is_leaf:
            text.append(f"{indent}return {line.action}  # {_comment(policy.action_names[line.action])}")
        else:
            stored = float(policy.forest.threshold[line.node])
            edge = float(last_input_left(stored, factors[line.column]))
            unit = feature(policy.feature_names[line.column]).unit
            remark = f"{digits_of(line.threshold)}{f' {unit}' if unit else ''}"
            text.append(f"{indent}if {arguments[line.column]} <= {_literal(edge)}:  # {remark}")
    return "\n".join(text) + "\n"


def _comment(text: str) -> str:
    """Name for a comment; one that cannot be printed could end it."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _literal(number: float) -> str:
    return repr(number) if np.isfinite(number) else f"float({str(number)!r})"


def _identifiers(names: tuple[str, ...]) -> list[str]:
    """Names that Python takes, each once."""
    found: list[str] = []
    for name in names:
        word = re.sub(r"\W+", "_", name).strip("_") or "input"
        if word[0].isdigit() or keyword.iskeyword(word) or not word.isidentifier():
            word = f"input_{word}" if f"input_{word}".isidentifier() else "input"
        unique, number = word, 2
        while unique in found:
            unique, number = f"{word}_{number}", number + 1
        found.append(unique)
    return found
