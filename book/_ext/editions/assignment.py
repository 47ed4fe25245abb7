"""An exercise's solution as cells to be filled in and graded: the student's and the instructor's.

The instructor's cells are the chapter's own with nbgrader's marks in comments; what they compute
is the same, and `meaning` shows it. The student's cells are what nbgrader makes of them: it does so
with whole notebooks, and their pages need single cells, so `student_cells` says it again in a line.
"""

import ast
import re
from collections.abc import Iterator
from itertools import groupby

from ..chapters import PASSED, Cell, Exercise
from ..imports import without_texts
from .names import given

WRITE = "# Write your answer here, under this name: the points go by this cell."
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
BEGIN_HIDDEN, END_HIDDEN = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
REGION = re.compile(rf"^([ \t]*){BEGIN}\n.*?^[ \t]*{END}$", re.M | re.S)
HIDDEN = re.compile(rf"^{BEGIN_HIDDEN}\n.*?^{END_HIDDEN}\n?", re.M | re.S)
SKIPPED = "skip-execution"  # the answer rests on files that only the reader has


def meaning(source: str) -> list[str]:
    """What code does, without comments, docstrings, and placeholders `name = ...`."""
    try:
        tree = without_texts(source)
    except SyntaxError:  # a magic
        return [source]
    return [ast.dump(n) for n in tree.body if not ast.unparse(n).endswith(" = ...")]


def wrap(rows: list[str], indent: str = "") -> str:
    return "\n".join([f"{indent}{BEGIN}", *rows, f"{indent}{END}"])


def fill_in(source: str, name: str, number: str) -> str:
    """The cell that binds the answer, with the marks between which nbgrader empties it."""
    *helpers, node = ast.parse(source).body
    rows = source.split("\n")
    before = [wrap(rows[: helpers[-1].end_lineno])] if helpers else []
    if not isinstance(node, ast.FunctionDef):
        answer = wrap(rows[node.lineno - 1 : node.end_lineno])
        return "\n".join([*before, f"{name} = ...", answer])
    first, documented = node.body[0], ast.get_docstring(node)
    indent, stop = " " * first.col_offset, first.end_lineno if documented else first.lineno - 1
    head = rows[node.lineno - 1 : stop]
    if not documented:
        head.append(f'{indent}"""Your answer to exercise {number}."""')
    answer = "\n".join([*head, wrap(rows[stop : node.end_lineno], indent)])
    return "\n\n\n".join([*before, answer])


def instructor_cells(cell: Cell, exercise: Exercise, points: int) -> Iterator[tuple[dict, str]]:
    """What becomes of a solution's cell: it is cut where the student's part begins and ends."""
    number, name, tags = exercise.number, exercise.answer, cell.metadata.get("tags", [])
    nodes, rows, end = ast.parse(cell.source).body, cell.source.split("\n"), 0
    roles = ["solution"] * len(nodes)
    if PASSED.match(cell.source) and SKIPPED not in tags:
        roles[0] = "test"
    if nodes and ast.unparse(nodes[-1]).startswith(f"check.answer('{number}', "):
        roles[-1] = "try"
    last = max((k for k, n in enumerate(nodes, 1) if name in given(ast.unparse(n))), default=0)
    roles[:last] = ["answer"] * last
    for role, group in groupby(zip(roles, nodes, strict=True), key=lambda pair: pair[0]):
        start, end = end, [*group][-1][1].end_lineno
        source = "\n".join(rows[start:end]).strip("\n")
        if role == "solution":
            yield cell.metadata | {"tags": [*(t for t in tags if t != role), role]}, source
            continue
        mark = {"grade": role == "test", "solution": role == "answer", "locked": role != "answer"}
        mark |= {
            "grade_id": f"{role}-{number.replace('.', '-')}",
            "schema_version": 3,
            "task": False,
        }
        if role == "test":
            note = f"# This cell gives the points of exercise {number}."
            source = f"{note}\n{BEGIN_HIDDEN}\n{source}\n{END_HIDDEN}"
            yield cell.metadata | {"nbgrader": mark | {"points": points}}, source
        else:
            source = fill_in(source, name, number) if role == "answer" else source
            yield ({"tags": [SKIPPED]} if SKIPPED in tags else {}) | {"nbgrader": mark}, source


def student_cells(exercise: Exercise, points: int) -> Iterator[tuple[dict, str]]:
    """What students get of a solution, in notebooks alone: cells to fill in, try, be graded."""
    for cell in exercise.solution.cells:
        for options, source in instructor_cells(cell, exercise, points):
            if mark := options.get("nbgrader"):
                skipped = [SKIPPED] * (SKIPPED in options.get("tags", []))
                source = HIDDEN.sub("", REGION.sub(rf"\1{WRITE}", source)).rstrip("\n")
                yield {"nbgrader": mark, "tags": [*skipped, "remove-cell"]}, source
