"""What may be wrong with exercises, solutions, labels and notes: file, line, remedy.

A solution ends in a cell that asserts that `check.answer` calls it correct.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from ..chapters import Chapter, Exercise, Fault, fault, read_chapters
from .names import borrowed

LABELLED = re.compile(
    r"^\(([\w:.-]+)\)=$|^\s*(?::label:|:name:|name:)\s+([\w:.-]+)$"
    r"|^\$\$ \(([\w:.-]+)\)$|\bfigure: \{name: ([\w:.-]+),"
)
CHECK = re.compile(r'check\.answer\("(\d+\.\d+)",')
PASSED = re.compile(r'^assert check\.answer\("(\d+\.\d+)", (.+)\) == "correct"$', re.M)


def read_book(root: Path) -> list[Chapter]:
    """All chapters of the book.

    Raises:
        Fault: names every fault of their exercises and labels.
    """
    book, faults = [*read_chapters(root / "book").values()], []
    for chapter in book:
        faults += [*exercise_faults(chapter)] or borrowed(chapter)
    faults += label_faults(sorted((root / "book").glob("*.md")))
    if faults:
        raise Fault("\n".join(faults))
    return book


def exercise_faults(chapter: Chapter) -> Iterator[str]:
    """Exercises without a solution, solutions without an exercise, answers at the wrong place."""
    path, seen = chapter.path, set()
    yield from chapter.gate_faults
    labels = {e.label for e in chapter.exercises}
    for block in (block for block in chapter.blocks if block.kind == "solution"):
        if block.label not in labels:
            what = f"a solution of {block.label!r}, which is no exercise of this page"
            yield fault(path, block.start, what, "give it the label of its exercise")
        elif block.label in seen:
            what = f"a second solution of {block.label!r}"
            yield fault(path, block.start, what, "join it with the first")
        seen.add(block.label)
    for e in chapter.exercises:
        if e.solution:
            yield from check_faults(e)
        else:
            remedy = f"write one between {{solution-start}} {e.label} and {{solution-end}}"
            yield fault(path, e.text.start, f"exercise {e.number} has no solution", remedy)
    inside = {c.start for e in chapter.exercises if e.solution for c in e.solution.cells}
    for c in chapter.cells:
        if c.start not in inside and (found := PASSED.search(c.source)):
            what = f"the answer to exercise {found[1]} stands outside its solution"
            yield fault(path, c.start, what, "move the cell between the gates of the solution")


def check_faults(exercise: Exercise) -> Iterator[str]:
    """An exercise that can be checked must have a solution that passes its check."""
    path, lines = exercise.chapter.path, exercise.chapter.lines
    asked = CHECK.search("\n".join(lines[exercise.text.start : exercise.text.stop]))
    passed = {m[1]: m[2] for c in exercise.solution.cells for m in PASSED.finditer(c.source)}
    number, place = exercise.number, exercise.solution.start
    if asked and asked[1] != number:
        what = f"exercise {number} asks for the check of {asked[1]}"
        yield fault(path, exercise.text.start, what, f'write check.answer("{number}", …)')
    elif asked and number not in passed:
        what = f"the check of exercise {number} has no solution that passes it"
        remedy = f'end the solution in a cell `assert check.answer("{number}", …) == "correct"`'
        yield fault(path, place, what, remedy)
    for other in passed.keys() - {number}:
        what = f"the solution of exercise {number} asserts the check of {other}"
        yield fault(path, place, what, "move that line to its own solution")
    if number in passed and not passed[number].isidentifier():
        what = f"exercise {number} asserts {passed[number]}, which has no name"
        yield fault(path, place, what, f"assign it to answer_{number.partition('.')[2]} first")


def label_of(line: str) -> str | None:
    """The label that a line gives to what it stands at."""
    found = LABELLED.search(line)
    return found[found.lastindex] if found else None


def label_faults(paths: list[Path]) -> Iterator[str]:
    """Labels that occur twice in the book."""
    seen: dict[str, str] = {}
    for path in paths:
        lines = path.read_text(encoding="utf-8").splitlines()
        header = lines.index("---", 1) if lines[:1] == ["---"] else 0
        for row, line in enumerate(lines):
            label = label_of(line)
            if not label or row < header:
                continue
            if label in seen:
                what = f"the label {label!r} is that of {seen[label]}"
                yield fault(path, row, what, "choose another")
            seen.setdefault(label, f"{path.parent.name}/{path.name}:{row + 1}")


def check_notes(chapter: Chapter) -> None:
    """Hold the teacher's notes of a chapter against its exercises.

    Raises:
        Fault: an exercise has no note, a note no exercise, or no whole points and minutes.
    """
    path, faults = chapter.notes, []
    if not path.exists():
        what = f"{chapter.name} has no teacher's notes"
        raise Fault(fault(chapter.path, 0, what, f"write book/teaching/notes/{path.name}"))
    _, *labels = chapter.remarks or [""]
    for label in labels:
        note = chapter.remarks[label]
        wrong = [n for n in ("points", "minutes") if not note.fields.get(n, "").isdecimal()]
        if label not in {e.label for e in chapter.exercises}:
            what = f"a note on {label!r}, which is no exercise of {chapter.name}"
            faults.append(fault(path, note.start, what, "name it by the label of an exercise"))
        if wrong:
            what = f"the note on {label!r} has no whole number of {' and '.join(wrong)}"
            faults.append(
                fault(path, note.start, what, f"write `:{wrong[0]}: 2` below its heading")
            )
    for e in chapter.exercises if not faults else ():
        if e.label not in labels:
            what = f"no note on the exercise {e.label!r} of {chapter.name}"
            faults.append(fault(path, 0, what, f"add a section `# {e.label}`"))
    if faults:
        raise Fault("\n".join(faults))
