"""What may be wrong with exercises, solutions, labels and notes: file, line, remedy.

A solution ends in a cell that asserts that `check.answer` calls it correct.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from ..chapters import PASSED, Chapter, Exercise, Fault, fault, read_chapters
from .names import borrowed

LABELLED = re.compile(  # the name of a page's kernel is none
    r"^\(([\w:.-]+)\)=$|^[ \t]*(?::label:|:name:|name:)[ \t]+(?!python3$)([\w:.-]+)$"
    r"|^\$\$ \(([\w:.-]+)\)$|\bfigure: \{name: ([\w:.-]+),",
    re.M,
)
CHECK = re.compile(r'check\.answer\("(\d+\.\d+)",')


def raise_all(faults: list[str]) -> None:
    if faults:
        raise Fault("\n".join(faults))


def read_book(root: Path) -> list[Chapter]:
    """All chapters of the book, or a Fault that names all those of their exercises and labels."""
    book, faults = [*read_chapters(root / "book").values()], []
    for chapter in book:
        faults += [*exercise_faults(chapter)] or borrowed(chapter)
    raise_all([*faults, *label_faults(sorted((root / "book").glob("*.md")))])
    return book


def exercise_faults(chapter: Chapter) -> Iterator[str]:
    """Exercises without a solution, solutions without an exercise, answers at the wrong place."""
    path, unsolved = chapter.path, {e.label for e in chapter.exercises}
    yield from chapter.gate_faults
    for block in (block for block in chapter.blocks if block.kind == "solution"):
        if block.label not in unsolved:
            what = f"a second solution of {block.label!r}, or one of no exercise of this page"
            yield fault(path, block.start, what, "give it the label of its exercise, or join them")
        unsolved.discard(block.label)
    for e in chapter.exercises:
        if e.solution:
            yield from check_faults(e)
        else:
            remedy = f"write one between {{solution-start}} {e.label} and {{solution-end}}"
            yield fault(path, e.text.start, f"exercise {e.number} has no solution", remedy)
    for c in chapter.cells:
        owner = chapter.owners.get(c.start)
        for number, _ in PASSED.findall(c.source):
            if owner is None or number != owner.number:
                what = f"the check of {number} stands outside its solution"
                yield fault(path, c.start, what, "move that line between the gates of the solution")


def check_faults(exercise: Exercise) -> Iterator[str]:
    """An exercise that can be checked must have a solution that passes its check."""
    number, text, solution = exercise.number, exercise.text, exercise.solution
    found = CHECK.search("\n".join(exercise.chapter.lines[text.start : text.stop]))
    asked, answer = found and found[1], exercise.answer
    path = exercise.chapter.path
    if asked not in (None, number):
        what = f"exercise {number} asks for the check of {asked}"
        yield fault(path, text.start, what, f'write check.answer("{number}", …)')
    elif asked and not answer:
        what = f"the check of exercise {number} has no solution that passes it"
        remedy = f'end the solution in a cell `assert check.answer("{number}", …) == "correct"`'
        yield fault(path, solution.start, what, remedy)
    elif answer and not answer.isidentifier():
        what = f"exercise {number} asserts {answer}, which has no name"
        remedy = f"assign it to answer_{number.partition('.')[2]} first"
        yield fault(path, solution.start, what, remedy)


def labels(text: str) -> Iterator[tuple[int, str]]:
    """The rows in which a text gives labels to what stands there, and the labels."""
    for found in LABELLED.finditer(text):
        yield text.count("\n", 0, found.start()), found[found.lastindex]


def label_faults(paths: list[Path]) -> Iterator[str]:
    """Labels that occur twice in the book."""
    seen: dict[str, str] = {}
    for path in paths:
        for row, label in labels(path.read_text(encoding="utf-8")):
            if label in seen:
                said = f"the label {label!r} is that of {seen[label]}"
                yield fault(path, row, said, "choose another")
            seen.setdefault(label, f"{path.parent.name}/{path.name}:{row + 1}")


def check_notes(chapter: Chapter) -> None:
    """A Fault where an exercise has no note, a note no exercise, or no points and minutes."""
    path, faults, known = chapter.notes, [], {e.label for e in chapter.exercises}
    if not chapter.remarks:
        what = f"{chapter.name} has no teacher's notes"
        raise Fault(fault(chapter.path, 0, what, f"write book/teaching/notes/{path.name}"))
    for label, note in [*chapter.remarks.items()][1:]:
        if label not in known:
            what = f"a note on {label!r}, which is no exercise of {chapter.name}"
            faults.append(fault(path, note.start, what, "name it by the label of an exercise"))
    for e in chapter.exercises:
        try:
            _ = e.points, e.minutes
        except Fault as lacking:
            faults.append(str(lacking))
    raise_all(faults)
