"""A player's page driven in headless Chromium as a reader drives it; tests are skipped where there is no browser."""

import json
import re
import subprocess
import tempfile
from base64 import b64encode
from hashlib import sha256
from html import escape, unescape
from pathlib import Path

from browser_helpers import FLAGS, browser

# Runs in the page: collects what goes wrong from the first moment on, waits for the player, does what a test asks, and
# reports to the page around it.
DRIVER = """
const faults = [];
addEventListener("error", (event) => faults.push(String(event.message || event.target.outerHTML)), true);
addEventListener("unhandledrejection", (event) => faults.push(String(event.reason.stack || event.reason)));
addEventListener("securitypolicyviolation", (event) => faults.push("refused: " + event.blockedURI));
for (const kind of ["error", "warn", "log", "info"]) console[kind] = (...words) => faults.push(words.join(" "));
const shown = (id) => document.getElementById(id);
const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));
const press = (key) => document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
const fill = (id, value) => {
  shown(id).value = value;
  shown(id).dispatchEvent(new Event(shown(id).type === "range" ? "input" : "change"));
};
addEventListener("load", async () => {
  let told = null;
  try {
    const player = await udrlPlayer.ready;
    await pause(50);
    told = await (async () => { ACTION })();
  } catch (fault) {
    faults.push(String(fault.stack));
  }
  const clipped = (e) => e.getBoundingClientRect().right > innerWidth + 0.5 && !e.classList.contains("unseen");
  parent.postMessage(JSON.stringify({
    told, faults,
    inner: innerWidth,
    scroll: document.scrollingElement.scrollWidth,
    clipped: [...document.body.querySelectorAll("*")].filter(clipped).map((e) => e.tagName + "." + e.className),
    unnamed: [...document.querySelectorAll("input, select, button, canvas")].filter((e) => !(
      e.getAttribute("aria-label") || e.getAttribute("aria-hidden") || e.textContent.trim() || (e.labels ?? []).length
    )).map((e) => e.outerHTML),
  }), "*");
});
"""


# The page is taken away when it has reported: nothing is computed for nobody.
HOST = """<!DOCTYPE html><style>body{{margin:0}}iframe{{border:0;width:{width}px;height:900px}}</style>
<script>addEventListener("message", (event) => {{
  document.documentElement.dataset.seen = event.data;
  document.querySelector("iframe").remove();
}})</script>
<iframe src="seen.html#{address}"></iframe>"""


def driven(page, width, action, address=""):
    """Do `action` in a page `width` CSS pixels wide, and report what it returned and what went wrong.

    The page stands in a frame, since a headless window is never narrower than 500 pixels.
    """
    script = DRIVER.replace("ACTION", action)
    digest = b64encode(sha256(script.encode()).digest()).decode()
    text, n_policies = re.subn("script-src ", f"script-src 'sha256-{digest}' ", page, count=1)
    assert n_policies == 1, "the page has no policy for scripts"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "seen.html").write_text(text.replace("<title>", f"<script>{script}</script><title>", 1), "utf-8")
        (folder / "host.html").write_text(HOST.format(width=width, address=escape(address)), encoding="utf-8")
        done = subprocess.run(
            [
                browser(), *FLAGS, f"--user-data-dir={folder / 'profile'}", f"--window-size={max(width, 600)},900",
                "--virtual-time-budget=8000", "--dump-dom", (folder / "host.html").as_uri(),
            ],
            capture_output=True,
            text=True,
            timeout=120,
        )  # fmt: skip
    found = re.search(r'data-seen="([^"]*)"', done.stdout)
    assert found, f"the page never reported back\n{done.stderr[-2000:]}"
    return json.loads(unescape(found[1]))
