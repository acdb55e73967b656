"""Every table that a figure shows, for the names and actions of three environments, without a training."""

import itertools
import warnings
from functools import cache
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier

from udrl_explain.analysis.action_shares import action_shares
from udrl_explain.analysis.command_map import command_map
from udrl_explain.analysis.comparison import compare
from udrl_explain.analysis.distillation.result import distill
from udrl_explain.analysis.faithfulness.result import faithfulness
from udrl_explain.analysis.final_returns import final_returns
from udrl_explain.analysis.importance.result import feature_importance
from udrl_explain.analysis.learning import learning_curves
from udrl_explain.analysis.obedience.result import obedience
from udrl_explain.analysis.paths.box import decision_box
from udrl_explain.analysis.paths.contrast import path_contrast
from udrl_explain.analysis.paths.steps import decision_paths
from udrl_explain.analysis.performance import performance
from udrl_explain.analysis.response import command_response
from udrl_explain.analysis.sample_efficiency import sample_efficiency
from udrl_explain.analysis.seed_comparison import seed_comparison
from udrl_explain.analysis.shapley import shapley_values
from udrl_explain.analysis.timeline.result import episode_timeline
from udrl_explain.analysis.training_commands import training_commands
from udrl_explain.command_space.support import command_support
from udrl_explain.commands import Command
from udrl_explain.environments import environment_names
from udrl_explain.episodes import Episode
from udrl_explain.policies import policy_from_estimator
from udrl_explain.printing.small_trees import tree_frame
from udrl_explain.report.sections.paths import histograms
from udrl_explain.tables import write_csv

# Observations, actions, and the ends of desired return and horizon.
ENVIRONMENTS = {
    "CartPole-v0": (4, 2, (9.0, 200.0), (9.0, 200.0)),
    "Acrobot-v1": (6, 3, (-500.0, -63.0), (500.0, 63.0)),
    "LunarLander-v3": (8, 4, (-436.25, 288.75), (1000.0, 71.0)),
}
ESTIMATORS = ("ensemble.RandomForestClassifier", "neural", "ensemble.HistGradientBoostingClassifier")
STUDY_KINDS = ("seed_comparison", "performance_profile", "improvement", "sample_efficiency")
N_TREES, N_ROWS, N_ITERATIONS = 20, 300, 120


@cache
def synthetic(env_name, kind):
    """A policy fitted on random rows whose actions depend on the state and on the command, with these rows."""
    n_observations, n_actions, returns, horizons = ENVIRONMENTS[env_name]
    rng = np.random.default_rng(len(env_name))
    progress = rng.uniform(size=N_ROWS)
    commands = np.column_stack(
        [returns[0] + progress * np.ptp(returns), horizons[0] + progress * (horizons[1] - horizons[0])]
    )
    inputs = np.column_stack([rng.normal(size=(N_ROWS, n_observations)), np.round(commands, 2)])
    score = inputs[:, 0] + 1.5 * inputs[:, 1] + 3 * progress + 0.3 * rng.normal(size=N_ROWS)
    actions = np.digitize(score, np.quantile(score, np.arange(1, n_actions) / n_actions))
    if kind == "forest":
        estimator = RandomForestClassifier(N_TREES, max_depth=8, random_state=0)
    else:
        estimator = MLPClassifier((8,), max_iter=30, random_state=0)
    scale = 0.02
    scaled = inputs * np.array([1.0] * n_observations + [scale, scale])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # thirty iterations are not meant to converge
        estimator.fit(scaled, actions)
    names = environment_names(env_name, n_observations, n_actions)
    policy = policy_from_estimator(
        estimator, n_actions, scale, scale, feature_names=names.feature_names, action_names=names.action_names
    )
    return policy, inputs, actions


def fake_runs(env_name):
    """What three estimators recorded in three seeds each."""
    _, _, returns, horizons = ENVIRONMENTS[env_name]
    runs = []
    for place, estimator_name in enumerate(ESTIMATORS):
        for seed in (1, 2, 3):
            rng = np.random.default_rng([place, seed])
            progress = np.clip(np.linspace(0, 1, N_ITERATIONS) + 0.2 * rng.normal(size=N_ITERATIONS), 0, 1)
            train = returns[0] + progress * np.ptp(returns)
            length = np.round(horizons[0] + progress * (horizons[1] - horizons[0]))
            asked = pd.DataFrame(
                {
                    "iteration": np.arange(1, N_ITERATIONS + 1), "desired_return": train + 5, "desired_horizon": length,
                    "achieved_return": train, "length": length,
                }
            )  # fmt: skip
            config = SimpleNamespace(
                env_name=env_name, estimator_name=estimator_name, seed=seed, testing_period=10,
                final_desired_return=returns[1], final_desired_horizon=horizons[1],
            )  # fmt: skip
            final = train[-20:]
            runs.append(
                SimpleNamespace(
                    config=config, directory=Path("data") / env_name / estimator_name / str(seed),
                    train_returns=np.column_stack([train, np.ones(N_ITERATIONS)]),
                    test_returns=np.column_stack([train[9::10], np.ones(N_ITERATIONS // 10)]),
                    final_returns=final, final_mean=final.mean(), final_std=final.std(), n_final=len(final),
                    written_by_paper_code=False, training_commands=asked, episodes=_played(env_name, rng),
                    action_names=environment_names(env_name, *ENVIRONMENTS[env_name][:2]).action_names,
                )
            )  # fmt: skip
    return runs


def _played(env_name, rng):
    """Two episodes whose last actions are rare."""
    n_observations, n_actions, *_ = ENVIRONMENTS[env_name]
    shares = 0.2 ** np.arange(n_actions)
    actions = rng.choice(n_actions, size=(2, 200), p=shares / shares.sum())
    return tuple(Episode(np.zeros((200, n_observations + 2)), one, np.ones(200), seed=0) for one in actions)


def write_tables(env_name, folder):
    """Write a table of every kind, with its companions, under the names that a report gives them."""
    _, _, returns, horizons = ENVIRONMENTS[env_name]
    tables = {}
    runs = fake_runs(env_name)
    curves, finals = learning_curves(runs), final_returns(runs)
    tables["learning_curves"], tables["learning_curves_by_seed"] = curves.to_frame(), curves.by_seed()
    tables["final_returns"], tables["final_returns_by_seed"] = finals.to_frame(), finals.by_seed()
    shares = action_shares(runs)
    tables["action_shares"], tables["action_shares_by_seed"] = shares.to_frame(), shares.by_seed()
    tables["training_commands"] = training_commands(runs).to_frame()
    tables |= _obedience(env_name, runs)
    tables |= _study(env_name, runs)
    for kind, slug in (("forest", "random_forest"), ("net", "neural_net")):
        policy, inputs, actions = synthetic(env_name, kind)
        background = inputs[:20]
        importance = feature_importance(
            policy, inputs[:40], actions[:40], n_repeats=2, n_resamples=20, background=background
        )
        tables[f"importance-{slug}"] = importance.to_frame()
        shapley = shapley_values(policy, inputs[:60], background)
        tables[f"shapley-{slug}"], tables[f"shapley_mean-{slug}"] = shapley.to_frame(), shapley.mean_abs_frame()
        levels = np.linspace(0, 1.3, 12)
        response = command_response(
            policy, inputs[:15, :-2], returns[0] + levels * np.ptp(returns),
            horizons[0] + levels * (horizons[1] - horizons[0]) / 2, training_commands=inputs[:, -2:],
            background=background,
        )  # fmt: skip
        tables[f"response-{slug}"] = response.to_frame()
        tables[f"response_states-{slug}"] = response.states_frame()
        tables[f"response_importance-{slug}"] = response.importance_frame()
        tables |= _command_map(policy, inputs, f"{slug}-start")
        steps = np.tile(inputs[:30], (4, 1))
        episode = Episode(steps, np.tile(actions[:30], 4), np.ones(len(steps)), seed=0)
        tables[f"timeline-{slug}"] = episode_timeline(
            policy, episode, background, training_commands=inputs[:, -2:]
        ).to_frame()
    one, other = (synthetic(env_name, kind) for kind in ("forest", "net"))
    compared = compare(one[0], other[0], one[1][:40], background=one[1][:10], names=("random forest", "neural net"))
    tables["comparison-random_forest-neural_net"] = compared.why_frame()
    tables |= _paths(env_name)
    tables |= _small_trees(env_name)
    tables |= _trust(env_name)
    for name, frame in tables.items():
        write_csv(frame, folder / f"{name}.csv")


def _study(env_name, runs):
    comparison = seed_comparison(runs)
    labels = comparison.to_frame()["label"]
    curves = [
        pd.DataFrame({"env_name": env_name, "label": label, "seed": seed, "steps": steps, "test_mean": steps / 9000})
        for label, seed, steps in itertools.product(labels, (1, 2, 3), [np.arange(2000, 400_000, 50_000)])
    ]
    return {
        f"seed_comparison-{env_name}": comparison.to_frame(),
        f"seed_comparison_by_seed-{env_name}": comparison.by_seed(),
        f"performance_profile-{env_name}": comparison.profile_frame(),
        f"improvement-{env_name}": comparison.improvement_frame(),
        f"sample_efficiency-{env_name}": sample_efficiency(pd.concat(curves)).to_frame(),
    }


def _small_trees(env_name):
    """Trees that imitate a forest on its rows; returns and distances are made up."""
    policy, inputs, actions = synthetic(env_name, "forest")
    episodes = [Episode(inputs, actions, np.ones(len(inputs)), seed) for seed in (1, 2)]
    found = distill(policy, episodes, max_leaves=(2, 4, 8, 16))
    frames = []
    for label, best in (("random forest", 200.0), ("neural net", 150.0)):
        frame = found.to_frame()
        for measure, values in (("return", best * np.linspace(0.4, 1, 5)), ("mae", np.linspace(60, 5, 5))):
            frame[measure], frame[f"{measure}_low"], frame[f"{measure}_high"] = values, values - 9, values + 4
        frames.append(frame.assign(label=label, env_name=env_name, is_smallest=[False, False, True, False, False]))
    shown = found.students[-1].policy
    return {"distillation": pd.concat(frames), "small_tree-random_forest": tree_frame(shown, inputs)}


def _obedience(env_name, runs):
    _, _, returns, horizons = ENVIRONMENTS[env_name]
    asked = runs[0].training_commands
    frames = []
    for place, label in enumerate(("random forest", "neural net", "histogram gradient boosting")):
        desired = np.linspace(*returns, 8)
        sweep = pd.DataFrame(
            {
                "seed": seed,
                "desired_return": level,
                "desired_horizon": horizons[0] + share * (horizons[1] - horizons[0]),
                "environment_seed": episode,
                "achieved_return": np.clip(level + 10 * place + episode, *returns),
                "length": 50,
            }
            for seed in (1, 2)
            for level, share in zip(desired, np.linspace(0, 1, 8), strict=True)
            for episode in range(3)
        )
        frame = obedience(sweep, training_commands=asked).to_frame()
        frame.insert(0, "label", label)
        frame.insert(0, "env_name", env_name)
        frames.append(frame)
    grid = pd.DataFrame(
        {
            "desired_return": desired,
            "desired_horizon": horizon,
            "environment_seed": seed,
            "achieved_return": desired / 2,
            "length": 50,
        }
        for desired in np.linspace(*returns, 5)
        for horizon in np.linspace(*sorted(horizons), 4)
        for seed in (1, 2)
    )
    grid_frame = obedience(grid, training_commands=asked).to_frame()
    return {"obedience": pd.concat(frames), "obedience_map-random_forest": grid_frame}


def _command_map(policy, inputs, stem):
    support = command_support(inputs[:, -2:])
    command = Command(*inputs[0, -2:])
    result = command_map(policy, inputs[0, :-2], support.returns, support.horizons, training_commands=support)
    points = pd.DataFrame(inputs[:, -2:], columns=["desired_return", "desired_horizon"])
    return {
        f"command_map-{stem}": result.to_frame(),
        f"command_map_nearest-{stem}": result.nearest_frame(command),
        f"command_map_support-{stem}": points,
    }


def _paths(env_name):
    policy, inputs, _ = synthetic(env_name, "forest")
    row = inputs[:1]
    paths = decision_paths(policy, row)
    contrast = path_contrast(
        policy,
        row[0, :-2],
        inputs[np.argsort(inputs[:, -1])[[30, 150, 270]], -2:],
        action=int(paths.actions[0]),
    )
    return {
        "decision_path-random_forest": paths.to_frame(),
        "path_votes-random_forest": decision_box(policy, row).votes_frame(),
        "path_values-random_forest": histograms(inputs, policy.feature_names),
        "path_contrast-random_forest": contrast.to_frame(),
        "path_contrast_commands-random_forest": contrast.commands_frame(),
    }


def _trust(env_name):
    """Scores, returns and agreements: of two estimators, three seeds and nine runs."""
    scores, curves = [], {}
    for kind, slug, label in (("forest", "random_forest", "random forest"), ("net", "neural_net", "neural net")):
        policy, inputs, _ = synthetic(env_name, kind)
        result = faithfulness(policy, inputs[:8], inputs[20:28], n_resamples=50)
        scores.append(result.to_frame().assign(label=label))
        curves[f"faithfulness_curves-{slug}"] = result.curve_frame()
    names, (worst, best) = policy.feature_names, ENVIRONMENTS[env_name][2]
    known = np.array([mask.bit_count() for mask in range(1 << len(names))]) / len(names)
    played = []
    for seed in (1, 2, 3):
        noise = np.random.default_rng(seed).normal(scale=0.1, size=(len(known), 4))
        frame = pd.DataFrame(
            {
                "coalition": np.repeat(np.arange(len(known)), 4), "environment_seed": np.tile(np.arange(4), len(known)),
                "achieved_return": (worst + (best - worst) * (known[:, None] + noise)).ravel(), "length": 10,
            }
        )  # fmt: skip
        played.append(performance(frame, feature_names=names).to_frame().assign(run=f"seed {seed}"))
    runs = [
        f"{label}, seed {seed}" for label in ("random forest", "extra trees", "neural net") for seed in (42, 43, 44)
    ]
    random = np.random.default_rng(0)
    pairs = pd.DataFrame(
        {
            "run_a": a, "run_b": b, "rank_correlation": random.uniform(-0.2, 1), "same_action": random.uniform(),
            "different_reasons": bool(random.integers(2)),
        }
        for a, b in combinations(runs, 2)
    )  # fmt: skip
    return {
        "faithfulness": pd.concat(scores), "performance-random_forest": pd.concat(played), "stability": pairs, **curves,
    }  # fmt: skip
