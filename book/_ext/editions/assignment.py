"""An exercise's solution as cells to be filled in and graded: the student's and the instructor's.

The instructor's cells are the chapter's own with nbgrader's marks in comments; what they compute
is the same, and `meaning` shows it. The student's cells are what nbgrader makes of them: it does so
with whole notebooks, and their pages need single cells, so `emptied` says it again in two lines.
"""

import ast
import re
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


def pieces(cell: Cell, exercise: Exercise) -> list[tuple[str, str]]:
    """A solution's cell cut in parts: roles (answer, try, test, solution) and sources."""
    nodes, name = ast.parse(cell.source).body, exercise.passed.get(exercise.number)
    roles = ["solution"] * len(nodes)
    if PASSED.match(cell.source) and SKIPPED not in cell.metadata.get("tags", []):
        roles[0] = "test"
    if nodes and ast.unparse(nodes[-1]).startswith(f"check.answer('{exercise.number}', "):
        roles[-1] = "try"
    last = max((k for k, n in enumerate(nodes, 1) if name in given(ast.unparse(n))), default=0)
    roles[:last] = ["answer"] * last
    found, end = [], 0
    for role, group in groupby(zip(roles, nodes, strict=True), key=lambda pair: pair[0]):
        start, end = end, [*group][-1][1].end_lineno
        text = "\n".join(cell.source.split("\n")[start:end]).strip("\n")
        if role == "answer":
            text = fill_in(text, name, exercise.number)
        if role == "test":
            note = f"# This cell gives the points of exercise {exercise.number}."
            text = f"{note}\n{BEGIN_HIDDEN}\n{text}\n{END_HIDDEN}"
        found.append((role, text))
    return found


def grading(role: str, number: str, points: int) -> dict:
    """nbgrader's metadata of a cell."""
    return {
        "grade": role == "test",
        "grade_id": f"{role}-{number.replace('.', '-')}",
        "locked": role != "answer",
        "schema_version": 3,
        "solution": role == "answer",
        "task": False,
    } | ({"points": points} if role == "test" else {})


def instructor_cells(cell: Cell, exercise: Exercise, points: int) -> list[tuple[dict, str]]:
    """A solution's cell in the instructor's edition: metadata and source of what it becomes."""
    found = []
    for role, source in pieces(cell, exercise):
        options, tags = cell.metadata, cell.metadata.get("tags", [])
        if role == "solution":
            options |= {"tags": [*(t for t in tags if t != role), role]}
        else:
            if role != "test":
                options = {"tags": [SKIPPED]} if SKIPPED in tags else {}
            options |= {"nbgrader": grading(role, exercise.number, points)}
        found.append((options, source))
    return found


def student_cells(exercise: Exercise, points: int) -> list[tuple[dict, str]]:
    """What is left of a solution in the student's edition: cells to fill in, to try, to be graded.

    A page does not show them; a notebook does.
    """
    found = []
    for cell in exercise.solution.cells:
        for options, source in instructor_cells(cell, exercise, points):
            if "nbgrader" in options:
                skipped = [SKIPPED] * (SKIPPED in options.get("tags", []))
                mark = {"nbgrader": options["nbgrader"], "tags": [*skipped, "remove-cell"]}
                found.append((mark, emptied(source)))
    return found


def emptied(source: str) -> str:
    """A cell as nbgrader hands it out."""
    return HIDDEN.sub("", REGION.sub(rf"\1{WRITE}", source)).rstrip("\n")
