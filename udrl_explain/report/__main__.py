"""Command line of the report: ``python -m udrl_explain.report data/CartPole-v0``."""

import sys

from udrl_explain.command_line import answer, parse, run_main
from udrl_explain.report.options import ReportOptions

PROG = "python -m udrl_explain.report"


def main() -> int:
    """Write the reports; status 1 if a run was left out, wholly or of a section."""
    options = parse(ReportOptions, prog=PROG)
    # Heavy imports wait until the flags are read: --help answers at once.
    import matplotlib as mpl

    mpl.use("Agg")

    from udrl_explain.report.build import build_reports

    pages, problems = build_reports(options)
    what = f"{len(pages)} pages, first {pages[-1]}," if len(pages) > 1 else f"{pages[0]}"
    advice = f"Open {what} in a browser; tables and figures lie beside it."
    answer(PROG, pages, advice)
    for folder, reason in problems:
        sys.stderr.write(f"{PROG}: left out {folder}: {reason}\n")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(run_main(PROG, main))
