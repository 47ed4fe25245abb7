"""A chapter's text in the three editions: what readers, students and instructors get."""

import re
from collections.abc import Callable

import yaml

from ..chapters import Chapter, Exercise
from . import assignment

Edit = tuple[int, int, list[str]]  # the lines start:stop become these
BREAK = "+++"  # a new cell begins
TEACHER = "teacher"
MINUTES = re.compile(r"^\*\*Minutes\.\*\*")


def code_cell(options: dict, source: str) -> list[str]:
    """A code cell as MyST writes it."""
    header = yaml.safe_dump(options, allow_unicode=True, sort_keys=True, width=10_000)
    return [
        "```{code-cell} ipython3",
        "---",
        *header.splitlines(),
        "---",
        *source.split("\n"),
        "```",
    ]


def counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def admonition(title: str, text: str, *, dropdown: bool = False) -> list[str]:
    kind = f"{TEACHER} dropdown" if dropdown else TEACHER
    fence = ":" * (max([2, *(len(m[0]) for m in re.finditer(r"^:{3,}", text, re.M))]) + 1)
    return [f"{fence}{{admonition}} {title}", f":class: {kind}", "", text, fence]


def apply(lines: list[str], edits: list[Edit]) -> str:
    """The lines with some of them replaced, from the last to the first."""
    lines = [*lines]
    for start, stop, new in sorted(edits, key=lambda edit: edit[0], reverse=True):
        lines[start:stop] = new
    return "\n".join(lines) + "\n"


def left_out(chapter: Chapter, numbers: frozenset[str]) -> list[Edit]:
    """The exercises that a course does not have, and their heading if none is left."""
    gone = [e for e in chapter.exercises if e.number not in numbers]
    edits: list[Edit] = []
    for exercise in gone:
        edits.append((exercise.text.start, exercise.text.stop, []))
        edits.append((exercise.solution.start, exercise.solution.stop, []))
    if gone and len(gone) == len(chapter.exercises):
        edits += [(k, k + 1, []) for k, li in enumerate(chapter.lines) if li == "## Exercises"]
    return edits


def kept(chapter: Chapter, numbers: frozenset[str]) -> list[Exercise]:
    return [e for e in chapter.exercises if e.number in numbers]


def reader(chapter: Chapter, numbers: frozenset[str]) -> str:
    """The chapter as it stands, with the exercises that the course has."""
    return apply(chapter.lines, left_out(chapter, numbers))


def student(chapter: Chapter, numbers: frozenset[str], points: Callable[[Exercise], int]) -> str:
    """Solutions give way to cells to fill in, which only notebooks show."""
    edits = left_out(chapter, numbers)
    for exercise in kept(chapter, numbers):
        new: list[str] = []
        for options, source in assignment.student_cells(exercise, points(exercise)):
            new += [*code_cell(options, source), ""]
        edits.append((exercise.solution.start, exercise.solution.stop, new))
    return apply(chapter.lines, edits)


def instructor(chapter: Chapter, numbers: frozenset[str], points: Callable[[Exercise], int]) -> str:
    """Solutions in nbgrader's form, each followed by the teacher's note; timing at the head."""
    edits = left_out(chapter, numbers)
    for exercise in kept(chapter, numbers):
        for c in exercise.solution.cells:
            new = []
            for options, source in assignment.instructor_cells(c, exercise, points(exercise)):
                new += [*code_cell(options, source), ""]
            edits.append((c.start, c.stop, new[:-1]))
        count = f"{counted(points(exercise), 'point')}, {counted(exercise.minutes, 'minute')}"
        note = chapter.remarks[exercise.label].text
        after = ["", *admonition(f"For the teacher: {count}", note), "", BREAK, ""]
        start, stop = exercise.solution.start, exercise.solution.stop
        edits += [(start, start, [BREAK, ""]), (stop, stop, after)]
    row = next((k for k, li in enumerate(chapter.lines) if MINUTES.match(li)), None)
    if row is not None:
        teaching = next(iter(chapter.remarks.values())).text
        head = admonition("For the teacher: this chapter", teaching, dropdown=True)
        edits.append((row + 1, row + 1, ["", BREAK, "", *head, "", BREAK, ""]))
    return apply(chapter.lines, edits)
