"""Every deck in a browser: nothing overflows or is missing; keys, notes, paper and axe-core."""

import re
from pathlib import Path

import pytest
from pages import violations

from book._ext.slides.write import write_decks

ROOT = Path(__file__).parents[2]
SITE = ROOT / "_build/html"


pytestmark = pytest.mark.browser

CHAPTERS = sorted(path.stem for path in SITE.glob("book/[0-9][0-9]-*.html"))
SIZE = {"width": 1280, "height": 720}
READY = "document.documentElement.dataset.deck === 'ready'"
LEAST = 0.65  # of the size at which type is set: 28 px become 18

# Goes through the deck as a lecturer does, and says what is wrong with each slide.
FAULTS = """async (least) => {
  const frame = () => new Promise(requestAnimationFrame);
  const faults = [];
  const inside = (box, room) => box.left >= room.left - 1 && box.top >= room.top - 1
    && box.right <= room.right + 1 && box.bottom <= room.bottom + 1;
  for (let shown = 1; ; shown++) {
    await frame(); await frame();
    const slide = Reveal.getCurrentSlide(), title = slide.querySelector("h1, h2");
    const fault = (what) => faults.push(`${shown}, ${title?.textContent}: ${what}`);
    const screen = { left: 0, top: 0, right: innerWidth, bottom: innerHeight };
    const sheet = slide.querySelector(".sheet"), box = sheet.getBoundingClientRect();
    if (box.width < 1279 || box.height < 719 || !inside(box, screen)) fault("not on the screen");
    const middle = document.elementFromPoint(640, 300);
    if (!slide.contains(middle) && middle !== sheet) fault("covered or not drawn");
    if (!title?.textContent.trim()) fault("no title");
    const content = slide.querySelector(".content"), room = content?.parentElement;
    if (content && !inside(content.getBoundingClientRect(), room.getBoundingClientRect()))
      fault("its content leaves its room");
    const { scale } = content?.dataset ?? {};
    if (scale < least) fault(`its type is small: ${scale}`);
    for (const part of sheet.querySelectorAll("*")) {
      if (part.closest("mjx-assistive-mml, .colon") || !part.checkVisibility()) continue;
      const at = part.getBoundingClientRect(), begins = part.outerHTML.slice(0, 90);
      if (at.width && at.height && !inside(at, box)) fault(`${begins} leaves the slide`);
      if (getComputedStyle(part).overflow === "visible") continue;
      if (part.closest("svg, mjx-container")) continue;
      const more = [part.scrollWidth - part.clientWidth, part.scrollHeight - part.clientHeight];
      if (Math.max(...more) > 1) fault(`${begins} is cut off`);
    }
    for (const formula of sheet.querySelectorAll(".math"))
      if (!formula.querySelector("mjx-container") || formula.querySelector("mjx-merror"))
        fault(`formula not drawn: ${formula.textContent}`);
    for (const figure of sheet.querySelectorAll(".widget"))
      if (!figure.querySelector(".widget-static:not(.widget-missing) *")) fault("figure not drawn");
    for (const image of sheet.querySelectorAll("figure img"))
      if (!image.naturalWidth || Math.max(image.width, image.height) < 200)
        fault("picture not drawn");
    if (Reveal.isLastSlide()) return [shown, Reveal.getTotalSlides(), faults];
    Reveal.next();
  }
}"""
# the first slide of each kind
KINDS = """() => Object.fromEntries([...document.querySelectorAll("section[data-kind]")].reverse()
  .map((slide) => [slide.dataset.kind, Object.values(Reveal.getIndices(slide)).slice(0, 2)]))"""


ONE_OF_EACH = """(wanted) => {
  const kept = wanted.map((kind) => document.querySelector(`[data-kind=${kind}]`)).filter(Boolean);
  for (const page of document.querySelectorAll(".pdf-page"))
    if (!kept.some((slide) => page.contains(slide))) page.remove();
  return kept.map((slide) => slide.dataset.kind);
}"""


@pytest.fixture(scope="module")
def decks(site, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("slides")
    write_decks(site, out)
    return out


@pytest.fixture
def show(page, decks):
    """`show("06-isometry")` opens that deck from the disk, ready for the first slide."""

    def open_deck(name: str, query: str = "", scheme: str = "light"):
        page.set_viewport_size(SIZE)
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.goto(f"{(decks / name).as_uri()}.html{query}")
        page.wait_for_function(READY)
        return page

    yield open_deck
    assert not page.complaints, "\n".join(page.complaints)


def deck_with(decks: Path, kind: str) -> str:
    return next(name for name in CHAPTERS if kind in kinds_of(decks, name))


def place(page) -> tuple[int, int]:
    at = page.evaluate("Reveal.getIndices()")
    return at["h"], at["v"]


@pytest.mark.parametrize("name", CHAPTERS)
def test_no_slide_overflows_and_every_one_is_drawn(show, name):
    shown, total, faults = show(name).evaluate(FAULTS, LEAST)
    assert not faults, "\n".join(faults)
    assert shown == total > 10


def test_the_keys_of_a_figure_move_the_figure_and_not_the_slide(show, decks):
    page = show(deck_with(decks, "widget"))
    page.evaluate("(at) => Reveal.slide(...at)", page.evaluate(KINDS)["widget"])
    here = place(page)
    handle = page.locator("section.present:not(.stack) .widget [role=slider]").first
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


def test_right_leaves_out_a_proof_and_space_does_not(show, decks):
    page = show(deck_with(decks, "proof"))
    column, row = page.evaluate(KINDS)["proof"]
    assert row > 0
    page.evaluate("(h) => Reveal.slide(h, 0)", column)
    page.keyboard.press("ArrowRight")
    assert place(page) == (column + 1, 0)
    page.evaluate("(h) => Reveal.slide(h, 0)", column)
    page.keyboard.press("Space")
    assert place(page) == (column, 1)


def test_the_speaker_has_notes_with_formulas_from_the_disk(show, decks):
    page = show(deck_with(decks, "theorem"))
    noted = page.locator("section:has(> aside.notes math)").first
    page.evaluate(
        "(slide) => Reveal.slide(...Object.values(Reveal.getIndices(slide)))",
        noted.element_handle(),
    )
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


def test_a_deck_prints_a_page_a_slide_in_ink_on_white(show, decks, tmp_path):
    from pypdf import PdfReader

    page = show(CHAPTERS[0], "?print-pdf", scheme="dark")
    page.wait_for_selector(".pdf-page")
    page.pdf(path=tmp_path / "deck.pdf", prefer_css_page_size=True, print_background=True)
    total = page.locator("section[data-kind]").count()
    paper = PdfReader(tmp_path / "deck.pdf")
    assert len(paper.pages) == total
    assert {(round(p.mediabox.width), round(p.mediabox.height)) for p in paper.pages} == {
        (960, 540)
    }
    page.emulate_media(color_scheme="dark", media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert (
        page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(27, 36, 48)"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_kind_of_slide(show, decks, scheme):
    """On paper all slides are visible at once; of each kind one is enough, and takes less time."""
    left, found = set().union(*(kinds_of(decks, name) for name in CHAPTERS)), []
    assert len(left) > 12
    while left:
        name = max(CHAPTERS, key=lambda n: len(left & kinds_of(decks, n)))
        page = show(name, "?print-pdf", scheme)
        page.wait_for_selector(".pdf-page")
        kept = page.evaluate(ONE_OF_EACH, sorted(left))
        found += [f"{name}: {fault}" for fault in violations(page, preload=False)]
        left -= set(kept)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_around_the_slides(show, scheme):
    """The arrows, the number of the slide, the bar, the words for a screen reader."""
    page = show(CHAPTERS[0], scheme=scheme)
    page.evaluate("Reveal.next()")
    assert not (found := violations(page, preload=False)), "\n".join(found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_list_of_decks_is_accessible(page, decks, scheme):
    page.emulate_media(color_scheme=scheme)
    page.goto((decks / "index.html").as_uri())
    assert page.locator("main ol li").count() == len(CHAPTERS)
    assert not (found := violations(page, preload=False)), "\n".join(found)
    assert not page.complaints


def kinds_of(decks: Path, name: str) -> set[str]:
    return set(re.findall(r'data-kind="(\w+)"', (decks / f"{name}.html").read_text()))
