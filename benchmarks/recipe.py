"""What every ingredient of the recipe `robust` is worth: each one put back to its value under `paper`, singly.

Every training is one row: return over 100 evaluation episodes, slope and mean error of achieved against desired return
within the returns met, steps of training and seconds on the processor. The seeds are development seeds (100 and up), so
that no shipped run is looked at. Rows already in the CSV are not trained again.
Run: ``python benchmarks/recipe.py --env-name CartPole-v0 --max-episode 150``.
"""

import argparse
import csv
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from udrl_explain import Run, TrainConfig, train_policy
from udrl_explain.settings.recipes import RECIPE_SETTINGS, recipe_value

COLUMNS = (
    "environment", "estimator", "iterations", "without", "seed", "return_mean", "return_std", "slope", "error", "steps",
    "seconds",
)  # fmt: skip
INGREDIENTS = {
    "several rows per episode": ("rows_per_episode", "max_rows"),
    "estimator's arguments": ("estimator_arguments",),
    "held warm-up": ("warm_up_hold", "warm_up_better"),
    "small buffer": ("memory_size",),
    "random ties": ("memory_ties",),
    "diverse half": ("diverse_share",),
    "cap on the worst": ("worst_limit",),
    "practice": ("practice_share",),
    "sampled exploration": ("exploration",),
    "final policy": ("final_policy",),
    "validated command": ("final_command",),
    "recent episodes": ("memory_keeps", "memory_steps", "advantage_weight"),
    "luck-corrected weights": ("advantage_weight",),
    "horizon": ("horizon_meaning",),
    "clipped return": ("clip_return",),
}


def ablations(config: TrainConfig, kind: Any) -> dict[str, TrainConfig]:
    """The recipe whole, `paper` whole, and one config per ingredient that makes a difference."""
    configs = {"nothing": config, "everything (paper)": replace(config, recipe="paper")}
    for word, names in INGREDIENTS.items():
        changes = {name: recipe_value("paper", name, config.estimator_name, kind) for name in names}
        robust = {name: recipe_value("robust", name, config.estimator_name, kind) for name in names}
        if changes != robust:
            configs[word] = replace(config, **changes)
    assert {name for names in INGREDIENTS.values() for name in names} <= set(RECIPE_SETTINGS)
    return configs


def facts(run: Run, seconds: float) -> dict[str, Any]:
    """What one row of the table says about a training."""
    sweep, commands = run.command_sweep, run.training_commands
    within = sweep[sweep["desired_return"] <= commands["achieved_return"].max()]
    slope = np.polyfit(within["desired_return"], within["achieved_return"], 1)[0]
    error = (within["desired_return"] - within["achieved_return"]).abs().mean()
    numbers = {
        "return_mean": run.final_mean, "return_std": run.final_std, "slope": slope, "error": error,
        "steps": int(commands["length"].sum()), "seconds": seconds,
    }  # fmt: skip
    return {name: round(float(value), 3) for name, value in numbers.items()}


def main() -> None:
    """Train what the CSV does not hold yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-name", default="CartPole-v0")
    parser.add_argument("--estimator-name", default=TrainConfig.estimator_name)
    parser.add_argument("--reward-kind", default="constant", choices=("constant", "varied"))
    parser.add_argument("--max-episode", type=int, default=TrainConfig.max_episode)
    parser.add_argument("--seeds", type=int, nargs="+", default=[110, 111, 112])
    parser.add_argument("--output", type=Path, default=Path("recipe.csv"))
    arguments = parser.parse_args()
    done = pd.read_csv(arguments.output) if arguments.output.exists() else pd.DataFrame(columns=list(COLUMNS))
    config = TrainConfig(
        env_name=arguments.env_name, estimator_name=arguments.estimator_name, max_episode=arguments.max_episode
    )
    with arguments.output.open("a", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        if done.empty:
            writer.writeheader()
        for seed in arguments.seeds:
            for word, ablated in ablations(config, arguments.reward_kind).items():
                key = {
                    "environment": config.env_name, "estimator": config.estimator_name,
                    "iterations": config.max_episode, "without": word, "seed": seed,
                }  # fmt: skip
                if len(done.merge(pd.DataFrame([key]))):
                    continue
                row = key | trained(ablated, seed)
                writer.writerow(row)
                stream.flush()
                print(row)
    print(table(pd.read_csv(arguments.output)))


def trained(config: TrainConfig, seed: int) -> dict[str, Any]:
    """Train in a temporary folder and say how it went."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        run = train_policy(replace(config, seed=seed), folder)
        return facts(run, time.process_time() - start)


def table(rows: pd.DataFrame) -> str:
    """The means over seeds, as a Markdown table."""
    lines = [
        "| environment | without | return, mean (lowest seed) | slope | error | steps | seconds |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for (environment, word), part in rows.groupby(["environment", "without"], sort=False):
        mean = part.mean(numeric_only=True)
        lines.append(
            f"| {environment} | {word} | {mean['return_mean']:.1f} ({part['return_mean'].min():.1f}) | "
            f"{mean['slope']:.2f} | {mean['error']:.1f} | {mean['steps'] / 1e6:.2f} M | {mean['seconds']:.0f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
