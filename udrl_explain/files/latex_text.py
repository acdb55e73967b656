r"""Plain text with Greek letters, dots and minus signs as LaTeX that any engine sets, pdfTeX included."""

import re
import unicodedata
from collections.abc import Mapping

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",  # \\textquotedbl needs the T1 encoding
    "–": "--",
    "—": "---",
    "…": r"\ldots{}",
    "\N{NO-BREAK SPACE}": "~",
}
_GREEK_LETTERS = "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ"
_GREEK_NAMES = (
    "alpha beta gamma delta varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon varphi chi "
    "psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
)
_GREEK = dict(zip(_GREEK_LETTERS, _GREEK_NAMES.split(), strict=True))
_MATH = {
    **{letter: rf"\{name}" for letter, name in _GREEK.items()},
    "−": "-",
    "±": r"\pm",
    "×": r"\times",
    "·": r"\cdot",
    "≤": r"\le",
    "≥": r"\ge",
    "≠": r"\ne",
    "≈": r"\approx",
    "∞": r"\infty",
    "→": r"\to",
    "°": r"^{\circ}",
    "←": r"\leftarrow",
    "↑": r"\uparrow",
    "↓": r"\downarrow",
    "↔": r"\leftrightarrow",
    "•": r"\bullet",
    "●": r"\bullet",
    "○": r"\circ",
    "◆": r"\diamondsuit",
    "△": r"\bigtriangleup",
    "▲": r"\bigtriangleup",
    "✓": r"\surd",
    **{sign: f"_{digit}" for digit, sign in enumerate("₀₁₂₃₄₅₆₇₈₉")},
    **{sign: f"^{digit}" for digit, sign in zip("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹", strict=True)},
}
# What pdfTeX sets in its default encoding (OT1): ASCII, these signs, and Latin letters under one of these marks.
_SIGNS = frozenset("‘’“”†‡¡¿§¶©£ßæœøłıÆŒØŁ")
_MARKS = frozenset("\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327")
_ENDS_IN_COMMAND = re.compile(r"\\[A-Za-z]+$")
_ACCENTS = {
    "\N{COMBINING DOT ABOVE}": "dot",
    "\N{COMBINING DIAERESIS}": "ddot",
    "\N{COMBINING CIRCUMFLEX ACCENT}": "hat",
}


def latex_text(text: str) -> str:
    r"""Escape plain text for LaTeX.

    Parameters
    ----------
    text : str
        Any text; control characters become blanks.

    Returns
    -------
    str
        Nothing in it is a command but what this function put there. XeTeX and LuaTeX set letters of all scripts; pdfTeX
        knows the Latin ones and prints the code of any other, e.g. [U+65E5].

    Examples
    --------
    >>> print(latex_text("θ̇₁ of 50 % & torque −1"))
    $\dot{\theta}_1$ of 50 \% \& torque $-$1
    """
    parts: list[tuple[bool, str]] = []  # (is math, LaTeX)
    for base, marks in _clusters(text):
        accent = _ACCENTS.get(marks) if base in _GREEK or marks == "\N{COMBINING DOT ABOVE}" else None
        if accent is not None and base.isalpha():
            parts.append((True, rf"\{accent}{{{_MATH.get(base, base)}}}"))
        elif base in _MATH and not marks:
            parts.append((True, _MATH[base]))
        else:
            whole = unicodedata.normalize("NFC", base + marks)
            parts.append((False, "".join(_ESCAPES.get(sign) or _set_by_any_engine(sign) for sign in whole)))
    return "".join(_joined(parts))


def comment_lines(provenance: Mapping[str, str] | None) -> list[str]:
    """Give one line per entry, ``key: value``, that cannot leave its comment whatever the value holds."""
    return [
        "".join(sign if sign.isprintable() else " " for sign in f"{key}: {value}")
        for key, value in (provenance or {}).items()
    ]


def _clusters(text: str) -> list[tuple[str, str]]:
    """Split into letters with their combining marks: ẋ and x + dot are the same."""
    clusters: list[tuple[str, str]] = []
    for sign in text:
        if not sign.isprintable() and sign not in _ESCAPES:
            sign = " "
        if unicodedata.combining(sign) and clusters:
            base, marks = clusters[-1]
            clusters[-1] = (base, marks + sign)
            continue
        letters = unicodedata.normalize("NFD", sign)
        clusters.append((letters[0], letters[1:]))
    return clusters


def _set_by_any_engine(sign: str) -> str:
    letter, *marks = (part for part in unicodedata.normalize("NFD", sign))
    if (
        sign.isascii()
        or sign in _SIGNS
        or (letter.isascii() and len(marks) == 1 and marks[0] in _MARKS and sign <= "ſ")
    ):
        return sign
    return rf"\ifdefined\pdftexversion[U+{ord(sign):04X}]\else {sign}\fi{{}}"


def _joined(parts: list[tuple[bool, str]]) -> list[str]:
    """Put one pair of dollars around each run of mathematics."""
    out: list[str] = []
    in_math = False
    for math, piece in parts:
        if math != in_math:
            out.append("$")
            in_math = math
        elif math and piece[0].isalpha() and _ENDS_IN_COMMAND.search(out[-1]):
            out.append(" ")  # \pm x, not \pmx
        out.append(piece)
    if in_math:
        out.append("$")
    return out
