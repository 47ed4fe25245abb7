"""Build the editions of a course: pages, notebooks, and a folder for nbgrader."""

import copy
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from .. import execute, fresh
from ..chapters import Chapter
from ..notebooks import stable_ids
from ..published import first_cell, repository
from . import executed, tree
from .atlas import Atlas
from .course import Course
from .plain import plain

TEACHERS = re.compile(rf"^:::+\{{admonition\}}.*\n:class: {tree.text.TEACHER}\b", re.M)
FIRST = "first-cell"
FILES = ("book/style.mplstyle", "notebooks/results", "notebooks/specs")
PARAMETER = re.compile(r'^dataset = ".*?"', re.M)


# counting references finds nothing to free while pages are read, and takes half of the time
SPHINX = "import gc; gc.disable(); from jupyter_book.cli.main import main; main(prog_name='jb')"


def site(source: Path, *, everything: bool = False, preview: bool = False) -> None:
    """Build the pages of a tree of sources strictly, all of them or those that changed.

    A preview is not strict, and shows chapters that were not executed without their results.

    Raises:
        RuntimeError: a warning or an error.
    """
    words = ["build", ".", "-q", *["-W", "-n", "--keep-going"] * (not preview)]
    command = [sys.executable, "-c", SPHINX, *words, *["--all"] * everything]
    known = os.environ | ({fresh.PREVIEW: "1"} if preview else {})
    done = subprocess.run(command, cwd=source, text=True, capture_output=True, env=known)
    if done.returncode:
        raise RuntimeError(
            f"{done.stderr}The strict build failed: each WARNING or ERROR above must be mended."
        )


def mark_teachers(notebook: NotebookNode) -> None:
    """Tag the teacher's notes as `plain` tags solutions: students must not see them."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and TEACHERS.search(cell.source):
            cell.metadata.tags = [*cell.metadata.get("tags", []), "solution"]


def with_dataset(notebook: NotebookNode, dataset: str | None) -> NotebookNode:
    """The experiment with another data set for its parameter, not executed."""
    cells = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    if dataset is None or not any(PARAMETER.search(c.source) for c in cells):
        return notebook
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source = PARAMETER.sub(f'dataset = "{dataset}"', cell.source)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def with_first_cell(notebook: NotebookNode, folder: str, published: str | None) -> NotebookNode:
    cell = new_code_cell(first_cell(published, folder), metadata={"tags": [FIRST]})
    notebook.cells.insert(0, cell)
    stable_ids(notebook)
    return notebook


def notebooks(
    source: Path, dataset: str | None = None, *, fold: bool = True
) -> Iterator[tuple[str, str]]:
    """The notebooks of an edition's pages, by the names of the pages, as JSON.

    Solutions are folded away unless `fold` is false.
    """
    atlas, cache, known = Atlas.read(source), execute.cache_of(source), repository(source)
    found = {
        page: executed.outputs_of(cache, cells) for page, cells in execute.chapters(source).items()
    }
    for path in sorted((source / "notebooks").glob("*.ipynb")):
        if (page := f"notebooks/{path.stem}") in atlas.pages:
            found[page] = with_dataset(nbformat.read(path, as_version=4), dataset)
    for page, notebook in found.items():
        mark_teachers(notebook)
        notebook = plain(notebook, page, atlas, fold_solutions=fold)
        notebook = with_first_cell(notebook, page.partition("/")[0], known)
        nbformat.validate(notebook)
        yield page, nbformat.writes(notebook) + "\n"


def take_away(source: Path, html: Path, out: Path, dataset: str | None, *, fold: bool) -> None:
    """Write the notebooks beside their pages, and once more by themselves with what they read."""
    for name in FILES:
        copy_to(source / name, out / name)
    for page, text in notebooks(source, dataset, fold=fold):
        for folder in (html, out):
            (folder / page).parent.mkdir(parents=True, exist_ok=True)
            (folder / f"{page}.ipynb").write_text(text, encoding="utf-8")


def copy_to(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copy(source, target)


def tables(text: str, folder: Path) -> list[str]:
    """The folders that a notebook reads; of the results only those that it names, if it does."""
    if "../notebooks/specs" in text:  # it walks through all
        return ["results", "specs"]
    if "../notebooks/results" not in text:
        return []
    runs = sorted(path.name for path in (folder / "results").iterdir())
    return [f"results/{run}" for run in runs if re.search(rf"[/\"']{run}[/\"'\\]", text)]


def grading(instructor: Path, out: Path) -> None:
    """nbgrader's course folder: one assignment a chapter, with all that it reads."""
    for name in ("nbgrader_config.py", "contained.py"):
        copy_to(Path(__file__).with_name(name), out / name)
    for path in sorted((instructor / "book").glob("[0-9][0-9]-*.ipynb")):
        text = path.read_text(encoding="utf-8")
        folder = out / "source" / path.stem
        copy_to(instructor / "book/style.mplstyle", folder / "style.mplstyle")
        for name in tables(text, instructor / "notebooks"):
            copy_to(instructor / "notebooks" / name, folder / name)
        # an assignment is a folder by itself
        notebook = nbformat.reads(text, as_version=4)
        notebook.cells = [c for c in notebook.cells if FIRST not in c.metadata.get("tags", [])]
        for cell in executed.code(notebook):
            cell.source = cell.source.replace("../notebooks/", "")
        (folder / path.name).write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")


def carry(root: Path, sources: dict[str, Path], course: Course, book: list[Chapter]) -> None:
    """Enter the chapters of each edition into the cache, with what the book has computed."""
    cache, chapters = execute.cache_of(root), {f"book/{c.name}": c for c in book}
    done = {page: executed.outputs_of(cache, nb) for page, nb in execute.chapters(root).items()}
    for edition, source in sources.items():
        if source == root:
            continue
        pages = execute.chapters(source)
        if edition == "student":
            executed.try_out(pages, str(source / "book"))
        for page, cells in pages.items():
            numbers = () if edition == "student" else course.exercises
            ours = executed.kept(done[page], chapters[page], numbers)
            about = execute.record_of(cache, done[page])
            execute.enter(cache, source, page, executed.carry_over(ours, cells), about)


def build(root: Path, course: Course, book: list[Chapter], out: Path) -> None:
    """All three editions into `out`; only cells that no edition has executed are executed."""
    atlas = Atlas.read(root)
    shutil.rmtree(out, ignore_errors=True)
    sources = {}
    for edition in tree.EDITIONS:
        sources[edition] = out / edition / "source"
        plan = tree.Plan(root, sources[edition], edition, course, book, atlas)
        if edition == "reader" and plan.is_whole:
            sources[edition] = root  # it is the book, and built
        else:
            tree.plant(plan)
    carry(root, sources, course, book)
    waiting = [source for source in sources.values() if source != root]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for source, _ in zip(waiting, pool.map(site, waiting), strict=True):
            os.replace(source / "_build/html", source.parent / "html")
    if sources["reader"] == root:
        shutil.copytree(root / "_build/html", out / "reader/html")
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        jobs = [
            pool.submit(
                take_away,
                source,
                out / edition / "html",
                out / edition / "notebooks",
                course.dataset,
                fold=edition != "instructor",
            )
            for edition, source in sources.items()
        ]
        for job in jobs:
            job.result()
    grading(out / "instructor/notebooks", out / "nbgrader")
