"""Names that cells give and use: what breaks if a solution, or an exercise, is taken away."""

import ast
from collections.abc import Iterable, Iterator
from symtable import symtable

from ..chapters import Cell, Chapter, Exercise, fault
from ..imports import MAGIC


def given(source: str) -> set[str]:
    """Names that a cell gives a meaning for the cells that follow."""
    symbols = symtable(MAGIC.sub("", source), "", "exec").get_symbols()
    return {s.get_name() for s in symbols if s.is_assigned() or s.is_imported()}


def used(source: str) -> set[str]:
    """Names that a cell takes from cells before it, as far as one can see."""
    tree = ast.parse(MAGIC.sub("", source))
    loads = (n for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))
    return {node.id for node in loads}


def names(cells: Iterable[Cell]) -> set[str]:
    return {name for c in cells for name in given(c.source)}


def needs(exercise: Exercise) -> dict[str, set[str]]:
    """The other exercises on whose solutions that of this one rests, with the names it takes."""
    chapter, own = exercise.chapter, exercise.solution
    outside = [c for c in chapter.cells if c.start not in chapter.owners and c.start < own.start]
    taken = {name for c in own.cells for name in used(c.source)} - names([*own.cells, *outside])
    before = (e for e in chapter.exercises if e.solution.start < own.start)
    return {e.number: shared for e in before if (shared := taken & names(e.solution.cells))}


def borrowed(chapter: Chapter) -> Iterator[str]:
    """Cells outside all solutions that need a name which only a solution has given."""
    ours: set[str] = set()
    theirs: dict[str, str] = {}
    for c in chapter.cells:
        if c.start in chapter.owners:
            theirs |= dict.fromkeys(given(c.source), chapter.owners[c.start].number)
            continue
        ours |= given(c.source)
        for name in sorted((used(c.source) & theirs.keys()) - ours):
            what = f"this cell uses {name}, which only the solution of {theirs[name]} gives"
            yield fault(chapter.path, c.start, what, "define it outside, or move the cell inside")
