"""A chapter as a notebook of plain Markdown, for JupyterLab, VS Code and Colab.

No directive, role, label or target shows; every number is the one on the built page.
"""

import copy
import re
from collections.abc import Iterator

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook

from ..notebooks import drop_volatile, stable_ids
from .atlas import Atlas
from .blocks import BREAK, SOLUTION, SOLVED, blocks
from .inline import Page
from .widgets import renumber_widgets

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
# what is folded in JupyterLab, by Jupyter Book's tags
HIDDEN = {
    "source_hidden": {"hide-input", "remove-input", "hide-cell"},
    "outputs_hidden": {"hide-output", "remove-output", "hide-cell"},
}


def plain(
    notebook: NotebookNode, page: str, atlas: Atlas, *, fold_solutions: bool = True
) -> NotebookNode:
    """The notebook without MyST; outputs stay, and so does the notebook that was given.

    Exercises and solutions begin cells of their own; the text of a solution has the tag `solution`,
    and JupyterLab folds it if asked. The atlas is of a built site that shows this page.

    Raises:
        PlainError: a directive or a role has no plain form.
        AtlasError: a name that the site does not have.
    """
    notebook = copy.deepcopy(notebook)
    context = Page(page, atlas)
    fresh = new_notebook(metadata={"kernelspec": KERNEL, "language_info": {"name": "python"}})
    fresh.metadata.widgets = notebook.metadata.get("widgets", {})
    for cell in notebook.cells:
        shown = cell.metadata.pop("mystnb", {})
        if cell.cell_type == "code":
            fresh.cells.append(code_cell(cell, shown.get("image", {}).get("alt")))
            cell = captioned(shown.get("figure", {}))
        fresh.cells += text_cells(cell, context, fold_solutions)
    head, number = fresh.cells[0], atlas.reference("doc", f"/{page}", page).number
    if number and head.source.startswith("# "):
        head.source = f"# {number}. {head.source[2:]}"
    if context.cited:
        entries = (f"* {one.entry}" for one in atlas.cited(context.cited, page))
        fresh.cells.append(new_markdown_cell("## References\n\n" + "\n".join(entries)))
    renumber_widgets(fresh)
    drop_volatile(fresh)
    stable_ids(fresh)
    return fresh


def text_cells(cell: NotebookNode, page: Page, fold: bool) -> Iterator[NotebookNode]:
    """A cell of text as one cell or, where exercises and solutions begin and end, several."""
    for piece in re.split(f"([{BREAK}{SOLVED}])", blocks(cell.source, page)):
        begins = piece.startswith(SOLUTION)
        page.solving = piece != SOLVED and (page.solving or begins)
        if not piece.strip():
            continue
        fresh = new_markdown_cell(piece.strip("\n"), metadata=copy.deepcopy(cell.metadata))
        tags = fresh.metadata.get("tags", [])
        if page.solving and "solution" not in tags:
            fresh.metadata.tags = [*tags, "solution"]
        if begins and fold:
            fresh.metadata["jp-MarkdownHeadingCollapsed"] = True
        yield fresh


def code_cell(cell: NotebookNode, alt: str | None) -> NotebookNode:
    """A code cell as it is, with its image's text for those who cannot see it."""
    hidden = {way: True for way, tags in HIDDEN.items() if tags & {*cell.metadata.get("tags", [])}}
    if hidden:
        cell.metadata.setdefault("jupyter", {}).update(hidden)
    for output in cell.get("outputs", []):
        for kind in output.get("data", {}):
            if alt and kind.startswith("image/"):
                output.metadata.setdefault(kind, {})["alt"] = alt
    return cell


def captioned(figure: dict) -> NotebookNode:
    """The caption of a cell's figure, with the number that the page gives it."""
    number = f"**{{numref}}`{figure['name']}`** " if "name" in figure else ""
    return new_markdown_cell(number + figure["caption"].strip() if "caption" in figure else "")
