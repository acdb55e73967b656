"""Command line: ``python -m udrl_explain.performance data/CartPole-v0``."""

import shlex

from udrl_explain.command_line import answer, parse, run_main
from udrl_explain.playing.performance_options import PerformanceOptions

PROG = "python -m udrl_explain.performance"


def main() -> int:
    """Play all coalitions, print the files written, and list the runs that could not be played."""
    options = parse(PerformanceOptions, prog=PROG)
    # Heavy imports wait until the flags are read: --help answers at once.
    from udrl_explain.playing.performance import play_performance

    written, left_out = play_performance(options)
    place = shlex.quote(str(options.run))
    said = [f"{PROG}: left out {folder}: {reason}" for folder, reason in left_out]
    if written:
        said.append(f"Episodes stored. Next: python -m udrl_explain.report {place} --only performance")
    elif not left_out:
        said.append(f"Nothing to do: every run in {place} has its performance.csv; --overwrite plays them again.")
    answer(PROG, written, "\n".join(said))
    return 1 if left_out else 0


if __name__ == "__main__":
    raise SystemExit(run_main(PROG, main))
