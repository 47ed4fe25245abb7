"""The last touch on slides: links between decks, pictures beside them, figures that work."""

import json
import re

from bs4 import BeautifulSoup, NavigableString, Tag

from .blocks import WIDGET
from .fill import Slide, fragment

LINK = re.compile(r"(?P<page>[\w-]*)(?:\.html)?(?:#(?P<place>.+))?")
REFERENCE = "IPY_MODEL_"  # how the state of a figure names another
PUNCTUATION = re.compile(r"[,.;:?!)”’]+")
FORMULA = 'class="math notranslate nohighlight"'

Places = dict[str, set[str]]  # what one can link to, in each deck


def parts(block: Tag) -> list[Tag]:
    return [block, *block.find_all(True)]


def places_of(slides: list[Slide]) -> set[str]:
    inside = (part.get("id") for slide in slides for block in slide.blocks for part in parts(block))
    return {place for place in (*(slide.id for slide in slides), *inside) if place}


def finish(slide: Slide, deck: str, places: Places) -> list[str]:
    """Turn the blocks into HTML; the pictures that they show, as paths from the page."""
    pictures = []
    for block in slide.blocks:
        for part in parts(block):
            if part.name == "a":
                link(part, deck, places)
            elif part.name == "img":
                pictures.append(part["src"])
                part["src"] = f"images/{part['src'].rsplit('/', 1)[-1]}"
        glue(block)
    slide.html = "".join(framed(block).decode() for block in slide.blocks)
    slide.title = mended(slide.title, deck, places)
    # MathJax leaves these alone: slides.js makes them MathML
    slide.notes = [mended(n, deck, places).replace(FORMULA, 'class="tex"') for n in slide.notes]
    return pictures


def mended(html: str, deck: str, places: Places) -> str:
    """A title or a note: as on a slide, but nothing that one could link to."""
    soup = BeautifulSoup(html, "html.parser")
    for part in soup.find_all(True):
        part.attrs.pop("id", None)
        if part.name == "a":
            link(part, deck, places)
    return soup.decode()


def link(a: Tag, deck: str, places: Places) -> None:
    """To a slide, or to another deck; what is on no slide is only named."""
    href = a.get("href", "")
    if href.startswith(("http://", "https://")):
        return
    found = LINK.fullmatch(href)
    page, place = (found["page"] or deck, found["place"]) if found else ("", "")
    if place in places.get(page, ()):
        a["href"] = f"#/{place}" if page == deck else f"{page}.html#/{place}"
    elif page in places and page != deck:
        a["href"] = f"{page}.html"
    else:
        a.unwrap()


def glue(block: Tag) -> None:
    """No line begins with the comma after a formula."""
    for formula in block.find_all("span", class_="math"):
        after = formula.next_sibling
        if isinstance(after, NavigableString) and (mark := PUNCTUATION.match(after)):
            formula.wrap(fragment('<span class="glue"></span>')).append(mark[0])
            after.replace_with(after[mark.end() :])


# --- interactive figures --------------------------------------------------------------------------


def framed(block: Tag) -> Tag:
    """An interactive figure in a frame of its own, in which a finger turns no page."""
    views = [block] if block.name == "script" else block.find_all("script")
    for view in views:
        view.wrap(fragment('<div class="widget" data-prevent-swipe=""></div>'))
    return block.parent if block.name == "script" else block


def saved_state(page: BeautifulSoup) -> dict:
    """What a page saves of its interactive figures, by model."""
    saved = {}
    for script in page.find_all("script", type=f"{WIDGET}state+json"):
        saved |= json.loads(script.string)["state"]
    return saved


def model_of(view: Tag) -> str:
    return json.loads(view.string)["model_id"]


def name_widgets(slides: list[Slide], saved: dict) -> None:
    """The title of an interactive figure is what a screen reader calls it."""
    for slide in slides:
        if slide.kind == "widget":
            label = saved[model_of(slide.blocks[0])]["state"]["label"]
            slide.title = NavigableString(label).output_ready()


def kept_state(saved: dict, slides: list[Slide]) -> str:
    """The saved state of the figures that are on slides, as JSON that may stand in a page."""
    found = BeautifulSoup("".join(slide.html for slide in slides), "html.parser")
    wanted, kept = [model_of(view) for view in found.find_all("script")], {}
    while wanted:
        model = wanted.pop()
        if model in saved and model not in kept:
            kept[model] = saved[model]
            wanted += re.findall(rf"{REFERENCE}(\w+)", json.dumps(saved[model]))
    state = {"state": kept, "version_major": 2, "version_minor": 0}
    return json.dumps(state).replace("</", r"<\/") if kept else ""
