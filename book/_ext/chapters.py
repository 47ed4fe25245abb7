"""Chapters as everything reads them that is made from them: plans, tables, editions, tests.

A chapter holds an exercise between `{exercise-start}` and `{exercise-end}`, its solution between
`{solution-start}` and `{solution-end}`. What its teacher is told stands in
`book/teaching/notes/NN-name.md`: a first section about the chapter, then one for each exercise,
with its label as heading, that begins with `:points: 2` and `:minutes: 8`. Faults are named by file
and line, so blocks are read line by line: a Markdown parser closes what was left open.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import yaml

CHAPTER = re.compile(r"\d\d-[\w-]+")
DOC = re.compile(r"\{doc\}`(?:[^`<]*<)?(?:/book/)?(\d\d-[\w-]+)>?`")
FENCE = re.compile(r"^(`{3,}|:{3,})(?:\{([\w:-]+)\})?\s*(.*)$")
OPTION = re.compile(r"^:([\w-]+):\s*(.*)$")
GATE = re.compile(r"^(exercise|solution)-(start|end)$")
FIELD = re.compile(r"^:(?:points|minutes):")
KINDS = ("by hand", "in code", "find the error")


class Fault(ValueError):
    """What is wrong with the sources, one line a fault: where, what, and what to do."""


def fault(path: Path, line: int, what: str, remedy: str) -> str:
    return f"{path.parent.name}/{path.name}:{line + 1}: {what}; {remedy}."


def options(lines: Iterable[str]) -> dict[str, str]:
    """The lines `:name: value`."""
    return dict(found.groups() for found in map(OPTION.match, lines) if found)


@dataclass(frozen=True)
class Cell:
    """A code cell: its lines `start:stop` with the fence, the lines of its options, its code."""

    start: int
    stop: int
    header: list[str]
    source: str

    @property
    def metadata(self) -> dict:
        """The options as a notebook's metadata, in whichever of the two forms they are written."""
        if self.header[:1] == ["---"]:
            return yaml.safe_load("\n".join(self.header[1:-1])) or {}
        return {name: yaml.safe_load(value) for name, value in options(self.header).items()}

    @property
    def tags(self) -> set[str]:
        return {*self.metadata.get("tags", [])}


@dataclass
class Block:
    """What stands between two gates: its lines `start:stop`, the gates included."""

    kind: str  # exercise, solution
    label: str
    title: str
    start: int
    stop: int = 0
    cells: list[Cell] = field(default_factory=list)


@dataclass(frozen=True)
class Note:
    """What the teacher is told, from the heading in row `start` on."""

    start: int
    fields: dict[str, str]
    text: str


@dataclass(frozen=True, eq=False)
class Exercise:
    chapter: "Chapter" = field(repr=False)
    number: str  # "6.2": the second of chapter 6, as `check.answer` knows it
    text: Block
    solution: Block | None

    @property
    def label(self) -> str:
        return self.text.label

    @property
    def kind(self) -> str:
        text = "\n".join(self.chapter.lines[self.text.start + 2 : self.text.stop])
        words = f"{text[:200]} {self.text.title}".lower()
        if found := next((kind for kind in KINDS if kind in words), None):
            return found
        raise Fault(
            f"{self.chapter.path}: exercise {self.label} does not say what kind it is; begin"
            " its text with (By hand.), (In code.) or (Find the error.)."
        )

    @property
    def points(self) -> int:
        return self._noted("points")

    @property
    def minutes(self) -> int:
        return self._noted("minutes")

    def _noted(self, name: str) -> int:
        note = self.chapter.remarks.get(self.label)
        if note is None or not note.fields.get(name, "").isdecimal():
            raise Fault(
                f"{self.chapter.notes}: {self.label} has no line like `:{name}: 8`; add it."
            )
        return int(note.fields[name])


class Chapter:
    """A chapter's file. `numbers` are those of its exercises, where some are left out."""

    def __init__(self, path: Path, numbers: dict[str, int] | None = None):
        self.path, self.numbers = path, numbers or {}
        self.name, self.number = path.stem, int(path.stem[:2])
        self.notes = path.parent / "teaching/notes" / path.name  # what its teacher is told
        self.text = path.read_text(encoding="utf-8")
        self.lines = self.text.splitlines()
        # exercises and solutions in order; all code cells, in and out of them
        self.blocks, self.cells, self.gate_faults = parse(path, self.lines)

    @cached_property
    def title(self) -> str:
        return re.search(r"^# (.+)$", self.text, re.M)[1]

    def _part(self, name: str) -> str:
        found = re.search(rf"^\*\*{name}\.\*\*\s+(.+?)\s*$", self.text, re.M)
        if not found:
            raise Fault(f"{self.path}: there is no line that begins with **{name}.** — write one.")
        return found[1]

    @cached_property
    def objectives(self) -> list[str]:
        box = re.search(r"\{admonition\} Objectives\n(.*?)^:::", self.text, re.M | re.S)
        aims = re.findall(r"^\* (.*?) *$", box[1], re.M) if box else []
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
    def exercises(self) -> list[Exercise]:
        solutions = {b.label: b for b in reversed(self.blocks) if b.kind == "solution"}
        texts = [block for block in self.blocks if block.kind == "exercise"]
        return [
            Exercise(
                self, f"{self.number}.{self.numbers.get(t.label, n)}", t, solutions.get(t.label)
            )
            for n, t in enumerate(texts, start=1)
        ]

    @cached_property
    def remarks(self) -> dict[str, Note]:
        """The sections of the notes by their headings; nothing where there are none."""
        lines = self.notes.read_text(encoding="utf-8").splitlines() if self.notes.exists() else []
        starts = [row for row, line in enumerate(lines) if line.startswith("# ")]
        found = {}
        for start, stop in zip(starts, [*starts[1:], len(lines)], strict=True):
            inside = lines[start + 1 : stop]
            text = "\n".join(line for line in inside if not FIELD.match(line)).strip()
            fields = options(line for line in inside if FIELD.match(line))
            found[lines[start][2:].strip()] = Note(start, fields, text)
        return found


def fences(lines: list[str]) -> Iterator[tuple[int, int | None, str, str]]:
    """Every outermost fence as (first line, line after its last, directive, argument)."""
    row = 0
    while row < len(lines):
        found = FENCE.match(lines[row])
        if not found:
            row += 1
            continue
        close = re.compile(rf"^{found[1][0]}{{{len(found[1])},}}\s*$")
        end = next((k + 1 for k in range(row + 1, len(lines)) if close.match(lines[k])), None)
        yield row, end, found[2] or "", found[3].strip()
        row = end or len(lines)


def read_cell(lines: list[str], start: int, stop: int) -> Cell:
    body, k = lines[start + 1 : stop - 1], 0
    if body[:1] == ["---"]:
        k = body.index("---", 1) + 1
    else:
        while k < len(body) and OPTION.match(body[k]):
            k += 1
    return Cell(start, stop, body[:k], "\n".join(body[k:]).strip("\n"))


def parse(path: Path, lines: list[str]) -> tuple[list[Block], list[Cell], list[str]]:
    """The gated blocks in order, all code cells, and the faults of fences and gates."""
    found, cells, faults = [], [], []
    block = None

    def complain(row: int, what: str, remedy: str) -> None:
        faults.append(fault(path, row, what, remedy))

    for start, stop, directive, argument in fences(lines):
        if stop is None:
            complain(start, "a fence that is never closed", "close it")
            break
        if directive == "code-cell":
            cells.append(read_cell(lines, start, stop))
            if block:
                block.cells.append(cells[-1])
        if directive in ("exercise", "solution"):
            complain(
                start, f"{{{directive}}} without gates", f"write {{{directive}-start}} and -end"
            )
        gate = GATE.match(directive)
        if not gate:
            continue
        kind = gate[1]
        if gate[2] == "start":
            if block:
                what = (
                    f"{{{directive}}} inside the {block.kind} that began in line {block.start + 1}"
                )
                complain(start, what, f"close that with {{{block.kind}-end}} first")
            is_exercise = kind == "exercise"
            label = options(lines[start + 1 : stop]).get("label") if is_exercise else argument
            if not label:
                remedy = "add `:label: ex-…`" if is_exercise else "name its exercise"
                complain(start, f"{kind} without a label", remedy)
            block = Block(kind, label or "", argument, start)
        elif block is None or block.kind != kind:
            what = f"{{{directive}}} without a {{{kind}-start}}"
            complain(start, what, "open the block or take this line away")
        else:
            block.stop = stop
            found.append(block)
            block = None
    if block:
        what = f"{{{block.kind}-start}} without {{{block.kind}-end}}"
        complain(block.start, what, f"close the {block.kind}")
    return found, cells, faults


def read_chapters(folder: Path, numbers: dict[str, dict] | None = None) -> dict[str, Chapter]:
    """The chapters of a folder by name, in the order of the book.

    `numbers` are those of the exercises, by page and label, of a course that left some out.
    """
    numbers = numbers or {}
    paths = sorted(path for path in folder.glob("*.md") if CHAPTER.fullmatch(path.stem))
    return {path.stem: Chapter(path, numbers.get(f"book/{path.stem}")) for path in paths}
