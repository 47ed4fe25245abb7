"""Build the editions of a course: pages, notebooks, and a folder for nbgrader."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path, PurePath

import nbformat
from nbconvert.preprocessors import ClearOutputPreprocessor
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from .. import execute, fresh
from ..chapters import Chapter
from ..notebooks import stable_ids
from ..published import carried, first_cell, repository
from . import executed, tree
from .atlas import Atlas
from .course import Course
from .plain import plain

FIRST = "first-cell"
FOR_GRADING = Path(__file__).parents[2] / "teaching/grading"
PARAMETER = re.compile(r'^dataset = ".*?"', re.M)
# counting references finds nothing to free while pages are read, and takes half of the time
SPHINX = "import gc; gc.disable(); from jupyter_book.cli.main import main; main(prog_name='jb')"


def site(source: Path, *, everything: bool = False, preview: bool = False) -> None:
    """Build the pages of a tree of sources, all or those that changed; RuntimeError if one warns.

    A preview is not strict, and shows chapters that were not executed without their results.
    """
    words = ["build", ".", "-q", *["-W", "-n", "--keep-going"] * (not preview)]
    command = [sys.executable, "-c", SPHINX, *words, *["--all"] * everything]
    known = os.environ | ({fresh.PREVIEW: "1"} if preview else {})
    done = subprocess.run(command, cwd=source, text=True, capture_output=True, env=known)
    if done.returncode:
        raise RuntimeError(
            f"{done.stderr}The strict build failed: each WARNING or ERROR above must be mended."
        )


def experiment(path: Path, dataset: str | None) -> NotebookNode:
    """An experiment as it was executed; with another data set for its parameter, not executed."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells if dataset else ():
        if "parameters" in cell.metadata.get("tags", []) and PARAMETER.search(cell.source):
            cell.source = PARAMETER.sub(f'dataset = "{dataset}"', cell.source)
            return ClearOutputPreprocessor().preprocess(notebook, {})[0]
    return notebook


def notebooks(
    source: Path, dataset: str | None = None, *, fold: bool = True
) -> Iterator[tuple[str, str]]:
    """The notebooks of an edition's pages, by name, as JSON; JupyterLab may fold solutions."""
    atlas, cache, known = Atlas.read(source), execute.cache_of(source), repository(source)
    found = {
        page: executed.outputs_of(cache, cells) for page, cells in execute.chapters(source).items()
    }
    for path in sorted((source / "notebooks").glob("*.ipynb")):
        if (page := f"notebooks/{path.stem}") in atlas.pages:
            found[page] = experiment(path, dataset)
    for page, notebook in found.items():
        notebook = plain(notebook, page, atlas, fold_solutions=fold)
        first = first_cell(known, page.partition("/")[0])
        notebook.cells.insert(0, new_code_cell(first, metadata={"tags": [FIRST]}))
        stable_ids(notebook)
        nbformat.validate(notebook)
        yield page, nbformat.writes(notebook) + "\n"


def publish(root: Path, source: Path, edition: Path, dataset: str | None) -> None:
    """Write the pages, the notebooks beside them, and once more these with what they read."""
    if source == root:
        shutil.copytree(root / "_build/html", edition / "html")
    else:
        site(source)
        os.replace(source / "_build/html", edition / "html")
    copy(carried(source), edition / "notebooks")
    for page, text in notebooks(source, dataset, fold=edition.name != "instructor"):
        for folder in ("html", "notebooks"):
            tree.write(edition / folder / f"{page}.ipynb", text)


def copy(files: dict[str, Path], folder: Path) -> None:
    for name, path in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / name)


def is_read(name: str, text: str) -> bool:
    """Whether a notebook reads a file: of results and specifications only those that it names."""
    if name.startswith("book/") or "../notebooks/specs" in text:  # it walks through all
        return True
    _, kind, run, *_ = PurePath(name).parts
    named = re.search(rf"[/\"']{run}[/\"'\\]", text)
    return bool(kind == "results" and "../notebooks/results" in text and named)


def grading(instructor: Path, out: Path) -> None:
    """nbgrader's course folder: one assignment a chapter, a folder by itself."""
    shutil.copytree(FOR_GRADING, out)
    files = carried(instructor)
    for path in sorted((instructor / "book").glob("[0-9][0-9]-*.ipynb")):
        text, folder = path.read_text(encoding="utf-8"), out / "source" / path.stem
        copy({n.partition("/")[2]: p for n, p in files.items() if is_read(n, text)}, folder)
        notebook = nbformat.reads(text, as_version=4)
        notebook.cells = [c for c in notebook.cells if FIRST not in c.metadata.get("tags", [])]
        for cell in executed.code(notebook):
            cell.source = cell.source.replace("../notebooks/", "")
        tree.write(folder / path.name, nbformat.writes(notebook) + "\n")


def carry(root: Path, sources: dict[str, Path], course: Course, book: list[Chapter]) -> None:
    """Enter the chapters of each edition into the cache, with what the book has computed."""
    cache, chapters = execute.cache_of(root), {f"book/{c.name}": c for c in book}
    done = {page: executed.outputs_of(cache, nb) for page, nb in execute.chapters(root).items()}
    for edition, source in sources.items():
        numbers = () if edition == "student" else course.exercises
        pages = execute.chapters(source)
        if edition == "student":
            executed.try_out(pages, str(source / "book"))
        for page, cells in pages.items():
            solving = [chapters[page].owners.get(c.start) for c in chapters[page].cells]
            gone = {k for k, e in enumerate(solving) if e and e.number not in numbers}
            about = execute.record_of(cache, done[page])
            cells = executed.carry_over(done[page], cells, gone)
            execute.enter(cache, source, page, cells, about)


def build(root: Path, course: Course, book: list[Chapter]) -> None:
    """All three editions; only cells that no edition has executed are executed."""
    atlas, out, waiting = Atlas.read(root), root / "_build/course", {}
    shutil.rmtree(out, ignore_errors=True)
    for name in tree.EDITIONS:
        edition = tree.Edition(root, out / name / "source", name, course, book, atlas)
        if name != "reader" or not edition.is_whole:  # else it is the book, and built
            edition.plant()
            waiting[name] = edition.target
    carry(root, waiting, course, book)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        jobs = [
            pool.submit(publish, root, waiting.get(name, root), out / name, course.dataset)
            for name in reversed(tree.EDITIONS)  # the longest first
        ]
        for job in jobs:
            job.result()
    grading(out / "instructor/notebooks", out / "nbgrader")
