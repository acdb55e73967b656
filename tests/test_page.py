import re
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from browser_helpers import seen_by_browser
from PIL import Image

from udrl_explain.report.findings.finding import Finding
from udrl_explain.report.page.cells import shown_table
from udrl_explain.report.page.index import IndexEntry, render_index
from udrl_explain.report.page.render import Page, Picture, Section, TableBlock, render
from udrl_explain.tables import write_csv

SCRIPT = "<script>document.title = 'taken over'</script>"
HOSTILE = [
    SCRIPT, "<img src=x onerror=alert(1)>", "\"' onmouseover=\"alert(1)", "</title></style></script><b>bold</b>",
    "&amp; &lt;", "{{ 7 * 7 }} {% raw %}", "θ̇₁ 日本語 ‮rtl", "a" * 400, "`<i>code</i>`", "javascript:alert(1)",
]  # fmt: skip
LARGEST_PAGE = 5_000_000
TALLEST = 8000  # CSS pixels, everything closed


class Reader(HTMLParser):
    """What a parser makes of a page: tags, their attributes, links, text by tag."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.texts, self._open = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self._open.append(tag)
        self.tags.append((tag, dict(attributes)))
        if "id" in dict(attributes):
            self.ids.append(dict(attributes)["id"])

    def handle_data(self, data):
        self.texts.append((self._open[-1] if self._open else "", data))

    def all(self, tag, attribute):
        return [attributes[attribute] for name, attributes in self.tags if name == tag and attribute in attributes]

    @property
    def text(self):
        return "\n".join(data for tag, data in self.texts if tag not in ("script", "style"))


@pytest.fixture
def folder(tmp_path):
    """A report's files: two pictures and two tables, one with a name that links must escape."""
    (tmp_path / "figures").mkdir()
    (tmp_path / "tables").mkdir()
    rng = np.random.default_rng(0)
    for name in ("a.png", "b c#1.png"):
        pixels = rng.integers(0, 255, size=(6, 9, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((450, 300), 0).save(tmp_path / "figures" / name, dpi=(300, 300))
    (tmp_path / "figures" / "a.pdf").write_bytes(b"%PDF-1.4" + bytes(2000))
    frame = pd.DataFrame({"name": ["b", "a", "c"], "value": [2.0, np.nan, -10.5], "ok": [True, False, True]})
    write_csv(frame, tmp_path / "tables" / "t.csv")
    return tmp_path


def page_of(word="Obedience", **changes):
    sections = [
        Section(
            f"Question one: {word}?",
            "one",
            f"Intro {word} with `code`.",
            [
                TableBlock("tables/t.csv", f"Table {word}", f"Caption {word}", max_rows=2),
                Picture("figures/a.png", f"Picture {word}", f"Read {word}.", ("figures/a.pdf", "tables/t.csv"), word),
            ],
            [f"Note {word}"],
        ),
        Section(
            "Question two?",
            "two-b",
            "Intro.",
            [
                Picture("figures/b c#1.png", "B", "How."),
                TableBlock(pd.DataFrame({word: [word], "number": [-1.5]}), "In memory", "Rows."),
            ],
        ),
    ]
    page = Page(
        f"Title {word}", f"Lead {word}", sections, {f"key {word}": word}, [(f"data/{word}", f"bad {word}")],
        {"runs": word},
    )  # fmt: skip
    return replace(page, **changes)


@pytest.mark.parametrize("word", HOSTILE)
def test_hostile_names_are_text_and_nothing_else(folder, word):
    usual, hostile = Reader(render(page_of(), folder)), Reader(render(page_of(word), folder))
    assert [tag for tag, _ in hostile.tags if tag != "code"] == [tag for tag, _ in usual.tags if tag != "code"]
    for (_, ours), (_, theirs) in zip(
        (t for t in hostile.tags if t[0] != "code"), (t for t in usual.tags if t[0] != "code"), strict=True
    ):
        assert ours.keys() - {"class"} == theirs.keys() - {"class"}
        assert not [name for name in ours if name.startswith("on")]
    assert hostile.ids == usual.ids
    assert hostile.all("a", "href") == usual.all("a", "href")
    shown = word.strip("`")
    for place in ("Title ", "Question one: ", "Picture ", "Table "):
        assert place + word in hostile.text
    for place in ("Lead ", "Intro ", "Caption ", "Note "):
        assert shown in hostile.text.split(place, 1)[1], place
    assert word in hostile.all("img", "alt")
    index = render_index([IndexEntry(word, "tables/t.csv", word, "figures/a.png")], folder, title=word)
    assert not [name for _, attributes in Reader(index).tags for name in attributes if name.startswith("on")]
    assert [tag for tag, _ in Reader(index).tags].count("script") == 1


def test_the_page_asks_nothing_of_the_network(folder):
    text = render(page_of(), folder)
    reader = Reader(text)
    addresses = [
        value for _, attributes in reader.tags for name, value in attributes.items() if name in ("src", "href")
    ]
    assert len(addresses) > 8
    assert not [value for value in addresses if re.match(r"(?i)\s*([a-z+]+:)?//|https?:", value)]
    assert all(value.startswith("data:image/png;base64,") for value in reader.all("img", "src"))
    assert not reader.all("link", "href")
    assert not reader.all("script", "src")
    styles = "".join(data for tag, data in reader.texts if tag == "style")
    assert "@import" not in styles
    assert not re.search(r"url\((?!['\"]?data:)", styles)
    (policy,) = [a["content"] for t, a in reader.tags if t == "meta" and "http-equiv" in a]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy


def test_every_section_stands_in_the_contents(folder):
    reader = Reader(render(page_of(), folder))
    links = [value[1:] for value in reader.all("a", "href") if value.startswith("#")]
    assert links == ["one", "two-b", "problems", "settings", "provenance"]
    assert set(links) <= set(reader.ids)
    assert len(reader.ids) == len(set(reader.ids))
    plain = Reader(render(page_of(problems=(), settings={}, provenance={}), folder))
    assert [value for value in plain.all("a", "href") if value.startswith("#")] == ["#one", "#two-b"]


def test_pictures_stand_before_tables(folder):
    text = render(page_of(), folder)
    assert text.index("Picture Obedience</h3>") < text.index("Table Obedience</h3>")


def test_tables_and_all_but_the_first_pictures_of_a_section_are_behind_a_click(folder):
    pictures = [Picture("figures/a.png", title, "How.", (), "", label) for title in "AB" for label in ("forest", "net")]
    section = Section("Q", "q", "Intro.", [*pictures, TableBlock("tables/t.csv", "T", "c")], (), "The method.")
    text = render(page_of(sections=[section]), folder)
    opened, closed = text.split("<details>", 1)
    assert (opened.count("<img"), closed.count("<img")) == (2, 2)
    assert "<table" not in opened
    assert "<summary>Method and tables (1)</summary>" in closed
    assert "The method." in closed
    assert text.count("How.") == 1, "how to read a picture is said once"


def test_no_note_is_given_twice(folder):
    sections = [Section("Q", anchor, "", (), ["Mind this.", "Mind this.", anchor]) for anchor in ("one", "two")]
    text = render(page_of(sections=sections), folder)
    assert [text.count(f'"note">{note}<') for note in ("Mind this.", "one", "two")] == [1, 1, 1]


def test_findings_stand_on_top_and_lead_to_their_sections(folder):
    found = [
        Finding("Does it work?", "Yes.", f"By {SCRIPT}.", "one", is_warning=True),
        Finding("And?", "No.", "", anchor=""),
    ]
    overview = TableBlock(pd.DataFrame({"label": ["forest"], "final return": ["1 (0 to 2)"]}), "At a glance", "Rows.")
    text = render(page_of(findings=found, overview=overview, notes=["Run 1 was imported."]), folder)
    reader = Reader(text)
    order = [
        text.index(word) for word in ("By &lt;script", "Run 1 was imported.", "1 (0 to 2)", "Intro Obed", "Caption")
    ]
    assert order == sorted(order)
    assert reader.all("a", "href").count("#one") == 2
    assert [attributes.get("class") for tag, attributes in reader.tags if tag == "li"].count("warning") == 1
    index = render_index([IndexEntry("A", "tables/t.csv", findings=found)], folder)
    assert 'href="tables/t.csv#one"' in index


def test_a_player_is_linked_only_where_there_is_one(folder):
    (folder / "player.html").write_text("")
    assert 'href="player.html"' in render(page_of(player="player.html"), folder)
    assert "player" not in render(page_of(), folder)


def test_downloads_lead_to_the_files(folder):
    links = [value for value in Reader(render(page_of(), folder)).all("a", "href") if not value.startswith("#")]
    assert {unquote(value) for value in links} == {
        "figures/a.png", "figures/a.pdf", "tables/t.csv", "figures/b c#1.png",
    }  # fmt: skip
    assert all((folder / unquote(value)).is_file() for value in links)
    assert "figures/b%20c%231.png" in links


@pytest.mark.parametrize(
    ("name", "fault", "message"),
    [
        ("figures/none.png", FileNotFoundError, "none.png: named by the page but not there"),
        ("figures", FileNotFoundError, "named by the page but not there"),
        ("../a.png", ValueError, "must be named relative to it and lie below it, got '../a.png'"),
        ("figures/../../a.png", ValueError, "lie below it"),
        ("/etc/passwd", ValueError, "lie below it, got '/etc/passwd'"),
        ("", ValueError, "lie below it"),
        ("tables/t.csv", ValueError, "t.csv: not a PNG file"),
    ],
)
def test_files_that_are_missing_or_elsewhere_are_refused(folder, name, fault, message):
    (folder.parent / "a.png").write_bytes((folder / "figures/a.png").read_bytes())
    sections = [Section("Q?", "q", "i", [Picture(name, "t", "h")])]
    with pytest.raises(fault, match=message):
        render(page_of(sections=sections), folder)
    if name != "tables/t.csv":
        for item in (Picture("figures/a.png", "t", "h", (name,)), TableBlock("tables/t.csv", "t", "c", (name,))):
            with pytest.raises(fault):
                render(page_of(sections=[Section("Q?", "q", "i", [item])]), folder)
        with pytest.raises(fault):
            render_index([IndexEntry("a", name)], folder)


def test_problems_are_listed_with_their_reasons(folder):
    problems = [("data/x/1", "conf.json: not JSON"), ("data/x/2", "policy.npz: cycle")]
    text = Reader(render(page_of(problems=problems), folder)).text
    assert "Runs left out (2)" in text
    for place, reason in problems:
        assert place in text
        assert reason in text
    assert "Runs left out" not in Reader(render(page_of(problems=()), folder)).text


def test_anchors_are_checked():
    with pytest.raises(ValueError, match="anchor must be lower-case"):
        Section("Q", "a b", "")
    with pytest.raises(ValueError, match="must differ"):
        Page("t", "l", [Section("Q", "a", ""), Section("R", "a", "")])


def test_a_page_of_many_large_pictures_stays_under_five_megabytes(tmp_path):
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 255, size=(500, 800, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((1650, 1000), Image.Resampling.BICUBIC).save(tmp_path / "a.png", dpi=(300, 300))
    small, large = (
        render(page_of(sections=[Section("Q", "q", "", [Picture("a.png", "t", "h")] * n)]), tmp_path) for n in (1, 8)
    )
    assert len(large.encode()) < LARGEST_PAGE
    assert len(small) * 8 > LARGEST_PAGE, "the case must need smaller pictures"
    assert Reader(large).all("img", "width") == Reader(small).all("img", "width") * 8, "smaller files, not images"


def test_cells_show_four_digits_and_keep_the_number(folder):
    frame = pd.DataFrame({
        "x": [0.123456, -2.0, np.nan], "n": [1, -2, 3], "ok": [True, False, True], "e": [1e-9, np.inf, -np.inf],
        "word": ["-a", None, "NA"],
    })  # fmt: skip
    shown = shown_table(frame, 3)
    assert shown.columns == [("x", True), ("n", True), ("ok", False), ("e", True), ("word", False)]
    assert [row[0] for row in shown.rows] == [("0.123", "0.123456"), ("−2.000", "-2.0"), ("–", "")]
    assert [row[1] for row in shown.rows] == [("1", "1"), ("−2", "-2"), ("3", "3")]
    assert [row[2][0] for row in shown.rows] == ["yes", "no", "yes"]
    assert [row[3] for row in shown.rows] == [("1.000e−09", "1e-09"), ("∞", "inf"), ("−∞", "-inf")]
    assert [row[4][0] for row in shown.rows] == ["-a", "–", "NA"]
    assert (len(shown_table(frame, 2).rows), shown_table(frame, 2).n_rows) == (2, 3)
    with pytest.raises(ValueError, match="max_rows must be at least 1, got 0"):
        shown_table(frame, 0)
    text = Reader(render(page_of(), folder)).text
    assert "The first 2 of 3 rows." in text


def test_the_same_page_has_the_same_bytes(folder):
    assert render(page_of(), folder) == render(page_of(), folder)


@pytest.fixture
def written(folder):
    words = [*HOSTILE, "x" * 900 + " ordinary words behind a word without any place to break " * 5]
    wide = pd.DataFrame({f"a_rather_long_column_name_{i}": np.arange(3) / 7 for i in range(14)})
    sections = [
        *page_of().sections,
        *(replace(page_of(word).sections[0], anchor=f"h{i}") for i, word in enumerate(words)),
        Section("Wide?", "wide", "", [TableBlock(wide, "Wide", "Scrolls in its own frame.")]),
    ]
    problems = [("data/" + "y" * 500, "reason " + "z" * 500)]
    page = page_of("w" * 300, sections=sections, problems=problems)
    (folder / "report.html").write_text(render(page, folder), encoding="utf-8")
    entries = [IndexEntry(word, "report.html", word * 2, "figures/a.png") for word in words]
    (folder / "index.html").write_text(render_index(entries, folder, problems=problems), encoding="utf-8")
    return folder


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("name", ["report.html", "index.html"])
def test_a_browser_shows_it_whole(written, name, width):
    """The bug: a long word in a heading ran out of the table of contents."""
    seen = seen_by_browser(written / name, width)
    assert seen["faults"] == []
    assert seen["inner"] == width
    assert seen["scroll"] <= width
    assert seen["clipped"] == []
    assert (seen["images"], seen["broken"]) == (len(HOSTILE) + (3 if name == "report.html" else 1), 0)


def test_the_check_sees_a_fault_a_broken_picture_and_a_clipped_page(written):
    path = written / "report.html"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("</main>", '<img src="data:image/png;base64,AAAA"><p style="width:3000px">.</p></main>')
        .replace("<p>Intro.</p>", '<div class="x"><svg width="2000" height="9"></svg></div><script>let z = 1</script>'),
        encoding="utf-8",
    )  # fmt: skip
    seen = seen_by_browser(path, 400)
    assert seen["broken"] == 1
    assert len(seen["faults"]) >= 2
    assert seen["scroll"] > 400 or seen["clipped"]


def test_a_click_opens_a_picture_at_full_size_and_a_choice_hides_the_other_estimators(folder):
    pictures = [Picture("figures/a.png", "A", "How.", (), label, label) for label in ("forest", "net <b>")]
    frame = pd.DataFrame({"label": ["forest", "net <b>", "both"], "value": [1, 2, 3]})
    sections = [Section("Q", "q", "", [*pictures, TableBlock(frame, "t", "c")])]
    (folder / "report.html").write_text(render(page_of(sections=sections), folder), encoding="utf-8")
    click = "document.querySelectorAll('a.zoom')[1].click();"
    tell = "document.body.append(document.createElement('table'));" + (
        "document.body.lastChild.append(document.createElement('tbody'));"
        "const say = (text) => { document.body.lastChild.tBodies[0].insertRow().insertCell().textContent = text; };"
    )
    opened = "const box = document.querySelector('dialog'); say(box.open); say(box.querySelector('img').alt);"
    seen = seen_by_browser(folder / "report.html", 1280, click + tell + opened)
    assert seen["faults"] == []
    assert seen["first"][-1] == ["true", "net <b>"]
    choose = "const s = document.querySelector('select'); s.value = 'net <b>'; s.dispatchEvent(new Event('change'));"
    shown = "for (const part of document.querySelectorAll('main [data-estimator]')) say(part.hidden);"
    seen = seen_by_browser(folder / "report.html", 1280, choose + tell + shown)
    assert seen["first"][-1] == ["true", "false", "true", "false", "false"]  # two pictures, three rows


def test_a_page_of_many_sections_is_folded_from_below_until_it_is_short(folder):
    pictures = [Picture("figures/a.png", "A", "How.", (), "", label) for label in ("a", "b", "c", "d")]
    found = [Finding("Why?", "Because. " * 8, "It is so. " * 40, "") for _ in range(10)]
    for n_sections in (5, 30):
        sections = [Section("Q", f"q{place}", "Intro. " * 20, pictures) for place in range(n_sections)]
        text = render(page_of(sections=sections, findings=found), folder)
        parts = text.split('<h2 id="q')[1:]
        is_open = [part.index("<figure") < (part + "<details>").index("<details>") for part in parts]
        assert is_open == sorted(is_open, reverse=True)
        assert all(is_open[:3])
        assert all(is_open) == (n_sections == 5)
        (folder / "report.html").write_text(text, encoding="utf-8")
        assert seen_by_browser(folder / "report.html", 1280)["height"] < TALLEST


def test_a_click_sorts_a_table_with_missing_values_last(folder):
    frame = pd.DataFrame({"name": ["b", "a", "c", "d"], "value": [2.0, np.nan, -10.5, 1e9]})
    sections = [Section("Q", "q", "", [TableBlock(frame, "t", "c")])]
    (folder / "report.html").write_text(render(page_of(sections=sections), folder), encoding="utf-8")
    click = "document.querySelectorAll('th button')[1].click();"
    assert seen_by_browser(folder / "report.html", 800)["first"][0] == ["b", "a", "c", "d"]
    assert seen_by_browser(folder / "report.html", 800, click)["first"][0] == ["c", "b", "d", "a"]
    assert seen_by_browser(folder / "report.html", 800, click * 2)["first"][0] == ["d", "b", "c", "a"]
