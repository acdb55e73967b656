"""ES modules put behind each other as one module, for a page that can load no file.

Comments that begin a line stay behind: they are for readers of the modules, and would be a twentieth of the page.

A module imports with ``import { a, b } from "./other.js";`` and nothing else: no default, no other name, no package.
What it declares at its top begins a line, and no two modules declare one name there.
"""

import re
from pathlib import Path

_IMPORT = re.compile(r"^import\s*\{([^}]*)\}\s*from\s*\"\./([\w-]+\.js)\";[ \t]*\n?", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function\b|class\b|const\b|let\b)", re.MULTILINE)
_DECLARED = re.compile(r"^(export )?(?:(?:async )?function\s*\*?|class|const|let|var)\s+(.*)", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z_$][\w$]*")
_LEFT = re.compile(r"^\s*(import\b(?!\s*[.(])|export\b).*", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*(?:/\*.*?\*/[ \t]*\n?|//[^\n]*\n?)", re.DOTALL | re.MULTILINE)
_FORBIDDEN = ("</script", "<!--", "<script")


def joined_modules(folder: Path, entry: str) -> str:
    """Put a module and all that it imports into one text, each module behind those that it imports.

    Parameters
    ----------
    folder : Path
        Holds all modules.
    entry : str
        File name of the one that imports the others.

    Returns
    -------
    str
        Without an import or export, and without comments that begin a line.

    Raises
    ------
    ValueError
        Naming the module and the rule that it breaks.
    """
    texts: dict[str, str] = {}
    exported: dict[str, set[str]] = {}
    owner: dict[str, str] = {}
    waiting: list[str] = []

    def take(name: str) -> None:
        if name in texts:
            return
        if name in waiting:
            raise ValueError(f"{name}: modules import one another in a circle: {' -> '.join([*waiting, name])}")
        path = folder / name
        if not path.is_file():
            raise ValueError(f"{name}: imported by {waiting[-1] if waiting else 'the page'}, but not there")
        text = path.read_text(encoding="utf-8")
        waiting.append(name)
        for names, other in _IMPORT.findall(text):
            take(other)
            for wanted in filter(None, (part.strip() for part in names.split(","))):
                if wanted not in exported[other]:
                    raise ValueError(f"{name}: imports {wanted!r}, which {other} does not export")
        waiting.pop()
        exported[name] = _declare(name, text, owner)
        texts[name] = _without_words(name, text)

    take(entry)
    return "\n".join(f"// {name}\n{text.strip()}\n" for name, text in texts.items())


def _declare(name: str, text: str, owner: dict[str, str]) -> set[str]:
    """Note what a module declares at its top, and return what it exports."""
    exported = set()
    for export, rest in _DECLARED.findall(text):
        names = _declared_names(rest)
        if not names:
            raise ValueError(f"{name}: no name can be read from {rest!r}")
        for declared in names:
            if declared in owner:
                raise ValueError(f"{name}: declares {declared!r}, which {owner[declared]} declares too")
            owner[declared] = name
        if export:
            exported |= set(names)
    return exported


def _declared_names(rest: str) -> list[str]:
    """Names that a declaration begins: one, or those between the brackets of ``const { a, b } = ...``."""
    if rest[:1] not in "{[":
        found = _NAME.match(rest)
        return [found[0]] if found else []
    inside = re.match(r"[{\[]([^}\]]*)[}\]]\s*=", rest)
    if inside is None or ":" in inside[1]:
        return []
    return _NAME.findall(inside[1])


def _without_words(name: str, text: str) -> str:
    bare = _COMMENT.sub("", _EXPORT.sub("", _IMPORT.sub("", text)))
    if left := _LEFT.search(bare):
        raise ValueError(f"{name}: {left[0].strip()!r} is no form of import or export that a page can hold")
    for forbidden in _FORBIDDEN:
        if forbidden in bare.lower():
            raise ValueError(f"{name}: {forbidden!r} may not stand in a page's script")
    return bare
