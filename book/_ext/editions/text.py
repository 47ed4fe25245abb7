"""A chapter's text in the three editions: what readers, students and instructors get."""

from collections.abc import Iterable

import yaml

from ..chapters import Chapter
from . import assignment
from .course import Course

FENCE = ":" * 8  # longer than any in a teacher's note
BREAK = "+++"  # a new cell begins
TEACHERS = '+++ {"tags": ["solution"]}'  # one that no student may see


def code_cells(cells: Iterable[tuple[dict, str]]) -> list[str]:
    """Code cells as MyST writes them."""
    lines = []
    for options, source in cells:
        header = yaml.safe_dump(options, allow_unicode=True, sort_keys=True, width=10_000)
        lines += ["```{code-cell} ipython3", "---", *header.splitlines(), "---", source, "```", ""]
    return lines


def note(title: str, text: str, *, kind: str = "teacher") -> list[str]:
    """A cell of the teacher's."""
    box = [f"{FENCE}{{admonition}} For the teacher: {title}", f":class: {kind}", "", text, FENCE]
    return ["", TEACHERS, "", *box, "", BREAK, ""]


def edited(chapter: Chapter, edition: str, course: Course) -> str:
    """The chapter with the exercises that the course has.

    Readers get it as it stands. Students get cells to fill in where solutions were, which only
    notebooks show. Instructors get solutions in nbgrader's form, each with the teacher's note.
    """
    edits = []  # the lines start:stop become others
    for e in chapter.exercises:
        start, stop = e.solution.start, e.solution.stop
        if e.number not in course.exercises:
            edits += [(e.text.start, e.text.stop, []), (start, stop, [])]
        elif edition == "student":
            new = code_cells(assignment.student_cells(e, course.points_of(e)))
            edits.append((start, stop, new))
        elif edition == "instructor":
            points, minutes = course.points_of(e), e.minutes
            for c in e.solution.cells:
                new = code_cells(assignment.instructor_cells(c, e, points))
                edits.append((c.start, c.stop, new[:-1]))
            title = f"{points} point{'s' * (points != 1)}, {minutes} minute{'s' * (minutes != 1)}"
            said = note(title, chapter.remarks[e.label].text)
            edits += [(start, start, [BREAK, ""]), (stop, stop, said)]
    if chapter.exercises and not any(e.number in course.exercises for e in chapter.exercises):
        edits += [(k, k + 1, []) for k, line in enumerate(chapter.lines) if line == "## Exercises"]
    if edition == "instructor":
        about = next(iter(chapter.remarks.values())).text
        said = note("this chapter", about, kind="teacher dropdown")
        heads = (k for k, line in enumerate(chapter.lines, 1) if line.startswith("**Minutes.**"))
        edits += [(k, k, said) for k in heads]
    lines = [*chapter.lines]
    for start, stop, new in sorted(edits, key=lambda edit: edit[0], reverse=True):
        lines[start:stop] = new
    return "\n".join(lines) + "\n"
