"""What the pages of a built site show: the number, the text and the place of every label.

Numbers exist only in the built pages, so whatever repeats them elsewhere reads them here.
"""

import json
import posixpath
import re
from dataclasses import dataclass
from pathlib import Path

from bs4 import BeautifulSoup, NavigableString, Tag
from docutils.nodes import make_id

from .citations import BIBLIOGRAPHY, Citation, read_citations

BOXES = "div.proof[id], div.exercise[id]"
CAPTIONED = "figure[id], table[id], div.literal-block-wrapper[id]"
MARKS = {"em": "*", "strong": "**", "code": "`"}
# a role may name only what it is for; `ref` also takes the place of the others
KINDS = {
    "doc": {"page"},
    "eq": {"equation"},
    "term": {"term"},
    "prf:ref": {"box"},
    "numref": {"box", "figure", "section"},
    "ref": {"box", "figure", "section"},
}


class AtlasError(ValueError):
    """A page names something that the built site does not have."""


@dataclass(frozen=True)
class Reference:
    """What the reader sees where a label is named, and where the label stands."""

    text: str  # "Theorem 6.1", "Fig. 6.2", "(2.1)", a page's or section's title, a term
    page: str  # "book/06-isometry"
    anchor: str  # of the place on that page; empty for the page itself
    title: str  # what stands beside it: a box's name, a caption; of a page its number, "6"
    kind: str  # page, section, box, figure, equation, term, object


@dataclass(frozen=True)
class Atlas:
    pages: dict[str, Reference]  # by name, such as "book/06-isometry"
    notebooks: frozenset[str]  # the pages that hold code cells
    labels: dict[tuple[str, str], Reference]  # by kind and label
    citations: dict[str, Citation]  # by key

    @classmethod
    def read(cls, site: Path, bibliography: Path = BIBLIOGRAPHY) -> "Atlas":
        """Read a built site, such as `_build/html`, and the bibliography it was built with.

        What a page shows is kept in one file beside the site, and read again only when the page was
        written again: a page takes a tenth of a second.
        """
        kept = site.with_name(f".{site.name}-labels.json")
        known = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
        shown = {}
        for path in sorted(site.rglob("*.html")):
            page, written = (
                path.relative_to(site).with_suffix("").as_posix(),
                path.stat().st_mtime_ns,
            )
            same = known.get(page, {}).get("written") == written
            shown[page] = known[page] if same else {"written": written, **on_page(path, page)}
        if shown != known:
            kept.write_text(json.dumps(shown), encoding="utf-8")
        pages = {page: Reference(*one["page"]) for page, one in shown.items() if "page" in one}
        if not pages:
            raise AtlasError(f"{site} holds no pages of the book; build it first, by `make book`.")
        labels = {
            (kind, label): Reference(*place, kind)
            for page in pages
            for label, *place, kind in shown[page]["places"]
        }
        notebooks = frozenset(page for page in pages if shown[page]["has_cells"])
        return cls(pages, notebooks, labels, read_citations(bibliography))

    def reference(self, role: str, target: str, page: str) -> Reference:
        """What `{role}`target`` shows on the page.

        Raises:
            AtlasError: the site has no such label, page, term, or none that the role may name.
        """
        if role == "doc":
            name = posixpath.normpath(posixpath.join("/", posixpath.dirname(page), target))[1:]
            found = self.pages.get(name.removesuffix(".md"))
        elif role.startswith("py:"):
            found = self.labels.get(("object", target.lstrip("~.!")))
        else:
            found = self.find(KINDS.get(role, set()), target)
        if found is None:
            raise AtlasError(
                f"{page}: {{{role}}}`{target}` names nothing on the built site; correct the name, "
                "or build the site again if it is new."
            )
        return found

    def find(self, kinds: set[str], target: str) -> Reference | None:
        # Sphinx makes an id of a label: my_label becomes my-label; a term keeps its case or not
        for kind in sorted(kinds):
            for name in (target, target.lower(), make_id(target)):
                if (kind, name) in self.labels:
                    return self.labels[kind, name]
        return None

    def citation(self, key: str, page: str) -> Citation:
        if key not in self.citations:
            raise AtlasError(
                f"{page}: cites {key!r}, which is not in the bibliography; add it to "
                "book/references.bib or correct the key."
            )
        return self.citations[key]


def on_page(path: Path, page: str) -> dict:
    """What a page shows, as JSON can hold it; nothing for the search page or a redirection."""
    text = path.read_text(encoding="utf-8")
    # states of widgets are most of a page, and slow to parse
    soup = BeautifulSoup(re.sub(r"<script.*?</script>", "", text, flags=re.S), "html.parser")
    article = soup.select_one("article")
    if article is None or article.h1 is None:
        return {}
    number = article.h1.select_one(".section-number")
    number = words(number, without="").removesuffix(".") if number else ""
    return {
        "page": [words(article.h1), page, "", number, "page"],
        "has_cells": article.select_one("div.cell") is not None,
        "places": [
            [label, place.text, page, place.anchor, place.title, place.kind]
            for label, place in places(article, page)
        ],
    }


def places(article: Tag, page: str) -> list[tuple[str, Reference]]:
    """The labels of a page."""
    found = []

    def add(label: str, text: str, anchor: str, title: str, kind: str) -> None:
        found.append((label, Reference(text, page, anchor, title, kind)))

    for box in article.select(BOXES):
        number, title = box.select_one(".caption-number"), box.select_one(".admonition-title")
        shown = words(number) if number else ""
        name = words(title, without="caption-number").removeprefix("(").removesuffix(")")
        add(box["id"], shown or name, box["id"], name, "box")
    for figure in article.select(CAPTIONED):
        number, caption = figure.select_one(".caption-number"), figure.select_one(".caption-text")
        title = words(caption) if caption else ""
        add(figure["id"], words(number) if number else title, figure["id"], title, "figure")
    for equation in article.select("div.math[id^=equation-]"):
        number = words(equation.select_one(".eqno"))
        add(equation["id"].removeprefix("equation-"), number, equation["id"], "", "equation")
    for term in article.select("dl.glossary dt[id]"):
        # the page has typographic quotes where the sources have straight ones
        name = words(term).lower().translate({ord("’"): "'", ord("“"): '"', ord("”"): '"'})
        add(name, words(term), term["id"], "", "term")
    for target in article.select("section > span[id]"):
        heading = target.find_next(re.compile(r"^h[1-6]$"))
        if heading:
            add(target["id"], words(heading), target["id"], "", "section")
    for thing in article.select("dl.py dt.sig[id]"):
        add(thing["id"], thing["id"].rpartition(".")[2], thing["id"], "", "object")
    return found


def words(tag: Tag, without: str = "section-number") -> str:
    """The text of an element as inline Markdown, without its number and its link to itself."""
    parts = []
    for child in tag.children:
        if isinstance(child, NavigableString):
            parts.append(str(child).replace("\u00a0", " "))
        elif {"headerlink", without}.isdisjoint(child.get("class", [])):
            inner, mark = words(child, without), MARKS.get(child.name, "")
            if "math" in child.get("class", []):
                inner = inner.replace("\\(", "$").replace("\\)", "$")
            parts.append(f"{mark}{inner}{mark}")
    return re.sub(r"\s+", " ", "".join(parts)).strip()
