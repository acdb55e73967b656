"""A page as headless Chromium sees it; tests are skipped where there is no browser."""

import json
import re
import shutil
import subprocess
import tempfile
from base64 import b64encode
from hashlib import sha256
from html import unescape
from pathlib import Path

import pytest

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
]  # fmt: skip
# Runs before everything else in the page; tells the page around it what went wrong and how wide the page is.
REPORTER = """
const faults = [];
addEventListener("error", (event) => faults.push(String(event.message || event.target.outerHTML)), true);
addEventListener("securitypolicyviolation", (event) => faults.push("refused: " + event.blockedURI));
for (const kind of ["error", "warn"]) console[kind] = (...words) => faults.push(words.join(" "));
addEventListener("load", () => setTimeout(() => {
  ACTION
  const clipped = (e) => e.getBoundingClientRect().right > innerWidth + 0.5 && !e.closest(".scroll");
  parent.postMessage(JSON.stringify({
    faults,
    images: document.images.length,
    broken: [...document.images].filter((image) => !(image.complete && image.naturalWidth > 0)).length,
    inner: innerWidth,
    scroll: document.scrollingElement.scrollWidth,
    height: document.scrollingElement.scrollHeight,
    clipped: [...document.body.querySelectorAll("*")].filter(clipped).map((e) => e.tagName + "." + e.className),
    styled: getComputedStyle(document.querySelector("h1")).fontWeight,
    first: [...document.querySelectorAll("table tbody")].map((b) => [...b.rows].map((r) => r.cells[0].textContent)),
  }), "*");
}, 100));
"""
HOST = """<!DOCTYPE html><style>body{{margin:0}}iframe{{border:0;width:{width}px;height:900px}}</style>
<script>addEventListener("message", (event) => {{document.documentElement.dataset.seen = event.data}})</script>
<iframe src="seen.html"></iframe>"""


def browser():
    """Path of Chromium or Chrome; skips the test where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    return pytest.skip("no chromium or google-chrome on the path: the page was not opened in a browser")


def seen_by_browser(page, width, action=""):
    """Open a page `width` CSS pixels wide and report what the browser saw.

    The page is shown in a frame, since a headless window is never narrower than 500 pixels. Its content security
    policy stays in force, with the reporter's own hash beside that of the page's script.
    """
    script = REPORTER.replace("ACTION", action)
    return told_from_frame(Path(page).read_text(encoding="utf-8"), script, width, HOST.format(width=width), 5000)


def told_from_frame(text, script, width, host, budget):
    """Show a page, which runs `script` before its own, in the frame of `host`, and return what it told there."""
    digest = b64encode(sha256(script.encode()).digest()).decode()
    text, n_policies = re.subn("script-src ", f"script-src 'sha256-{digest}' ", text, count=1)
    assert n_policies == 1, "the page has no policy for scripts"
    text = text.replace("<title>", f"<script>{script}</script><title>", 1)
    return told({"seen.html": text, "host.html": host}, budget, f"--window-size={max(width, 600)},900")


def told(pages, budget, *flags):
    """Write pages by name, open the last one for `budget` virtual milliseconds and give the JSON in its `data-seen`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for page, text in pages.items():
            (folder / page).write_text(text, encoding="utf-8")
        done = subprocess.run(
            [
                browser(), *FLAGS, f"--user-data-dir={folder / 'profile'}", *flags,
                f"--virtual-time-budget={budget}", "--dump-dom", (folder / page).as_uri(),
            ],
            capture_output=True,
            text=True,
            timeout=120,
        )  # fmt: skip
    found = re.search(r'data-seen="([^"]*)"', done.stdout)
    assert found, f"the page never reported back\n{done.stderr[-2000:]}"
    return json.loads(unescape(found[1]))
