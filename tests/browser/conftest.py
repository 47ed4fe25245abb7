"""A browser that can reach this machine alone, and the built book, over http and from disk."""

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from machine import chromium
from pages import DESK, STILL, open_whole

ROOT = Path(__file__).parents[2]
SITE = ROOT / "_build/html"
NOT_BUILT = "no page"
LEFT = "net::ERR_ABORTED"  # the page was left before the answer came: no fault of the page


def built_pages() -> list[str]:
    """Every page of the built book but the redirect at its door, as paths below the site; of the
    library's source one, since its pages differ in the text alone."""
    found = {path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html")}
    kept = (p for p in found if not p.startswith(("_static/", "_modules/")) and p != "index.html")
    return sorted({*kept, *(found & {"_modules/index.html", "_modules/geokit/pullback.html"})})


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "path" in metafunc.fixturenames:
        metafunc.parametrize("path", built_pages() or [NOT_BUILT], scope="module")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Say nothing of each request."""


@pytest.fixture(scope="session")
def screenshots() -> Path:
    folder = ROOT / "_build/screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """The built book served on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="session")
def browser() -> Iterator:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        options = [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        ]
        running = playwright.chromium.launch(executable_path=chromium(), args=options)
        yield running
        running.close()


@contextmanager
def tab_of(browser, **options) -> Iterator:
    """A fresh tab that remembers, in `complaints`, all that went wrong in it."""
    tab = browser.new_page(viewport=DESK, **options)
    tab.complaints = []
    tab.on("console", lambda m: m.type == "error" and tab.complaints.append(f"console: {m.text}"))
    tab.on("pageerror", lambda error: tab.complaints.append(f"script: {error}"))
    tab.on(
        "requestfailed", lambda r: r.failure != LEFT and tab.complaints.append(f"failed: {r.url}")
    )
    tab.on("response", lambda r: r.status >= 400 and tab.complaints.append(f"{r.status}: {r.url}"))
    tab.on(
        "request", lambda r: leaves_the_machine(r.url) and tab.complaints.append(f"left: {r.url}")
    )
    yield tab
    tab.close()


@pytest.fixture
def page(browser) -> Iterator:
    """A tab of the test's own."""
    with tab_of(browser) as tab:
        yield tab


@pytest.fixture(scope="module")
def opened(browser, address, path) -> Iterator:
    """A page of the book opened over http in the dark: one tab for all that is asked of it."""
    with tab_of(browser, color_scheme="dark") as tab:
        tab.wrong = open_whole(tab, f"{address}/{path}")
        tab.add_style_tag(content=STILL)
        yield tab


def leaves_the_machine(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1:", "file://", "data:", "blob:"))
