"""Open a page, let everything draw itself, and ask axe-core what keeps readers out."""

import os
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe

DESK = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
# a zoom of 200 % leaves a desk's screen half as many pixels to lay the page out in
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


STILL = "* { transition: none !important; }"  # nobody waits for colours to fade


def open_whole(page, url: str) -> list[str]:
    """Open the page, let everything draw itself; what went wrong."""
    page.goto(url, wait_until="load")
    not_drawn = page.evaluate(DRAWN)
    if url.startswith("http"):  # from disk there is no network, and an idle one may never be told
        page.wait_for_load_state("networkidle")
    return page.complaints + not_drawn


COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}

# Text of one colour, size and weight on one ground has one contrast: of each kind, one element.
LOOKS = """() => {
  const seen = new Set();
  const says = (el) => [...el.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  for (const el of document.body.querySelectorAll("*")) {
    el.removeAttribute("data-look");
    if (!says(el) || !el.checkVisibility()) continue;
    const { color, fill, fontSize, fontWeight } = getComputedStyle(el);
    const look = [color, fill, fontSize, fontWeight];
    for (let box = el; box; box = box.parentElement) {
      const { backgroundColor, opacity } = getComputedStyle(box);
      look.push(backgroundColor, opacity);
    }
    const kind = look.filter((part) => part !== "rgba(0, 0, 0, 0)" && part !== "1").join();
    if (!seen.has(kind)) el.setAttribute("data-look", "");
    seen.add(kind);
  }
}"""


AXE = f"""(options) => {{
  ({LOOKS})();
  axe.configure({{ rules: [{{ id: "color-contrast", selector: "[data-look]" }}] }});
  return axe.run(options);
}}"""


def violations(page, **options) -> list[str]:
    """What axe-core finds, of any level; what is well is not written down."""
    brief = {"resultTypes": ["violations"], "selectors": False}
    page.evaluate(Axe().axe_script)
    answer = page.evaluate(AXE, brief | options)
    return [
        f"{found['id']} ({found['impact']}): {node['html'][:200]}\n{node.get('failureSummary', '')}"
        for found in answer["violations"]
        for node in found["nodes"]
    ]


def assert_fits(page, size: dict[str, int]) -> None:
    """The page itself cannot be moved sideways; a wide table scrolls in its box."""
    page.set_viewport_size(size)
    page.evaluate("scrollTo(1000, 0)")
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert page.evaluate("scrollX") == 0


def picture(page, path: str, how: str) -> None:
    """Keep a picture of the whole page in the folder GEOKIT_PICTURES, if there is one."""
    if folder := os.environ.get("GEOKIT_PICTURES"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        name = f"{path.removesuffix('.html').replace('/', '-')}-{how}.png"
        page.screenshot(path=Path(folder, name), full_page=True)


def search(page, door: str, word: str) -> None:
    """Search the book for a word, and open the first page that is found."""
    page.goto(f"{door}/book/index.html")
    page.locator(".search-button__button:visible").first.click()
    page.locator("input[type=search]:visible").first.fill(word)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/search.html?q={word}**")
    first = page.locator("#search-results li a").first
    first.wait_for()
    first.click()
    page.wait_for_url("**/book/**")
    assert page.locator(".bd-article h1").count() == 1
