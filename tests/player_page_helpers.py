"""A player's page driven in headless Chromium as a reader drives it; tests are skipped where there is no browser."""

from html import escape

from browser_helpers import told_from_frame

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
    host = HOST.format(width=width, address=escape(address))
    return told_from_frame(page, DRIVER.replace("ACTION", action), width, host, 8000)
