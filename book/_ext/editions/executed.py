"""Executed cells: taken from the cache, and carried over where an edition changes their look."""

import copy

from jupyter_cache.base import CacheBundleIn, JupyterCacheAbstract
from nbformat import NotebookNode

from ..execute import is_cached
from .assignment import meaning


def code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs_of(cache: JupyterCacheAbstract, notebook: NotebookNode) -> NotebookNode:
    """The notebook with the outputs that the cache has for its cells."""
    _, executed = cache.merge_match_into_notebook(copy.deepcopy(notebook))
    return executed


def carry_over(executed: NotebookNode, other: NotebookNode) -> NotebookNode:
    """The other notebook with the outputs of the executed one, of which it cuts some cells.

    Raises:
        ValueError: it computes something else.
    """
    other = copy.deepcopy(other)
    left = code(other)
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
        if cell.source.strip():
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


def share(cache: JupyterCacheAbstract, source: NotebookNode, other: NotebookNode, uri: str) -> None:
    """Enter the other notebook into the cache with what the executed source has computed."""
    if not is_cached(cache, other):
        executed = carry_over(outputs_of(cache, source), other)
        record = cache.match_cache_notebook(source)
        bundle = CacheBundleIn(executed, uri, data=record.data)
        cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
