"""The player's modules run by headless Chromium on a payload; tests are skipped where there is no browser."""

import json
import shutil
import tempfile
from pathlib import Path

from browser_helpers import told

from udrl_explain.player.modules import joined_modules
from udrl_explain.player.page import WEB

PAGE = """<!DOCTYPE html><meta charset="utf-8"><script type="application/json" id="given">{data}</script>
<script type="module">{script}
try {{
  document.documentElement.dataset.seen = JSON.stringify({{ given: await answers(JSON.parse(given.textContent)) }});
}} catch (fault) {{
  document.documentElement.dataset.seen = JSON.stringify({{ fault: fault.stack }});
}}</script>"""


def answered(script, data):
    """What the function ``answers`` of a script, which may import the player's modules, gives for JSON data."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for module in WEB.glob("*.js"):
            shutil.copy(module, folder)
        (folder / "asked.js").write_text(script, encoding="utf-8")
        page = PAGE.format(data=json.dumps(data).replace("<", "\\u003c"), script=joined_modules(folder, "asked.js"))
    seen = told({"asked.html": page}, 60000)
    assert "fault" not in seen, seen["fault"]
    return seen["given"]
