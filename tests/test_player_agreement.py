"""The player's scripts in headless Chromium against this package: forests bit for bit, all else within 1e-12."""

import warnings

import numpy as np
import pytest
from core_helpers import AVERAGED, BOOSTED, rows_at_thresholds, training_rows
from player_engine_helpers import answered
from sklearn.neural_network import MLPClassifier

from udrl_explain import command_map, decision_paths, load_run, policy_from_estimator, shapley_values
from udrl_explain.command_space.plane_ends import plane_ends
from udrl_explain.command_space.support import RADIUS, fitted_commands
from udrl_explain.player.check_rows import check_rows
from udrl_explain.player.policy_blocks import policy_blocks
from udrl_explain.policies import ForestPolicy, NeuralPolicy, greedy_actions
from udrl_explain.trees.float32_edges import last_input_left
from udrl_explain.trees.partings import decisive_test

SHIPPED = [
    f"{environment}/{experiment}"
    for environment in ("CartPole-v0", "Acrobot-v1", "LunarLander-v3")
    for experiment in ("base", "estimator_name-neural")
]
FITTED = {
    "random forest": (AVERAGED["random forest"], (2, 0, 3)),
    "extra trees": (AVERAGED["extra trees"], (0, 1)),
    "weighted forest": (AVERAGED["weighted forest"], (0, 1)),
    "gradient boosting": (BOOSTED["gradient boosting"], (0, 1)),
    "boosting of three": (BOOSTED["gradient boosting"], (2, 0, 3)),
    "ada boost": (BOOSTED["ada boost"], (2, 0, 3)),
    "relu": (lambda: MLPClassifier((9, 7), max_iter=20, random_state=0), (3, 1)),
    "tanh": (lambda: MLPClassifier((6,), activation="tanh", max_iter=20, random_state=0), (2, 0, 3)),
    "logistic": (lambda: MLPClassifier((5, 4), activation="logistic", max_iter=20, random_state=0), (0, 1)),
    "identity": (lambda: MLPClassifier((5,), activation="identity", max_iter=20, random_state=0), (0, 1, 2)),
}
NAMES = [*FITTED, *SHIPPED]
N_EXPLAINED, N_MAPS, N_PATHS, GRID = 2, 4, 10, 16
SCRIPT = f"""
import {{ readPolicy }} from "./policy.js";
import {{ checkPolicy }} from "./self_check.js";
import {{ makeExplainer }} from "./shapley.js";
import {{ commandMap }} from "./plane.js";
import {{ makeSupport }} from "./seen.js";
import {{ smallestSeenChange }} from "./nearest.js";
import {{ decisionPath, decisiveTest, leafValue }} from "./paths.js";

async function answers(cases) {{
  const found = {{}};
  for (const [name, one] of Object.entries(cases)) found[name] = await answerTo(one);
  return found;
}}

const plain = (thing) => JSON.parse(JSON.stringify(thing, (_, v) => (ArrayBuffer.isView(v) ? Array.from(v) : v)));

async function answerTo(one) {{
  const policy = await readPolicy(one.run);
  const rows = one.rows.map((row) => Float64Array.from(row));
  const probabilities = rows.map(policy.probabilities);
  const check = checkPolicy(policy, one.rows.flat(), one.probabilities.flat(), rows.length);
  const wrong = one.probabilities.flat();
  wrong[7] += 1e-11;
  const fooled = checkPolicy(policy, one.rows.flat(), wrong, rows.length).good;
  const explainer = makeExplainer(policy, Float64Array.from(one.background.flat()), one.background.length);
  const explained = rows.slice(0, {N_EXPLAINED}).map(explainer.explain);
  const pairs = rows.slice(0, {N_EXPLAINED}).map(explainer.pair);
  const maps = rows.slice(0, {N_MAPS}).map((row) => commandMap(policy, row, one.returns, one.horizons, {GRID}));
  const seen = {{ ...one.seen, commands: Float64Array.from(one.seen.commands.flat()) }};
  const support = makeSupport(seen);
  const changes = rows.slice(0, {N_MAPS}).map((row, i) => smallestSeenChange(policy, row, support, maps[i]));
  const are = seen.commands.length ? one.asked.map(([r, h]) => support.seen(r, h)) : [];
  const some = policy.kind === "forest" ? rows.slice(0, {N_PATHS}) : [];
  const trees = Array.from({{ length: policy.nTrees }}, (_, k) => k);
  const paths = some.map((row) => trees.map((k) => decisionPath(policy, k, row)));
  const leaves = some.map((row) => trees.map((k) => leafValue(policy, k, row)));
  const decisive = rows.slice(0, {N_PATHS}).map((row, i) => decisiveTest(policy, row, rows[i + 1]));
  return plain({{ probabilities, check, fooled, explained, pairs, maps, changes, are, paths, leaves, decisive }});
}}
"""


class Case:
    """A policy with rows to ask it about, and what the page answered."""

    def __init__(self, policy, rows, training, returns, horizons):
        self.policy, self.rows, self.training = policy, rows, training
        self.returns, self.horizons = returns, horizons
        self.background = training[:: max(1, len(training) // 20)][:20]
        self.support = fitted_commands(training)
        self.asked = np.random.default_rng(3).uniform(*np.transpose([returns, horizons]), size=(60, 2))
        self.page = None

    @property
    def is_exact(self):
        return isinstance(self.policy, ForestPolicy) and self.policy.forest.link == "mean"

    def payload(self):
        support = self.support
        return {
            "run": policy_blocks(self.policy),
            "rows": self.rows.tolist(),
            "probabilities": self.policy.action_probabilities(self.rows).tolist(),
            "background": self.background.tolist(),
            "returns": self.returns,
            "horizons": self.horizons,
            "asked": self.asked.tolist(),
            "seen": {
                "commands": support.commands.tolist(), "counts": support.counts.tolist(),
                "spread": support.spread, "radius": RADIUS, "nNeeded": support.n_needed,
            },
        }  # fmt: skip


def fitted_case(name):
    make, actions = FITTED[name]
    training, labels = training_rows(n_features=6, actions=actions)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a net that has not converged is a net
        estimator = make().fit(training * [1, 1, 1, 1, 0.02, 0.03], labels)
    policy = policy_from_estimator(estimator, 4, return_scale=0.02, horizon_scale=0.03)
    rows = training_rows(40, seed=3)[0]
    if isinstance(policy, ForestPolicy):
        rows = np.concatenate([rows, rows_at_thresholds(policy.forest, 12) / [1, 1, 1, 1, 0.02, 0.03]])
    return Case(policy, rows, training, (0.0, 210.0), (1.0, 200.0))


def shipped_case(name):
    run = load_run(f"data/{name}/42")
    ends = plane_ends(fitted_commands(run.training_inputs), run.config.env_name)
    rows = np.concatenate(
        [run.episodes[0].inputs[:: max(1, len(run.episodes[0]) // N_PATHS)], check_rows(run, ends, 0)]
    )
    return Case(run.policy, rows, run.training_inputs, *ends)


@pytest.fixture(scope="module")
def cases():
    """Everything asked in one start of the browser."""
    made = {name: fitted_case(name) if name in FITTED else shipped_case(name) for name in NAMES}
    pages = answered(SCRIPT, {name: case.payload() for name, case in made.items()})
    for name, case in made.items():
        case.page = pages[name]
    return made


@pytest.fixture(params=NAMES)
def case(request, cases):
    return cases[request.param]


def test_probabilities(case):
    mine, theirs = np.array(case.page["probabilities"]), case.policy.action_probabilities(case.rows)
    assert len(case.rows) >= 40
    if case.is_exact:
        assert mine.tobytes() == theirs.tobytes()
    np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-12)


def test_the_page_checks_itself(case):
    check = case.page["check"]
    assert check["good"]
    assert check["n"] == len(case.rows)
    assert check["worst"] <= (0 if case.is_exact else 1e-12)
    assert not case.page["fooled"]


def test_shapley_values(case):
    rows = case.rows[:N_EXPLAINED]
    theirs = shapley_values(case.policy, rows, case.background).values
    for i, page in enumerate(case.page["explained"]):
        mine = np.array(page["values"]).reshape(theirs.shape[1:])
        np.testing.assert_allclose(mine, theirs[i], rtol=0, atol=1e-12)
        np.testing.assert_allclose(np.sum(mine, axis=0) + page["base"], page["probabilities"], rtol=0, atol=1e-12)


def test_the_game_of_state_and_command(case):
    def mean(rows):
        return case.policy.action_probabilities(rows).mean(axis=0)

    for i, row in enumerate(case.rows[:N_EXPLAINED]):
        with_state, with_command = case.background.copy(), case.background.copy()
        with_state[:, :-2], with_command[:, -2:] = row[:-2], row[-2:]
        nothing, all_known = mean(case.background), case.policy.action_probabilities(row[None])[0]
        alone, other = mean(with_state) - nothing, mean(with_command) - nothing
        both = all_known - nothing
        for page in (case.page["explained"][i], case.page["pairs"][i]):
            np.testing.assert_allclose(page["state"], (alone + both - other) / 2, rtol=0, atol=1e-12)
            np.testing.assert_allclose(page["command"], (other + both - alone) / 2, rtol=0, atol=1e-12)
            np.testing.assert_allclose(page["base"], nothing, rtol=0, atol=1e-12)


def test_maps_and_the_nearest_seen_change(case):
    for i, row in enumerate(case.rows[:N_MAPS]):
        theirs = command_map(
            case.policy, row[:-2], case.returns, case.horizons, grid=(GRID, GRID), training_commands=case.support
        )
        mine = case.page["maps"][i]
        assert mine["exact"] == isinstance(case.policy, ForestPolicy)
        if mine["exact"]:
            assert mine["returnEdges"] == theirs.return_edges.tolist()
            assert mine["horizonEdges"] == theirs.horizon_edges.tolist()
        assert mine["actions"] == theirs.actions.ravel().tolist()
        check_change(case, row, case.page["changes"][i], theirs)


def check_change(case, row, mine, theirs):
    if not (case.returns[0] <= row[-2] <= case.returns[1] and case.horizons[0] <= row[-1] <= case.horizons[1]):
        return
    change = theirs.nearest_change(row[-2:])
    seen = None if change is None else change.seen
    assert (mine is None) == (seen is None)
    if mine is None:
        return
    command = np.array([mine["desiredReturn"], mine["desiredHorizon"]])
    assert mine["distance"] == pytest.approx(seen.distance, abs=1e-9)
    assert np.hypot(*((command - row[-2:]) / case.support.spread)) == pytest.approx(mine["distance"], abs=1e-9)
    assert case.support.seen([command])[0]
    there = np.append(row[:-2], command)
    own, other = greedy_actions(case.policy.action_probabilities(np.stack([row, there])))
    assert other == mine["action"] != own


def test_which_commands_are_seen(case):
    assert case.page["are"] == case.support.seen(case.asked).tolist()


def test_some_commands_are_seen_and_others_are_not(cases):
    said = [seen for case in cases.values() for seen in case.page["are"]]
    assert 0 < sum(said) < len(said)


def test_paths(case):
    if isinstance(case.policy, NeuralPolicy):
        assert case.page["paths"] == []
        assert all(test is None for test in case.page["decisive"])
        return
    policy = case.policy
    paths = decision_paths(policy, case.rows[:N_PATHS])
    tests = [test for trees in case.page["paths"] for tree in trees for test in tree]
    assert [test["feature"] for test in tests] == paths.feature.tolist()
    assert [test["left"] for test in tests] == paths.went_left.tolist()
    assert [test["value"] for test in tests] == paths.value.tolist()
    factors = policy.scale.factors(policy.n_features)
    edges = last_input_left(policy.forest.threshold[paths.node], factors[paths.feature])
    assert [test["threshold"] for test in tests] == edges.tolist()
    leaves = policy.forest.leaves(policy.tree_inputs(case.rows[:N_PATHS]))
    np.testing.assert_array_equal(case.page["leaves"], policy.forest.value[leaves])


def test_the_decisive_test(case):
    if isinstance(case.policy, NeuralPolicy):
        pytest.skip("a net has no tests")
    n_found = 0
    for i, mine in enumerate(case.page["decisive"]):
        rows = case.policy.tree_inputs(case.rows[i : i + 2])
        if (case.policy.forest.leaves(rows)[0] == case.policy.forest.leaves(rows)[1]).all():
            assert mine is None
            continue
        theirs = decisive_test(case.policy.forest, rows)
        assert (mine["feature"], mine["nTrees"], mine["nTreesParting"]) == (
            theirs.feature, theirs.n_trees, theirs.n_trees_parting,
        )  # fmt: skip
        factor = case.policy.scale.factors(case.policy.n_features)[theirs.feature]
        assert mine["threshold"] == last_input_left(theirs.threshold, factor)
        n_found += 1
    assert n_found > 0
