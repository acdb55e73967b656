"""Command line of the sweep: ``python -m udrl_explain.sweep data/CartPole-v0/base/42``."""

import shlex

from udrl_explain.command_line import answer, parse, run_main
from udrl_explain.playing.sweep_options import SweepOptions

PROG = "python -m udrl_explain.sweep"


def main() -> int:
    """Redo the sweep and print the file written."""
    options = parse(SweepOptions, prog=PROG)
    # Heavy imports wait until the flags are read: --help answers at once.
    from udrl_explain.playing.sweep import redo_sweep

    stored = redo_sweep(options)
    run = shlex.quote(str(options.run))
    advice = f"Sweep stored in {stored}. Next, see how it obeys: python -m udrl_explain.report {run} --only obedience"
    answer(PROG, [stored], advice)
    return 0


if __name__ == "__main__":
    raise SystemExit(run_main(PROG, main))
