"""The slides of a block of a page: a box, a list, a formula, a figure, a table, a cell."""

import re
from collections.abc import Iterator

from bs4 import NavigableString, Tag

from .fill import Slide, fragment, inner, joined, lead_and, spread
from .sentences import lines, sentences

WIDGET = "application/vnd.jupyter.widget-"
CODE_LINES = 12
LEFT_OUT = {"solution", "tag_hide-cell"}
STANDARD = {"theorem", "proposition", "lemma", "corollary", "definition", "exercise"}


def slides_for(node: Tag, scope: str, lead: str, last: Slide) -> Iterator[Slide]:
    """The slides of a block; a formula or list that fits goes on the slide before instead."""
    kinds = set(node.get("class", []))
    if "admonition" in kinds:
        yield from box(node, kinds, last)
    elif "cell" in kinds:
        yield from cell(node, kinds, scope, lead)
    elif node.name in ("ul", "ol") or "math" in kinds:
        blocks = lead_and(lead, node)
        if last.kind in ("section", "plain") and sum(map(lines, blocks)) < last.room:
            for block in blocks:
                joined(last.blocks, block)
        else:
            yield from spread(Slide("plain", scope), blocks)
    elif table := node if node.name == "table" else node.find("table"):
        yield Slide("table", scope, blocks=lead_and(lead, plain_table(table)))
    elif pre := node.find("pre"):
        yield Slide("code", scope, blocks=lead_and(lead, pre.find_parent(class_="highlight")))


def box(node: Tag, kinds: set[str], last: Slide) -> Iterator[Slide]:
    """A theorem, proof, exercise or list of objectives."""
    head = node.find("p", class_="admonition-title", recursive=False)
    body = node.find("section", recursive=False) or node
    if "proof" in kinds and not kinds & STANDARD:
        of = f"Proof of {last.kicker}" if last.kind in STANDARD else "Proof"
        blocks = parts(body)
        if blocks and isinstance(word := next(blocks[0].children), NavigableString):
            word.replace_with(re.sub(r"^\s*Proof\.\s*", "", word))
        yield from spread(Slide("proof", last.title, of, below=True), blocks)
        return
    kind = next(iter(kinds & STANDARD), "objectives" if "admonition-objectives" in kinds else "box")
    number = head.find(class_="caption-number")
    title = inner(head, without=number).strip().removeprefix("(").removesuffix(")")
    kicker = number.get_text().strip() if number else ""
    yield from spread(Slide(kind, title, kicker, node.get("id", "")), parts(body, head))


def parts(body: Tag, head: Tag | None = None) -> list[Tag]:
    """The blocks of a box; of its cells the code, what it prints, and its question."""
    found = []
    for node in body.find_all(True, recursive=False):
        if node is head or LEFT_OUT & set(node.get("class", [])):
            continue
        found += list(printed(node)) if "cell" in node.get("class", []) else [node]
    return found


def cell(node: Tag, kinds: set[str], scope: str, lead: str) -> Iterator[Slide]:
    """A cell's figure, interactive figure or printed result; its code if it is shown and short."""
    for figure in node.find_all("figure"):
        yield figure_slide(figure)
    for view in node.find_all("script", type=f"{WIDGET}view+json"):
        yield Slide("widget", scope, "Explore", blocks=[view])
    for table in node.select(".cell_output table"):
        yield Slide("table", scope, blocks=lead_and(lead, plain_table(table)))
    code = short_code(node, kinds)
    results = list(printed(node))
    if results or (code and "tag_scratch" in kinds):
        kicker = "In code" if code else "Result"
        yield from spread(Slide("code", scope, kicker), lead_and(lead, *code, *results))


def short_code(node: Tag, kinds: set[str]) -> list[Tag]:
    shown = node.find(class_="cell_input")
    if not shown or kinds & {"tag_hide-input", "tag_remove-input"}:
        return []
    pre = shown.find("pre")
    is_short = len(pre.get_text().strip().split("\n")) <= CODE_LINES
    return [pre.find_parent(class_="highlight")] if is_short else []


def printed(node: Tag) -> Iterator[Tag]:
    for shown in node.select(".cell_output > .output"):
        if shown.find("pre") and not shown.find("table"):
            pre = shown.find("pre")
            pre["class"] = [*pre.get("class", []), "printed"]
            yield pre
    if node.find_parent(class_="exercise"):
        yield from node.find_all("script", type=f"{WIDGET}view+json")


def figure_slide(figure: Tag) -> Slide:
    """The first sentence of the caption is the message, and so the title."""
    number = figure.find(class_="caption-number")
    message, *rest = sentences(figure.find(class_="caption-text"))
    new = fragment('<figure><div class="picture"></div></figure>')
    new.div.append(figure.find("img"))
    if rest:
        new.append(fragment(f"<figcaption>{' '.join(rest)}</figcaption>"))
    kicker = number.get_text().strip() if number else "Figure"
    message = message.removesuffix(".")
    return Slide("figure", message, kicker, figure.get("id", ""), blocks=[new])


def plain_table(table: Tag) -> Tag:
    """A table without its own look; an empty corner is no heading."""
    for heading in table.find_all("th"):
        if not heading.get_text().strip():
            heading.name = "td"
    is_numbers = "dataframe" in table.get("class", [])
    for tag in (table, *table.find_all(["thead", "tbody", "tr", "th", "td"])):
        for name in ("style", "border", "class"):
            tag.attrs.pop(name, None)
    if is_numbers:
        table["class"] = "numbers"
    return table
