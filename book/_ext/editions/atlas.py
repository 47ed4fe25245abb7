"""Every label of the book: its number, text and place; every citation and its entry.

When Sphinx has built the pages, `write` keeps what it knows of them in one file beside them, as
its own inventory holds no numbers. Whatever repeats a number elsewhere reads it there.
"""

import pickle
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pybtex.plugin
from docutils import nodes
from pybtex.database import Entry
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinxcontrib.bibtex.style.referencing.author_year import AuthorYearReferenceStyle

FILE = "_build/.labels.pickle"
MARKS = {"emphasis": "*", "strong": "**", "literal": "`", "math": "$"}
# what a role may name, first found first
KINDS = {
    "eq": ("equation",),
    "term": ("term",),
    "prf:ref": ("box",),
    "numref": ("box", "figure", "section"),
    "ref": ("box", "figure", "section"),
}
# what Sphinx numbers, in these words; all else is a box
SPHINX = {"displaymath": "equation"} | dict.fromkeys(("figure", "table", "code-block"), "figure")


class AtlasError(ValueError):
    """A page names something that the built site does not have."""


@dataclass(frozen=True)
class Reference:
    """What the reader sees where a label is named, and where the label stands."""

    text: str  # "Theorem 6.1", "Fig. 6.2", "(2.1)", a page's or section's title, a term
    page: str  # "book/06-isometry"
    anchor: str  # of the place on that page; empty for the page itself
    number: str  # of a page, "6"
    kind: str  # page, section, box, figure, equation, term


@dataclass(frozen=True)
class Citation:
    authors: str  # "Syrota et al.", "Tosi and Hauberg", "Lee"
    year: str
    entry: str  # the full entry, Markdown


@dataclass(frozen=True)
class Atlas:
    pages: dict[str, Reference]  # by name, such as "book/06-isometry"
    notebooks: frozenset[str]  # the pages that hold code cells
    labels: dict[tuple[str, str], Reference]  # by kind and label
    citations: dict[str, Citation]  # by key, in the order of the printed bibliography

    @classmethod
    def read(cls, root: Path) -> "Atlas":
        """What the last build of the book, or of an edition, has written."""
        if not (root / FILE).exists():
            raise AtlasError(f"{root} holds no pages of the book; build it first, by `make book`.")
        return pickle.loads((root / FILE).read_bytes())

    def reference(self, role: str, target: str, page: str) -> Reference:
        """What `{role}`target`` shows on the page."""
        if role == "doc":
            name = posixpath.normpath(posixpath.join("/", posixpath.dirname(page), target))[1:]
            found = self.pages.get(name.removesuffix(".md"))
        else:
            # Sphinx makes an id of a label: my_label becomes my-label; a term keeps its case or not
            names = (target, target.lower(), nodes.make_id(target))
            keys = ((kind, name) for kind in KINDS.get(role, ()) for name in names)
            found = next((self.labels[key] for key in keys if key in self.labels), None)
        if found is None:
            raise AtlasError(
                f"{page}: {{{role}}}`{target}` names nothing on the built site; correct the name, "
                "or build the site again if it is new."
            )
        return found

    def cited(self, keys: set[str], page: str) -> list[Citation]:
        """The sources, in the order of the bibliography."""
        for key in keys - self.citations.keys():
            raise AtlasError(
                f"{page}: cites {key!r}, which is not in the bibliography; add it to "
                "book/references.bib or correct the key."
            )
        return [one for key, one in self.citations.items() if key in keys]


def words(node: nodes.Node) -> str:
    """The text of a title as inline Markdown."""
    if isinstance(node, nodes.Text):
        return re.sub(r"\s+", " ", node.astext())
    mark = MARKS.get(node.tagname, "")
    return mark + "".join(map(words, node.children)) + mark


def labels(env: BuildEnvironment) -> Iterator[tuple[str, Reference]]:
    """All that a role can name, but for pages."""
    std = env.domaindata["std"]
    for page, kinds in env.toc_fignumbers.items():
        for kind, anchors in kinds.items():
            for anchor, number in anchors.items():
                text = env.config.numfig_format.get(kind, "(%s)") % ".".join(map(str, number))
                what, label = SPHINX.get(kind, "box"), anchor.removeprefix("equation-")
                yield label, Reference(text[0].upper() + text[1:], page, anchor, "", what)
    entries = ((page, e) for page, toc in env.tocs.items() for e in toc.findall(nodes.reference))
    headings = {(page, entry.astext()): words(entry) for page, entry in entries}
    for label, (page, anchor, title) in std["labels"].items():
        text = headings.get((page, title), title)
        yield label, Reference(text, page, anchor, "", "section")
    for (kind, name), (page, anchor) in std["objects"].items():
        if kind == "term":
            yield name.lower(), Reference(name, page, anchor, "", kind)


class Markdown(pybtex.plugin.find_plugin("pybtex.backends", "markdown")):
    """The library's own escapes every full stop and hyphen; here only what Markdown would read."""

    def format_str(self, text: str) -> str:
        return re.sub(r"([\\`*_\[\]$<])", r"\\\1", text)

    def format_href(self, url: str, text: str, external: bool = False) -> str:
        return f"<{url}>" if re.sub(r"\\(.)", r"\1", text) == url else f"[{text}]({url})"


def authors(entry: Entry) -> str:
    """As the pages name them, by the style that names them there."""
    style = AuthorYearReferenceStyle()
    template = style.person.author_or_editor_or_title(full=False)
    return template.format_data({"entry": entry, "style": style}).render_as("text")


def write(app: Sphinx, fault: Exception | None) -> None:
    """Keep what is known after a build of the pages."""
    env = app.env
    if fault or app.builder.name != "html":
        return
    numbers = {
        page: ".".join(map(str, found.get("") or ())) for page, found in env.toc_secnumbers.items()
    }
    known = Atlas(
        {
            page: Reference(words(title), page, "", numbers.get(page, ""), "page")
            for page, title in env.titles.items()
        },
        frozenset(page for page in env.found_docs if "kernelspec" in env.metadata[page]),
        {(place.kind, label): place for label, place in labels(env)},
        {
            one.key: Citation(
                authors(one.entry),
                one.entry.fields.get("year", "no year"),
                re.sub(r"\s+", " ", one.formatted_entry.text.render(Markdown())),
            )
            for one in env.domaindata.get("cite", {}).get("citations", [])
        },
    )
    Path(app.outdir).with_name(Path(FILE).name).write_bytes(pickle.dumps(known))


def join(app: Sphinx) -> None:
    app.connect("build-finished", write)
