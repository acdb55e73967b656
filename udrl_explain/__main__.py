"""The commands on one screen, and each of them by its name: ``python -m udrl_explain train --help``."""

import runpy
import sys

from udrl_explain.command_line import answer, run_main

PROG = "python -m udrl_explain"
COMMANDS = {
    "train": "train a policy and store the run",
    "study": "train many: environments x estimators x recipes x seeds",
    "sweep": "ask the policy of a stored run for many commands",
    "performance": "play a stored run with every coalition of its inputs",
    "import_paper": "make a run of a folder that the paper's own code wrote",
    "report": "explain stored runs: tables, figures, a page per environment",
    "player": "write a page to command the agent and see why it acts",
    "figures": "draw figures again from the tables of a report",
}


def main() -> int:
    """Run the command that is named first; without one, list them."""
    words = sys.argv[1:]
    if not words or words[0] in ("-h", "--help"):
        width = max(map(len, COMMANDS))
        lines = [f"  {name:{width}}  {what}" for name, what in COMMANDS.items()]
        usage = ["usage: udrl-explain COMMAND [OPTIONS]    (or python -m udrl_explain)", "", *lines]
        answer(PROG, usage, "Each has its own flags: udrl-explain COMMAND --help")
        return 0
    if words[0] not in COMMANDS:
        raise ValueError(f"there is no command {words[0]!r}, only {', '.join(COMMANDS)}")
    del sys.argv[1]
    # As `python -m udrl_explain.COMMAND` does it; the command ends the process with its own status.
    runpy.run_module(f"udrl_explain.{words[0]}", run_name="__main__", alter_sys=True)
    return 0


def console() -> None:
    """Entry point of the installed ``udrl-explain``."""
    raise SystemExit(run_main(PROG, main))


if __name__ == "__main__":
    console()
