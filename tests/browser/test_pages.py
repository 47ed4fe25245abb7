"""Every built page is drawn whole, on a desk and on a phone, over http and from disk, alone.

axe-core finds no violation of any level on it, in light and dark.
"""

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}
ZOOMED = {"width": 640, "height": 450}

DRAWN = """async () => {
  const until = async (ready) => { while (!ready()) await new Promise((r) => setTimeout(r, 20)); };
  const formulas = [...document.querySelectorAll(".bd-article .math")];
  if (formulas.length) {
    await until(() => window.MathJax?.startup?.promise);
    await MathJax.startup.promise;
  }
  const views = document.querySelectorAll('script[type$="widget-view+json"]');
  if (views.length) await until(() => document.documentElement.dataset.widgets === "drawn");
  const isDrawn = (f) => f.querySelector("mjx-container") && !f.querySelector("mjx-merror");
  const empty = [...document.querySelectorAll(".widget-static")].filter(
    (el) => !el.hasChildNodes() || el.classList.contains("widget-missing"));
  const broken = [...document.images].filter((image) => image.complete && !image.naturalWidth);
  return [
    ...formulas.filter((f) => !isDrawn(f)).map((f) => `formula not drawn: ${f.textContent}`),
    ...empty.map((el) => `figure not drawn: ${el.textContent}`),
    ...broken.map((image) => `image not drawn: ${image.src}`),
  ];
}"""

INK = """() => {
  const channels = (c) => c.match(/[\\d.]+/g).map(Number);
  const light = (c) => channels(c).slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const says = (el) => [...el.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  const words = [...document.querySelectorAll(".bd-article *")].filter(
    (el) => says(el) && !el.closest("svg, script, mjx-assistive-mml") && el.checkVisibility());
  const faults = new Set();
  for (const el of words) {
    const ink = getComputedStyle(el).color;
    if (1.05 / (light(ink) + 0.05) < 4.5) faults.add(`${el.className}: pale ${ink}`);
    for (let box = el; box; box = box.parentElement) {
      const ground = getComputedStyle(box).backgroundColor;
      const [, , , cover = 1] = channels(ground);
      if (cover > 0.5 && light(ground) < 0.5) faults.add(`${box.className}: dark ${ground}`);
    }
  }
  return [...faults];
}"""


def open_whole(page, url: str) -> list[str]:
    """Open the page, let everything draw itself; what went wrong."""
    page.goto(url, wait_until="load")
    not_drawn = page.evaluate(DRAWN)
    page.wait_for_load_state("networkidle")
    return page.complaints + not_drawn


@pytest.fixture
def take(page, path, screenshots):
    """Keep a picture of the whole page under the name of how it was looked at."""
    name = path.removesuffix(".html").replace("/", "-")
    return lambda how: page.screenshot(path=screenshots / f"{name}-{how}.png", full_page=True)


def violations(page) -> list[str]:
    """What axe-core finds, of any level."""
    return [
        f"{found['id']} ({found['impact']}): {node['html'][:200]}\n{node.get('failureSummary', '')}"
        for found in Axe().run(page).response["violations"]
        for node in found["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_is_whole_over_http_and_accessible(page, address, path, scheme, take):
    page.emulate_media(color_scheme=scheme)
    wrong = open_whole(page, f"{address}/{path}")
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    take(scheme)
    wrong += violations(page)
    assert not wrong, "\n".join(wrong)


def test_page_is_whole_from_disk(page, site, path):
    assert not (wrong := open_whole(page, (site / path).as_uri())), "\n".join(wrong)


def test_page_fits_a_phone_and_twice_the_size(page, address, path, take):
    """A zoom of 200 % leaves a desk's screen half as many pixels to lay the page out in."""
    page.set_viewport_size(PHONE)
    open_whole(page, f"{address}/{path}")
    take("phone")
    for size in (PHONE, ZOOMED):
        page.set_viewport_size(size)
        page.evaluate("scrollTo(1000, 0)")
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        assert page.evaluate("scrollX") == 0


def test_the_door_leads_to_the_first_page(page, site, address):
    for url in (f"{address}/", (site / "index.html").as_uri()):
        page.goto(url)
        page.wait_for_url("**/book/index.html")
    assert not page.complaints


@pytest.mark.parametrize("opened", ["http", "file"])
def test_search_finds_a_page_that_opens(page, site, address, opened):
    door = address if opened == "http" else site.as_uri()
    page.goto(f"{door}/book/index.html")
    page.locator(".search-button__button:visible").first.click()
    page.locator("input[type=search]:visible").first.fill("metric")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=metric**")
    first = page.locator("#search-results li a").first
    first.wait_for()
    first.click()
    page.wait_for_url("**/book/**")
    assert page.locator(".bd-article h1").count() == 1
    assert not page.complaints


def test_dark_page_prints_as_ink_on_white(page, address, path):
    page.emulate_media(color_scheme="dark")
    open_whole(page, f"{address}/{path}")
    page.emulate_media(color_scheme="dark", media="print")
    page.wait_for_timeout(300)  # links fade from one colour to the other
    assert not (wrong := page.evaluate(INK)), "\n".join(wrong)
