"""Command line of a study: ``python -m udrl_explain.study --config data/study.toml``."""

import shlex
import sys

from udrl_explain.command_line import answer, parse, run_main
from udrl_explain.studying.options import StudyOptions

PROG = "python -m udrl_explain.study"


def main() -> int:
    """Train what is missing, or say how far the study is; status 1 where a training failed."""
    options = parse(StudyOptions, prog=PROG)
    study_config = options.study()
    if options.print_slurm:
        from udrl_explain.studying.batch_script import slurm_script

        answer(PROG, [slurm_script(options, study_config.cells()).rstrip("\n")], "Store it and hand it to sbatch.")
        return 0
    # Heavy imports wait until the flags are read: --help answers at once.
    from udrl_explain.studying.study import counted, in_shard, look_at_study, run_study

    if options.list_states:
        states = look_at_study(study_config, options.directory)
        shown = in_shard(states, options.part_of())
        lines = [f"{state.state:8}{state.cell.name}{f'  {state.words}' if state.words else ''}" for state in shown]
        answer(PROG, lines, f"{len(shown)} trainings: {counted(shown)}")
        return 0
    study = run_study(
        study_config,
        options.directory,
        n_jobs=options.n_jobs,
        scheduler=options.scheduler,
        shard=options.part_of(),
        retry=options.retry,
        train=not options.collect,
        progress=True,
    )
    for name, reason in study.failed.items():
        sys.stderr.write(f"{PROG}: failed: {name}: {reason}\n")
    table = options.directory / "study.csv"
    advice = f"{study.n_rows} trainings: {study.method}. Next, read them: python -m udrl_explain.report "
    answer(PROG, [table] if table.exists() else [], advice + shlex.quote(str(options.directory)))
    return 1 if study.failed else 0


if __name__ == "__main__":
    raise SystemExit(run_main(PROG, main))
