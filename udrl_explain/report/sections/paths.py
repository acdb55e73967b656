"""Which tests led to one decision?"""

import numpy as np
import pandas as pd

from udrl_explain.analysis.paths.box import decision_box
from udrl_explain.analysis.paths.contrast import path_contrast
from udrl_explain.analysis.paths.steps import decision_paths
from udrl_explain.commands import N_COMMANDS
from udrl_explain.policies import ForestPolicy
from udrl_explain.probes import HIGH
from udrl_explain.report.context import ReportContext
from udrl_explain.report.page.render import Item, Section

_N_BINS = 24
_QUANTILES = {"low": 0.1, "typical": 0.5, "high": 0.9}


def answer(context: ReportContext) -> Section:
    """Answer the question: which tests led to one decision."""
    items, without = list[Item](), list[str]()
    for experiment in context.explained:
        run = experiment.shown
        if not isinstance(run.policy, ForestPolicy):
            without.append(f"{experiment.label}: no tree ensemble, so it has no decision paths.")
            continue
        probes = context.probes(run)
        probe = probes.of_kind(HIGH)[0]
        row = probes.inputs[probe]
        paths = decision_paths(
            run.policy,
            row[None, :],
            n_jobs=context.options.n_jobs,
        )
        where = probes.frame.iloc[probe]
        decision = f"episode {where['episode']}, step {where['step']}"
        title = f"{experiment.label}, {decision}"
        box = decision_box(
            run.policy,
            row[None, :],
            spread=_spread(run.training_inputs),
        )
        commands = _three_commands(context.support(run).commands, context.support(run).counts)
        contrast = path_contrast(
            run.policy,
            row[:-N_COMMANDS],
            commands,
            labels=tuple(_QUANTILES),
            action=int(paths.actions[0]),
        )
        # A figure shows one tree, chosen by what both tables say: they stand before the first is drawn.
        votes = [] if box.votes is None else [context.data(f"path_votes-{experiment.slug}", box.votes_frame())]
        values = context.data(f"path_values-{experiment.slug}", histograms(run.training_inputs, run.feature_names))
        parting = context.data(f"path_contrast_parting-{experiment.slug}", contrast.parting_frame())
        told = context.data(f"path_contrast_commands-{experiment.slug}", contrast.commands_frame())
        path_table = context.table(
            f"decision_path-{experiment.slug}",
            paths.to_frame(),
            f"{title}: all tests of all trees",
            "One row per tree and test: the value compared, the side taken as the tree took it, and the probability of "
            "the action taken before and after; commands in natural units.",
            downloads=(values,),
            max_rows=8,
            columns=("tree", "step", "feature", "value", "threshold", "went_left", "before", "after", "contribution"),
            experiment=experiment,
        )
        contrast_table = context.table(
            f"path_contrast-{experiment.slug}",
            contrast.to_frame(),
            f"{title}: paths under a low, a typical and a high command",
            f"One row per command, tree and test; {contrast.share_parting:.0%} of the trees take another path. "
            "`is_parting` marks the first test at which they part.",
            downloads=(told, parting),
            max_rows=6,
            columns=("label", "tree", "step", "feature", "value", "threshold", "went_left", "is_parting", "after"),
            experiment=experiment,
        )
        which = (
            "The tree is one that votes as the forest does, under every command, and whose leaves differ between the "
            "commands, if there is one; of these the one with the shortest paths."
        )
        how = (
            "Read from top to bottom: each box is one test of one tree with its answer; beside it all values that the "
            "input had in the last fit (dark: the side taken) and the probability of the action taken after the test; "
            f"tests on the command are marked. {which}"
        )
        stem = f"decision_path-{experiment.slug}"
        shown = {"": "One decision: the path through one tree"}
        items += [*context.pictures(stem, shown, how, experiment=experiment, detail=decision), path_table]
        how = (
            "The same state, tree and action under the 10 %, 50 % and 90 % quantile of the last fit's desired returns; "
            "the heavy frame is the first test at which the paths part."
        )
        stem = f"path_contrast-{experiment.slug}"
        shown = {"": "The same decision under three commands"}
        items += [*context.pictures(stem, shown, how, experiment=experiment, detail=decision), contrast_table]
        items.append(
            context.table(
                f"path_box-{experiment.slug}",
                box.to_frame(),
                f"{title}: how far each input may move",
                "Between `lower` and `upper` no tree changes its leaf, whatever the other inputs do inside their own "
                "ranges; `is_nearest` marks the input that is nearest to leaving.",
                downloads=votes,
                columns=("feature", "value", "lower", "upper", "distance", "is_nearest", "n_tests", "share_of_tests"),
                experiment=experiment,
            )
        )
    return Section(
        "Which tests led to one decision?",
        "paths",
        "A tree decides by a row of yes-or-no tests. One decision is followed through one tree of each forest.",
        items,
        () if items else without,
        " ".join(
            [
                "The decision is the explained row in which the command has most influence. Values are compared as the "
                "trees compare them, in float32.",
                *without,
            ]
        ),
    )


def _three_commands(commands: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Training commands at three quantiles of the desired return, shape ``(3, 2)``."""
    order = np.argsort(commands[:, 0], kind="stable")
    cumulated = np.cumsum(counts[order]) / counts.sum()
    places = np.minimum(np.searchsorted(cumulated, list(_QUANTILES.values())), len(order) - 1)
    return np.asarray(commands[order[places]])


def _spread(inputs: np.ndarray) -> np.ndarray:
    """Standard deviation of every column, 1 where it does not vary."""
    spread = inputs.std(axis=0)
    return np.where(spread > 0, spread, 1.0)


def histograms(inputs: np.ndarray, feature_names: tuple[str, ...]) -> pd.DataFrame:
    """Equal bins of every input over the rows of the last fit; one bin where an input does not vary."""
    frames = []
    for column, name in zip(inputs.T, feature_names, strict=True):
        counts, edges = np.histogram(column, bins=_N_BINS if np.ptp(column) > 0 else 1)
        frames.append(pd.DataFrame({"feature": name, "low": edges[:-1], "high": edges[1:], "count": counts}))
    return pd.concat(frames, ignore_index=True)
