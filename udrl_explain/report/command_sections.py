"""Sections on what changes when the command changes: responses and command maps."""

import numpy as np
import pandas as pd

from udrl_explain.analysis.command_map import command_map
from udrl_explain.analysis.response import command_response
from udrl_explain.commands import N_COMMANDS, Command
from udrl_explain.probes import HIGH, START, STRATIFIED
from udrl_explain.report.page import Item, Section
from udrl_explain.report.workbench import Workbench, with_columns
from udrl_explain.sweep import command_levels

N_STATES = 60
_MARGIN = 0.15
_MOST_SUPPORT_POINTS = 1500


def response_section(bench: Workbench) -> Section:
    """Answer the question: what does the policy do as the command changes."""
    items, summaries = list[Item](), []
    for experiment in bench.explained:
        run = experiment.shown
        assert run.policy is not None  # `explained` holds no other
        probes = bench.probes(run)
        rows = probes.of_kind(STRATIFIED)
        spread_out = rows[:: max(1, len(rows) // N_STATES)][:N_STATES]
        levels = command_levels(run.training_commands)
        result = command_response(
            run.policy,
            probes.inputs[spread_out, :-N_COMMANDS],
            levels[:, 0],
            levels[:, 1],
            training_commands=probes.support,
            background=bench.background(run),
            feature_names=run.feature_names,
            action_names=run.action_names,
        )
        title = f"{experiment.label}, seed {run.config.seed}"
        stem = f"response-{experiment.slug}"
        table = bench.table(
            stem,
            result.to_frame(),
            f"{experiment.label}: response to the command",
            f"One row per command level and action over {len(spread_out)} stored states; `flip_rate` is the share of "
            "states whose action differs from that at the level before.",
            max_rows=8,
            dat=True,
            columns=(
                "desired_return",
                "desired_horizon",
                "seen",
                "action_name",
                "probability",
                "greedy_share",
                "flip_rate",
            ),
        )
        how = (
            "Lines are mean probabilities over the states, bands the middle of the states; flat lines mean that the "
            "command changes nothing, shaded levels were hardly met in training."
        )
        items += bench.pictures(stem, {"": f"{title}: probability of each action"}, how)
        by_command = f"response_importance-{experiment.slug}"
        importance = bench.table(
            by_command,
            result.importance_frame(),
            f"{experiment.label}: importance at each command",
            "Mean absolute Shapley value of each input at each command level.",
            max_rows=8,
            columns=("desired_return", "desired_horizon", "seen", "feature", "importance", "exact"),
        )
        how = "Brighter cells matter more; a row that changes along the axis matters under some commands only."
        items += bench.pictures(by_command, {"": f"{title}: which inputs matter at which command"}, how)
        items += [table, importance]
        summaries.append(with_columns(result.summary_frame(), label=experiment.label))
    if summaries:
        frame = pd.concat(summaries, ignore_index=True)
        caption = "Command influence is 0 for a policy that ignores its command; each row states its definition."
        items.append(bench.table("response_summary", frame, "How much the command matters", caption))
    return Section(
        "What does the policy do as the command changes?",
        "response",
        "The same stored states are shown to the policy under rising desired returns; the horizon follows the training "
        "episodes of that return.",
        items,
    )


def map_section(bench: Workbench) -> Section:
    """Answer the question: where on the plane of commands does each action win."""
    items, methods = list[Item](), list[str]()
    shares = []
    for experiment in bench.explained:
        run = experiment.shown
        assert run.policy is not None
        probes = bench.probes(run)
        returns, horizons = _widened(probes.support.returns), _widened(probes.support.horizons, lowest=1.0)
        points = probes.support.commands
        support = pd.DataFrame(
            points[:: max(1, len(points) // _MOST_SUPPORT_POINTS)], columns=["desired_return", "desired_horizon"]
        )
        for kind, what in ((START, "start"), (HIGH, "high_influence")):
            chosen = probes.of_kind(kind)
            if len(chosen) == 0:
                continue
            row = probes.inputs[chosen[0]]
            command = Command(*row[-N_COMMANDS:])
            result = command_map(
                run.policy,
                row[:-N_COMMANDS],
                _including(returns, command.desired_return),
                _including(horizons, command.desired_horizon),
                action_names=run.action_names,
            )
            stem = f"command_map-{experiment.slug}-{what}"
            bench.data(
                f"command_map_nearest-{experiment.slug}-{what}", result.nearest_frame(command, probes.support.spread)
            )
            bench.data(f"command_map_support-{experiment.slug}-{what}", support)
            state = bench.data(
                f"command_map_state-{experiment.slug}-{what}",
                pd.DataFrame({"feature": run.feature_names[:-N_COMMANDS], "value": row[:-N_COMMANDS]}),
            )
            title = f"{experiment.label}, seed {run.config.seed}, {kind} state"
            table = bench.table(
                stem,
                result.to_frame(),
                f"{title}: regions",
                "One row per region of equal action, with its mean probability and margin.",
                downloads=(state, f"tables/command_map_nearest-{experiment.slug}-{what}.csv"),
                max_rows=6,
            )
            how = (
                "Colour says which action the policy takes at this one state under each command; the marker is the "
                "command in force, the arrow the smallest change that flips the action (in spreads of the training "
                "commands), light points are commands of the last fit."
            )
            items += [*bench.pictures(stem, {"": f"{title}: action under every command"}, how), table]
            shares.append(with_columns(result.share_frame(), label=experiment.label, state=kind))
            methods.append(f"{experiment.label}: {result.method}")
    if shares:
        frame = pd.concat(shares, ignore_index=True)
        caption = "Share of the area of the plane where each action wins."
        items.append(bench.table("command_map_shares", frame, "How much of the plane each action holds", caption))
    return Section(
        "Where on the plane of commands does each action win?",
        "map",
        "; ".join(dict.fromkeys(methods)) + ".",
        items,
    )


def _widened(ends: tuple[float, float], lowest: float = -np.inf) -> tuple[float, float]:
    low, high = ends
    room = _MARGIN * (high - low) if high > low else max(1.0, abs(high) / 2)
    return max(low - room, lowest), high + room


def _including(ends: tuple[float, float], value: float) -> tuple[float, float]:
    return min(ends[0], value), max(ends[1], value)
