import shutil

import pytest

from udrl_explain.player.build import build_players
from udrl_explain.player.options import PlayerOptions
from udrl_explain.report.build import build_reports
from udrl_explain.report.options import ReportOptions

LINK = 'href="player.html"'


@pytest.fixture
def place(tiny_place, tmp_path):
    """Runs of one's own, and their player where the report will be."""
    shutil.copytree(tiny_place / "data/CartPole-v0/trees", tmp_path / "data/CartPole-v0/trees")
    build_players(PlayerOptions((tmp_path / "data",), output=tmp_path / "reports"))
    return tmp_path


def report(place):
    (page,), problems = build_reports(
        ReportOptions(place / "data", output=place / "reports", only="learning", formats="png", n_jobs=1)
    )
    assert problems == []
    return page.read_text(encoding="utf-8")


def test_a_report_keeps_the_player_and_links_it_as_long_as_it_shows_these_runs(place):
    player = place / "reports/CartPole-v0/player.html"
    before = player.read_bytes()
    assert LINK in report(place)
    assert player.read_bytes() == before
    assert LINK in report(place)
    (place / "data/CartPole-v0/trees/1/note.txt").write_text("another run by now")
    changed = report(place)
    assert LINK not in changed
    assert "shows runs that are not those of this report" in changed
    assert player.read_bytes() == before
