#!/usr/bin/env python3
"""Uses the server's page as people do, in headless Chromium, and compares what it shows with the API's own answers.

Every task of every model is opened, run, and compared; so are the lines of curl and Python that the page gives, which are run. Texts that
look like HTML stay texts; everything is reached by the keyboard, has a name, and is readable in light and dark, from 360 to 1280 pixels.
Screenshots are left in build/page.

usage: tests/live/page [--sapwood BINARY] [--only CHECK ...]
"""
import argparse
import ast
import itertools
import json
import os
import subprocess
import sys
import traceback
import urllib.error
import urllib.request

from page_browser import Keys, Page
from page_tasks import ALL_MODELS, SEE, every_task
from serve_clients import MODELS, ROOT, Server

PICTURES = ROOT / "build/page"
KEY = "secret of the test"
HOSTILE = ["<img src=x onerror=\"window.hit=1\"> [MASK]", "<script>window.hit=1</script> [MASK]", "</textarea></main><svg onload=window.hit=1> [MASK]",
           "javascript:window.hit=1 &lt;b&gt; [MASK] {{7*7}} ${window.hit=1}"]


def get(url, **headers):
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, response.headers, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


# --- checks


def check_tasks(page):
    page.wait(lambda: page.all("#nav a"), "no models are shown")
    links = page.script("return [...document.querySelectorAll('#nav a')].map((e) => e.getAttribute('href'))")
    assert links == [f"#/{model}/{task}" for model, task in every_task()], links
    for model, task in every_task():
        page.open(model, task)
        SEE[task](page)
        figures = page.texts("#figures dt")
        assert "from click to answer" in figures and "tokens" in figures, figures
        assert task == "tokens" or "processor time" in figures, figures
        assert page.text("[role=status]").startswith("Answer in "), page.text("[role=status]")


def run_code(page, **environment):
    """What the page's lines of curl and of Python print, as JSON."""
    environment = {**os.environ, **environment}
    shell = subprocess.run(["bash", "-c", page.code("curl").replace("curl ", "curl -sS ")], env=environment, check=True, capture_output=True, text=True)
    decoder, text, found = json.JSONDecoder(), shell.stdout, []
    while text:
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:].lstrip()
    python = subprocess.run([sys.executable, "-c", page.code("Python")], env=environment, check=True, capture_output=True, text=True)
    return found, [ast.literal_eval(line) for line in python.stdout.splitlines()]


def check_code(page):
    for model, task in every_task():
        if task == "tokens" and model != "embed":
            continue
        page.open(model, task)
        name = page.script("return document.querySelector('#fields textarea').name")
        text = page.script("return document.querySelector('#fields textarea').value")
        page.type(name, text + " It's \"quoted\" \\ $HOME `id` \U0001f332 ! %")
        page.run()
        wanted = page.answers()
        assert run_code(page) == (wanted, wanted), (model, task)


def check_hostile(page):
    for (model, task), text in itertools.product(every_task(), HOSTILE):
        page.open(model, task)
        for name in page.script("return [...document.querySelectorAll('#fields textarea, #fields input[type=text]')].map((e) => e.name)"):
            if name not in ("template", "targets"):
                page.type(name, text)
        page.run()
        assert page.script("return window.hit") is None, (model, task, text)
        assert page.script("return document.querySelectorAll('main img, main script, main svg:not(.strip), main b').length") == 0, (model, task, text)


def check_errors(page):
    page.open("embed", "similarity")
    page.type("sentences", "a tree\n" * 40)
    page.run()
    assert "This is more than one request may have." in page.text("#answer .error"), page.text("#answer .error")
    page.type("sentences", "   ")
    page.run()
    assert "cannot be empty" in page.text("#answer .error") and "422" not in page.text("[role=status]")
    page.open("mlm", "fill-mask")
    page.type("text", "no mask here")
    page.run()
    assert "[MASK]" in page.text("#answer .error") and "status 422" in page.text("#answer .error")
    assert page.script("return document.getElementById('code').hidden")
    # The address names what there is not: the first task of what there is.
    page.script("location.hash = '#/no-such-model/no-such-task'")
    page.wait(lambda: page.text("h1:not(form h1)") == "Similarity", "another address")


def check_keyboard(page):
    page.driver.get(page.url)
    page.wait(lambda: page.all("#nav a"), "no models are shown")
    seen = []
    for _ in range(60):
        page.press(Keys.TAB)
        focus = page.focus()
        if focus["tag"] == "BODY":
            break
        assert focus["ring"] and focus["shown"], focus
        seen.append(focus)
    assert seen[0]["text"] == "Skip to the task", seen[0]
    texts = [each["text"] for each in seen]
    for wanted in ("API description", "Similarity", "Tokens", "field-sentences", "Run", "Restore the example"):
        assert wanted in texts or wanted in [each["id"] for each in seen], (wanted, texts)
    menu = [each for each in seen if each["tag"] == "A" and each["left"] < 200 and each["top"] > 60]
    assert [each["top"] for each in menu] == sorted(each["top"] for each in menu), menu  # as it is read
    # A task is chosen, an answer asked for, and its code read, without a mouse.
    page.script("document.querySelector('#nav a[href=\"#/sst2/classification\"]').focus()")
    page.press(Keys.ENTER)
    page.wait(lambda: page.focus()["id"] == "title", "the new task has no focus")
    page.press(Keys.TAB)
    assert page.focus()["id"] == "field-text", page.focus()
    page.press_with_control("a")
    page.press("a fine film")
    page.press_with_control(Keys.ENTER)
    page.wait(lambda: "POSITIVE" in page.text("#answer-body"), "no answer by Ctrl+Enter")
    assert page.focus()["id"] == "field-text", page.focus()
    page.script("document.querySelector('[role=tab][aria-selected=true]').focus()")
    page.press(Keys.ARROW_RIGHT)
    assert page.focus()["text"] == "Python" and page.text("#code-text").startswith("import json"), page.focus()
    page.press(Keys.END)
    assert json.loads(page.text("#code-text"))[0]["label"] == "POSITIVE"
    page.press(Keys.HOME)
    page.press(Keys.TAB)
    page.press(Keys.ENTER)
    page.wait(lambda: page.text("[role=status]") == "curl copied.", "nothing is copied")


def check_names(page):
    for model, task in every_task():
        page.open(model, task)
        page.script("for (const each of document.querySelectorAll('details')) each.open = true")
        page.run()
        for control in page.all("a, button, input, textarea, select, [role=tab], [role=region], [tabindex='0'], svg[role=img], section"):
            if control.is_displayed():
                assert control.accessible_name.strip(), control.get_attribute("outerHTML")[:200]
        problems = page.script("""
          const all = [...document.querySelectorAll("[id]")].map((e) => e.id), twice = all.filter((id, i) => all.indexOf(id) !== i);
          const lost = [...document.querySelectorAll("[aria-controls], [aria-labelledby], [aria-describedby], label[for]")].filter((e) =>
            ["aria-controls", "aria-labelledby", "aria-describedby", "for"].some((n) => e.hasAttribute(n) && !document.getElementById(e.getAttribute(n))));
          const heads = [...document.querySelectorAll("h1, h2, h3")].filter((e) => e.checkVisibility()).map((e) => e.tagName);
          const tables = [...document.querySelectorAll("main table")].filter((t) => !t.caption || !t.querySelector("th[scope=col]") || !t.querySelector("th[scope=row]"));
          return [twice, lost.map((e) => e.outerHTML), heads.filter((h) => h === "H1").length === 1 && heads[0] === "H1" ? [] : heads, tables.length];""")
        assert problems == [[], [], [], 0], problems
        assert page.script("return document.querySelectorAll('#nav [aria-current=page]').length") == 1
        assert page.driver.title == f"{page.text('#title')} - {model} - Sapwood"


def check_looks(page):
    texts = 0
    for scheme in ("light", "dark"):
        page.look(scheme)
        for model, task in every_task():
            if task == "tokens" and model != "embed":
                continue
            for width in (1280, 768, 360):
                page.resize(width, 900)
                page.open(model, task)
                page.script("document.getElementById('restore').click()")
                page.run()
                wide = page.script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
                assert wide <= 0, (model, task, width, wide)
                if width != 768:
                    page.picture(f"{task}-{model}-{width}-{scheme}")
            texts += page.contrast()
        page.script("document.getElementById('menu').click()")
        page.picture(f"menu-360-{scheme}")
        texts += page.contrast()
        page.script("document.getElementById('menu').click()")
        page.resize(1280, 900)
        page.open("mlm", "fill-mask")
        page.type("text", "no mask here")
        page.run()
        page.picture(f"error-1280-{scheme}")
        texts += page.contrast()
    page.look("light")
    return f"{texts} texts and edges have contrast"


def check_time(page):
    times = {}
    for model, task in every_task():
        page.driver.get("about:blank")
        page.driver.get(f"{page.url}#/{model}/{task}")
        page.wait(lambda: page.all("#form:not([hidden])"), "no task is shown")
        times[f"{model} {task}"] = page.run()  # the first of a fresh page
    worst = max(times, key=times.get)
    first = sorted(times.values())
    return f"click to answer: median {first[len(first) // 2]:.0f} ms, longest {times[worst]:.0f} ms ({worst})"


def check_alone(page):
    """The page, and all that it loads, is this server's; it is loaded again only when it has changed."""
    names = page.script("return performance.getEntriesByType('resource').map((e) => e.name)")
    assert names and all(name.startswith(page.url) for name in names), names
    browser = {"Accept": "text/html"}
    status, headers, body = get(page.url, **browser)
    assert status == 200 and body == (ROOT / "tools/serve/page.html").read_text(), status
    status, again, body = get(page.url, **browser, **{"If-None-Match": headers["ETag"]})
    assert (status, body, again["ETag"]) == (304, "", headers["ETag"]), (status, body)
    assert get(page.url)[2] == ""


def check_key(sapwood):
    """A server that asks for a key: the page asks, too; a wrong one is said to be; the code has none in it."""
    with Server(sapwood, "--api-key", KEY, models={"sst2": MODELS["sst2"]}) as server, Page(server.url + "/", PICTURES) as page:
        page.wait(lambda: page.script("return !document.getElementById('key-form').hidden"), "no key is asked for")
        page.picture("key-1280-light")
        page.contrast()
        page.press("wrong", Keys.ENTER)
        page.wait(lambda: "not accepted" in page.text("#key-said"), "a wrong key is accepted")
        page.contrast()
        page.script("document.getElementById('key').value = ''")
        page.press(KEY, Keys.ENTER)
        page.wait(lambda: page.script("return document.getElementById('key-form').hidden && !document.getElementById('form').hidden"), "the key does not open it")
        page.run()
        assert "POSITIVE" in page.text("#answer-body")
        assert KEY not in page.code("curl") + page.code("Python") and KEY not in page.script("return document.body.innerText")
        wanted = page.answers()
        assert run_code(page, API_KEY=KEY) == (wanted, wanted)
        server.process.terminate()
        server.process.wait(30)
        page.run()
        assert "The server cannot be reached." in page.text("#answer .error"), page.text("#answer .error")


def attempt(name, check, page=None):
    try:
        note = check()
        # Answers that are refusals, which were asked for, are complaints of the network.
        complaints = [each for each in page.complaints() if "Failed to load resource" not in each] if page else []
        assert not complaints, complaints
    except Exception as error:  # whatever it is, the other checks still run
        print(f"FAIL {name}: {type(error).__name__}: {str(error)[:2000]}", flush=True)
        traceback.print_exc(limit=-3)
        return False
    print(f"ok: {name}{f': {note}' if note else ''}", flush=True)
    return True


CHECKS = {"tasks": check_tasks, "code": check_code, "hostile": check_hostile, "errors": check_errors, "keyboard": check_keyboard, "names": check_names,
          "looks": check_looks, "time": check_time, "alone": check_alone}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sapwood", default=str(ROOT / "build/release/sapwood"))
    parser.add_argument("--only", nargs="+", choices=[*CHECKS, "key"], default=[*CHECKS, "key"])
    arguments = parser.parse_args()
    good = True
    with Server(arguments.sapwood, models=ALL_MODELS) as server, Page(server.url + "/", PICTURES) as page:
        for name in (name for name in CHECKS if name in arguments.only):
            good &= attempt(name, lambda: CHECKS[name](page), page)
    if "key" in arguments.only:
        good &= attempt("key", lambda: check_key(arguments.sapwood))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
