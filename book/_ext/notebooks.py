"""Run the experiments with their default parameters: notebooks/X.md (truth) -> X.ipynb (executed).

Cell ids come from the cells' text and nothing that changes from run to run is kept, so a second run
differs from the first by its results alone. The old notebook stands until the new one is complete.
"""

import hashlib
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

import jupytext
import nbformat
import papermill
from nbformat import NotebookNode

VOLATILE = ("papermill", "execution")


def stable_ids(notebook: NotebookNode) -> None:
    """An id for each cell from its text, so that a new cell leaves the ids of the others alone."""
    seen = Counter()
    for cell in notebook.cells:
        text = f"{cell.cell_type} {cell.source} {seen[cell.source]}"
        seen[cell.source] += 1
        cell.id = hashlib.sha256(text.encode()).hexdigest()[:12]


def drop_volatile(notebook: NotebookNode) -> None:
    """Times, paths and versions of the machine that ran it."""
    for metadata in (notebook.metadata, *(cell.metadata for cell in notebook.cells)):
        for name in (*VOLATILE, "jupytext"):
            metadata.pop(name, None)
    notebook.metadata.language_info.pop("version", None)


def run(source: Path) -> None:
    """Execute a text notebook; the .ipynb beside it is replaced only if every cell succeeds."""
    print(f"running {source}", flush=True)
    notebook = jupytext.read(source)
    stable_ids(notebook)
    with tempfile.TemporaryDirectory(dir=source.parent, prefix=".running-") as folder:
        before, after = (
            Path(folder, "before.ipynb"),
            Path(folder, source.with_suffix(".ipynb").name),
        )
        nbformat.write(notebook, before)
        papermill.execute_notebook(before, after, cwd=source.parent, kernel_name="python3")
        executed = nbformat.read(after, as_version=4)
        drop_volatile(executed)
        nbformat.write(executed, after)
        os.replace(after, source.with_suffix(".ipynb"))


def main(names: list[str]) -> None:
    """Run the named notebooks, or every notebook in notebooks/."""
    found = [p for p in sorted(Path("notebooks").glob("*.md")) if p.name != "README.md"]
    for source in [Path(name).with_suffix(".md") for name in names] or found:
        run(source)


if __name__ == "__main__":
    main(sys.argv[1:])
