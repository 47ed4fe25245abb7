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
VOLATILE = ("execution", "jupytext", "papermill")


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
    notebook = copy.deepcopy(notebook)
    beside = atlas.notebooks if notebooks is None else frozenset(notebooks)
    context = Page(page, atlas, beside, site_url)
    fresh = new_notebook(metadata={"kernelspec": KERNEL, "language_info": {"name": "python"}})
    fresh.metadata.widgets = notebook.metadata.get("widgets", {})
    for cell in notebook.cells:
        shown = cell.metadata.pop("mystnb", {})
        for name in VOLATILE:
            cell.metadata.pop(name, None)
        if cell.cell_type == "markdown":
            fresh.cells += text_cells(cell, context, fold_solutions)
        else:
            fresh.cells += code_cells(cell, shown, context)
    head, number = fresh.cells[0], atlas.reference("doc", f"/{page}", page).number
    if number and head.source.startswith("# "):
        head.source = f"# {number}. {head.source[2:]}"
    if context.cited:
        entries = (f"* {one.entry}" for one in atlas.cited(context.cited, page))
        fresh.cells.append(new_markdown_cell("## References\n\n" + "\n".join(entries)))
    renumber_widgets(fresh)
    stable_ids(fresh)
    return fresh


def text_cells(cell: NotebookNode, page: Page, fold: bool) -> list[NotebookNode]:
    """A cell of text as one cell or, where exercises and solutions begin and end, several."""
    found = []
    for piece in re.split(f"([{BREAK}{SOLVED}])", blocks(cell.source, page)):
        begins = piece.startswith(SOLUTION)
        page.solving = piece != SOLVED and (page.solving or begins)
        if not piece.strip():
            continue
        fresh = text_cell(piece.strip("\n"), page, copy.deepcopy(cell.metadata))
        if begins and fold:
            fresh.metadata["jp-MarkdownHeadingCollapsed"] = True
        found.append(fresh)
    return found


def text_cell(text: str, page: Page, metadata: dict) -> NotebookNode:
    tags = metadata.get("tags", [])
    if page.solving and "solution" not in tags:
        metadata["tags"] = [*tags, "solution"]
    return new_markdown_cell(text, metadata=metadata)


def code_cells(cell: NotebookNode, shown: dict, page: Page) -> list[NotebookNode]:
    """A code cell as it is, with its figure's text for those who cannot see it, and caption."""
    for tag in cell.metadata.get("tags", []):
        for way in HIDDEN.get(tag, ()):
            cell.metadata.setdefault("jupyter", {})[way] = True
    alt, figure = shown.get("image", {}).get("alt"), shown.get("figure", {})
    for output in cell.get("outputs", []):
        for kind in output.get("data", {}):
            if alt and kind.startswith("image/"):
                output.metadata.setdefault(kind, {})["alt"] = alt
    if not figure.get("caption"):
        return [cell]
    return [cell, text_cell(caption(figure["caption"], figure.get("name"), page), page, {})]
