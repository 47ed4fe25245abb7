"""Turn each chapter's notebook into a deck: `make slides`, after `make book`.

nbconvert writes the decks from the notebooks beside the pages. A heading begins a slide; a box, a
prediction, an exercise or a figure begins one below it; most prose becomes the speaker's notes.
Solutions are left out. reveal.js comes from the wheel `sphinx-revealjs`, MathJax and the renderer
of interactive figures from the book: nothing is loaded from another host.
"""

import re
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from shutil import copy, copytree, rmtree

import nbformat
from nbconvert import SlidesExporter
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from .render import TEMPLATES, render

REVEAL = ("dist/reset.css", "dist/reveal.css", "dist/reveal.js", "plugin/notes/notes.js", "LICENSE")
FROM_THE_BOOK = ("anywidget-static.js", "favicon.svg", "mathjax", "pygments.css")
PICTURES = {"image/png", "image/svg+xml", "application/vnd.jupyter.widget-view+json"}
LEFT_OUT = {"first-cell", "hide-cell"}
CODE_LINES = 12  # longer code is in the book alone; what it prints is shown
ROOM, WIDE = 13, 85  # lines on a slide, letters on a line
BLOCK = re.compile(r"(?:\$\$.*?\$\$|```.*?```|(?!\n).+?)(?=\n\n|\Z)", re.S)
HEADING = re.compile(r"(##?) |#")
BELOW = re.compile(r"> |.*\b[Pp]redict\b|\*\*Fig\.", re.S)  # begins a slide below
SHOWN = re.compile(r"[#>|$*\d-]|!\[|```")  # boxes, tables, formulas, lists, catchwords
DECK = re.compile(r"\]\((\d\d-[\w-]+)\.ipynb\)")
ELSEWHERE = re.compile(r"\[([^]]*)\]\(\.\./[^)]*\)")  # a page of the book, and no deck


def blocks(cells: list[NotebookNode]) -> Iterator[NotebookNode]:
    """What an audience may see, text block by block, code that is long or hidden without source."""
    is_solved = False
    for cell in cells:
        tags = set(cell.metadata.get("tags", []))
        if cell.cell_type == "markdown":
            is_solved = "solution" in tags  # and so is the code after it, up to the next text
        if is_solved or tags & LEFT_OUT:
            continue
        if cell.cell_type == "markdown":
            text = ELSEWHERE.sub(r"\1", DECK.sub(r"](\1.html)", cell.source))
            yield from map(new_markdown_cell, BLOCK.findall(text))
            continue
        is_long = cell.source.count("\n") >= CODE_LINES or is_picture(cell)
        if is_long or tags & {"hide-input", "remove-input"}:
            cell.metadata.transient = {"remove_source": True}
        if cell.outputs or ("scratch" in tags and not is_long):
            yield cell


def is_picture(cell: NotebookNode) -> bool:
    return any(PICTURES & output.get("data", {}).keys() for output in cell.get("outputs", []))


def height(cell: NotebookNode) -> int:
    """How many lines of a slide a cell will take, roughly; the browser has the last word."""
    if is_picture(cell):
        return ROOM
    texts = [] if "transient" in cell.metadata else [cell.source]
    for out in cell.get("outputs", []):
        texts.append(out.get("text") or out.get("data", {}).get("text/plain", ""))
    return sum(1 + len(line) // WIDE for line in "\n".join(texts).split("\n"))


def typed(cells: list[NotebookNode]) -> Iterator[NotebookNode]:
    """The cells with nbconvert's words for the pieces of slides."""
    filled, last, is_exercise = 0.0, None, False
    for cell in blocks(cells):
        text = cell.source if cell.cell_type == "markdown" else ""
        is_caption = text.startswith("**Fig.") and is_picture(last)
        if heading := HEADING.match(text):
            kind = "slide" if heading[1] else "subslide"
            is_exercise = text.startswith("### Exercise")
        elif is_caption or (is_exercise and is_picture(cell)):
            kind = "-"
        elif BELOW.match(text) or is_picture(cell):
            kind = "subslide"
        elif text and not (is_exercise or last.source.startswith("#") or SHOWN.match(text)):
            kind = "notes"
        else:
            is_full = filled + height(cell) > ROOM and not last.source.startswith("#")
            kind = "subslide" if is_full else "-"
        if kind != "notes":
            filled = height(cell) + filled * (kind == "-")
            last = cell
        cell.metadata.slideshow = {"slide_type": kind}
        yield cell


def deck(notebook: NotebookNode, book: str) -> tuple[str, dict]:
    """A deck as HTML, and what the list of decks says of it."""
    notebook.cells = list(typed(notebook.cells))
    kinds = [cell.metadata.slideshow.slide_type for cell in notebook.cells]
    name = notebook.cells[0].source.removeprefix("# ")
    exporter = SlidesExporter(
        template_file="deck.html.j2",
        extra_template_paths=[str(TEMPLATES)],
        exclude_anchor_links=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    html, _ = exporter.from_notebook_node(notebook, {"deck": {"title": name, "book": book}})
    return html, {"name": name, "slides": kinds.count("slide") + kinds.count("subslide")}


def main(book: Path = Path("_build/html"), out: Path = Path("_build/slides")) -> str | None:
    """Write the decks of the chapters built in `book` into `out` anew; what is wrong, or None."""
    pages = sorted(book.glob("book/[0-9][0-9]-*.ipynb"))
    if not pages:
        return f"{book} holds no built chapters: run `make book` first."
    rmtree(out, ignore_errors=True)
    (out / "reveal").mkdir(parents=True)
    reveal = Path(find_spec("sphinx_revealjs").origin).parent / "_static/revealjs"
    for part in REVEAL:
        copy(reveal / part, out / "reveal")
    for source in (
        *(book / "_static" / part for part in FROM_THE_BOOK),
        *TEMPLATES.glob("slides.*"),
    ):
        (copytree if source.is_dir() else copy)(source, out / source.name)
    title = re.search(r"&#8212; (.*)</title>", pages[0].with_suffix(".html").read_text("utf-8"))[1]
    decks = []
    for path in pages:
        html, about = deck(nbformat.read(path, as_version=4), title)
        (out / f"{path.stem}.html").write_text(html, encoding="utf-8")
        decks.append({"file": f"{path.stem}.html"} | about)
    index = render("decks.html.j2", book=title, decks=decks)
    (out / "index.html").write_text(index, encoding="utf-8")
    print(f"The slides are ready: {out / 'index.html'}")


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
