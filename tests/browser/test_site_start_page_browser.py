"""The start page of the browser edition in a real Chromium, with its service worker and the browser's storage, but
without JupyterLite and Pyodide: a student's files are put into the storage as these would leave them there.

With a real kernel: test_site_browser.py, weekly.
"""

import base64
import json
import random
import zipfile

import pytest
from axe import violations
from sites import ROOT, asked_of_others, new_version, refuser, renew, serving, small_site, through

from course_utils.grading.archives import notebooks_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]
NAME = "00_start_here.ipynb"
PROGRESS = {"solved": {"log_mean_exp": 1}, "hints": {}, "predictions": {}}
SAVE = """(files) => new Promise((resolve, reject) => {
  const opening = indexedDB.open("JupyterLite Storage - /some/course/");
  opening.onupgradeneeded = () => opening.result.createObjectStore("files");
  opening.onsuccess = () => {
    const transaction = opening.result.transaction("files", "readwrite");
    for (const file of files) transaction.objectStore("files").put(file, file.path);
    transaction.oncomplete = () => { opening.result.close(); resolve(); };
  };
  opening.onerror = () => reject(opening.error); })"""
FILES = """async () => Object.fromEntries((await (await import('./course/work.js')).allFiles())
  .map((file) => [file.path, file.content]))"""
KEPT = "document.documentElement.dataset.kept === 'all'"


def saved(path, content, **kind):
    """A file as JupyterLite keeps it."""
    when = "2026-11-27T04:05:06Z"
    return {"path": path, "name": path, "content": content, "created": when, "last_modified": when, **kind}


def a_students_files():
    """00 with an answer, progress and an archive: notebooks as objects, what Python has written in base64."""
    notebook = json.loads((ROOT / "notebooks" / NAME).read_text(encoding="utf-8"))
    notebook["cells"][0]["source"] = "# Mine"
    packed = base64.b64encode(json.dumps(PROGRESS).encode()).decode()
    return [
        saved(NAME, notebook, type="notebook", format="json"),
        saved(".course_progress.json", packed, type="file", format="base64"),
        saved("hand-in-002.zip", base64.b64encode(b"two").decode(), type="file", format="base64"),
        saved("hand-in-010.zip", base64.b64encode(b"ten").decode(), type="file", format="base64"),
    ]


@pytest.fixture
def host(tmp_path):
    """A folder to be served, with a site of its own below a sub-path: tests write into it."""
    small_site(tmp_path / "host" / "some" / "course", book=False)
    return tmp_path / "host"


@pytest.fixture
def context(browser):
    """A fresh visitor; nothing may be asked of another host, and no page may have an error."""
    with refuser() as proxy:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, proxy=through(proxy))
        context.set_default_timeout(30_000)
        errors = []
        context.on("weberror", lambda error: errors.append(str(error.error)))
        yield context
        context.close()
        assert not asked_of_others(proxy) and not errors


def visit(context, port):
    """The start page in a new tab, and its entry of 00."""
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{port}/some/course/")
    return page, page.locator(f'li[data-path="{NAME}"]')


def with_work(context, port):
    """The start page of a student who has worked before."""
    page, item = visit(context, port)
    page.evaluate(SAVE, a_students_files())
    page.reload()
    return page, item


def downloaded(page, button, path):
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    download.value.save_as(path)
    return download.value.suggested_filename


def test_it_says_what_is_solved_and_gives_the_work_away(context, host, tmp_path):
    with serving(host) as port:
        page, item = visit(context, port)
        page.wait_for_function(KEPT)
        assert not page.get_by_role("button").count()  # nothing to download, to start again or to renew yet
        page, item = with_work(context, port)
        item.get_by_text("1 of 1 exercises solved").wait_for()
        assert downloaded(page, "Download my work", tmp_path / "work.zip").startswith("my-work-")
        with zipfile.ZipFile(tmp_path / "work.zip") as archive:
            assert archive.testzip() is None
            assert json.loads(archive.read(".course_progress.json")) == PROGRESS
            assert json.loads(archive.read(NAME))["cells"][0]["source"] == "# Mine"
        with open(tmp_path / "work.zip", "rb") as file:  # the grader finds one notebook, and nothing to refuse
            assert [(member.name, member.refusal) for member in notebooks_in(file)] == [(NAME, "")]
        names = page.locator("#hand-ins button").all_inner_texts()
        assert names == ["Download hand-in-010.zip", "Download hand-in-002.zip"]  # the newest first
        assert downloaded(page, "Download hand-in-002.zip", tmp_path / "two.zip") == "hand-in-002.zip"
        assert (tmp_path / "two.zip").read_bytes() == b"two"
        assert violations(page) == []


def test_what_is_kept_for_later_waits_for_a_kernel_that_starts(context, host):
    """It takes the processor, and the network, from what a student waits for."""
    ask = """(words) => navigator.serviceWorker.ready.then(({ active }) => new Promise((resolve) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = ({ data }) => resolve([data.kept, data.of]);
        for (const word of words) active.postMessage(word);
        active.postMessage("how much?", [port2]);
    }))"""
    forget = """async () => {
        for (const name of await caches.keys()) {
            const cache = await caches.open(name);
            for (const request of await cache.keys()) await cache.delete(request);
        }
    }"""
    with serving(host) as port:
        page, _ = visit(context, port)
        page.wait_for_function(KEPT)
        kept, files = page.evaluate(ask, [])
        assert kept == files > 10
        page.evaluate(forget)
        assert page.evaluate(ask, ["a kernel starts", "keep"])[0] == 0
        page.wait_for_timeout(1500)
        assert page.evaluate(ask, [])[0] == 0
        page.evaluate(ask, ["a kernel is ready"])
        page.wait_for_function(f"() => ({ask})([]).then(([kept, of]) => kept === of)")


def test_starting_again_keeps_the_copy(context, host):
    with serving(host) as port:
        page, item = with_work(context, port)
        item.get_by_role("button", name="again").click()
        page.get_by_text("Your copy is kept as").wait_for()
        link = item.locator(".others a")
        kept = link.inner_text()
        assert kept.startswith("00_start_here (kept ") and not item.get_by_role("button").count()
        files = page.evaluate(FILES)
        assert NAME not in files and files[kept]["cells"][0]["source"] == "# Mine"
        assert kept.replace(" ", "%20") in link.get_attribute("href")


def test_a_new_version_is_offered_beside_the_students_copy(context, host, tmp_path):
    with serving(host) as port:
        page, item = with_work(context, port)
        page.wait_for_function(KEPT)
        renew(host / "some" / "course", [new_version(tmp_path)])
        page.reload()
        page.locator("#update button").click()
        item.get_by_role("button", name="new version").click()
        page.get_by_text("It is beside yours now").wait_for()
        new = item.locator(".others a").inner_text()
        files = page.evaluate(FILES)
        assert files[NAME]["cells"][0]["source"] == "# Mine"
        assert "This is new." in files[new]["cells"][0]["source"] and new.startswith("00_start_here (new ")
        assert not item.get_by_role("button", name="new version").count()
        assert not page.locator("#update").is_visible()


def test_it_opens_without_a_network_also_when_a_new_version_has_come_since(context, host, tmp_path):
    with serving(host) as port:
        page, _ = visit(context, port)
        page.wait_for_function(KEPT)
    page.reload()  # nobody answers any more
    page.wait_for_function(KEPT)
    with serving(host, port):
        renew(host / "some" / "course", [new_version(tmp_path)])
        page.reload()
        page.locator("#update").wait_for()  # the new version is there, and nobody takes it
        page.goto("about:blank")
    page, item = visit(context, port)  # all pages were closed: the new one has taken over, with all that it needs
    item.get_by_text("This is new.").wait_for()
    page.wait_for_function(KEPT)


def test_a_new_version_that_is_not_whole_waits(context, host, tmp_path):
    out = host / "some" / "course"
    with serving(host) as port:
        page, _ = visit(context, port)
        page.wait_for_function(KEPT)
        renew(out, [new_version(tmp_path)])
        text = (out / "index.html").read_text(encoding="utf-8")
        (out / "index.html").write_text(text + "<!-- half of another version -->", encoding="utf-8")
        page.reload()
        states = """async () => { const it = await navigator.serviceWorker.getRegistration();
          const failed = await it.update().then(() => '', String);
          return [failed, Boolean(it.waiting)]; }"""
        failed, waiting = page.evaluate(states)
        page.wait_for_timeout(1000)
        assert not page.locator("#update").is_visible() and not waiting, failed
        (out / "index.html").write_text(text, encoding="utf-8")
        page.reload()
        page.locator("#update").wait_for()


REFUSED = "new DOMException('refused', 'SecurityError')"
REFUSALS = {
    "IndexedDB": f"indexedDB.open = () => {{ throw {REFUSED}; }}",
    "the service worker": f"""if (globalThis.ServiceWorkerContainer)
        ServiceWorkerContainer.prototype.register = () => Promise.reject({REFUSED});""",
    "localStorage": f"Object.defineProperty(window, 'localStorage', {{ get() {{ throw {REFUSED}; }} }});",
}
HOW_MANY = """async () => { const counts = [];
  for (const name of await caches.keys()) counts.push((await (await caches.open(name)).keys()).length);
  return counts.reduce((sum, count) => sum + count, 0); }"""


@pytest.mark.parametrize("what", REFUSALS)
def test_a_browser_that_refuses_to_keep_anything_says_so_at_once(context, host, what):
    context.add_init_script(REFUSALS[what])
    with serving(host) as port:
        page, _ = visit(context, port)
        page.get_by_text("refuses to keep anything (SecurityError)").wait_for()


def limited(context, page, origin, size):
    """Let the browser keep so many bytes, and no more, for a site."""
    session = context.new_cdp_session(page)
    session.send("Storage.overrideQuotaForOrigin", {"origin": origin, "quotaSize": size})


def test_a_browser_with_little_room_says_so_at_once(context, host):
    with serving(host) as port:
        page, origin = context.new_page(), f"http://127.0.0.1:{port}"
        limited(context, page, origin, 15_000_000)
        page.goto(f"{origin}/some/course/")
        page.get_by_text("The browser has room for less than 20 MB").wait_for()
        page.get_by_text("no room to keep the course").wait_for()


def test_the_course_gives_way_to_the_students_work(context, host):
    """There is room for the course, or for the work, but not for both."""
    out = host / "some" / "course"
    (out / "static" / "pyodide" / "big.whl").write_bytes(random.Random(0).randbytes(12_000_000))
    renew(out)
    with serving(host) as port:
        page, origin = context.new_page(), f"http://127.0.0.1:{port}"
        limited(context, page, origin, 28_000_000)
        page.goto(f"{origin}/some/course/")
        page.wait_for_function(f"{KEPT} || document.documentElement.dataset.kept === 'full'")
        page.reload()
        page.get_by_text("no room to keep the course").wait_for()
        assert page.evaluate(HOW_MANY) == 1  # which says when there was no room
        assert not page.locator("#refused").is_visible()


def test_the_weights_of_a_training_are_kept_when_they_are_asked_for_and_not_before(context, host):
    asked, read = [], "async () => (await (await fetch('static/runs/08.npz')).text())"
    with serving(host) as port:
        page, _ = visit(context, port)
        page.wait_for_function(KEPT)
        page.reload()  # from now on the worker answers
        page.wait_for_function(KEPT)
        before = page.evaluate(HOW_MANY)
        asked.append(page.evaluate(read))
        assert page.evaluate(HOW_MANY) == before + 1
    asked.append(page.evaluate(read))  # the server is gone
    assert asked == ["weights of 08"] * 2
