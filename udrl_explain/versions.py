"""Which versions made something: what runs and reports tell."""

import platform
from collections.abc import Iterable
from importlib.metadata import version

RUN_PACKAGES = ("numpy", "scikit-learn", "gymnasium", "udrl_explain")
"""Those that a run depends on."""


def versions_of(packages: Iterable[str]) -> dict[str, str]:
    """Versions by name: Python's, then those of installed packages in the order given."""
    return {"python": platform.python_version()} | {package: version(package) for package in packages}
