"""Command line: ``python -m udrl_explain.performance data/CartPole-v0/base/42``."""

from udrl_explain.command_line import answer, parse, run_main
from udrl_explain.playing.performance_options import PerformanceOptions

PROG = "python -m udrl_explain.performance"


def main() -> int:
    """Play all coalitions and print the file written."""
    options = parse(PerformanceOptions, prog=PROG)
    # Heavy imports wait until the flags are read: --help answers at once.
    from udrl_explain.playing.performance import play_performance

    stored = play_performance(options)
    advice = f"Episodes stored in {stored}. Next, in Python: performance(load_run({str(options.run)!r}).performance)"
    answer(PROG, [stored], advice)
    return 0


if __name__ == "__main__":
    raise SystemExit(run_main(PROG, main))
