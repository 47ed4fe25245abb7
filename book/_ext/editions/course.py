"""course.toml: which chapters, exercises, points and data set make up a course."""

import difflib
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from ..chapters import Chapter, Fault
from .names import needs

KEYS = {"title": str, "chapters": list, "exercises": list, "points": dict, "dataset": str}


@dataclass(frozen=True)
class Course:
    """What to build; without a file, the whole book.

    `points` holds only those that differ from the teacher's notes.
    """

    chapters: tuple[str, ...]
    exercises: frozenset[str]
    title: str | None = None
    points: dict[str, int] = field(default_factory=dict)
    dataset: str | None = None


def whole(book: list[Chapter]) -> Course:
    numbers = frozenset(e.number for chapter in book for e in chapter.exercises)
    return Course(tuple(chapter.name for chapter in book), numbers)


def read(path: Path, book: list[Chapter], datasets: list[str]) -> Course:
    """The course of a file, held against the chapters, exercises and data sets there are.

    Raises:
        Fault: names every fault with its line, and what to write instead.
    """
    if not path.is_file():
        raise Fault(f"{path}: there is no such file; name one by COURSE=course.toml.")
    text = path.read_text(encoding="utf-8")
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Fault(f"{path}: this is not TOML: {error}; mend that line.") from None
    faults: list[str] = []

    def complain(word: object, what: str, remedy: str) -> None:
        rows = [r for r, line in enumerate(text.splitlines(), 1) if str(word) in line]
        faults.append(f"{path}:{rows[0] if rows else 1}: {what}; {remedy}.")

    for key, value in given.items():
        if key not in KEYS:
            complain(key, f"unknown key {key!r}", f"there are {', '.join(KEYS)}")
        elif not isinstance(value, KEYS[key]):
            complain(key, f"{key} is not a {KEYS[key].__name__}", "see the page For teachers")
    if faults:
        raise Fault("\n".join(faults))

    chapters = {chapter.name: chapter for chapter in book}
    names = given.get("chapters", [*chapters])
    for name in names:
        if name not in chapters:
            near = difflib.get_close_matches(str(name), chapters, n=1, cutoff=0.3)
            remedy = f"did you mean {near[0]!r}" if near else f"there are {', '.join(chapters)}"
            complain(name, f"there is no chapter {name!r}", remedy)
    if not names or len({*names}) < len(names):
        complain("chapters", "chapters are missing or named twice", "name each once")
    chosen = [chapters[name] for name in chapters if name in names]
    offered = [e.number for chapter in chosen for e in chapter.exercises]
    numbers = [str(number) for number in given.get("exercises", offered)]
    for number in numbers:
        if number not in offered:
            what = f"there is no exercise {number} in these chapters"
            complain(number, what, f"there are {', '.join(offered)}")
    for chapter in chosen:
        for number in (e.number for e in chapter.exercises if e.number in numbers):
            for other, taken in needs(chapter, number).items():
                if other not in numbers:
                    what = f"the solution of {number} uses {', '.join(sorted(taken))} of {other}"
                    complain(number, what, f"add {other}, or leave {number} out")
    for number, points in given.get("points", {}).items():
        if number not in numbers:
            complain(number, f"points for {number}, which the course does not have", "drop them")
        elif type(points) is not int or points < 0:
            complain(number, f"{points!r} points for {number}", "give a whole number from 0 on")
    if given.get("dataset", datasets[0]) not in datasets:
        what = f"there is no data set {given['dataset']!r}"
        complain(given["dataset"], what, f"there are {', '.join(datasets)}")
    if faults:
        raise Fault("\n".join(faults))
    return Course(
        tuple(chapter.name for chapter in chosen),
        frozenset(numbers),
        given.get("title"),
        given.get("points", {}),
        given.get("dataset"),
    )
