"""Headless Chromium on the server's page: what the checks of serve_page.py do and see there."""
import base64
import contextlib
import json
import pathlib

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

# Clicks, and resolves with the milliseconds until the frame in which the answer is to be seen.
CLICK_TO_ANSWER = """
const done = arguments[0], answer = document.getElementById("answer"), body = document.getElementById("answer-body");
const began = performance.now();
const seen = () => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - began)));
const watcher = new MutationObserver(() => {
  if (answer.hidden || answer.getAttribute("aria-busy") === "true" || !body.firstChild) return;
  watcher.disconnect();
  seen();
});
watcher.observe(answer, {attributes: true});
document.querySelector("#form button[type=submit]").click();
"""

# Every visible text whose colour is too near to what is behind it, and every control whose edge is.
CONTRAST = """
const parse = (text) => {
  const numbers = text.match(/-?[0-9.]+(e-?[0-9]+)?/g).map(Number), scale = text.startsWith("color(") ? 255 : 1;
  return [...numbers.slice(0, 3).map((x) => x * scale), numbers[3] ?? 1];
};
const over = (top, below) => top.slice(0, 3).map((x, i) => x * top[3] + below[i] * (1 - top[3]));
const behind = (element) => {
  if (!element) return parse(getComputedStyle(document.documentElement).colorScheme === "dark" ? "rgb(18,18,18)" : "rgb(255,255,255)");
  const colour = parse(getComputedStyle(element).backgroundColor);
  return colour[3] === 1 ? colour.slice(0, 3) : over(colour, behind(element.parentElement));
};
const luminance = (colour) => {
  const [r, g, b] = colour.map((x) => x / 255).map((x) => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ratio = (a, b) => (Math.max(luminance(a), luminance(b)) + 0.05) / (Math.min(luminance(a), luminance(b)) + 0.05);
const bad = [];
let seen = 0;
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  const element = node.parentElement;
  if (!node.data.trim() || !element.checkVisibility() || element.closest(".unseen, .skip, script, noscript")) continue;
  const style = getComputedStyle(element), size = parseFloat(style.fontSize), back = behind(element);
  const found = ratio(over(parse(style.color), back), back), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
  seen += 1;
  if (found < (large ? 3 : 4.5)) bad.push(`${node.data.trim().slice(0, 40)}: ${found.toFixed(2)}`);
}
for (const control of document.querySelectorAll("input, textarea, select")) {
  if (!control.checkVisibility() || control.type === "checkbox") continue;
  const found = ratio(parse(getComputedStyle(control).borderTopColor), behind(control.parentElement));
  seen += 1;
  if (found < 3) bad.push(`edge of ${control.name}: ${found.toFixed(2)}`);
}
return [seen, bad];
"""

FOCUS = """
const e = document.activeElement, box = e.getBoundingClientRect(), style = getComputedStyle(e);
return {id: e.id, tag: e.tagName, text: (e.textContent || e.id).trim().slice(0, 40), top: box.top + scrollY, left: box.left,
  ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2, shown: box.width > 0 && box.bottom > 0};
"""


class Page:
    """The page of a server, in a browser of its own."""

    def __init__(self, url, folder):
        options = webdriver.ChromeOptions()
        # As root Chromium starts only without its sandbox.
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars", "--force-color-profile=srgb"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options)
        self.driver.set_script_timeout(60)
        self.url, self.folder = url, pathlib.Path(folder)
        self.resize(1280, 900)
        self.look("light")
        self.driver.get(url)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.driver.quit()

    # --- how it is looked at

    def resize(self, width, height):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                    {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})

    def look(self, scheme):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def picture(self, name):
        self.folder.mkdir(parents=True, exist_ok=True)
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
        (self.folder / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))

    # --- what is done

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def wait(self, condition, what):
        return WebDriverWait(self.driver, 30, 0.02).until(lambda _: condition(), what)

    def open(self, model, task):
        """By the address; the menu's links are of the same kind."""
        self.wait(lambda: self.all("#nav a"), "no models are shown")
        self.script("location.hash = arguments[0]", f"#/{model}/{task}")
        self.wait(lambda: self.script("return state.model.name + ' ' + state.task") == f"{model} {task}", f"{model} {task} does not open")

    def type(self, name, value):
        """As if it were pasted."""
        self.script("const e = document.getElementById('field-' + arguments[0]); e.value = arguments[1];", name, value)

    def run(self):
        """Clicks Run; the milliseconds to the answer."""
        return self.driver.execute_async_script(CLICK_TO_ANSWER)

    def press(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def press_with_control(self, key):
        ActionChains(self.driver).key_down(Keys.CONTROL).send_keys(key).key_up(Keys.CONTROL).perform()

    # --- what is seen

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def texts(self, selector):
        return self.script("return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent)", selector)

    def text(self, selector):
        found = self.texts(selector)
        assert len(found) == 1, (selector, found)
        return found[0]

    def code(self, tab):
        return self.script("return state.code[arguments[0]]", tab)

    def answers(self):
        return [json.loads(text) for text in self.code("JSON").split("\n")]

    def contrast(self):
        seen, bad = self.script(CONTRAST)
        assert seen > 3 and not bad, (seen, bad)
        return seen

    def focus(self):
        return self.script(FOCUS)

    def complaints(self):
        """What the browser has said of this page: errors of scripts, and what the policy has stopped."""
        with contextlib.suppress(KeyError):
            return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        return []
