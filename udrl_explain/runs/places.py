"""Where runs lie: ``<directory>/<env_name>/<experiment>/<seed>``, and the names of their files."""

import hashlib
import os
from pathlib import Path

from udrl_explain.config import TrainConfig, safe_folder_name

CONFIG_FILE = "conf.json"
SWEEP_FILE = "command_sweep.csv"
GRID_FILE = "command_grid.csv"
PERFORMANCE_FILE = "performance.csv"


def run_directory(config: TrainConfig, directory: str | Path, experiment: str | None = None) -> Path:
    """Folder of the run that `config` describes: ``directory/<env_name>/<experiment>/<seed>``."""
    name = config.experiment() if experiment is None else safe_folder_name(experiment)
    return Path(directory) / safe_folder_name(config.env_name) / name / str(config.seed)


def find_runs(folder: str | Path) -> list[Path]:
    """Folders of all runs at or below `folder`, sorted.

    Raises
    ------
    FileNotFoundError
        If `folder` does not exist or holds no run.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder")
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if CONFIG_FILE in files:
            found.append(Path(place))
    if not found:
        raise FileNotFoundError(f"{folder}: holds no run (a folder with {CONFIG_FILE})")
    return sorted(found)


def folder_hash(folder: Path) -> str:
    """SHA-256 over the names and contents of the files in a run folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith("."):  # not what a killed process left half written
            digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
            with path.open("rb") as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
    return digest.hexdigest()
