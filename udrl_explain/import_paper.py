"""Command line: ``python -m udrl_explain.import_paper FOLDER --directory data``."""

import shlex

from udrl_explain.command_line import answer, parse, run_main
from udrl_explain.playing.import_options import ImportOptions

PROG = "python -m udrl_explain.import_paper"


def main() -> int:
    """Import the run and print its folder."""
    options = parse(ImportOptions, prog=PROG)
    # Heavy imports wait until the flags are read: --help answers at once.
    from udrl_explain.playing.import_paper import import_paper_run

    folder = import_paper_run(options).directory
    advice = f"Run stored in {folder}. Next, explain it: python -m udrl_explain.report {shlex.quote(str(folder))}"
    answer(PROG, [folder], advice)
    return 0


if __name__ == "__main__":
    raise SystemExit(run_main(PROG, main))
