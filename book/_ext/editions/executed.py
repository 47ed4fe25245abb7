"""Executed cells: taken from the cache, and carried over where an edition changes their look.

The chapters are executed once, for the book. What an edition computes is what the book computes,
cell by cell, and `carry_over` refuses anything else. Only the cells that a student fills in and
tries are new; all of them run in one kernel, each chapter's behind the cells whose names they take.
"""

import copy
from collections.abc import Collection, Iterator

import nbclient
from jupyter_cache.base import JupyterCacheAbstract
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from . import names
from .assignment import SKIPPED, meaning

FRESH = "%reset -f"  # what one chapter has named is not there for the next


def code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs_of(cache: JupyterCacheAbstract, notebook: NotebookNode) -> NotebookNode:
    """The notebook with the outputs that the cache has for its cells."""
    _, executed = cache.merge_match_into_notebook(copy.deepcopy(notebook))
    return executed


def carry_over(
    executed: NotebookNode, other: NotebookNode, without: Collection[int] = ()
) -> NotebookNode:
    """The other notebook with the outputs of the executed one, of which it cuts some cells.

    It lacks the code cells `without`, counted from 0. A student's own cells, which `try_out` has
    marked, keep the outputs that they have.
    """
    other = copy.deepcopy(other)
    left = [cell for cell in code(other) if not cell.get("own")]
    for cell in (cell for k, cell in enumerate(code(executed)) if k not in without):
        goal, parts, done = meaning(cell.source), [], []
        while left and (done != goal or not parts):
            parts.append(left.pop(0))
            done += meaning(parts[-1].source)
        if done != goal:
            raise ValueError(f"these cells compute something else than\n{cell.source}")
        for part in parts:
            part.outputs = []
        for output in cell.outputs:  # the last part gives its value, those before have printed
            of_last = output.output_type == "execute_result" or len(parts) == 1
            parts[-1 if of_last else -2].outputs.append(copy.deepcopy(output))
    if left:
        raise ValueError(f"a cell has no counterpart:\n{left[0].source}")
    count = 0
    for cell in code(other):
        skipped = cell.pop("own", False) and SKIPPED in cell.metadata.get("tags", [])
        if cell.source.strip() and not skipped:
            count += 1
            cell.execution_count = count
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = cell.execution_count
    other.metadata = {**other.metadata, **executed.metadata}
    return other


def try_out(notebooks: dict[str, NotebookNode], folder: str) -> None:
    """Execute the cells that students fill in and try, all chapters' in one kernel; marks them."""
    script, own = [], []
    for notebook in notebooks.values():
        script.append(new_code_cell(FRESH))
        for cell, is_own in excerpt(code(notebook)):
            script.append(new_code_cell(cell.source, metadata=copy.deepcopy(cell.metadata)))
            if is_own:
                cell.own = True
                own.append((cell, script[-1]))
    run = new_notebook(cells=script)
    nbclient.NotebookClient(run, resources={"metadata": {"path": folder}}).execute()
    for cell, done in own:
        cell.outputs = done.outputs


def excerpt(cells: list[NotebookNode]) -> Iterator[tuple[NotebookNode, bool]]:
    """The students' own cells, and of those before them the ones whose names they take."""
    wanted, chosen = set(), []
    for cell in reversed(cells):
        given, is_own = names.given(cell.source), bool(cell.metadata.get("nbgrader"))
        if is_own or given & wanted:
            chosen.append((cell, is_own))
            wanted = (wanted - given) | names.used(cell.source)
    yield from reversed(chosen)
