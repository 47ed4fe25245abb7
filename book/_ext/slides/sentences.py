"""Sentences of a paragraph of HTML, and how many lines of a slide a piece of it will take."""

import math
import re
from collections.abc import Iterator

from bs4 import NavigableString, PageElement, Tag

END = re.compile(r"(?<=[.?!])(?<!e\.g\.)(?<!i\.e\.)(?<!et al\.)(?<!cf\.)(?<!vs\.)[)”’]?\s+")
ENDED = re.compile(r"[.?!][)”’]?\s*$")
CAPITAL = re.compile(r"\s*[A-ZÀ-Þ“‘(]")
CATCHWORD = re.compile(r"\s*<strong>(?:(?!</strong>).)*</strong>\s*", re.S)
PREDICT = re.compile(r"\bPredict\b|\bpredict:")

# of a slide's body, in the units of `lines`
WIDTH = {"p": 84, "li": 80, "td": 26}
GAP = 0.45


def pieces(paragraph: Tag) -> Iterator[PageElement | str]:
    """The nodes of a paragraph, its own text cut where a sentence may end."""
    for node in paragraph.children:
        if not isinstance(node, NavigableString):
            yield node
            continue
        at = 0
        for gap in END.finditer(node):
            yield node[at : gap.end()]
            at = gap.end()
        if node[at:]:
            yield node[at:]


def text_of(piece: PageElement | str) -> str:
    return piece.get_text() if isinstance(piece, Tag) else str(piece)


def ends_here(before: PageElement | str, after: PageElement | str) -> bool:
    """A full stop, then white space, then a capital letter or markup."""
    left, right = text_of(before), text_of(after)
    if not ENDED.search(left) or not (left[-1:].isspace() or right[:1].isspace()):
        return False
    return isinstance(after, Tag) or bool(CAPITAL.match(right))


def as_html(piece: PageElement | str) -> str:
    return piece.decode() if isinstance(piece, Tag) else NavigableString(piece).output_ready()


def sentences(paragraph: Tag) -> list[str]:
    """The sentences of a paragraph, each as HTML; an emphasised question stays whole."""
    found, last = [""], None
    for piece in pieces(paragraph):
        if last is not None and ends_here(last, piece) and is_whole(found[-1]):
            found.append("")
        found[-1] += as_html(piece)
        last = piece
    return [s.strip() for s in found if s.strip()]


def is_whole(html: str) -> bool:
    """Not bold words at the head of a paragraph, nor the first sentence of several in quotes."""
    is_open = any(html.count(left) > html.count(right) for left, right in ("“”", "()"))
    return not is_open and not CATCHWORD.fullmatch(html)


def without_tags(html: str) -> str:
    return re.sub(r"<[^>]+>", "", html)


def predicted(said: list[str]) -> tuple[int, int] | None:
    """From which sentence to which one the reader is asked to predict, if at all."""
    for first, sentence in enumerate(said):
        if PREDICT.search(without_tags(sentence)):
            # "Predict the order for these. *Which is first?*" goes on with the emphasised sentence
            goes_on = first + 1 < len(said) and said[first + 1].startswith("<em>")
            return first, first + 1 + goes_on
    return None


def tex_rows(tex: str) -> float:
    high = bool(re.search(r"\\(d?frac|int|sum|prod|begin|underbrace)", tex))
    return 1.6 * (1 + tex.count(r"\\")) + 0.7 * high


def lines(node: Tag) -> float:
    """How many lines of a slide a block will take, roughly; the browser has the last word."""
    if node.name == "pre":
        return 0.72 * len(node.get_text().rstrip().split("\n")) + GAP
    if node.name in ("ul", "ol", "section", "div") and "math" not in node.get("class", []):
        return sum(lines(child) for child in node.find_all(True, recursive=False))
    if node.name == "div":
        return tex_rows(node.get_text()) + GAP
    if node.name == "table":
        return sum(row_lines(row) for row in node.find_all("tr"))
    if node.name == "script":
        return 2.5  # a question; a figure has a slide of its own
    # a formula is about half as wide as its source is long
    tex = sum(len(m.get_text()) for m in node.select("span.math"))
    length = len(node.get_text()) - 0.5 * tex
    return math.ceil(length / WIDTH.get(node.name, 84)) + GAP


def row_lines(row: Tag) -> float:
    cells = row.find_all(["td", "th"])
    width = 2 * WIDTH["p"] / max(len(cells), 1)
    longest = max((len(c.get_text().strip()) for c in cells), default=0)
    return max(1, math.ceil(longest / width)) * 0.9
