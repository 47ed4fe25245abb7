"""Sphinx: tables of the back matter, made from what the build has read: `{listing} exercises`."""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

from . import statements, status
from .places import Cell

# name: the function that yields the rows, and the heads of the columns
LISTS = statements.LISTS | status.LISTS


class Listing(nodes.General, nodes.Element):
    """Stands where the table will be, once every page has been read."""


class List(SphinxDirective):
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()  # its rows come from other pages, and from runs
        name = self.arguments[0]
        if name not in LISTS:
            raise self.error(f"There is no listing {name!r}; say one of {', '.join(LISTS)}.")
        return [Listing(what=name)]


class FillListing(SphinxPostTransform):
    default_priority = 8  # before references are resolved

    def run(self, **options) -> None:
        for node in list(self.document.findall(Listing)):
            rows, heads = LISTS[node["what"]]
            found = list(rows(self.env, self.app.builder))
            node.replace_self(table(heads, found) if found else nodes.paragraph(text="None."))


def table(heads: tuple[str, ...], rows: list[list[Cell]]) -> nodes.table:
    """A plain table; a cell is a text, or a list of inline nodes."""

    def row(cells: list[Cell]) -> nodes.row:
        parts = ([nodes.Text(cell)] if isinstance(cell, str) else cell for cell in cells)
        return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *part)) for part in parts))

    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in heads), cols=len(heads))
    group += nodes.thead("", row(list(heads)))
    group += nodes.tbody("", *map(row, rows))
    return nodes.table("", group, classes=["colwidths-auto"])


def join(app: Sphinx) -> None:
    app.add_node(Listing)
    app.add_directive("listing", List)
    app.add_post_transform(FillListing)
