"""Draw figures again from their tables: ``python -m udrl_explain.figures tables/obedience.csv --style icml``."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from udrl_explain.command_line import answer, parse, run_main
from udrl_explain.figures.choices import RUNS, check_style, checked_formats

PROG = "python -m udrl_explain.figures"


@dataclass(frozen=True)
class FigureOptions:
    """Draw the figures of one or more tables of a report again, in another style or format."""

    tables: tyro.conf.Positional[tuple[Path, ...]]
    """CSV files that a report wrote (reports/CartPole-v0/tables/obedience.csv)."""
    style: str = "text"
    """Width: icml (3.25 in), ieee (3.5 in), text (5.5 in), full (6.75 in) or slides (10 in)."""
    formats: str = "pdf"
    """Files per figure, separated by commas: pdf, png, svg, pgf."""
    output: Path = Path(".")
    """Folder that receives the figures."""

    def __post_init__(self) -> None:
        if not self.tables:
            raise ValueError("tables: name at least one CSV file of a report")
        check_style(self.style)
        checked_formats(self.formats)


def redraw(options: FigureOptions) -> list[Path]:
    """Write every figure of every table in every format and return the files.

    Raises
    ------
    FileNotFoundError, ValueError
        If a table is missing, or no figure shows it; raised before anything of that table is written.
    """
    # Heavy imports wait until the flags are read: --help answers at once.
    import json

    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    from udrl_explain.figures.catalogue import draw
    from udrl_explain.figures.export import save
    from udrl_explain.figures.style import paper_style

    options.output.mkdir(parents=True, exist_ok=True)
    files = []
    with paper_style(options.style):
        for table in options.tables:
            metadata = {"table": table.name}
            # Beside the tables, so that they keep it where they go; the manifest of reports made before that.
            records = [table.parent / RUNS, table.parent.parent / "manifest.json"]
            for record in [path for path in records if path.is_file()][:1]:
                try:
                    runs = json.loads(record.read_text(encoding="utf-8"))["runs"]
                    metadata["runs"] = ", ".join(f"{run} sha256:{str(digest)[:12]}" for run, digest in runs.items())
                except (ValueError, LookupError, TypeError, AttributeError) as fault:
                    raise ValueError(f"{record}: no record of a report's runs ({fault!r})") from fault
            for name, figure in draw(table).items():
                for suffix in checked_formats(options.formats):
                    files.append(
                        save(figure, options.output / f"{name}.{suffix}", metadata={"Title": name, **metadata})
                    )
                plt.close(figure)
    return files


def main() -> int:
    """Command line of the figures."""
    options = parse(FigureOptions, prog=PROG)
    files = redraw(options)
    answer(
        PROG,
        files,
        f"Figures in {options.output}, made for the {options.style} style: include them without scaling them.",
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(run_main(PROG, main))
