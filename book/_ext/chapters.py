"""What the chapters say of themselves: objectives, minutes, prerequisites, exercises; and plans."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .editions.notes import FIELD, sections

CHAPTER = re.compile(r"\d\d-[\w-]+")
DOC = re.compile(r"\{doc\}`(?:[^`<]*<)?(?:/book/)?(\d\d-[\w-]+)>?`")
PART = re.compile(r"^\*\*(Prerequisites|Minutes)\.\*\*\s+(.+?)\s*$", re.M)
OBJECTIVES = re.compile(r"\{admonition\} Objectives\n(.*?)^:::", re.M | re.S)
EXERCISE = re.compile(
    r"^[`:]{3,}\{exercise(?:-start)?\}\s*(?P<title>.*?)\n:label:\s*(?P<label>\S+)(?P<text>.*?)"
    r"(?:^[`:]{3,}\{exercise-end\}|^[`:]{3,}\s*$)(?=\n\n|\Z)",
    re.M | re.S,
)
KINDS = ("by hand", "in code", "find the error")


class Fault(ValueError):
    """Something in the sources or in a plan; one sentence that says where, and what to do."""


@dataclass(frozen=True)
class Exercise:
    number: str  # "6.2": the second of chapter 6
    label: str
    title: str
    kind: str
    minutes: int


@dataclass(frozen=True)
class Chapter:
    path: Path
    text: str
    numbers: dict[str, int] | None = None  # of its exercises, where some are left out

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def number(self) -> int:
        return int(self.name[:2])

    @cached_property
    def title(self) -> str:
        return re.search(r"^# (.+)$", self.text, re.M)[1]

    def _part(self, name: str) -> str:
        found = {m[1]: m[2] for m in PART.finditer(self.text)}
        if name not in found:
            raise Fault(f"{self.path}: there is no line that begins with **{name}.** — write one.")
        return found[name]

    @cached_property
    def objectives(self) -> list[str]:
        found = OBJECTIVES.search(self.text)
        lines = found[1].splitlines() if found else []
        aims = [line.removeprefix("* ").strip() for line in lines if line.startswith("* ")]
        if not aims:
            raise Fault(f"{self.path}: there is no box of objectives with lines that begin with *.")
        return aims

    @cached_property
    def minutes(self) -> tuple[int, int]:
        """To read, and to do."""
        line = self._part("Minutes")
        found = re.match(r"(\d+) to read, (\d+) to do", line)
        if not found:
            raise Fault(f'{self.path}: "{line}" must begin like "25 to read, 30 to do".')
        return int(found[1]), int(found[2])

    @cached_property
    def prerequisites(self) -> dict[str, bool]:
        """Chapters that the line names; True: needed. False: of use for a part.

        A link counts as needed unless its clause says what it is *for* ("{doc}`06-isometry` for
        what equivalent models are"), or the line says that the chapter reads alone.
        """
        line = self._part("Prerequisites")
        alone = "reads alone" in line
        found = {}
        for clause in re.split(r";|\.(?:\s|$)", line):
            # the links that come before or after the word belong to it
            needed = not alone and not re.search(r"\bfor\b", clause)
            for name in DOC.findall(clause):
                found[name] = found.get(name, False) or needed
        return dict(sorted(found.items()))

    @cached_property
    def notes(self) -> Path:
        """What the chapter's teacher is told, exercise by exercise."""
        return self.path.parent / "teaching/notes" / self.path.name

    @cached_property
    def exercises(self) -> list[Exercise]:
        words = self.notes.read_text(encoding="utf-8") if self.notes.exists() else ""
        minutes = {
            label: int(field[2])
            for _, label, lines in sections(words.splitlines())
            for field in filter(None, map(FIELD.match, lines))
            if field[1] == "minutes" and field[2].isdecimal()
        }
        found = []
        for n, match in enumerate(EXERCISE.finditer(self.text), start=1):
            words = f"{match['text'][:200]} {match['title']}".lower()
            kind = next((kind for kind in KINDS if kind in words), None)
            if kind is None:
                raise Fault(
                    f"{self.path}: exercise {match['label']} does not say what kind it is; begin"
                    " its text with (By hand.), (In code.) or (Find the error.)."
                )
            label = match["label"]
            if label not in minutes:
                raise Fault(f"{self.notes}: {label} has no line like `:minutes: 8`; add it.")
            n = self.numbers.get(label, n) if self.numbers else n
            number = f"{self.number}.{n}"
            found.append(Exercise(number, label, match["title"], kind, minutes[label]))
        return found


def read_chapters(folder: Path, numbers: dict[str, dict] | None = None) -> dict[str, Chapter]:
    """The chapters of a folder by name, in the order of the book.

    `numbers` are those of the exercises, by page and label, of a course that left some out.
    """
    paths = sorted(path for path in folder.glob("*.md") if CHAPTER.fullmatch(path.stem))
    return {
        path.stem: Chapter(
            path, path.read_text(encoding="utf-8"), (numbers or {}).get(f"book/{path.stem}")
        )
        for path in paths
    }


def arrows(chapters: dict[str, Chapter]) -> Iterator[tuple[str, str, bool]]:
    """(prerequisite, chapter, needed) for each link of a prerequisites line."""
    for name, chapter in chapters.items():
        for before, needed in chapter.prerequisites.items():
            if before >= name:
                raise Fault(f"{chapter.path}: the prerequisite {before} comes later in the book.")
            if before in chapters:  # a course may have left it out
                yield before, name, needed


@dataclass(frozen=True)
class Step:
    """A line of a plan: `When | chapters | exercises | what to do together`."""

    when: str
    chapters: list[Chapter]
    exercises: list[Exercise]
    together: str
    read: int
    do: int


def read_plan(lines: list[str], chapters: dict[str, Chapter], without: set[int]) -> list[Step]:
    """The steps of a plan; a prerequisite must come before, or be named in `without`."""
    by_number = {chapter.number: chapter for chapter in chapters.values()}
    exercises = {e.number: e for c in chapters.values() for e in c.exercises}
    steps, seen, missing = [], set(), set()
    for line in lines:
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) != 4:
            raise Fault(f'"{line}" has {len(cells)} cells; write: when | 1, 2 | 1.1, 2.3 | what.')
        when, numbers, wanted, together = cells
        asked = [part.strip() for part in numbers.split(",") if part.strip()]
        unknown = [n for n in asked if not n.isdigit() or int(n) not in by_number]
        chosen = [part.strip() for part in wanted.split(",") if part.strip()]
        unknown += [n for n in chosen if n not in exercises]
        if unknown:
            raise Fault(f'"{when}": there is no {", ".join(unknown)} in the book; see its numbers.')
        here = [by_number[int(n)] for n in asked]
        for chapter in here:
            seen.add(chapter.number)
            needed = {int(n[:2]) for n, strictly in chapter.prerequisites.items() if strictly}
            missing |= needed - seen
        tasks = [exercises[n] for n in chosen]
        read = sum(chapter.minutes[0] for chapter in here)
        steps.append(Step(when, here, tasks, together, read, sum(task.minutes for task in tasks)))
    if missing != without:
        raise Fault(
            f"the plan lacks, or has too late, the prerequisites {sorted(missing)}, and names"
            f" {sorted(without)} as left out; add them, or say so in :without: and in the text."
        )
    return steps


def total(steps: list[Step]) -> tuple[int, int]:
    return sum(step.read for step in steps), sum(step.do for step in steps)
