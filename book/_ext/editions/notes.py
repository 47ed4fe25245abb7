"""The teacher's notes of a chapter: book/teaching/notes/NN-name.md.

The first section is about the chapter, the others are named by the labels of its exercises and
begin with `:points: 2` and `:minutes: 8`.
"""

import re
from dataclasses import dataclass

from .source import Chapter, SourceError, fault

FIELD = re.compile(r"^:(points|minutes):\s*(.*)$")


@dataclass(frozen=True)
class Note:
    points: int
    minutes: int
    text: str


@dataclass(frozen=True)
class Notes:
    teaching: str
    exercises: dict[str, Note]  # by label


def sections(lines: list[str]) -> list[tuple[int, str, list[str]]]:
    """The parts of the file as (line of its heading, heading, lines below it)."""
    starts = [row for row, line in enumerate(lines) if line.startswith("# ")]
    stops = [*starts[1:], len(lines)]
    return [
        (row, lines[row][2:].strip(), lines[row + 1 : stop])
        for row, stop in zip(starts, stops, strict=True)
    ]


def read(chapter: Chapter) -> Notes:
    """The notes of a chapter.

    Raises:
        SourceError: an exercise has no note, a note no exercise, or no whole points and minutes.
    """
    path = chapter.path.parent / "teaching/notes" / chapter.path.name
    labels = [exercise.label for exercise in chapter.exercises]
    if not path.exists():
        what = f"{chapter.name} has no teacher's notes"
        raise SourceError(fault(chapter.path, 0, what, f"write book/teaching/notes/{path.name}"))
    (_, _, teaching), *rest = sections(path.read_text(encoding="utf-8").splitlines()) or [
        (0, "", [])
    ]
    faults, notes = [], {}
    for row, label, lines in rest:
        fields = dict(m.groups() for m in map(FIELD.match, lines) if m)
        wrong = [n for n in ("points", "minutes") if not re.fullmatch(r"\d+", fields.get(n, ""))]
        if label not in labels:
            what = f"a note on {label!r}, which is no exercise of {chapter.name}"
            faults.append(fault(path, row, what, "name it by the label of an exercise"))
        if wrong:
            what = f"the note on {label!r} has no whole number of {' and '.join(wrong)}"
            faults.append(fault(path, row, what, f"write `:{wrong[0]}: 2` below its heading"))
            continue
        text = "\n".join(line for line in lines if not FIELD.match(line)).strip()
        notes[label] = Note(int(fields["points"]), int(fields["minutes"]), text)
    for label in labels:
        if label not in notes and not faults:
            what = f"no note on the exercise {label!r} of {chapter.name}"
            faults.append(fault(path, 0, what, f"add a section `# {label}`"))
    if faults:
        raise SourceError("\n".join(faults))
    return Notes("\n".join(teaching).strip(), notes)
