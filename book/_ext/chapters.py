"""Chapters as everything reads them that is made from them: plans, tables, editions, tests.

A chapter holds an exercise between `{exercise-start}` and `{exercise-end}`, its solution between
`{solution-start}` and `{solution-end}`. What its teacher is told stands in
`book/teaching/notes/NN-name.md`: a first section about the chapter, then one for each exercise,
with its label as heading, that begins with `:points: 2` and `:minutes: 8`.
"""

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import yaml
from markdown_it import MarkdownIt
from mdit_py_plugins.colon_fence import colon_fence_plugin

CHAPTER = re.compile(r"\d\d-[\w-]+")
DOC = re.compile(r"\{doc\}`(?:[^`<]*<)?(?:/book/)?(\d\d-[\w-]+)>?`")
INFO = re.compile(r"(?:\{([\w:-]+)\})?\s*(.*?)\s*$")
HEAD = re.compile(r"---\n(?:.*\n)*?---\n|(?::[\w-]+:.*\n)*")
OPTION = re.compile(r"^:([\w-]+):[ \t]*(.*?)[ \t]*$", re.M)
FIELD = re.compile(r"^:(points|minutes):[ \t]*(.*?)[ \t]*(?:\n|\Z)", re.M)
SECTION = re.compile(r"^# (.+?)[ \t]*\n((?:(?!# ).*\n?)*)", re.M)
PASSED = re.compile(r'^assert check\.answer\("(\d+\.\d+)", (.+)\) == "correct"$', re.M)
LABELLED_BY = {"exercise": "add `:label: ex-…`", "solution": "name its exercise"}
MARKDOWN = MarkdownIt().use(colon_fence_plugin)
MARKDOWN.core.ruler.enableOnly(["normalize", "block"])


class Fault(ValueError):
    """What is wrong with the sources, one line a fault: where, what, and what to do."""


def fault(path: Path, line: int, what: str, remedy: str) -> str:
    return f"{path.parent.name}/{path.name}:{line + 1}: {what}; {remedy}."


@dataclass(frozen=True)
class Cell:
    """A code cell: its lines `start:stop` with the fence, its options, its code."""

    start: int
    stop: int
    metadata: dict
    source: str


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
    """What the teacher is told below the heading in row `start`."""

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
    def kind(self) -> str:
        text = "\n".join(self.chapter.lines[self.text.start + 2 : self.text.stop])
        words = f"{text[:200]} {self.text.title}".lower()
        if found := re.search("by hand|in code|find the error", words):
            return found[0]
        raise Fault(
            f"{self.chapter.path}: exercise {self.label} does not say what kind it is; begin"
            " its text with (By hand.), (In code.) or (Find the error.)."
        )

    @cached_property
    def answer(self) -> str | None:
        """What the solution calls the answer; None if it passes no check."""
        code = "\n".join(c.source for c in self.solution.cells)
        return dict(PASSED.findall(code)).get(self.number)

    def _noted(self, name: str) -> int:
        note = self.chapter.remarks.get(self.label, Note(0, {}, ""))
        if note.fields.get(name, "").isdecimal():
            return int(note.fields[name])
        what = f"no note on the exercise {self.label!r}, or no whole number of {name} in it"
        remedy = f"write `# {self.label}`, and a line like `:{name}: 8` below"
        raise Fault(fault(self.chapter.notes, note.start, what, remedy))

    label = property(lambda self: self.text.label)
    points = property(lambda self: self._noted("points"))
    minutes = property(lambda self: self._noted("minutes"))


class Chapter:
    """A chapter's file. `numbers` are those of its exercises, where some are left out."""

    def __init__(self, path: Path, numbers: dict[str, int] | None = None):
        self.path, self.numbers = path, numbers or {}
        self.name, self.number = path.stem, int(path.stem[:2])
        self.notes = path.parent / "teaching/notes" / path.name  # what its teacher is told
        self.text = path.read_text(encoding="utf-8")
        self.lines = self.text.splitlines()
        # exercises and solutions in order; all code cells, in and out of them
        self.blocks, self.cells, self.gate_faults = parse(path, self.text)

    def _found(self, pattern: str, fault: str) -> re.Match:
        if found := re.search(pattern, self.text, re.M):
            return found
        raise Fault(f"{self.path}: {fault}.")

    @cached_property
    def title(self) -> str:
        return self._found(r"^# (.+)$", "there is no title; begin with a line like # Maps")[1]

    @cached_property
    def objectives(self) -> list[str]:
        box = re.search(r"\{admonition\} Objectives\n(.*?)^:::", self.text, re.M | re.S)
        if aims := re.findall(r"^\* (.*?) *$", box[1] if box else "", re.M):
            return aims
        raise Fault(f"{self.path}: there is no box of objectives with lines that begin with *.")

    @cached_property
    def minutes(self) -> tuple[int, int]:
        """To read, and to do."""
        lacking = "no line that begins with **Minutes.** tells them; it must begin like"
        line = r"^\*\*Minutes\.\*\*\s+(\d+) to read, (\d+) to do"
        found = self._found(line, f"{lacking} **Minutes.** 25 to read, 30 to do")
        return int(found[1]), int(found[2])

    @cached_property
    def prerequisites(self) -> dict[str, bool]:
        """Chapters that the line names, and whether they are needed, or of use for a part: where
        a clause says what *for* ("{doc}`06-isometry` for its maps"), or all, if it "reads alone".
        """
        lacking = "there is no line that begins with **Prerequisites.**; write one"
        line = self._found(r"^\*\*Prerequisites\.\*\*\s+(.+?)\s*$", lacking)[1]
        found = {}
        for clause in re.split(r";|\.(?:\s|$)", line):
            # the links that come before or after the word belong to it
            needed = "reads alone" not in line and not re.search(r"\bfor\b", clause)
            for name in DOC.findall(clause):
                found[name] = found.get(name, False) or needed
        return dict(sorted(found.items()))

    @cached_property
    def exercises(self) -> list[Exercise]:
        solutions = {b.label: b for b in reversed(self.blocks) if b.kind == "solution"}
        found = []
        for text in (block for block in self.blocks if block.kind == "exercise"):
            number = f"{self.number}.{self.numbers.get(text.label, len(found) + 1)}"
            found.append(Exercise(self, number, text, solutions.get(text.label)))
        return found

    @cached_property
    def owners(self) -> dict[int, Exercise]:
        """Whose solution a cell belongs to, by the cell's first line."""
        return {c.start: e for e in self.exercises if e.solution for c in e.solution.cells}

    @cached_property
    def remarks(self) -> dict[str, Note]:
        """The sections of the notes by their headings; nothing where there are none."""
        text = self.notes.read_text(encoding="utf-8") if self.notes.exists() else ""
        found = {}
        for section in SECTION.finditer(text):
            start, (name, inside) = text.count("\n", 0, section.start()), section.groups()
            found[name] = Note(start, dict(FIELD.findall(inside)), FIELD.sub("", inside).strip())
        return found


def read_cell(start: int, stop: int, body: str) -> Cell:
    """Options stand between `---`, or are `:name: value`, which is YAML but for a colon."""
    head = HEAD.match(body)
    options = yaml.safe_load(re.sub(r"^:|^---$", "", head[0], flags=re.M)) or {}
    return Cell(start, stop, options, body[head.end() :].strip("\n"))


def parse(path: Path, text: str) -> tuple[list[Block], list[Cell], list[str]]:
    """The gated blocks in order, all code cells, and the faults of fences and gates."""
    found, cells, faults, block = [], [], [], None
    for fence in (t for t in MARKDOWN.parse(text) if t.type.endswith("fence") and not t.level):
        (start, stop), body = fence.map, fence.content
        directive, argument = INFO.match(fence.info).groups("")
        if stop - start < body.count("\n") + 2:  # the parser closes it at the end of the page
            faults.append((start, "a fence that is never closed", "close it"))
            break
        if directive == "code-cell":
            cells.append(read_cell(start, stop, body))
            if block:
                block.cells.append(cells[-1])
        kind, _, gate = directive.partition("-")
        if kind not in LABELLED_BY:
            continue
        due = f"{{{block.kind}-end}}" if block else f"{{{kind}-start}}"
        if f"{{{directive}}}" != due:
            inside = block and f"inside the {block.kind} that began in line {block.start + 1}"
            what = f"{{{directive}}} {inside or f'without a {due}'}"
            faults.append((start, what, f"write {due} first"))
        if gate == "start":
            label = argument if kind == "solution" else dict(OPTION.findall(body)).get("label")
            if not label:
                faults.append((start, f"{kind} without a label", LABELLED_BY[kind]))
            block = Block(kind, label or "", argument, start)
        elif block:
            block.stop = stop
            found.append(block)
            block = None
    if block:
        what = f"{{{block.kind}-start}} without {{{block.kind}-end}}"
        faults.append((block.start, what, "write it"))
    return found, cells, [fault(path, *known) for known in faults]


def read_chapters(folder: Path, numbers: dict[str, dict] | None = None) -> dict[str, Chapter]:
    """The chapters of a folder by name; `numbers` of exercises by page and label, in a course."""
    paths = sorted(path for path in folder.glob("*.md") if CHAPTER.fullmatch(path.stem))
    return {p.stem: Chapter(p, (numbers or {}).get(f"book/{p.stem}")) for p in paths}
