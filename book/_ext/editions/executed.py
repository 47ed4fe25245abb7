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

from ..chapters import Chapter
from . import names
from .assignment import SKIPPED, meaning

FRESH = "%reset -f"  # what one chapter has named is not there for the next


def code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs_of(cache: JupyterCacheAbstract, notebook: NotebookNode) -> NotebookNode:
    """The notebook with the outputs that the cache has for its cells."""
    _, executed = cache.merge_match_into_notebook(copy.deepcopy(notebook))
    return executed


def kept(executed: NotebookNode, chapter: Chapter, numbers: Collection[str]) -> NotebookNode:
    """The executed chapter without the solutions of exercises that are not in `numbers`."""
    gone = {c.start for e in chapter.exercises if e.number not in numbers for c in e.solution.cells}
    cells = zip(chapter.cells, code(executed), strict=True)
    shorter = copy.copy(executed)
    shorter.cells = [done for c, done in cells if c.start not in gone]
    return shorter


def carry_over(executed: NotebookNode, other: NotebookNode) -> NotebookNode:
    """The other notebook with the outputs of the executed one, of which it cuts some cells.

    A student's own cells, which `try_out` has marked, keep the outputs that they have.

    Raises:
        ValueError: it computes something else.
    """
    other = copy.deepcopy(other)
    left = [cell for cell in code(other) if not cell.get("own")]
    for cell in code(executed):
        goal, parts, done = meaning_of(cell), [], []
        while left and (done != goal or not parts):
            parts.append(left.pop(0))
            done += meaning_of(parts[-1])
        if done != goal:
            raise ValueError(f"these cells compute something else than\n{cell.source}")
        deal_out(cell, parts)
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


def meaning_of(cell: NotebookNode) -> list[str]:
    try:
        return meaning(cell.source)
    except SyntaxError:  # a magic
        return [cell.source]


def deal_out(cell: NotebookNode, parts: list[NotebookNode]) -> None:
    """The value of a cell is that of its last part, what it printed comes from those before."""
    *before, last = parts
    for part in parts:
        part.outputs = []
    for output in cell.outputs:
        is_value = output.output_type == "execute_result"
        target = last if is_value or not before else before[-1]
        target.outputs.append(copy.deepcopy(output))


def try_out(notebooks: dict[str, NotebookNode], folder: str) -> None:
    """Execute the cells that students fill in and try, all chapters' in one kernel; marks them.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell fails; it is shown.
    """
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
    is_own = [bool(cell.metadata.get("nbgrader")) for cell in cells]
    last = max((k for k, mine in enumerate(is_own) if mine), default=-1)
    wanted, chosen = set(), set()
    for k in range(last, -1, -1):
        given = {*names.given(cells[k].source)}
        if is_own[k] or given & wanted:
            chosen.add(k)
            wanted = (wanted - given) | names.used(cells[k].source)
    yield from ((cells[k], is_own[k]) for k in sorted(chosen))
