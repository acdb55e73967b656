import json
import re
import shutil

import pytest
from player_helpers import data_of

from udrl_explain.player import page
from udrl_explain.player.modules import joined_modules
from udrl_explain.player.page import WEB, player_page
from udrl_explain.report.page.html import PageParts, filled

HOSTILE = "</script><script>document.title = 'taken over'</script><!-- <b> & \u2028 {{ 7 * 7 }}"


@pytest.fixture
def modules(tmp_path):
    """Write modules by name; their joined text."""

    def joined(**texts):
        for name, text in texts.items():
            (tmp_path / f"{name}.js").write_text(text, encoding="utf-8")
        return joined_modules(tmp_path, "main.js")

    return joined


def test_modules_stand_behind_what_they_import_each_once(modules):
    text = modules(
        main='import { a, two } from "./a.js";\nimport {\n  b,\n} from "./b.js";\nconst sum = a + b + two;\n',
        a='import { b } from "./b.js";\nexport const a = b + 1;\nexport const { two } = { two: 2 };\n',
        b="export let b = 1;\n/** export nothing */\nexport async function later() {}\nexport class Thing {}\n",
    )
    heads = re.findall(r"^// (\w+)\.js$", text, re.MULTILINE)
    assert heads == ["b", "a", "main"]
    assert not re.search(r"^(import|export)\b", text, re.MULTILINE)
    assert "let b = 1;" in text
    assert "\nasync function later() {}" in text


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"main": 'import { a } from "./a.js";\nconst x = 1;', "a": "export const a = 1;\nfunction x() {}"},
         "main.js: declares 'x', which a.js declares too"),
        ({"main": 'import { a } from "./a.js";', "a": "const [b, c] = [1, 2];\nclass c {}\nexport const a = 1;"},
         "a.js: declares 'c', which a.js declares too"),
        ({"main": 'import { b } from "./a.js";', "a": "export const a = 1;\nconst b = 2;"},
         "imports 'b', which a.js does not export"),
        ({"main": 'import { a } from "./gone.js";'}, "gone.js: imported by main.js, but not there"),
        ({"main": 'import { a } from "./a.js";', "a": 'import { m } from "./main.js";\nexport const a = 1;'},
         "circle: main.js -> a.js -> main.js"),
        ({"main": 'import { a as b } from "./a.js";', "a": "export const a = 1;"}, "imports 'a as b'"),
        ({"main": 'import a from "./a.js";', "a": ""}, "no form of import or export"),
        ({"main": "export default 3;"}, "no form of import or export"),
        ({"main": "const t = '</SCRIPT>';"}, "may not stand in a page's script"),
        ({"main": "const { a: b } = {};"}, "no name can be read"),
    ],
)  # fmt: skip
def test_a_module_that_cannot_be_joined_is_named(modules, texts, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        modules(**texts)


def test_comments_that_begin_a_line_stay_behind_and_code_does_not(modules):
    text = modules(
        main="// @ts-check\n/**\n * export default nothing\n * @type {number}\n */\nconst a = 2\n  * 3; // six\n"
        "  /** @type {number} */ (a);\nconst b = a / 2; /* c */ const d = '//';\n/* e */\n"
    )
    assert text == "// main.js\nconst a = 2\n  * 3; // six\n(a);\nconst b = a / 2; /* c */ const d = '//';\n"


def test_all_modules_of_the_player_join_without_a_clash(tmp_path):
    shutil.copytree(WEB, tmp_path, dirs_exist_ok=True)
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(tmp_path.glob("*.js"))}
    exports = {name: re.findall(r"^export (?:async )?\w+ (\w+)", text, re.MULTILINE) for name, text in texts.items()}
    lines = [f'import {{ {names[0]} }} from "./{name}";' for name, names in exports.items() if names]
    (tmp_path / "all.js").write_text("\n".join([*lines, texts["main.js"]]), encoding="utf-8")
    joined = re.findall(r"^// ([\w-]+\.js)$", joined_modules(tmp_path, "all.js"), re.MULTILINE)
    assert sorted(joined) == sorted({*texts, "all.js"} - {"main.js"})


def test_no_name_in_the_data_ends_the_data():
    data = {"title": HOSTILE, "runs": [{"label": HOSTILE}]}
    text = player_page(data)
    assert data_of(text) == data
    assert "<title>&lt;/script&gt;" in text
    assert len(re.findall("<script", text)) == 2
    assert player_page(json.loads(json.dumps(data))) == text


@pytest.mark.parametrize(("ignored", "steps"), [([True, True], False), ([True, False], True)])
def test_the_opening_words_promise_a_horizon_only_where_one_counts(ignored, steps):
    text = player_page({"title": "t", "runs": [{"ignores_horizon": each} for each in ignored]})
    assert ("within this many steps" in text.partition("<script")[0]) == steps
    assert "collect this much reward" in text


def test_a_number_that_json_lacks_is_refused():
    with pytest.raises(ValueError, match="JSON"):
        player_page({"title": "", "x": float("nan")})


def test_the_page_asks_nothing_of_the_network_and_runs_its_own_script_only():
    text = player_page({"title": "t"})
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    assert directives["default-src"] == "'none'"
    assert directives["img-src"] == "data: blob:"
    assert re.fullmatch(r"'sha256-[\w+/=]{44}'", directives["script-src"])
    assert re.fullmatch(r"'sha256-[\w+/=]{44}'", directives["style-src"])
    assert not re.search(r"""(src|href)=["'](https?:)?//""", text)
    assert " style=" not in re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)


def test_a_page_of_other_parts_has_their_policy(tmp_path):
    (tmp_path / "t.jinja").write_text("{{ policy }}|{{ css }}|{{ script }}|{{ name }}")
    policy, css, script, name = filled("t.jinja", PageParts(tmp_path, "a{}", "b&&c", "blob:"), name="<i>").split("|")
    assert "img-src blob:" in policy
    assert (css, script, name) == ("a{}", "b&&c", "&lt;i&gt;")


def test_the_page_is_assembled_once():
    assert page._parts() is page._parts()
