"""Where on the plane of commands does each action win?"""

import numpy as np
import pandas as pd

from udrl_explain.analysis.command_map import command_map
from udrl_explain.command_space.plane_ends import including, plane_ends
from udrl_explain.commands import N_COMMANDS, Command
from udrl_explain.policies import Policy
from udrl_explain.probes import HIGH, START
from udrl_explain.report.context import ReportContext, with_columns
from udrl_explain.report.page.render import Item, Section

_STATES = {START: "first state of an episode", HIGH: "state in which the command matters much"}
_MOST_TRIED = 8  # states of a kind
_VISIBLE = 0.02  # of the plane: less is a speck
_MOST_SUPPORT_POINTS = 1500


def answer(context: ReportContext) -> Section:
    """Answer the question: where on the plane of commands does each action win."""
    items, methods = list[Item](), list[str]()
    shares = []
    for experiment in context.explained:
        run = experiment.shown
        assert run.policy is not None
        probes = context.probes(run)
        ends = plane_ends(context.support(run), run.config.env_name)
        points = context.support(run).commands
        support = pd.DataFrame(
            points[:: max(1, len(points) // _MOST_SUPPORT_POINTS)], columns=["desired_return", "desired_horizon"]
        )
        for kind, what in ((START, "start"), (HIGH, "high_influence")):
            chosen = probes.of_kind(kind)
            if len(chosen) == 0:
                continue
            row = _telling_row(run.policy, probes.inputs[chosen], *ends, context.options.n_jobs)
            command = Command(*row[-N_COMMANDS:])
            result = command_map(
                run.policy,
                row[:-N_COMMANDS],
                *including(ends, command),
                training_commands=context.support(run),
                n_jobs=context.options.n_jobs,
            )
            stem = f"command_map-{experiment.slug}-{what}"
            context.data(f"command_map_nearest-{experiment.slug}-{what}", result.nearest_frame(command))
            context.data(f"command_map_support-{experiment.slug}-{what}", support)
            state = context.data(
                f"command_map_state-{experiment.slug}-{what}",
                pd.DataFrame({"feature": run.feature_names[:-N_COMMANDS], "value": row[:-N_COMMANDS]}),
            )
            table = context.table(
                stem,
                result.to_frame(),
                f"{experiment.label}, {_STATES[kind]}: regions",
                "One row per region of equal action, with its mean probability and margin.",
                downloads=(state, f"tables/command_map_nearest-{experiment.slug}-{what}.csv"),
                max_rows=6,
                experiment=experiment,
            )
            how = (
                "Colour says which action the policy takes at this one state under each command; the marker is the "
                "command in force, the filled arrow the smallest change that flips the action (in spreads of the "
                "training commands), and the legend says whether that command is seen; where it is not, the open arrow "
                "leads to the nearest seen one that flips, if there is one. Light points are commands of the last fit: "
                "far from them the policy extrapolates."
            )
            what_is_shown = {"": f"Action under every command, {_STATES[kind]}"}
            items += [*context.pictures(stem, what_is_shown, how, experiment=experiment), table]
            shares.append(with_columns(result.share_frame(), label=experiment.label, state=kind))
            methods.append(f"{experiment.label}: {result.method}")
    if shares:
        frame = pd.concat(shares, ignore_index=True)
        caption = (
            "Share of the area where each action wins: of the plane, and of its seen part with certified bounds. Seen "
            "are commands like those of the rows of the last fit (`support`); `seen_plane_share` says how much of the "
            "plane that is, the rest is extrapolation."
        )
        items.append(context.table("command_map_shares", frame, "How much of the plane each action holds", caption))
    return Section(
        "Where on the plane of commands does each action win?",
        "command-map",
        "One state is held fast and every command is tried on it: the map shows what the policy would do, and how "
        "small a change of the command makes it do something else.",
        items,
        (),
        "; ".join(dict.fromkeys(methods)) + ".",
    )


def _telling_row(
    policy: Policy, rows: np.ndarray, returns: tuple[float, float], horizons: tuple[float, float], n_jobs: int | None
) -> np.ndarray:
    """First row in whose state a second action holds some of the plane; the row where most is held if none does."""
    others = []
    for row in rows[:_MOST_TRIED]:
        shares = command_map(policy, row[:-N_COMMANDS], returns, horizons, grid=(25, 25), n_jobs=n_jobs).area_share
        others.append(1.0 - float(shares.max()))
        if others[-1] >= _VISIBLE:
            break
    return np.asarray(rows[int(np.argmax(others))])
