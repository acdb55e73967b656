"""Which attribution describes the policies best, over all shipped runs: the picture and the table of the README.

    python benchmarks/faithfulness.py [data] [reports]

Judges every method for every run below ``data/<env_name>`` that has a policy, as the section of the report does for
one run per experiment, and writes ``reports/faithfulness.png`` and ``reports/faithfulness.csv``: means over the
training seeds, with 95 % intervals for other seeds.
"""

import sys
import tempfile
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import pandas as pd

from udrl_explain.figures.export import save
from udrl_explain.figures.faithfulness import plot_faithfulness_panels
from udrl_explain.figures.style import paper_style
from udrl_explain.parallel import Beside
from udrl_explain.report.context import ReportContext
from udrl_explain.report.gather import gather
from udrl_explain.report.options import ReportOptions
from udrl_explain.report.sections.faithfulness import judged_run
from udrl_explain.statistics.intervals import SEEDS, mean_interval
from udrl_explain.tables import write_csv

ENVIRONMENTS = ("CartPole-v0", "Acrobot-v1", "LunarLander-v3")
KEPT = ["score", "insertion_score", "deletion_score", "scaled_infidelity", "sanity_correlation"]


def judged(place: Path) -> pd.DataFrame:
    """Scores of every run of one environment, one row per run and method."""
    frames = []
    for scope in gather(place):
        with tempfile.TemporaryDirectory() as folder, Beside(1) as beside:
            context = ReportContext(scope, ReportOptions(place), Path(folder), beside)
            for experiment in context.explained:
                for run in experiment.runs:
                    if not run.has_policy or not run.episodes:
                        continue
                    result, note = judged_run(context, run)
                    sys.stderr.write(f"{scope.env_name}, {experiment.label}, seed {run.config.seed}: {note}\n")
                    facts = {"env_name": scope.env_name, "label": experiment.label, "seed": run.config.seed}
                    frames.append(result.to_frame()[["method", *KEPT]].assign(**facts))
    return pd.concat(frames, ignore_index=True)


def over_seeds(frame: pd.DataFrame) -> pd.DataFrame:
    """Means over the seeds of every experiment and method, with the interval of the score."""
    lines = []
    for (env_name, label, method), own in frame.groupby(["env_name", "label", "method"], sort=False):
        interval = mean_interval(own["score"].to_numpy(), SEEDS, seed=0)
        lines.append(
            {
                "env_name": env_name, "label": label, "method": method, **own[KEPT].mean().to_dict(),
                "score_low": interval.low, "score_high": min(interval.high, 1.0),  # no order is better than the best
                "interval": interval.words, "n_seeds": len(own),
            }
        )  # fmt: skip
    return pd.DataFrame(lines)


def main() -> None:
    """Judge, draw and print."""
    given = sys.argv[1:3]
    data, reports = (Path(word) for word in (*given, *("data", "reports")[len(given) :]))
    places = [data / name for name in ENVIRONMENTS if (data / name).is_dir()]
    frame = over_seeds(pd.concat([judged(place) for place in places], ignore_index=True))
    reports.mkdir(exist_ok=True)
    write_csv(frame, reports / "faithfulness.csv", digits=4)
    with paper_style("full"):
        save(plot_faithfulness_panels(frame), reports / "faithfulness.png", metadata={"Title": "Faithfulness"})
    print(frame.round(3).to_string(index=False))


if __name__ == "__main__":
    main()
