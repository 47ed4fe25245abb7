"""An exercise's solution as cells to be filled in and graded: the student's and the instructor's.

The instructor's cells are the chapter's own with nbgrader's marks in comments; what they compute
is the same, and `meaning` shows it. The student's cells are what nbgrader makes of them.
"""

import ast
import re
from dataclasses import dataclass

from ..chapters import Cell, Exercise
from .source import PASSED

WRITE = "# Write your answer here, under this name: the points go by this cell."
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
BEGIN_HIDDEN, END_HIDDEN = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
REGION = re.compile(rf"^([ \t]*){BEGIN}\n.*?^[ \t]*{END}$", re.M | re.S)
HIDDEN = re.compile(rf"^{BEGIN_HIDDEN}\n.*?^{END_HIDDEN}\n?", re.M | re.S)
SKIPPED = "skip-execution"  # the answer rests on files that only the reader has


@dataclass(frozen=True)
class Piece:
    """A part of the solution's cells. role: answer, try, test, or solution (for the teacher)."""

    role: str
    source: str
    options: dict


def meaning(source: str) -> list[str]:
    """What code does, without comments, docstrings, and placeholders `name = ...`."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) and len(node.body) > 1:
            node.body = node.body[1:]
    kept = [node for node in tree.body if not is_placeholder(node)]
    return [ast.dump(node) for node in kept]


def is_placeholder(node: ast.stmt) -> bool:
    match node:
        case ast.Assign(value=ast.Constant(value=v)):
            return v is Ellipsis
    return False


def answer_name(exercise: Exercise) -> str | None:
    """The name under which the solution holds the answer; None if nothing is checked."""
    for c in exercise.solution.cells:
        if (found := PASSED.search(c.source)) and found[1] == exercise.number:
            return found[2]
    return None


def binds(node: ast.stmt, name: str) -> bool:
    match node:
        case ast.FunctionDef(name=n):
            return n == name
        case ast.Assign(targets=[ast.Name(id=n)]):
            return n == name
    return False


def is_try(node: ast.stmt, number: str) -> bool:
    match node:
        case ast.Expr(ast.Call(func=ast.Attribute(attr="answer"), args=[ast.Constant(n), _])):
            return n == number
    return False


def lines_of(source: str, nodes: list[ast.stmt], after: int) -> str:
    """The text of statements that follow each other, from row `after` on, comments included."""
    return "\n".join(source.split("\n")[after : nodes[-1].end_lineno]).strip("\n")


def wrap(source: str, indent: str = "") -> str:
    return f"{indent}{BEGIN}\n{source}\n{indent}{END}"


def fill_in(source: str, name: str, number: str) -> str:
    """The cell that binds the answer, with the marks between which nbgrader empties it."""
    nodes = ast.parse(source).body
    *helpers, node = nodes
    parts = []
    if helpers:
        parts.append(wrap(lines_of(source, helpers, 0)))
    rows = source.split("\n")
    if isinstance(node, ast.FunctionDef):
        first = node.body[0]
        head = rows[node.lineno - 1 : first.lineno - 1]
        body = rows[first.lineno - 1 : node.end_lineno]
        indent = " " * first.col_offset
        if ast.get_docstring(node):
            head += rows[first.lineno - 1 : first.end_lineno]
            body = rows[first.end_lineno : node.end_lineno]
        else:
            head.append(f'{indent}"""Your answer to exercise {number}."""')
        parts.append("\n".join([*head, wrap("\n".join(body), indent)]))
        return "\n\n\n".join(parts)
    text = "\n".join(rows[node.lineno - 1 : node.end_lineno])
    return "\n".join([*parts, f"{name} = ...", wrap(text)])


def pieces(c: Cell, exercise: Exercise, name: str | None) -> list[Piece]:
    """A cell of a solution, cut where the student's part begins and ends."""
    options, number, nodes = c.metadata, exercise.number, ast.parse(c.source).body
    bound = [k for k, node in enumerate(nodes) if name and binds(node, name)]
    split, found = 0, []

    def cut(stop: int, role: str) -> None:
        nonlocal split
        if stop > split:
            after = nodes[split - 1].end_lineno if split else 0
            text = lines_of(c.source, nodes[split:stop], after)
            if role == "answer":
                text = fill_in(text, name, number)
            if role == "test":
                note = f"# This cell gives the points of exercise {number}."
                text = f"{note}\n{BEGIN_HIDDEN}\n{text}\n{END_HIDDEN}"
            found.append(Piece(role, text, options))
            split = stop

    if bound:
        cut(bound[-1] + 1, "answer")
    if PASSED.match(c.source):
        cut(1, "test" if SKIPPED not in c.tags else "solution")
    if nodes and is_try(nodes[-1], number):
        cut(len(nodes) - 1, "solution")
        cut(len(nodes), "try")
    cut(len(nodes), "solution")
    return found


def grading(role: str, number: str, points: int) -> dict:
    """nbgrader's metadata of a cell."""
    shared = {"schema_version": 3, "task": False}
    grade_id = f"{role}-{number.replace('.', '-')}"
    if role == "answer":
        own = {"grade": False, "locked": False, "solution": True}
    elif role == "try":
        own = {"grade": False, "locked": True, "solution": False}
    else:
        own = {"grade": True, "locked": True, "solution": False, "points": points}
    return dict(sorted((shared | own | {"grade_id": grade_id}).items()))


def tagged(options: dict, *tags: str) -> dict:
    kept = [tag for tag in options.get("tags", []) if tag not in tags]
    return options | {"tags": [*kept, *tags]}


def instructor_cells(c: Cell, exercise: Exercise, points: int) -> list[tuple[dict, str]]:
    """A solution's cell in the instructor's edition: metadata and source of what it becomes."""
    found = []
    for piece in pieces(c, exercise, answer_name(exercise)):
        if piece.role == "solution":
            found.append((tagged(piece.options, "solution"), piece.source))
        else:
            options = piece.options if piece.role == "test" else keep_skip(piece.options)
            mark = {"nbgrader": grading(piece.role, exercise.number, points)}
            found.append((options | mark, piece.source))
    return found


def keep_skip(options: dict) -> dict:
    return {"tags": [SKIPPED]} if SKIPPED in options.get("tags", []) else {}


def student_cells(exercise: Exercise, points: int) -> list[tuple[dict, str]]:
    """What is left of a solution in the student's edition: cells to fill in, to try, to be graded.

    A page does not show them; a notebook does.
    """
    found = []
    for c in exercise.solution.cells:
        for options, source in instructor_cells(c, exercise, points):
            if "nbgrader" in options:
                left = {"nbgrader": options["nbgrader"]} | keep_skip(options)
                found.append((tagged(left, "remove-cell"), emptied(source)))
    return found


def emptied(source: str) -> str:
    """A cell as nbgrader hands it out."""
    return HIDDEN.sub("", REGION.sub(rf"\1{WRITE}", source)).rstrip("\n")
