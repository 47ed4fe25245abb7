"""course.toml: which chapters, exercises, points and data set make up a course."""

import difflib
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from ..chapters import Chapter, Exercise, Fault
from .names import needs
from .source import raise_all

KEYS = {"title": str, "chapters": list, "exercises": list, "points": dict, "dataset": str}


@dataclass(frozen=True)
class Course:
    """What to build; `points` holds only those that differ from the teacher's notes."""

    chapters: tuple[str, ...]
    exercises: frozenset[str]
    title: str | None = None
    points: dict[str, int] = field(default_factory=dict)
    dataset: str | None = None

    def points_of(self, exercise: Exercise) -> int:
        return self.points.get(exercise.number, exercise.points)


def whole(book: list[Chapter]) -> Course:
    numbers = frozenset(e.number for chapter in book for e in chapter.exercises)
    return Course(tuple(chapter.name for chapter in book), numbers)


def read(path: Path, book: list[Chapter], datasets: list[str]) -> Course:
    """The course of a file, held against the chapters, exercises and data sets there are."""
    if not path.is_file():
        raise Fault(f"{path}: there is no such file; name one by COURSE=course.toml.")
    text = path.read_text(encoding="utf-8")
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Fault(f"{path}: this is not TOML: {error}; mend that line.") from None
    faults: list[str] = []

    def complain(word: object, what: str, remedy: str) -> None:
        row = next((r for r, line in enumerate(text.splitlines(), 1) if str(word) in line), 1)
        faults.append(f"{path}:{row}: {what}; {remedy}.")

    def hold(names: list[str], offered: list[str], what: str) -> None:
        """Complain of each name that is not offered."""
        for name in (name for name in names if name not in offered):
            near = difflib.get_close_matches(str(name), offered, n=1, cutoff=0.7)
            remedy = f"did you mean {near[0]!r}" if near else f"there are {', '.join(offered)}"
            complain(name, what.format(name), remedy)

    hold([*given], [*KEYS], "unknown key {!r}")
    for key, kind in KEYS.items():
        if not isinstance(given.get(key, kind()), kind):
            complain(key, f"{key} is not a {kind.__name__}", "see the page For teachers")
    raise_all(faults)

    known = [chapter.name for chapter in book]
    names, points = given.get("chapters", known), given.get("points", {})
    hold(names, known, "there is no chapter {!r}")
    if not names or len({*names}) < len(names):
        complain("chapters", "chapters are missing or named twice", "name each once")
    chosen = [chapter for chapter in book if chapter.name in names]
    offered = [e.number for chapter in chosen for e in chapter.exercises]
    numbers = [str(number) for number in given.get("exercises", offered)]
    hold(numbers, offered, "there is no exercise {} in these chapters")
    hold([*points], numbers, "points for {}, which the course does not have")
    hold([given.get("dataset", datasets[0])], datasets, "there is no data set {!r}")
    for number, value in points.items():
        if type(value) is not int or value < 0:
            complain(number, f"{value!r} points for {number}", "give a whole number from 0 on")
    for e in (e for chapter in chosen for e in chapter.exercises if e.number in numbers):
        for other, taken in needs(e).items():
            if other not in numbers:
                what = f"the solution of {e.number} uses {', '.join(sorted(taken))} of {other}"
                complain(e.number, what, f"add {other}, or leave {e.number} out")
    raise_all(faults)
    title, dataset = given.get("title"), given.get("dataset")
    return Course(tuple(c.name for c in chosen), frozenset(numbers), title, points, dataset)
