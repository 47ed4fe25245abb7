"""Read the chapters' exercises and solutions, and name what is wrong with them: file, line, remedy.

A chapter holds an exercise between `{exercise-start}` and `{exercise-end}`, its solution between
`{solution-start}` and `{solution-end}`. The solution ends in a cell that asserts that
`check.answer` calls it correct. Everything that is made from chapters reads them here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

FENCE = re.compile(r"^(`{3,}|:{3,})(?:\{([\w:-]+)\})?\s*(.*)$")
OPTION = re.compile(r"^:([\w-]+):\s*(.*)$")
GATE = re.compile(r"^(exercise|solution)-(start|end)$")
LABELLED = re.compile(
    r"^\(([\w:.-]+)\)=$|^\s*(?::label:|:name:|name:)\s+([\w:.-]+)$"
    r"|^\$\$ \(([\w:.-]+)\)$|\bfigure: \{name: ([\w:.-]+),"
)
CHECK = re.compile(r'check\.answer\("(\d+\.\d+)",')
PASSED = re.compile(r'^assert check\.answer\("(\d+\.\d+)", (.+)\) == "correct"$', re.M)


class SourceError(ValueError):
    """What is wrong with the sources, one line a fault: file:line, what, and what to do."""


@dataclass(frozen=True)
class Cell:
    """A code cell of a chapter: its lines `start:stop` with the fence, and the code inside."""

    start: int
    stop: int
    options: str  # as written, with what encloses them
    source: str

    @property
    def metadata(self) -> dict:
        """The options as a notebook's metadata, in whichever of the two forms they are written."""
        if self.options.startswith("---"):
            return yaml.safe_load(self.options.strip("-\n")) or {}
        written = (OPTION.match(line).groups() for line in self.options.splitlines() if line)
        return {name: yaml.safe_load(value) for name, value in written}

    @property
    def tags(self) -> set[str]:
        return {*self.metadata.get("tags", [])}


@dataclass
class Block:
    """What stands between two gates: its lines `start:stop`, the gates included."""

    label: str
    title: str
    start: int
    stop: int = 0
    cells: list[Cell] = field(default_factory=list)


@dataclass
class Exercise:
    number: str  # "6.2", as `check.answer` knows it
    text: Block
    solution: Block

    @property
    def label(self) -> str:
        return self.text.label


@dataclass
class Chapter:
    path: Path
    name: str  # "06-isometry"
    lines: list[str]
    exercises: list[Exercise]
    cells: list[Cell]  # all of them, in and out of gates


def fault(path: Path, line: int, what: str, remedy: str) -> str:
    return f"{path.parent.name}/{path.name}:{line + 1}: {what}; {remedy}."


def fences(lines: list[str]) -> Iterator[tuple[int, int, str, str]]:
    """Every outermost fence as (first line, line after its last, directive, argument)."""
    row = 0
    while row < len(lines):
        found = FENCE.match(lines[row])
        if not found:
            row += 1
            continue
        close = re.compile(rf"^{found[1][0]}{{{len(found[1])},}}\s*$")
        end = next((k for k in range(row + 1, len(lines)) if close.match(lines[k])), None)
        if end is None:
            yield row, -1, found[2] or "", found[3]
            return
        yield row, end + 1, found[2] or "", found[3].strip()
        row = end + 1


def cell(lines: list[str], start: int, stop: int) -> Cell:
    body = lines[start + 1 : stop - 1]
    k = 0
    if body and body[0] == "---":
        k = body.index("---", 1) + 1
    else:
        while k < len(body) and OPTION.match(body[k]):
            k += 1
    source = "\n".join(body[k:]).strip("\n")
    return Cell(start, stop, "\n".join(body[:k]), source)


def blocks(path: Path, lines: list[str]) -> tuple[list[tuple[str, Block]], list[Cell], list[str]]:
    """The gated blocks in order, with their kind; all code cells; and the faults."""
    found, cells, faults = [], [], []
    kind, block = "", None
    for start, stop, directive, argument in fences(lines):
        if stop < 0:
            faults.append(fault(path, start, "a fence that is never closed", "close it"))
            break
        if directive == "code-cell":
            cells.append(cell(lines, start, stop))
            if block:
                block.cells.append(cells[-1])
        if directive in ("exercise", "solution"):
            what, remedy = f"{{{directive}}} without gates", f"write {{{directive}-start}} and -end"
            faults.append(fault(path, start, what, remedy))
        gate = GATE.match(directive)
        if not gate:
            continue
        if gate[2] == "start":
            if block:
                what = f"{{{directive}}} inside the {kind} that began in line {block.start + 1}"
                faults.append(fault(path, start, what, f"close that with {{{kind}-end}} first"))
            options = dict(m.groups() for m in map(OPTION.match, lines[start + 1 : stop]) if m)
            label = argument if gate[1] == "solution" else options.get("label", "")
            if not label:
                remedy = "add `:label: ex-…`" if gate[1] == "exercise" else "name its exercise"
                faults.append(fault(path, start, f"{gate[1]} without a label", remedy))
            kind, block = gate[1], Block(label, argument, start)
        elif block is None or kind != gate[1]:
            what = f"{{{directive}}} without a {{{gate[1]}-start}}"
            faults.append(fault(path, start, what, "open the block or take this line away"))
        else:
            block.stop = stop
            found.append((kind, block))
            block = None
    if block:
        what = f"{{{kind}-start}} without {{{kind}-end}}"
        faults.append(fault(path, block.start, what, f"close the {kind}"))
    return found, cells, faults


def read(path: Path) -> tuple[Chapter, list[str]]:
    """A chapter, and the faults of its exercises."""
    lines = path.read_text(encoding="utf-8").splitlines()
    gated, cells, faults = blocks(path, lines)
    texts = [block for kind, block in gated if kind == "exercise"]
    solutions: dict[str, Block] = {}
    for kind, block in gated:
        if kind == "exercise":
            continue
        if block.label not in {text.label for text in texts}:
            what = f"a solution of {block.label!r}, which is no exercise of this page"
            faults.append(fault(path, block.start, what, "give it the label of its exercise"))
        elif block.label in solutions:
            what = f"a second solution of {block.label!r}"
            faults.append(fault(path, block.start, what, "join it with the first"))
        solutions.setdefault(block.label, block)
    exercises = []
    for k, text in enumerate(texts, start=1):
        number = f"{int(path.name[:2])}.{k}"
        if text.label not in solutions:
            remedy = f"write one between {{solution-start}} {text.label} and {{solution-end}}"
            what = f"exercise {number} has no solution"
            faults.append(fault(path, text.start, what, remedy))
        else:
            exercises.append(Exercise(number, text, solutions[text.label]))
            faults += check_faults(path, lines, exercises[-1])
    faults += outside_faults(path, cells, exercises)
    return Chapter(path, path.stem, lines, exercises, cells), faults


def check_faults(path: Path, lines: list[str], exercise: Exercise) -> Iterator[str]:
    """An exercise that can be checked must have a solution that passes its check."""
    text = "\n".join(lines[exercise.text.start : exercise.text.stop])
    asked = CHECK.search(text)
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


def outside_faults(path: Path, cells: list[Cell], exercises: list[Exercise]) -> Iterator[str]:
    inside = {c.start for exercise in exercises for c in exercise.solution.cells}
    for c in cells:
        if c.start not in inside and (found := PASSED.search(c.source)):
            what = f"the answer to exercise {found[1]} stands outside its solution"
            yield fault(path, c.start, what, "move the cell between the gates of the solution")


def label_of(line: str) -> str | None:
    """The label that a line gives to what it stands at."""
    found = LABELLED.search(line)
    return next(filter(None, found.groups())) if found else None


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


def chapter_paths(root: Path) -> list[Path]:
    return sorted((root / "book").glob("[0-9][0-9]-*.md"))


def read_book(root: Path) -> list[Chapter]:
    """All chapters of the book.

    Raises:
        SourceError: names every fault of their exercises and labels.
    """
    from .names import borrowed  # it reads what this module defines

    read_in = [read(path) for path in chapter_paths(root)]
    faults = [fault for _, found in read_in for fault in found]
    faults += [fault for chapter, found in read_in if not found for fault in borrowed(chapter)]
    faults += label_faults(sorted((root / "book").glob("*.md")))
    if faults:
        raise SourceError("\n".join(faults))
    return [chapter for chapter, _ in read_in]
