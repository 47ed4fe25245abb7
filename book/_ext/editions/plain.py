"""A chapter as a notebook of plain Markdown, for JupyterLab, VS Code and Colab.

No directive, role, label or target shows; every number is the one on the built page.
"""

import copy
import re

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook

from ..notebooks import stable_ids
from .atlas import Atlas
from .blocks import BREAK, SOLUTION, SOLVED, blocks, caption
from .inline import Page
from .widgets import renumber_widgets

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
# Jupyter Book's tags, in the words of JupyterLab
HIDDEN = {
    "hide-input": ("source_hidden",),
    "remove-input": ("source_hidden",),
    "hide-output": ("outputs_hidden",),
    "remove-output": ("outputs_hidden",),
    "hide-cell": ("source_hidden", "outputs_hidden"),
}
VOLATILE = ("execution", "jupytext", "mystnb", "papermill")


def plain(
    notebook: NotebookNode,
    page: str,
    atlas: Atlas,
    site_url: str | None = None,
    *,
    notebooks: frozenset[str] | None = None,
    fold_solutions: bool = True,
) -> NotebookNode:
    """The notebook without MyST; outputs stay, and so does the notebook that was given.

    Exercises and solutions begin cells of their own; the text of a solution has the tag `solution`.

    Args:
        notebook: a chapter as jupytext or MyST-NB reads it, executed or not.
        page: its name, such as "book/06-isometry".
        atlas: of a built site that shows this page and all that it names.
        site_url: of the published site; links to pages that are no notebooks lead there.
        notebooks: the pages that will lie beside this one as notebooks; all of the site if None.
        fold_solutions: JupyterLab shows the heading of a solution until the reader unfolds it.

    Raises:
        PlainError: a directive or a role has no plain form.
        AtlasError: a name that the site does not have.
    """
    beside = atlas.notebooks if notebooks is None else frozenset(notebooks)
    context = Page(page, atlas, beside, site_url)
    number = atlas.reference("doc", f"/{page}", page).title
    fresh = new_notebook(metadata={"kernelspec": KERNEL, "language_info": {"name": "python"}})
    if "widgets" in notebook.metadata:
        fresh.metadata.widgets = copy.deepcopy(notebook.metadata.widgets)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            fresh.cells += text_cells(cell, context, fold_solutions)
        else:
            fresh.cells += code_cells(cell, context)
    head = fresh.cells[0]
    if number and head.source.startswith("# "):
        head.source = f"# {number}. {head.source[2:]}"
    if context.cited:
        fresh.cells.append(new_markdown_cell(references(context)))
    renumber_widgets(fresh)
    stable_ids(fresh)
    return fresh


def text_cells(cell: NotebookNode, page: Page, fold: bool) -> list[NotebookNode]:
    """A cell of text as one cell or, where exercises and solutions begin and end, several."""
    found = []
    for piece in re.split(f"([{BREAK}{SOLVED}])", blocks(cell.source, page)):
        begins = piece.strip().startswith(SOLUTION)
        page.solving = piece != SOLVED and (page.solving or begins)
        if not piece.strip():
            continue
        fresh = text_cell(piece.strip("\n"), page, kept(cell.metadata))
        if begins and fold:
            fresh.metadata["jp-MarkdownHeadingCollapsed"] = True
        found.append(fresh)
    return found


def text_cell(text: str, page: Page, metadata: dict) -> NotebookNode:
    tags = metadata.get("tags", [])
    if page.solving and "solution" not in tags:
        metadata["tags"] = [*tags, "solution"]
    return new_markdown_cell(text, metadata=metadata)


def code_cells(cell: NotebookNode, page: Page) -> list[NotebookNode]:
    """A code cell as it is, with the caption of its figure below."""
    fresh = copy.deepcopy(cell)
    fresh.metadata = kept(cell.metadata)
    for tag in cell.metadata.get("tags", []):
        for way in HIDDEN.get(tag, ()):
            fresh.metadata.setdefault("jupyter", {})[way] = True
    shown = cell.metadata.get("mystnb", {})
    for output in fresh.get("outputs", []):
        describe(output, shown.get("image", {}).get("alt"))
    figure = shown.get("figure", {})
    if not figure.get("caption"):
        return [fresh]
    return [fresh, text_cell(caption(figure["caption"], figure.get("name"), page), page, {})]


def describe(output: NotebookNode, alt: str | None) -> None:
    """Give each image of an output the text for those who cannot see it."""
    for kind in output.get("data", {}):
        if alt and kind.startswith("image/"):
            output.metadata.setdefault(kind, {})["alt"] = alt


def kept(metadata: dict) -> dict:
    return copy.deepcopy({k: v for k, v in metadata.items() if k not in VOLATILE})


def references(page: Page) -> str:
    """What the page cites, in the order of the bibliography."""
    entries = [one.entry for key, one in page.atlas.citations.items() if key in page.cited]
    return "## References\n\n" + "\n".join(f"* {entry}" for entry in entries)
