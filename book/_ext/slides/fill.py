"""A slide, how slides are filled and named, and the small pieces of HTML that they are made of."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from bs4 import BeautifulSoup, NavigableString, Tag

from .sentences import lines

ROOM = 12.5  # lines on a slide
CROWDED = 15  # lines that are made smaller before they are divided


@dataclass
class Slide:
    kind: str
    title: str  # HTML
    kicker: str = ""  # the words above the title
    id: str = ""
    below: bool = False  # a detail that one may skip
    blocks: list[Tag] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    html: str = ""  # the blocks, once they are finished

    @property
    def room(self) -> float:
        return ROOM - sum(lines(block) for block in self.blocks)


def spread(first: Slide, blocks: list[Tag], size: float = 1) -> Iterator[Slide]:
    """Blocks on one slide or, where they do not fit, evenly on further ones below it."""
    pieces = [piece for block in blocks for piece in divided(block)]
    heights = [size * lines(piece) for piece in pieces]
    total = sum(heights)
    share = total if total <= CROWDED else total / math.ceil(total / ROOM)
    slide, filled = first, 0.0
    for piece, height in zip(pieces, heights, strict=True):
        if slide.blocks and filled + height / 2 > share:
            yield slide
            slide, filled = Slide(first.kind, first.title, first.kicker, below=True), filled - share
        joined(slide.blocks, piece)
        filled += height
    yield slide


def divided(block: Tag) -> Iterator[Tag]:
    """A list item by item, so that it can go on on the next slide."""
    items = block.find_all("li", recursive=False) if block.name in ("ul", "ol") else []
    if len(items) < 2:
        yield block
        return
    for i, item in enumerate(items, int(block.get("start", 1))):
        start = f' start="{i}"' if block.name == "ol" else ""
        one = fragment(f"<{block.name}{start}></{block.name}>")
        one.append(item)
        yield one


def joined(blocks: list[Tag], block: Tag) -> None:
    """Append a block; the next items of a list go into the list that is there."""
    last = blocks[-1] if blocks else None
    if last is not None and block.name in ("ul", "ol") and last.name == block.name:
        last.extend(block.find_all("li", recursive=False))
    else:
        blocks.append(block)


def named(slides: list[Slide]) -> list[Slide]:
    """No two slides of a deck have the same title."""
    total = Counter((s.kicker, s.title) for s in slides)
    seen = Counter()
    for slide in slides:
        key = slide.kicker, slide.title
        seen[key] += 1
        if total[key] > 1 and seen[key] > 1:
            slide.title += f' <span class="nth">· {seen[key]}</span>'
    return slides


# --- small pieces of HTML -------------------------------------------------------------------------


def fragment(html: str) -> Tag:
    return BeautifulSoup(html, "html.parser").find(True)


def paragraph(html: str, kind: str = "") -> Tag:
    return fragment(f'<p class="{kind}">{html}</p>' if kind else f"<p>{html}</p>")


def lead_and(lead: str, *blocks: Tag) -> list[Tag]:
    return [paragraph(lead), *blocks] if lead else [*blocks]


def inner(node: Tag, without: Tag | None = None) -> str:
    """The HTML inside a node."""
    return "".join(str_of(child) for child in node.children if child is not without)


def str_of(node: Tag | NavigableString) -> str:
    return node.decode() if isinstance(node, Tag) else node.output_ready()


def title_of(heading: Tag, without: Tag | None = None) -> str:
    number = heading.find(class_="section-number")
    return inner(heading, without=without or number).strip()
