"""What stands in a report is what the analyses say of the same rows, and what a browser shows of it."""

from urllib.parse import unquote

import pandas as pd
import pytest
from browser_helpers import seen_by_browser
from test_page import LARGEST_PAGE, TALLEST, Reader

from udrl_explain import command_map, decision_paths, feature_importance, load_run
from udrl_explain.analysis.training_commands import training_commands
from udrl_explain.command_space.support import fitted_commands
from udrl_explain.commands import N_COMMANDS, Command
from udrl_explain.files.csv import rounded
from udrl_explain.probes import HIGH, START, STRATIFIED, choose_probes
from udrl_explain.tables import read_csv


@pytest.fixture(scope="module")
def forest_run(tiny_place):
    return load_run(tiny_place / "data/CartPole-v0/trees/1")


@pytest.fixture(scope="module")
def probes(forest_run):
    return choose_probes(forest_run, seed=0)


def assert_same_table(path, frame):
    """Equal numbers in the twelve digits of a report's tables, equal words; an empty word reads back as missing."""
    table, frame = read_csv(path), rounded(frame)
    assert list(table.columns) == list(frame.columns)
    assert len(table) == len(frame) > 0
    for name in frame.columns:
        for ours, theirs in zip(table[name], frame[name], strict=True):
            gap = pd.isna(ours) and (pd.isna(theirs) or theirs == "")
            assert gap or ours == theirs, (name, ours, theirs)


def test_importance(tiny_report, forest_run, probes):
    rows = probes.of_kind(STRATIFIED)
    expected = feature_importance(
        forest_run.policy, probes.inputs[rows], probes.actions[rows], seed=0, background=forest_run.training_inputs,
        episodes=probes.frame["episode"].to_numpy()[rows],
    )  # fmt: skip
    assert_same_table(tiny_report[0] / "tables/importance-random_forest.csv", expected.to_frame())


def test_decision_path(tiny_report, forest_run, probes):
    row = probes.inputs[probes.of_kind(HIGH)[0]]
    expected = decision_paths(forest_run.policy, row[None])
    assert_same_table(tiny_report[0] / "tables/decision_path-random_forest.csv", expected.to_frame())


def test_command_map_and_its_nearest_change(tiny_report, forest_run, probes):
    tables = tiny_report[0] / "tables"
    row = probes.inputs[probes.of_kind(START)[0]]
    shown = read_csv(tables / "command_map-random_forest-start.csv")
    plane = [(shown[f"{name}_low"].min(), shown[f"{name}_high"].max()) for name in ("return", "horizon")]
    expected = command_map(
        forest_run.policy,
        row[:-N_COMMANDS],
        returns=plane[0],
        horizons=plane[1],
        training_commands=fitted_commands(forest_run.training_inputs),
    )
    assert_same_table(tables / "command_map-random_forest-start.csv", expected.to_frame())
    nearest = expected.nearest_frame(Command(*row[-N_COMMANDS:]))
    assert_same_table(tables / "command_map_nearest-random_forest-start.csv", nearest)


def test_training_commands(tiny_report, tiny_place):
    runs = [load_run(tiny_place / f"data/CartPole-v0/{name}") for name in ("net/1", "trees/1", "trees/2")]
    assert_same_table(tiny_report[0] / "tables/training_commands.csv", training_commands(runs).to_frame())


def test_the_page_is_small_and_all_its_links_lead_somewhere(tiny_report):
    folder = tiny_report[0]
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert len(page.encode()) < LARGEST_PAGE
    reader = Reader(page)
    links = reader.all("a", "href")
    assert {link[1:] for link in links if link.startswith("#")} <= set(reader.ids)
    files = [unquote(link) for link in links if not link.startswith("#")]
    assert len(files) > 60
    assert [name for name in files if not (folder / name).is_file()] == []
    figures = {path.relative_to(folder).as_posix() for path in folder.glob("figures/*")}
    assert figures <= set(files), "a figure that nobody finds"


@pytest.mark.parametrize("width", [1280, 400])
def test_a_browser_shows_all_of_it(tiny_report, width):
    seen = seen_by_browser(tiny_report[0] / "report.html", width)
    assert seen["faults"] == []
    assert (seen["inner"], seen["broken"], seen["clipped"]) == (width, 0, [])
    assert seen["scroll"] <= width
    assert seen["images"] == len(list(tiny_report[0].glob("figures/*.png")))
    assert width < 1000 or seen["height"] < TALLEST


def test_the_findings_and_the_overview_are_those_of_the_written_tables(tiny_report, tiny_place):
    """The numbers on the page are found again in the CSV files, by hand."""
    folder = tiny_report[0]
    text = " ".join(Reader((folder / "report.html").read_text(encoding="utf-8")).text.split())
    finals = read_csv(folder / "tables/final_returns.csv").set_index("label")
    forest, net = finals.loc["random forest"], finals.loc["neural net"]
    ends = f"{forest['low']:.1f} to {forest['high']:.1f}; 2 seeds".replace("-", "−")
    assert (
        f"neural net {net['mean']:.1f} (one seed, so no interval); random forest {forest['mean']:.1f} ({ends})" in text
    )
    shares = read_csv(folder / "tables/action_shares_by_seed.csv")
    episodes = load_run(tiny_place / "data/CartPole-v0/net/1").episodes
    share = sum(int((episode.actions == 1).sum()) for episode in episodes) / sum(len(episode) for episode in episodes)
    own = shares[(shares["label"] == "neural net") & (shares["action"] == 1)].iloc[0]
    assert own["share"] == pytest.approx(share, abs=1e-9)
    assert f"push right {100 * share:.0f} %" in text
    overview = read_csv(folder / "tables/overview.csv").set_index("label")
    flips = read_csv(folder / "tables/response_summary.csv")
    flip = flips[(flips["label"] == "random forest") & (flips["quantity"] == "flip share")].iloc[0]
    assert overview.loc["random forest", "flip_share"] == flip["value"]
    assert overview.loc["random forest", "return_mean"] == forest["mean"]
    for question in ("Does it work?", "What does it do?", "Does it listen?", "What decides?", "State or command?"):
        assert question in text
