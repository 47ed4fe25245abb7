"""Every deck in a browser: nothing is cut off or missing; keys, notes, paper and axe-core."""

from pathlib import Path

import pytest
from conftest import tab_of
from pages import violations

from book._ext.slides import main

ROOT = Path(__file__).parents[2]
SITE = ROOT / "_build/html"


pytestmark = pytest.mark.browser

CHAPTERS = sorted(path.stem for path in SITE.glob("book/[0-9][0-9]-*.html"))
RICH = "13-reliability"  # the deck that is looked at where one is enough
SIZE = {"width": 1280, "height": 720}
READY = "document.documentElement.dataset.deck === 'ready'"
SCROLLING = ".widget, [href^='https://doi.org'], [href^='https://arxiv.org']"

# Goes through the deck as a lecturer does, and says what is wrong with each slide.
FAULTS = """async (scrolling) => {
  const frame = () => new Promise(requestAnimationFrame);
  const faults = [];
  const inside = (box, room) => box.left >= room.left - 1 && box.top >= room.top - 1
    && box.right <= room.right + 1 && box.bottom <= room.bottom + 1;
  for (let shown = 1; ; shown++) {
    await frame(); await frame();
    const slide = Reveal.getCurrentSlide(), begins = slide.textContent.trim().slice(0, 60);
    const fault = (what) => faults.push(`${shown}, ${begins}: ${what}`);
    const screen = { left: 0, top: 0, right: innerWidth, bottom: innerHeight };
    const box = slide.getBoundingClientRect();
    if (box.width < 1279 || box.height < 719 || !inside(box, screen)) fault("not on the screen");
    if (!slide.contains(document.elementFromPoint(640, 300))) fault("covered or not drawn");
    if (slide.scrollWidth > slide.clientWidth) fault("wider than a slide");
    const isLong = slide.scrollHeight > slide.clientHeight;
    if (isLong && !slide.querySelector(scrolling)) fault("longer than a slide");
    if (isLong && (slide.tabIndex || getComputedStyle(slide).overflowY !== "auto"))
      fault("does not scroll");
    if (![...slide.children].some((part) => part.localName !== "aside")) fault("empty");
    for (const part of slide.querySelectorAll("*")) {
      if (part.closest("mjx-container, svg") || !part.checkVisibility()) continue;
      const at = part.getBoundingClientRect(), what = part.outerHTML.slice(0, 90);
      if (at.width && at.height && !isLong && !inside(at, box)) fault(`${what} leaves the slide`);
      if (getComputedStyle(part).overflow === "visible") continue;
      const more = [part.scrollWidth - part.clientWidth, part.scrollHeight - part.clientHeight];
      if (Math.max(...more) > 1) fault(`${what} is cut off`);
    }
    if (slide.querySelector("mjx-merror")) fault("formula not drawn");
    if (/\\$[^$]*\\\\\\w+/.test(slide.innerText)) fault("formula not found");
    for (const figure of slide.querySelectorAll(".widget"))
      if (!figure.querySelector(".widget-static:not(.widget-missing) *")) fault("figure not drawn");
    for (const image of slide.querySelectorAll("img"))
      if (!image.naturalWidth || Math.max(image.width, image.height) < 200)
        fault("picture not drawn");
    if (Reveal.isLastSlide()) return [shown, Reveal.getTotalSlides(), faults];
    Reveal.next();
  }
}"""
GO_TO = "(slide) => Reveal.slide(...Object.values(Reveal.getIndices(slide)).slice(0, 2))"
# the first slide with each of these things
ONE_OF_EACH = """(wanted) => {
  const slides = [...document.querySelectorAll(".slides section:not(.stack)")];
  const kept = wanted.map((what) => slides.find((slide) => slide.querySelector(what)));
  for (const page of document.querySelectorAll(".pdf-page"))
    if (!kept.some((slide) => page.contains(slide))) page.remove();
  return kept.filter(Boolean).length;
}"""
THINGS = ["h1", "h2", "h3", "blockquote", "table", "ul", "ol", "pre", "img", ".widget"]


@pytest.fixture(scope="module")
def decks(site, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("slides")
    assert main(site, out) is None
    return out


@pytest.fixture(scope="module")
def tab(browser):
    with tab_of(browser, reduced_motion="reduce") as tab:
        tab.set_viewport_size(SIZE)
        yield tab


@pytest.fixture
def show(tab, decks):
    """`show("06-isometry")` opens that deck from the disk, ready for the first slide."""

    def open_deck(name: str, query: str = "", scheme: str = "light"):
        tab.emulate_media(color_scheme=scheme, media="screen")
        tab.goto("about:blank")  # the address of a slide is no new page
        tab.goto(f"{(decks / name).as_uri()}.html{query}")
        tab.wait_for_function(READY)
        return tab

    tab.complaints.clear()
    yield open_deck
    assert not tab.complaints, "\n".join(tab.complaints)


def place(page) -> tuple[int, int]:
    at = page.evaluate("Reveal.getIndices()")
    return at["h"], at["v"]


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_slide_is_drawn_and_only_long_figures_and_references_scroll(show, name):
    shown, total, faults = show(name).evaluate(FAULTS, SCROLLING)
    assert not faults, "\n".join(faults)
    assert shown == total > 10


def test_the_keys_of_a_figure_move_the_figure_and_not_the_slide(show):
    page = show("02-pullback-metric")
    handle = page.locator("section .widget [role=slider]").first
    page.evaluate(GO_TO, page.locator("section:not(.stack):has(.widget)").first.element_handle())
    here = place(page)
    handle.focus()
    before = handle.get_attribute("aria-valuetext")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert handle.get_attribute("aria-valuetext") != before
    assert place(page) == here
    page.keyboard.press("Escape")
    assert not page.evaluate("Reveal.isOverview()")
    page.keyboard.press("ArrowRight")
    assert place(page) == (here[0] + 1, 0)
    page.evaluate("(at) => Reveal.slide(...at)", here)
    handle.focus()
    page.keyboard.press("PageDown")
    assert place(page) != here


def test_right_goes_to_the_next_section_and_space_goes_through_all(show):
    page = show(RICH)
    page.keyboard.press("Space")
    assert place(page) == (0, 1)
    page.keyboard.press("ArrowRight")
    assert place(page) == (1, 0)


def test_the_speaker_has_notes_with_formulas_from_the_disk(show):
    page = show("06-isometry")
    noted = page.locator("section:has(> aside.notes math)").first
    page.evaluate(GO_TO, noted.element_handle())
    words = noted.locator("aside.notes p").first.text_content()[:30]
    with page.expect_popup() as opened:
        page.keyboard.press("s")
    notes = opened.value.locator(".speaker-controls-notes .value")
    notes.locator("math").first.wait_for(timeout=60_000)
    assert words in notes.text_content()
    here = place(page)
    opened.value.keyboard.press("PageDown")
    page.wait_for_function(
        "([h, v]) => { const at = Reveal.getIndices(); return at.h !== h || at.v !== v; }",
        arg=[*here],
    )
    opened.value.close()


def test_a_deck_prints_a_page_a_slide_in_ink_on_white(show, tmp_path):
    from pypdfium2 import PdfDocument

    page = show(CHAPTERS[0], "?print-pdf", scheme="dark")
    page.wait_for_selector(".pdf-page")
    page.pdf(path=tmp_path / "deck.pdf", prefer_css_page_size=True, print_background=True)
    paper = PdfDocument(tmp_path / "deck.pdf")
    assert len(paper) == page.locator("section:not(.stack)").count()
    assert {tuple(map(round, sheet.get_size())) for sheet in paper} == {(960, 540)}
    page.emulate_media(color_scheme="dark", media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert (
        page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(27, 36, 48)"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_kind_of_slide(show, scheme):
    """On paper all slides are visible at once; of each kind one is enough, and takes less time."""
    page = show(RICH, "?print-pdf", scheme)
    page.wait_for_selector(".pdf-page")
    assert page.evaluate(ONE_OF_EACH, THINGS) == len(THINGS)
    assert not (found := violations(page, preload=False)), "\n".join(found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_around_the_slides(show, scheme):
    """The arrows, the number of the slide, the bar, the words for a screen reader."""
    page = show(CHAPTERS[0], scheme=scheme)
    page.evaluate("Reveal.next()")
    assert not (found := violations(page, preload=False)), "\n".join(found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_list_of_decks_is_accessible(tab, decks, scheme):
    tab.emulate_media(color_scheme=scheme)
    tab.goto((decks / "index.html").as_uri())
    assert tab.locator("main ol li").count() == len(CHAPTERS)
    assert not (found := violations(tab, preload=False)), "\n".join(found)
    assert not tab.complaints
